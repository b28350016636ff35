//! Caches of several nodes on one Redis server, which is also cut off and dies.

#![cfg(feature = "redis")]
#![expect(clippy::unwrap_used, reason = "a test fails where it unwraps")]

use std::{ops::Deref, sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::{Notify, watch},
    task::JoinSet,
    time::{sleep, timeout},
};
use tooloo_cache::{
    Cache, CacheConfig, EntryOptions, Purge, Raw, Tier,
    backend::{Redis, RedisConfig, RedisTier},
};
use tooloo_testkit::RedisServer;

/// A cache on the server, and a way to ask the server past the cache's memory.
#[derive(Clone)]
struct Node {
    cache: Cache<String, Bytes>,
    tier: RedisTier<Bytes, Raw>,
}

impl Deref for Node {
    type Target = Cache<String, Bytes>;

    fn deref(&self) -> &Self::Target {
        &self.cache
    }
}

/// A busy machine is no outage.
fn patient(url: impl Into<String>) -> RedisConfig {
    RedisConfig::new(url).with_deadline(Duration::from_secs(10))
}

/// Joins the nodes on this server, and waits until the node has heard what there is to hear.
async fn join(config: RedisConfig) -> Node {
    let redis = Redis::new(config).expect("a URL that makes sense");
    let tier = redis.tier(Raw);
    let cache = Cache::builder(CacheConfig::new())
        .with_tier(tier.clone())
        .with_backplane(redis.backplane())
        .build();
    let node = Node { cache, tier };
    let probe = format!("probe {}", fastrand::u128(..));
    node.insert(probe.clone(), Bytes::new());
    settled(|| async { on_server(&node, &probe).await }).await;
    node
}

/// Returns whether the server has an entry that the node would believe.
async fn on_server(node: &Node, key: &str) -> bool {
    node.tier.get(&key.to_owned()).await.is_some()
}

async fn get(node: &Node, key: &str) -> Option<Bytes> {
    let entry = node.get(&key.to_owned()).await;
    entry.map(|entry| entry.value().clone())
}

/// Waits until something is so.
async fn settled<F: Future<Output = bool>>(is_so: impl Fn() -> F) {
    let looked = timeout(Duration::from_secs(20), async {
        while !is_so().await {
            // Another node can only be looked at.
            sleep(Duration::from_millis(1)).await;
        }
    });
    looked.await.expect("it comes to be so");
}

fn tagged(tag: &str) -> EntryOptions {
    EntryOptions::new().with_tag(tag)
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn what_one_node_stores_another_finds() {
    let server = RedisServer::start().await;
    let (a, b) = (
        join(patient(server.url())).await,
        join(patient(server.url())).await,
    );
    a.insert("key".to_owned(), Bytes::from_static(b"value"));
    settled(|| async { get(&b, "key").await.is_some() }).await;
    assert_eq!(get(&b, "key").await.unwrap(), "value");
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn a_change_is_seen_by_the_other_node_within_50_ms() {
    let server = RedisServer::start().await;
    let (a, b) = (
        join(patient(server.url())).await,
        join(patient(server.url())).await,
    );
    let mut delays = Vec::new();
    for round in 0..21 {
        let key = format!("key {round}");
        a.insert_with(key.clone(), Bytes::from_static(b"value"), tagged("red"));
        settled(|| async { get(&b, &key).await.is_some() }).await;
        let start = tooloo_clock::now();
        if round % 2 == 0 {
            a.purge(Purge::tag("red")).await;
        } else {
            a.remove(&key).await;
        }
        settled(|| async { get(&b, &key).await.is_none() }).await;
        delays.push(start.elapsed());
    }
    delays.sort();
    println!(
        "seen after {:?} in the middle, {:?} at most",
        delays[10], delays[20]
    );
    assert!(delays[10] < Duration::from_millis(50), "{delays:?}");
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn a_new_value_takes_the_place_of_the_old_one_on_every_node() {
    let server = RedisServer::start().await;
    let (a, b) = (
        join(patient(server.url())).await,
        join(patient(server.url())).await,
    );
    a.insert("key".to_owned(), Bytes::from_static(b"old"));
    settled(|| async { get(&b, "key").await.is_some() }).await;
    a.insert("key".to_owned(), Bytes::from_static(b"new"));
    settled(|| async { get(&b, "key").await.is_some_and(|value| value == "new") }).await;
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn nodes_that_disagree_end_with_the_same_value() {
    let server = RedisServer::start().await;
    let (a, b) = (
        join(patient(server.url())).await,
        join(patient(server.url())).await,
    );
    let mut writers = JoinSet::new();
    for (name, node) in [("a", a.clone()), ("b", b.clone())] {
        writers.spawn(async move {
            for version in 0..200 {
                for key in 0..5 {
                    node.insert(format!("key {key}"), format!("{name} {version}").into());
                }
                tokio::task::yield_now().await;
            }
        });
    }
    writers.join_all().await;
    for key in 0..5 {
        let key = format!("key {key}");
        settled(|| async {
            let (from_a, from_b) = (get(&a, &key).await, get(&b, &key).await);
            from_a.is_some() && from_a == from_b
        })
        .await;
        sleep(Duration::from_millis(100)).await;
        // What they agree on is what the server has, also for who comes later.
        let agreed = get(&a, &key).await;
        assert_eq!(agreed, get(&b, &key).await);
        let later = join(patient(server.url())).await;
        assert_eq!(agreed, get(&later, &key).await);
    }
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn a_new_node_does_not_believe_what_was_purged() {
    let server = RedisServer::start().await;
    let a = join(patient(server.url())).await;
    for (key, tag) in [
        ("red key", "red"),
        ("blue key", "blue"),
        ("removed", "blue"),
    ] {
        a.insert_with(key.to_owned(), Bytes::from_static(b"value"), tagged(tag));
    }
    a.purge(Purge::tag("red")).await;
    a.remove(&"removed".to_owned()).await;
    let b = join(patient(server.url())).await;
    assert_eq!(get(&b, "red key").await, None);
    assert_eq!(get(&b, "removed").await, None);
    assert!(get(&b, "blue key").await.is_some());
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn a_fill_from_before_another_nodes_change_is_not_kept() {
    let server = RedisServer::start().await;
    let (a, b) = (
        join(patient(server.url())).await,
        join(patient(server.url())).await,
    );
    for round in 0..10 {
        let (key, go) = (format!("key {round}"), Arc::new(Notify::new()));
        let started = Arc::new(Notify::new());
        let filling = tokio::spawn({
            let (b, key, go, started) = (
                b.clone(),
                key.clone(),
                Arc::clone(&go),
                Arc::clone(&started),
            );
            async move {
                let fill = || async move {
                    started.notify_one();
                    go.notified().await;
                    Ok::<_, std::convert::Infallible>(Bytes::from_static(b"old"))
                };
                b.get_or_fill(&key, fill).await.map(drop).unwrap();
            }
        });
        started.notified().await;
        if round % 2 == 0 {
            a.insert(key.clone(), Bytes::from_static(b"new"));
        } else {
            a.remove(&key).await;
        }
        go.notify_one();
        filling.await.unwrap();
        let expected = (round % 2 == 0).then(|| Bytes::from_static(b"new"));
        settled(|| async { get(&a, &key).await == expected && get(&b, &key).await == expected })
            .await;
        sleep(Duration::from_millis(30)).await;
        let later = join(patient(server.url())).await;
        for node in [&a, &b, &later] {
            assert_eq!(get(node, &key).await, expected, "in round {round}");
        }
    }
}

/// A way to the server that can be cut.
struct Way {
    port: u16,
    is_cut: watch::Sender<bool>,
}

impl Way {
    async fn to(server: &RedisServer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let target = server.url();
        let target = target
            .trim_start_matches("redis://")
            .trim_end_matches('/')
            .to_owned();
        let is_cut = watch::Sender::new(false);
        let mut cut = is_cut.subscribe();
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let mut cut_now = cut.clone();
                if *cut.borrow_and_update() {
                    continue;
                }
                let target = target.clone();
                tokio::spawn(async move {
                    let Ok(mut far) = TcpStream::connect(target).await else {
                        return;
                    };
                    tokio::select! {
                        _ = copy_bidirectional(&mut near, &mut far) => {}
                        _ = cut_now.wait_for(|cut| *cut) => {}
                    }
                });
            }
        });
        Self { port, is_cut }
    }

    fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    fn cut(&self, is_cut: bool) {
        self.is_cut.send_replace(is_cut);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs redis-server"]
async fn nothing_stale_outlives_the_reconnect() {
    let server = RedisServer::start().await;
    let way = Way::to(&server).await;
    // One that is told what it missed, and one that missed more than the server keeps.
    for (log, rounds) in [(10_000, 3), (4, 3)] {
        let short = std::num::NonZeroUsize::new(log).unwrap();
        let prefix = format!("log {log}");
        let config = |url| patient(url).with_prefix(&prefix).with_log_length(short);
        let a = join(config(server.url())).await;
        let b = join(config(way.url())).await;
        for round in 0..rounds {
            let keys: Vec<String> = (0..10).map(|key| format!("{round} key {key}")).collect();
            for key in &keys {
                a.insert_with(key.clone(), Bytes::from_static(b"old"), tagged("red"));
            }
            for key in &keys {
                settled(|| async { get(&b, key).await.is_some() }).await;
            }
            way.cut(true);
            for key in &keys[..4] {
                a.remove(key).await;
            }
            for key in &keys[4..8] {
                a.insert(key.clone(), Bytes::from_static(b"new"));
            }
            a.purge(Purge::tag("red")).await;
            a.insert(format!("{round} last"), Bytes::from_static(b"last"));
            way.cut(false);
            // It finds this in the server only, and asks that only once it knows what it missed.
            settled(|| async { get(&b, &format!("{round} last")).await.is_some() }).await;
            for (number, key) in keys.iter().enumerate() {
                let expected = (4..8).contains(&number).then(|| Bytes::from_static(b"new"));
                assert_eq!(get(&b, key).await, expected, "{key}, log of {log}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs redis-server"]
async fn a_node_that_was_cut_off_tells_later_what_it_changed() {
    let server = RedisServer::start().await;
    let way = Way::to(&server).await;
    let a = join(patient(server.url())).await;
    let b = join(patient(way.url()).with_deadline(Duration::from_millis(50))).await;
    for key in ["removed", "purged", "changed", "kept"] {
        let tag = if key == "purged" { "red" } else { "blue" };
        a.insert_with(key.to_owned(), Bytes::from_static(b"old"), tagged(tag));
        settled(|| async { get(&b, key).await.is_some() }).await;
    }
    way.cut(true);
    b.remove(&"removed".to_owned()).await;
    b.purge(Purge::tag("red")).await;
    b.insert("changed".to_owned(), Bytes::from_static(b"new"));
    assert_eq!(get(&a, "removed").await.unwrap(), "old");
    way.cut(false);
    for key in ["removed", "purged"] {
        settled(|| async { get(&a, key).await.is_none() }).await;
    }
    // An entry is not sent late: the old one is gone.
    settled(|| async { get(&a, "changed").await.is_none_or(|value| value == "new") }).await;
    assert_eq!(get(&a, "kept").await.unwrap(), "old");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs redis-server"]
async fn a_server_that_comes_back_empty_brings_nothing_stale_back() {
    let mut server = RedisServer::start().await;
    let (a, b) = (
        join(patient(server.url())).await,
        join(patient(server.url())).await,
    );
    a.insert("key".to_owned(), Bytes::from_static(b"old"));
    settled(|| async { get(&b, "key").await.is_some() }).await;
    server.kill().await;
    server.start_again().await;
    a.insert("key".to_owned(), Bytes::from_static(b"new"));
    // The server may not have got it: entries are not sent late. But the old one goes.
    settled(|| async { get(&b, "key").await.is_none_or(|value| value == "new") }).await;
    settled(|| async {
        a.insert("key".to_owned(), Bytes::from_static(b"newer"));
        get(&b, "key").await.is_some_and(|value| value == "newer")
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs redis-server"]
async fn a_server_that_dies_under_load_is_not_missed() {
    const FILL: Duration = Duration::from_millis(20);
    let mut server = RedisServer::start().await;
    let node = join(RedisConfig::new(server.url()).with_deadline(Duration::from_millis(10))).await;
    let mut next = 0;
    let mut load = async |node: &Node, requests: usize| {
        let mut took = Vec::new();
        for _ in 0..requests / 8 {
            let mut burst = JoinSet::new();
            for _ in 0..8 {
                next += 1;
                let (node, key) = (node.clone(), format!("key {next}"));
                burst.spawn(async move {
                    let start = tooloo_clock::now();
                    let fill = || async {
                        sleep(FILL).await;
                        Ok::<_, std::convert::Infallible>(Bytes::from_static(b"value"))
                    };
                    node.get_or_fill(&key, fill)
                        .await
                        .expect("no request fails");
                    start.elapsed()
                });
            }
            took.extend(burst.join_all().await);
        }
        took.sort();
        took[took.len() * 99 / 100]
    };
    let before = load(&node, 400).await;
    server.kill().await;
    let meanwhile = load(&node, 800).await;
    println!("p99 {before:?} with the server, {meanwhile:?} without");
    assert!(meanwhile <= before * 2, "{before:?}, then {meanwhile:?}");
    server.start_again().await;
    settled(|| async {
        node.insert("back".to_owned(), Bytes::from_static(b"value"));
        // What still waits to be sent is not looked for on the server.
        node.flush().await;
        on_server(&node, "back").await
    })
    .await;
}
