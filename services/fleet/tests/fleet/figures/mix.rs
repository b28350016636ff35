//! The requests of the figures test, and where each should be counted.

use fastrand::Rng;
use futures_util::StreamExt;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use http_body_util::BodyExt;
use tokio::time::timeout;
use tooloo_testkit::{
    client::{Client, request},
    fleet::FleetProcess,
};

use crate::{
    PATIENCE,
    tally::{Key, Tally},
};

/// A kind of request through web, and where it should be counted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ask {
    method: &'static str,
    path: &'static str,
    body: Option<&'static str>,
    web_route: &'static str,
    /// The service behind web, and the route there.
    behind: Option<(&'static str, &'static str)>,
}

const TRAINING: &str = "/api/v1/training/{*path}";
const PROVIDERS: &str = "/api/v1/providers/{*path}";
const BURST: &str = "/api/v1/providers/burst";
const REALTIME: &str = "/api/v1/providers/realtime";

/// How often each kind comes: most are fine, some are refused, some fail, some are streams.
const MIX: [(u8, Ask); 18] = [
    (8, get("/api/v1/training/overview", TRAINING, "training")),
    (
        4,
        get(
            "/api/v1/training/deep-dive/algorithms",
            TRAINING,
            "training",
        )
        .at("/api/v1/training/deep-dive/{topic}"),
    ),
    (
        2,
        get("/api/v1/training/deep-dive/alchemy", TRAINING, "training")
            .at("/api/v1/training/deep-dive/{topic}"),
    ),
    (
        2,
        get("/api/v1/training/nowhere", TRAINING, "training").at("_UNMATCHED"),
    ),
    (
        1,
        get("/api/v1/training/overview", TRAINING, "training").by("DELETE"),
    ),
    (
        8,
        get("/api/v1/training/round", TRAINING, "training").with(r#"{"correct":true}"#),
    ),
    (
        1,
        get("/api/v1/training/round", TRAINING, "training").with(r#"{"correct":"yes"}"#),
    ),
    (
        1,
        get("/api/v1/training/round", TRAINING, "training").with(r#"{"correct":"#),
    ),
    (
        4,
        get(
            "/api/v4/meta-learning/insights",
            "/api/v4/meta-learning/{*path}",
            "meta",
        ),
    ),
    (
        4,
        get(
            "/api/v1/auto-coach/status",
            "/api/v1/auto-coach/{*path}",
            "coach",
        ),
    ),
    (4, get("/api/v1/budget", "/api/v1/budget", "budget")),
    (
        4,
        get(
            "/api/v1/budget/record-workflow",
            "/api/v1/budget/{*path}",
            "budget",
        )
        .with(r#"{"cohort":"all","cost":0.001}"#),
    ),
    // Without a prompt, and with one of its own each time.
    (2, get(BURST, PROVIDERS, "budget")),
    (
        6,
        get("/api/v1/providers/burst?prompt=", PROVIDERS, "budget").at(BURST),
    ),
    (
        2,
        get(
            "/api/v1/reports/performance",
            "/api/v1/reports/{*path}",
            "reports",
        ),
    ),
    (
        2,
        get(
            "/api/v1/capabilities/status",
            "/api/v1/capabilities/{*path}",
            "capabilities",
        ),
    ),
    // Nobody is behind web for these: a dead peer, and an unknown route.
    (
        4,
        get(
            "/api/v1/segmentation/status",
            "/api/v1/segmentation/{*path}",
            "",
        )
        .at(""),
    ),
    (3, get("/api/v1/nowhere", "_UNMATCHED", "").at("")),
];

/// Left in the middle, every one of them.
const STREAM: (u8, Ask) = (2, get(REALTIME, PROVIDERS, "budget"));

/// Waited for in vain.
pub(super) const ABANDONED: Ask =
    get("/api/v1/providers/burst?prompt=slow", PROVIDERS, "budget").at(BURST);

const fn get(path: &'static str, web_route: &'static str, service: &'static str) -> Ask {
    Ask {
        method: "GET",
        path,
        body: None,
        web_route,
        behind: Some((service, path)),
    }
}

impl Ask {
    /// Sets the route behind web; without one nobody is there.
    const fn at(mut self, route: &'static str) -> Self {
        self.behind = match self.behind {
            Some((service, _)) if !route.is_empty() => Some((service, route)),
            _ => None,
        };
        self
    }

    const fn by(mut self, method: &'static str) -> Self {
        self.method = method;
        self
    }

    const fn with(mut self, body: &'static str) -> Self {
        self.body = Some(body);
        self.by("POST")
    }

    /// Draws one of the mix.
    pub(super) fn of_mix(rng: &mut Rng) -> Self {
        let kinds = || MIX.into_iter().chain([STREAM]);
        let mut drawn = rng.u8(..kinds().map(|(weight, _)| weight).sum::<u8>());
        for (weight, ask) in kinds() {
            match drawn.checked_sub(weight) {
                Some(rest) => drawn = rest,
                None => return ask,
            }
        }
        unreachable!("less than the sum of the weights is drawn")
    }

    pub(super) fn is_stream(&self) -> bool {
        self.path == REALTIME
    }

    /// Makes its request; `unique` tells it from others where it must not be answered from theirs.
    pub(super) fn request(
        &self,
        fleet: &FleetProcess,
        unique: u64,
    ) -> http::Request<http_body_util::Full<bytes::Bytes>> {
        let mut path = self.path.to_owned();
        if path.contains('=') {
            path += &unique.to_string();
        }
        let method = Method::from_bytes(self.method.as_bytes()).expect("it is a token");
        let mut request = request(method, fleet.url("web", &path), None);
        if let Some(body) = self.body {
            *request.body_mut() = body.into();
            let json = HeaderValue::from_static("application/json");
            request.headers_mut().insert(header::CONTENT_TYPE, json);
        }
        request
    }

    /// Sends it, reads the answer, and counts what came of it.
    pub(super) async fn send(
        self,
        unique: u64,
        client: &Client,
        fleet: &FleetProcess,
        tally: &Tally,
    ) {
        let response = timeout(PATIENCE, client.open(self.request(fleet, unique))).await;
        let response = response.expect("web answers in time").expect("web answers");
        let status = response.status();
        let behind = behind(response.headers(), status);
        let body = response.into_body();
        if self.is_stream() && status == StatusCode::OK {
            // The first event came, and no end is near.
            let event = timeout(PATIENCE, body.into_data_stream().next()).await;
            event
                .expect("an event comes")
                .expect("the stream goes on")
                .expect("it is sound");
        } else {
            body.collect()
                .await
                .unwrap_or_else(|error| panic!("{} broke off: {error}", self.path));
        }
        tally.add(Key::new(
            "web",
            self.method,
            self.web_route,
            Some(status.as_u16()),
        ));
        if let (Some(status), Some((service, route))) = (behind, self.behind) {
            tally.add(Key::new(service, self.method, route, Some(status)));
        }
    }

    /// Counts it as passed on.
    pub(super) fn count(&self, tally: &Tally, status: Option<u16>) {
        tally.add(Key::new("web", self.method, self.web_route, status));
        if let Some((service, route)) = self.behind {
            tally.add(Key::new(service, self.method, route, status));
        }
    }
}

/// Tells which status the service behind web gave, by what web's cache says of its part (RFC 9211); none where
/// the answer was kept, or another request's.
fn behind(headers: &HeaderMap, status: StatusCode) -> Option<u16> {
    let Some(told) = headers.get("cache-status") else {
        return Some(status.as_u16());
    };
    let told = told.to_str().expect("it is text");
    let mut parts = told.split("; ").skip(1);
    if parts
        .clone()
        .any(|part| part == "hit" || part == "collapsed")
    {
        return None;
    }
    let own = parts.find_map(|part| part.strip_prefix("fwd-status="));
    Some(own.map_or(status.as_u16(), |own| own.parse().expect("a status")))
}
