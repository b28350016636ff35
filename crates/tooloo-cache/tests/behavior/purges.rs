//! Purging by tag, group, prefix and rule.

use std::time::Duration;

use tokio::time::advance;
use tooloo_cache::{CacheConfig, EntryOptions, Freshness, Purge, Rule, Target};

use crate::upstream::{Numbers, Upstream, settle, soon};

fn tagged(cache: &Numbers, key: &str, tags: &[&str]) {
    let options = EntryOptions::new().with_tags(tags.iter().copied());
    cache.insert_with(key.into(), 1, options);
}

async fn present(cache: &Numbers, keys: &[&str]) -> Vec<bool> {
    let mut present = Vec::new();
    for key in keys {
        present.push(cache.get(*key).await.is_some());
    }
    present
}

#[tokio::test(start_paused = true)]
async fn a_purge_by_tag_reaches_all_with_that_tag_and_no_others() {
    let cache = Numbers::new(CacheConfig::new());
    tagged(&cache, "both", &["a", "b"]);
    tagged(&cache, "b", &["b"]);
    tagged(&cache, "none", &[]);
    cache.purge(Purge::tag("a")).await;
    assert_eq!(
        present(&cache, &["both", "b", "none"]).await,
        [false, true, true]
    );
    // What is stored afterwards is not reached.
    tagged(&cache, "both", &["a", "b"]);
    assert_eq!(present(&cache, &["both"]).await, [true]);
}

#[tokio::test(start_paused = true)]
async fn a_group_is_no_tag_of_the_same_name() {
    let cache = Numbers::new(CacheConfig::new());
    cache.insert_with("g".into(), 1, EntryOptions::new().with_group("x"));
    tagged(&cache, "t", &["x"]);
    cache.purge(Purge::group("x")).await;
    assert_eq!(present(&cache, &["g", "t"]).await, [false, true]);
}

#[tokio::test(start_paused = true)]
async fn a_purge_by_prefix_reaches_the_keys_that_begin_so() {
    let cache = Numbers::new(CacheConfig::new());
    for key in ["users/1", "users/", "users", "user"] {
        tagged(&cache, key, &[]);
    }
    cache.purge(Purge::prefix("users/")).await;
    let left = present(&cache, &["users/1", "users/", "users", "user"]).await;
    assert_eq!(left, [false, false, true, true]);
}

#[tokio::test(start_paused = true)]
async fn clear_leaves_nothing() {
    let cache = Numbers::new(CacheConfig::new());
    tagged(&cache, "a", &["t"]);
    tagged(&cache, "b", &[]);
    cache.clear().await;
    assert_eq!(present(&cache, &["a", "b"]).await, [false, false]);
}

#[tokio::test(start_paused = true)]
async fn a_soft_purge_leaves_stale_entries_for_their_windows() {
    let second = Duration::from_secs(1);
    let config = CacheConfig::new().with_stale_if_error(10 * second);
    let cache = Numbers::new(config);
    tagged(&cache, "a", &["t"]);
    advance(second).await;
    cache.purge(Purge::tag("t").soft()).await;
    advance(9 * second).await;
    assert!(cache.get("a").await.is_none());
    let stale = cache.lookup("a").await.expect("it is of use yet");
    assert_eq!(
        stale.freshness(tooloo_clock::coarse()),
        Freshness::StaleIfError
    );
    advance(second).await;
    assert!(cache.lookup("a").await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_fill_that_began_before_a_purge_does_not_land_after_it() {
    for purge in [
        Purge::tag("t"),
        Purge::group("g"),
        Purge::prefix("a"),
        Purge::all(),
    ] {
        let cache = Numbers::new(CacheConfig::new());
        let upstream = Upstream::gated();
        let asker = tokio::spawn({
            let (cache, upstream) = (cache.clone(), upstream.clone());
            let fill = || async move {
                let options = EntryOptions::new().with_tag("t").with_group("g");
                let value = upstream.call().await;
                Ok::<_, ()>(tooloo_cache::Fill::new(value).with_options(options))
            };
            async move { cache.get_or_fill(&"a".to_owned(), fill).await.is_ok() }
        });
        settle().await;
        cache.purge(purge.clone()).await;
        // Who asks now gets nothing that began before.
        let after = Upstream::gated();
        let second = tokio::spawn({
            let (cache, after) = (cache.clone(), after.clone());
            async move { after.ask(&cache, "a").await.is_ok() }
        });
        settle().await;
        assert_eq!(after.calls(), 1, "{purge:?}");
        upstream.release(1);
        assert!(soon(asker).await.unwrap());
        assert!(cache.get("a").await.is_none(), "{purge:?}");
        after.release(1);
        assert!(soon(second).await.unwrap());
        assert!(cache.get("a").await.is_some(), "{purge:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_fill_of_another_tag_lands_all_the_same() {
    let cache = Numbers::new(CacheConfig::new());
    let upstream = Upstream::gated();
    let asker = tokio::spawn({
        let (cache, upstream) = (cache.clone(), upstream.clone());
        async move { upstream.ask(&cache, "a").await.is_ok() }
    });
    settle().await;
    cache.purge(Purge::tag("t")).await;
    upstream.release(1);
    assert!(soon(asker).await.unwrap());
    assert!(cache.get("a").await.is_some());
}

#[tokio::test(start_paused = true)]
async fn empty_tags_are_ignored_and_too_many_or_too_long_ones_keep_an_entry_out() {
    let cache = Numbers::new(CacheConfig::new().with_max_tags(2, 3));
    tagged(&cache, "empty", &["", "a", "", "a"]);
    tagged(&cache, "many", &["a", "b", "c"]);
    tagged(&cache, "long", &["aaaa"]);
    tagged(&cache, "fits", &["aaa", "b"]);
    let left = present(&cache, &["empty", "many", "long", "fits"]).await;
    assert_eq!(left, [true, false, false, true]);
    // What was there before is gone too: a purge may have been meant for it.
    tagged(&cache, "fits", &["aaaa"]);
    assert_eq!(present(&cache, &["fits"]).await, [false]);
}

#[tokio::test(start_paused = true)]
async fn one_tags_purge_reaches_others_by_rules_and_so_do_events() {
    let rules = [
        Rule::dependant("user", "orders"),
        Rule::dependant("orders", "charts"),
        Rule::dependant("charts", "user"),
        Rule::event("trained", Target::Prefix((*b"report/").into())),
    ];
    let cache = Numbers::new(CacheConfig::new().with_rules(rules).unwrap());
    tagged(&cache, "chart", &["charts"]);
    tagged(&cache, "report/1", &[]);
    tagged(&cache, "other", &["others"]);
    cache.purge(Purge::tag("user")).await;
    let keys = ["chart", "report/1", "other"];
    assert_eq!(present(&cache, &keys).await, [false, true, true]);
    cache.emit("unknown").await;
    assert_eq!(present(&cache, &keys).await, [false, true, true]);
    cache.emit("trained").await;
    assert_eq!(present(&cache, &keys).await, [false, false, true]);
}

#[tokio::test(start_paused = true)]
async fn what_was_purged_makes_room_in_a_sweep() {
    use tooloo_hub::Observe as _;

    let cache = Numbers::new(CacheConfig::new());
    tagged(&cache, "a", &["t"]);
    tagged(&cache, "b", &[]);
    cache.purge(Purge::tag("t")).await;
    cache.compact().await;
    assert_eq!(cache.handle().snapshot().tiers.memory.entries, Some(1));
}
