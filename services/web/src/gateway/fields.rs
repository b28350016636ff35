//! The header fields an intermediary must take out, put in or leave alone (RFC 9110 §7.6).

use std::{
    fmt::Write,
    net::{IpAddr, SocketAddr},
};

use axum::http::{HeaderMap, HeaderName, HeaderValue, Version, header};

/// Fields about one connection, whether or not `Connection` names them.
///
/// `Transfer-Encoding` is here because each hop frames its messages anew.
const HOP_BY_HOP: [HeaderName; 10] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::PROXY_AUTHENTICATE,
    HeaderName::from_static("proxy-authentication-info"),
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("http2-settings"),
];

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The trail of a message, which `Connection` cannot make us forget.
const TRAIL: [HeaderName; 4] = [
    header::VIA,
    header::FORWARDED,
    X_FORWARDED_FOR,
    X_REQUEST_ID,
];

/// Answer fields that the gateway writes itself, about its own exchange with the client.
const OWN: [HeaderName; 8] = [
    X_REQUEST_ID,
    HeaderName::from_static("traceresponse"),
    header::ACCESS_CONTROL_ALLOW_ORIGIN,
    header::ACCESS_CONTROL_ALLOW_CREDENTIALS,
    header::ACCESS_CONTROL_ALLOW_HEADERS,
    header::ACCESS_CONTROL_ALLOW_METHODS,
    header::ACCESS_CONTROL_EXPOSE_HEADERS,
    header::ACCESS_CONTROL_MAX_AGE,
];

/// Takes out everything that concerns only the connection a message came over.
pub(super) fn strip_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = members(headers, &header::CONNECTION)
        .filter_map(|option| option.parse().ok())
        .filter(|name| !TRAIL.contains(name))
        .collect();
    for name in named.iter().chain(&HOP_BY_HOP) {
        headers.remove(name);
    }
}

/// Takes out the answer fields that would be there twice, or speak for the wrong server.
pub(super) fn strip_own(headers: &mut HeaderMap) {
    for name in &OWN {
        headers.remove(name);
    }
}

/// Adds this intermediary to the `Via` trail.
pub(super) fn add_via(headers: &mut HeaderMap, received: Version, pseudonym: &str) {
    let version = match received {
        Version::HTTP_09 => "0.9",
        Version::HTTP_10 => "1.0",
        Version::HTTP_2 => "2.0",
        Version::HTTP_3 => "3.0",
        _ => "1.1",
    };
    append_member(headers, &header::VIA, &format!("{version} {pseudonym}"));
}

/// Tells whether a message has been here before.
pub(super) fn has_via(headers: &HeaderMap, pseudonym: &str) -> bool {
    members(headers, &header::VIA)
        .filter_map(|hop| hop.split_ascii_whitespace().nth(1))
        .any(|name| name.eq_ignore_ascii_case(pseudonym))
}

/// Says whom a request came from and which host it asked for, after what earlier hops said.
pub(super) fn add_forwarded(
    headers: &mut HeaderMap,
    client: Option<SocketAddr>,
    host: Option<&str>,
) {
    let node = client.map(|client| client.ip().to_canonical());
    if let Some(node) = node {
        append_member(headers, &X_FORWARDED_FOR, &node.to_string());
    }
    let mut element = match node {
        Some(IpAddr::V4(node)) => format!("for={node}"),
        Some(IpAddr::V6(node)) => format!("for=\"[{node}]\""),
        None => "for=unknown".to_owned(),
    };
    if let Some(host) = host {
        let _ = write!(element, ";host=\"{host}\"");
    }
    element.push_str(";proto=http");
    append_member(headers, &header::FORWARDED, &element);

    // These two hold one value, and only the gateway knows what it was asked.
    match host.and_then(|host| HeaderValue::from_str(host).ok()) {
        Some(host) => headers.insert(X_FORWARDED_HOST, host),
        None => headers.remove(X_FORWARDED_HOST),
    };
    headers.insert(X_FORWARDED_PROTO, HeaderValue::from_static("http"));
}

/// Yields the members of a list field, over all its lines.
pub(super) fn members<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> impl Iterator<Item = &'a str> {
    headers
        .get_all(name)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .map(str::trim)
        .filter(|member| !member.is_empty())
}

/// Adds a member to a list field as its last, on one line: many readers look at one line only.
fn append_member(headers: &mut HeaderMap, name: &HeaderName, member: &str) {
    let mut joined = Vec::new();
    for line in headers.get_all(name) {
        joined.extend_from_slice(line.as_bytes());
        joined.extend_from_slice(b", ");
    }
    joined.extend_from_slice(member.as_bytes());
    if let Ok(value) = HeaderValue::from_bytes(&joined) {
        headers.insert(name.clone(), value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(fields: &[(&'static str, &'static str)]) -> HeaderMap {
        fields
            .iter()
            .map(|&(name, value)| {
                (
                    HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            })
            .collect()
    }

    #[test]
    fn takes_out_what_connection_names_on_any_of_its_lines() {
        let mut headers = headers(&[
            ("x-one", "1"),
            ("x-two", "2"),
            ("x-kept", "3"),
            ("te", "trailers"),
        ]);
        headers.append(header::CONNECTION, HeaderValue::from_static("close, X-One"));
        headers.append(
            header::CONNECTION,
            HeaderValue::from_static(" ,x-two,, not a token"),
        );
        strip_hop_by_hop(&mut headers);
        assert_eq!(headers, super::tests::headers(&[("x-kept", "3")]));
    }

    #[test]
    fn connection_cannot_erase_the_trail() {
        let mut headers = headers(&[
            (
                "connection",
                "x-forwarded-for, forwarded, via, x-request-id",
            ),
            ("x-request-id", "7"),
            ("x-forwarded-for", "192.0.2.7"),
            ("forwarded", "for=192.0.2.7"),
            ("via", "1.1 edge"),
        ]);
        strip_hop_by_hop(&mut headers);
        assert_eq!(headers.len(), 4);
    }

    #[test]
    fn our_hop_stands_behind_all_earlier_ones() {
        let mut headers = headers(&[("x-forwarded-for", "192.0.2.7")]);
        headers.append(X_FORWARDED_FOR, HeaderValue::from_static("198.51.100.1"));
        add_forwarded(
            &mut headers,
            Some("[2001:db8::1]:99".parse().unwrap()),
            Some("a.example:80"),
        );
        assert_eq!(
            headers["x-forwarded-for"],
            "192.0.2.7, 198.51.100.1, 2001:db8::1"
        );
        assert_eq!(
            headers["forwarded"],
            "for=\"[2001:db8::1]\";host=\"a.example:80\";proto=http"
        );
        assert_eq!(headers["x-forwarded-host"], "a.example:80");
    }

    #[test]
    fn knows_its_own_name_in_via() {
        let headers = headers(&[(
            "via",
            "1.0 fred, 1.1 Tooloo-Web (comment), 1.1 p.example:80",
        )]);
        assert!(has_via(&headers, "tooloo-web"));
        assert!(!has_via(&headers, "comment"));
    }
}
