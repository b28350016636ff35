//! Days, which begin at midnight UTC.

use std::{
    fmt,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use jiff::{Timestamp, ToSpan, civil};
use serde::{Serialize, Serializer};
use tooloo_query::{FromValue, Value};

const SECONDS: u64 = 86_400;

/// A day, counted from 1970-01-01; shown as `2025-11-14`.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, utoipa::ToSchema)]
#[schema(value_type = String, format = Date)]
pub(crate) struct Day(u32);

impl Day {
    /// Returns the day that `now` lies in.
    pub(crate) fn of(now: SystemTime) -> Self {
        let seconds = since_epoch(now).as_secs();
        Self(u32::try_from(seconds / SECONDS).unwrap_or(u32::MAX))
    }

    /// Returns the moment at which the next day begins.
    pub(crate) fn end(self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs((u64::from(self.0) + 1) * SECONDS)
    }

    /// Returns how long the day still lasts.
    pub(crate) fn remaining(self, now: SystemTime) -> Duration {
        self.end().duration_since(now).unwrap_or_default()
    }

    /// Returns the day `days` earlier, or the first one there is.
    pub(crate) fn before(self, days: u32) -> Self {
        Self(self.0.saturating_sub(days))
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let date = civil::date(1970, 1, 1).saturating_add(i64::from(self.0).days());
        fmt::Display::fmt(&date, f)
    }
}

impl Serialize for Day {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl From<Day> for Value {
    fn from(day: Day) -> Self {
        day.0.into()
    }
}

impl FromValue for Day {
    const EXPECTED: &'static str = "a number of days";

    fn from_value(value: &Value) -> Option<Self> {
        u32::from_value(value).map(Self)
    }
}

/// A moment of the wall clock, to the microsecond; shown in RFC 3339.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, utoipa::ToSchema)]
#[schema(value_type = String, format = DateTime)]
pub(crate) struct Moment(i64);

impl From<SystemTime> for Moment {
    fn from(time: SystemTime) -> Self {
        Self(i64::try_from(since_epoch(time).as_micros()).unwrap_or(i64::MAX))
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let timestamp = Timestamp::from_microsecond(self.0).unwrap_or(Timestamp::MAX);
        serializer.collect_str(&timestamp)
    }
}

impl From<Moment> for Value {
    fn from(moment: Moment) -> Self {
        moment.0.into()
    }
}

impl FromValue for Moment {
    const EXPECTED: &'static str = "a number of microseconds";

    fn from_value(value: &Value) -> Option<Self> {
        i64::from_value(value).map(Self)
    }
}

/// Times before 1970 count as 1970: no ledger is that old, and a wrong clock must not panic.
fn since_epoch(time: SystemTime) -> Duration {
    time.duration_since(UNIX_EPOCH).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_ends_at_midnight_utc() {
        let midnight = UNIX_EPOCH + Duration::from_secs(20_000 * SECONDS);
        let before = midnight - Duration::from_nanos(1);
        assert_eq!(Day::of(before).to_string(), "2024-10-03");
        assert_eq!(Day::of(midnight).to_string(), "2024-10-04");
        assert_eq!(Day::of(before).end(), midnight);
        assert_eq!(Day::of(before).remaining(before), Duration::from_nanos(1));
    }

    #[test]
    fn moments_are_shown_in_rfc_3339() {
        let moment = Moment::from(UNIX_EPOCH + Duration::from_millis(1_500));
        assert_eq!(
            serde_json::to_string(&moment).unwrap(),
            r#""1970-01-01T00:00:01.5Z""#
        );
    }
}
