//! Bounds on bytes and weight.

use std::num::NonZeroU64;

use tooloo_cache::{Cache, CacheConfig, MemoryConfig, TierFigures, Weigh};
use tooloo_hub::Observe as _;

struct ByValue;

impl Weigh<u64, u64> for ByValue {
    fn bytes(&self, _key: &u64, value: &u64) -> u64 {
        *value
    }

    fn weight(&self, key: &u64, _value: &u64) -> u32 {
        u32::try_from(key % 10).expect("it is below ten") + 1
    }
}

fn memory(cache: &Cache<u64, u64>) -> TierFigures {
    cache.handle().snapshot().tiers.memory
}

fn number(number: u64) -> NonZeroU64 {
    number.try_into().expect("it is above zero")
}

#[tokio::test(start_paused = true)]
async fn holds_no_more_bytes_than_its_bound() {
    let config = MemoryConfig::new().with_max_bytes(number(1 << 20));
    let cache = Cache::builder(CacheConfig::new().with_memory(config))
        .with_weigher(|_: &u64, value: &u64| *value)
        .build();
    for key in 0..10_000 {
        cache.insert(key, 500 + key % 5000);
        assert!(memory(&cache).bytes <= Some(1 << 20));
    }
    let snapshot = cache.handle().snapshot();
    let memory = snapshot.tiers.memory;
    assert!(memory.bytes > Some(1 << 19), "{memory:?}");
    assert_eq!(snapshot.evictions + memory.entries.unwrap(), 10_000);
}

#[tokio::test(start_paused = true)]
async fn a_value_that_takes_the_place_of_its_keys_own_evicts_nothing() {
    let config = MemoryConfig::new().with_max_bytes(number(1 << 20));
    let cache = Cache::builder(CacheConfig::new().with_memory(config))
        .with_weigher(|_: &u64, value: &u64| *value)
        .build();
    for value in 0..100 {
        cache.insert(1, value);
    }
    let snapshot = cache.handle().snapshot();
    assert_eq!((snapshot.writes, snapshot.evictions), (100, 0));
    assert_eq!(snapshot.tiers.memory.entries, Some(1));
}

#[tokio::test(start_paused = true)]
async fn holds_both_of_two_bounds() {
    let config = MemoryConfig::new()
        .with_max_bytes(number(1 << 20))
        .with_max_weight(number(2000));
    let config = CacheConfig::new().with_memory(config);
    let cache = Cache::builder(config).with_weigher(ByValue).build();
    // First the weight is the tighter bound, then the bytes are.
    for (keys, bytes) in [(0..5000, 10), (5000..10_000, 10_000)] {
        for key in keys {
            cache.insert(key, bytes);
        }
        let mut weight = 0;
        let mut bytes = 0;
        for key in 0..10_000 {
            if let Some(entry) = cache.get_in_memory(&key) {
                weight += entry.record().weight;
                bytes += entry.record().bytes;
            }
        }
        assert!(weight <= 2000 && bytes <= 1 << 20, "{weight} {bytes}");
        assert!(weight > 200, "{weight}");
        assert_eq!(memory(&cache).bytes, Some(bytes));
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_larger_than_the_bound_is_not_kept() {
    let config = MemoryConfig::new().with_max_bytes(number(1000));
    let cache = Cache::builder(CacheConfig::new().with_memory(config))
        .with_weigher(|_: &u64, value: &u64| *value)
        .build();
    assert_eq!(*cache.insert(1, 5000), 5000);
    assert!(cache.get(&1).await.is_none());
    assert_eq!(memory(&cache).entries, Some(0));
}
