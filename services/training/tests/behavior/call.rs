//! A training service in this process, and calls to it.

use std::path::Path;

use axum::{Router, body::Body};
use http::{Request, StatusCode, header};
use http_body_util::BodyExt;
use serde_json::Value;
use tooloo_service::{App, Secret, Settings};
use tower::ServiceExt;
use training::TrainingConfig;

/// Builds the service on a data folder.
pub(crate) async fn training(folder: &Path) -> App {
    training_with(folder, TrainingConfig::default()).await
}

/// Builds the service with settings of its own.
pub(crate) async fn training_with(folder: &Path, config: TrainingConfig) -> App {
    let mut settings = Settings::for_tests(&training::SERVICE, folder);
    let database = database::testing::url(folder).await;
    settings.kit.database_url = database.map(Secret::new);
    settings.domain = config;
    training::app(settings)
        .await
        .expect("an empty folder will do")
}

/// Asks for `path`.
pub(crate) async fn get(router: &Router, path: &str) -> (StatusCode, Value) {
    let request = Request::get(path)
        .body(Body::empty())
        .expect("a valid path");
    send(router, request).await
}

/// Posts JSON to `path`.
pub(crate) async fn post(router: &Router, path: &str, body: &Value) -> (StatusCode, Value) {
    let request = Request::post(path)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(body.to_string()))
        .expect("a valid path");
    send(router, request).await
}

/// Sends any request and reads the JSON answer; an answer that is none is `null`.
pub(crate) async fn send(router: &Router, request: Request<Body>) -> (StatusCode, Value) {
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
