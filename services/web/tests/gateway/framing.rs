//! Messages that two readers could read differently, from a client that wants them to.

use std::sync::{Arc, Mutex};

use axum::{Router, body::Bytes, extract::State, http::Uri};

use crate::stand::Stand;

type Seen = Arc<Mutex<Vec<(String, Bytes)>>>;

/// An upstream that remembers every request it was given.
async fn recording() -> (Stand, Seen) {
    async fn record(State(seen): State<Seen>, uri: Uri, body: Bytes) -> &'static str {
        seen.lock().unwrap().push((uri.to_string(), body));
        "recorded"
    }
    let seen = Seen::default();
    let upstream = Router::new().fallback(record).with_state(Arc::clone(&seen));
    (Stand::before(upstream).await, seen)
}

const SMUGGLED: &str = "GET /api/v1/training/smuggled HTTP/1.1\r\nHost: a\r\n\r\n";

fn post(fields: &str, body: &str) -> String {
    format!("POST /api/v1/training/round HTTP/1.1\r\nHost: a\r\n{fields}\r\n{body}")
}

#[tokio::test]
async fn refuses_bodies_whose_length_is_in_doubt() {
    let (stand, seen) = recording().await;
    for fields in [
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: 5, 6\r\n",
        "Content-Length: +5\r\n",
        "Content-Length: 0x5\r\n",
        "Content-Length: -1\r\n",
        "Content-Length: 99999999999999999999\r\n",
        "Transfer-Encoding: identity\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding : chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
        "X-Folded: a\r\n b\r\nContent-Length: 5\r\n",
        "X-Null: a\0b\r\nContent-Length: 5\r\n",
        " Leading: space\r\nContent-Length: 5\r\n",
    ] {
        let answer = stand.exchange(post(fields, SMUGGLED)).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{fields:?}: {answer}");
        assert_eq!(
            answer.matches("HTTP/1.1 ").count(),
            1,
            "{fields:?}: {answer}"
        );
    }
    assert_eq!(*seen.lock().unwrap(), []);
}

#[tokio::test]
async fn nothing_is_read_behind_a_body_with_two_lengths() {
    for fields in [
        "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
    ] {
        let (stand, seen) = recording().await;
        let body = format!("3\r\nabc\r\n0\r\n\r\n{SMUGGLED}");
        let answer = stand.exchange(post(fields, &body)).await;
        assert_eq!(
            answer.matches("HTTP/1.1 ").count(),
            1,
            "{fields:?}: {answer}"
        );
        let whole = ("/api/v1/training/round".to_owned(), Bytes::from("abc"));
        // Either it is refused, or it is one request, framed anew, and the connection ends with it.
        assert!(
            seen.lock().unwrap().iter().all(|one| *one == whole),
            "{seen:?}"
        );
    }
}

#[tokio::test]
async fn connection_cannot_take_the_length_away() {
    let (stand, seen) = recording().await;
    let fields = format!(
        "Connection: close, content-length\r\nContent-Length: {}\r\n",
        SMUGGLED.len()
    );
    let answer = stand.exchange(post(&fields, SMUGGLED)).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let whole = ("/api/v1/training/round".to_owned(), Bytes::from(SMUGGLED));
    assert_eq!(*seen.lock().unwrap(), [whole]);
}

#[tokio::test]
async fn refuses_a_host_in_doubt() {
    let (stand, seen) = recording().await;
    for hosts in [
        "",
        "Host: a\r\nHost: b\r\n",
        "Host: a b\r\n",
        "Host: user@a\r\n",
        "Host: a/b\r\n",
    ] {
        let request =
            format!("GET /api/v1/training/x HTTP/1.1\r\n{hosts}Connection: close\r\n\r\n");
        let answer = stand.exchange(request).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{hosts:?}: {answer}");
        assert!(answer.contains("Host"), "{hosts:?}: {answer}");
    }
    assert_eq!(*seen.lock().unwrap(), []);
}

#[tokio::test]
async fn the_target_goes_on_as_it_was_sent() {
    let (stand, seen) = recording().await;
    for target in [
        "/api/v1/training/deep-dive/a%2Fb?x=%20&y=+",
        "/api/v1/training/..%2f..%2fapi/v1/budget",
        "http://elsewhere.example/api/v1/training/absolute",
    ] {
        let request = format!("GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        let answer = stand.exchange(request).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{target}: {answer}");
    }
    let targets: Vec<String> = seen
        .lock()
        .unwrap()
        .iter()
        .map(|(target, _)| target.clone())
        .collect();
    assert_eq!(
        targets,
        [
            "/api/v1/training/deep-dive/a%2Fb?x=%20&y=+",
            "/api/v1/training/..%2f..%2fapi/v1/budget",
            "/api/v1/training/absolute",
        ]
    );
}

#[tokio::test]
async fn old_clients_are_served_too() {
    let (stand, seen) = recording().await;
    let answer = stand
        .exchange("GET /api/v1/training/old HTTP/1.0\r\n\r\n")
        .await;
    assert!(answer.ends_with("recorded"), "{answer}");
    assert!(!answer.to_lowercase().contains("chunked"), "{answer}");
    assert_eq!(seen.lock().unwrap().len(), 1);
}
