//! What can be set on the gateway.

mod clients;
mod limits;

use std::{fmt, path::PathBuf, time::Duration};

use serde::Deserialize;
use tooloo_cache::{CacheConfig, HttpCacheConfig};
use tooloo_circuit_breaker::CircuitBreakerConfig;
use tooloo_rate_limit::{PoliciesConfig, SharedConfig};

pub use self::clients::{BadPrefixLength, ClientsConfig, ForwardedBy, PrefixLength};
pub(crate) use self::limits::{from_file, usual};

/// The longest pseudonym, in bytes.
const MAX_PSEUDONYM: usize = 64;

/// The gateway's own settings.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct WebConfig {
    /// How the gateway calls itself in `Via`; two gateways in a row need two names.
    pub pseudonym: Pseudonym,
    /// How long an upstream may take until its answer begins; streams go on as long as they like.
    ///
    /// Budget may ask several model providers in turn, so this is more than a call elsewhere may
    /// take. It ends before the gateway's own `request_timeout` in any case, to name the upstream.
    #[serde(with = "tooloo_service::duration")]
    pub upstream_timeout: Duration,
    /// How long the answer about the whole fleet waits for any one service.
    #[serde(with = "tooloo_service::duration")]
    pub fleet_deadline: Duration,
    /// How often each client may ask: 100 times a second and 1,000 at once, on all routes together,
    /// unless told otherwise.
    #[serde(deserialize_with = "limits::read")]
    pub rate_limit: PoliciesConfig,
    /// A file that says the same instead, in the words of `rate_limit`; read again where it changes.
    pub rate_limit_file: Option<PathBuf>,
    /// How often that file is looked at.
    #[serde(with = "tooloo_service::duration")]
    pub rate_limit_file_interval: Duration,
    /// How quotas are kept in the Redis of `redis_url`, and what happens while it is away.
    pub rate_limit_store: SharedConfig,
    /// Who counts as one client.
    pub clients: ClientsConfig,
    /// When a service that fails is left alone, and for how long.
    pub circuit_breaker: CircuitBreakerConfig,
    /// Which answers of services are kept, and what is told of it; as the services say unless told otherwise.
    ///
    /// Its `finish_for` has no effect: a client that leaves ends the call.
    pub cache: HttpCacheConfig,
    /// How much room they have.
    pub cache_store: CacheConfig,
}

impl Default for WebConfig {
    fn default() -> Self {
        Self {
            pseudonym: Pseudonym("tooloo-web".to_owned()),
            upstream_timeout: Duration::from_secs(27),
            fleet_deadline: Duration::from_secs(2),
            rate_limit: usual(),
            rate_limit_file: None,
            rate_limit_file_interval: Duration::from_secs(2),
            rate_limit_store: SharedConfig::default(),
            clients: ClientsConfig::default(),
            circuit_breaker: CircuitBreakerConfig::default(),
            cache: HttpCacheConfig::default(),
            cache_store: CacheConfig::default(),
        }
    }
}

/// A name for `Via`: a token, as RFC 9110 §5.6.2 has it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(try_from = "String")]
pub struct Pseudonym(String);

impl Pseudonym {
    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Pseudonym {
    type Error = BadPseudonym;

    fn try_from(name: String) -> Result<Self, BadPseudonym> {
        let is_token =
            |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if name.is_empty() || name.len() > MAX_PSEUDONYM || !name.bytes().all(is_token) {
            return Err(BadPseudonym(()));
        }
        Ok(Self(name))
    }
}

/// A name that cannot stand in `Via`.
#[derive(Debug)]
pub struct BadPseudonym(());

impl fmt::Display for BadPseudonym {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "a pseudonym is 1 to {MAX_PSEUDONYM} letters, digits or signs of an HTTP token"
        )
    }
}

impl std::error::Error for BadPseudonym {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pseudonym_cannot_break_the_field_it_stands_in() {
        for name in ["", "a b", "a,b", "a(b)", "ä", &"x".repeat(65)] {
            assert!(Pseudonym::try_from(name.to_owned()).is_err(), "{name:?}");
        }
        assert!(Pseudonym::try_from("edge-1".to_owned()).is_ok());
    }
}
