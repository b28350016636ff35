//! Passes a request to the service that answers it, and the answer back, as they stream.

mod fields;
mod request;
mod table;

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    body::Body,
    extract::{Request, State},
    http::{Method, Response, StatusCode, Version, header},
    response::IntoResponse,
    routing::any,
};
use tooloo_circuit_breaker::CircuitBreakerConfig;
use tooloo_service::{Kit, Peer, PeerError, Problem};
use utoipa_axum::router::OpenApiRouter;

pub(crate) use self::table::{PREFIXES, Prefix};
use crate::config::Pseudonym;

/// What the gateway passes on; the tracing of TRACE and the tunnels of CONNECT are no part of it.
const METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

/// One service, as the gateway sees it.
#[derive(Clone, Debug)]
struct Upstream {
    peer: Peer,
    pseudonym: Arc<Pseudonym>,
}

/// Returns a router with every path that is passed on; each service behind them has one breaker.
pub(crate) fn router(
    kit: &mut Kit,
    pseudonym: Pseudonym,
    breaker: &CircuitBreakerConfig,
) -> OpenApiRouter {
    let pseudonym = Arc::new(pseudonym);
    let mut peers = BTreeMap::new();
    for prefix in PREFIXES {
        let name = prefix.service;
        peers
            .entry(name)
            .or_insert_with(|| upstream::guarded(kit, name, name, breaker));
    }
    let patterns = PREFIXES.into_iter().flat_map(|prefix| {
        prefix
            .patterns()
            .map(move |pattern| (pattern, prefix.service))
    });
    patterns.fold(OpenApiRouter::new(), |router, (pattern, service)| {
        let upstream = Upstream {
            peer: peers[service].clone(),
            pseudonym: Arc::clone(&pseudonym),
        };
        router.route(&pattern, any(forward).with_state(upstream))
    })
}

async fn forward(State(upstream): State<Upstream>, request: Request) -> Response<Body> {
    let method = request.method().clone();
    if matches!(method, Method::TRACE | Method::CONNECT) {
        return method_refused(&method);
    }
    let outgoing = match request::prepare(request, upstream.pseudonym.as_str()) {
        Ok(Some(outgoing)) => outgoing,
        Ok(None) => return capabilities(),
        Err(problem) => return problem.into_response(),
    };
    match upstream.peer.send(outgoing).await {
        Ok(answer) => pass_back(answer, &method, &upstream),
        Err(error) => failed(&upstream.peer, error).into_response(),
    }
}

/// Makes an upstream's answer ours to send.
fn pass_back(mut answer: Response<Body>, method: &Method, upstream: &Upstream) -> Response<Body> {
    if answer.status().is_informational() {
        // An upgrade that nobody asked for: there is no answer behind it.
        let detail = format!("{} switched protocols unasked", upstream.peer.name());
        return Problem::bad_gateway("upstream_protocol", detail).into_response();
    }
    let received = answer.version();
    let headers = answer.headers_mut();
    fields::strip_hop_by_hop(headers);
    fields::strip_own(headers);
    fields::add_via(headers, received, upstream.pseudonym.as_str());
    *answer.version_mut() = Version::HTTP_11;
    let failed = answer.status().is_client_error() || answer.status().is_server_error();
    if failed || method == Method::HEAD {
        // Of unknown length: our layers neither rewrite an upstream's error, nor claim that the
        // answer to GET would be empty. A length in the header stays.
        answer.map(|body| Body::from_stream(body.into_data_stream()))
    } else {
        answer
    }
}

/// Says what went wrong on the way to an upstream.
fn failed(peer: &Peer, error: PeerError) -> Problem {
    let name = peer.name();
    if error.is_timeout() {
        let detail = format!("{name} did not answer in time");
        return Problem::gateway_timeout("upstream_timeout", detail);
    }
    Problem::from(error)
}

fn method_refused(method: &Method) -> Response<Body> {
    let problem = Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        format!("the gateway does not pass on {method}"),
    );
    with_methods(problem.into_response())
}

/// Answers an OPTIONS request that may go no further (RFC 9110 §7.6.2).
fn capabilities() -> Response<Body> {
    with_methods(StatusCode::NO_CONTENT.into_response())
}

fn with_methods(mut answer: Response<Body>) -> Response<Body> {
    let methods = header::HeaderValue::from_static(METHODS);
    answer.headers_mut().insert(header::ALLOW, methods);
    answer
}
