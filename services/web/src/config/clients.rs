//! Who counts as one client.

use std::fmt;

use serde::Deserialize;
use tooloo_key::{IpNet, Ipv6Prefix};

/// How a request's client is found.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct ClientsConfig {
    /// Whether `X-Client-ID` names the client. Trust it only behind something that writes it: whoever
    /// may make names up has a fresh quota with each.
    pub trust_client_id: bool,
    /// Whether an API key names the client. Say no where keys are not checked before: made-up ones
    /// have a fresh quota each.
    pub api_keys: bool,
    /// The proxies in front, whose word on a client's address is taken.
    pub trusted_proxies: Vec<IpNet>,
    /// The header that they write.
    pub forwarded_by: ForwardedBy,
    /// How many leading bits of an IPv6 address are one client.
    pub ipv6_prefix: PrefixLength,
}

/// A header that tells whom a request came from.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ForwardedBy {
    /// `X-Forwarded-For`.
    #[default]
    XForwardedFor,
    /// `Forwarded`, RFC 7239.
    Forwarded,
}

/// From 0 to 128 bits.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(try_from = "u8")]
pub struct PrefixLength(Ipv6Prefix);

/// An IPv6 address does not have as many bits.
#[derive(Debug)]
pub struct BadPrefixLength(());

impl PrefixLength {
    pub(crate) fn prefix(self) -> Ipv6Prefix {
        self.0
    }
}

impl Default for ClientsConfig {
    fn default() -> Self {
        Self {
            trust_client_id: false,
            api_keys: true,
            trusted_proxies: Vec::new(),
            forwarded_by: ForwardedBy::default(),
            ipv6_prefix: PrefixLength::default(),
        }
    }
}

impl TryFrom<u8> for PrefixLength {
    type Error = BadPrefixLength;

    fn try_from(bits: u8) -> Result<Self, BadPrefixLength> {
        Ipv6Prefix::new(bits).map(Self).ok_or(BadPrefixLength(()))
    }
}

impl fmt::Display for BadPrefixLength {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a prefix has 0 to 128 bits")
    }
}

impl std::error::Error for BadPrefixLength {}
