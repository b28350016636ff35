//! Bodies that stream, and clients that leave.

use std::{
    convert::Infallible,
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::Request,
    http::header,
    routing::{any, get, post},
};
use futures_util::{StreamExt, stream};
use http_body_util::BodyExt;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::{Mutex, mpsc, oneshot},
    time::timeout,
};
use tooloo_testkit::Client;

use crate::stand::{PATIENCE, Stand};

const MIB: usize = 1024 * 1024;

/// More than all socket buffers on the way hold together.
const AHEAD: usize = 24 * MIB;

/// Tells when it is dropped.
struct Dropped(Option<oneshot::Sender<()>>);

impl Drop for Dropped {
    fn drop(&mut self) {
        let _ = self.0.take().map(|sender| sender.send(()));
    }
}

fn on_drop() -> (Arc<Mutex<Option<Dropped>>>, oneshot::Receiver<()>) {
    let (sender, receiver) = oneshot::channel();
    (Arc::new(Mutex::new(Some(Dropped(Some(sender))))), receiver)
}

fn get_request(url: String) -> http::Request<http_body_util::Full<Bytes>> {
    tooloo_testkit::client::request(http::Method::GET, url, None)
}

#[tokio::test]
async fn events_arrive_one_by_one() {
    let (events, receiver) = mpsc::channel::<Result<&str, Infallible>>(1);
    let receiver = Arc::new(Mutex::new(Some(receiver)));
    let realtime = get(move || async move {
        let receiver = receiver.lock().await.take().unwrap();
        let events = stream::unfold(receiver, |mut events| async {
            events.recv().await.map(|event| (event, events))
        });
        (
            [(header::CONTENT_TYPE, "text/event-stream")],
            Body::from_stream(events),
        )
    });
    let stand = Stand::before(Router::new().route("/api/v1/providers/realtime", realtime)).await;
    let request = get_request(stand.url("/api/v1/providers/realtime"));
    let mut answer = timeout(PATIENCE, Client::new().open(request))
        .await
        .unwrap()
        .unwrap();
    for event in ["data: 1\n\n", "data: 2\n\n", "data: 3\n\n"] {
        // Sent only now, so it cannot have waited for what comes after it.
        events.send(Ok(event)).await.unwrap();
        let frame = timeout(PATIENCE, answer.body_mut().frame())
            .await
            .expect("an event in time");
        assert_eq!(frame.unwrap().unwrap().into_data().unwrap(), event);
    }
    drop(events);
    let end = timeout(PATIENCE, answer.body_mut().frame())
        .await
        .expect("the end in time");
    assert!(end.is_none());
}

#[tokio::test]
async fn a_request_streams_while_its_answer_does() {
    let echo = post(|request: Request| async { Body::new(request.into_body()) });
    let stand = Stand::before(Router::new().route("/api/v1/training/echo", echo)).await;
    let mut wire = stand.connect().await;
    wire.send(
        "POST /api/v1/training/echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
    )
    .await;
    wire.send("4\r\nping\r\n").await;
    wire.read_until("4\r\nping\r\n").await;
    wire.send("4\r\npong\r\n").await;
    wire.read_until("4\r\npong\r\n").await;
    wire.send("0\r\n\r\n").await;
    wire.read_until("0\r\n\r\n").await;
}

#[tokio::test]
async fn a_client_that_leaves_before_the_answer_ends_the_call_behind() {
    let (held, dropped) = on_drop();
    let (arrived, arrival) = oneshot::channel();
    let arrived = Arc::new(Mutex::new(Some(arrived)));
    let never = get(move || async move {
        let _held = held.lock().await.take();
        arrived.lock().await.take().unwrap().send(()).unwrap();
        pending::<()>().await;
    });
    let stand = Stand::before(Router::new().route("/api/v1/training/never", never)).await;
    let mut wire = stand.connect().await;
    wire.send("GET /api/v1/training/never HTTP/1.1\r\nHost: a\r\n\r\n")
        .await;
    timeout(PATIENCE, arrival)
        .await
        .expect("the request in time")
        .unwrap();
    drop(wire);
    timeout(PATIENCE, dropped)
        .await
        .expect("the cancellation in time")
        .unwrap();
}

#[tokio::test]
async fn a_client_that_leaves_within_the_answer_ends_the_call_behind() {
    let (held, dropped) = on_drop();
    let endless = get(move || async move {
        let held = held.lock().await.take();
        let first = stream::once(async { Ok::<_, Infallible>("first") });
        let rest = stream::once(async move {
            let _held = held;
            pending().await
        });
        Body::from_stream(first.chain(rest))
    });
    let stand = Stand::before(Router::new().route("/api/v1/training/endless", endless)).await;
    let client = Client::without_keep_alive();
    let request = get_request(stand.url("/api/v1/training/endless"));
    let mut answer = timeout(PATIENCE, client.open(request))
        .await
        .unwrap()
        .unwrap();
    timeout(PATIENCE, answer.body_mut().frame())
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    drop(answer);
    timeout(PATIENCE, dropped)
        .await
        .expect("the cancellation in time")
        .unwrap();
}

#[tokio::test]
async fn a_large_answer_waits_for_a_slow_reader() {
    const TOTAL: usize = 128 * MIB;
    let made = Arc::new(AtomicUsize::new(0));
    let making = Arc::clone(&made);
    let large = get(move || async move {
        let pieces = stream::iter(0..TOTAL / MIB).map(move |_| {
            making.fetch_add(MIB, Ordering::SeqCst);
            Ok::<_, Infallible>(Bytes::from(vec![7; MIB]))
        });
        Body::from_stream(pieces)
    });
    let stand = Stand::before(Router::new().route("/api/v1/reports/large", large)).await;
    let mut wire = stand.connect().await;
    wire.send("GET /api/v1/reports/large HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        .await;
    let mut read = 0;
    let mut piece = vec![0; 64 * 1024];
    loop {
        let count = timeout(PATIENCE, wire.0.read(&mut piece))
            .await
            .expect("bytes in time")
            .unwrap();
        if count == 0 {
            break;
        }
        read += count;
        let ahead = made.load(Ordering::SeqCst).saturating_sub(read);
        assert!(ahead <= AHEAD, "{ahead} bytes are held between the two");
    }
    assert!(read >= TOTAL, "{read}");
}

#[tokio::test]
async fn a_large_request_waits_for_a_slow_upstream() {
    const TOTAL: usize = 128 * MIB;
    let taken = Arc::new(AtomicUsize::new(0));
    let taking = Arc::clone(&taken);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let slow = any(move |request: Request| async move {
        let mut body = request.into_body();
        while let Some(frame) = body.frame().await {
            taking.fetch_add(
                frame.unwrap().into_data().map_or(0, |data| data.len()),
                Ordering::SeqCst,
            );
            tokio::task::yield_now().await;
        }
        taking.load(Ordering::SeqCst).to_string()
    });
    let upstream = Router::new().route("/api/v1/segmentation/analyze", slow);
    tokio::spawn(async move { axum::serve(listener, upstream).await.unwrap() });
    let stand =
        Stand::before_address(address, |settings| settings.kit.body_limit = 2 * TOTAL).await;

    let mut wire = stand.connect().await;
    wire.send(format!(
        "POST /api/v1/segmentation/analyze HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: {TOTAL}\r\n\r\n"
    ))
    .await;
    let piece = vec![7; 64 * 1024];
    for sent in (piece.len()..=TOTAL).step_by(piece.len()) {
        timeout(PATIENCE, wire.0.write_all(&piece))
            .await
            .expect("room in time")
            .unwrap();
        let ahead = sent.saturating_sub(taken.load(Ordering::SeqCst));
        assert!(ahead <= AHEAD, "{ahead} bytes are held between the two");
    }
    let answer = wire.read_to_end().await;
    assert!(answer.ends_with(&TOTAL.to_string()), "{answer}");
}
