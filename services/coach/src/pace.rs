//! When the next session is due.

use std::time::Duration;

use jiff::Timestamp;
use tooloo_clock::Instant;

use crate::backoff;

/// Keeps a coach's pace: an interval after each session, a growing wait after failures.
#[derive(Clone, Debug)]
pub(crate) struct Pace {
    not_before: Instant,
    run: Option<Timestamp>,
    last_end: Option<Instant>,
    failures: u32,
}

impl Pace {
    /// Starts with no session due before `not_before`.
    pub(crate) fn new(not_before: Instant) -> Self {
        Self {
            not_before,
            run: None,
            last_end: None,
            failures: 0,
        }
    }

    /// Begins anew where the coach has been started since: its first session is due at once.
    pub(crate) fn follow(&mut self, run: Timestamp) {
        if self.run != Some(run) {
            self.run = Some(run);
            self.last_end = None;
            self.failures = 0;
        }
    }

    /// Returns when the next session is due.
    pub(crate) fn due(&self, interval: Duration, longest_backoff: Duration) -> Instant {
        let wait = match self.failures {
            0 => interval,
            failures => backoff::wait(failures, longest_backoff),
        };
        self.last_end
            .map_or(self.not_before, |end| (end + wait).max(self.not_before))
    }

    /// Notes how a session ended.
    pub(crate) fn ended(&mut self, now: Instant, succeeded: bool) {
        self.last_end = Some(now);
        self.failures = if succeeded {
            0
        } else {
            self.failures.saturating_add(1)
        };
    }

    /// Returns how many sessions in a row have failed.
    pub(crate) fn failures(&self) -> u32 {
        self.failures
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_secs(30);
    const LONGEST: Duration = Duration::from_secs(60);
    const RUN: Timestamp = Timestamp::UNIX_EPOCH;

    #[tokio::test(start_paused = true)]
    async fn the_first_session_is_due_at_once_and_the_next_an_interval_later() {
        let now = tooloo_clock::now();
        let mut pace = Pace::new(now);
        pace.follow(RUN);
        assert_eq!(pace.due(INTERVAL, LONGEST), now);
        pace.ended(now, true);
        assert_eq!(pace.due(INTERVAL, LONGEST), now + INTERVAL);
    }

    #[tokio::test(start_paused = true)]
    async fn failures_slow_it_down_until_one_session_succeeds() {
        let now = tooloo_clock::now();
        let mut pace = Pace::new(now);
        for seconds in [1, 2, 4] {
            pace.ended(now, false);
            assert_eq!(
                pace.due(INTERVAL, LONGEST),
                now + Duration::from_secs(seconds)
            );
        }
        pace.ended(now, true);
        assert_eq!(pace.due(INTERVAL, LONGEST), now + INTERVAL);
    }

    #[tokio::test(start_paused = true)]
    async fn a_new_start_forgets_the_old_pace() {
        let now = tooloo_clock::now();
        let mut pace = Pace::new(now);
        pace.follow(RUN);
        pace.ended(now, false);
        pace.follow(RUN);
        assert_eq!(pace.failures(), 1);
        pace.follow(RUN + jiff::SignedDuration::from_secs(1));
        assert_eq!((pace.failures(), pace.due(INTERVAL, LONGEST)), (0, now));
    }
}
