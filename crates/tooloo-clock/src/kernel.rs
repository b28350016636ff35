//! Readings from the kernel's monotonic clocks, which share one beginning: the machine's start.

use std::time::Duration;

use rustix::time::{ClockId, Timespec, clock_getres, clock_gettime};

#[inline]
pub(crate) fn coarse() -> u64 {
    nanos(clock_gettime(ClockId::MonotonicCoarse))
}

#[inline]
pub(crate) fn exact() -> u64 {
    nanos(clock_gettime(ClockId::Monotonic))
}

pub(crate) fn lag() -> Duration {
    Duration::from_nanos(nanos(clock_getres(ClockId::MonotonicCoarse)))
}

#[inline]
#[expect(
    clippy::cast_sign_loss,
    reason = "a machine has been up for no negative time, and for less than five centuries"
)]
fn nanos(time: Timespec) -> u64 {
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}
