//! A fleet that is told to stop while it is loaded fails nobody whom it let in.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use http::Method;
use http_body_util::BodyExt;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
    time::{sleep, timeout},
};
use tooloo_testkit::{
    client::{Client, SendError, request},
    fleet::FleetProcess,
};

use crate::fleet;

const CLIENTS: usize = 4;
const BEFORE: u64 = 200;
const PATIENCE: Duration = Duration::from_secs(20);
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// What became of the load.
#[derive(Debug, Default)]
struct Load {
    stopping: AtomicBool,
    answered: AtomicU64,
    answered_while_stopping: AtomicU64,
    refused: AtomicU64,
}

#[tokio::test]
async fn a_stop_under_load_fails_no_request_that_was_let_in() {
    let fleet = fleet("drain_grace = '300ms'\ndrain_deadline = '10s'\nheader_timeout = '1s'\n")
        .start()
        .await;
    let load = Arc::new(Load::default());
    let mut clients = JoinSet::new();
    for nth in 0..CLIENTS {
        let targets = targets(&fleet, nth);
        clients.spawn(Arc::clone(&load).press("kept-alive", Client::new(), targets.clone()));
        clients.spawn(Arc::clone(&load).press("fresh", Client::without_keep_alive(), targets));
    }
    // A stream that would never end, and a client that never gets to the end of its request.
    let stream = request(
        Method::GET,
        fleet.url("web", "/api/v1/providers/realtime"),
        None,
    );
    let mut stream = Client::new()
        .open(stream)
        .await
        .expect("web answers")
        .into_body();
    timeout(PATIENCE, stream.frame())
        .await
        .expect("an event comes")
        .expect("it goes on")
        .expect("it is sound");
    let mut half = TcpStream::connect(("127.0.0.1", fleet.port("web")))
        .await
        .expect("web listens");
    half.write_all(b"GET /health HTTP/1.1\r\nHost: lo")
        .await
        .expect("web listens");

    let warm = async {
        while load.answered.load(Ordering::Relaxed) < BEFORE {
            sleep(LOOK_AGAIN).await;
        }
    };
    timeout(PATIENCE, warm).await.expect("the fleet answers");
    load.stopping.store(true, Ordering::Relaxed);
    fleet.terminate();

    let exit = timeout(PATIENCE, fleet.wait())
        .await
        .expect("the drain ends");
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    while let Some(client) = clients.join_next().await {
        client.expect("no client saw a failure");
    }
    let while_stopping = load.answered_while_stopping.load(Ordering::Relaxed);
    assert!(
        while_stopping > 0,
        "nothing was answered between the signal and the end: {load:?}"
    );
    assert_eq!(
        load.refused.load(Ordering::Relaxed),
        2 * CLIENTS as u64,
        "each client was refused once, and left"
    );
    // Both were let go: the stream at its end, the half request with or without an answer.
    let rest = timeout(PATIENCE, stream.collect())
        .await
        .expect("the stream has ended");
    rest.expect("it ended as streams do");
    let mut last = Vec::new();
    timeout(PATIENCE, half.read_to_end(&mut last))
        .await
        .expect("the connection is closed")
        .ok();
}

/// Requests over all of the fleet, each client beginning with another one.
fn targets(fleet: &FleetProcess, first: usize) -> Vec<(Method, String)> {
    let mut targets = vec![
        (Method::GET, fleet.url("web", "/api/v1/training/overview")),
        (Method::POST, fleet.url("web", "/api/v1/training/round")),
        (
            Method::GET,
            fleet.url("web", "/api/v4/meta-learning/insights"),
        ),
        (
            Method::GET,
            fleet.url("web", "/api/v1/providers/burst?prompt=again"),
        ),
        (Method::GET, fleet.url("web", "/api/v1/reports/performance")),
        (Method::GET, fleet.url("web", "/api/v1/auto-coach/status")),
    ];
    let turn = first % targets.len();
    targets.rotate_left(turn);
    targets
}

impl Load {
    /// Sends one request after the other until the fleet lets nobody in any more.
    async fn press(self: Arc<Self>, kind: &str, client: Client, targets: Vec<(Method, String)>) {
        for (method, url) in targets.iter().cycle() {
            let body = (*method == Method::POST).then(|| json!({ "correct": true }));
            match client
                .try_send(request(method.clone(), url, body.as_ref()))
                .await
            {
                Ok(reply) => {
                    assert!(
                        reply.status.is_success(),
                        "{method} {url}: {} {}",
                        reply.status,
                        reply.text()
                    );
                    self.answered.fetch_add(1, Ordering::Relaxed);
                    if self.stopping.load(Ordering::Relaxed) {
                        self.answered_while_stopping.fetch_add(1, Ordering::Relaxed);
                    }
                }
                Err(SendError::Connect(_)) if self.stopping.load(Ordering::Relaxed) => {
                    self.refused.fetch_add(1, Ordering::Relaxed);
                    return;
                }
                Err(error) => panic!("{method} {url} on a {kind} connection: {error}"),
            }
        }
    }
}
