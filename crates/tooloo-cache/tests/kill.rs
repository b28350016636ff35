//! A process that writes to a disk tier and is killed, again and again, at any moment.

#![expect(clippy::unwrap_used, reason = "a test fails where it unwraps")]

mod entries;

use std::{
    collections::HashMap,
    env,
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use bytes::Bytes;
use tempfile::TempDir;
use tooloo_cache::{
    Cache, CacheConfig, EntryOptions, Label, Purge, Raw, Tier,
    backend::{DiskConfig, DiskEngine, DiskTier, RedbEngine},
};

use self::entries::{noise, size};

type Disk = DiskTier<Bytes, Raw>;

const FOLDER: &str = "TOOLOO_CACHE_KILL_FOLDER";
const START: &str = "TOOLOO_CACHE_KILL_START";
const BOUND: u64 = 16 << 20;
const KEYS: u64 = 400;
const KILLS: u64 = 50;

fn open(folder: &Path, engine: impl DiskEngine) -> Disk {
    let config = DiskConfig::new(folder)
        .with_max_bytes(BOUND)
        .with_deadline(Duration::from_secs(30))
        .with_engine(engine);
    DiskTier::open(config, Raw).expect("it opens every time")
}

fn key(number: u64) -> String {
    format!("key {number}")
}

fn tag(key: u64) -> String {
    format!("tag {}", key % 4)
}

/// A value that tells its version, and whose every byte can be checked.
fn value(key: &str, version: u64) -> Bytes {
    let length = 100 + usize::try_from(version % 97).unwrap() * 300;
    [&version.to_be_bytes()[..], &noise(key, version, length)]
        .concat()
        .into()
}

fn version(value: &[u8]) -> u64 {
    u64::from_be_bytes(value[..8].try_into().expect("eight bytes"))
}

/// Writes without end; says what has come to disk.
async fn write(disk: Disk, start: u64) {
    let mut random = fastrand::Rng::with_seed(start);
    let cache = Cache::builder(CacheConfig::new()).with_tier(disk).build();
    for version in start.. {
        let number = random.u64(..KEYS);
        let key = key(number);
        let options = EntryOptions::new().with_tag(tag(number));
        cache.insert_with(key.clone(), value(&key, version), options);
        if version % 61 == 0 {
            let number = random.u64(..4);
            cache.purge(Purge::tag(tag(number))).await;
            println!("purged {number} {version}");
        }
        if version % 47 == 0 {
            let number = random.u64(..KEYS);
            cache.remove(&self::key(number)).await;
            println!("removed {number} {version}");
        }
    }
}

/// What the process said before it died.
#[derive(Default)]
struct Said {
    purged: HashMap<u64, u64>,
    removed: HashMap<u64, u64>,
}

impl Said {
    /// Takes note of a line, and returns whether it said something.
    fn hear(&mut self, line: &str) -> bool {
        let mut words = line.split(' ');
        let (kind, number, at) = (words.next(), words.next(), words.next());
        let parse = |word: Option<&str>| word.and_then(|word| word.trim().parse().ok());
        // The last line may be cut off.
        let (Some(of), Some(at)) = (parse(number), parse(at)) else {
            return false;
        };
        match kind {
            Some("purged") => self.purged.insert(of, at),
            Some("removed") => self.removed.insert(of, at),
            _ => return false,
        };
        true
    }
}

/// At most so many of the restarts may miss something for its not being readable.
async fn survives(test: &str, engine: impl DiskEngine + Copy, max_lossy: u64) {
    if let Ok(folder) = env::var(FOLDER) {
        let start = env::var(START).unwrap().parse().unwrap();
        let disk = open(Path::new(&folder), engine);
        write(disk, start).await;
        return;
    }
    let folder = TempDir::new().unwrap();
    let cache = folder.path().join("cache");
    let mut random = fastrand::Rng::with_seed(7);
    let (mut said, mut largest) = (Said::default(), 0);
    let (mut found, mut lossy) = (0, 0);
    for kill in 0..KILLS {
        // Versions rise over all runs.
        let start = kill * 1_000_000 + 1;
        run_and_kill(test, &cache, start, random.u64(..120), &mut said);
        let disk = open(&cache, engine);
        largest = largest.max(size(&cache));
        assert!(size(&cache) <= BOUND * 12 / 10, "{} bytes", size(&cache));
        for number in 0..KEYS {
            let key = key(number);
            let Some(stored) = disk.get(&key).await else {
                continue;
            };
            let version = version(&stored.value);
            assert_eq!(stored.value, value(&key, version), "of {key}");
            assert_eq!(*stored.record.labels, [Label::Tag(tag(number).into())]);
            let purged = said.purged.get(&(number % 4)).copied().unwrap_or(0);
            assert!(version > purged, "{key} was purged");
            let removed = said.removed.get(&number).copied().unwrap_or(0);
            assert!(version > removed, "{key} was removed");
            found += 1;
        }
        let figures = Tier::<String, Bytes>::figures(&disk);
        lossy += u64::from(figures.errors != Some(0));
        disk.close().await;
    }
    println!(
        "{found} entries found after {KILLS} kills, {lossy} of which cost a segment; at most {} KiB",
        largest >> 10
    );
    assert!(
        lossy <= max_lossy,
        "after {lossy} kills something could not be read"
    );
    assert!(found > KILLS * 10, "too little was ever written: {found}");
}

/// Runs this test as a process that writes, and kills it some time after it began.
fn run_and_kill(test: &str, folder: &Path, start: u64, millis: u64, said: &mut Said) {
    let mut child = Command::new(env::current_exe().unwrap())
        .args([test, "--exact", "--nocapture", "--test-threads=1"])
        .env(FOLDER, folder)
        .env(START, start.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map_while(Result::ok);
    // From the first word on that something is on disk, any moment will do: it writes without end.
    let first = lines.find(|line| said.hear(line));
    assert!(first.is_some(), "the process writes nothing");
    thread::sleep(Duration::from_millis(millis));
    child.kill().unwrap();
    child.wait().unwrap();
    for line in lines {
        said.hear(&line);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn redb_survives_being_killed() {
    survives("redb_survives_being_killed", RedbEngine, 0).await;
}

/// sled 0.34 cannot read its own log now and then: then its segment is dropped, and counted. What is found
/// is held to the same as with redb.
#[cfg(feature = "sled")]
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn sled_survives_being_killed() {
    let engine = tooloo_cache::backend::SledEngine;
    survives("sled_survives_being_killed", engine, KILLS / 10).await;
}
