//! Durations in settings: `"30s"`, `"1m 30s"`, `"250ms"`.
//!
//! Use it as `#[serde(with = "tooloo_service::duration")]` on a `std::time::Duration`.

use std::{fmt, time::Duration};

use jiff::SignedDuration;
use serde::{
    Deserializer, Serializer,
    de::{Error, Unexpected, Visitor},
};

const EXPECTED: &str = "a duration above zero such as \"30s\", \"250ms\" or \"1m 30s\"";

/// Reads a duration above zero.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let duration = deserializer.deserialize_str(Text)?;
    if duration.is_zero() {
        return Err(Error::invalid_value(Unexpected::Str("0"), &EXPECTED));
    }
    Ok(duration)
}

/// Reads a duration that may be zero.
pub fn or_zero<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    deserializer.deserialize_str(Text)
}

/// Writes a duration as [`deserialize`] reads it.
pub fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    let signed = SignedDuration::try_from(*duration).map_err(serde::ser::Error::custom)?;
    serializer.collect_str(&format_args!("{signed:#}"))
}

struct Text;

impl Visitor<'_> for Text {
    type Value = Duration;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(EXPECTED)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Duration, E> {
        let signed: Option<SignedDuration> = text.parse().ok();
        signed
            .and_then(|signed| Duration::try_from(signed).ok())
            .ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    use super::*;

    #[derive(Debug, Deserialize, PartialEq, Serialize)]
    struct Wait(#[serde(with = "super")] Duration);

    #[test]
    fn reads_what_it_writes() {
        for (text, millis) in [
            ("\"250ms\"", 250),
            ("\"30s\"", 30_000),
            ("\"1m 30s\"", 90_000),
        ] {
            let wait: Wait = serde_json::from_str(text).unwrap();
            assert_eq!(wait, Wait(Duration::from_millis(millis)));
            let again = serde_json::to_string(&wait).unwrap();
            assert_eq!(wait, serde_json::from_str(&again).unwrap(), "{again}");
        }
    }

    #[test]
    fn refuses_what_is_no_wait() {
        for text in ["\"\"", "\"0s\"", "\"-1s\"", "\"30\"", "30"] {
            let error = serde_json::from_str::<Wait>(text).unwrap_err().to_string();
            assert!(error.contains("a duration above zero"), "{text}: {error}");
        }
    }
}
