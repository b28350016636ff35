//! What part of the calls is too many.

use std::{error, fmt, time::Duration};

use serde::{Deserialize, Deserializer, de};

use super::duration;

/// A part of the calls, above 0 and at most 1.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
#[serde(try_from = "f64")]
pub struct Rate(f64);

/// When a call is slow, and what part of slow calls is too many.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct SlowCalls {
    #[serde(with = "duration")]
    pub(crate) longer_than: Duration,
    pub(crate) rate: Rate,
}

impl Rate {
    /// Half of the calls.
    pub const HALF: Self = Self(0.5);

    /// Makes a rate of a fraction.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidRate`] where it does not lie above 0 and at most at 1.
    pub fn new(fraction: f64) -> Result<Self, InvalidRate> {
        if fraction > 0.0 && fraction <= 1.0 {
            Ok(Self(fraction))
        } else {
            Err(InvalidRate(fraction))
        }
    }

    /// Returns whether `part` of `of` calls is this rate or more.
    pub(crate) fn is_reached(self, part: u32, of: u32) -> bool {
        // A quotient is rounded as the fraction was when it was written: 55 of 100 is 0.55.
        part > 0 && f64::from(part) / f64::from(of) >= self.0
    }
}

impl TryFrom<f64> for Rate {
    type Error = InvalidRate;

    fn try_from(fraction: f64) -> Result<Self, InvalidRate> {
        Self::new(fraction)
    }
}

impl SlowCalls {
    /// Calls those slow that take longer than `longer_than`, and `rate` of them too many.
    pub const fn new(longer_than: Duration, rate: Rate) -> Self {
        Self { longer_than, rate }
    }
}

/// A rate does not lie above 0 and at most at 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct InvalidRate(f64);

impl fmt::Display for InvalidRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a rate lies above 0 and at most at 1, not {}", self.0)
    }
}

impl error::Error for InvalidRate {}

/// Reads a rate, or `"off"` for none.
pub(super) fn or_off<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Rate>, D::Error> {
    struct OrOff;

    impl de::Visitor<'_> for OrOff {
        type Value = Option<Rate>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a rate above 0 and at most 1, or \"off\"")
        }

        fn visit_f64<E: de::Error>(self, fraction: f64) -> Result<Self::Value, E> {
            Rate::new(fraction).map(Some).map_err(E::custom)
        }

        // There is one whole rate.
        fn visit_i64<E: de::Error>(self, fraction: i64) -> Result<Self::Value, E> {
            self.visit_f64(if fraction == 1 { 1.0 } else { 0.0 })
        }

        fn visit_u64<E: de::Error>(self, fraction: u64) -> Result<Self::Value, E> {
            self.visit_f64(if fraction == 1 { 1.0 } else { 0.0 })
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
            if text == "off" {
                return Ok(None);
            }
            // The environment knows text only.
            let fraction = text
                .parse()
                .map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self))?;
            self.visit_f64(fraction)
        }
    }

    deserializer.deserialize_any(OrOff)
}
