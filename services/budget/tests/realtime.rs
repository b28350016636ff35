//! The figures of the moment, as they come.

#![allow(clippy::unwrap_used, reason = "a test panics where something is wrong")]

mod rig;

use http::{Method, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use rig::{Rig, assert_problem, within};
use serde_json::Value;
use tooloo_testkit::{Client, client};

async fn listen(rig: &Rig) -> http::Response<Incoming> {
    let url = rig.budget.url("/api/v1/providers/realtime");
    let request = client::request(Method::GET, url, None);
    within(Client::new().open(request)).await.unwrap()
}

/// Returns the figures of the next event, or `None` where the stream ends.
async fn next(stream: &mut http::Response<Incoming>) -> Option<Value> {
    let frame = within(stream.body_mut().frame()).await?.unwrap();
    let text = String::from_utf8(frame.into_data().unwrap().to_vec()).unwrap();
    let data = text.lines().find_map(|line| line.strip_prefix("data: "));
    Some(serde_json::from_str(data.unwrap()).unwrap())
}

#[tokio::test]
async fn figures_come_again_and_again_until_the_drain() {
    let rig = Rig::start(|_| {}).await;
    let mut stream = listen(&rig).await;
    assert_eq!(stream.status(), StatusCode::OK);
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    for _ in 0..2 {
        let figures = next(&mut stream).await.unwrap();
        assert_eq!(figures["providersAvailable"], 1, "{figures}");
        assert_eq!(figures["providers"][0]["name"], "simulator");
        assert_eq!(figures["budget"]["dailyLimit"], 10.0);
    }
    rig.budget.drain();
    let ending = async { while next(&mut stream).await.is_some() {} };
    within(ending).await;
    rig.budget.stop().await;
}

#[tokio::test]
async fn whoever_comes_later_begins_with_fresh_figures() {
    let rig = Rig::start(|_| {}).await;
    let mut first = listen(&rig).await;
    let earlier = next(&mut first).await.unwrap();
    let mut second = listen(&rig).await;
    let later = next(&mut second).await.unwrap();
    let timestamp = |figures: &Value| figures["timestamp"].as_str().unwrap().to_owned();
    assert_ne!(timestamp(&earlier), timestamp(&later), "{later}");
}

#[tokio::test]
async fn no_more_listen_than_there_are_places() {
    let rig = Rig::start(|config| config.max_subscribers = 1).await;
    let mut stream = listen(&rig).await;
    next(&mut stream).await.unwrap();
    let refused = rig.budget.get("/api/v1/providers/realtime").await;
    assert_problem(&refused, 503, "too many listen");
    // Whoever leaves makes room.
    drop(stream);
    let again = async {
        while listen(&rig).await.status() != StatusCode::OK {
            tokio::task::yield_now().await;
        }
    };
    within(again).await;
}
