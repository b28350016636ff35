//! Keys that memory keeps as their bytes.

use std::{
    borrow::Cow,
    hash::{Hash, Hasher},
    sync::Arc,
};

use quick_cache::Equivalent;

use super::short::Short;
use crate::CacheKey;

/// The bytes of a key.
///
/// Short ones lie in the table itself, where a pointer to them would: a lookup reads one cache line less.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Text {
    Short(Short),
    Long(Arc<[u8]>),
}

/// What a key that is not short is looked up by.
pub(super) struct Long<'a>(pub(super) &'a [u8]);

impl Text {
    #[inline]
    pub(super) fn of<K: CacheKey>(key: &K) -> Self {
        match Short::new(&key.bytes()) {
            Some(short) => Self::Short(short),
            None => Self::Long(key.shared_bytes()),
        }
    }

    pub(super) fn bytes(&self) -> Cow<'_, [u8]> {
        match self {
            Self::Short(short) => Cow::Owned(short.to_vec()),
            Self::Long(bytes) => Cow::Borrowed(bytes),
        }
    }
}

impl Hash for Text {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Self::Short(short) => short.hash(state),
            Self::Long(bytes) => Long(bytes).hash(state),
        }
    }
}

impl Hash for Long<'_> {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(self.0);
    }
}

impl Equivalent<Text> for Short {
    #[inline]
    fn equivalent(&self, text: &Text) -> bool {
        matches!(text, Text::Short(short) if short == self)
    }
}

impl Equivalent<Text> for Long<'_> {
    #[inline]
    fn equivalent(&self, text: &Text) -> bool {
        matches!(text, Text::Long(bytes) if **bytes == *self.0)
    }
}

#[cfg(test)]
mod tests {
    use std::hash::BuildHasher;

    use quick_cache::DefaultHashBuilder;

    use super::*;
    use crate::memory::short::LONGEST;

    #[test]
    fn a_key_is_found_by_its_bytes_however_long_it_is() {
        let hasher = DefaultHashBuilder::default();
        for length in [0, 1, 7, 8, 15, 16, LONGEST, LONGEST + 1, 100] {
            let key = "k".repeat(length);
            let text = Text::of(&key);
            let key = key.as_bytes();
            assert_eq!(text.bytes(), key);
            let hash = hasher.hash_one(&text);
            if let Some(short) = Short::new(key) {
                assert!(short.equivalent(&text));
                assert_eq!(hasher.hash_one(short), hash);
            } else {
                assert!(Long(key).equivalent(&text));
                assert_eq!(hasher.hash_one(Long(key)), hash);
            }
        }
    }

    #[test]
    fn a_text_takes_no_more_than_a_string() {
        assert_eq!(size_of::<Text>(), size_of::<String>());
    }
}
