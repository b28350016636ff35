//! Serving stale entries, and refreshing entries before they are stale.

use std::time::Duration;

use tokio::time::advance;
use tooloo_cache::{CacheConfig, Purge};
use tooloo_hub::Observe as _;

use crate::upstream::{Numbers, Upstream, settle};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn a_stale_entry_is_served_while_one_task_refreshes_it() {
    let config = CacheConfig::new()
        .with_ttl(10 * SECOND)
        .with_stale_while_revalidate(10 * SECOND);
    let cache = Numbers::new(config);
    let upstream = Upstream::gated();
    upstream.release(1);
    upstream.ask(&cache, "a").await.unwrap();
    advance(11 * SECOND).await;
    for _ in 0..10 {
        assert_eq!(upstream.ask(&cache, "a").await.as_deref(), Ok(&1));
        settle().await;
    }
    assert_eq!(upstream.calls(), 2);
    upstream.release(1);
    settle().await;
    assert_eq!(upstream.ask(&cache, "a").await.as_deref(), Ok(&2));
    assert_eq!(cache.handle().snapshot().stale, 10);
}

#[tokio::test(start_paused = true)]
async fn a_stale_entry_is_not_served_after_its_window() {
    let config = CacheConfig::new()
        .with_ttl(10 * SECOND)
        .with_stale_while_revalidate(10 * SECOND);
    let cache = Numbers::new(config);
    let upstream = Upstream::open();
    upstream.ask(&cache, "a").await.unwrap();
    advance(20 * SECOND).await;
    assert_eq!(upstream.ask(&cache, "a").await.as_deref(), Ok(&2));
}

#[tokio::test(start_paused = true)]
async fn a_stale_entry_stands_in_for_a_fill_that_fails() {
    let config = CacheConfig::new()
        .with_ttl(10 * SECOND)
        .with_stale_if_error(60 * SECOND)
        .with_retry_after(5 * SECOND);
    let cache = Numbers::new(config);
    let upstream = Upstream::open();
    upstream.ask(&cache, "a").await.unwrap();
    advance(11 * SECOND).await;
    assert_eq!(upstream.ask_in_vain(&cache, "a").await.as_deref(), Ok(&1));
    assert_eq!(upstream.calls(), 2);
    // For a while nobody asks again.
    assert_eq!(upstream.ask_in_vain(&cache, "a").await.as_deref(), Ok(&1));
    assert_eq!(upstream.calls(), 2);
    advance(5 * SECOND).await;
    assert_eq!(upstream.ask_in_vain(&cache, "a").await.as_deref(), Ok(&1));
    assert_eq!(upstream.calls(), 3);
    advance(60 * SECOND).await;
    assert_eq!(
        upstream.ask_in_vain(&cache, "a").await.map(|entry| *entry),
        Err("down")
    );
}

#[tokio::test(start_paused = true)]
async fn all_who_wait_get_the_stale_entry_where_the_fill_fails() {
    let config = CacheConfig::new()
        .with_ttl(10 * SECOND)
        .with_stale_if_error(60 * SECOND);
    let cache = Numbers::new(config);
    let upstream = Upstream::gated();
    upstream.release(1);
    upstream.ask(&cache, "a").await.unwrap();
    advance(11 * SECOND).await;
    let mut askers = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let (cache, upstream) = (cache.clone(), upstream.clone());
        askers.spawn(async move { upstream.ask_in_vain(&cache, "a").await.map(|entry| *entry) });
    }
    settle().await;
    upstream.release(1);
    assert_eq!(askers.join_all().await, [Ok(1); 20]);
    assert_eq!(upstream.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_refresh_that_fails_leaves_the_stale_entry() {
    let config = CacheConfig::new()
        .with_ttl(10 * SECOND)
        .with_stale_while_revalidate(60 * SECOND);
    let cache = Numbers::new(config);
    let upstream = Upstream::open();
    upstream.ask(&cache, "a").await.unwrap();
    advance(11 * SECOND).await;
    assert_eq!(upstream.ask_in_vain(&cache, "a").await.as_deref(), Ok(&1));
    settle().await;
    assert_eq!(upstream.calls(), 2);
    assert_eq!(upstream.ask_in_vain(&cache, "a").await.as_deref(), Ok(&1));
    settle().await;
    assert_eq!(upstream.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_soft_purge_of_many_entries_refreshes_a_bounded_number_at_once() {
    let config = CacheConfig::new()
        .with_stale_while_revalidate(60 * SECOND)
        .with_max_refreshes(4.try_into().unwrap());
    let cache = Numbers::new(config);
    let options = tooloo_cache::EntryOptions::new().with_tag("all");
    for number in 0..100 {
        cache.insert_with(number.to_string(), 0, options.clone());
    }
    cache.purge(Purge::tag("all").soft()).await;
    let upstream = Upstream::gated();
    for number in 0..100 {
        let served = upstream.ask(&cache, &number.to_string()).await;
        assert_eq!(served.as_deref(), Ok(&0));
    }
    settle().await;
    assert_eq!(upstream.calls(), 4);
    upstream.release(1000);
    settle().await;
    // Refreshed, while the others are still served stale.
    let mut fresh = 0;
    for number in 0..100 {
        fresh += usize::from(cache.get(&number.to_string()).await.is_some());
    }
    assert_eq!(fresh, 4);
}

/// When the entry is first refreshed, in tenths of a second after it was stored.
async fn refreshed_after(seed: u64, fill_time: Duration) -> u32 {
    let config = CacheConfig::new()
        .with_ttl(60 * SECOND)
        .with_early_refresh(1.0)
        .expect("it is within bounds")
        .with_seed(seed);
    let cache = Numbers::new(config);
    let options = tooloo_cache::EntryOptions::new().with_fill_time(fill_time);
    cache.insert_with("a".into(), 0, options);
    let upstream = Upstream::open();
    for tenth in 0.. {
        upstream.ask(&cache, "a").await.expect("it never fails");
        settle().await;
        if upstream.calls() > 0 {
            return tenth;
        }
        advance(SECOND / 10).await;
    }
    unreachable!("it is stale some time")
}

#[tokio::test(start_paused = true)]
async fn an_early_refresh_comes_before_expiry_and_the_earlier_the_longer_a_fill_takes() {
    let mut slow = 0;
    let mut quick = 0;
    for seed in 0..20 {
        let early = refreshed_after(seed, 2 * SECOND).await;
        assert!((200..600).contains(&early), "{early}");
        slow += early;
        quick += refreshed_after(seed, SECOND / 100).await;
    }
    // Ten lookups a second: the first that hits comes a few fill times before the end.
    assert!(slow / 20 < 580, "{}", slow / 20);
    assert!(quick / 20 >= 599, "{}", quick / 20);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_refreshed_early_by_default() {
    let cache = Numbers::new(CacheConfig::new().with_ttl(60 * SECOND));
    let options = tooloo_cache::EntryOptions::new().with_fill_time(50 * SECOND);
    cache.insert_with("a".into(), 0, options);
    let upstream = Upstream::open();
    advance(Duration::from_millis(59_999)).await;
    upstream.ask(&cache, "a").await.unwrap();
    settle().await;
    assert_eq!(upstream.calls(), 0);
}
