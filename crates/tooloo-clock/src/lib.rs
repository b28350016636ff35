//! Tells the time: a monotonic now that follows the runtime's paused time, and the wall clock.
//!
//! Everything else in the workspace reads the time through this crate, so that a test which
//! pauses the runtime's clock pauses all of it.

use std::time::SystemTime;

/// A point on the monotonic clock, from [`now`].
pub use tokio::time::Instant;

/// Returns the present on the monotonic clock, exactly.
///
/// Inside a runtime whose time is paused it stands still with it.
#[inline]
pub fn now() -> Instant {
    Instant::now()
}

/// Returns the present on the wall clock, for showing and storing only.
///
/// It can jump backwards: measure durations with [`now`].
#[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
pub fn wall() -> SystemTime {
    SystemTime::now()
}
