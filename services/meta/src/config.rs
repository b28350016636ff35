//! What can be set under `[meta]`.

use std::fmt;

use serde::Deserialize;
use tooloo_cache::CacheConfig;
use tooloo_circuit_breaker::CircuitBreakerConfig;

/// The settings of the meta-learning service.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct MetaConfig {
    pub(crate) max_rounds: MaxRounds,
    /// When training is left alone, and for how long.
    pub circuit_breaker: CircuitBreakerConfig,
    /// How much room training's answers have, which are kept as it says.
    pub cache_store: CacheConfig,
}

/// The most rounds that are looked at for one answer: 100 to 100,000.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(try_from = "usize")]
pub(crate) struct MaxRounds(usize);

/// Too few rounds to see anything, or more than one answer should cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OutOfRange;

impl MaxRounds {
    pub(crate) fn value(self) -> usize {
        self.0
    }
}

impl Default for MaxRounds {
    fn default() -> Self {
        Self(5_000)
    }
}

impl TryFrom<usize> for MaxRounds {
    type Error = OutOfRange;

    fn try_from(value: usize) -> Result<Self, OutOfRange> {
        if (100..=100_000).contains(&value) {
            Ok(Self(value))
        } else {
            Err(OutOfRange)
        }
    }
}

impl fmt::Display for OutOfRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the rounds looked at are from 100 to 100000")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_value_says_what_is_wrong() {
        let parse =
            |json| serde_json::from_str::<MetaConfig>(json).map_err(|error| error.to_string());
        assert_eq!(parse("{}").unwrap().max_rounds, MaxRounds(5_000));
        assert_eq!(
            parse(r#"{"max_rounds": 100}"#).unwrap().max_rounds.value(),
            100
        );
        assert!(
            parse(r#"{"max_rounds": 99}"#)
                .unwrap_err()
                .contains("from 100 to 100000")
        );
        assert!(parse(r#"{"rounds": 500}"#).unwrap_err().contains("rounds"));
    }
}
