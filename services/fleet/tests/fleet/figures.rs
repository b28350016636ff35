//! Every service's figures against what a client counted and what a collector received.

use std::{collections::BTreeMap, time::Duration};

use fastrand::Rng;
use futures_util::{StreamExt, stream};
use http::{Method, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::{
    task::JoinSet,
    time::{sleep, timeout},
};
use tooloo_testkit::{
    client::{Client, request},
    collector::{Collector, ReceivedSpan},
    fleet::FleetProcess,
};

use crate::{
    SERVICES, fleet, metrics,
    tally::{Counts, Key, Tally},
};

const REQUESTS: u64 = 2_000;
const ABANDONED: u64 = 6;
const AT_ONCE: usize = 16;
const PATIENCE: Duration = Duration::from_secs(15);
const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// Routes that show figures and are no part of them.
const UNCOUNTED: [&str; 7] = [
    "/api/v1/system/observability",
    "/api/v1/system/traces/{traceId}",
    "/health",
    "/livez",
    "/metrics",
    "/openapi.json",
    "/readyz",
];

/// A request through web, and where it should be counted.
struct Ask {
    method: Method,
    path: String,
    body: Option<&'static str>,
    web_route: &'static str,
    /// The service behind web, and the route there.
    behind: Option<(&'static str, &'static str)>,
    stream: bool,
}

impl Ask {
    fn get(
        path: impl Into<String>,
        web_route: &'static str,
        behind: Option<(&'static str, &'static str)>,
    ) -> Self {
        Self {
            method: Method::GET,
            path: path.into(),
            body: None,
            web_route,
            behind,
            stream: false,
        }
    }

    fn post(
        path: &str,
        body: &'static str,
        web_route: &'static str,
        behind: Option<(&'static str, &'static str)>,
    ) -> Self {
        Self {
            method: Method::POST,
            body: Some(body),
            ..Self::get(path, web_route, behind)
        }
    }

    /// Makes one of the mix: most of them fine, some refused, some failing, some streams.
    fn of_mix(rng: &mut Rng) -> Self {
        const TRAINING: &str = "/api/v1/training/{*path}";
        const PROVIDERS: &str = "/api/v1/providers/{*path}";
        const BURST: &str = "/api/v1/providers/burst";
        match rng.u8(..64) {
            0..8 => Self::get(
                "/api/v1/training/overview",
                TRAINING,
                Some(("training", "/api/v1/training/overview")),
            ),
            8..12 => Self::get(
                "/api/v1/training/deep-dive/algorithms",
                TRAINING,
                Some(("training", "/api/v1/training/deep-dive/{topic}")),
            ),
            12..14 => Self::get(
                "/api/v1/training/deep-dive/alchemy",
                TRAINING,
                Some(("training", "/api/v1/training/deep-dive/{topic}")),
            ),
            14..22 => Self::post(
                "/api/v1/training/round",
                r#"{"correct":true}"#,
                TRAINING,
                Some(("training", "/api/v1/training/round")),
            ),
            22 => Self::post(
                "/api/v1/training/round",
                r#"{"correct":"yes"}"#,
                TRAINING,
                Some(("training", "/api/v1/training/round")),
            ),
            23 => Self::post(
                "/api/v1/training/round",
                r#"{"correct":"#,
                TRAINING,
                Some(("training", "/api/v1/training/round")),
            ),
            24..28 => Self::get(
                "/api/v4/meta-learning/insights",
                "/api/v4/meta-learning/{*path}",
                Some(("meta", "/api/v4/meta-learning/insights")),
            ),
            28..32 => Self::get(
                "/api/v1/auto-coach/status",
                "/api/v1/auto-coach/{*path}",
                Some(("coach", "/api/v1/auto-coach/status")),
            ),
            32..36 => Self::get(
                "/api/v1/budget",
                "/api/v1/budget",
                Some(("budget", "/api/v1/budget")),
            ),
            36..40 => Self::post(
                "/api/v1/budget/record-workflow",
                r#"{"cohort":"all","cost":0.001}"#,
                "/api/v1/budget/{*path}",
                Some(("budget", "/api/v1/budget/record-workflow")),
            ),
            40..46 => Self::get(
                format!("{BURST}?prompt=q{}", rng.u32(..)),
                PROVIDERS,
                Some(("budget", BURST)),
            ),
            46..48 => Self::get(BURST, PROVIDERS, Some(("budget", BURST))),
            48..50 => Self::get(
                "/api/v1/reports/performance",
                "/api/v1/reports/{*path}",
                Some(("reports", "/api/v1/reports/performance")),
            ),
            50..52 => Self::get(
                "/api/v1/capabilities/status",
                "/api/v1/capabilities/{*path}",
                Some(("capabilities", "/api/v1/capabilities/status")),
            ),
            // The peer is dead: web answers for it.
            52..56 => Self::get(
                "/api/v1/segmentation/status",
                "/api/v1/segmentation/{*path}",
                None,
            ),
            56..59 => Self::get("/api/v1/nowhere", "_UNMATCHED", None),
            59..61 => Self::get(
                "/api/v1/training/nowhere",
                TRAINING,
                Some(("training", "_UNMATCHED")),
            ),
            61 => Self {
                method: Method::DELETE,
                ..Self::get(
                    "/api/v1/training/overview",
                    TRAINING,
                    Some(("training", "/api/v1/training/overview")),
                )
            },
            _ => Self {
                stream: true,
                ..Self::get(
                    "/api/v1/providers/realtime",
                    PROVIDERS,
                    Some(("budget", "/api/v1/providers/realtime")),
                )
            },
        }
    }

    /// Sends it, and counts what came of it.
    async fn send(self, client: &Client, fleet: &FleetProcess, tally: &Tally) {
        let mut asked = request(self.method.clone(), fleet.url("web", &self.path), None);
        if let Some(body) = self.body {
            *asked.body_mut() = body.into();
            asked.headers_mut().insert(
                http::header::CONTENT_TYPE,
                http::HeaderValue::from_static("application/json"),
            );
        }
        let response = timeout(PATIENCE, client.open(asked))
            .await
            .expect("web answers")
            .expect("web answers");
        let status = response.status();
        let mut body = response.into_body();
        if self.stream && status == StatusCode::OK {
            // Left in the middle: the first event came, and no end is near.
            timeout(PATIENCE, body.frame())
                .await
                .expect("an event comes")
                .expect("the stream goes on")
                .expect("it is sound");
        } else {
            body.collect()
                .await
                .unwrap_or_else(|error| panic!("{} broke off: {error}", self.path));
        }
        self.count(tally, Some(status.as_u16()));
    }

    fn count(&self, tally: &Tally, status: Option<u16>) {
        tally.add(Key::new(
            "web",
            self.method.as_str(),
            self.web_route,
            status,
        ));
        if let Some((service, route)) = self.behind {
            tally.add(Key::new(service, self.method.as_str(), route, status));
        }
    }
}

#[tokio::test]
async fn every_service_tells_what_the_client_counted() {
    let collector = Collector::start().await;
    let settings = format!(
        "sampling_rate = 1.0\ndrain_grace = '0s'\n\
         [otlp]\nendpoint = '{}'\nprotocol = 'http/protobuf'\n\
         [web.peers]\nsegmentation = 'http://127.0.0.1:1'\n\
",
        collector.endpoint()
    );
    let fleet = fleet(&settings).start().await;
    let client = Client::new();
    let tally = Tally::default();
    simulate(&client, &fleet, 1, 0.2).await;

    let mut rng = Rng::with_seed(2);
    let asks: Vec<_> = (0..REQUESTS - ABANDONED)
        .map(|_| Ask::of_mix(&mut rng))
        .collect();
    let streams = asks.iter().filter(|ask| ask.stream).count();
    stream::iter(asks)
        .for_each_concurrent(AT_ONCE, |ask| ask.send(&client, &fleet, &tally))
        .await;
    abandon(&client, &fleet, &tally).await;
    let counted = tally.counts();
    assert_eq!(counted.only(|key| key.service == "web").total(), REQUESTS);
    for status in [200, 201, 400, 404, 405, 422, 502, 503] {
        let seen = counted.only(|key| key.status == Some(status)).total();
        assert!(seen > 0, "the mix has no {status}: {counted:#?}");
    }
    assert!(streams > 20, "{streams}");

    let told = settle(&client, &fleet).await;
    let spans = exported(&collector, &told).await;
    let from_web = counts(&spans, |span| caller(&spans, span) == Some("web"));
    for service in SERVICES {
        let told = &told[service];
        let figures = Counts::of_observability(service, told);
        let own = |key: &Key| key.service == service;
        if service == "web" {
            // Nobody but the client calls web.
            figures.assert_same(&counted.only(own), "web's figures and the client's");
        } else {
            from_web.only(own).assert_same(
                &counted.only(own),
                "what web passed on and what the client counted",
            );
        }
        let exported = counts(&spans, |span| span.resource["service.name"] == service);
        figures.assert_same(&exported, "a service's figures and its spans");
        assert_totals(service, told, &figures);
        assert_metrics(service, &client, &fleet, &figures).await;
        assert_quantiles(service, told, &spans);
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
    simulate(client, fleet, 3_000, 0.0).await;
    let mut waiting = JoinSet::new();
    for nth in 0..ABANDONED {
        let (client, url) = (
            client.clone(),
            fleet.url("web", &format!("/api/v1/providers/burst?prompt=slow{nth}")),
        );
        waiting.spawn(async move { client.open(request(Method::GET, url, None)).await });
        Ask::get(
            "",
            "/api/v1/providers/{*path}",
            Some(("budget", "/api/v1/providers/burst")),
        )
        .count(tally, None);
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
    timeout(PATIENCE, under_way)
        .await
        .expect("the requests get under way");
    waiting.shutdown().await;
}

/// Sets how long the simulated provider takes, in milliseconds, and how often it fails.
async fn simulate(client: &Client, fleet: &FleetProcess, latency: u32, error_rate: f64) {
    let change = json!({ "latency": latency, "jitter": 3, "errorRate": error_rate });
    let reply = client
        .send(request(
            Method::PUT,
            fleet.url("simulator", "/simulator/settings"),
            Some(&change),
        ))
        .await;
    assert_eq!(reply.status, 200, "{}", reply.text());
}

/// Waits until nothing is under way any more, and returns what each service tells then.
async fn settle(client: &Client, fleet: &FleetProcess) -> BTreeMap<&'static str, Value> {
    let mut told = BTreeMap::new();
    for service in SERVICES {
        let still = async {
            loop {
                let answer = observability(client, fleet, service).await;
                if answer["tracer"]["activeTraces"] == 0 {
                    return answer;
                }
                sleep(LOOK_AGAIN).await;
            }
        };
        let answer = timeout(PATIENCE, still).await;
        told.insert(
            service,
            answer.unwrap_or_else(|_| panic!("{service} keeps active traces")),
        );
    }
    told
}

async fn observability(client: &Client, fleet: &FleetProcess, service: &str) -> Value {
    client
        .get(fleet.url(service, "/api/v1/system/observability"))
        .await
        .json()
}

/// Waits until the collector has a span for each request that the services tell of.
async fn exported(collector: &Collector, told: &BTreeMap<&str, Value>) -> Vec<ReceivedSpan> {
    let total: u64 = told
        .values()
        .filter_map(|told| told["tracer"]["totalTraces"].as_u64())
        .sum();
    let all = async {
        loop {
            let spans = collector.spans();
            let counted = spans.iter().filter(|span| {
                is_counted(span) && SERVICES.contains(&span.resource["service.name"].as_str())
            });
            if counted.count() as u64 >= total {
                return spans;
            }
            sleep(LOOK_AGAIN).await;
        }
    };
    timeout(PATIENCE, all).await.unwrap_or_else(|_| {
        panic!(
            "{} spans came, for {total} requests",
            collector.spans().len()
        )
    })
}

/// Whether a span is one of those that figures are kept of.
fn is_counted(span: &ReceivedSpan) -> bool {
    let route = span.attributes.get("http.route").map_or("", String::as_str);
    match span.kind {
        "SPAN_KIND_SERVER" => !UNCOUNTED.contains(&route),
        "SPAN_KIND_INTERNAL" => span.parent_span_id.is_none(),
        _ => false,
    }
}

fn counts(spans: &[ReceivedSpan], wanted: impl Fn(&ReceivedSpan) -> bool) -> Counts {
    let mut counts = Counts::default();
    for span in spans.iter().filter(|span| is_counted(span) && wanted(span)) {
        let attribute = |name: &str| span.attributes.get(name).map_or("", String::as_str);
        let route = match attribute("http.route") {
            "" if span.kind == "SPAN_KIND_SERVER" => "_UNMATCHED",
            "" => &span.name,
            route => route,
        };
        let status = attribute("http.response.status_code").parse().ok();
        let key = Key::new(
            &span.resource["service.name"],
            attribute("http.request.method"),
            route,
            status,
        );
        counts.add(key, 1);
    }
    counts
}

/// Returns the service that called, by the span that a server's span is under.
fn caller<'a>(spans: &'a [ReceivedSpan], span: &ReceivedSpan) -> Option<&'a str> {
    let parent = span.parent_span_id.as_deref()?;
    let parent = spans
        .iter()
        .find(|other| other.span_id == parent && other.trace_id == span.trace_id)?;
    Some(&parent.resource["service.name"])
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

/// Compares what a service tells with the exact quantiles of the durations that it exported.
fn assert_quantiles(service: &str, told: &Value, spans: &[ReceivedSpan]) {
    let durations = |wanted: &dyn Fn(&ReceivedSpan) -> bool| {
        let own = spans.iter().filter(|span| {
            span.resource["service.name"] == service && is_counted(span) && wanted(span)
        });
        let mut durations: Vec<_> = own.map(|span| span.duration).collect();
        durations.sort_unstable();
        durations
    };
    assert_near(service, &told["tracer"], &durations(&|_| true));
    for route in told["tracer"]["routes"].as_array().into_iter().flatten() {
        let of_route = |span: &ReceivedSpan| {
            let found = span
                .attributes
                .get("http.route")
                .map_or("_UNMATCHED", String::as_str);
            let method = span.attributes.get("http.request.method");
            route["route"] == found && route["method"].as_str() == method.map(String::as_str)
        };
        assert_near(
            &format!("{service} {} {}", route["method"], route["route"]),
            route,
            &durations(&of_route),
        );
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "ranks among thousands, and durations of seconds"
)]
fn assert_near(what: &str, told: &Value, durations: &[u64]) {
    for (name, quantile) in [("p50Latency", 0.5), ("p99Latency", 0.99)] {
        let Some(told) = told[name].as_f64() else {
            assert!(durations.is_empty(), "{what} has no {name}");
            continue;
        };
        let rank = (durations.len() as f64 * quantile).ceil() as usize;
        let exact = durations[rank.max(1) - 1] as f64 / 1e6;
        assert!(
            (told - exact).abs() <= exact * 0.01,
            "{what}: {name} is {told}, exactly {exact}"
        );
    }
}
