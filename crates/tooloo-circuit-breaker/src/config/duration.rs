//! Durations above zero in settings: `"30s"`, `"1m 30s"`, `"250ms"`.

use std::time::Duration;

use serde::{Deserializer, de::Error};

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Duration, D::Error> {
    let duration = jiff::fmt::serde::unsigned_duration::required::deserialize(deserializer)?;
    if duration.is_zero() {
        return Err(Error::custom("a duration above zero is needed"));
    }
    Ok(duration)
}
