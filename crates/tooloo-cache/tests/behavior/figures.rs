//! What the figures say.

use serde_json::json;
use tooloo_cache::{CacheConfig, Purge};
use tooloo_hub::{Hub, Observe as _};

use crate::upstream::{Numbers, Upstream, settle};

#[tokio::test(start_paused = true)]
async fn counts_what_a_client_counts() {
    let cache = Numbers::new(CacheConfig::new());
    let upstream = Upstream::gated();
    let asker = |cache: &Numbers, upstream: &Upstream| {
        let (cache, upstream) = (cache.clone(), upstream.clone());
        tokio::spawn(async move { upstream.ask(&cache, "a").await.map(|entry| *entry) })
    };
    let askers = [(); 3].map(|()| asker(&cache, &upstream));
    settle().await;
    upstream.release(1);
    for asker in askers {
        asker.await.unwrap().unwrap();
    }
    for _ in 0..5 {
        assert!(cache.get("a").await.is_some());
    }
    assert!(cache.get("b").await.is_none());
    let snapshot = cache.handle().snapshot();
    assert_eq!((snapshot.hits, snapshot.misses), (5, 4));
    assert_eq!(
        (snapshot.coalesced, snapshot.writes, snapshot.reads),
        (2, 1, 9)
    );
    assert_eq!(snapshot.hit_rate, Some(5.0 / 9.0));
    assert_eq!(snapshot.tiers.memory.hits, 5);
    assert_eq!(snapshot.tiers.memory.misses, 4);
}

#[test]
fn what_is_not_known_is_null() {
    let cache = Numbers::new(CacheConfig::new());
    let shown = serde_json::to_value(cache.handle().snapshot()).unwrap();
    let expected = json!({
        "hits": 0, "misses": 0, "hitRate": null, "reads": 0, "writes": 0, "evictions": 0, "coalesced": 0,
        "stale": 0, "unstorable": 0, "avgReadTime": null, "avgWriteTime": null,
        "tiers": {"memory": {"entries": 0, "bytes": 0, "hits": 0, "misses": 0}},
    });
    assert_eq!(shown, expected);
}

#[tokio::test]
async fn lookups_and_writes_are_timed_now_and_then() {
    let cache = Numbers::new(CacheConfig::new());
    for number in 0..200 {
        cache.insert("a".into(), number);
        assert!(cache.get("a").await.is_some());
    }
    let snapshot = cache.handle().snapshot();
    assert!(
        snapshot
            .avg_read_time
            .is_some_and(|milliseconds| milliseconds < 1000.0)
    );
    assert!(
        snapshot
            .avg_write_time
            .is_some_and(|milliseconds| milliseconds < 1000.0)
    );
}

#[tokio::test]
async fn shows_metrics_by_tier() {
    let cache = Numbers::new(CacheConfig::new());
    cache.insert("a".into(), 1);
    cache.get("a").await.unwrap();
    cache.purge(Purge::all()).await;
    let hub = Hub::new();
    hub.register("cache", cache.handle(), &[]);
    let text = hub.openmetrics().unwrap();
    assert!(text.contains("cache_hits_total"), "{text}");
    assert!(text.contains("cache_tier_hits_total{"), "{text}");
}
