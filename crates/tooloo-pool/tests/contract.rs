//! Tower's laws.

mod fake;

use bytes::Bytes;
use fake::{Fake, Server, config, snapshot};
use http::{Request, Response};
use http_body_util::Full;
use tooloo_pool::{PoolLayer, RequestConnection};
use tooloo_testkit::Contract;

type Body = Full<Bytes>;

fn contract() -> Contract<PoolLayer<Fake>, Request<Body>, Response<Body>> {
    Contract::new(
        || PoolLayer::new(Server::new().pool(config(1))),
        || Request::new(Body::default()),
        || Response::new(Body::default()),
    )
}

#[test]
fn keeps_towers_laws() {
    let contract = contract();
    contract.polls_and_calls_one_instance();
    contract.clones_start_unready();
    contract.waits_while_the_inner_service_is_busy();
    contract.passes_errors();
    contract.passes_readiness_errors();
    contract
        .leaves_nothing_in_flight(|layer| tooloo_hub::Observe::snapshot(&layer.handle()).in_use);
}

#[tokio::test(start_paused = true)]
async fn readiness_holds_no_connection() {
    use tower::{Layer as _, Service as _, ServiceExt as _, service_fn};

    let pool = Server::new().pool(config(1));
    let layer = PoolLayer::new(pool.clone());
    let service = layer.layer(service_fn(async |request: Request<Body>| {
        let connection: &RequestConnection<Fake> = request.extensions().get().unwrap();
        connection
            .get()
            .await
            .map(|_| Response::new(Body::default()))
    }));
    // Two siblings that are ready, and a single connection.
    let (mut first, mut second) = (service.clone(), service);
    first.ready().await.unwrap();
    second.ready().await.unwrap();
    drop(second.call(Request::new(Body::default())).await.unwrap());
    drop(first.call(Request::new(Body::default())).await.unwrap());
    assert_eq!(snapshot(&pool).acquired, 2);
}
