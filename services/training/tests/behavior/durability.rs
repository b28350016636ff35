//! What survives, and what happens at once.

use futures_util::future::join_all;
use http::StatusCode;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::call::{get, post, training};

const SHOWN: [&str; 4] = [
    "/api/v1/training/overview",
    "/api/v1/training/deep-dive/sets",
    "/api/v1/training/history",
    "/api/v1/training/active",
];

async fn shown(router: &axum::Router) -> Vec<Value> {
    let mut shown = Vec::new();
    for path in SHOWN {
        let (status, mut answer) = get(router, path).await;
        assert_eq!(status, StatusCode::OK, "{path}: {answer}");
        answer["traceId"].take();
        shown.push(answer);
    }
    shown
}

#[tokio::test]
async fn a_restart_on_the_same_folder_shows_the_same() {
    let folder = TempDir::new().unwrap();
    let app = training(folder.path()).await;
    let router = app.router();
    post(
        &router,
        "/api/v1/training/new-topic",
        &json!({"name": "Sets"}),
    )
    .await;
    post(&router, "/api/v1/training/start", &json!({"topic": "sets"})).await;
    for correct in [true, true, false, true] {
        post(
            &router,
            "/api/v1/training/round",
            &json!({"correct": correct}),
        )
        .await;
    }
    let before = shown(&router).await;
    app.shutdown().await;
    drop((app, router));

    let again = training(folder.path()).await;
    assert_eq!(shown(&again.router()).await, before);
}

/// The first instance never ends: what it answered has to be on disk already.
#[tokio::test]
async fn an_answered_round_is_there_for_a_second_process() {
    let folder = TempDir::new().unwrap();
    let first = training(folder.path()).await;
    let (status, played) = post(
        &first.router(),
        "/api/v1/training/round",
        &json!({"correct": true}),
    )
    .await;
    assert_eq!(status, StatusCode::CREATED);

    let second = training(folder.path()).await;
    let (_, history) = get(&second.router(), "/api/v1/training/history").await;
    assert_eq!(history["rounds"], json!([played["round"]]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rounds_that_arrive_together_build_on_each_other() {
    let folder = TempDir::new().unwrap();
    let router = training(folder.path()).await.router();
    let play = |index: usize| {
        let router = router.clone();
        tokio::spawn(async move {
            let body = json!({"topic": "databases", "correct": !index.is_multiple_of(3)});
            let (status, played) = post(&router, "/api/v1/training/round", &body).await;
            assert_eq!(status, StatusCode::CREATED, "{played}");
        })
    };
    for played in join_all((0..200).map(play)).await {
        played.unwrap();
    }
    let (_, history) = get(&router, "/api/v1/training/history?limit=1000").await;
    let rounds = history["rounds"].as_array().unwrap();
    assert_eq!(rounds.len(), 200);
    // Each round starts exactly where the one before ended: none was lost.
    for pair in rounds.windows(2) {
        assert_eq!(pair[0]["mastery"], pair[1]["masteryBefore"]);
    }
    let (_, dive) = get(&router, "/api/v1/training/deep-dive/databases").await;
    assert_eq!(dive["topic"]["attempts"], 200);
    assert_eq!(dive["topic"]["mastery"], rounds[199]["mastery"]);
}

#[tokio::test]
async fn one_of_many_equal_topics_is_added() {
    let folder = TempDir::new().unwrap();
    let router = training(folder.path()).await.router();
    let body = json!({"name": "Sets"});
    let all = join_all((0..20).map(|_| post(&router, "/api/v1/training/new-topic", &body))).await;
    let added = all
        .iter()
        .filter(|(status, _)| *status == StatusCode::CREATED)
        .count();
    let refused = all
        .iter()
        .filter(|(status, _)| *status == StatusCode::CONFLICT)
        .count();
    assert_eq!((added, refused), (1, 19));
}
