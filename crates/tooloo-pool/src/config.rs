//! Validated settings.

pub(crate) mod duration;
mod share;
mod times;

use std::{num::NonZeroUsize, time::Duration};

use serde::Deserialize;

pub use self::{
    share::{InvalidShare, Share},
    times::Times,
};

/// How many connections a pool has, how long its steps may take, and whom it favours.
///
/// Reads from any serde format; what is left out has its default, what is unknown or out of range is an error
/// that names it:
///
/// ```
/// # use tooloo_pool::PoolConfig;
/// let config: PoolConfig = toml::from_str(r#"
///     min = 2
///     max = 16
///     max_waiting = 500
///     max_connecting = 4
///     tenant_share = 0.5
///     nested = "refuse"
///     times = { acquire = "2s", lifetime = "1h", leak = "off" }
/// "#)?;
/// # drop(config);
/// # Ok::<(), toml::de::Error>(())
/// ```
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct PoolConfig {
    pub(crate) min: usize,
    pub(crate) max: NonZeroUsize,
    pub(crate) max_waiting: usize,
    pub(crate) max_connecting: NonZeroUsize,
    pub(crate) tenant_share: Option<Share>,
    pub(crate) nested: Nested,
    pub(crate) always_reset: bool,
    pub(crate) times: Times,
    #[serde(skip)]
    pub(crate) seed: Option<u64>,
}

/// What becomes of a task that waits for a connection while it holds another of the same pool.
///
/// A full pool whose borrowers all do that stands still until their deadlines. A task that gets two connections in
/// futures that it polls side by side is told of too, though it may well go on.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Nested {
    /// It waits. The log says so once a place in the code, and so does its error where the deadline passes.
    #[default]
    Report,
    /// It is refused at once.
    Refuse,
}

impl PoolConfig {
    /// Keeps up to 10 connections, made when they are asked for.
    pub fn new() -> Self {
        Self::default()
    }

    /// Keeps at least this many connections, also while nobody asks; none by default. Where it is more than the
    /// most, the most counts.
    #[must_use]
    pub fn with_min(mut self, min: usize) -> Self {
        self.min = min;
        self
    }

    /// Keeps at most this many connections; 10 by default.
    ///
    /// Those that are being closed no longer count.
    #[must_use]
    pub fn with_max(mut self, max: NonZeroUsize) -> Self {
        self.max = max;
        self
    }

    /// Lets this many callers wait at once; 1000 by default. Any more are refused.
    #[must_use]
    pub fn with_max_waiting(mut self, waiting: usize) -> Self {
        self.max_waiting = waiting;
        self
    }

    /// Makes at most this many connections at once; 4 by default.
    #[must_use]
    pub fn with_max_connecting(mut self, connecting: NonZeroUsize) -> Self {
        self.max_connecting = connecting;
        self
    }

    /// Lends at most this part of the connections to one tenant, and keeps that part of the queue; all by
    /// default.
    #[must_use]
    pub fn with_tenant_share(mut self, share: impl Into<Option<Share>>) -> Self {
        self.tenant_share = share.into();
        self
    }

    /// Tells what becomes of a task that waits while it holds a lease; it is reported by default.
    #[must_use]
    pub fn with_nested(mut self, nested: Nested) -> Self {
        self.nested = nested;
        self
    }

    /// Resets each connection that comes back, dirty or not; only the dirty ones by default.
    ///
    /// Worth its round trip where borrowers change what no connector sees, such as session variables.
    #[must_use]
    pub fn with_always_reset(mut self, always: bool) -> Self {
        self.always_reset = always;
        self
    }

    /// Sets all the times.
    #[must_use]
    pub fn with_times(mut self, times: Times) -> Self {
        self.times = times;
        self
    }

    /// Returns all the times.
    #[must_use]
    pub fn times(&self) -> &Times {
        &self.times
    }

    /// Returns how many callers may wait at once.
    #[must_use]
    pub fn max_waiting(&self) -> usize {
        self.max_waiting
    }

    /// Waits for a connection for this long at the most; 5 seconds by default.
    #[must_use]
    pub fn with_acquire_timeout(mut self, timeout: Duration) -> Self {
        self.times.acquire = timeout;
        self
    }

    /// Draws the same jitter in each run, for tests.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }
}

impl Default for PoolConfig {
    fn default() -> Self {
        Self {
            min: 0,
            max: NonZeroUsize::new(10).expect("10 is not 0"),
            max_waiting: 1000,
            max_connecting: NonZeroUsize::new(4).expect("4 is not 0"),
            tenant_share: None,
            nested: Nested::default(),
            always_reset: false,
            times: Times::default(),
            seed: None,
        }
    }
}
