//! The present on both clocks.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use tooloo_clock::Moment;

/// For how long a reading of the wall clock is carried on with the monotonic one.
///
/// Reading both costs as much as a lookup; a wall clock that is set is noticed after this long.
const CARRIED: Duration = Duration::from_secs(1);

/// A time on both clocks; the wall's in milliseconds since 1970.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Now {
    pub(crate) moment: Moment,
    pub(crate) wall: u64,
}

/// The wall clock as it was read last.
#[derive(Debug)]
pub(crate) struct Wall {
    moment: AtomicU64,
    /// How much later it is on the wall clock, in milliseconds, than on the monotonic one.
    ahead: AtomicU64,
}

impl Now {
    pub(crate) fn read() -> Self {
        let since = tooloo_clock::wall().duration_since(std::time::UNIX_EPOCH);
        let since = since.unwrap_or(Duration::ZERO);
        Self {
            moment: Moment::exact(),
            wall: u64::try_from(since.as_millis()).unwrap_or(u64::MAX),
        }
    }

    /// Reads the monotonic clock as lookups do: what a purge makes stale from then on no lookup after it finds fresh,
    /// as it would for some milliseconds by an exact reading.
    pub(crate) fn of_lookups() -> Self {
        Self {
            moment: tooloo_clock::coarse(),
            ..Self::read()
        }
    }
}

impl Wall {
    pub(crate) fn new() -> Self {
        let wall = Self {
            moment: AtomicU64::new(0),
            ahead: AtomicU64::new(0),
        };
        wall.read();
        wall
    }

    /// Returns the present, to a few milliseconds.
    #[inline]
    pub(crate) fn now(&self) -> Now {
        let moment = tooloo_clock::coarse();
        let read = Moment::from_nanos(self.moment.load(Ordering::Relaxed));
        if moment.saturating_duration_since(read) >= CARRIED {
            return self.read();
        }
        let ahead = self.ahead.load(Ordering::Relaxed);
        Now {
            moment,
            wall: ahead.saturating_add(milliseconds(moment)),
        }
    }

    #[cold]
    fn read(&self) -> Now {
        let now = Now::read();
        let ahead = now.wall.saturating_sub(milliseconds(now.moment));
        self.ahead.store(ahead, Ordering::Relaxed);
        self.moment.store(now.moment.as_nanos(), Ordering::Relaxed);
        now
    }
}

fn milliseconds(moment: Moment) -> u64 {
    moment.as_nanos() / 1_000_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wall_clock_is_carried_on() {
        let wall = Wall::new();
        let exact = Now::read().wall;
        assert!(wall.now().wall.abs_diff(exact) < 1000);
    }

    #[tokio::test(start_paused = true)]
    async fn the_wall_clock_is_read_again_after_a_while() {
        let wall = Wall::new();
        tokio::time::advance(Duration::from_millis(999)).await;
        let carried = wall.now().wall;
        assert!(carried >= Now::read().wall + 900);
        // The real clock does not follow the paused one.
        tokio::time::advance(Duration::from_millis(1)).await;
        assert!(wall.now().wall < carried);
    }
}
