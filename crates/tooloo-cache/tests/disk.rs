//! Entries on a disk: the same tests with each engine.

#![expect(clippy::unwrap_used, reason = "a test fails where it unwraps")]

#[path = "disk/bodiless.rs"]
mod bodiless;
mod entries;

use std::{
    collections::HashMap,
    fs::{self, OpenOptions},
    num::NonZeroUsize,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use tempfile::TempDir;
use tooloo_cache::{
    EntryOptions, Mark, Purge, Raw, Restored, Tier, TierFigures,
    backend::{DiskConfig, DiskEngine, DiskError, DiskTier, EncryptionKey, RedbEngine},
};

use self::{
    bodiless::Bodiless,
    entries::{Entries, noise, size, text},
};

type Disk = DiskTier<Bytes, Raw>;

const MIB: u64 = 1 << 20;

macro_rules! with_each_engine {
    ($($test:ident),* $(,)?) => {
        mod redb {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
            async fn $test() {
                super::$test(super::RedbEngine).await;
            })*
        }

        #[cfg(feature = "sled")]
        mod sled {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
            async fn $test() {
                super::$test(tooloo_cache::backend::SledEngine).await;
            })*
        }
    };
}

with_each_engine!(
    what_is_stored_is_found_also_after_a_restart,
    a_record_comes_back_as_it_was,
    what_waits_to_be_written_is_found,
    what_is_removed_stays_so,
    a_purge_that_returned_is_known_after_a_restart,
    too_many_purges_forget_entries_and_no_purge,
    a_full_queue_sheds_and_shows_nothing_older,
    the_files_stay_within_their_bound,
    what_is_used_outlives_its_segment,
    a_folder_is_used_by_one_at_a_time,
    another_key_reads_nothing,
    what_is_expired_is_not_found,
    a_sweep_drops_what_it_is_told,
    what_a_purge_drops_still_hides_what_it_replaced,
    after_a_clear_nothing_is_left,
    compacting_gives_room_back,
    dictionaries_are_trained_and_outlive_a_restart,
    files_that_were_tampered_with_are_misses,
    what_cannot_be_read_is_missed_once,
    nothing_older_than_a_purge_comes_back,
);

fn config(folder: &TempDir, engine: impl DiskEngine) -> DiskConfig {
    DiskConfig::new(folder.path().join("cache"))
        .with_max_bytes(16 * MIB)
        .with_engine(engine)
        // A busy machine is no failing disk.
        .with_deadline(Duration::from_secs(30))
}

fn open(config: DiskConfig) -> Disk {
    DiskTier::open(config, Raw).expect("a folder of the test's own")
}

async fn restart(disk: Disk, config: DiskConfig) -> Disk {
    disk.close().await;
    drop(disk);
    open(config)
}

fn put(disk: &Disk, entries: &Entries, key: &str, value: impl Into<Bytes>) {
    let entry = entries.make(key, value, EntryOptions::new());
    disk.put(&key.to_owned(), &entry);
}

async fn get(disk: &Disk, key: &str) -> Option<Bytes> {
    let found = disk.get(&key.to_owned()).await;
    found.map(|stored| stored.value)
}

fn remove(disk: &Disk, key: &str) {
    Tier::<String, Bytes>::remove(disk, &key.to_owned());
}

async fn flush(disk: &Disk) {
    Tier::<String, Bytes>::flush(disk).await;
}

async fn purge(disk: &Disk, mark: &Mark) {
    Tier::<String, Bytes>::purge(disk, mark).await;
}

fn figures(disk: &Disk) -> TierFigures {
    Tier::<String, Bytes>::figures(disk)
}

fn restored(disk: &Disk) -> Restored {
    Tier::<String, Bytes>::restore(disk)
}

async fn what_is_stored_is_found_also_after_a_restart(engine: impl DiskEngine + Copy) {
    let (folder, entries) = (TempDir::new().unwrap(), Entries::new());
    let mut disk = open(config(&folder, engine));
    for round in 0..3 {
        for number in 0..50 {
            // Each round changes half of them, short ones and long ones.
            if number % 2 == round % 2 {
                let value = format!("{round} {}", "x".repeat(number * 200));
                put(&disk, &entries, &format!("key {number}"), value);
            }
        }
        flush(&disk).await;
        disk = restart(disk, config(&folder, engine)).await;
    }
    for number in 0..50 {
        let round = if number % 2 == 0 { 2 } else { 1 };
        let value = format!("{round} {}", "x".repeat(number * 200));
        assert_eq!(get(&disk, &format!("key {number}")).await.unwrap(), value);
    }
    assert_eq!(get(&disk, "another").await, None);
    let figures = figures(&disk);
    assert_eq!(
        (figures.entries, figures.hits, figures.misses),
        (Some(50), 50, 1)
    );
    assert_eq!(figures.errors, Some(0));
    assert!(figures.bytes > figures.compressed_bytes);
}

async fn a_record_comes_back_as_it_was(engine: impl DiskEngine + Copy) {
    let (folder, entries) = (TempDir::new().unwrap(), Entries::new());
    let disk = open(config(&folder, engine));
    let options = EntryOptions::new()
        .with_ttl(Duration::from_secs(3600))
        .with_stale_if_error(Duration::from_secs(60))
        .with_tag("red");
    let entry = entries.make("key", "value", options);
    disk.put(&"key".to_owned(), &entry);
    let disk = restart(disk, config(&folder, engine)).await;
    let stored = disk.get(&"key".to_owned()).await.unwrap();
    assert_eq!(
        (stored.value, &stored.record),
        (entry.value().clone(), entry.record())
    );
}

async fn what_waits_to_be_written_is_found(engine: impl DiskEngine) {
    let (folder, entries) = (TempDir::new().unwrap(), Entries::new());
    let patient = config(&folder, engine).with_commit_after(Duration::from_secs(3600));
    let disk = open(patient);
    put(&disk, &entries, "key", "value");
    assert_eq!(get(&disk, "key").await.unwrap(), "value");
    assert_eq!(figures(&disk).queued, Some(1));
    remove(&disk, "key");
    assert_eq!(get(&disk, "key").await, None);
}

async fn what_is_removed_stays_so(engine: impl DiskEngine + Copy) {
    let (folder, entries) = (TempDir::new().unwrap(), Entries::new());
    let mut disk = open(config(&folder, engine));
    // The versions of a key are in several segments.
    for version in 0..3 {
        put(&disk, &entries, "key", format!("version {version}"));
        fill(&disk, &entries, &format!("filler {version}"), 3 * MIB).await;
    }
    remove(&disk, "key");
    flush(&disk).await;
    for _ in 0..2 {
        disk = restart(disk, config(&folder, engine)).await;
        assert_eq!(get(&disk, "key").await, None);
        fill(&disk, &entries, "more", MIB).await;
    }
}

async fn a_purge_that_returned_is_known_after_a_restart(engine: impl DiskEngine + Copy) {
    let (folder, entries) = (TempDir::new().unwrap(), Entries::new());
    let disk = open(config(&folder, engine));
    let tagged = |tag: &str| EntryOptions::new().with_tag(tag);
    for (key, tag) in [("a", "red"), ("b", "blue"), ("c", "red")] {
        disk.put(&key.to_owned(), &entries.make(key, "old", tagged(tag)));
    }
    let red = entries.purge(Purge::tag("red")).await;
    let soft = entries.purge(Purge::tag("blue").soft()).await;
    purge(&disk, &red).await;
    purge(&disk, &soft).await;
    disk.put(&"c".to_owned(), &entries.make("c", "new", tagged("red")));
    flush(&disk).await;
    let disk = restart(disk, config(&folder, engine)).await;
    let restored = restored(&disk);
    assert_eq!(restored.generation, soft.generation);
    let mut marks = restored.marks;
    marks.sort_by_key(|mark| mark.generation);
    assert_eq!(marks, [red, soft]);
    assert_eq!(get(&disk, "a").await, None);
    assert_eq!(get(&disk, "c").await.unwrap(), "new");
}

async fn too_many_purges_forget_entries_and_no_purge(engine: impl DiskEngine + Copy) {
    let (folder, entries) = (TempDir::new().unwrap(), Entries::new());
    let few = NonZeroUsize::new(10).unwrap();
    let bounded = || config(&folder, engine).with_max_marks(few);
    let disk = open(bounded());
    put(&disk, &entries, "old", "old");
    let mut last = 0;
    for number in 0..25 {
        let mark = entries.purge(Purge::tag(format!("tag {number}"))).await;
        last = mark.generation;
        purge(&disk, &mark).await;
    }
    put(&disk, &entries, "new", "new");
    flush(&disk).await;
    let disk = restart(disk, bounded()).await;
    let restored = restored(&disk);
    assert!(restored.marks.len() <= 11, "{:?}", restored.marks);
    assert_eq!(restored.generation, last);
    let all = restored
        .marks
        .iter()
        .find(|mark| mark.purge == Purge::all());
    assert!(all.is_some(), "{:?}", restored.marks);
    assert_eq!(get(&disk, "old").await, None);
    assert_eq!(get(&disk, "new").await.unwrap(), "new");
}

async fn a_full_queue_sheds_and_shows_nothing_older(engine: impl DiskEngine + Copy) {
    let (folder, entries) = (TempDir::new().unwrap(), Entries::new());
    let one = NonZeroUsize::new(1).unwrap();
    let small = || {
        config(&folder, engine)
            .with_queue(one, MIB)
            .with_commit_after(Duration::from_secs(3600))
    };
    let disk = open(small());
    put(&disk, &entries, "key", "old");
    flush(&disk).await;
    put(&disk, &entries, "other", "other");
    put(&disk, &entries, "key", "new");
    let shed = figures(&disk);
    assert_eq!((shed.shed, shed.queued), (Some(1), Some(2)));
    assert_eq!(get(&disk, "key").await, None);
    let disk = restart(disk, small()).await;
    assert_eq!(get(&disk, "key").await, None);
    assert_eq!(get(&disk, "other").await.unwrap(), "other");
}

/// The length of a body to fill with.
const BODY: u64 = 24 << 10;

/// Returns the bodies that [`fill`] stores under keys that begin so, by their numbers.
fn bodies(name: &str) -> impl Fn(u64) -> Bytes + use<> {
    let body = noise(name, 0, usize::try_from(BODY).unwrap());
    move |number| {
        let mut body = body.to_vec();
        body[..8].copy_from_slice(&number.to_be_bytes());
        body.into()
    }
}

/// Stores as many bytes as this under keys that begin so, none of which compress.
async fn fill(disk: &Disk, entries: &Entries, name: &str, bytes: u64) {
    let body = bodies(name);
    for number in 0..bytes / BODY {
        let key = format!("{name} {number}");
        put(disk, entries, &key, body(number));
        if number % 64 == 0 {
            flush(disk).await;
        }
    }
    flush(disk).await;
}

async fn the_files_stay_within_their_bound(engine: impl DiskEngine + Copy) {
    let (folder, entries) = (TempDir::new().unwrap(), Entries::new());
    // To look for what bodies have in common that have nothing takes longer than to write them.
    let config = || config(&folder, engine).with_dictionary_bytes(0);
    let mut disk = open(config());
    let mut largest = 0;
    for round in 0..80 {
        fill(&disk, &entries, &format!("round {round}"), 2 * MIB).await;
        let bytes = size(folder.path());
        largest = largest.max(bytes);
        assert!(bytes <= 16 * MIB * 12 / 10, "{bytes} in round {round}");
        if round % 20 == 19 {
            disk = restart(disk, config()).await;
        }
    }
    println!("largest {} KiB of {} KiB", largest >> 10, (16 * MIB) >> 10);
    let figures = figures(&disk);
    // The bound is made use of, too.
    assert!(figures.compressed_bytes > Some(4 * MIB), "{figures:?}");
    assert_eq!(get(&disk, "round 0 0").await, None);
    assert!(get(&disk, "round 79 0").await.is_some());
}

async fn what_is_used_outlives_its_segment(engine: impl DiskEngine + Copy) {
    let (folder, entries) = (TempDir::new().unwrap(), Entries::new());
    let disk = open(config(&folder, engine));
    put(&disk, &entries, "used", "used");
    put(&disk, &entries, "unused", "unused");
    for round in 0..12 {
        assert_eq!(
            get(&disk, "used").await.unwrap(),
            "used",
            "in round {round}"
        );
        fill(&disk, &entries, &format!("round {round}"), 2 * MIB).await;
    }
    assert_eq!(get(&disk, "unused").await, None);
    assert!(figures(&disk).evictions > Some(0));
    assert_eq!(get(&disk, "used").await.unwrap(), "used");
}

async fn a_folder_is_used_by_one_at_a_time(engine: impl DiskEngine + Copy) {
    let folder = TempDir::new().unwrap();
    let disk = open(config(&folder, engine));
    let second = Disk::open(config(&folder, engine), Raw).unwrap_err();
    assert!(matches!(second, DiskError::Locked { .. }), "{second:?}");
    assert!(second.to_string().contains("in use by another process"));
    restart(disk, config(&folder, engine)).await;
}

async fn another_key_reads_nothing(engine: impl DiskEngine + Copy) {
    let (folder, entries) = (TempDir::new().unwrap(), Entries::new());
    let locked = |byte| config(&folder, engine).with_encryption(EncryptionKey::new([byte; 32]));
    let disk = open(locked(1));
    let options = EntryOptions::new().with_tag("customer-4711");
    let entry = entries.make("the key", "a secret of somebody's", options);
    disk.put(&"the key".to_owned(), &entry);
    flush(&disk).await;
    let disk = restart(disk, locked(1)).await;
    assert_eq!(
        get(&disk, "the key").await.unwrap(),
        "a secret of somebody's"
    );
    disk.close().await;
    for secret in ["a secret of", "customer-4711", "the key"] {
        assert!(
            !anywhere(folder.path(), secret.as_bytes()),
            "{secret} is readable"
        );
    }
    let disk = open(locked(2));
    assert_eq!(get(&disk, "the key").await, None);
    assert!(figures(&disk).errors > Some(0));
    put(&disk, &entries, "the key", "another");
    flush(&disk).await;
    let disk = restart(disk, locked(2)).await;
    assert_eq!(get(&disk, "the key").await.unwrap(), "another");
    let disk = restart(disk, config(&folder, engine)).await;
    assert_eq!(get(&disk, "the key").await, None);
}

async fn what_is_expired_is_not_found(engine: impl DiskEngine + Copy) {
    let (folder, entries) = (TempDir::new().unwrap(), Entries::new());
    let disk = open(config(&folder, engine));
    put(&disk, &entries, "key", "lasts longer");
    flush(&disk).await;
    let brief = EntryOptions::new().with_ttl(Duration::from_millis(30));
    disk.put(&"key".to_owned(), &entries.make("key", "brief", brief));
    flush(&disk).await;
    assert!(get(&disk, "key").await.is_none_or(|value| value == "brief"));
    tokio::time::sleep(Duration::from_millis(60)).await;
    assert_eq!(get(&disk, "key").await, None);
    // What is expired still hides what it took the place of.
    let disk = restart(disk, config(&folder, engine)).await;
    assert_eq!(get(&disk, "key").await, None);
    assert_eq!(figures(&disk).entries, Some(0));
}

async fn a_sweep_drops_what_it_is_told(engine: impl DiskEngine + Copy) {
    let (folder, entries) = (TempDir::new().unwrap(), Entries::new());
    let disk = open(config(&folder, engine));
    for number in 0..20 {
        put(&disk, &entries, &format!("key {number}"), "value");
    }
    let dead: Arc<tooloo_cache::Dead> = Arc::new(|key, _| key.starts_with(b"key 1"));
    Tier::<String, Bytes>::sweep(&disk, dead).await;
    assert_eq!(figures(&disk).entries, Some(9));
    let disk = restart(disk, config(&folder, engine)).await;
    assert_eq!(figures(&disk).entries, Some(9));
    assert_eq!(get(&disk, "key 1").await, None);
    assert!(get(&disk, "key 2").await.is_some());
}

async fn what_a_purge_drops_still_hides_what_it_replaced(engine: impl DiskEngine + Copy) {
    let (folder, entries) = (TempDir::new().unwrap(), Entries::new());
    let disk = open(config(&folder, engine));
    put(&disk, &entries, "key", "old");
    // The old version is in a segment that is written to no more.
    fill(&disk, &entries, "round", 3 * MIB).await;
    let options = EntryOptions::new().with_tag("red");
    disk.put(&"key".to_owned(), &entries.make("key", "new", options));
    let mark = entries.purge(Purge::tag("red")).await;
    flush(&disk).await;
    purge(&disk, &mark).await;
    let red = tooloo_cache::Label::Tag("red".into());
    let dead: Arc<tooloo_cache::Dead> = Arc::new(move |_, record| record.labels.contains(&red));
    Tier::<String, Bytes>::sweep(&disk, dead).await;
    assert_eq!(get(&disk, "key").await, None);
    let disk = restart(disk, config(&folder, engine)).await;
    assert_eq!(get(&disk, "key").await, None);
    assert!(get(&disk, "round 0").await.is_some());
}

async fn after_a_clear_nothing_is_left(engine: impl DiskEngine + Copy) {
    let (folder, entries) = (TempDir::new().unwrap(), Entries::new());
    let disk = open(config(&folder, engine));
    fill(&disk, &entries, "round", 5 * MIB).await;
    put(&disk, &entries, "waiting", "waiting");
    Tier::<String, Bytes>::clear(&disk).await;
    assert!(size(folder.path()) < MIB, "{}", size(folder.path()));
    let cleared = figures(&disk);
    assert_eq!((cleared.entries, cleared.bytes), (Some(0), Some(0)));
    put(&disk, &entries, "new", "new");
    flush(&disk).await;
    let disk = restart(disk, config(&folder, engine)).await;
    assert_eq!(get(&disk, "round 0").await, None);
    assert_eq!(get(&disk, "waiting").await, None);
    assert_eq!(get(&disk, "new").await.unwrap(), "new");
}

async fn compacting_gives_room_back(engine: impl DiskEngine + Copy) {
    let (folder, entries) = (TempDir::new().unwrap(), Entries::new());
    let disk = open(config(&folder, engine));
    fill(&disk, &entries, "round", 5 * MIB).await;
    let (before, full) = (size(folder.path()), figures(&disk));
    println!("{} KiB in {:?}", before >> 10, full.file_bytes);
    let all = 5 * MIB / BODY;
    assert_eq!(full.entries, Some(all), "all are there, in {before} bytes");
    for number in 20..all {
        remove(&disk, &format!("round {number}"));
    }
    Tier::<String, Bytes>::compact(&disk).await;
    let after = size(folder.path());
    assert!(after < before / 2, "{before} bytes, then {after}");
    for number in 0..20 {
        assert!(get(&disk, &format!("round {number}")).await.is_some());
    }
    let compacted = figures(&disk);
    assert_eq!((compacted.entries, compacted.errors), (Some(20), Some(0)));
}

async fn dictionaries_are_trained_and_outlive_a_restart(engine: impl DiskEngine + Copy) {
    let (folder, entries) = (TempDir::new().unwrap(), Entries::new());
    let trained = || config(&folder, engine).with_dictionary_bytes(4 << 10);
    let disk = open(trained());
    let mut number = 0;
    // The training is on a thread of its own: its fruit shows in what is stored later.
    let mut without = None;
    let mut gain = 0.0;
    while number < 10_000 && gain < 1.3 {
        let before = figures(&disk);
        for _ in 0..50 {
            put(&disk, &entries, &format!("key {number}"), text(number));
            number += 1;
        }
        flush(&disk).await;
        let after = figures(&disk);
        let grown = |of: fn(TierFigures) -> Option<u64>| {
            let grown = of(after).unwrap() - of(before).unwrap();
            f64::from(u32::try_from(grown).unwrap())
        };
        let ratio = grown(|figures| figures.bytes) / grown(|figures| figures.compressed_bytes);
        gain = ratio / *without.get_or_insert(ratio);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    println!(
        "{:.1} times without, {gain:.2} times better",
        without.unwrap()
    );
    assert!(
        gain >= 1.3,
        "no dictionary after {number} entries: {gain:.2}"
    );
    let disk = restart(disk, trained()).await;
    for number in 0..number {
        assert_eq!(
            get(&disk, &format!("key {number}")).await.unwrap(),
            text(number)
        );
    }
}

async fn files_that_were_tampered_with_are_misses(engine: impl DiskEngine + Copy) {
    let mut random = fastrand::Rng::with_seed(7);
    let (original, entries) = (TempDir::new().unwrap(), Entries::new());
    let disk = open(config(&original, engine));
    fill(&disk, &entries, "round", 4 * MIB).await;
    disk.close().await;
    let (keys, body) = (4 * MIB / BODY, bodies("round"));
    for round in 0..12 {
        let folder = TempDir::new().unwrap();
        copy(&original.path().join("cache"), &folder.path().join("cache"));
        let files = files(folder.path());
        let path = &files[random.usize(..files.len())];
        let length = fs::metadata(path).unwrap().len();
        let file = OpenOptions::new().write(true).open(path).unwrap();
        match round % 3 {
            0 => file.set_len(random.u64(..length.max(1))).unwrap(),
            1 => {
                for _ in 0..20 {
                    let place = random.u64(..length.max(1));
                    file.write_all_at(&[random.u8(..)], place).unwrap();
                }
            }
            _ => fs::write(path, b"nothing of ours").unwrap(),
        }
        let disk = open(config(&folder, engine));
        let mut found = 0;
        for number in 0..keys {
            let key = format!("round {number}");
            if let Some(value) = get(&disk, &key).await {
                assert!(
                    value == body(number),
                    "after tampering with {}",
                    path.display()
                );
                found += 1;
            }
        }
        println!(
            "round {round}: {found} of {keys} left, {:?} errors",
            figures(&disk).errors
        );
        put(&disk, &entries, "new", "new");
        flush(&disk).await;
        let disk = restart(disk, config(&folder, engine)).await;
        assert_eq!(get(&disk, "new").await.unwrap(), "new");
        disk.close().await;
    }
}

async fn what_cannot_be_read_is_missed_once(engine: impl DiskEngine + Copy) {
    let (folder, entries) = (TempDir::new().unwrap(), Entries::new());
    let disk = open(config(&folder, engine));
    put(&disk, &entries, "ada", "an older version");
    disk.close().await;
    drop(disk);
    let disk = open(config(&folder, Bodiless(engine)));
    put(&disk, &entries, "ada", "what the engine will lose");
    put(&disk, &entries, "bob", "and this");
    let disk = restart(disk, config(&folder, engine)).await;
    assert_eq!(figures(&disk).entries, Some(2));
    for key in ["ada", "bob", "ada"] {
        assert_eq!(get(&disk, key).await, None);
    }
    assert_eq!(figures(&disk).errors, Some(2));
    let disk = restart(disk, config(&folder, engine)).await;
    assert_eq!(figures(&disk).entries, Some(0));
    assert_eq!(get(&disk, "ada").await, None, "nothing older comes back");
    assert_eq!(figures(&disk).errors, Some(0));
    disk.close().await;
}

/// A random run of everything, with restarts, against what a map holds.
async fn nothing_older_than_a_purge_comes_back(engine: impl DiskEngine + Copy) {
    let mut random = fastrand::Rng::with_seed(11);
    let (folder, entries) = (TempDir::new().unwrap(), Entries::new());
    let mut disk = open(config(&folder, engine));
    let mut model: HashMap<String, (u64, usize)> = HashMap::new();
    for version in 0..1500_u64 {
        let key = format!("key {}", random.u8(..40));
        match random.u8(..100) {
            0..=69 => {
                let tag = random.usize(..3);
                let options = EntryOptions::new().with_tag(format!("tag {tag}"));
                let value = noise(&key, version, random.usize(8..20_000));
                disk.put(&key, &entries.make(&key, value, options));
                model.insert(key, (version, tag));
            }
            70..=79 => {
                remove(&disk, &key);
                model.remove(&key);
            }
            80..=84 => {
                let tag = random.usize(..3);
                let mark = entries.purge(Purge::tag(format!("tag {tag}"))).await;
                purge(&disk, &mark).await;
                // The tier leaves it to its cache to tell what a mark covers: a sweep tells the tier.
                let below = mark.generation;
                let name = tooloo_cache::Label::Tag(format!("tag {tag}").into());
                let dead: Arc<tooloo_cache::Dead> = Arc::new(move |_, record| {
                    record.generation < below && record.labels.contains(&name)
                });
                Tier::<String, Bytes>::sweep(&disk, dead).await;
                model.retain(|_, (_, of)| *of != tag);
            }
            85..=94 => {
                let found = get(&disk, &key).await;
                let expected = model.get(&key).map(|(version, _)| *version);
                if let Some(found) = found {
                    let version = expected.expect("nothing that was removed or purged");
                    assert!(found == noise(&key, version, found.len()), "of {key}");
                }
            }
            95..=97 => flush(&disk).await,
            _ => disk = restart(disk, config(&folder, engine)).await,
        }
    }
    assert_eq!(figures(&disk).errors, Some(0));
}

fn anywhere(folder: &Path, text: &[u8]) -> bool {
    files(folder).iter().any(|path| {
        let bytes = fs::read(path).unwrap();
        bytes.windows(text.len()).any(|window| window == text)
    })
}

/// Returns all files below a folder but the lock.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.file_name().is_some_and(|name| name != "lock") {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for file in fs::read_dir(from).unwrap() {
        let path = file.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}
