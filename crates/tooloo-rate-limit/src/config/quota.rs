//! How many requests, and how fast they come back.

use std::{num::NonZeroU32, time::Duration};

use serde::{Deserialize, Serialize};

use super::{ConfigError, period};

/// The longest period: a century.
const LONGEST: Duration = Duration::from_secs(100 * 366 * 86_400);

/// The most tokens a second: one a nanosecond.
const FASTEST: NonZeroU32 = NonZeroU32::new(1_000_000_000).expect("it is not zero");

/// A bucket of tokens, one a request: how many it holds, and how fast they come back.
///
/// They come back one by one, evenly over the period, and not all at its end.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "Raw", into = "Raw")]
pub struct Quota {
    limit: NonZeroU32,
    period: Duration,
    burst: NonZeroU32,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    limit: NonZeroU32,
    #[serde(with = "period")]
    period: Duration,
    burst: Option<NonZeroU32>,
}

impl Quota {
    /// Allows `limit` tokens a `period`, and as many at once.
    ///
    /// # Errors
    ///
    /// Returns [`ConfigError`] where the period is zero or longer than a century, or where more than
    /// one token a nanosecond would come back.
    pub fn new(limit: NonZeroU32, period: Duration) -> Result<Self, ConfigError> {
        if period.is_zero() || period > LONGEST {
            return Err(ConfigError::Period(period));
        }
        if u128::from(limit.get()) > period.as_nanos() {
            return Err(ConfigError::TooFast);
        }
        Ok(Self::of(limit, period))
    }

    /// Allows `limit` tokens a second, at most a thousand million, and as many at once.
    pub const fn per_second(limit: NonZeroU32) -> Self {
        let limit = if limit.get() > FASTEST.get() {
            FASTEST
        } else {
            limit
        };
        Self::of(limit, Duration::from_secs(1))
    }

    /// Allows `limit` tokens a minute, and as many at once.
    pub const fn per_minute(limit: NonZeroU32) -> Self {
        Self::of(limit, Duration::from_secs(60))
    }

    /// Allows `limit` tokens an hour, and as many at once.
    pub const fn per_hour(limit: NonZeroU32) -> Self {
        Self::of(limit, Duration::from_secs(3600))
    }

    /// Allows `limit` tokens a day, and as many at once.
    pub const fn per_day(limit: NonZeroU32) -> Self {
        Self::of(limit, Duration::from_secs(86_400))
    }

    /// Holds this many tokens, which can be spent at once.
    #[must_use]
    pub const fn with_burst(mut self, burst: NonZeroU32) -> Self {
        self.burst = burst;
        self
    }

    /// Returns how many tokens come back in a [`period`](Self::period).
    pub const fn limit(&self) -> NonZeroU32 {
        self.limit
    }

    /// Returns in how much time as many tokens as the [`limit`](Self::limit) come back.
    pub const fn period(&self) -> Duration {
        self.period
    }

    /// Returns how many tokens a full bucket holds.
    pub const fn burst(&self) -> NonZeroU32 {
        self.burst
    }

    /// Returns how long an empty bucket takes to fill.
    pub fn window(&self) -> Duration {
        let nanos = self.period.as_nanos() * u128::from(self.burst.get());
        let nanos = nanos.div_ceil(u128::from(self.limit.get()));
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    const fn of(limit: NonZeroU32, period: Duration) -> Self {
        Self {
            limit,
            period,
            burst: limit,
        }
    }
}

impl TryFrom<Raw> for Quota {
    type Error = ConfigError;

    fn try_from(raw: Raw) -> Result<Self, ConfigError> {
        let quota = Self::new(raw.limit, raw.period)?;
        Ok(raw.burst.map_or(quota, |burst| quota.with_burst(burst)))
    }
}

impl From<Quota> for Raw {
    fn from(quota: Quota) -> Self {
        Self {
            limit: quota.limit,
            period: quota.period,
            burst: Some(quota.burst),
        }
    }
}
