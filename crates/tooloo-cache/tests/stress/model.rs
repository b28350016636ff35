//! What is asked and purged at random, and what may come of it.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
};

use bytes::Bytes;
use fastrand::Rng;
use tokio::{
    task::{JoinSet, yield_now},
    time::{Duration, sleep},
};
use tooloo_cache::{EntryOptions, Fill, Purge};

use super::Versioned;

const KEYS: usize = 12;
/// Askers at once.
const READERS: usize = 24;

/// Which version each key has, and which one each node has to serve at least.
pub(crate) struct Versions {
    present: [AtomicU64; KEYS],
    /// By node: what a purge that returned has left nothing older than, even stale.
    hard: Vec<[AtomicU64; KEYS]>,
    /// By node: what it has left nothing fresh of that is older.
    soft: Vec<[AtomicU64; KEYS]>,
}

/// One random sequence of steps.
pub(crate) struct Run {
    seed: u64,
    random: Rng,
    left: u64,
    readers: JoinSet<()>,
    hits: Arc<AtomicU64>,
}

enum Action {
    Remove(usize),
    Purge(Purge),
}

impl Versions {
    pub(crate) fn new(nodes: usize) -> Self {
        let zeros = || std::array::from_fn(|_| AtomicU64::new(0));
        Self {
            present: zeros(),
            hard: (0..nodes).map(|_| zeros()).collect(),
            soft: (0..nodes).map(|_| zeros()).collect(),
        }
    }
}

impl Run {
    pub(crate) fn new(seed: u64, steps: u64) -> Self {
        Self {
            seed,
            random: Rng::with_seed(seed),
            left: steps,
            readers: JoinSet::new(),
            hits: Arc::default(),
        }
    }

    pub(crate) fn goes_on(&mut self) -> bool {
        self.left = self.left.saturating_sub(1);
        self.left > 0
    }

    pub(crate) fn one_in(&mut self, number: u32) -> bool {
        self.random.u32(..number) == 0
    }

    pub(crate) fn below(&mut self, number: usize) -> usize {
        self.random.usize(..number)
    }

    /// Returns how many answers were not made for their asker.
    pub(crate) fn hits(&self) -> u64 {
        self.hits.load(SeqCst)
    }

    pub(crate) async fn wait_for_readers(&mut self) {
        while let Some(read) = self.readers.join_next().await {
            read.unwrap();
        }
    }

    /// Lets a few ask, and every now and then purges, in one of the nodes; `told` waits until the others have heard
    /// of it.
    pub(crate) async fn step<F: Future<Output = ()>>(
        &mut self,
        versions: &Arc<Versions>,
        nodes: &[&Versioned],
        told: impl FnOnce(usize) -> F,
    ) {
        for _ in 0..self.random.usize(1..6) {
            self.read(versions, nodes);
        }
        while self.readers.len() >= READERS {
            self.readers.join_next().await.unwrap().unwrap();
        }
        if self.one_in(3) {
            let node = self.below(nodes.len());
            let (action, reached) = self.action();
            let is_soft = matches!(&action, Action::Purge(purge) if purge.is_soft());
            let made: Vec<u64> = reached
                .iter()
                .map(|key| versions.present[*key].fetch_add(1, SeqCst) + 1)
                .collect();
            match action {
                Action::Remove(key) => nodes[node].remove(&name(key)).await,
                Action::Purge(purge) => nodes[node].purge(purge).await,
            }
            let raise = |node: usize| {
                let floors = if is_soft {
                    &versions.soft
                } else {
                    &versions.hard
                };
                for (key, version) in reached.iter().zip(&made) {
                    floors[node][*key].fetch_max(*version, SeqCst);
                }
            };
            raise(node);
            told(node).await;
            (0..nodes.len()).for_each(raise);
        }
        if self.one_in(4) {
            yield_now().await;
        }
    }

    fn read(&mut self, versions: &Arc<Versions>, nodes: &[&Versioned]) {
        let (node, key) = (self.below(nodes.len()), self.below(KEYS));
        let (versions, cache) = (Arc::clone(versions), nodes[node].clone());
        let (fills, pause) = (self.random.u8(..4) > 0, self.random.u64(..4));
        let (seed, hits) = (self.seed, Arc::clone(&self.hits));
        self.readers.spawn(async move {
            let hard = versions.hard[node][key].load(SeqCst);
            let soft = versions.soft[node][key].load(SeqCst);
            let found = if fills {
                let source = Arc::clone(&versions);
                let fill = move || async move {
                    // As a slow source does: what it read may be out of date when it answers.
                    let version = source.present[key].load(SeqCst);
                    match pause {
                        0 => {}
                        1 => sleep(Duration::from_millis(2)).await,
                        _ => yield_now().await,
                    }
                    Ok::<_, Infallible>(Fill::new(bytes(version)).with_options(options(key)))
                };
                let entry = cache.get_or_fill(&name(key), fill).await;
                version(&entry.unwrap())
            } else {
                let Some(entry) = cache.get(&name(key)).await else {
                    return;
                };
                hits.fetch_add(1, SeqCst);
                let found = version(&entry);
                assert!(
                    found >= soft,
                    "seed {seed}: key {key} fresh on node {node} at {found}, softly purged at {soft}"
                );
                found
            };
            assert!(
                found >= hard,
                "seed {seed}: key {key} on node {node} at {found}, purged at {hard}"
            );
        });
    }

    /// Returns something to purge, and the keys that it reaches.
    fn action(&mut self) -> (Action, Vec<usize>) {
        let key = self.below(KEYS);
        let all = |reaches: &dyn Fn(usize) -> bool| (0..KEYS).filter(|key| reaches(*key)).collect();
        let (purge, reached): (Purge, Vec<usize>) = match self.random.u8(..10) {
            0..3 => return (Action::Remove(key), vec![key]),
            3..5 => (Purge::tag(tag(key)), all(&|other| tag(other) == tag(key))),
            5..7 => (
                Purge::group(group(key)),
                all(&|other| group(other) == group(key)),
            ),
            7..9 => (
                Purge::prefix(prefix(key)),
                all(&|other| prefix(other) == prefix(key)),
            ),
            _ => (Purge::all(), all(&|_| true)),
        };
        let purge = if self.random.bool() {
            purge.soft()
        } else {
            purge
        };
        (Action::Purge(purge), reached)
    }
}

fn tag(key: usize) -> String {
    format!("tag {}", key % 3)
}

fn group(key: usize) -> String {
    format!("group {}", key % 4)
}

fn prefix(key: usize) -> String {
    format!("{}/", key % 5)
}

fn name(key: usize) -> String {
    format!("{}{key}", prefix(key))
}

fn options(key: usize) -> EntryOptions {
    EntryOptions::new()
        .with_tag(tag(key))
        .with_group(group(key))
}

fn bytes(version: u64) -> Bytes {
    Bytes::copy_from_slice(&version.to_be_bytes())
}

fn version(bytes: &Bytes) -> u64 {
    u64::from_be_bytes(bytes[..].try_into().unwrap())
}
