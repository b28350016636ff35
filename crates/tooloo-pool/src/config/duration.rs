//! Durations above zero in settings: `"30s"`, `"1m 30s"`, `"250ms"`.

use std::time::Duration;

use serde::{Deserialize, Deserializer, de::Error};

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Duration, D::Error> {
    let duration = jiff::fmt::serde::unsigned_duration::required::deserialize(deserializer)?;
    if duration.is_zero() {
        return Err(Error::custom("a duration above zero is needed"));
    }
    Ok(duration)
}

/// Reads a duration, or `"off"` as none.
pub(crate) fn or_off<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Duration>, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text == "off" {
        return Ok(None);
    }
    let text = serde::de::value::StringDeserializer::new(text);
    self::deserialize(text).map(Some)
}
