//! Tells the time: a monotonic now that follows the runtime's paused time, a cheap coarse one, and
//! the wall clock.
//!
//! Everything else in the workspace reads the time through this crate, so that a test which
//! pauses the runtime's clock pauses all of it.
//!
//! ```
//! use std::time::Duration;
//!
//! use tooloo_clock::Moment;
//!
//! let expires = tooloo_clock::coarse() + Duration::from_secs(60);
//! assert!(tooloo_clock::coarse() < expires);
//! // Both kinds of reading are on one scale.
//! assert!(Moment::exact() < expires);
//! ```

#[cfg_attr(
    all(
        any(target_os = "linux", target_os = "android"),
        not(feature = "test-util")
    ),
    path = "kernel.rs"
)]
#[cfg_attr(
    not(all(
        any(target_os = "linux", target_os = "android"),
        not(feature = "test-util")
    )),
    path = "runtime.rs"
)]
mod source;

mod moment;

use std::time::{Duration, SystemTime};

pub use self::moment::Moment;

/// A point on the monotonic clock, from [`now`].
pub use tokio::time::Instant;

/// Returns the present on the monotonic clock, exactly.
///
/// Inside a runtime whose time is paused it stands still with it.
#[inline]
pub fn now() -> Instant {
    Instant::now()
}

/// Returns the present on the monotonic clock, cheaply: for expiry and refill, not for latency.
///
/// It never runs ahead of [`Moment::exact`] and never backwards. On Linux it is the time of the
/// kernel's last tick, one to ten milliseconds old at most (four with the usual 250 ticks a second),
/// and costs about four nanoseconds where an exact reading costs thirty; elsewhere, and in tests with
/// the feature `test-util`, it is exact.
#[inline]
pub fn coarse() -> Moment {
    Moment::from_nanos(source::coarse())
}

/// Returns how far a [`coarse`] reading may lag behind an exact one: nothing, where it is exact too.
pub fn coarse_lag() -> Duration {
    source::lag()
}

/// Returns the present on the wall clock, for showing and storing only.
///
/// It can jump backwards: measure durations with [`now`].
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads the wall clock"
)]
pub fn wall() -> SystemTime {
    SystemTime::now()
}
