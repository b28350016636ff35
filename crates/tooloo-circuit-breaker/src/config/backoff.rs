//! How the open time grows.

use std::{error, fmt, time::Duration};

use serde::Deserialize;

use super::duration;

/// How the open time grows while the probes fail, and how it is spread.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
#[serde(try_from = "Written")]
pub struct Backoff {
    factor: f64,
    longest: Duration,
    jitter: f64,
}

/// A back-off as it stands in settings.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Written {
    factor: f64,
    #[serde(with = "duration")]
    longest: Duration,
    jitter: f64,
}

impl Backoff {
    /// Multiplies the open time by `factor` each time the probes fail, and makes it longer or shorter by up
    /// to the part `jitter` of it at random; never longer than `longest`, or than the first open time
    /// where that is more.
    ///
    /// `longest` bounds a `Retry-After` too.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidBackoff`] of a factor below 1 or a jitter that does not lie from 0 to 1.
    pub fn new(factor: f64, longest: Duration, jitter: f64) -> Result<Self, InvalidBackoff> {
        if !(factor >= 1.0 && factor.is_finite()) {
            return Err(InvalidBackoff("a back-off needs a factor of at least 1"));
        }
        if !(0.0..=1.0).contains(&jitter) {
            return Err(InvalidBackoff("a back-off needs a jitter from 0 to 1"));
        }
        Ok(Self {
            factor,
            longest,
            jitter,
        })
    }

    /// Returns the longest open time of a breaker that opens `first` for so long.
    pub(crate) fn longest(&self, first: Duration) -> Duration {
        self.longest.max(first)
    }

    /// Returns the open time after the probes failed `times` in a row; `roll` is drawn from 0 to 1.
    pub(crate) fn open_time(&self, first: Duration, times: u32, roll: f64) -> Duration {
        let longest = self.longest(first);
        // Beyond this power any factor that grows at all has outgrown every duration.
        let times = i32::try_from(times).unwrap_or(i32::MAX);
        let grown = first.as_secs_f64() * self.factor.powi(times);
        let spread = 1.0 + self.jitter * (2.0 * roll - 1.0);
        let seconds = grown.min(longest.as_secs_f64()) * spread;
        Duration::try_from_secs_f64(seconds).map_or(longest, |time| time.min(longest))
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            factor: 2.0,
            longest: Duration::from_secs(300),
            jitter: 0.1,
        }
    }
}

impl Default for Written {
    fn default() -> Self {
        let Backoff {
            factor,
            longest,
            jitter,
        } = Backoff::default();
        Self {
            factor,
            longest,
            jitter,
        }
    }
}

impl TryFrom<Written> for Backoff {
    type Error = InvalidBackoff;

    fn try_from(written: Written) -> Result<Self, InvalidBackoff> {
        Self::new(written.factor, written.longest, written.jitter)
    }
}

/// A back-off would shrink, or spread by more than all of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct InvalidBackoff(&'static str);

impl fmt::Display for InvalidBackoff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl error::Error for InvalidBackoff {}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Duration = Duration::from_millis(700);
    const LONGEST: Duration = Duration::from_secs(10);

    #[test]
    fn the_open_time_grows_up_to_its_bound() {
        let backoff = Backoff::new(2.0, LONGEST, 0.0).unwrap();
        let times = [0, 1, 2, 3, 4, 5, 1000, u32::MAX];
        let millis = times.map(|times| backoff.open_time(FIRST, times, 0.9).as_millis());
        assert_eq!(
            millis,
            [700, 1400, 2800, 5600, 10_000, 10_000, 10_000, 10_000]
        );
    }

    #[test]
    fn jitter_spreads_it_to_both_sides() {
        let backoff = Backoff::new(1.0, LONGEST, 0.5).unwrap();
        let millis = [0.0, 0.5, 1.0].map(|roll| backoff.open_time(FIRST, 7, roll).as_millis());
        assert_eq!(millis, [350, 700, 1050]);
    }

    #[test]
    fn a_first_open_time_above_the_bound_stands() {
        let backoff = Backoff::new(3.0, LONGEST, 0.0).unwrap();
        let first = Duration::from_secs(60);
        assert_eq!(backoff.open_time(first, 0, 0.0), first);
        assert_eq!(backoff.open_time(first, 5, 0.0), first);
    }
}
