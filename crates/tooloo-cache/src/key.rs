//! What a cache finds its entries by.

use std::{borrow::Cow, hash::Hash, str, sync::Arc};

use quick_cache::Equivalent;

/// A key: equal and hashed in memory, unless it is [text](Self::IS_TEXT), and bytes outside of it.
///
/// The bytes are what disks and other processes know the key by, and what a purge by prefix compares; two
/// keys that differ have different bytes.
pub trait CacheKey: Clone + Eq + Hash + Send + Sync + Sized + 'static {
    /// Whether a key is text: a pointer to bytes, which [`bytes`](Self::bytes) borrows.
    ///
    /// Memory then keeps the bytes instead of the key, short ones in its table, and looks keys up by their bytes: keys
    /// that are equal are to have the same.
    const IS_TEXT: bool = false;

    /// Returns the key as bytes.
    fn bytes(&self) -> Cow<'_, [u8]>;

    /// Returns the key as bytes to keep; a key whose clones share its bytes shares them here as well.
    fn shared_bytes(&self) -> Arc<[u8]> {
        self.bytes().into()
    }

    /// Returns the key that has these bytes; `None` where they are no key's.
    fn from_bytes(bytes: &[u8]) -> Option<Self>;
}

/// What a key is looked up by: itself, or a borrowed form of it such as `str`.
pub trait LookupKey<K>: Hash + Equivalent<K> {
    /// Returns the key's bytes.
    fn lookup_bytes(&self) -> Cow<'_, [u8]>;

    /// Returns the key, where memory alone does not answer.
    fn to_key(&self) -> K;
}

impl<K: CacheKey> LookupKey<K> for K {
    #[inline]
    fn lookup_bytes(&self) -> Cow<'_, [u8]> {
        self.bytes()
    }

    fn to_key(&self) -> K {
        self.clone()
    }
}

macro_rules! borrowed {
    ($($owned:ty),*) => {$(
        impl LookupKey<$owned> for str {
            #[inline]
            fn lookup_bytes(&self) -> Cow<'_, [u8]> {
                Cow::Borrowed(self.as_bytes())
            }

            fn to_key(&self) -> $owned {
                self.into()
            }
        }
    )*};
}

borrowed!(String, Arc<str>, Box<str>);

impl CacheKey for String {
    const IS_TEXT: bool = true;

    #[inline]
    fn bytes(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(self.as_bytes())
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        str::from_utf8(bytes).ok().map(Self::from)
    }
}

impl CacheKey for Arc<str> {
    const IS_TEXT: bool = true;

    #[inline]
    fn bytes(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(self.as_bytes())
    }

    fn shared_bytes(&self) -> Arc<[u8]> {
        Arc::clone(self).into()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        str::from_utf8(bytes).ok().map(Self::from)
    }
}

impl CacheKey for Box<str> {
    const IS_TEXT: bool = true;

    #[inline]
    fn bytes(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(self.as_bytes())
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        str::from_utf8(bytes).ok().map(Self::from)
    }
}

macro_rules! numbers {
    ($($number:ty),*) => {$(
        /// The bytes are in order of size, so that neighbours lie together on a disk.
        impl CacheKey for $number {
            fn bytes(&self) -> Cow<'_, [u8]> {
                Cow::Owned(self.to_be_bytes().to_vec())
            }

            fn from_bytes(bytes: &[u8]) -> Option<Self> {
                bytes.try_into().ok().map(Self::from_be_bytes)
            }
        }
    )*};
}

numbers!(u32, u64, u128);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_comes_back_from_its_bytes() {
        let key: Arc<str> = "users/7".into();
        assert_eq!(CacheKey::from_bytes(&key.bytes()), Some(key));
        assert_eq!(CacheKey::from_bytes(&7_u64.bytes()), Some(7_u64));
        assert_eq!(<u64 as CacheKey>::from_bytes(b"7"), None);
        assert_eq!(<String as CacheKey>::from_bytes(&[0xff]), None);
    }
}
