//! Meta beside a real training service, or beside something else in its place.

use std::time::Duration;

use axum::{Router, body::Body};
use http::{Request, StatusCode, Uri, header};
use http_body_util::BodyExt;
use meta::MetaConfig;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tooloo_service::{App, Settings, Shutdown, Trigger};
use tower::ServiceExt;
use training::TrainingConfig;

/// Both services; training listens on a port of the system's choice.
pub(crate) struct Fleet {
    pub(crate) meta: Router,
    pub(crate) training: Router,
    _trigger: Trigger,
    _folder: TempDir,
}

/// Starts both.
pub(crate) async fn fleet() -> Fleet {
    let folder = TempDir::new().expect("a temporary folder");
    let settings = Settings::<TrainingConfig>::for_tests(&training::SERVICE, folder.path());
    let training = training::app(settings)
        .await
        .expect("an empty folder will do");
    let router = training.router();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let base = address(&listener);
    let (trigger, shutdown) = Shutdown::manual();
    tokio::spawn(async move { tooloo_service::serve(vec![(training, listener)], shutdown).await });
    let meta = meta_beside(base, &folder).await;
    Fleet {
        meta: meta.router(),
        training: router,
        _trigger: trigger,
        _folder: folder,
    }
}

/// Starts meta with training at `base`.
pub(crate) async fn meta_beside(base: Uri, folder: &TempDir) -> App {
    let mut settings = Settings::<MetaConfig>::for_tests(&meta::SERVICE, folder.path());
    settings.kit.peers.insert("training".to_owned(), base);
    settings.kit.peer_timeout = Duration::from_secs(5);
    meta::app(settings)
        .await
        .expect("meta needs nothing to start")
}

/// Returns where `listener` is reached.
pub(crate) fn address(listener: &TcpListener) -> Uri {
    let address = listener.local_addr().expect("a bound listener");
    format!("http://{address}")
        .parse()
        .expect("an address is an authority")
}

impl Fleet {
    /// Plays rounds of a topic, one letter each: `r` for right, `w` for wrong.
    pub(crate) async fn play(&self, topic: &str, answers: &str) {
        for answer in answers.chars() {
            let body = json!({"topic": topic, "correct": answer == 'r'}).to_string();
            let request = Request::post("/api/v1/training/round")
                .header(header::CONTENT_TYPE, "application/json")
                .body(Body::from(body))
                .expect("a valid request");
            let (status, played) = send(&self.training, request).await;
            assert!(status.is_success(), "{played}");
        }
    }

    /// Shows what training knows about its requests.
    pub(crate) async fn training_observability(&self) -> Value {
        let request = Request::get("/api/v1/system/observability")
            .body(Body::empty())
            .expect("a valid request");
        send(&self.training, request).await.1
    }

    /// Shows what meta knows about itself.
    pub(crate) async fn meta_observability(&self) -> Value {
        let request = Request::get("/api/v1/system/observability")
            .body(Body::empty())
            .expect("a valid request");
        send(&self.meta, request).await.1
    }

    /// Asks meta for `path` under its prefix.
    pub(crate) async fn ask(&self, path: &str) -> (StatusCode, Value) {
        ask(&self.meta, path).await
    }
}

/// Asks a meta service for `path` under its prefix.
pub(crate) async fn ask(meta: &Router, path: &str) -> (StatusCode, Value) {
    let path = format!("/api/v4/meta-learning/{path}");
    let request = Request::get(path)
        .body(Body::empty())
        .expect("a valid path");
    let answered = tokio::time::timeout(Duration::from_secs(30), send(meta, request));
    answered.await.expect("an answer within half a minute")
}

async fn send(router: &Router, request: Request<Body>) -> (StatusCode, Value) {
    let Ok(response) = router.clone().oneshot(request).await;
    let status = response.status();
    let body = response
        .into_body()
        .collect()
        .await
        .expect("a whole answer")
        .to_bytes();
    (status, serde_json::from_slice(&body).unwrap_or_default())
}
