//! What the disk tier asks of a storage engine.

use std::{
    error, fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

type BoxError = Box<dyn error::Error + Send + Sync>;

/// A storage engine: it keeps numbered records in files of its own.
///
/// The tier uses several of its files, called segments, one after the other: the newest is written to, the
/// older ones are only read, and the oldest is deleted as a whole when there is no more room. So an engine
/// need not give space back.
pub trait DiskEngine: fmt::Debug + Send + Sync + 'static {
    /// Returns the engine's name, which is also the extension of its files.
    fn name(&self) -> &'static str;

    /// Returns whether a segment that is full is to be closed and opened again for reading only.
    fn reopens_sealed(&self) -> bool {
        true
    }

    /// Opens the segment at `path`, a file or a folder, or makes an empty one.
    ///
    /// `cache_bytes` bounds the memory that it takes to cache its own pages. A segment that is not
    /// `writable` will only be read. After a crash it repairs the segment, which may take a while.
    ///
    /// # Errors
    ///
    /// Returns an error where the segment cannot be read; the tier then deletes it.
    fn open(
        &self,
        path: &Path,
        cache_bytes: usize,
        writable: bool,
    ) -> Result<Box<dyn Segment>, EngineError>;
}

/// One of an engine's files; dropping closes it.
///
/// All calls block. An engine may also panic over files that were tampered with: the tier treats that as
/// an error.
pub trait Segment: Send + Sync {
    /// Carries out the writes, those of a space in order; they survive a crash once this returns.
    ///
    /// After a crash before that, all or none of those of a space are there, and none of a space where not
    /// all of the spaces before it are, in the order dictionaries, bodies, heads, notes.
    ///
    /// # Errors
    ///
    /// Returns an error where it is not known that all were carried out.
    fn commit(&self, writes: &[Write]) -> Result<(), EngineError>;

    /// Returns the record of this number.
    ///
    /// # Errors
    ///
    /// Returns an error where the file cannot be read.
    fn get(&self, space: Space, number: u64) -> Result<Option<Vec<u8>>, EngineError>;

    /// Shows all records of a space, in order.
    ///
    /// # Errors
    ///
    /// Returns an error where not all could be shown.
    fn scan(&self, space: Space, visit: &mut dyn FnMut(u64, &[u8])) -> Result<(), EngineError>;
}

/// A part of a segment, with numbers of its own.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Space {
    /// Dictionaries that envelopes are compressed with.
    Dictionaries,
    /// Entries' envelopes.
    Bodies,
    /// Entries' keys and records: small, and read when a tier is opened.
    Heads,
    /// Removals and purges.
    Notes,
}

/// One change in a segment.
#[derive(Clone, Debug)]
pub struct Write {
    /// Where.
    pub space: Space,
    /// Which record.
    pub number: u64,
    /// What it is from now on; `None` where it is deleted.
    pub record: Option<Vec<u8>>,
}

/// An engine could not do what it was asked.
#[derive(Debug)]
pub struct EngineError {
    source: BoxError,
}

impl Space {
    /// All of them, in the order in which a commit may come to disk.
    pub const ALL: [Self; 4] = [Self::Dictionaries, Self::Bodies, Self::Heads, Self::Notes];

    /// Returns the space's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Heads => "heads",
            Self::Bodies => "bodies",
            Self::Notes => "notes",
            Self::Dictionaries => "dictionaries",
        }
    }
}

impl EngineError {
    /// Keeps what the engine said.
    pub fn new(source: impl Into<BoxError>) -> Self {
        Self {
            source: source.into(),
        }
    }
}

/// Calls an engine; a panic in it is an error like others.
pub(crate) fn guarded<T>(call: impl FnOnce() -> Result<T, EngineError>) -> Result<T, EngineError> {
    // What the call may leave half done is the segment, which is not used after an error.
    catch_unwind(AssertUnwindSafe(call))
        .unwrap_or_else(|_| Err(EngineError::new("the storage engine panicked")))
}

impl fmt::Display for EngineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the storage engine failed")
    }
}

impl error::Error for EngineError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        Some(&*self.source)
    }
}
