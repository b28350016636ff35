//! The segments: files of the engine's, in the order in which they were written.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::backend::engine::{DiskEngine, EngineError, Segment, Space, Write, guarded};

/// Extensions of segments, also of engines that this program does not have.
const EXTENSIONS: [&str; 2] = ["redb", "sled"];

/// One segment, which may be gone while others still look at it.
pub(crate) struct SegmentFile {
    pub(crate) number: u64,
    path: PathBuf,
    open: RwLock<Option<Box<dyn Segment>>>,
    bytes: AtomicU64,
}

/// All segments, the oldest first.
#[derive(Default)]
pub(crate) struct Segments {
    files: RwLock<BTreeMap<u64, Arc<SegmentFile>>>,
}

impl SegmentFile {
    pub(crate) fn open(
        engine: &dyn DiskEngine,
        folder: &Path,
        number: u64,
        cache_bytes: usize,
        writable: bool,
    ) -> Result<Self, EngineError> {
        let path = folder.join(format!("{number:08}.{}", engine.name()));
        let open = guarded(|| engine.open(&path, cache_bytes, writable))?;
        let file = Self {
            number,
            bytes: AtomicU64::new(0),
            open: RwLock::new(Some(open)),
            path,
        };
        file.measure();
        Ok(file)
    }

    /// Closes it and opens it again for reading only, where that is the engine's way: what it holds is then
    /// sound on disk.
    pub(crate) fn seal(
        &self,
        engine: &dyn DiskEngine,
        cache_bytes: usize,
    ) -> Result<(), EngineError> {
        if !engine.reopens_sealed() {
            return Ok(());
        }
        let mut open = self.open.write().unwrap_or_else(PoisonError::into_inner);
        close(open.take())?;
        *open = Some(guarded(|| engine.open(&self.path, cache_bytes, false))?);
        drop(open);
        self.measure();
        Ok(())
    }

    pub(crate) fn commit(&self, writes: &[Write]) -> Result<(), EngineError> {
        self.with(|segment| segment.commit(writes))?;
        self.measure();
        Ok(())
    }

    pub(crate) fn get(&self, space: Space, number: u64) -> Result<Option<Vec<u8>>, EngineError> {
        self.with(|segment| segment.get(space, number))
    }

    pub(crate) fn scan(
        &self,
        space: Space,
        visit: &mut dyn FnMut(u64, &[u8]),
    ) -> Result<(), EngineError> {
        self.with(|segment| segment.scan(space, visit))
    }

    /// Closes it and deletes its files.
    pub(crate) fn delete(&self) -> io::Result<()> {
        let mut open = self.open.write().unwrap_or_else(PoisonError::into_inner);
        // Whether it closes well does not matter any more.
        drop(close(open.take()));
        self.bytes.store(0, Ordering::Relaxed);
        delete(&self.path)
    }

    /// Closes it and leaves its files.
    pub(crate) fn close(&self) {
        let mut open = self.open.write().unwrap_or_else(PoisonError::into_inner);
        // The next to open it repairs it where that failed.
        drop(close(open.take()));
    }

    /// Returns the size of its files.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    fn measure(&self) {
        self.bytes.store(size(&self.path), Ordering::Relaxed);
    }

    fn with<T>(
        &self,
        call: impl FnOnce(&dyn Segment) -> Result<T, EngineError>,
    ) -> Result<T, EngineError> {
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        let segment = open
            .as_deref()
            .ok_or_else(|| EngineError::new("the segment is gone"))?;
        guarded(|| call(segment))
    }
}

impl Segments {
    pub(crate) fn get(&self, number: u64) -> Option<Arc<SegmentFile>> {
        let files = self.files.read().unwrap_or_else(PoisonError::into_inner);
        files.get(&number).cloned()
    }

    pub(crate) fn add(&self, file: SegmentFile) -> Arc<SegmentFile> {
        let file = Arc::new(file);
        let mut files = self.files.write().unwrap_or_else(PoisonError::into_inner);
        files.insert(file.number, Arc::clone(&file));
        file
    }

    pub(crate) fn remove(&self, number: u64) {
        let mut files = self.files.write().unwrap_or_else(PoisonError::into_inner);
        files.remove(&number);
    }

    /// Returns them, the oldest first.
    pub(crate) fn all(&self) -> Vec<Arc<SegmentFile>> {
        let files = self.files.read().unwrap_or_else(PoisonError::into_inner);
        files.values().cloned().collect()
    }

    pub(crate) fn bytes(&self) -> u64 {
        let files = self.files.read().unwrap_or_else(PoisonError::into_inner);
        files.values().map(|file| file.bytes()).sum()
    }
}

/// Returns the numbers of the engine's segments in a folder, in order; other engines' are deleted.
pub(crate) fn found(engine: &dyn DiskEngine, folder: &Path) -> io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for file in fs::read_dir(folder)? {
        let path = file?.path();
        let extension = path.extension().and_then(|extension| extension.to_str());
        let stem = path.file_stem().and_then(|stem| stem.to_str());
        let number = stem.and_then(|stem| stem.parse().ok());
        let (Some(extension), Some(number)) = (extension, number) else {
            continue;
        };
        if extension == engine.name() {
            numbers.push(number);
        } else if EXTENSIONS.contains(&extension) {
            delete(&path)?;
        }
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// Says that a segment is being made: until the mark is lifted, nothing can have been written to it.
pub(crate) fn mark_unmade(folder: &Path, number: u64) -> io::Result<()> {
    fs::write(unmade(folder, number), b"")
}

pub(crate) fn lift_mark(folder: &Path, number: u64) -> io::Result<()> {
    delete(&unmade(folder, number))
}

/// Returns whether a crash came while the segment was made.
pub(crate) fn is_unmade(folder: &Path, number: u64) -> bool {
    unmade(folder, number).exists()
}

fn unmade(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{number:08}.new"))
}

/// Deletes what lies at the path of a segment that cannot be opened.
pub(crate) fn discard(engine: &dyn DiskEngine, folder: &Path, number: u64) -> io::Result<()> {
    delete(&folder.join(format!("{number:08}.{}", engine.name())))
}

fn close(segment: Option<Box<dyn Segment>>) -> Result<(), EngineError> {
    guarded(|| {
        drop(segment);
        Ok(())
    })
}

fn delete(path: &Path) -> io::Result<()> {
    let result = if path.is_dir() {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    };
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

/// Returns how much of the disk a file or a folder takes, or how long it says that it is: the larger.
pub(crate) fn size(path: &Path) -> u64 {
    let Ok(metadata) = fs::symlink_metadata(path) else {
        return 0;
    };
    if !metadata.is_dir() {
        return metadata.len().max(allocated(&metadata));
    }
    let Ok(files) = fs::read_dir(path) else {
        return 0;
    };
    files.flatten().map(|file| size(&file.path())).sum()
}

#[cfg(unix)]
fn allocated(metadata: &fs::Metadata) -> u64 {
    use std::os::unix::fs::MetadataExt;

    metadata.blocks() * 512
}

#[cfg(not(unix))]
fn allocated(_metadata: &fs::Metadata) -> u64 {
    0
}
