//! Reads single values, and says what was expected of those that will not do.

use std::collections::BTreeMap;

use http::{HeaderValue, Uri};
use serde::{Deserialize, Deserializer, de};

use crate::{Secret, directory};

pub(super) fn fraction<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let rate = f64::deserialize(deserializer)?;
    if (0.0..=1.0).contains(&rate) {
        return Ok(rate);
    }
    let found = de::Unexpected::Float(rate);
    Err(de::Error::invalid_value(found, &"a fraction from 0 to 1"))
}

pub(super) fn directives<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    match text.parse::<tracing_subscriber::filter::Targets>() {
        Ok(_) => Ok(text),
        Err(_) => Err(de::Error::invalid_value(
            de::Unexpected::Str(&text),
            &"a level (error, warn, info, debug, trace, off) or directives such as `info,hyper=debug`",
        )),
    }
}

pub(super) fn origins<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<HeaderValue>, D::Error> {
    let origins = Vec::<Origin>::deserialize(deserializer)?;
    Ok(origins.into_iter().map(|Origin(value)| value).collect())
}

pub(super) fn addresses<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, Uri>, D::Error> {
    let addresses = BTreeMap::<Service, Address>::deserialize(deserializer)?;
    let plain = addresses.into_iter();
    Ok(plain
        .map(|(Service(name), Address(uri))| (name, uri))
        .collect())
}

/// Reads values that are not to be shown: serde's own errors would repeat what they found instead.
pub(super) fn secrets<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, Secret>, D::Error> {
    BTreeMap::deserialize(deserializer).map_err(|_| {
        de::Error::custom(
            "expected a table of strings, or in a variable key=value pairs parted by commas (the \
             value found is not shown)",
        )
    })
}

/// Reads a collector's address; it is not repeated, as it may hold a password.
pub(super) fn endpoint<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<String>, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.parse::<Uri>().is_ok_and(|uri| is_http(&uri)) {
        return Ok(Some(text));
    }
    Err(de::Error::custom(
        "expected an absolute address such as \"http://127.0.0.1:4317\"; https is not supported",
    ))
}

/// Reads the address of a Redis; it is not repeated, as it may hold a password.
pub(super) fn redis_url<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Secret>, D::Error> {
    let url = Secret::deserialize(deserializer)?;
    let host = url.expose().strip_prefix("redis://");
    if host.is_some_and(|host| !host.is_empty()) {
        return Ok(Some(url));
    }
    Err(de::Error::custom(
        "expected an address such as \"redis://127.0.0.1:6379\" (the value found is not shown); \
         rediss is not supported",
    ))
}

/// Reads the address of a PostgreSQL; it is not repeated, as it may hold a password.
pub(super) fn database_url<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Secret>, D::Error> {
    let url = Secret::deserialize(deserializer)?;
    let text = url.expose();
    let server = text
        .strip_prefix("postgres://")
        .or_else(|| text.strip_prefix("postgresql://"));
    if server.is_some_and(|server| !server.is_empty()) {
        return Ok(Some(url));
    }
    Err(de::Error::custom(
        "expected an address such as \"postgres://tooloo@127.0.0.1:5432/tooloo\" (the value found is not shown)",
    ))
}

/// Reads a number above zero.
pub(super) fn positive<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    let number = usize::deserialize(deserializer)?;
    if number > 0 {
        return Ok(number);
    }
    let found = de::Unexpected::Unsigned(0);
    Err(de::Error::invalid_value(found, &"a number above zero"))
}

/// Reads a port that all default ports fit above.
pub(super) fn base_port<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u16, D::Error> {
    let port = u16::deserialize(deserializer)?;
    let last = u16::MAX - directory::SPAN;
    if (1..=last).contains(&port) {
        return Ok(port);
    }
    let found = de::Unexpected::Unsigned(port.into());
    let expected = format!("a port from 1 to {last}, with room for the fleet's ports above it");
    Err(de::Error::invalid_value(found, &expected.as_str()))
}

#[derive(Deserialize, Eq, Ord, PartialEq, PartialOrd)]
#[serde(try_from = "String")]
struct Service(String);

impl TryFrom<String> for Service {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        if directory::find(&name).is_some() {
            return Ok(Self(name));
        }
        let known: Vec<_> = directory::SERVICES.iter().map(|entry| entry.name).collect();
        Err(format!(
            "unknown service `{name}`, expected one of {}",
            known.join(", ")
        ))
    }
}

#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Origin(HeaderValue);

impl TryFrom<String> for Origin {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let uri: Option<Uri> = text.parse().ok();
        let is_origin = uri.is_some_and(|uri| {
            uri.scheme().is_some()
                && uri.path_and_query().is_none_or(|path| path == "/")
                && !text.ends_with('/')
        });
        match HeaderValue::try_from(&text) {
            Ok(value) if is_origin => Ok(Self(value)),
            _ => Err(format!(
                "invalid origin \"{text}\", expected a scheme, a host and maybe a port, as in \
                 \"https://app.example.com\""
            )),
        }
    }
}

#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Address(Uri);

impl TryFrom<String> for Address {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.parse::<Uri>() {
            Ok(uri) if is_http(&uri) => Ok(Self(uri)),
            _ => Err(format!(
                "invalid address \"{text}\", expected one such as \"http://127.0.0.1:3001\""
            )),
        }
    }
}

fn is_http(uri: &Uri) -> bool {
    uri.scheme_str() == Some("http") && uri.host().is_some()
}
