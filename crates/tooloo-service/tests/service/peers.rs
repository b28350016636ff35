//! Calls to other services.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    body::Body,
    http::{Request, Response, StatusCode},
};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tooloo_service::{App, Kit, KitConfig, Peer, PeerError, PeerService, Problem, Settings};
use tooloo_trace::{SpanKind, SpanStatus};
use tower::ServiceExt;

use crate::running::{Domain, Running, SERVICE, complete, start, within};

/// A client in a service of its own that knows `server` as training.
fn caller(server: &str, change: impl FnOnce(&mut KitConfig)) -> (App, Peer, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = Settings::<Domain>::for_tests(&SERVICE, folder.path());
    settings
        .kit
        .peers
        .insert("training".to_owned(), server.parse().unwrap());
    change(&mut settings.kit);
    let kit = Kit::new(&SERVICE, &settings.kit).unwrap();
    let peer = kit.peer("training");
    (complete(kit), peer, folder)
}

fn address(server: &Running) -> String {
    format!("http://{}", server.address)
}

#[tokio::test]
async fn a_call_is_one_trace_on_both_sides() {
    let server = start(|_| {}).await;
    let (app, peer, _folder) = caller(&address(&server), |_| {});
    let span = app.tracer().start_trace("caller");
    let id = span.context().trace_id();
    let answer: Value = within(span.in_scope(peer.get("/history?since=4")))
        .await
        .unwrap();
    assert_eq!(answer["since"], 4);
    assert_eq!(answer["traceId"], id.to_string());
    assert!(server.app.tracer().trace(id).is_some());
}

#[tokio::test]
async fn an_error_keeps_the_status_and_the_beginning_of_the_answer() {
    let server = start(|_| {}).await;
    let (_app, peer, _folder) = caller(&address(&server), |_| {});
    let error = within(peer.get::<Value>("/topics/0")).await.unwrap_err();
    assert_eq!(error.status().unwrap().as_u16(), 404);
    assert!(error.excerpt().unwrap().contains("unknown_topic"));
    let problem = Problem::from(error);
    assert_eq!(
        (problem.status().as_u16(), problem.code()),
        (502, "peer_failed")
    );
    let wrong = within(peer.post::<_, u32>("/round", &serde_json::json!({})))
        .await
        .unwrap_err();
    assert_eq!(wrong.status().unwrap().as_u16(), 422);
}

#[tokio::test]
async fn a_peer_that_is_away_is_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let away = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let (_app, peer, _folder) = caller(&away, |_| {});
    let error = within(peer.get::<Value>("/")).await.unwrap_err();
    assert!(error.is_unreachable(), "{error}");
    assert_eq!(Problem::from(error).code(), "peer_unreachable");
}

#[tokio::test]
async fn a_peer_that_hangs_times_out() {
    let server = start(|_| {}).await;
    let (_app, peer, _folder) = caller(&address(&server), |config| {
        config.peer_timeout = Duration::from_millis(50);
    });
    let error = within(peer.get::<Value>("/never")).await.unwrap_err();
    assert!(error.is_timeout(), "{error}");
    assert_eq!(Problem::from(error).status().as_u16(), 504);
    let patient = peer.with_timeout(Duration::from_secs(5));
    let reply = within(patient.send(Request::get("/slow").body(Body::empty()).unwrap())).await;
    assert_eq!(reply.unwrap().status().as_u16(), 200);
}

#[tokio::test]
async fn an_answer_that_is_late_is_recorded_as_a_failed_call() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (app, peer, _folder) = caller(
        &format!("http://{}", listener.local_addr().unwrap()),
        |config| config.peer_timeout = Duration::from_millis(100),
    );
    let server = tokio::spawn(async move {
        let mut held = Vec::new();
        for answer in ["", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n1"] {
            let (mut stream, _) = listener.accept().await.unwrap();
            request(&mut stream).await;
            stream.write_all(answer.as_bytes()).await.unwrap();
            held.push(stream);
        }
        held
    });
    for path in ["/no-head", "/half-a-body"] {
        let span = app.tracer().start_trace("caller");
        let id = span.context().trace_id();
        let error = within(span.in_scope(peer.get::<u8>(path)))
            .await
            .unwrap_err();
        assert!(error.is_timeout(), "{path}: {error}");
        let trace = app.tracer().trace(id).unwrap();
        let call = trace
            .spans
            .iter()
            .find(|span| span.kind() == SpanKind::Client)
            .unwrap();
        assert_eq!(call.status(), SpanStatus::Error, "{path}: {call:?}");
    }
    within(server).await.unwrap();
}

#[tokio::test]
async fn an_answer_past_the_bound_is_not_read() {
    let server = start(|_| {}).await;
    let (_app, peer, _folder) = caller(&address(&server), |config| config.peer_body_limit = 1000);
    let error = within(peer.get::<Value>("/huge")).await.unwrap_err();
    assert!(error.to_string().contains("1000 bytes"), "{error}");
}

#[tokio::test]
async fn a_stale_connection_is_replaced_once_where_that_is_safe() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (_app, peer, _folder) = caller(
        &format!("http://{}/base", listener.local_addr().unwrap()),
        |_| {},
    );
    let server = tokio::spawn(async move {
        // The first connection answers once and closes on the second request; so does the next.
        let mut targets = Vec::new();
        for _ in 0..2 {
            let (mut stream, _) = listener.accept().await.unwrap();
            for answer in [true, false] {
                targets.push(request(&mut stream).await);
                if answer {
                    stream
                        .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n1")
                        .await
                        .unwrap();
                }
            }
        }
        targets
    });
    for _ in 0..2 {
        assert_eq!(within(peer.get::<u8>("/one")).await.unwrap(), 1);
    }
    let unsafe_to_repeat = within(peer.post::<_, u8>("/two", &1)).await.unwrap_err();
    assert!(unsafe_to_repeat.is_unreachable(), "{unsafe_to_repeat}");
    let targets = within(server).await.unwrap();
    assert_eq!(
        targets,
        ["/base/one", "/base/one", "/base/one", "/base/two"]
    );
}

/// What a layer around a peer saw of its calls.
#[derive(Clone, Debug, Default)]
struct Seen(Arc<Mutex<Vec<Result<u16, String>>>>);

impl Seen {
    /// Puts a layer around `peer` that writes down what it sees.
    fn of(&self, peer: Peer) -> Peer {
        let seen = self.clone();
        let write_down = tower::layer::layer_fn(move |inner: PeerService| {
            let seen = seen.clone();
            inner.then(
                move |result: Result<Response<Body>, PeerError>| async move {
                    let shown = result.as_ref();
                    let shown = shown.map(|answer| answer.status().as_u16());
                    let shown = shown.map_err(ToString::to_string);
                    seen.0.lock().unwrap().push(shown);
                    result
                },
            )
        });
        peer.layered(&write_down, |error| error)
    }

    fn last(&self) -> Result<u16, String> {
        self.0.lock().unwrap().last().unwrap().clone()
    }
}

#[tokio::test]
async fn a_layer_sees_each_answer_as_what_it_turned_out_to_be() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (_app, peer, _folder) = caller(
        &format!("http://{}", listener.local_addr().unwrap()),
        |config| config.peer_timeout = Duration::from_millis(100),
    );
    let answers = [
        "HTTP/1.1 404 Not Found\r\ncontent-length: 1\r\n\r\nx",
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n1",
        "HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n<",
        "HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n1",
    ];
    let server = tokio::spawn(async move {
        let mut held = Vec::new();
        for answer in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            request(&mut stream).await;
            stream.write_all(answer.as_bytes()).await.unwrap();
            if answer.ends_with('1') {
                held.push(stream);
            }
        }
        held
    });
    let seen = Seen::default();
    let peer = seen.of(peer);
    let close = |path| {
        let request = Request::get(path).header("connection", "close");
        request.body(Body::empty()).unwrap()
    };
    let absent = within(peer.get::<u8>("/absent")).await.unwrap_err();
    assert_eq!(absent.status().unwrap().as_u16(), 404);
    assert_eq!(seen.last(), Ok(404), "a status is no error");
    assert!(
        within(peer.get::<u8>("/half"))
            .await
            .unwrap_err()
            .is_timeout()
    );
    assert!(seen.last().unwrap_err().contains("within 100ms"));
    within(peer.get::<u8>("/page")).await.unwrap_err();
    assert!(seen.last().unwrap_err().contains("unusable"));
    let whole = within(peer.ask(close("/one"))).await.unwrap();
    assert_eq!((&whole.body()[..], seen.last()), (&b"1"[..], Ok(200)));
    drop(within(server).await.unwrap());
    assert!(
        within(peer.get::<u8>("/"))
            .await
            .unwrap_err()
            .is_unreachable()
    );
    assert!(seen.last().unwrap_err().contains("cannot be reached"));
}

#[tokio::test]
async fn a_refused_call_says_when_to_come_back() {
    let wait = Duration::from_millis(6500);
    let (_app, peer, _folder) = caller("http://127.0.0.1:1", |_| {});
    let refuse = tower::layer::layer_fn(|_| {
        tower::service_fn(|_: Request<Body>| async { Err::<Response<Body>, _>("open") })
    });
    let peer = peer.layered(&refuse, move |why| {
        assert_eq!(why, "open");
        PeerError::refused("training", Some(wait))
    });
    let error = within(peer.get::<Value>("/")).await.unwrap_err();
    assert!(error.is_refused() && !error.is_unreachable(), "{error}");
    assert_eq!(error.retry_after(), Some(wait));
    let problem = Problem::from(error);
    assert_eq!(
        (problem.status().as_u16(), problem.code()),
        (503, "circuit_open")
    );
    assert_eq!(problem.retry_after(), Some(wait));
    let unknown = Problem::from(PeerError::refused("training", None));
    assert_eq!(unknown.retry_after(), Some(Duration::from_secs(1)));
}

#[test]
fn only_a_status_of_the_service_itself_is_its_failure() {
    let of = |status| Peer::is_failure(StatusCode::from_u16(status).unwrap());
    for works in [200, 304, 400, 404, 429, 499, 502, 504] {
        assert!(!of(works), "{works}");
    }
    for fails in [500, 501, 503, 599] {
        assert!(of(fails), "{fails}");
    }
}

/// Reads a request's head, and returns its target.
async fn request(stream: &mut tokio::net::TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    head.split(' ').nth(1).unwrap().to_owned()
}
