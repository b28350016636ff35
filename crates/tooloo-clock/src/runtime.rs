//! Readings from the runtime's clock, exact both, and paused with it.

use std::{sync::OnceLock, time::Duration};

use crate::Instant;

/// How long before the first reading time begins.
///
/// Two runtimes that pause at different times are not in step: neither may read less than zero.
const BEFORE: Duration = Duration::from_secs(86_400);

static FIRST: OnceLock<Instant> = OnceLock::new();

#[inline]
pub(crate) fn coarse() -> u64 {
    exact()
}

pub(crate) fn exact() -> u64 {
    let now = crate::now();
    let first = *FIRST.get_or_init(|| now);
    let since = (now + BEFORE).saturating_duration_since(first);
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

pub(crate) fn lag() -> Duration {
    Duration::ZERO
}
