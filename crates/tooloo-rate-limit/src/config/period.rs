//! Periods as text in settings: `"1s"`, `"1m 30s"`, `"24h"`.

use std::{fmt, time::Duration};

use jiff::SignedDuration;
use serde::{
    Deserializer, Serializer,
    de::{Error, Unexpected, Visitor},
};

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Duration, D::Error> {
    deserializer.deserialize_str(Text)
}

pub(crate) fn serialize<S: Serializer>(
    period: &Duration,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let signed = SignedDuration::try_from(*period).map_err(serde::ser::Error::custom)?;
    serializer.collect_str(&format_args!("{signed:#}"))
}

/// Periods that may be left out.
pub(crate) mod optional {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Deserialize, Serialize)]
    struct Period(#[serde(with = "super")] Duration);

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Duration>, D::Error> {
        let period = Option::<Period>::deserialize(deserializer)?;
        Ok(period.map(|period| period.0))
    }

    #[expect(clippy::ref_option, reason = "serde hands the field over by reference")]
    pub(crate) fn serialize<S: Serializer>(
        period: &Option<Duration>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        period.map(Period).serialize(serializer)
    }
}

struct Text;

impl Visitor<'_> for Text {
    type Value = Duration;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a duration above zero such as \"1s\", \"1m 30s\" or \"24h\"")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Duration, E> {
        let signed: Option<SignedDuration> = text.parse().ok();
        signed
            .and_then(|signed| Duration::try_from(signed).ok())
            .ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }
}
