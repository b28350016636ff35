//! Tower's laws, for requests that are answered from the store, pass through it, or pass by.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, header};
use http_body_util::Full;
use tooloo_cache::{CacheLayer, HttpCacheConfig};
use tooloo_testkit::Contract;

fn layer() -> CacheLayer {
    // What nobody waits for is given up: else a dropped call goes on, as it should.
    CacheLayer::new(HttpCacheConfig::new().with_finish_for(Duration::ZERO))
}

fn request(method: &Method, host: bool) -> Request<()> {
    let request = Request::builder().method(method).uri("/x");
    let request = if host {
        request.header(header::HOST, "a.example")
    } else {
        request
    };
    request.body(()).unwrap()
}

fn answer() -> Response<Full<Bytes>> {
    // Its length is not the body's: nothing is stored, and each request reaches the service.
    let response = Response::builder().header(header::CONTENT_LENGTH, 5);
    response.body(Full::from("body")).unwrap()
}

fn keeps_towers_laws(method: Method, host: bool) {
    let contract = Contract::new(layer, move || request(&method, host), answer);
    contract.polls_and_calls_one_instance();
    contract.clones_start_unready();
    contract.waits_while_the_inner_service_is_busy();
    contract.passes_errors();
    contract.passes_readiness_errors();
    contract.leaves_nothing_in_flight(|_| 0);
}

#[test]
fn misses_keep_towers_laws() {
    keeps_towers_laws(Method::GET, true);
}

#[test]
fn answers_to_head_keep_towers_laws() {
    keeps_towers_laws(Method::HEAD, true);
}

#[test]
fn unsafe_requests_keep_towers_laws() {
    keeps_towers_laws(Method::POST, true);
}

#[test]
fn requests_that_pass_by_keep_towers_laws() {
    keeps_towers_laws(Method::GET, false);
    keeps_towers_laws(Method::OPTIONS, true);
}
