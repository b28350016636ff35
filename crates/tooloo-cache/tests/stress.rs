//! Fills, purges and restarts at random, of one node and of two: nothing older than a purge that had returned is
//! served.
//!
//! The values are versions. Each purge makes what it reaches out of date before it begins; once it has returned,
//! nobody who asks from then on may be given an older version. `TOOLOO_STRESS` multiplies the steps, and
//! `TOOLOO_STRESS_SEED` repeats one run.

#![expect(clippy::unwrap_used, reason = "a test fails where it unwraps")]

#[path = "stress/bus.rs"]
mod bus;
#[path = "stress/model.rs"]
mod model;
#[cfg(feature = "redis")]
#[path = "stress/redis.rs"]
mod redis;

use std::{env, sync::Arc, time::Duration};

use bytes::Bytes;
use tempfile::TempDir;
use tokio::time::timeout;
use tooloo_cache::{
    Backplane, Cache, CacheConfig, Raw,
    backend::{DiskConfig, DiskTier},
};

use self::{
    bus::Bus,
    model::{Run, Versions},
};

type Versioned = Cache<String, Bytes>;

/// A cache on a disk, which can be closed and opened again.
struct Node {
    cache: Versioned,
    disk: DiskTier<Bytes, Raw>,
    folder: TempDir,
}

impl Node {
    fn new(backplane: Option<impl Backplane>) -> Self {
        let folder = TempDir::new().unwrap();
        let (cache, disk) = open(&folder, backplane);
        Self {
            cache,
            disk,
            folder,
        }
    }

    /// Ends it, whatever waits to be written, and begins anew with what is on the disk.
    async fn restart(&mut self, backplane: Option<impl Backplane>) {
        self.disk.close().await;
        (self.cache, self.disk) = open(&self.folder, backplane);
    }
}

fn open(folder: &TempDir, backplane: Option<impl Backplane>) -> (Versioned, DiskTier<Bytes, Raw>) {
    let config = DiskConfig::new(folder.path())
        .with_max_bytes(16 << 20)
        .with_deadline(Duration::from_secs(10));
    let disk = DiskTier::open(config, Raw).unwrap();
    let settings = CacheConfig::new().with_stale_while_revalidate(Duration::from_secs(60));
    let mut builder = Versioned::builder(settings).with_tier(disk.clone());
    if let Some(backplane) = backplane {
        builder = builder.with_backplane(backplane);
    }
    (builder.build(), disk)
}

/// Runs with a few seeds, each to its end within a time.
async fn with_seeds(run: impl AsyncFn(Run)) {
    let number = |name: &str| {
        env::var(name)
            .ok()
            .and_then(|text| text.parse::<u64>().ok())
    };
    let steps = 500 * number("TOOLOO_STRESS").unwrap_or(1);
    let seeds = number("TOOLOO_STRESS_SEED").map_or(1..4, |seed| seed..seed + 1);
    for seed in seeds {
        let whole = timeout(Duration::from_secs(60 + steps), run(Run::new(seed, steps)));
        whole.await.unwrap_or_else(|_| panic!("seed {seed} hangs"));
    }
}

#[tokio::test]
async fn one_node_serves_nothing_older_than_a_purge_that_returned() {
    with_seeds(async |mut run| {
        let mut node = Node::new(None::<bus::Line>);
        let versions = Arc::new(Versions::new(1));
        while run.goes_on() {
            run.step(&versions, &[&node.cache], |_| async {}).await;
            if run.one_in(60) {
                run.wait_for_readers().await;
                node.restart(None::<bus::Line>).await;
            }
        }
        run.wait_for_readers().await;
        assert!(run.hits() > 0, "everything missed");
    })
    .await;
}

#[tokio::test]
async fn two_nodes_serve_nothing_older_than_a_purge_that_returned() {
    with_seeds(async |mut run| {
        let bus = Bus::new();
        let mut nodes = [Node::new(Some(bus.line())), Node::new(Some(bus.line()))];
        let versions = Arc::new(Versions::new(2));
        while run.goes_on() {
            // The bus has told all before it says that it has.
            run.step(&versions, &[&nodes[0].cache, &nodes[1].cache], |_| async {})
                .await;
            if run.one_in(60) {
                run.wait_for_readers().await;
                nodes[run.below(2)].restart(Some(bus.line())).await;
            }
        }
        run.wait_for_readers().await;
        assert!(run.hits() > 0, "everything missed");
    })
    .await;
}
