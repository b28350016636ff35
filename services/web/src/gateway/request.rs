//! Turns the request that came in into the one that goes on.

use std::net::SocketAddr;

use axum::{
    extract::{ConnectInfo, Request},
    http::{HeaderMap, Method, StatusCode, Uri, Version, header, uri::Authority},
};
use tooloo_service::Problem;

use super::fields;

/// Checks what an intermediary must check, and rewrites what it must rewrite.
///
/// `None` where the request has been forwarded as often as its sender allows.
pub(super) fn prepare(request: Request, pseudonym: &str) -> Result<Option<Request>, Problem> {
    let (mut parts, body) = request.into_parts();
    let host = host(&parts.uri, &parts.headers, parts.version)?;
    check_expectations(&parts.headers)?;
    if fields::has_via(&parts.headers, pseudonym) {
        return Err(Problem::new(
            StatusCode::LOOP_DETECTED,
            "loop_detected",
            format!("the request has passed {pseudonym} before, as its Via says"),
        ));
    }
    if parts.method == Method::OPTIONS && !spend_forward(&mut parts.headers)? {
        return Ok(None);
    }

    let client = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    let client = client.map(|ConnectInfo(address)| *address);
    let headers = &mut parts.headers;
    fields::strip_hop_by_hop(headers);
    fields::add_via(headers, parts.version, pseudonym);
    fields::add_forwarded(headers, client, host.as_ref().map(Authority::as_str));
    // The client is told to go on as soon as the upstream takes the body: nothing is left to expect.
    headers.remove(header::EXPECT);
    // The client stack writes the upstream's own.
    headers.remove(header::HOST);

    // A new request: what layers of ours left in the old one's extensions stays here.
    let mut outgoing = Request::new(body);
    *outgoing.method_mut() = parts.method;
    *outgoing.uri_mut() = origin_form(&parts.uri);
    *outgoing.version_mut() = Version::HTTP_11;
    *outgoing.headers_mut() = parts.headers;
    Ok(Some(outgoing))
}

/// Finds the host that was asked for (RFC 9112 §3.2).
fn host(uri: &Uri, headers: &HeaderMap, version: Version) -> Result<Option<Authority>, Problem> {
    let refuse = |why: &str| Problem::bad_request("bad_host", format!("Host {why}"));
    let mut lines = headers.get_all(header::HOST).iter();
    let host = lines.next();
    if lines.next().is_some() {
        return Err(refuse("is there more than once"));
    }
    let host = match host {
        None if version == Version::HTTP_11 => return Err(refuse("is missing")),
        None => None,
        Some(host) if host.is_empty() => None,
        Some(host) => {
            let host = Authority::try_from(host.as_bytes()).ok();
            let host = host.filter(is_plain);
            Some(host.ok_or_else(|| refuse("is no host name with an optional port"))?)
        }
    };
    // A target in absolute form outranks the field, which is checked all the same.
    match uri.authority() {
        None => Ok(host),
        Some(authority) if is_plain(authority) => Ok(Some(authority.clone())),
        Some(_) => Err(Problem::bad_request(
            "bad_target",
            "the target's authority is no host name with an optional port",
        )),
    }
}

/// Says whether an authority holds nothing but a host and a port, whoever reads it.
fn is_plain(authority: &Authority) -> bool {
    !authority.as_str().contains(['@', '"', '\\'])
}

fn check_expectations(headers: &HeaderMap) -> Result<(), Problem> {
    let known = |expectation: &str| expectation.eq_ignore_ascii_case("100-continue");
    let mut lines = headers.get_all(header::EXPECT).iter();
    let readable = lines.all(|line| line.to_str().is_ok());
    if readable && fields::members(headers, &header::EXPECT).all(known) {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::EXPECTATION_FAILED,
        "expectation_failed",
        "Expect holds something other than 100-continue",
    ))
}

/// Counts `Max-Forwards` down; `false` where no forwarding is left.
fn spend_forward(headers: &mut HeaderMap) -> Result<bool, Problem> {
    let Some(value) = headers.get_mut(header::MAX_FORWARDS) else {
        return Ok(true);
    };
    let left = value
        .to_str()
        .ok()
        .and_then(|text| text.parse::<u32>().ok());
    let Some(left) = left else {
        let detail = "Max-Forwards is no whole number";
        return Err(Problem::bad_request("bad_max_forwards", detail));
    };
    let Some(rest) = left.checked_sub(1) else {
        return Ok(false);
    };
    *value = rest.into();
    Ok(true)
}

/// Keeps path and query exactly as they were sent.
fn origin_form(uri: &Uri) -> Uri {
    uri.path_and_query()
        .map_or_else(Uri::default, |target| Uri::from(target.clone()))
}

#[cfg(test)]
mod tests {
    use axum::{body::Body, http::HeaderValue};

    use super::*;

    fn prepared(request: axum::http::request::Builder) -> Result<Option<Request>, Problem> {
        prepare(request.body(Body::empty()).unwrap(), "tooloo-web")
    }

    fn forwarded(request: axum::http::request::Builder) -> Request {
        match prepared(request) {
            Ok(Some(request)) => request,
            Ok(None) => panic!("answered here"),
            Err(problem) => panic!("{problem}"),
        }
    }

    #[test]
    fn a_target_in_absolute_form_does_not_choose_the_upstream() {
        let request =
            Request::get("http://elsewhere.example/api/v1/budget?day=%2F").header("host", "here");
        let request = forwarded(request);
        assert_eq!(request.uri(), "/api/v1/budget?day=%2F");
        assert_eq!(request.headers()["x-forwarded-host"], "elsewhere.example");
        assert!(!request.headers().contains_key("host"));
    }

    #[test]
    fn refuses_a_host_that_two_readers_could_read_differently() {
        let twice = Request::get("/").header("host", "a").header("host", "b");
        assert!(prepared(twice).is_err());
        assert!(prepared(Request::get("/")).is_err());
        for host in ["a b", "a/b", "user@a", "a\"b", "a:b:c"] {
            assert!(
                prepared(Request::get("/").header("host", host)).is_err(),
                "{host}"
            );
        }
        assert!(prepared(Request::get("/").version(Version::HTTP_10)).is_ok());
    }

    #[test]
    fn a_target_in_absolute_form_is_checked_as_its_host_is() {
        let target = "http://elsewhere.example/";
        for bad in [
            Request::get("http://user@elsewhere.example/").header("host", "here"),
            Request::get(target),
            Request::get(target).header("host", "user@here"),
            Request::get(target).header("host", "a/b"),
        ] {
            let problem = prepared(bad).expect_err("a refusal");
            assert_eq!(problem.status(), StatusCode::BAD_REQUEST);
        }
    }

    #[test]
    fn a_request_that_comes_round_again_is_refused() {
        let request = Request::get("/")
            .header("host", "a")
            .header("via", "1.1 tooloo-web");
        let problem = prepared(request).expect_err("a refusal");
        assert_eq!(problem.status(), StatusCode::LOOP_DETECTED);
    }

    #[test]
    fn counts_max_forwards_down_for_options_only() {
        let options = |left: &'static str| {
            let request = Request::options("/").header("host", "a");
            request.header("max-forwards", left)
        };
        assert!(matches!(prepared(options("0")), Ok(None)));
        assert_eq!(forwarded(options("3")).headers()["max-forwards"], "2");
        assert!(prepared(options("-1")).is_err());
        let get = Request::get("/")
            .header("host", "a")
            .header("max-forwards", "0");
        assert_eq!(
            forwarded(get).headers()["max-forwards"],
            HeaderValue::from_static("0")
        );
    }

    #[test]
    fn knows_one_expectation() {
        let with = |expect: &'static str| {
            Request::post("/")
                .header("host", "a")
                .header("expect", expect)
        };
        assert!(
            !forwarded(with("100-Continue"))
                .headers()
                .contains_key("expect")
        );
        let problem = prepared(with("200-ok")).expect_err("a refusal");
        assert_eq!(problem.status(), StatusCode::EXPECTATION_FAILED);
    }
}
