//! Which providers there are.

use std::{collections::BTreeSet, num::NonZeroU32, time::Duration};

use http::Uri;
use serde::Deserialize;
use tooloo_circuit_breaker::CircuitBreakerConfig;
use tooloo_service::{Secret, duration};

use crate::money::{Money, Prices};

/// The most providers that can be configured.
const MOST: usize = 32;

/// A model provider that speaks the chat-completions format.
///
/// One that serves several models can be listed once for each, under different names.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ProviderConfig {
    /// The name it goes by here.
    pub name: String,
    /// Where it is: `https://api.example.com/v1`. An address without a path means `/v1` there;
    /// none at all means the fleet's simulated provider.
    #[serde(default)]
    pub base_url: Option<BaseUrl>,
    /// The key that is sent as a bearer token.
    #[serde(default)]
    pub api_key: Option<Secret>,
    /// The environment variable that holds the key, where `api_key` is not given.
    #[serde(default)]
    pub api_key_env: Option<String>,
    /// The model to ask.
    pub model: String,
    /// Dollars for a million tokens.
    pub prices: Prices,
    /// The most calls at once.
    #[serde(default = "default_concurrency")]
    pub max_concurrency: NonZeroU32,
    /// How long one call may take.
    #[serde(default = "default_timeout", with = "duration")]
    pub timeout: Duration,
    /// When its breaker opens and closes; as those of the others unless given.
    #[serde(default)]
    pub circuit_breaker: Option<CircuitBreakerConfig>,
}

/// An address that a provider can have.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(try_from = "String")]
pub struct BaseUrl(Uri);

/// At least one provider, and no two of one name.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Vec<ProviderConfig>")]
pub struct ProviderList(Vec<ProviderConfig>);

impl ProviderConfig {
    /// Describes the fleet's simulated provider, at the prices of a small model.
    pub fn simulated() -> Self {
        Self {
            name: "simulator".to_owned(),
            base_url: None,
            api_key: None,
            api_key_env: None,
            model: "tooloo-sim-1".to_owned(),
            prices: Prices {
                input: Money::from_micros(150_000),
                output: Money::from_micros(600_000),
            },
            max_concurrency: default_concurrency(),
            timeout: default_timeout(),
            circuit_breaker: None,
        }
    }

    /// Says whether the provider is reached over TLS.
    pub(crate) fn has_tls(&self) -> bool {
        let base = self.base_url.as_ref();
        base.is_some_and(|base| base.0.scheme_str() == Some("https"))
    }

    fn validate(&self) -> Result<(), String> {
        let name = &self.name;
        let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if name.is_empty() || name.len() > 64 || !name.chars().all(fine) {
            return Err(format!(
                "`{name}` is no name of 1 to 64 letters, digits, `-`, `_` and `.`"
            ));
        }
        if self.model.is_empty() {
            return Err(format!("`model` of `{name}` is empty"));
        }
        if self.api_key.is_some() && self.api_key_env.is_some() {
            return Err(format!("`{name}` has both `api_key` and `api_key_env`"));
        }
        Ok(())
    }
}

impl BaseUrl {
    /// Wraps an address that is known to be one.
    pub(crate) fn new(uri: Uri) -> Self {
        Self(uri)
    }

    /// Returns the address, with the path `/v1` where it had none.
    pub(crate) fn to_uri(&self) -> Uri {
        if self.0.path() != "/" {
            return self.0.clone();
        }
        let mut parts = self.0.clone().into_parts();
        parts.path_and_query = Some(http::uri::PathAndQuery::from_static("/v1"));
        Uri::from_parts(parts).expect("an absolute address with another path is one")
    }
}

impl TryFrom<String> for BaseUrl {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let expected = "expected an address such as \"https://api.example.com/v1\"";
        // The text may hold a password: it is not repeated.
        let uri: Uri = text
            .parse()
            .map_err(|error| format!("{error}; {expected}"))?;
        if !matches!(uri.scheme_str(), Some("http" | "https")) {
            return Err(expected.to_owned());
        }
        if uri
            .authority()
            .is_some_and(|authority| authority.as_str().contains('@'))
        {
            return Err("an address takes no user and password; use `api_key`".to_owned());
        }
        if uri.host().is_none_or(str::is_empty) || uri.query().is_some() {
            return Err(expected.to_owned());
        }
        Ok(Self(uri))
    }
}

impl ProviderList {
    /// Iterates over the providers, in the order they were configured.
    pub fn iter(&self) -> std::slice::Iter<'_, ProviderConfig> {
        self.0.iter()
    }

    /// Says whether one of them is the fleet's simulated provider.
    pub fn wants_simulator(&self) -> bool {
        self.iter().any(|provider| provider.base_url.is_none())
    }
}

impl Default for ProviderList {
    fn default() -> Self {
        Self(vec![ProviderConfig::simulated()])
    }
}

impl<'a> IntoIterator for &'a ProviderList {
    type Item = &'a ProviderConfig;
    type IntoIter = std::slice::Iter<'a, ProviderConfig>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl TryFrom<Vec<ProviderConfig>> for ProviderList {
    type Error = String;

    fn try_from(providers: Vec<ProviderConfig>) -> Result<Self, String> {
        if !(1..=MOST).contains(&providers.len()) {
            return Err(format!(
                "expected 1 to {MOST} providers, found {}",
                providers.len()
            ));
        }
        let mut names = BTreeSet::new();
        for provider in &providers {
            provider.validate()?;
            if !names.insert(&provider.name) {
                return Err(format!("two providers are called `{}`", provider.name));
            }
        }
        Ok(Self(providers))
    }
}

fn default_concurrency() -> NonZeroU32 {
    const { NonZeroU32::new(8).expect("eight is not zero") }
}

fn default_timeout() -> Duration {
    Duration::from_secs(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Result<ProviderList, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn an_address_without_a_path_means_v1() {
        for (text, uri) in [
            ("http://127.0.0.1:3010", "http://127.0.0.1:3010/v1"),
            ("http://127.0.0.1:3010/", "http://127.0.0.1:3010/v1"),
            ("http://host/openai/v1", "http://host/openai/v1"),
        ] {
            let base = BaseUrl::try_from(text.to_owned()).unwrap();
            assert_eq!(base.to_uri().to_string(), uri);
        }
    }

    #[test]
    fn refuses_what_is_no_provider_and_says_why() {
        let provider = |rest: &str| {
            format!(r#"{{"model": "m", "prices": {{"input": 0, "output": 0}}, {rest}}}"#)
        };
        let good = provider(r#""name": "a""#);
        parse(&format!("[{good}]")).unwrap();
        for (list, complaint) in [
            (String::new(), "found 0"),
            (format!("{good}, {good}"), "two providers are called `a`"),
            (provider(r#""name": "a b""#), "`a b` is no name"),
            (
                provider(r#""name": "a", "base_url": "ftp://x""#),
                "expected an address",
            ),
            (
                provider(r#""name": "a", "base_url": "http://me:pw@x""#),
                "use `api_key`",
            ),
            (provider(r#""name": "a", "max_concurrency": 0"#), "nonzero"),
            (provider(r#""name": "a", "timeout": "0s""#), "above zero"),
            (
                provider(r#""name": "a", "api_key": "k", "api_key_env": "K""#),
                "both",
            ),
            (provider(r#""name": "a", "colour": 1"#), "colour"),
        ] {
            let error = parse(&format!("[{list}]")).unwrap_err();
            assert!(error.contains(complaint), "{list}: {error}");
            assert!(!error.contains("pw"), "{error}");
        }
    }
}
