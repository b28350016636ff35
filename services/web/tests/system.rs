//! What the gateway says about the fleet, and the page that shows it.

#![expect(clippy::unwrap_used, reason = "a test fails where it unwraps")]

use std::{collections::HashSet, net::SocketAddr, time::Duration};

use axum::{
    Json, Router,
    body::Body,
    http::{Request, Response, StatusCode},
    routing::get,
};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::{
    net::{TcpListener, TcpSocket},
    time::timeout,
};
use tooloo_service::{App, Settings, directory};
use tower::ServiceExt;
use web::SERVICE;

const PATIENCE: Duration = Duration::from_secs(20);

/// Returns an address at which nothing listens.
fn nowhere() -> SocketAddr {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let address = socket.local_addr().unwrap();
    // Bound as long as the process lives: no other test gets the port, and nobody listens there.
    std::mem::forget(socket);
    address
}

async fn serving(router: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    address
}

async fn gateway(peers: &[(&str, SocketAddr)], folder: &std::path::Path) -> App {
    let mut settings = Settings::for_tests(&SERVICE, folder);
    let nowhere = nowhere();
    for entry in directory::SERVICES {
        let known = peers.iter().find(|(name, _)| *name == entry.name);
        let address = known.map_or(nowhere, |(_, address)| *address);
        let base = format!("http://{address}").parse().unwrap();
        settings.kit.peers.insert(entry.name.to_owned(), base);
    }
    settings.domain = {
        let mut domain = web::WebConfig::default();
        domain.fleet_deadline = Duration::from_millis(200);
        domain
    };
    web::app(settings).await.unwrap()
}

async fn ask(app: &App, path: &str) -> Response<Body> {
    let request = Request::get(path)
        .header("host", "a")
        .body(Body::empty())
        .unwrap();
    timeout(PATIENCE, app.router().oneshot(request))
        .await
        .expect("an answer in time")
        .unwrap()
}

async fn json_of(response: Response<Body>) -> Value {
    serde_json::from_slice(&response.into_body().collect().await.unwrap().to_bytes()).unwrap()
}

#[tokio::test]
async fn the_fleet_has_every_service_whether_it_answers_or_not() {
    let folder = tempfile::tempdir().unwrap();
    let figures = json!({"service": "training", "tracer": {"totalTraces": 3}});
    let answered = figures.clone();
    let up = Router::new()
        .route(
            "/api/v1/system/observability",
            get(move || async move { Json(answered) }),
        )
        .route("/readyz", get(|| async { StatusCode::SERVICE_UNAVAILABLE }));
    let odd = Router::new().route(
        "/api/v1/system/observability",
        get(|| async { "no figures" }),
    );
    // Takes connections, and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let peers = [
        ("training", serving(up).await),
        ("meta", serving(odd).await),
        ("budget", silent.local_addr().unwrap()),
    ];
    let app = gateway(&peers, folder.path()).await;

    let answer = json_of(ask(&app, "/api/v1/system/fleet").await).await;
    assert_eq!(answer["ok"], false);
    assert!(answer["traceId"].is_string());
    let services = answer["services"].as_array().unwrap();
    let names: Vec<&str> = services
        .iter()
        .map(|one| one["service"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "web",
            "training",
            "meta",
            "budget",
            "coach",
            "segmentation",
            "reports",
            "capabilities"
        ]
    );
    let of = |name: &str| services.iter().find(|one| one["service"] == name).unwrap();
    assert_eq!(of("web")["ok"], true);
    assert!(
        of("web")["observability"]["tracer"]["totalTraces"].is_number(),
        "{answer}"
    );
    assert_eq!(of("training")["ok"], true);
    assert_eq!(of("training")["ready"], false);
    assert_eq!(of("training")["observability"], figures);
    for (name, error) in [
        ("meta", "unusable"),
        ("budget", "200ms"),
        ("coach", "cannot be reached"),
    ] {
        let one = of(name);
        assert_eq!(
            (&one["ok"], &one["observability"]),
            (&json!(false), &Value::Null),
            "{one}"
        );
        let said = one["error"].as_str().unwrap();
        assert!(said.contains(name) && said.contains(error), "{one}");
    }
}

#[tokio::test]
async fn the_gateway_says_of_itself_what_it_says_of_others() {
    let folder = tempfile::tempdir().unwrap();
    let front =
        serving(Router::new().route("/readyz", get(|| async { Json(json!({"ready": true})) })))
            .await;
    let peers = [("web", front)];
    let app = gateway(&peers, folder.path()).await;
    let answer = json_of(ask(&app, "/api/v1/system/fleet").await).await;
    let web = &answer["services"][0];
    assert_eq!(web["service"], "web");
    assert_eq!(web["ready"], true);
    assert_eq!(web["url"], format!("http://{front}/"));
}

#[tokio::test]
async fn lists_every_path_that_is_passed_on() {
    let folder = tempfile::tempdir().unwrap();
    let app = gateway(&[], folder.path()).await;
    let answer = json_of(ask(&app, "/api/v1/system/routes").await).await;
    let routes = answer["routes"].as_array().unwrap();
    for route in routes {
        let path = route["path"].as_str().unwrap();
        // Its service is down: that it was asked shows that the path is passed on.
        let problem = json_of(ask(&app, path).await).await;
        assert_eq!(problem["status"], 502, "{path}: {problem}");
        assert!(
            problem["detail"]
                .as_str()
                .unwrap()
                .contains(route["service"].as_str().unwrap())
        );
    }
    let services: HashSet<_> = routes
        .iter()
        .map(|route| route["service"].as_str().unwrap())
        .collect();
    assert_eq!(
        services.len(),
        directory::SERVICES.len() - 1,
        "all but the gateway itself"
    );
}

#[tokio::test]
async fn the_page_and_its_parts_are_served_under_a_strict_policy() {
    let folder = tempfile::tempdir().unwrap();
    let app = gateway(&[], folder.path()).await;
    for (path, kind) in [
        ("/", "text/html; charset=utf-8"),
        ("/dashboard.css", "text/css; charset=utf-8"),
        ("/dashboard.js", "text/javascript; charset=utf-8"),
        ("/dashboard.svg", "image/svg+xml"),
    ] {
        let response = ask(&app, path).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        assert_eq!(response.headers()["content-type"], kind);
        let policy = response.headers()["content-security-policy"]
            .to_str()
            .unwrap();
        assert!(
            policy.starts_with("default-src 'none'") && !policy.contains("unsafe"),
            "{policy}"
        );
        assert_eq!(response.headers()["x-content-type-options"], "nosniff");
    }
}
