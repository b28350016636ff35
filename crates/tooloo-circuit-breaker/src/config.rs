//! Validated settings.

mod backoff;
pub(crate) mod duration;
mod rate;
mod window;

use std::{
    num::{NonZeroU32, NonZeroUsize},
    time::Duration,
};

use serde::Deserialize;

pub(crate) use self::window::WindowKind;
pub use self::{
    backoff::{Backoff, InvalidBackoff},
    rate::{InvalidRate, Rate, SlowCalls},
    window::{InvalidWindow, Window},
};

/// The most probes of one half-open spell.
const MAX_PROBES: u32 = 1000;

/// When a breaker opens, for how long, and what it takes to close again.
///
/// Reads from any serde format; what is left out has its default, what is unknown or out of range is
/// an error that names it:
///
/// ```
/// # use tooloo_circuit_breaker::CircuitBreakerConfig;
/// let config: CircuitBreakerConfig = toml::from_str(r#"
///     window = { time = "60s" }           # or { calls = 100 }, the default
///     minimum_calls = 20
///     failure_rate = 0.3                  # or "off"
///     consecutive_failures = 5
///     slow_calls = { longer_than = "2s", rate = 0.8 }
///     open_for = "10s"
///     backoff = { factor = 2.0, longest = "5m", jitter = 0.1 }
///     probes = 3
///     probe_timeout = "30s"
/// "#)?;
/// # drop(config);
/// # Ok::<(), toml::de::Error>(())
/// ```
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct CircuitBreakerConfig {
    pub(crate) window: Window,
    pub(crate) minimum_calls: NonZeroU32,
    #[serde(deserialize_with = "rate::or_off")]
    pub(crate) failure_rate: Option<Rate>,
    pub(crate) slow_calls: Option<SlowCalls>,
    pub(crate) consecutive_failures: Option<NonZeroU32>,
    #[serde(with = "duration")]
    pub(crate) open_for: Duration,
    pub(crate) backoff: Backoff,
    #[serde(deserialize_with = "probes")]
    probes: NonZeroU32,
    #[serde(with = "duration")]
    pub(crate) probe_timeout: Duration,
    #[serde(skip)]
    pub(crate) seed: Option<u64>,
}

/// How many breakers there may be, how long an unused one is kept, and how each of them decides.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct CircuitBreakersConfig {
    pub(crate) max_keys: NonZeroUsize,
    #[serde(with = "duration")]
    pub(crate) idle_for: Duration,
    pub(crate) breaker: CircuitBreakerConfig,
}

impl CircuitBreakerConfig {
    /// Opens where half of the last 100 calls failed, once there are 10; probes after half a minute.
    pub fn new() -> Self {
        Self::default()
    }

    /// Looks at the rates over `window`; the last 100 calls by default.
    #[must_use]
    pub fn with_window(mut self, window: Window) -> Self {
        self.window = window;
        self
    }

    /// Looks at the rates only where the window holds this many calls; 10 by default.
    ///
    /// A window by count that is smaller than this is looked at when it is full.
    #[must_use]
    pub fn with_minimum_calls(mut self, calls: NonZeroU32) -> Self {
        self.minimum_calls = calls;
        self
    }

    /// Opens where this part of the calls failed; half of them by default. `None` looks at no failure rate.
    #[must_use]
    pub fn with_failure_rate(mut self, rate: impl Into<Option<Rate>>) -> Self {
        self.failure_rate = rate.into();
        self
    }

    /// Opens where too large a part of the calls was slow; never by default.
    ///
    /// Calls are timed with [`tooloo_clock::coarse`], to a few milliseconds.
    #[must_use]
    pub fn with_slow_calls(mut self, slow: impl Into<Option<SlowCalls>>) -> Self {
        self.slow_calls = slow.into();
        self
    }

    /// Opens after this many failures in a row, however few calls the window holds; never by default.
    #[must_use]
    pub fn with_consecutive_failures(mut self, failures: impl Into<Option<NonZeroU32>>) -> Self {
        self.consecutive_failures = failures.into();
        self
    }

    /// Stays open for this long the first time; 30 seconds by default.
    #[must_use]
    pub fn with_open_for(mut self, open_for: Duration) -> Self {
        self.open_for = open_for;
        self
    }

    /// Grows and spreads the open time; twice as long each time the probes fail, at most 5 minutes, a tenth
    /// more or less, by default.
    #[must_use]
    pub fn with_backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self
    }

    /// Decides after this many calls, and lets through no more of them at once, where it is half-open;
    /// 3 by default, at most 1000.
    #[must_use]
    pub fn with_probes(mut self, probes: NonZeroU32) -> Self {
        self.probes = probes;
        self
    }

    /// Takes a probe's place away where its call has not ended after this long; 30 seconds by default.
    #[must_use]
    pub fn with_probe_timeout(mut self, timeout: Duration) -> Self {
        self.probe_timeout = timeout;
        self
    }

    /// Draws the same jitter in each run, for tests.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Returns how many probes a half-open spell takes.
    pub(crate) fn probes(&self) -> u32 {
        self.probes.get().min(MAX_PROBES)
    }
}

impl Default for CircuitBreakerConfig {
    fn default() -> Self {
        Self {
            window: Window::default(),
            minimum_calls: NonZeroU32::new(10).expect("10 is not 0"),
            failure_rate: Some(Rate::HALF),
            slow_calls: None,
            consecutive_failures: None,
            open_for: Duration::from_secs(30),
            backoff: Backoff::default(),
            probes: NonZeroU32::new(3).expect("3 is not 0"),
            probe_timeout: Duration::from_secs(30),
            seed: None,
        }
    }
}

impl CircuitBreakersConfig {
    /// Decides as `breaker` says, for each key apart.
    pub fn new(breaker: CircuitBreakerConfig) -> Self {
        Self {
            breaker,
            ..Self::default()
        }
    }

    /// Keeps at most this many breakers, and one more for all keys beyond; 1000 by default.
    #[must_use]
    pub fn with_max_keys(mut self, keys: NonZeroUsize) -> Self {
        self.max_keys = keys;
        self
    }

    /// Forgets a breaker that nobody used for this long; 10 minutes by default.
    ///
    /// One that is open, or that someone forced open or disabled, is never forgotten.
    #[must_use]
    pub fn with_idle_for(mut self, idle: Duration) -> Self {
        self.idle_for = idle;
        self
    }
}

impl Default for CircuitBreakersConfig {
    fn default() -> Self {
        Self {
            max_keys: NonZeroUsize::new(1000).expect("1000 is not 0"),
            idle_for: Duration::from_secs(600),
            breaker: CircuitBreakerConfig::default(),
        }
    }
}

fn probes<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<NonZeroU32, D::Error> {
    let probes = NonZeroU32::deserialize(deserializer)?;
    if probes.get() > MAX_PROBES {
        return Err(serde::de::Error::custom("there are at most 1000 probes"));
    }
    Ok(probes)
}

#[cfg(test)]
mod tests;
