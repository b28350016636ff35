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

/// Durations above zero that may be left out.
pub(crate) mod optional {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer};

    #[derive(Deserialize)]
    struct Above(#[serde(with = "super")] Duration);

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Duration>, D::Error> {
        let duration = Option::<Above>::deserialize(deserializer)?;
        Ok(duration.map(|above| above.0))
    }
}

/// Durations that may be zero.
pub(crate) mod maybe_zero {
    use std::time::Duration;

    use serde::Deserializer;

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Duration, D::Error> {
        jiff::fmt::serde::unsigned_duration::required::deserialize(deserializer)
    }
}
