//! A service in this process, on a data folder of its own.

use std::{path::Path, time::Duration};

use axum::body::Body;
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::BodyExt;
use segmentation::{SERVICE, SegmentationConfig};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::timeout;
use tooloo_service::{App, Secret, Settings};
use tower::ServiceExt;

const SOON: Duration = Duration::from_secs(60);

/// The service under test, and its data folder.
pub(crate) struct Service {
    pub(crate) app: App,
    folder: TempDir,
}

/// What the service answered.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Service {
    pub(crate) async fn start() -> Self {
        Self::start_with(json!({})).await
    }

    /// Starts the service with some settings of its own.
    pub(crate) async fn start_with(domain: Value) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let app = app(folder.path(), domain).await;
        Self { app, folder }
    }

    /// Stops the service and starts it again on the same folder.
    pub(crate) async fn restart(self) -> Self {
        self.app.shutdown().await;
        drop(self.app);
        let app = app(self.folder.path(), json!({})).await;
        Self {
            app,
            folder: self.folder,
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answered {
        self.send(Method::GET, path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answered {
        self.send(Method::POST, path, Some(body.to_string())).await
    }

    /// Returns everything that the service shows of itself.
    pub(crate) async fn observed(&self) -> Value {
        let path = "/api/v1/system/observability".to_owned();
        self.ask(Method::GET, path, None).await.ok()
    }

    pub(crate) async fn send(&self, method: Method, path: &str, body: Option<String>) -> Answered {
        let path = format!("/api/v1/segmentation{path}");
        self.ask(method, path, body).await
    }

    async fn ask(&self, method: Method, path: String, body: Option<String>) -> Answered {
        let mut request = Request::builder().method(method).uri(path);
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let request = request
            .body(Body::from(body.unwrap_or_default()))
            .expect("a valid request");
        let answered = async {
            let response = self
                .app
                .router()
                .oneshot(request)
                .await
                .expect("routers do not fail");
            let (parts, body) = response.into_parts();
            (
                parts,
                body.collect().await.expect("a whole body").to_bytes(),
            )
        };
        let (parts, bytes) = timeout(SOON, answered).await.expect("an answer in time");
        Answered {
            status: parts.status,
            headers: parts.headers,
            body: serde_json::from_slice(&bytes).unwrap_or(Value::Null),
        }
    }
}

impl Answered {
    /// Returns the body of a success.
    #[track_caller]
    pub(crate) fn ok(self) -> Value {
        assert!(self.status.is_success(), "{self:?}");
        self.body
    }

    /// Checks that this is a problem with `status` whose detail names `field`.
    #[track_caller]
    pub(crate) fn refused(&self, status: StatusCode, field: &str) {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(
            self.headers[header::CONTENT_TYPE],
            "application/problem+json"
        );
        let detail = self.body["detail"].as_str().unwrap_or_default();
        assert!(detail.contains(field), "{field} is not in {detail:?}");
    }
}

async fn app(folder: &Path, domain: Value) -> App {
    let mut settings: Settings<SegmentationConfig> = Settings::for_tests(&SERVICE, folder);
    settings.kit.database_url = database::testing::url(folder).await.map(Secret::new);
    settings.domain = serde_json::from_value(domain).expect("valid settings");
    segmentation::app(settings)
        .await
        .expect("a service that starts")
}
