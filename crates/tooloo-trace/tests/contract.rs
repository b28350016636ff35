//! Tower's laws, for the server's and the client's layer.

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use tooloo_testkit::Contract;
use tooloo_trace::{ClientTraceLayer, TraceConfig, TraceLayer, Tracer};

fn tracer() -> Tracer {
    Tracer::new(TraceConfig::new("test"))
}

fn answer() -> Response<Full<Bytes>> {
    Response::new(Full::from("hello"))
}

#[test]
fn the_server_layer_keeps_towers_laws() {
    let layer = || TraceLayer::new(tracer());
    let contract = Contract::new(layer, || Request::new(()), answer);
    contract.polls_and_calls_one_instance();
    contract.clones_start_unready();
    contract.waits_while_the_inner_service_is_busy();
    contract.passes_errors();
    contract.passes_readiness_errors();
    contract.leaves_nothing_in_flight(|layer| active(&layer.handle()));
}

#[test]
fn the_client_layer_keeps_towers_laws() {
    let layer = || ClientTraceLayer::new(tracer());
    let contract = Contract::new(layer, || Request::new(()), answer);
    contract.polls_and_calls_one_instance();
    contract.clones_start_unready();
    contract.waits_while_the_inner_service_is_busy();
    contract.passes_errors();
    contract.passes_readiness_errors();
    contract.leaves_nothing_in_flight(|layer| active(&layer.handle()));
}

fn active(handle: &tooloo_trace::TraceHandle) -> usize {
    usize::try_from(handle.figures().active_traces).expect("a small count")
}
