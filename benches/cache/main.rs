//! Times caches beside each other, in one process that they take turns in, and says whether the bounds are kept.
//!
//! Keys are strings and values `Arc<[u8]>`, 10,000 of them, and each cache has its own. Each has an hour to live where
//! the cache knows of that; ours counts its figures as well. A ratio is the middle one of all rounds. Our memory keeps
//! keys of up to 23 bytes as these are, in its table; hits by longer ones are shown, and have no bound.

use std::{hint::black_box, num::NonZeroUsize, process::ExitCode, sync::Arc, time::Duration};

use benches::{Bound, Rounds};
use rustix::time::ClockId;
use tokio::runtime::Builder;
use tooloo_cache::{
    Cache, CacheConfig, MemoryConfig, Raw,
    backend::{DiskConfig, DiskTier},
};

const KEYS: usize = 10_000;
/// So that keys do not come in the order in which they lie in memory.
const STEP: usize = 7919;
/// Operations of one contender in one round.
const OPERATIONS: usize = 50_000;
const ROUNDS: usize = 31;
const HOUR: Duration = Duration::from_secs(3600);

type Value = Arc<[u8]>;
type Ours = Cache<String, Value>;
type Quick = quick_cache::sync::Cache<String, Value>;
type Moka = moka::sync::Cache<String, Value>;

fn main() -> ExitCode {
    let short = keys("/api/v1/items/");
    let [quick, moka] = hits("hit in memory, CPU ns", &short);
    let mut bounds = vec![
        Bound::new("hit in memory / quick_cache", quick, 1.15),
        Bound::new("hit in memory / moka", moka, 0.4),
    ];
    let long = keys("https://api.example.com/v1/organizations/items/");
    let [quick, moka] = hits("hit in memory by a long key, CPU ns", &long);
    bounds.push(writes(&short));
    println!("\nby a long key: {quick:.3} of quick_cache, {moka:.3} of moka\n");
    for bound in &bounds {
        println!("{bound}");
    }
    if bounds.iter().all(Bound::holds) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn keys(before: &str) -> Vec<String> {
    let numbers = 0..KEYS;
    numbers.map(|key| format!("{before}{key:08}")).collect()
}

/// Hits in memory, of caches that hold every key: what ours takes of `quick_cache`'s time, and of moka's.
fn hits(title: &'static str, keys: &[String]) -> [f64; 2] {
    let (quick, moka, ours) = (Quick::new(4 * KEYS), moka(), Ours::new(config()));
    // Keys and values of its own for each, or one would find them warm where another has just been; each made before
    // it begins: none gains by what the allocator happens to lay side by side.
    let pairs = || {
        let copies = keys.to_vec();
        let values: Vec<Value> = keys.iter().map(|_| value()).collect();
        copies.into_iter().zip(values)
    };
    pairs().for_each(|(key, value)| quick.insert(key, value));
    pairs().for_each(|(key, value)| drop(ours.insert(key, value)));
    pairs().for_each(|(key, value)| moka.insert(key, value));
    let runtime = Builder::new_current_thread().enable_time().build();
    let runtime = runtime.expect("a runtime needs nothing of the system");
    let mut rounds = Rounds::new(title, ClockId::ProcessCPUTime);
    for _ in 0..ROUNDS {
        rounds.time("quick_cache", OPERATIONS, || {
            each(keys, |key| drop(black_box(quick.get(key))));
        });
        rounds.time("tooloo-cache", OPERATIONS, || {
            each(keys, |key| drop(black_box(ours.get_in_memory(key))));
        });
        // Shown only: the round before it has warmed what it reads.
        rounds.time("tooloo-cache, all tiers", OPERATIONS, || {
            runtime.block_on(async {
                for key in order(keys) {
                    drop(black_box(ours.get(key).await));
                }
            });
        });
        rounds.time("moka", OPERATIONS, || {
            each(keys, |key| drop(black_box(moka.get(key))));
        });
    }
    print!("{rounds}");
    ["quick_cache", "moka"].map(|peer| rounds.ratio("tooloo-cache", peer))
}

/// How long a write keeps its caller, while the disk's own threads work behind its back.
///
/// What it takes of the caller's processor time is shown beside that: where cores are few the clock counts those
/// threads, too.
fn writes(keys: &[String]) -> Bound {
    let folder = tempfile::tempdir().expect("there is a folder for temporary files");
    let (quick, memory) = (Quick::new(4 * KEYS), Ours::new(config()));
    let tier = DiskTier::open(DiskConfig::new(folder.path()), Raw);
    let both = Ours::builder(config())
        .with_tier(tier.expect("the folder is empty"))
        .build();
    let value = value();
    let mut rounds = Rounds::new("write, CPU ns of its caller", ClockId::ThreadCPUTime);
    let mut on_the_clock = Rounds::new("write, ns on the clock", ClockId::Monotonic);
    for round in 0..2 * ROUNDS {
        let rounds = if round % 2 == 0 {
            &mut rounds
        } else {
            &mut on_the_clock
        };
        rounds.time("quick_cache", OPERATIONS, || {
            each(keys, |key| quick.insert(key.clone(), Arc::clone(&value)));
        });
        rounds.time("tooloo-cache, memory", OPERATIONS, || {
            each(keys, |key| {
                drop(memory.insert(key.clone(), Arc::clone(&value)));
            });
        });
        rounds.time("tooloo-cache, and disk", OPERATIONS, || {
            each(keys, |key| {
                drop(both.insert(key.clone(), Arc::clone(&value)));
            });
        });
    }
    print!("{rounds}{on_the_clock}");
    let ratio = on_the_clock.ratio("tooloo-cache, and disk", "quick_cache");
    Bound::new("write to memory and disk / quick_cache", ratio, 4.0)
}

fn config() -> CacheConfig {
    let expected = NonZeroUsize::new(4 * KEYS).expect("there are keys");
    let memory = MemoryConfig::new().with_expected_entries(expected);
    CacheConfig::new().with_ttl(HOUR).with_memory(memory)
}

fn moka() -> Moka {
    let builder = Moka::builder().max_capacity(4 * KEYS as u64);
    builder.time_to_live(HOUR).build()
}

fn value() -> Value {
    vec![7; 256].into()
}

fn order(keys: &[String]) -> impl Iterator<Item = &String> {
    (0..OPERATIONS).map(|number| &keys[number * STEP % KEYS])
}

fn each(keys: &[String], act: impl FnMut(&String)) {
    order(keys).for_each(act);
}
