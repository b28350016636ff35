//! Nothing a client sends makes a 5xx, whatever it is.

use axum::{
    body::{Body, to_bytes},
    http::{HeaderName, HeaderValue, Method, Request, Uri},
};
use proptest::{collection::vec, prelude::*, test_runner::TestRunner};
use tooloo_service::Settings;
use tower::ServiceExt;

use crate::running::{Domain, SERVICE, app};

const HEADERS: [&str; 9] = [
    "accept",
    "accept-encoding",
    "baggage",
    "content-type",
    "origin",
    "traceparent",
    "tracestate",
    "x-request-id",
    "authorization",
];

fn targets() -> impl Strategy<Value = String> {
    let known = prop_oneof![
        Just("/round"),
        Just("/history"),
        Just("/metrics"),
        Just("/api/v1/system/sampling"),
        Just("/topics/"),
        Just("/"),
    ];
    (known, "[ -~]{0,20}", prop::option::of("[ -~]{0,20}")).prop_map(|(path, rest, query)| {
        match query {
            Some(query) => format!("{path}{rest}?{query}"),
            None => format!("{path}{rest}"),
        }
    })
}

fn bodies() -> impl Strategy<Value = Vec<u8>> {
    let json =
        r#"\{"(topic|correct)":(true|1|\{"name":("x"|5)\})(,"correct":(true|[0-9]{1,3}))?\}?"#;
    prop_oneof![vec(any::<u8>(), 0..200), json.prop_map(String::into_bytes)]
}

#[test]
fn no_request_makes_a_5xx() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _entered = runtime.enter();
    let folder = tempfile::tempdir().unwrap();
    let router = app(&Settings::<Domain>::for_tests(&SERVICE, folder.path())).router();
    let methods = prop::sample::select(vec!["GET", "POST", "HEAD", "OPTIONS", "PUT", "BREW"]);
    let json = prop_oneof![Just(&b"application/json"[..]), Just(&b"text/plain"[..])];
    let headers = vec(
        (
            prop::sample::select(HEADERS.to_vec()),
            vec(any::<u8>(), 0..60),
        ),
        0..5,
    );
    let requests = (methods, targets(), json, headers, bodies());
    let run =
        TestRunner::deterministic().run(&requests, |(method, target, json, headers, body)| {
            // What is no target or header value at all never gets past hyper.
            let Ok(uri) = target.parse::<Uri>() else {
                return Ok(());
            };
            let mut request = Request::new(Body::from(body));
            *request.method_mut() = method.parse::<Method>().unwrap();
            *request.uri_mut() = uri;
            let content_type = HeaderValue::from_bytes(json).unwrap();
            request.headers_mut().insert("content-type", content_type);
            for (name, value) in headers {
                if let Ok(value) = HeaderValue::from_bytes(&value) {
                    let name = HeaderName::from_static(name);
                    request.headers_mut().append(name, value);
                }
            }
            let shown = format!("{request:?}");
            let (status, body) = runtime.block_on(async {
                let response = router.clone().oneshot(request).await.unwrap();
                let status = response.status();
                (
                    status,
                    to_bytes(response.into_body(), usize::MAX).await.unwrap(),
                )
            });
            prop_assert!(!status.is_server_error(), "{status} for {shown}: {body:?}");
            Ok(())
        });
    run.unwrap();
}
