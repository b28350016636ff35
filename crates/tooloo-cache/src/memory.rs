//! The memory tier.

mod short;
mod table;
mod text;

use std::{borrow::Cow, mem::size_of};

pub(crate) use self::table::Evicted;
use self::{
    short::Short,
    table::{Kept, Table},
    text::{Long, Text},
};
use crate::{CacheKey, Entry, LookupKey, MemoryConfig};

/// What an entry takes beside its key and its value.
const OVERHEAD: u64 = (size_of::<Entry<()>>() + size_of::<crate::Record>() + 96) as u64;

/// Entries in memory.
pub(crate) struct Memory<K, V> {
    table: By<Table<Text, K, V>, Table<K, K, V>>,
}

/// What entries are found by.
pub(crate) enum By<T, K> {
    /// The bytes of keys that borrow them.
    Text(T),
    Key(K),
}

/// What an entry that is in memory is found by.
pub(crate) type Held<'a, K> = By<&'a Text, &'a K>;

impl<K: CacheKey, V> Memory<K, V> {
    pub(crate) fn new(config: &MemoryConfig) -> Self {
        let table = if K::IS_TEXT {
            By::Text(Table::new(config))
        } else {
            By::Key(Table::new(config))
        };
        Self { table }
    }

    #[inline]
    pub(crate) fn get<Q: LookupKey<K> + ?Sized>(&self, key: &Q) -> Option<Entry<V>> {
        match &self.table {
            By::Text(table) => {
                let bytes = key.lookup_bytes();
                // One type for both would be built and then copied, and the processor waits for such a copy.
                match Short::new(&bytes) {
                    Some(short) => table.get(&short),
                    None => table.get(&Long(&bytes)),
                }
            }
            By::Key(table) => table.get(key),
        }
    }

    /// Stores an entry; what goes for it is left in `evicted`.
    ///
    /// Whoever stores or removes the same key meanwhile has it counted wrong.
    #[inline]
    pub(crate) fn insert(&self, key: &K, entry: Entry<V>, evicted: &mut Evicted<K, V>) {
        match &self.table {
            By::Text(table) => table.insert(Text::of(key), entry, evicted),
            By::Key(table) => table.insert(key.clone(), entry, evicted),
        }
    }

    pub(crate) fn remove(&self, key: &K) -> Option<Entry<V>> {
        match &self.table {
            By::Text(table) => {
                let bytes = key.bytes();
                match Short::new(&bytes) {
                    Some(short) => table.remove(&short),
                    None => table.remove(&Long(&bytes)),
                }
            }
            By::Key(table) => table.remove(key),
        }
    }

    /// Removes this very entry.
    pub(crate) fn remove_if_same<Q: LookupKey<K> + ?Sized>(&self, key: &Q, entry: &Entry<V>) {
        match &self.table {
            By::Text(table) => {
                let bytes = key.lookup_bytes();
                match Short::new(&bytes) {
                    Some(short) => table.remove_if_same(&short, entry),
                    None => table.remove_if_same(&Long(&bytes), entry),
                }
            }
            By::Key(table) => table.remove_if_same(key, entry),
        }
    }

    /// Keeps the entries that `keep` says so of.
    pub(crate) fn retain(&self, keep: impl Fn(&Held<'_, K>, &Entry<V>) -> bool) {
        match &self.table {
            By::Text(table) => table.retain(|text, entry| keep(&By::Text(text), entry)),
            By::Key(table) => table.retain(|key, entry| keep(&By::Key(key), entry)),
        }
    }

    pub(crate) fn clear(&self) {
        match &self.table {
            By::Text(table) => table.clear(),
            By::Key(table) => table.clear(),
        }
    }

    pub(crate) fn len(&self) -> u64 {
        match &self.table {
            By::Text(table) => table.len(),
            By::Key(table) => table.len(),
        }
    }

    pub(crate) fn bytes(&self) -> u64 {
        match &self.table {
            By::Text(table) => table.bytes(),
            By::Key(table) => table.bytes(),
        }
    }
}

impl<K: CacheKey> Kept<K> for K {
    fn into_key(self) -> Option<K> {
        Some(self)
    }
}

impl<K> Kept<K> for Text {
    fn into_key(self) -> Option<K> {
        None
    }
}

impl<K: CacheKey> Held<'_, K> {
    /// Returns the key's bytes.
    pub(crate) fn bytes(&self) -> Cow<'_, [u8]> {
        match self {
            By::Text(text) => text.bytes(),
            By::Key(key) => key.bytes(),
        }
    }
}

/// Returns the bytes that count for an entry of so many bytes of key and value.
pub(crate) fn with_overhead(bytes: u64) -> u64 {
    bytes.saturating_add(OVERHEAD)
}
