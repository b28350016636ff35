//! Upstreams that are down, slow or broken, and requests that are not passed on.

use std::{net::SocketAddr, time::Duration};

use axum::{Router, http::StatusCode, routing::any};
use serde_json::Value;
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpSocket},
};
use tooloo_testkit::{Client, Reply, client::SendError};

use crate::stand::Stand;

/// Returns an address at which nothing listens.
fn nowhere() -> SocketAddr {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let address = socket.local_addr().unwrap();
    // Bound as long as the process lives: no other test gets the port, and nobody listens there.
    std::mem::forget(socket);
    address
}

/// An upstream that writes `bytes` on every connection as soon as it has heard something.
async fn answering(bytes: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            socket.readable().await.unwrap();
            let mut heard = [0; 4096];
            let _ = socket.try_read(&mut heard);
            let _ = socket.write_all(bytes).await;
        }
    });
    address
}

fn assert_problem(reply: &Reply, status: StatusCode, detail: &str) {
    assert_eq!(reply.status, status, "{}", reply.text());
    assert_eq!(
        reply.header("content-type"),
        Some("application/problem+json")
    );
    let problem = reply.json();
    assert!(
        problem["detail"].as_str().unwrap().contains(detail),
        "{problem}"
    );
    assert_eq!(problem["status"], status.as_u16());
    assert_ne!(problem["traceId"], Value::Null);
}

#[tokio::test]
async fn names_the_upstream_that_is_down() {
    let stand = Stand::before_address(nowhere(), |_| ()).await;
    for (path, name) in [
        ("/api/v1/next-domain", "training"),
        ("/api/v4/meta-learning/report", "meta"),
    ] {
        let reply = Client::new().get(stand.url(path)).await;
        assert_problem(&reply, StatusCode::BAD_GATEWAY, name);
        assert_eq!(reply.json()["instance"], path);
    }
}

#[tokio::test]
async fn names_the_upstream_that_is_slow() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let stand = Stand::before_address(silent.local_addr().unwrap(), |settings| {
        settings.domain.upstream_timeout = Duration::from_millis(50);
    })
    .await;
    let reply = Client::new()
        .get(stand.url("/api/v1/providers/costs"))
        .await;
    assert_problem(&reply, StatusCode::GATEWAY_TIMEOUT, "budget");
}

#[tokio::test]
async fn an_answer_that_is_no_http_is_the_upstreams_fault() {
    let answers: [&'static [u8]; 3] = [
        b"",
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    ];
    for bytes in answers {
        let stand = Stand::before_address(answering(bytes).await, |_| ()).await;
        let reply = Client::new().get(stand.url("/api/v1/reports/delta")).await;
        assert_problem(&reply, StatusCode::BAD_GATEWAY, "reports");
    }
}

#[tokio::test]
async fn an_upgrade_that_nobody_asked_for_is_the_upstreams_fault() {
    let bytes = b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n";
    let stand = Stand::before_address(answering(bytes).await, |_| ()).await;
    let reply = Client::new().get(stand.url("/api/v1/reports/delta")).await;
    assert_problem(&reply, StatusCode::BAD_GATEWAY, "reports");
}

#[tokio::test]
async fn a_body_that_breaks_off_breaks_off_here_too() {
    let bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this";
    let stand = Stand::before_address(answering(bytes).await, |_| ()).await;
    let url = stand.url("/api/v1/reports/delta");
    let request = tooloo_testkit::client::request(http::Method::GET, url, None);
    let error = Client::new().try_send(request).await.unwrap_err();
    assert!(matches!(error, SendError::Body(_)), "{error}");
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_also_while_it_streams() {
    let upstream =
        Router::new().fallback(|body: axum::body::Bytes| async move { body.len().to_string() });
    let stand = Stand::before(upstream).await;
    let limit = stand.app.config().body_limit;
    let head = "POST /api/v1/training/round HTTP/1.1\r\nHost: a\r\nConnection: close\r\n";
    let announced = stand
        .exchange(format!("{head}Content-Length: {}\r\n\r\n", limit + 1))
        .await;
    assert!(announced.starts_with("HTTP/1.1 413 "), "{announced}");
    let piece = format!("{:x}\r\n{}\r\n", limit / 2, "x".repeat(limit / 2));
    let streamed = stand
        .exchange(format!(
            "{head}Transfer-Encoding: chunked\r\n\r\n{piece}{piece}5\r\n12345\r\n0\r\n\r\n"
        ))
        .await;
    assert!(streamed.starts_with("HTTP/1.1 413 "), "{streamed}");
    assert!(streamed.contains(&limit.to_string()), "{streamed}");
}

#[tokio::test]
async fn a_request_that_went_round_is_refused() {
    // Every service's address is the gateway's own: its first hop leads back to it.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stand = Stand::before_address(address, |_| ()).await;
    let app = stand.app.clone();
    tokio::spawn(async move {
        let (_never, shutdown) = tooloo_service::Shutdown::manual();
        tooloo_service::serve(vec![(app, listener)], shutdown)
            .await
            .unwrap();
    });
    let reply = Client::new()
        .get(stand.url("/api/v1/training/overview"))
        .await;
    assert_eq!(reply.status, StatusCode::LOOP_DETECTED);
    assert!(reply.text().contains("Via"), "{}", reply.text());
}

#[tokio::test]
async fn what_is_no_route_is_not_passed_on() {
    let upstream = Router::new().fallback(any(|| async { "reached" }));
    let stand = Stand::before(upstream).await;
    for path in [
        "/api/v1/nothing",
        "/api/v1/trainings/x",
        "/api/v1/next-domain/x",
        "/api/v2/training/x",
    ] {
        let reply = Client::new().get(stand.url(path)).await;
        assert_eq!(reply.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(
            reply.header("content-type"),
            Some("application/problem+json")
        );
    }
    let trace = "TRACE /api/v1/training/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let answer = stand.exchange(trace).await;
    assert!(answer.starts_with("HTTP/1.1 405 "), "{answer}");
    let expecting = "POST /api/v1/training/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\nExpect: wonders\r\n\
                     Content-Length: 0\r\n\r\n";
    let answer = stand.exchange(expecting).await;
    assert!(answer.starts_with("HTTP/1.1 417 "), "{answer}");
}
