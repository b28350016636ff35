//! Hashes keys, unpredictably.

use std::hash::{BuildHasher as _, Hasher as _};

use ahash::RandomState;
use tooloo_key::Key;

/// Hashes a key by its bytes alone, without what keeps several texts apart that are hashed one after the other.
#[derive(Debug, Default)]
pub(super) struct ByBytes(RandomState);

impl ByBytes {
    #[inline]
    pub(super) fn hash(&self, key: &Key) -> u64 {
        let mut hasher = self.0.build_hasher();
        hasher.write(key.as_bytes());
        hasher.finish()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn keys_are_hashed_by_what_they_are(one in "\\PC{0,40}", other in "\\PC{0,40}") {
            let hasher = ByBytes::default();
            let hash = |text: &str| hasher.hash(&Key::from(text));
            prop_assert_eq!(hash(&one), hash(&one.clone()));
            prop_assert_eq!(one == other, hash(&one) == hash(&other));
            // What is longer by nothing but zeros, or one byte, is another key.
            prop_assert_ne!(hash(&one), hash(&format!("{one}\0")));
        }
    }
}
