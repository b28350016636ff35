//! Counts what became of the calls.

use std::{
    sync::atomic::{AtomicI64, AtomicU64, Ordering},
    time::SystemTime,
};

use jiff::Timestamp;
use tooloo_hub::PerThread;

use crate::Status;

/// A breaker's counts since it was made, over all of its states.
#[derive(Debug)]
pub(crate) struct Figures {
    frequent: PerThread<Frequent>,
    failed: AtomicU64,
    slow: AtomicU64,
    ignored: AtomicU64,
    cancelled: AtomicU64,
    // In milliseconds since 1970.
    last_failure: AtomicI64,
    changes: [AtomicU64; Status::ALL.len()],
}

/// What every good call counts, and what every refused one does.
#[derive(Debug, Default)]
struct Frequent {
    succeeded: AtomicU64,
    rejected: AtomicU64,
}

/// What became of a call that passed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum End {
    Succeeded,
    Failed,
    Ignored,
    Cancelled,
}

/// Stands for no time at all.
const NEVER: i64 = i64::MIN;

impl Figures {
    pub(crate) fn new() -> Self {
        Self {
            frequent: PerThread::new(),
            failed: AtomicU64::new(0),
            slow: AtomicU64::new(0),
            ignored: AtomicU64::new(0),
            cancelled: AtomicU64::new(0),
            last_failure: AtomicI64::new(NEVER),
            changes: [const { AtomicU64::new(0) }; Status::ALL.len()],
        }
    }

    #[inline]
    pub(crate) fn succeed(&self) {
        self.frequent.add(1, |counts| &counts.succeeded);
    }

    pub(crate) fn end(&self, end: End, slow: bool) {
        if slow {
            self.slow.fetch_add(1, Ordering::Relaxed);
        }
        let count = match end {
            End::Succeeded => return self.succeed(),
            End::Failed => {
                let now = milliseconds(tooloo_clock::wall());
                self.last_failure.fetch_max(now, Ordering::Relaxed);
                &self.failed
            }
            End::Ignored => &self.ignored,
            End::Cancelled => &self.cancelled,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn reject(&self) {
        self.frequent.add(1, |counts| &counts.rejected);
    }

    pub(crate) fn change(&self, to: Status) {
        self.changes[to as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn ended(&self, end: End) -> u64 {
        let count = match end {
            End::Succeeded => return self.frequent.sum(|counts| &counts.succeeded),
            End::Failed => &self.failed,
            End::Ignored => &self.ignored,
            End::Cancelled => &self.cancelled,
        };
        count.load(Ordering::Relaxed)
    }

    pub(crate) fn slow(&self) -> u64 {
        self.slow.load(Ordering::Relaxed)
    }

    pub(crate) fn rejected(&self) -> u64 {
        self.frequent.sum(|counts| &counts.rejected)
    }

    pub(crate) fn changes(&self, to: Status) -> u64 {
        self.changes[to as usize].load(Ordering::Relaxed)
    }

    pub(crate) fn last_failure(&self) -> Option<Timestamp> {
        match self.last_failure.load(Ordering::Relaxed) {
            NEVER => None,
            milliseconds => Timestamp::from_millisecond(milliseconds).ok(),
        }
    }
}

fn milliseconds(time: SystemTime) -> i64 {
    Timestamp::try_from(time).map_or(NEVER, Timestamp::as_millisecond)
}
