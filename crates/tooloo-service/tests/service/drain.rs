//! A drain loses nothing that was begun, and ends whatever clients do.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    time::Duration,
};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tooloo_service::{Answer, Kit, Problem, Settings, Shutdown, serve};
use utoipa_axum::router::OpenApiRouter;

use crate::running::{Domain, Reply, SERVICE, app, complete, get, start, start_with, within};

#[tokio::test]
async fn readiness_fails_first_while_requests_are_still_served() {
    let server = start(|config| config.drain_grace = Duration::from_secs(3600)).await;
    assert_eq!(server.get("/readyz").await.status, 200);
    server.shut_down();
    let unready = async {
        while server.get("/readyz").await.status == 200 {
            tokio::task::yield_now().await;
        }
    };
    within(unready).await;
    let ready = server.get("/readyz").await;
    assert_eq!(
        (ready.status, ready.json()["draining"].as_bool()),
        (503, Some(true))
    );
    let kept_alive = get("/history").replace("connection: close\r\n", "");
    let answer = server.send(kept_alive).await;
    assert_eq!(
        (answer.status, answer.header("connection")),
        (200, Some("close"))
    );
    assert_eq!(server.get("/livez").await.status, 200);
}

#[tokio::test]
async fn requests_under_way_are_finished() {
    let server = start(|_| {}).await;
    let mut stream = server.connect().await;
    stream.write_all(get("/slow").as_bytes()).await.unwrap();
    begun(&server.app, 1).await;
    server.shut_down();
    assert_eq!(
        within(Reply::read(&mut stream)).await.unwrap().body,
        b"slow"
    );
    server.drained().await;
}

#[tokio::test]
async fn nothing_is_lost_under_load() {
    let server = start(|config| config.drain_grace = Duration::from_millis(100)).await;
    let stopped = Arc::new(AtomicBool::new(false));
    let clients: Vec<_> = (0..8)
        .map(|_| {
            let address = server.address;
            let stopped = Arc::clone(&stopped);
            tokio::spawn(async move {
                let mut answered = 0;
                loop {
                    // Once the server listens no more, a client is refused, not cut.
                    let Ok(mut stream) = TcpStream::connect(address).await else {
                        assert!(stopped.load(Ordering::Acquire), "refused before the drain");
                        return answered;
                    };
                    let sent = stream.write_all(get("/history").as_bytes()).await;
                    let reply = Reply::read(&mut stream).await;
                    // One that came while the listener closed was never accepted.
                    match reply {
                        Some(reply) => assert_eq!(reply.status, 200),
                        None if stopped.load(Ordering::Acquire) => {
                            let refused = TcpStream::connect(address).await.is_err();
                            assert!(refused, "a request was lost while accepting: {sent:?}");
                            return answered;
                        }
                        None => panic!("a request was lost"),
                    }
                    answered += 1;
                }
            })
        })
        .collect();
    begun(&server.app, 50).await;
    stopped.store(true, Ordering::Release);
    server.shut_down();
    let app = server.app.clone();
    let mut answered = 0;
    for client in clients {
        answered += within(client).await.unwrap();
    }
    server.drained().await;
    let figures = app.tracer().handle().figures();
    assert_eq!(figures.active_traces, 0);
    assert_eq!(figures.total_traces, answered);
}

#[tokio::test]
async fn nothing_is_lost_on_kept_connections() {
    let server = start(|config| config.drain_grace = Duration::from_millis(200)).await;
    let request = get("/history").replace("connection: close\r\n", "");
    let clients: Vec<_> = (0..8)
        .map(|_| {
            let (address, request) = (server.address, request.clone());
            tokio::spawn(async move {
                let mut stream = TcpStream::connect(address).await.unwrap();
                // As a pool does: until an answer says that it was the last.
                for answered in 1_u64.. {
                    stream.write_all(request.as_bytes()).await.unwrap();
                    let reply = Reply::read(&mut stream).await.expect("a request was lost");
                    assert_eq!(reply.status, 200);
                    if reply.header("connection") == Some("close") {
                        return answered;
                    }
                }
                unreachable!("the loop has no end")
            })
        })
        .collect();
    begun(&server.app, 50).await;
    let app = server.app.clone();
    server.shut_down();
    let mut answered = 0;
    for client in clients {
        answered += within(client).await.unwrap();
    }
    server.drained().await;
    assert_eq!(app.tracer().handle().figures().total_traces, answered);
}

#[tokio::test]
async fn an_event_stream_is_told_to_end() {
    let server = start(|config| config.drain_deadline = Duration::from_secs(3600)).await;
    let mut stream = server.connect().await;
    stream.write_all(get("/events").as_bytes()).await.unwrap();
    let mut seen = Vec::new();
    while !seen.ends_with(b"data: hi\n\n\r\n") {
        seen.push(within(stream.read_u8()).await.unwrap());
    }
    server.shut_down();
    within(stream.read_to_end(&mut seen)).await.unwrap();
    assert!(
        seen.ends_with(b"\r\n0\r\n\r\n"),
        "the stream was cut, not ended"
    );
    server.drained().await;
}

#[tokio::test]
async fn half_a_head_and_a_silent_client_do_not_hold_it_up() {
    let server = start(|config| config.drain_deadline = Duration::from_millis(400)).await;
    let mut half = server.connect().await;
    half.write_all(b"GET /history HTTP/1.1\r\nhost: x")
        .await
        .unwrap();
    let _silent = server.connect().await;
    assert_eq!(server.get("/history").await.status, 200);
    server.shut_down();
    server.drained().await;
}

#[tokio::test]
async fn a_handler_that_never_ends_is_cut_off_at_the_deadline() {
    let server = start(|config| config.drain_deadline = Duration::from_millis(200)).await;
    let mut stream = server.connect().await;
    stream.write_all(get("/never").as_bytes()).await.unwrap();
    begun(&server.app, 1).await;
    let app = server.app.clone();
    server.shut_down();
    server.drained().await;
    assert_eq!(app.tracer().handle().figures().active_traces, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_handler_that_blocks_its_thread_is_left_behind() {
    let (release, held) = mpsc::channel::<()>();
    let (blocking, blocked) = tokio::sync::oneshot::channel();
    let once = Arc::new(std::sync::Mutex::new(Some((blocking, held))));
    let block = move || async move {
        let (blocking, held) = once.lock().unwrap().take().expect("called once");
        blocking.send(()).unwrap();
        // It returns when the test lets go.
        let _ = held.recv();
    };
    let server = start_with(
        |config| config.drain_deadline = Duration::from_millis(200),
        |settings| {
            let kit = Kit::new(&SERVICE, &settings.kit).unwrap();
            kit.finish(OpenApiRouter::new().route("/block", axum::routing::get(block)))
        },
    )
    .await;
    let mut stream = server.connect().await;
    stream.write_all(get("/block").as_bytes()).await.unwrap();
    within(blocked).await.unwrap();
    server.shut_down();
    // Where the drain waited for the handler, this would free it only by failing.
    server.drained().await;
    drop(release);
}

#[tokio::test]
async fn tasks_are_asked_to_stop_and_awaited_after_the_requests() {
    let stopped = Arc::new(AtomicBool::new(false));
    let witness = Arc::clone(&stopped);
    let server = start_with(
        |config| config.drain_deadline = Duration::from_millis(200),
        |settings| {
            let mut kit = Kit::new(&SERVICE, &settings.kit).unwrap();
            kit.task("practice", move |stop| async move {
                stop.requested().await;
                assert!(stop.is_requested());
                tokio::task::yield_now().await;
                witness.store(true, Ordering::Release);
            });
            kit.task("stubborn", |_| std::future::pending());
            complete(kit)
        },
    );
    let server = server.await;
    assert!(!stopped.load(Ordering::Acquire));
    server.shut_down();
    // The stubborn one is cut off at the deadline.
    server.drained().await;
    assert!(stopped.load(Ordering::Acquire));
}

#[tokio::test]
async fn callers_finish_before_those_they_call_close() {
    let folder = tempfile::tempdir().unwrap();
    let back = Settings::<Domain>::for_tests(&SERVICE, folder.path());
    let (back, back_listener) = (app(&back), listen().await);
    let mut front = Settings::<Domain>::for_tests(&SERVICE, folder.path());
    let address = format!("http://{}", back_listener.local_addr().unwrap());
    front
        .kit
        .peers
        .insert("training".to_owned(), address.parse().unwrap());
    let kit = Kit::new(&SERVICE, &front.kit).unwrap();
    let peer = kit.peer("training");
    // It asks for something slow, and then once more: that call comes when all are draining.
    let twice = move || async move {
        let _: HashMap<String, Value> = peer.get("/slow-json").await?;
        let again: HashMap<String, Value> = peer.get("/slow-json").await?;
        Ok::<_, Problem>(Answer(again))
    };
    let front = kit.finish(OpenApiRouter::new().route("/twice", axum::routing::get(twice)));
    let front_listener = listen().await;
    let address = front_listener.local_addr().unwrap();
    let (trigger, shutdown) = Shutdown::manual();
    let apps = vec![
        (front.clone(), front_listener),
        (back.clone(), back_listener),
    ];
    let served = tokio::spawn(serve(apps, shutdown));
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(get("/twice").as_bytes()).await.unwrap();
    begun(&back, 1).await;
    trigger.shut_down();
    let reply = within(Reply::read(&mut stream)).await.unwrap();
    assert_eq!(reply.status, 200, "{:?}", reply.json());
    within(served).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_caller_that_never_ends_leaves_time_to_those_it_calls() {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = Settings::<Domain>::for_tests(&SERVICE, folder.path());
    settings.kit.drain_grace = Duration::ZERO;
    settings.kit.drain_deadline = Duration::from_secs(1);
    let front = app(&settings);
    let ended = Arc::new(AtomicBool::new(false));
    let witness = Arc::clone(&ended);
    let mut kit = Kit::new(&SERVICE, &settings.kit).unwrap();
    kit.task("book-keeping", move |stop| async move {
        stop.requested().await;
        tokio::time::sleep(Duration::from_millis(50)).await;
        witness.store(true, Ordering::Release);
    });
    let back = complete(kit);

    let listener = listen().await;
    let address = listener.local_addr().unwrap();
    let (trigger, shutdown) = Shutdown::manual();
    let apps = vec![(front.clone(), listener), (back, listen().await)];
    let served = tokio::spawn(serve(apps, shutdown));
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(get("/never").as_bytes()).await.unwrap();
    begun(&front, 1).await;
    trigger.shut_down();
    within(served).await.unwrap().unwrap();
    assert!(ended.load(Ordering::Acquire), "the task was cut off");
}

async fn listen() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

/// Waits until the service has seen so many requests.
async fn begun(app: &tooloo_service::App, requests: u64) {
    let figures = app.tracer().handle();
    let seen = async {
        while figures.figures().total_traces < requests {
            tokio::task::yield_now().await;
        }
    };
    within(seen).await;
}
