//! Names in settings: fields, tokens, schemes.

use http::HeaderName;
use serde::{Deserialize, Deserializer, de::Error};

use crate::http::list;

/// The targeted field that is for this cache alone.
pub(crate) const OWN_TARGET: HeaderName = HeaderName::from_static("tooloo-cache-control");

/// The targeted field for caches that serve on behalf of the origin, RFC 9213 §3.1.
pub(crate) const CDN_TARGET: HeaderName = HeaderName::from_static("cdn-cache-control");

pub(super) fn targets() -> Vec<HeaderName> {
    vec![OWN_TARGET, CDN_TARGET]
}

/// The fields that frameworks are known to read a host, scheme, path or method from.
pub(super) fn unkeyed() -> Vec<HeaderName> {
    [
        "forwarded",
        "x-forwarded-host",
        "x-forwarded-port",
        "x-forwarded-prefix",
        "x-forwarded-proto",
        "x-forwarded-scheme",
        "x-forwarded-server",
        "x-host",
        "x-http-method-override",
        "x-original-url",
        "x-rewrite-url",
    ]
    .map(HeaderName::from_static)
    .into()
}

/// Returns what a token can hold of a name; `None` where nothing is left.
pub(super) fn token(name: &str) -> Option<Box<str>> {
    let starts = |letter: char| letter.is_ascii_alphabetic() || letter == '*';
    let name = name.trim_start_matches(|letter| !starts(letter));
    let token: String = name
        .bytes()
        .filter(|byte| list::is_token_byte(*byte))
        .map(char::from)
        .collect();
    (!token.is_empty()).then(|| token.into())
}

pub(super) fn name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Box<str>, D::Error> {
    let name = Box::<str>::deserialize(deserializer)?;
    match token(&name) {
        Some(token) if token == name => Ok(name),
        _ => Err(Error::custom(
            "a name of letters, digits and dashes is needed",
        )),
    }
}

pub(super) fn scheme<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Box<str>, D::Error> {
    let scheme = Box::<str>::deserialize(deserializer)?;
    match &*scheme {
        "http" | "https" => Ok(scheme),
        _ => Err(Error::custom("a scheme is http or https")),
    }
}

pub(super) fn names<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<HeaderName>, D::Error> {
    let names = Vec::<Box<str>>::deserialize(deserializer)?;
    let names = names.iter().map(|name| name.parse());
    names.collect::<Result<_, _>>().map_err(Error::custom)
}
