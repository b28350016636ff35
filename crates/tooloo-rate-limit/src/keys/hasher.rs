//! Hashes keys for the map, which holds nothing but keys.

use std::hash::{BuildHasher, Hasher};

use ahash::{AHasher, RandomState};

/// Hashes a key by its bytes alone, unpredictably.
#[derive(Clone, Debug, Default)]
pub(super) struct ByBytes(RandomState);

/// Passes over what keeps several texts apart that are hashed one after the other: here there is one.
#[derive(Debug)]
pub(super) struct BytesHasher(AHasher);

impl BuildHasher for ByBytes {
    type Hasher = BytesHasher;

    #[inline]
    fn build_hasher(&self) -> BytesHasher {
        BytesHasher(self.0.build_hasher())
    }
}

impl Hasher for BytesHasher {
    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        self.0.write(bytes);
    }

    #[inline]
    fn write_u8(&mut self, _: u8) {}

    #[inline]
    fn finish(&self) -> u64 {
        self.0.finish()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tooloo_key::Key;

    use super::*;

    proptest! {
        #[test]
        fn keys_are_hashed_by_what_they_are(one in "\\PC{0,40}", other in "\\PC{0,40}") {
            let hasher = ByBytes::default();
            let hash = |text: &str| hasher.hash_one(Key::from(text));
            prop_assert_eq!(hash(&one), hash(&one.clone()));
            prop_assert_eq!(one == other, hash(&one) == hash(&other));
            // What is longer by nothing but zeros, or one byte, is another key.
            prop_assert_ne!(hash(&one), hash(&format!("{one}\0")));
        }
    }
}
