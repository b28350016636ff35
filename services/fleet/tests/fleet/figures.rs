//! Every service's figures against what a client counted and what a collector received.

mod exported;
mod mix;

use std::{collections::BTreeMap, time::Duration};

use fastrand::Rng;
use futures_util::{StreamExt, stream};
use http::Method;
use serde_json::{Value, json};
use tokio::{
    task::JoinSet,
    time::{sleep, timeout},
};
use tooloo_testkit::{
    client::{Client, request},
    collector::Collector,
    fleet::FleetProcess,
};

use self::{exported::Exported, mix::Ask};
use crate::{
    PATIENCE, ROOMY, SERVICES, fleet, metrics,
    tally::{Counts, Key, Tally},
};

const REQUESTS: u64 = 2_000;
const ABANDONED: u64 = 6;
const AT_ONCE: usize = 16;
const LOOK_AGAIN: Duration = Duration::from_millis(50);

#[tokio::test]
async fn every_service_tells_what_the_client_counted() {
    let collector = Collector::start().await;
    // A fifth of the provider's answers fail, and its breaker stays closed: the mix is to reach it to the end.
    let settings = format!(
        "sampling_rate = 1.0\ndrain_grace = '0s'\n\
         [otlp]\nendpoint = '{}'\nprotocol = 'http/protobuf'\n\
         [simulator]\nlatency = '1ms'\njitter = '3ms'\nerror_rate = 0.2\n\
         [budget.circuit_breaker]\nfailure_rate = 'off'\n\
         {ROOMY}[web.peers]\nsegmentation = 'http://127.0.0.1:1'\n",
        collector.endpoint()
    );
    let fleet = fleet(&settings).start().await;
    let client = Client::new();
    let tally = Tally::default();

    let mut rng = Rng::with_seed(2);
    let asks: Vec<_> = (0..REQUESTS - ABANDONED)
        .map(|_| Ask::of_mix(&mut rng))
        .collect();
    let streams = asks.iter().filter(|ask| ask.is_stream()).count();
    stream::iter((0..).zip(asks))
        .for_each_concurrent(AT_ONCE, |(nth, ask)| ask.send(nth, &client, &fleet, &tally))
        .await;
    abandon(&client, &fleet, &tally).await;
    let counted = tally.counts();
    assert_eq!(counted.only(|key| key.service == "web").total(), REQUESTS);
    for status in [200, 201, 400, 404, 405, 422, 502, 503] {
        let seen = counted.only(|key| key.status == Some(status)).total();
        assert!(seen > 0, "the mix has no {status}: {counted:#?}");
    }
    assert!(streams > 20, "{streams}");

    let (told, spans) = settle(&client, &fleet, &collector).await;
    let from_web = spans.counts(|span| spans.caller(span) == Some("web"));
    for service in SERVICES {
        let told = &told[service];
        let figures = Counts::of_observability(service, told);
        let own = counted.only(|key| key.service == service);
        if service == "web" {
            // Nobody but the client calls web.
            figures.assert_same(&own, "web's figures and the client's");
        } else {
            let passed_on = from_web.only(|key| key.service == service);
            passed_on.assert_same(&own, "what web passed on and what the client counted");
        }
        let exported = spans.counts(|span| span.resource["service.name"] == service);
        figures.assert_same(&exported, "a service's figures and its spans");
        assert_totals(service, told, &figures);
        assert_metrics(service, &client, &fleet, &figures).await;
        spans.assert_quantiles(service, told);
    }
    let cancelled = |service: &str| {
        let routes = told[service]["tracer"]["routes"]
            .as_array()
            .expect("routes are listed")
            .iter();
        routes
            .filter_map(|route| route["cancelled"].as_u64())
            .sum::<u64>()
    };
    assert_eq!(cancelled("web"), streams as u64 + ABANDONED);
}

/// Sends requests whose answers are long in coming, and leaves while they are under way.
async fn abandon(client: &Client, fleet: &FleetProcess, tally: &Tally) {
    slow_down(client, fleet).await;
    let mut waiting = JoinSet::new();
    for nth in 0..ABANDONED {
        let (client, request) = (client.clone(), mix::ABANDONED.request(fleet, nth));
        waiting.spawn(async move { client.open(request).await });
        mix::ABANDONED.count(tally, None);
    }
    let under_way = async {
        for service in ["web", "budget"] {
            while observability(client, fleet, service).await["tracer"]["activeTraces"].as_u64()
                < Some(ABANDONED)
            {
                sleep(LOOK_AGAIN).await;
            }
        }
    };
    if timeout(PATIENCE, under_way).await.is_err() {
        let answered: Vec<_> = std::iter::from_fn(|| waiting.try_join_next()).collect();
        panic!("the requests do not get under way, but: {answered:?}");
    }
    waiting.shutdown().await;
}

/// Lets the simulated provider take longer than anyone waits.
async fn slow_down(client: &Client, fleet: &FleetProcess) {
    let url = fleet.url("simulator", "/simulator/settings");
    let change = json!({ "latency": 3_000, "errorRate": 0 });
    let reply = client.send(request(Method::PUT, url, Some(&change))).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
}

/// Waits until nothing is under way any more and every span has come; returns both sides.
///
/// The services also ask each other now and then: what was told must still hold when the spans are
/// read.
async fn settle(
    client: &Client,
    fleet: &FleetProcess,
    collector: &Collector,
) -> (BTreeMap<&'static str, Value>, Exported) {
    let settled = async {
        loop {
            let told = told(client, fleet).await;
            let spans = Exported::read(collector);
            let all = SERVICES.iter().all(|service| {
                let tracer = &told[service]["tracer"];
                tracer["activeTraces"] == 0 && tracer["totalTraces"] == spans.total(service)
            });
            if all
                && told
                    .iter()
                    .map(total)
                    .eq(self::told(client, fleet).await.iter().map(total))
            {
                return (told, spans);
            }
            sleep(LOOK_AGAIN).await;
        }
    };
    let settled = timeout(PATIENCE, settled).await;
    settled.unwrap_or_else(|_| panic!("traces stay active, or spans do not come"))
}

async fn told(client: &Client, fleet: &FleetProcess) -> BTreeMap<&'static str, Value> {
    let mut told = BTreeMap::new();
    for service in SERVICES {
        told.insert(service, observability(client, fleet, service).await);
    }
    told
}

fn total((_, told): (&&str, &Value)) -> Option<u64> {
    told["tracer"]["totalTraces"].as_u64()
}

async fn observability(client: &Client, fleet: &FleetProcess, service: &str) -> Value {
    client
        .get(fleet.url(service, "/api/v1/system/observability"))
        .await
        .json()
}

fn assert_totals(service: &str, told: &Value, figures: &Counts) {
    let tracer = &told["tracer"];
    assert_eq!(tracer["totalTraces"], figures.total(), "{service}");
    assert_eq!(tracer["sampledTraces"], figures.total(), "{service}");
    let errors: u64 = tracer["routes"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|route| route["errors"].as_u64())
        .sum();
    assert_eq!(errors, figures.errors(), "{service}");
    if figures.total() > 0 {
        #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
        let rate = figures.errors() as f64 / figures.total() as f64;
        let told = tracer["errorRate"].as_f64().expect("there were requests");
        assert!((told - rate).abs() < 1e-9, "{service}: {told} and {rate}");
    }
}

async fn assert_metrics(service: &str, client: &Client, fleet: &FleetProcess, figures: &Counts) {
    let page = client.get(fleet.url(service, "/metrics")).await;
    let mut scraped = Counts::default();
    for sample in metrics::parse(&page.text()) {
        if sample.name == "http_server_request_duration_seconds_count" {
            let status = sample.label("http_response_status_code").parse().ok();
            let key = Key::new(
                service,
                sample.label("http_request_method"),
                sample.label("http_route"),
                status,
            );
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "it is a count"
            )]
            scraped.add(key, sample.value as u64);
        }
    }
    let http = figures.only(|key| !key.method.is_empty());
    scraped.assert_same(&http, "a service's metrics and its figures");
}
