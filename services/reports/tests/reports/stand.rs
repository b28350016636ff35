//! The reports, called in process, with sources under the test's control.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use axum::body::Body;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use reports::{ReportsConfig, SERVICE};
use serde_json::Value;
use tempfile::TempDir;
use tokio::{net::TcpSocket, time::timeout};
use tooloo_service::{App, Secret, Settings, directory};
use tooloo_testkit::{Answer, Upstream};
use tower::ServiceExt;

/// How long anything may take before a test fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) const REPORTS: [&str; 6] = [
    "comprehensive",
    "performance",
    "dashboard",
    "trends",
    "delta",
    "cost-efficiency",
];

pub(crate) struct Stand {
    pub(crate) app: App,
    peers: BTreeMap<&'static str, SocketAddr>,
    config: ReportsConfig,
    folder: TempDir,
}

impl Stand {
    /// Opens the reports on a new database; services without an address are down.
    pub(crate) async fn new(peers: &[(&'static str, SocketAddr)]) -> Self {
        Self::with(peers, |_| ()).await
    }

    pub(crate) async fn with(
        peers: &[(&'static str, SocketAddr)],
        set: impl FnOnce(&mut ReportsConfig),
    ) -> Self {
        let nowhere = nowhere();
        let mut all: BTreeMap<_, _> = directory::SERVICES
            .into_iter()
            .map(|entry| (entry.name, nowhere))
            .collect();
        all.extend(peers.iter().copied());
        let mut config = ReportsConfig::default();
        config.deadline = Duration::from_secs(5);
        config.share_for = Duration::ZERO;
        config.snapshot_spacing = Duration::ZERO;
        set(&mut config);
        let folder = tempfile::tempdir().unwrap();
        let app = open(&folder, &all, &config).await;
        Self {
            app,
            peers: all,
            config,
            folder,
        }
    }

    /// Ends the reports, and opens them once more on the same database.
    pub(crate) async fn restart(&mut self) {
        timeout(PATIENCE, self.app.shutdown())
            .await
            .expect("an end in time");
        self.app = open(&self.folder, &self.peers, &self.config).await;
    }

    pub(crate) async fn ask(&self, report: &str) -> (StatusCode, Value) {
        let path = format!("/api/v1/reports/{report}");
        let request = Request::get(path).body(Body::empty()).unwrap();
        let answered = timeout(PATIENCE, self.app.router().oneshot(request)).await;
        let response = answered.expect("an answer in time").unwrap();
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&body).unwrap())
    }

    /// Asks for a report, which is given in any case.
    pub(crate) async fn report(&self, report: &str) -> Value {
        let (status, answer) = self.ask(report).await;
        assert_eq!(status, StatusCode::OK, "{report}: {answer}");
        answer
    }
}

/// Returns an address at which nothing listens.
fn nowhere() -> SocketAddr {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let address = socket.local_addr().unwrap();
    // Bound as long as the process lives: no other test gets the port, and nobody listens there.
    std::mem::forget(socket);
    address
}

async fn open(
    folder: &TempDir,
    peers: &BTreeMap<&'static str, SocketAddr>,
    config: &ReportsConfig,
) -> App {
    let mut settings = Settings::for_tests(&SERVICE, folder.path());
    let database = database::testing::url(folder.path()).await;
    settings.kit.database_url = database.map(Secret::new);
    for (name, address) in peers {
        let base = format!("http://{address}").parse().unwrap();
        settings.kit.peers.insert((*name).to_owned(), base);
    }
    settings.domain = config.clone();
    reports::app(settings).await.unwrap()
}

/// An upstream that answers each path with its own body, and everything else with 404.
pub(crate) async fn source(answers: Vec<(&'static str, Value)>) -> Upstream {
    let upstream = Upstream::start().await;
    say(&upstream, answers);
    upstream
}

pub(crate) fn say(upstream: &Upstream, answers: Vec<(&'static str, Value)>) {
    upstream.answer_by(move |request| {
        let path = request.uri.path();
        match answers.iter().find(|(known, _)| *known == path) {
            Some((_, body)) => Answer::new(StatusCode::OK)
                .with_header("content-type", "application/json")
                .with_chunks([body.to_string()]),
            None => Answer::new(StatusCode::NOT_FOUND),
        }
    });
}
