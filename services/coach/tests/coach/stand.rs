//! A coach, called in process, with a real training or one under the test's control.

use std::{net::SocketAddr, path::Path, time::Duration};

use axum::body::Body;
use coach::{CoachConfig, SERVICE};
use http::{Method, Request, StatusCode, header};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    net::{TcpListener, TcpSocket},
    sync::mpsc,
    task::JoinHandle,
    time::timeout,
};
use tooloo_service::{App, Secret, Settings, Shutdown};
use tooloo_testkit::{Answer, Upstream};
use tower::ServiceExt;

/// How long anything may take before a test fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// How long a drain may take.
pub(crate) const DRAIN: Duration = Duration::from_secs(1);

pub(crate) struct Coach {
    pub(crate) app: App,
    folder: TempDir,
    peers: [(&'static str, SocketAddr); 2],
}

impl Coach {
    /// Opens a coach with a new database.
    pub(crate) async fn new(training: SocketAddr, budget: SocketAddr) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let peers = [("training", training), ("budget", budget)];
        let app = open(folder.path(), peers).await;
        Self { app, folder, peers }
    }

    /// Ends the coach, and opens it once more on the same database.
    pub(crate) async fn restart(&mut self) {
        let ended = timeout(PATIENCE, self.app.shutdown()).await;
        ended.expect("an end in time");
        self.app = open(self.folder.path(), self.peers).await;
    }

    pub(crate) async fn get(&self, path: &str) -> (StatusCode, Value) {
        self.send(Method::GET, &whole(path), None).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        let body = Some(body.to_string());
        self.send(Method::POST, &whole(path), body).await
    }

    /// Posts nothing at all.
    pub(crate) async fn tell(&self, path: &str) -> Value {
        let (status, answer) = self.send(Method::POST, &whole(path), None).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        answer
    }

    pub(crate) async fn status(&self) -> Value {
        self.get("status").await.1
    }

    /// Waits until the status is as it should be.
    pub(crate) async fn status_with(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        let looking = async {
            loop {
                let status = self.status().await;
                if wanted(&status) {
                    return status;
                }
            }
        };
        timeout(PATIENCE, looking)
            .await
            .expect("the wanted status in time")
    }

    /// Returns everything that the service shows of itself.
    pub(crate) async fn observed(&self) -> Value {
        let path = "/api/v1/system/observability";
        let (status, observed) = self.send(Method::GET, path, None).await;
        assert_eq!(status, StatusCode::OK, "{observed}");
        observed
    }

    async fn send(&self, method: Method, path: &str, body: Option<String>) -> (StatusCode, Value) {
        let mut request = Request::builder().method(method).uri(path);
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let request = request
            .body(body.map_or_else(Body::empty, Body::from))
            .unwrap();
        let answered = timeout(PATIENCE, self.app.router().oneshot(request)).await;
        let response = answered.expect("an answer in time").unwrap();
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&body).unwrap())
    }
}

fn whole(path: &str) -> String {
    format!("/api/v1/auto-coach/{path}")
}

async fn open(folder: &Path, peers: [(&str, SocketAddr); 2]) -> App {
    let mut settings = Settings::for_tests(&SERVICE, folder);
    settings.kit.database_url = database::testing::url(folder).await.map(Secret::new);
    for (name, address) in peers {
        let base = format!("http://{address}").parse().unwrap();
        settings.kit.peers.insert(name.to_owned(), base);
    }
    settings.kit.drain_deadline = DRAIN;
    let mut config = CoachConfig::default();
    config.settle = Duration::ZERO;
    config.hint_timeout = Duration::from_millis(50);
    config.longest_backoff = Duration::from_millis(5);
    settings.domain = config;
    coach::app(settings).await.unwrap()
}

/// Returns an address at which nothing listens.
pub(crate) fn nowhere() -> SocketAddr {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let address = socket.local_addr().unwrap();
    // Bound as long as the process lives: no other test gets the port, and nobody listens there.
    std::mem::forget(socket);
    address
}

/// The real training, on a socket.
pub(crate) struct Training {
    pub(crate) address: SocketAddr,
    serving: JoinHandle<()>,
    _folder: TempDir,
}

impl Training {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = Settings::for_tests(&training::SERVICE, folder.path());
        let database = database::testing::url(folder.path()).await;
        settings.kit.database_url = database.map(Secret::new);
        let app = training::app(settings).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = tokio::spawn(async move {
            let (_never, shutdown) = Shutdown::manual();
            tooloo_service::serve(vec![(app, listener)], shutdown)
                .await
                .unwrap();
        });
        Self {
            address,
            serving,
            _folder: folder,
        }
    }

    pub(crate) async fn overview(&self) -> Value {
        let url = format!("http://{}/api/v1/training/overview", self.address);
        tooloo_testkit::Client::new().get(url).await.json()
    }
}

impl Drop for Training {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// A training of one topic, which says what it is asked, and answers rounds with `round`.
pub(crate) async fn scripted(round: Answer) -> (Upstream, mpsc::UnboundedReceiver<String>) {
    let upstream = Upstream::start().await;
    let (asked, questions) = mpsc::unbounded_channel();
    upstream.answer_by(move |request| {
        let path = request.uri.path().to_owned();
        let answer = if path.ends_with("/overview") {
            json(&json!({"topics": [{"id": "only", "name": "Only", "mastery": 0.5}]}))
        } else if path.contains("/deep-dive/") {
            json(&json!({"predictedCorrect": 1.0}))
        } else {
            round.clone()
        };
        let _ = asked.send(path);
        answer
    });
    (upstream, questions)
}

/// A round as training answers it.
pub(crate) fn played() -> Answer {
    json(&json!({"round": {"masteryBefore": 0.5, "mastery": 0.75}, "predictedCorrect": 1.0}))
}

pub(crate) fn json(body: &Value) -> Answer {
    let answer = Answer::new(StatusCode::OK).with_header("content-type", "application/json");
    answer.with_chunks([body.to_string()])
}

/// Waits until training is asked for `end` of a path.
pub(crate) async fn asked_for(questions: &mut mpsc::UnboundedReceiver<String>, end: &str) {
    let asking = async {
        while !questions
            .recv()
            .await
            .expect("training goes on")
            .ends_with(end)
        {}
    };
    timeout(PATIENCE, asking)
        .await
        .expect("the question in time");
}
