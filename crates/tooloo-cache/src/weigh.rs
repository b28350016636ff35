//! How much of a bound an entry takes.

/// Tells the size and the weight of an entry.
///
/// A closure from key and value to bytes does; each entry then weighs one.
pub trait Weigh<K, V>: Send + Sync + 'static {
    /// Returns the bytes that key and value take, also those that they point at.
    fn bytes(&self, key: &K, value: &V) -> u64;

    /// Returns the weight, for the bound on that.
    fn weight(&self, key: &K, value: &V) -> u32 {
        let _ = (key, value);
        1
    }
}

/// Takes the bytes of key and value themselves, and nothing that they point at.
#[derive(Clone, Copy, Debug, Default)]
pub struct Shallow;

impl<K, V> Weigh<K, V> for Shallow {
    fn bytes(&self, _key: &K, _value: &V) -> u64 {
        (size_of::<K>() + size_of::<V>()) as u64
    }
}

impl<K, V, F> Weigh<K, V> for F
where
    F: Fn(&K, &V) -> u64 + Send + Sync + 'static,
{
    fn bytes(&self, key: &K, value: &V) -> u64 {
        self(key, value)
    }
}
