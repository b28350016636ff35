//! What OpenTelemetry's conventions want recorded of a call.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, StatusCode, Uri, header};

use crate::{
    AttributeValue, attribute::Attributes, call::Failure, context::Called, method::MethodName,
    record::SpanStatus,
};

/// A call that has ended.
///
/// It is put into the conventions' words when somebody reads it: most are never read.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CallRecord {
    pub(crate) method: MethodName,
    /// The route's pattern, which only a server knows.
    pub(crate) route: Option<Arc<str>>,
    pub(crate) host: Option<Box<str>>,
    pub(crate) target: Target,
    pub(crate) status: Option<StatusCode>,
    /// How it failed, if no status says so.
    pub(crate) failure: Option<Failure>,
}

/// What a call asked for, in bytes of its own: a request's share a buffer with all that came with it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Target {
    Nothing,
    Path(Box<str>),
    Url(Box<str>),
}

impl CallRecord {
    /// Returns the call's attributes; `ended` is how its span did.
    pub(crate) fn attributes(&self, ended: SpanStatus) -> Attributes {
        let text = |text: &str| AttributeValue::from(text.to_owned());
        let target = match &self.target {
            Target::Nothing => None,
            Target::Path(path) => Some(("url.path", text(path))),
            Target::Url(url) => Some(("url.full", text(url))),
        };
        let status = self.status.map(|status| status.as_u16().into());
        let known = [
            self.host
                .as_deref()
                .map(|host| ("server.address", text(host))),
            self.method
                .as_str()
                .map(|name| ("http.request.method", name.into())),
            self.route
                .as_deref()
                .map(|route| ("http.route", text(route))),
            target,
            status.map(|status| ("http.response.status_code", status)),
            self.error_type(ended)
                .map(|name| ("error.type", text(name))),
        ];
        let known = known.into_iter().flatten();
        known.map(|(key, value)| (key.into(), value)).collect()
    }

    /// Returns one of a few names for what went wrong.
    fn error_type(&self, ended: SpanStatus) -> Option<&str> {
        match (self.failure, ended) {
            (Some(Failure::Service), _) => Some("service"),
            (Some(Failure::Body), _) => Some("body"),
            (Some(Failure::Panic), _) => Some("panic"),
            (None, SpanStatus::Error) => self.status.as_ref().map(StatusCode::as_str),
            (None, SpanStatus::Cancelled) => Some("cancelled"),
            (None, SpanStatus::Success) => None,
        }
    }

    /// Returns the bytes that it keeps apart from itself.
    pub(crate) fn bytes(&self) -> usize {
        let target = match &self.target {
            Target::Nothing => 0,
            Target::Path(text) | Target::Url(text) => text.len(),
        };
        target + self.host.as_deref().map_or(0, str::len)
    }
}

impl From<&Called> for Target {
    fn from(called: &Called) -> Self {
        match called {
            Called::Nothing => Self::Nothing,
            Called::Path(path) => Self::Path(path.path().into()),
            Called::Url(uri) => Self::Url(url(uri).into()),
        }
    }
}

/// Returns the host that a call asks.
pub(crate) fn asked<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Option<&'a str> {
    uri.host()
        .or_else(|| host(headers.get(header::HOST)?.to_str().ok()?))
}

/// Returns what else is known of a call when it begins: most of a server's bring nothing.
pub(crate) fn details(uri: &Uri, headers: &HeaderMap, recorded: &[HeaderName]) -> Attributes {
    let mut attributes = Attributes::new();
    if let Some(scheme) = uri.scheme_str() {
        attributes.push(("url.scheme".into(), scheme.to_owned().into()));
    }
    if let Some(port) = uri.port_u16() {
        attributes.push(("server.port".into(), port.into()));
    }
    for name in recorded {
        let value = headers.get(name).filter(|value| !value.is_sensitive());
        if let Some(value) = value.and_then(|value| value.to_str().ok()) {
            attributes.push((
                format!("http.request.header.{name}").into(),
                value.to_owned().into(),
            ));
        }
    }
    attributes
}

/// Returns the host of a `Host` header, without its port.
fn host(header: &str) -> Option<&str> {
    let bytes = header.as_bytes();
    // User information, which does not belong there, may hold secrets.
    if bytes.contains(&b'@') {
        return None;
    }
    let last = bytes.iter().rposition(|byte| !byte.is_ascii_digit());
    let colon = last.filter(|last| bytes[*last] == b':');
    Some(colon.map_or(header, |colon| &header[..colon]))
}

/// Returns a URL without its query and user information, which may hold secrets.
fn url(uri: &Uri) -> String {
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    let authority = authority.rsplit('@').next().unwrap_or(authority);
    match uri.scheme_str() {
        Some(scheme) => format!("{scheme}://{authority}{}", uri.path()),
        None => uri.path().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_told_without_its_port_and_without_secrets() {
        for (header, expected) in [
            ("example.org", Some("example.org")),
            ("127.0.0.1:3000", Some("127.0.0.1")),
            ("[::1]:3000", Some("[::1]")),
            ("[::1]", Some("[::1]")),
            ("ada:secret@example.org", None),
            ("ada:secret@example.org:3000", None),
        ] {
            assert_eq!(host(header), expected, "{header}");
        }
    }
}
