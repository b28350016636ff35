//! One fill for many askers.

use std::{sync::Arc, time::Duration};

use tokio::{sync::Barrier, task::JoinSet};
use tooloo_cache::{Cache, CacheConfig, EntryOptions, Fill, FillError};

use crate::upstream::{Numbers, Upstream, settle, soon};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn fifty_cold_askers_make_one_fill() {
    let cache = Numbers::new(CacheConfig::new());
    let upstream = Upstream::gated();
    let mut askers = JoinSet::new();
    for _ in 0..50 {
        let (cache, upstream) = (cache.clone(), upstream.clone());
        askers.spawn(async move { upstream.ask(&cache, "a").await.map(|entry| *entry) });
    }
    settle().await;
    upstream.release(1);
    let answers = soon(askers.join_all()).await;
    assert_eq!(answers, [Ok(1); 50]);
    assert_eq!(upstream.calls(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn askers_on_many_threads_make_one_fill_a_key() {
    let cache = Numbers::new(CacheConfig::new());
    for round in 0..200 {
        let upstream = Upstream::open();
        let start = Arc::new(Barrier::new(8));
        let mut askers = JoinSet::new();
        for _ in 0..8 {
            let (cache, upstream, start) = (cache.clone(), upstream.clone(), Arc::clone(&start));
            askers.spawn(async move {
                start.wait().await;
                upstream
                    .ask(&cache, &round.to_string())
                    .await
                    .map(|entry| *entry)
            });
        }
        assert_eq!(soon(askers.join_all()).await, [Ok(1); 8]);
        assert_eq!(upstream.calls(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_leaves_costs_no_second_call() {
    let cache = Numbers::new(CacheConfig::new());
    let upstream = Upstream::gated();
    let leader = tokio::spawn({
        let (cache, upstream) = (cache.clone(), upstream.clone());
        async move { upstream.ask(&cache, "a").await.map(|entry| *entry) }
    });
    settle().await;
    leader.abort();
    assert!(leader.await.unwrap_err().is_cancelled());
    let follower = tokio::spawn({
        let (cache, upstream) = (cache.clone(), upstream.clone());
        async move { upstream.ask(&cache, "a").await.map(|entry| *entry) }
    });
    settle().await;
    upstream.release(1);
    assert_eq!(soon(follower).await.unwrap(), Ok(1));
    assert_eq!(upstream.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_nobody_waits_for_any_more_is_stored_all_the_same() {
    let cache = Numbers::new(CacheConfig::new());
    let upstream = Upstream::gated();
    let leader = tokio::spawn({
        let (cache, upstream) = (cache.clone(), upstream.clone());
        async move { upstream.ask(&cache, "a").await.map(|entry| *entry) }
    });
    settle().await;
    leader.abort();
    upstream.release(1);
    settle().await;
    assert_eq!(cache.get("a").await.as_deref(), Some(&1));
}

#[tokio::test(start_paused = true)]
async fn a_failed_leader_fails_nobody_else() {
    let cache = Numbers::new(CacheConfig::new());
    let upstream = Upstream::gated();
    let leader = tokio::spawn({
        let (cache, upstream) = (cache.clone(), upstream.clone());
        async move { upstream.ask_in_vain(&cache, "a").await.map(|entry| *entry) }
    });
    settle().await;
    let mut followers = JoinSet::new();
    for _ in 0..10 {
        let (cache, upstream) = (cache.clone(), upstream.clone());
        followers.spawn(async move { upstream.ask(&cache, "a").await.map(|entry| *entry) });
    }
    settle().await;
    upstream.release(2);
    assert_eq!(soon(leader).await.unwrap(), Err("down"));
    // One of them led, and the others waited for it.
    assert_eq!(soon(followers.join_all()).await, [Ok(2); 10]);
    assert_eq!(upstream.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_a_fill_is_its_askers_error_alone() {
    let cache = Numbers::new(CacheConfig::new());
    let (go, gone) = tokio::sync::oneshot::channel::<()>();
    let leader = tokio::spawn({
        let cache = cache.clone();
        async move {
            let fill = || async move {
                gone.await.ok();
                fails_badly()
            };
            cache
                .get_or_fill(&"a".to_owned(), fill)
                .await
                .map(|entry| *entry)
        }
    });
    settle().await;
    let upstream = Upstream::open();
    let follower = tokio::spawn({
        let (cache, upstream) = (cache.clone(), upstream.clone());
        async move { upstream.ask(&cache, "a").await.map(|entry| *entry) }
    });
    settle().await;
    go.send(()).unwrap();
    assert!(matches!(soon(leader).await.unwrap(), Err(FillError::Lost)));
    assert_eq!(soon(follower).await.unwrap(), Ok(1));
}

#[tokio::test(start_paused = true)]
async fn a_fill_that_takes_too_long_is_given_up() {
    let cache = Numbers::new(CacheConfig::new().with_fill_timeout(SECOND));
    let upstream = Upstream::gated();
    let asked = upstream.ask(&cache, "a").await.map(|entry| *entry);
    assert_eq!(asked, Err("timed out"));
    upstream.release(2);
    let asked = upstream.ask(&cache, "a").await.map(|entry| *entry);
    assert_eq!(asked, Ok(2));
}

#[tokio::test(start_paused = true)]
async fn who_has_waited_too_long_fills_for_itself() {
    let config = CacheConfig::new().with_follow_for(SECOND);
    let cache = Numbers::new(config);
    let slow = Upstream::gated();
    let leader = tokio::spawn({
        let (cache, slow) = (cache.clone(), slow.clone());
        async move { slow.ask(&cache, "a").await.map(|entry| *entry) }
    });
    settle().await;
    let quick = Upstream::open();
    assert_eq!(quick.ask(&cache, "a").await.map(|entry| *entry), Ok(1));
    assert_eq!(quick.calls(), 1);
    leader.abort();
}

fn fails_badly() -> Result<u64, &'static str> {
    panic!("this fill is to panic")
}

async fn pass(cache: &Numbers, upstream: &Upstream) -> u64 {
    let upstream = upstream.clone();
    let fill = || async move { Ok::<_, ()>(Fill::pass(upstream.call().await)) };
    *cache
        .get_or_fill(&"a".to_owned(), fill)
        .await
        .expect("it never fails")
}

#[tokio::test(start_paused = true)]
async fn what_is_not_to_be_stored_releases_all_who_wait_at_once_and_is_remembered() {
    let cache = Numbers::new(CacheConfig::new().with_pass_for(60 * SECOND));
    let upstream = Upstream::gated();
    let mut askers = JoinSet::new();
    for _ in 0..50 {
        let (cache, upstream) = (cache.clone(), upstream.clone());
        askers.spawn(async move { pass(&cache, &upstream).await });
    }
    settle().await;
    assert_eq!(upstream.calls(), 1);
    upstream.release(1);
    settle().await;
    // All at once: none waits for the next one's answer.
    assert_eq!(upstream.calls(), 50);
    upstream.release(49);
    let mut answers = soon(askers.join_all()).await;
    answers.sort_unstable();
    // Each has an answer of its own.
    assert_eq!(answers, (1..=50).collect::<Vec<_>>());
    // The next ones do not wait for one another.
    for _ in 0..3 {
        let (cache, upstream) = (cache.clone(), upstream.clone());
        tokio::spawn(async move { pass(&cache, &upstream).await });
    }
    settle().await;
    assert_eq!(upstream.calls(), 53);
    // And later they may again.
    tokio::time::advance(61 * SECOND).await;
    for _ in 0..3 {
        let (cache, upstream) = (cache.clone(), upstream.clone());
        tokio::spawn(async move { pass(&cache, &upstream).await });
    }
    settle().await;
    assert_eq!(upstream.calls(), 54);
    assert!(cache.get("a").await.is_none());
}

#[tokio::test(start_paused = true)]
async fn beyond_the_bound_on_fills_each_asker_fills_for_itself() {
    let config = CacheConfig::new().with_max_fills(1.try_into().unwrap());
    let cache = Numbers::new(config);
    let upstream = Upstream::gated();
    for key in ["a", "a", "b", "b"] {
        let (cache, upstream) = (cache.clone(), upstream.clone());
        tokio::spawn(async move { upstream.ask(&cache, key).await.map(|entry| *entry) });
        settle().await;
    }
    assert_eq!(upstream.calls(), 3);
    upstream.release(3);
    settle().await;
    assert!(cache.get("a").await.is_some() && cache.get("b").await.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_fill_says_how_its_value_is_stored() {
    let cache = Cache::<String, Option<u64>>::new(CacheConfig::new());
    let fill = || async {
        let options = EntryOptions::new().with_ttl(SECOND).with_tag("t");
        Ok::<_, ()>(Fill::new(None).with_options(options.negative()))
    };
    let entry = cache.get_or_fill(&"a".to_owned(), fill).await.unwrap();
    assert!(entry.record().negative);
    tokio::time::advance(SECOND).await;
    assert!(cache.get("a").await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_fill_does_not_overwrite_what_was_written_or_removed_meanwhile() {
    let cache = Numbers::new(CacheConfig::new());
    for removed in [false, true] {
        let upstream = Upstream::gated();
        let asker = tokio::spawn({
            let (cache, upstream) = (cache.clone(), upstream.clone());
            async move { upstream.ask(&cache, "a").await.map(|entry| *entry) }
        });
        settle().await;
        if removed {
            cache.remove(&"a".to_owned()).await;
        } else {
            cache.insert("a".into(), 99);
        }
        upstream.release(1);
        assert_eq!(soon(asker).await.unwrap(), Ok(1));
        let expected = (!removed).then_some(99);
        assert_eq!(cache.get("a").await.map(|entry| *entry), expected);
        cache.remove(&"a".to_owned()).await;
    }
}

#[tokio::test(start_paused = true)]
async fn who_asks_after_a_removal_does_not_get_what_began_before_it() {
    let cache = Numbers::new(CacheConfig::new());
    let before = Upstream::gated();
    let first = tokio::spawn({
        let (cache, before) = (cache.clone(), before.clone());
        async move { before.ask(&cache, "a").await.map(|entry| *entry) }
    });
    settle().await;
    cache.remove(&"a".to_owned()).await;
    let after = Upstream::gated();
    let second = tokio::spawn({
        let (cache, after) = (cache.clone(), after.clone());
        async move { after.ask(&cache, "a").await.map(|entry| *entry) }
    });
    settle().await;
    assert_eq!(after.calls(), 1);
    before.release(1);
    soon(first).await.unwrap().unwrap();
    assert!(cache.get("a").await.is_none());
    after.release(1);
    soon(second).await.unwrap().unwrap();
    assert!(cache.get("a").await.is_some());
}
