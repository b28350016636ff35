//! The tiers below memory, shown with one that keeps bytes in a map.

#[path = "tiers/races.rs"]
mod races;
#[path = "tiers/shelf.rs"]
mod shelf;

use std::time::Duration;

use tooloo_cache::{
    Cache, CacheConfig, EntryOptions, Freshness, Label, MemoryConfig, Place, Purge, Record,
};
use tooloo_hub::Observe as _;

use self::shelf::Shelf;

const SECOND: Duration = Duration::from_secs(1);

type Numbers = Cache<String, u64>;

fn cache(shelf: &Shelf) -> Numbers {
    on(shelf, CacheConfig::new())
}

fn on(shelf: &Shelf, config: CacheConfig) -> Numbers {
    Cache::builder(config).with_tier(shelf.clone()).build()
}

#[tokio::test(start_paused = true)]
async fn what_left_the_memory_comes_back_from_below_and_stays() {
    let shelf = Shelf::new(Place::Disk);
    cache(&shelf).insert("a".into(), 7);
    let cache = cache(&shelf);
    assert!(cache.get_in_memory("a").is_none());
    assert_eq!(cache.get("a").await.as_deref(), Some(&7));
    assert_eq!(cache.get_in_memory("a").as_deref(), Some(&7));
    assert_eq!(shelf.lookups(), 1);
    let snapshot = cache.handle().snapshot();
    assert_eq!((snapshot.hits, snapshot.misses), (2, 0));
    assert!(snapshot.tiers.disk.is_some() && snapshot.tiers.remote.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_hit_further_down_is_stored_in_the_tiers_above() {
    let disk = Shelf::new(Place::Disk);
    let remote = Shelf::new(Place::Remote);
    cache(&remote).insert("a".into(), 7);
    let both = Cache::<String, u64>::builder(CacheConfig::new())
        .with_tier(disk.clone())
        .with_tier(remote.clone())
        .build();
    assert_eq!(both.get("a").await.as_deref(), Some(&7));
    assert_eq!(cache(&disk).get("a").await.as_deref(), Some(&7));
    assert_eq!(remote.writes(), 1);
}

#[tokio::test(start_paused = true)]
async fn one_of_many_askers_looks_below_and_nobody_fills() {
    let shelf = Shelf::new(Place::Disk);
    cache(&shelf).insert("a".into(), 7);
    let cache = cache(&shelf);
    let mut askers = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let cache = cache.clone();
        askers.spawn(async move {
            let fill = || async { Err::<u64, _>("it is on the disk") };
            cache
                .get_or_fill(&"a".to_owned(), fill)
                .await
                .is_ok_and(|entry| *entry == 7)
        });
    }
    assert_eq!(askers.join_all().await, [true; 50]);
    assert_eq!(shelf.lookups(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_lifetime_goes_on_below() {
    let shelf = Shelf::new(Place::Disk);
    let config = CacheConfig::new()
        .with_ttl(10 * SECOND)
        .with_stale_if_error(10 * SECOND);
    on(&shelf, config.clone()).insert("a".into(), 7);
    // The wall clock is not paused: the record is made older instead.
    shelf.age("a", 15_000);
    let cache = on(&shelf, config.clone());
    assert!(cache.get("a").await.is_none());
    let stale = cache.lookup("a").await.expect("it is of use yet");
    assert_eq!(
        stale.freshness(tooloo_clock::coarse()),
        Freshness::StaleIfError
    );
    shelf.age("a", 15_000);
    assert!(on(&shelf, config).lookup("a").await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_was_put_back_makes_nothing_younger_than_new() {
    let shelf = Shelf::new(Place::Disk);
    let config = CacheConfig::new().with_ttl(10 * SECOND);
    on(&shelf, config.clone()).insert("a".into(), 7);
    shelf.rejuvenate("a", 30_000);
    let entry = on(&shelf, config.clone()).get("a").await;
    let left = entry.map(|entry| entry.fresh_until());
    assert_eq!(left, Some(tooloo_clock::coarse() + 10 * SECOND));
    // Of what is from far in the future nobody knows how old it is.
    shelf.rejuvenate("a", 3_600_000);
    assert!(on(&shelf, config).get("a").await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_purge_reaches_what_is_below_also_after_a_restart() {
    for purge in [Purge::tag("t"), Purge::prefix("a"), Purge::all()] {
        let shelf = Shelf::new(Place::Disk);
        let first = cache(&shelf);
        first.insert_with("a".into(), 7, EntryOptions::new().with_tag("t"));
        first.insert("b".into(), 8);
        first.purge(purge.clone()).await;
        assert!(first.get("a").await.is_none(), "{purge:?}");
        let second = cache(&shelf);
        assert!(second.get("a").await.is_none(), "{purge:?}");
        assert_eq!(second.get("b").await.is_some(), purge != Purge::all());
        // What is stored after the restart is from after the purge.
        second.insert_with("a".into(), 9, EntryOptions::new().with_tag("t"));
        assert_eq!(cache(&shelf).get("a").await.as_deref(), Some(&9));
    }
}

#[tokio::test(start_paused = true)]
async fn a_soft_purge_leaves_what_is_below_stale() {
    let shelf = Shelf::new(Place::Disk);
    let config = CacheConfig::new().with_stale_if_error(10 * SECOND);
    let first = on(&shelf, config.clone());
    first.insert_with("a".into(), 7, EntryOptions::new().with_tag("t"));
    first.purge(Purge::tag("t").soft()).await;
    let second = on(&shelf, config);
    assert!(second.get("a").await.is_none());
    assert_eq!(second.lookup("a").await.as_deref(), Some(&7));
}

#[tokio::test(start_paused = true)]
async fn what_is_removed_while_it_is_read_below_does_not_come_up() {
    let shelf = Shelf::new(Place::Disk);
    cache(&shelf).insert("a".into(), 7);
    let cache = cache(&shelf);
    let slow = shelf.hold();
    let asker = tokio::spawn({
        let cache = cache.clone();
        async move { cache.get("a").await.map(|entry| *entry) }
    });
    tokio::task::yield_now().await;
    cache.remove(&"a".to_owned()).await;
    drop(slow);
    // It asked before the removal, and may get what there was.
    asker.await.unwrap();
    assert!(cache.get_in_memory("a").is_none());
    assert!(cache.get("a").await.is_none());
}

#[tokio::test(start_paused = true)]
async fn an_entry_from_elsewhere_is_checked_by_the_order_that_all_agree_on() {
    let remote = Shelf::new(Place::Remote);
    let cache = cache(&remote);
    // Of another cache, which has had many purges of its own.
    let mut record = Record::default();
    record.generation = 900;
    record.sequence = 5;
    record.labels = vec![Label::Tag("t".into())].into();
    remote.place("a", 7, record);
    assert_eq!(cache.get("a").await.as_deref(), Some(&7));
    // What it says of its generation counts for nothing here.
    cache.purge(Purge::tag("t")).await;
    assert!(cache.get("a").await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_sweep_names_what_is_dead_below() {
    let shelf = Shelf::new(Place::Disk);
    let config = CacheConfig::new().with_ttl(10 * SECOND);
    let cache = on(&shelf, config);
    cache.insert_with("purged".into(), 1, EntryOptions::new().with_tag("t"));
    cache.insert("old".into(), 2);
    cache.insert("alive".into(), 3);
    shelf.age("old", 11_000);
    cache.purge(Purge::tag("t")).await;
    cache.compact().await;
    assert_eq!(shelf.keys(), ["alive"]);
}

#[tokio::test(start_paused = true)]
async fn clear_empties_every_tier() {
    let shelf = Shelf::new(Place::Disk);
    let cache = cache(&shelf);
    cache.insert("a".into(), 1);
    cache.clear().await;
    assert!(shelf.keys().is_empty());
    assert!(cache.get("a").await.is_none());
    let memory = cache.handle().snapshot().tiers.memory;
    assert_eq!(memory.entries, Some(0));
}

#[tokio::test(start_paused = true)]
async fn an_entry_that_must_not_be_stored_takes_the_one_below_away() {
    let shelf = Shelf::new(Place::Disk);
    let cache = on(&shelf, CacheConfig::new().with_max_tags(0, 0));
    cache.insert("a".into(), 1);
    cache.insert_with("a".into(), 2, EntryOptions::new().with_tag("t"));
    assert!(cache.get("a").await.is_none());
    assert!(shelf.keys().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_small_memory_over_a_large_tier_answers_everything() {
    let shelf = Shelf::new(Place::Disk);
    let memory = MemoryConfig::new().with_max_bytes(4096.try_into().unwrap());
    let cache = on(&shelf, CacheConfig::new().with_memory(memory));
    for number in 0..1000 {
        cache.insert(number.to_string(), number);
    }
    for number in 0..1000 {
        assert_eq!(
            cache.get(&number.to_string()).await.as_deref(),
            Some(&number)
        );
    }
    assert!(shelf.lookups() > 900);
}
