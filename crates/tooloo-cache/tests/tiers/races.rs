//! Fills, writes, removals, purges and restarts at once: nothing older than a purge that had returned is served.
//!
//! A value is the version of its source when it was read. Each version is a purge's: a purge raises its key's
//! version first, and when it has returned, no one who asks afterwards may get a lower one.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use fastrand::Rng;
use tokio::{sync::RwLock, task::JoinSet, time::timeout};
use tooloo_cache::{Cache, CacheConfig, EntryOptions, Fill, MemoryConfig, Place, Purge};

use crate::shelf::Shelf;

const KEYS: usize = 8;

/// What is cached, and what has been purged of it.
#[derive(Debug, Default)]
struct Source {
    versions: [AtomicU64; KEYS],
    /// The versions that purges which have returned had raised their keys to.
    purged: [AtomicU64; KEYS],
}

type Versions = Cache<String, u64>;

fn cache(shelf: &Shelf) -> Versions {
    // So small that entries come and go between the tiers.
    let memory = MemoryConfig::new().with_max_bytes(2048.try_into().expect("it is above zero"));
    let config = CacheConfig::new()
        .with_memory(memory)
        .with_max_purges(16.try_into().expect("it is above zero"));
    Cache::builder(config).with_tier(shelf.clone()).build()
}

async fn dawdle(rng: &mut Rng) {
    for _ in 0..rng.u32(..4) {
        tokio::task::yield_now().await;
    }
}

async fn read(cache: &Versions, source: &Arc<Source>, key: usize, seed: u64) {
    let at_least = source.purged[key].load(Ordering::SeqCst);
    let from = Arc::clone(source);
    let fill = move || async move {
        let mut rng = Rng::with_seed(seed);
        dawdle(&mut rng).await;
        let version = from.versions[key].load(Ordering::SeqCst);
        dawdle(&mut rng).await;
        let options = EntryOptions::new()
            .with_tag(key.to_string())
            .with_group("all");
        match rng.u32(..20) {
            0 => Err(()),
            1 => Ok(Fill::pass(version)),
            _ => Ok(Fill::new(version).with_options(options)),
        }
    };
    let got = if seed.is_multiple_of(3) {
        cache.get(&format!("key/{key}")).await.map(|entry| *entry)
    } else {
        let filled = cache.get_or_fill(&format!("key/{key}"), fill).await;
        filled.ok().map(|entry| *entry)
    };
    if let Some(got) = got {
        assert!(
            got >= at_least,
            "key {key}: got {got} after a purge of {at_least}"
        );
    }
}

async fn change(cache: &Versions, source: &Source, key: usize, how: u32) {
    let keys = if matches!(how, 2 | 3) {
        0..KEYS
    } else {
        key..key + 1
    };
    let raised: Vec<_> = keys
        .map(|key| (key, source.versions[key].fetch_add(1, Ordering::SeqCst) + 1))
        .collect();
    match how {
        0 | 1 => cache.purge(Purge::tag(key.to_string())).await,
        2 => cache.purge(Purge::group("all")).await,
        3 => cache.purge(Purge::all()).await,
        4 => cache.purge(Purge::prefix(format!("key/{key}"))).await,
        _ => cache.remove(&format!("key/{key}")).await,
    }
    for (key, version) in raised {
        source.purged[key].fetch_max(version, Ordering::SeqCst);
    }
}

async fn stress(seed: u64) {
    let shelf = Shelf::new(Place::Disk);
    let source = Arc::new(Source::default());
    let present = Arc::new(RwLock::new(cache(&shelf)));
    let mut tasks = JoinSet::new();
    for task in 0..12 {
        let (present, source) = (Arc::clone(&present), Arc::clone(&source));
        let shelf = shelf.clone();
        tasks.spawn(async move {
            let mut rng = Rng::with_seed(seed * 100 + task);
            for _ in 0..400 {
                let key = rng.usize(..KEYS);
                match task {
                    0..8 => read(&*present.read().await, &source, key, rng.u64(..)).await,
                    8..11 => change(&*present.read().await, &source, key, rng.u32(..6)).await,
                    // Once in a while the process starts anew over the same disk; fills that are under way
                    // end with the old one.
                    _ if rng.u32(..20) == 0 => {
                        let mut present = present.write().await;
                        present.flush().await;
                        *present = cache(&shelf);
                    }
                    _ => present.read().await.compact().await,
                }
                dawdle(&mut rng).await;
            }
        });
    }
    while let Some(task) = tasks.join_next().await {
        task.expect("nothing old is served");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_older_than_a_purge_that_had_returned_is_served() {
    for seed in 0..10 {
        let ended = timeout(Duration::from_secs(120), stress(seed)).await;
        ended.expect("nothing waits for ever");
    }
}

#[tokio::test]
async fn nothing_older_is_served_on_one_thread_either() {
    for seed in 10..20 {
        let ended = timeout(Duration::from_secs(120), stress(seed)).await;
        ended.expect("nothing waits for ever");
    }
}
