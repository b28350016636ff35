//! Tower's laws.

use std::{num::NonZeroU32, time::Duration};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use tooloo_hub::Observe;
use tooloo_key::Key;
use tooloo_rate_limit::{Quota, RateLimitConfig, RateLimitLayer};
use tooloo_testkit::Contract;

type Extract = fn(&Request<()>) -> Option<Key>;

fn layer() -> RateLimitLayer<Extract> {
    let quota = Quota::per_hour(NonZeroU32::new(1000).expect("a thousand"));
    RateLimitLayer::new(RateLimitConfig::new(quota), |_| Some(Key::from("ada")))
}

fn answer() -> Response<Full<Bytes>> {
    Response::new(Full::from("hello"))
}

fn keeps_towers_laws(layer: fn() -> RateLimitLayer<Extract>) {
    let contract = Contract::new(layer, || Request::new(()), answer);
    contract.polls_and_calls_one_instance();
    contract.clones_start_unready();
    contract.waits_while_the_inner_service_is_busy();
    contract.passes_errors();
    contract.passes_readiness_errors();
    contract.leaves_nothing_in_flight(|layer| {
        usize::try_from(layer.handle().snapshot().waiting_requests).expect("a small count")
    });
}

#[test]
fn a_layer_that_refuses_keeps_towers_laws() {
    keeps_towers_laws(layer);
}

#[test]
fn a_layer_that_waits_keeps_towers_laws() {
    keeps_towers_laws(|| layer().with_patience(Duration::from_secs(1)));
}
