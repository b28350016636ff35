//! For how long entries are fresh.

use std::{collections::HashSet, time::Duration};

use tokio::time::advance;
use tooloo_cache::{Cache, CacheConfig, EntryOptions};

use crate::upstream::Numbers;

const SECOND: Duration = Duration::from_secs(1);

async fn value(cache: &Numbers, key: &str) -> Option<u64> {
    cache.get(key).await.map(|entry| *entry)
}

#[tokio::test(start_paused = true)]
async fn keeps_an_entry_for_its_time_to_live_and_no_longer() {
    let cache = Numbers::new(CacheConfig::new().with_ttl(10 * SECOND));
    cache.insert("a".into(), 1);
    advance(Duration::from_millis(9_999)).await;
    assert_eq!(value(&cache, "a").await, Some(1));
    advance(Duration::from_millis(1)).await;
    assert_eq!(value(&cache, "a").await, None);
    assert_eq!(cache.handle_entries(), 0);
}

#[tokio::test(start_paused = true)]
async fn keeps_an_entry_for_ever_by_default() {
    let cache = Numbers::new(CacheConfig::new());
    cache.insert("a".into(), 1);
    advance(Duration::from_secs(1 << 30)).await;
    assert_eq!(value(&cache, "a").await, Some(1));
}

#[tokio::test(start_paused = true)]
async fn an_entry_may_have_a_time_to_live_of_its_own() {
    let cache = Numbers::new(CacheConfig::new().with_ttl(10 * SECOND));
    cache.insert_with("short".into(), 1, EntryOptions::new().with_ttl(SECOND));
    cache.insert_with("ever".into(), 2, EntryOptions::new().with_ttl(None));
    advance(SECOND).await;
    assert_eq!(value(&cache, "short").await, None);
    advance(100 * SECOND).await;
    assert_eq!(value(&cache, "ever").await, Some(2));
}

#[tokio::test(start_paused = true)]
async fn drops_what_is_not_used_and_keeps_what_is() {
    let cache = Numbers::new(CacheConfig::new().with_idle_for(10 * SECOND));
    cache.insert("used".into(), 1);
    cache.insert("idle".into(), 2);
    for _ in 0..5 {
        advance(9 * SECOND).await;
        assert_eq!(value(&cache, "used").await, Some(1));
    }
    assert_eq!(value(&cache, "idle").await, None);
}

#[tokio::test(start_paused = true)]
async fn a_negative_entry_has_a_time_to_live_of_its_own() {
    let config = CacheConfig::new()
        .with_ttl(100 * SECOND)
        .with_negative_ttl(2 * SECOND);
    let cache = Cache::<String, Option<u64>>::new(config);
    cache.insert_with("none".into(), None, EntryOptions::new().negative());
    assert_eq!(cache.get("none").await.as_deref(), Some(&None));
    advance(2 * SECOND).await;
    assert!(cache.get("none").await.is_none());
}

#[tokio::test(start_paused = true)]
async fn jitter_spreads_expiry_and_a_seed_repeats_it() {
    let expiries = |seed| {
        let config = CacheConfig::new()
            .with_ttl(100 * SECOND)
            .with_jitter(0.2)
            .unwrap()
            .with_seed(seed);
        let cache = Numbers::new(config);
        let stored = (0..50).map(|number| cache.insert(number.to_string(), number));
        let lasts = stored.map(|entry| entry.record().fresh_for.unwrap());
        lasts.collect::<Vec<_>>()
    };
    let lasts = expiries(7);
    assert!(
        lasts
            .iter()
            .all(|lasts| (80 * SECOND..=100 * SECOND).contains(lasts))
    );
    assert!(lasts.iter().collect::<HashSet<_>>().len() > 40);
    assert_eq!(lasts, expiries(7));
    assert_ne!(lasts, expiries(8));
}

#[tokio::test(start_paused = true)]
async fn an_exact_time_to_live_has_no_jitter() {
    let config = CacheConfig::new().with_jitter(1.0).unwrap();
    let cache = Numbers::new(config);
    let options = EntryOptions::new().with_ttl(SECOND).exact();
    let entry = cache.insert_with("a".into(), 1, options);
    assert_eq!(entry.record().fresh_for, Some(SECOND));
}

#[tokio::test(start_paused = true)]
async fn what_is_expired_makes_room_by_itself() {
    let config = CacheConfig::new()
        .with_ttl(SECOND)
        .with_sweep_every(60 * SECOND);
    let cache = Numbers::new(config);
    cache.insert("a".into(), 1);
    // Let the sweeper begin to wait.
    tokio::task::yield_now().await;
    advance(61 * SECOND).await;
    crate::upstream::settle().await;
    assert_eq!(cache.handle_entries(), 0);
}

trait Entries {
    fn handle_entries(&self) -> u64;
}

impl Entries for Numbers {
    fn handle_entries(&self) -> u64 {
        use tooloo_hub::Observe as _;
        let memory = self.handle().snapshot().tiers.memory;
        memory.entries.expect("the memory counts its entries")
    }
}
