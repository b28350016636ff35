//! Validated settings.

use std::{num::NonZeroUsize, sync::Arc, time::Duration};

use http::HeaderName;

use crate::error::InvalidRate;

/// Routes that figures are kept for, unless told otherwise.
const MAX_ROUTES: NonZeroUsize = NonZeroUsize::new(512).expect("512 is not zero");

/// How a tracer samples, what it keeps, and what it calls itself.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TraceConfig {
    pub(crate) service: Arc<str>,
    pub(crate) version: Option<Arc<str>>,
    pub(crate) sampling_rate: f64,
    pub(crate) trust: ParentTrust,
    pub(crate) sampled_per_second: u32,
    pub(crate) slow: Duration,
    pub(crate) longest: Duration,
    pub(crate) store_bytes: usize,
    pub(crate) max_routes: NonZeroUsize,
    pub(crate) headers: Arc<[HeaderName]>,
}

/// Whether a caller's decision to sample is honoured.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum ParentTrust {
    /// A trace that its caller sampled is sampled, and no other.
    #[default]
    Follow,
    /// The tracer decides by its own rate: for a public edge, where anyone could ask to be sampled.
    Decide,
}

impl TraceConfig {
    /// Names the service, and samples one trace in ten.
    pub fn new(service: impl Into<Arc<str>>) -> Self {
        Self {
            service: service.into(),
            version: None,
            sampling_rate: 0.1,
            trust: ParentTrust::Follow,
            sampled_per_second: u32::MAX,
            slow: Duration::from_secs(1),
            longest: Duration::from_secs(3600),
            store_bytes: 4 << 20,
            max_routes: MAX_ROUTES,
            headers: Arc::default(),
        }
    }

    /// Names the service's version, for exporters.
    #[must_use]
    pub fn with_version(mut self, version: impl Into<Arc<str>>) -> Self {
        self.version = Some(version.into());
        self
    }

    /// Samples this fraction of the traces that begin here; 0.1 by default.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidRate`] where `rate` is no fraction from 0 to 1.
    pub fn with_sampling_rate(mut self, rate: f64) -> Result<Self, InvalidRate> {
        if !(0.0..=1.0).contains(&rate) {
            return Err(InvalidRate::new(rate));
        }
        self.sampling_rate = rate;
        Ok(self)
    }

    /// Says whether a caller's decision to sample is honoured; it is by default.
    #[must_use]
    pub fn with_parent_trust(mut self, trust: ParentTrust) -> Self {
        self.trust = trust;
        self
    }

    /// Samples at most this many traces a second; without a bound by default.
    #[must_use]
    pub fn with_sampled_per_second(mut self, traces: u32) -> Self {
        self.sampled_per_second = traces;
        self
    }

    /// Keeps every request that takes this long, sampled or not; one second by default.
    #[must_use]
    pub fn with_slow(mut self, slow: Duration) -> Self {
        self.slow = slow;
        self
    }

    /// Ends the span of an answer that streams for longer; one hour by default.
    #[must_use]
    pub fn with_longest(mut self, longest: Duration) -> Self {
        self.longest = longest;
        self
    }

    /// Keeps recent spans up to about this many bytes; 4 MiB by default.
    #[must_use]
    pub fn with_store_bytes(mut self, bytes: usize) -> Self {
        self.store_bytes = bytes;
        self
    }

    /// Keeps figures for at most this many routes, and one more for all others; 512 by default.
    #[must_use]
    pub fn with_max_routes(mut self, routes: NonZeroUsize) -> Self {
        self.max_routes = routes;
        self
    }

    /// Records these request headers on sampled spans; none by default.
    ///
    /// A value that is marked sensitive is never recorded.
    #[must_use]
    pub fn with_headers(mut self, headers: impl IntoIterator<Item = HeaderName>) -> Self {
        self.headers = headers.into_iter().collect();
        self
    }
}
