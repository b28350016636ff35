//! Counts what happens to the connections.

mod histogram;

pub(crate) use self::histogram::{Histogram, Waits};

/// Why the pool parted with a connection.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum CloseReason {
    /// Nobody used it for too long.
    Idle,
    /// It had its lifetime.
    Lifetime,
    /// It was closed by the other end, or failed its check.
    Broken,
    /// It did not answer a check in time.
    Silent,
    /// It was made before the other end failed, or before someone called for new ones.
    Stale,
    /// It could not be reset after a borrower left something behind.
    Unreset,
    /// The pool was made smaller.
    Shrunk,
    /// The pool was closed.
    Drained,
    /// A borrower said so.
    Discarded,
    /// A borrower kept it.
    Detached,
    /// The runtime ended while the pool had it in hand.
    Lost,
}

/// What the pool counts under its lock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tally {
    /// Leases that nobody had to wait for.
    pub(crate) at_once: u64,
    pub(crate) created: u64,
    /// Attempts to connect that failed.
    pub(crate) failed: u64,
    /// Attempts to connect that were given up, since nobody waited any more.
    pub(crate) elided: u64,
    pub(crate) refused: u64,
    pub(crate) nested: u64,
    pub(crate) leaks: u64,
    /// Connections that came back dirty.
    pub(crate) dirty: u64,
    closed: [u64; CloseReason::ALL.len()],
}

/// The state's own figures, of one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Standing {
    pub(crate) size: usize,
    pub(crate) idle: usize,
    pub(crate) in_use: usize,
    pub(crate) mending: usize,
    pub(crate) waiting: usize,
    pub(crate) connecting: usize,
    pub(crate) closing: usize,
    pub(crate) min: usize,
    pub(crate) max: usize,
    pub(crate) tally: Tally,
}

impl CloseReason {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Idle,
        Self::Lifetime,
        Self::Broken,
        Self::Silent,
        Self::Stale,
        Self::Unreset,
        Self::Shrunk,
        Self::Drained,
        Self::Discarded,
        Self::Detached,
        Self::Lost,
    ];

    /// Returns the name it has in figures.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Lifetime => "lifetime",
            Self::Broken => "broken",
            Self::Silent => "silent",
            Self::Stale => "stale",
            Self::Unreset => "unreset",
            Self::Shrunk => "shrunk",
            Self::Drained => "drained",
            Self::Discarded => "discarded",
            Self::Detached => "detached",
            Self::Lost => "lost",
        }
    }
}

impl Tally {
    pub(crate) const fn new() -> Self {
        Self {
            at_once: 0,
            created: 0,
            failed: 0,
            elided: 0,
            refused: 0,
            nested: 0,
            leaks: 0,
            dirty: 0,
            closed: [0; CloseReason::ALL.len()],
        }
    }

    pub(crate) fn close(&mut self, reason: CloseReason) {
        self.closed[reason as usize] += 1;
    }

    pub(crate) fn closed(&self, reason: CloseReason) -> u64 {
        self.closed[reason as usize]
    }
}
