//! Opens a folder: finds out what an earlier run has left.

use std::{
    collections::HashMap,
    fs::{self, File, TryLockError},
    io,
    sync::Arc,
};

use super::{
    error::DiskError,
    lock::{lock_read, lock_write},
    note::{self, Head, Note},
    segment::{self, SegmentFile},
    slot::{Place, Slot, Written},
    store::{LEVEL, Store, increment},
    writer::Writer,
};
use crate::{
    backend::{
        dictionary::Dictionary,
        engine::{EngineError, Space},
        wall_millis,
    },
    tier::Restored,
};

/// A file whose lock says that the folder is in use.
const LOCK: &str = "lock";

/// Takes the folder for this process; nobody else can until the file is dropped.
pub(crate) fn lock(store: &Store) -> Result<File, DiskError> {
    let folder = store.folder();
    let refused = |source| DiskError::Folder {
        folder: folder.clone(),
        source,
    };
    fs::create_dir_all(folder).map_err(refused)?;
    let file = File::create(folder.join(LOCK)).map_err(refused)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(DiskError::Locked {
            folder: folder.clone(),
        }),
        Err(TryLockError::Error(source)) => Err(refused(source)),
    }
}

/// Opens the segments and fills the index from their heads.
pub(crate) fn replay(store: &Arc<Store>, lock: File) -> Result<(Writer, Restored), DiskError> {
    let refused = |source| DiskError::Folder {
        folder: store.folder().clone(),
        source,
    };
    let numbers = segment::found(&*store.config.engine, store.folder()).map_err(refused)?;
    let next = numbers.last().map_or(0, |last| last + 1);
    let mut replay = Replay {
        writer: Writer::new(Arc::clone(store), next, lock),
        removed: HashMap::new(),
        last_number: 0,
        generation: 0,
        sequence: 0,
    };
    replay.open(numbers).map_err(refused)?;
    replay.index();
    let Replay {
        mut writer,
        last_number,
        generation,
        sequence,
        ..
    } = replay;
    store.queue.start_after(last_number);
    writer.keep_room();
    let marks = lock_write(&store.marks);
    let numbered = marks.iter().filter_map(|mark| mark.sequence).max();
    let restored = Restored {
        generation: generation.max(marks.highest()),
        sequence: numbered.unwrap_or(0).max(sequence),
        marks: marks.iter().cloned().collect(),
    };
    drop(marks);
    Ok((writer, restored))
}

struct Replay {
    writer: Writer,
    /// The keys that were removed, and the highest number of a removal.
    removed: HashMap<Arc<[u8]>, u64>,
    last_number: u64,
    generation: u64,
    sequence: u64,
}

impl Replay {
    /// Opens the segments, the newest first, and reads their notes.
    ///
    /// Where one cannot be read, the older ones go too: it might say that what they hold was removed.
    fn open(&mut self, numbers: Vec<u64>) -> io::Result<()> {
        let mut is_sound = true;
        let config = self.store().config.clone();
        for number in numbers.into_iter().rev() {
            if segment::is_unmade(&config.folder, number) {
                segment::discard(&*config.engine, &config.folder, number)?;
                segment::lift_mark(&config.folder, number)?;
                continue;
            }
            let is_newest = self.writer.current.is_none();
            let opened = is_sound.then(|| self.open_segment(number, is_newest));
            if !matches!(opened, Some(Ok(()))) {
                is_sound = false;
                increment(&self.store().counts.errors);
                if let Some(file) = self.store().segments.get(number) {
                    file.close();
                    self.store().segments.remove(number);
                    lock_write(&self.store().marks).forget(number);
                }
                self.writer.dictionaries.remove(&number);
                self.writer
                    .current
                    .take_if(|current| current.number == number);
                segment::discard(&*config.engine, &config.folder, number)?;
            }
        }
        Ok(())
    }

    fn open_segment(&mut self, number: u64, is_newest: bool) -> Result<(), EngineError> {
        let store = Arc::clone(self.store());
        let config = &store.config;
        let cache = if is_newest {
            config.writing_cache()
        } else {
            config.reading_cache()
        };
        let engine = &*config.engine;
        let file = SegmentFile::open(engine, &config.folder, number, cache, is_newest)?;
        let file = store.segments.add(file);
        if is_newest {
            self.writer.current = Some(Arc::clone(&file));
        }
        let mut unread = 0;
        file.scan(Space::Notes, &mut |number, bytes| {
            self.last_number = self.last_number.max(number);
            match note::read(&store.envelopes, Space::Notes, number, bytes) {
                Some(Note::Removed(key)) => {
                    let last = self.removed.entry(key).or_default();
                    *last = number.max(*last);
                }
                Some(Note::Purged(mark)) => lock_write(&store.marks).add(mark, file.number),
                None => unread += 1,
            }
        })?;
        file.scan(Space::Dictionaries, &mut |number, bytes| {
            let bytes = note::read(&store.envelopes, Space::Dictionaries, number, bytes);
            if let Some(dictionary) = bytes.and_then(|bytes: Vec<u8>| Dictionary::new(bytes, LEVEL))
            {
                let dictionary = Arc::new(dictionary);
                let known = self.writer.dictionaries.entry(file.number).or_default();
                known.push(dictionary.id());
                store.envelopes.dictionaries.add(Arc::clone(&dictionary));
                // Of the newest segment, the last one will do to go on with.
                self.writer.dictionary.get_or_insert(dictionary);
            }
        })?;
        match unread {
            0 => Ok(()),
            _ => Err(EngineError::new("a removal or a purge cannot be read")),
        }
    }

    /// Fills the index with the newest head of each key, unless it was removed or purged since.
    fn index(&mut self) {
        let store = Arc::clone(self.store());
        let now = wall_millis();
        // An expired head hides older ones of its key, too.
        let mut hidden: HashMap<Arc<[u8]>, u64> = std::mem::take(&mut self.removed);
        for file in store.segments.all().into_iter().rev() {
            let mut unread = false;
            let mut entries = 0;
            let scanned = file.scan(Space::Heads, &mut |number, bytes| {
                entries += 1;
                self.last_number = self.last_number.max(number);
                let head = note::read(&store.envelopes, Space::Heads, number, bytes);
                let Some(head): Option<Head> = head else {
                    unread = true;
                    return;
                };
                self.generation = self.generation.max(head.record.generation);
                self.sequence = self.sequence.max(head.record.sequence);
                if hidden.get(&head.key).is_some_and(|newer| *newer > number) {
                    return;
                }
                let is_dead = head
                    .record
                    .dead_from()
                    .is_some_and(|dead_from| dead_from <= now)
                    || lock_read(&store.marks).forbid(&head.key, &head.record);
                let mut shard = store.index.shard(&head.key);
                if shard
                    .get(&head.key)
                    .is_some_and(|slot| slot.number > number)
                {
                    return;
                }
                if is_dead {
                    store.index.remove(&mut shard, &head.key);
                    hidden.insert(Arc::clone(&head.key), number);
                    return;
                }
                let written = Written::new(&head, file.number, number);
                let slot = Slot {
                    number,
                    place: Place::Written(written),
                    used: false,
                };
                store.index.insert(&mut shard, head.key, slot);
            });
            if self
                .writer
                .current
                .as_ref()
                .is_some_and(|current| current.number == file.number)
            {
                self.writer.entries = entries;
            }
            if scanned.is_err() || unread {
                increment(&store.counts.errors);
            }
        }
    }

    fn store(&self) -> &Arc<Store> {
        &self.writer.store
    }
}
