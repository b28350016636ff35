//! What caches are told: when to ask, what is the same, and what was made old.

use axum::{Router, body::Body};
use http::{HeaderMap, Request, Response, StatusCode, header};
use serde_json::json;
use tempfile::TempDir;
use tower::ServiceExt;

use crate::call::{post, training};

const NAMED: [&str; 3] = [
    "/api/v1/training/overview",
    "/api/v1/training/deep-dive/algorithms",
    "/api/v1/training/history",
];
const OTHERS: [&str; 3] = [
    "/api/v1/training/progress",
    "/api/v1/training/active",
    "/api/v1/next-domain",
];

async fn ask(router: &Router, path: &str, etag: Option<&header::HeaderValue>) -> Response<Body> {
    let mut request = Request::get(path).body(Body::empty()).expect("a request");
    if let Some(etag) = etag {
        let headers = request.headers_mut();
        headers.insert(header::IF_NONE_MATCH, etag.clone());
    }
    router.clone().oneshot(request).await.unwrap()
}

fn assert_kept_by_the_fleet_alone(headers: &HeaderMap, path: &str) {
    assert_eq!(headers["cache-control"], "no-cache", "{path}");
    let fleet = &headers["tooloo-cache-control"];
    assert_eq!(fleet, "max-age=2", "{path}");
    assert_eq!(headers["cache-groups"], "\"training\"", "{path}");
    assert_eq!(headers["cache-tag"], "training", "{path}");
}

#[tokio::test]
async fn an_answer_is_the_same_until_a_round_or_a_topic_comes() {
    let folder = TempDir::new().unwrap();
    let router = training(folder.path()).await.router();
    for path in NAMED {
        let first = ask(&router, path, None).await;
        assert_kept_by_the_fleet_alone(first.headers(), path);
        let etag = first.headers()[header::ETAG].clone();
        let again = ask(&router, path, Some(&etag)).await;
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED, "{path}");

        for (change, body) in [
            ("round", json!({"correct": true, "topic": "algorithms"})),
            ("new-topic", json!({"name": format!("after {path}")})),
        ] {
            let change = format!("/api/v1/training/{change}");
            let (status, answer) = post(&router, &change, &body).await;
            assert_eq!(status, StatusCode::CREATED, "{answer}");
            let new = ask(&router, path, Some(&etag)).await;
            assert_eq!(new.status(), StatusCode::OK, "{path} after {change}");
        }
    }
    for path in OTHERS {
        let answer = ask(&router, path, None).await;
        assert_kept_by_the_fleet_alone(answer.headers(), path);
        // They also follow from the time.
        assert!(!answer.headers().contains_key(header::ETAG), "{path}");
    }
}

#[tokio::test]
async fn a_change_says_what_it_made_old_and_a_refusal_is_not_kept() {
    let folder = TempDir::new().unwrap();
    let router = training(folder.path()).await.router();
    for (path, body) in [
        ("/api/v1/training/round", json!({"correct": true})),
        ("/api/v1/training/start", json!({})),
        ("/api/v1/training/new-topic", json!({"name": "Sets"})),
    ] {
        let request = Request::post(path)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_string()))
            .unwrap();
        let answer = router.clone().oneshot(request).await.unwrap();
        assert_eq!(answer.status(), StatusCode::CREATED, "{path}");
        let field = &answer.headers()["cache-group-invalidation"];
        assert_eq!(field, "\"training\"", "{path}");
        assert_eq!(answer.headers()["cache-control"], "no-store", "{path}");
    }
    let unknown = ask(&router, "/api/v1/training/deep-dive/alchemy", None).await;
    assert_eq!(unknown.status(), StatusCode::NOT_FOUND);
    assert_eq!(unknown.headers()["cache-control"], "no-store");
}
