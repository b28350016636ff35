//! How old a response is, RFC 9111 §4.2.3.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, header};
use tooloo_clock::Moment;

use super::{date, directive, list};

/// The age of a stored response: what it was when it came, and when that was.
///
/// In a process time is monotonic; on disk it is the wall clock's, whose jumps backwards count as no time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Aging {
    age: Duration,
    at: Moment,
}

impl Aging {
    /// Starts to count from `age` at `at`.
    pub(crate) fn new(age: Duration, at: Moment) -> Self {
        Self { age, at }
    }

    /// Returns the current age.
    #[inline]
    pub(crate) fn at(&self, now: Moment) -> Duration {
        self.age
            .saturating_add(now.saturating_duration_since(self.at))
    }

    /// Goes on where another process left off: `then` was its wall clock, `wall` is ours.
    pub(crate) fn resume(age: Duration, then: SystemTime, wall: SystemTime, now: Moment) -> Self {
        let rested = wall.duration_since(then).unwrap_or_default();
        Self::new(age.saturating_add(rested), now)
    }
}

/// Returns the corrected initial age of a response that took `delay` to come and came at `received`.
pub(crate) fn initial(headers: &HeaderMap, delay: Duration, received: SystemTime) -> Duration {
    let date = date::of(headers, &header::DATE).at().unwrap_or(received);
    let apparent = received.duration_since(date).unwrap_or_default();
    apparent.max(told(headers).saturating_add(delay))
}

/// Reads `Age`: its first member, or nothing where that is no number (§5.1).
fn told(headers: &HeaderMap) -> Duration {
    list::members(headers, &header::AGE)
        .next()
        .and_then(directive::delta_seconds)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn headers(age: &'static str, date: SystemTime) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::AGE, HeaderValue::from_static(age));
        headers.insert(header::DATE, date::write(date).expect("a date of our days"));
        headers
    }

    #[test]
    fn the_greater_of_what_was_told_and_what_the_clocks_show_counts() {
        let received = SystemTime::UNIX_EPOCH + 1_000_000 * SECOND;
        let told = headers("30", received - 10 * SECOND);
        assert_eq!(initial(&told, 2 * SECOND, received), 32 * SECOND);
        let shown = headers("3", received - 10 * SECOND);
        assert_eq!(initial(&shown, 2 * SECOND, received), 10 * SECOND);
        // A date in the future is no negative age.
        let ahead = headers("x", received + 10 * SECOND);
        assert_eq!(initial(&ahead, 2 * SECOND, received), 2 * SECOND);
    }

    #[test]
    fn a_wall_clock_that_jumps_back_makes_nothing_younger() {
        let (then, now) = (SystemTime::UNIX_EPOCH + 100 * SECOND, Moment::from_nanos(7));
        let back = Aging::resume(5 * SECOND, then, then - 50 * SECOND, now);
        assert_eq!(back.at(now), 5 * SECOND);
        assert_eq!(back.at(Moment::from_nanos(0)), 5 * SECOND);
        let on = Aging::resume(5 * SECOND, then, then + 50 * SECOND, now);
        assert_eq!(on.at(now + SECOND), 56 * SECOND);
    }
}
