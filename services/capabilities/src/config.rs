//! What an operator can set.

use std::{
    num::{NonZeroU32, NonZeroUsize},
    time::Duration,
};

use serde::Deserialize;
use tooloo_cache::CacheConfig;
use tooloo_circuit_breaker::CircuitBreakerConfig;

/// How the fleet is looked at.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct CapabilitiesConfig {
    /// How often every service is asked for its document and its figures.
    pub refresh_interval: Wait,
    /// How long one of these answers may take, to its last byte.
    pub fetch_timeout: Wait,
    /// The largest document that is read, in bytes.
    pub document_limit: NonZeroUsize,
    /// The most operations in a document.
    pub operation_limit: NonZeroUsize,
    /// How often active operations that take no parameters are called to see that they work.
    ///
    /// Never, unless set: the called service counts a probe like any other request.
    pub probe_interval: Option<Wait>,
    /// How long a probe may take until the answer begins.
    pub probe_timeout: Wait,
    /// How many events the history keeps, newest first.
    pub history_limit: NonZeroU32,
    /// When a service is left alone, and for how long.
    pub circuit_breaker: CircuitBreakerConfig,
    /// How much room their answers have, which are kept as they say.
    pub cache_store: CacheConfig,
}

/// A duration above zero, written as `"30s"`.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(transparent)]
pub struct Wait(#[serde(with = "tooloo_service::duration")] Duration);

impl Wait {
    /// Returns the duration.
    pub const fn get(self) -> Duration {
        self.0
    }
}

impl Default for CapabilitiesConfig {
    fn default() -> Self {
        let nonzero = |n| NonZeroUsize::new(n).expect("a default above zero");
        Self {
            refresh_interval: Wait(Duration::from_secs(10)),
            fetch_timeout: Wait(Duration::from_secs(3)),
            document_limit: nonzero(2 * 1024 * 1024),
            operation_limit: nonzero(1_000),
            probe_interval: None,
            probe_timeout: Wait(Duration::from_secs(3)),
            history_limit: NonZeroU32::new(10_000).expect("a default above zero"),
            circuit_breaker: CircuitBreakerConfig::default(),
            cache_store: CacheConfig::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<CapabilitiesConfig, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    #[test]
    fn probes_nothing_unless_told_to() {
        assert_eq!(read("{}").unwrap().probe_interval, None);
        let told = read(r#"{"probe_interval": "30s"}"#).unwrap().probe_interval;
        assert_eq!(told, Some(Wait(Duration::from_secs(30))));
    }

    #[test]
    fn refuses_a_wait_of_nothing_and_keys_it_does_not_know() {
        assert!(
            read(r#"{"refresh_interval": "0s"}"#)
                .unwrap_err()
                .contains("above zero")
        );
        assert!(
            read(r#"{"refresh": "1s"}"#)
                .unwrap_err()
                .contains("refresh")
        );
    }
}
