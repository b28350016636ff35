//! Clients that keep a server waiting are cut, and nobody else is.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::running::{Reply, closed, get, start, within};

const SHORT: Duration = Duration::from_millis(100);
const LONG: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn a_client_that_sends_nothing_is_cut() {
    let server = start(|config| config.header_timeout = SHORT).await;
    assert!(closed(server.connect().await).await >= SHORT);
}

#[tokio::test]
async fn a_client_that_sends_one_byte_is_cut() {
    let server = start(|config| config.header_timeout = SHORT).await;
    let mut stream = server.connect().await;
    stream.write_all(b"P").await.unwrap();
    closed(stream).await;
}

#[tokio::test]
async fn a_client_that_dribbles_its_head_is_cut_for_all_its_progress() {
    let server = start(|config| config.header_timeout = SHORT).await;
    let mut stream = server.connect().await;
    stream
        .write_all(b"GET / HTTP/1.1\r\nhost: x\r\n")
        .await
        .unwrap();
    let dribble = async {
        // The write fails once the server has closed.
        while stream.write_all(b"x-drip: 1\r\n").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    within(dribble).await;
}

#[tokio::test]
async fn an_idle_connection_outlives_the_time_for_a_head_but_not_its_own() {
    let server = start(|config| {
        config.header_timeout = SHORT;
        config.idle_timeout = SHORT * 4;
    })
    .await;
    let mut stream = server.connect().await;
    let request = get("/history").replace("connection: close\r\n", "");
    for _ in 0..2 {
        stream.write_all(request.as_bytes()).await.unwrap();
        assert_eq!(within(Reply::read(&mut stream)).await.unwrap().status, 200);
        tokio::time::sleep(SHORT * 2).await;
    }
    closed(stream).await;
}

#[tokio::test]
async fn a_handler_may_take_longer_than_a_head() {
    let server = start(|config| {
        config.header_timeout = SHORT;
        config.idle_timeout = SHORT;
    })
    .await;
    assert_eq!(server.get("/slow").await.status, 200);
}

#[tokio::test]
async fn a_client_that_takes_no_byte_of_its_answer_is_cut() {
    let server = start(|config| {
        config.write_timeout = SHORT;
        config.idle_timeout = LONG;
    })
    .await;
    let mut stream = server.connect().await;
    stream.write_all(get("/huge").as_bytes()).await.unwrap();
    // Far longer than the server waits for the first byte to be taken.
    tokio::time::sleep(SHORT * 10).await;
    let mut rest = Vec::new();
    let _ = within(stream.read_to_end(&mut rest)).await;
    assert!(rest.len() < 64 << 20, "the whole answer came");
}

#[tokio::test]
async fn connections_past_the_bound_wait_for_their_turn() {
    let server = start(|config| config.max_connections = 1).await;
    let mut first = server.connect().await;
    first.write_all(b"GET /his").await.unwrap();
    let mut second = server.connect().await;
    second.write_all(get("/history").as_bytes()).await.unwrap();
    let early = tokio::time::timeout(SHORT, second.read_u8()).await;
    assert!(early.is_err(), "two connections were served at once");
    first
        .write_all(&get("/history").as_bytes()[8..])
        .await
        .unwrap();
    assert_eq!(within(Reply::read(&mut first)).await.unwrap().status, 200);
    drop(first);
    assert_eq!(within(Reply::read(&mut second)).await.unwrap().status, 200);
}
