//! What OpenTelemetry's conventions want recorded of a call.

use http::{HeaderMap, HeaderName, StatusCode, Uri, header};

use crate::{attribute::Attributes, call::Failure, context::Called, method::MethodName};

/// Attributes that most calls have at the most.
const USUAL: usize = 8;

/// Returns whom a call asks, and those of its headers that `recorded` names.
pub(crate) fn asked(uri: &Uri, headers: &HeaderMap, recorded: &[HeaderName]) -> Attributes {
    let mut attributes = Attributes::with_capacity(USUAL);
    let host = uri
        .host()
        .or_else(|| host(headers.get(header::HOST)?.to_str().ok()?));
    if let Some(host) = host {
        attributes.push(("server.address".into(), host.to_owned().into()));
    }
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

/// Adds what a call asks for; a client knows no route.
pub(crate) fn called(
    attributes: &mut Attributes,
    method: MethodName,
    route: Option<&str>,
    called: &Called,
) {
    if let Some(method) = method.as_str() {
        attributes.push(("http.request.method".into(), method.into()));
    }
    if let Some(route) = route {
        attributes.push(("http.route".into(), route.to_owned().into()));
    }
    match called {
        Called::Nothing => {}
        Called::Path(path) => {
            attributes.push(("url.path".into(), path.path().to_owned().into()));
        }
        Called::Url(uri) => attributes.push(("url.full".into(), url(uri).into())),
    }
}

/// Adds how a call ended.
pub(crate) fn answered(
    attributes: &mut Attributes,
    status: Option<StatusCode>,
    error_type: Option<String>,
) {
    if let Some(status) = status {
        attributes.push(("http.response.status_code".into(), status.as_u16().into()));
    }
    if let Some(error) = error_type {
        attributes.push(("error.type".into(), error.into()));
    }
}

/// Returns one of a few names for what went wrong.
pub(crate) fn error_type(
    blamed: Option<StatusCode>,
    failure: Option<Failure>,
    cancelled: bool,
) -> Option<String> {
    match (failure, blamed) {
        (Some(Failure::Service), _) => Some("service".to_owned()),
        (Some(Failure::Body), _) => Some("body".to_owned()),
        (Some(Failure::Panic), _) => Some("panic".to_owned()),
        (None, Some(status)) => Some(status.as_str().to_owned()),
        (None, None) => cancelled.then(|| "cancelled".to_owned()),
    }
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
