//! What a learner sees.

use std::time::Duration;

use axum::body::Body;
use http::{Request, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;
use training::TrainingConfig;

use crate::call::{get, post, send, training, training_with};

const OVERVIEW: &str = "/api/v1/training/overview";
const ROUND: &str = "/api/v1/training/round";
const START: &str = "/api/v1/training/start";
const NEW_TOPIC: &str = "/api/v1/training/new-topic";

fn number(value: &Value) -> f64 {
    value
        .as_f64()
        .unwrap_or_else(|| panic!("{value} is no number"))
}

#[tokio::test]
async fn starts_with_nine_topics_and_no_made_up_figures() {
    let folder = TempDir::new().unwrap();
    let router = training(folder.path()).await.router();
    let (status, overview) = get(&router, OVERVIEW).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(overview["totalTopics"], 9);
    assert_eq!(overview["topics"].as_array().unwrap().len(), 9);
    assert_eq!(overview["masteredTopics"], 0);
    assert_eq!(overview["totalRounds"], 0);
    assert_eq!(overview["accuracy"], Value::Null);
    assert_eq!(overview["topics"][0]["lastPractised"], Value::Null);
    assert!(overview["traceId"].is_string(), "{overview}");
}

#[tokio::test]
async fn a_right_answer_raises_mastery_everywhere_it_is_shown() {
    let folder = TempDir::new().unwrap();
    let router = training(folder.path()).await.router();
    let (status, played) = post(
        &router,
        ROUND,
        &json!({"topic": "Databases", "correct": true}),
    )
    .await;
    assert_eq!(status, StatusCode::CREATED, "{played}");
    assert_eq!(played["chosenBy"], "request");
    assert_eq!(played["round"]["id"], 1);
    assert!(number(&played["round"]["mastery"]) > number(&played["round"]["masteryBefore"]));

    let (_, overview) = get(&router, OVERVIEW).await;
    let topics = overview["topics"].as_array().unwrap();
    let databases = topics
        .iter()
        .find(|topic| topic["id"] == "databases")
        .unwrap();
    assert_eq!(databases, &played["topic"]);
    assert_eq!(
        (&databases["attempts"], &databases["streak"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(overview["accuracy"], 1.0);

    let (_, dive) = get(&router, "/api/v1/training/deep-dive/databases").await;
    assert_eq!(dive["topic"], played["topic"]);
    assert_eq!(dive["predictedCorrect"], played["predictedCorrect"]);
    assert_eq!(dive["recentRounds"], json!([played["round"]]));
    assert_eq!(dive["learningCurve"][0]["attempt"], 1);
    assert!(number(&dive["expectedRoundsToMastery"]) >= 1.0);

    let (_, progress) = get(&router, "/api/v1/training/progress?topic=databases").await;
    assert_eq!(progress["days"][0]["rounds"], 1);
    assert_eq!(
        progress["topics"][0]["days"][0]["mastery"],
        played["round"]["mastery"]
    );
}

#[tokio::test]
async fn enough_right_answers_master_a_topic_once() {
    let folder = TempDir::new().unwrap();
    let router = training(folder.path()).await.router();
    let mut times = 0;
    for _ in 0..12 {
        let (_, played) = post(
            &router,
            ROUND,
            &json!({"topic": "databases", "correct": true}),
        )
        .await;
        times += usize::from(played["newlyMastered"] == true);
    }
    assert_eq!(times, 1);
    let (_, overview) = get(&router, OVERVIEW).await;
    assert_eq!(overview["masteredTopics"], 1);
    let (_, dive) = get(&router, "/api/v1/training/deep-dive/databases").await;
    assert_eq!(dive["expectedRoundsToMastery"], 0.0);
    let (_, next) = get(&router, "/api/v1/next-domain").await;
    assert_ne!(next["topic"]["id"], "databases");
    assert_eq!(next["topicsToMaster"], 8);
}

#[tokio::test]
async fn a_round_without_a_topic_practises_what_next_domain_names() {
    let folder = TempDir::new().unwrap();
    let router = training(folder.path()).await.router();
    let (_, next) = get(&router, "/api/v1/next-domain").await;
    assert_eq!(next["purpose"], "learn");
    assert!(
        next["reason"].as_str().unwrap().contains("never practised"),
        "{next}"
    );
    let (_, played) = post(&router, ROUND, &json!({"correct": false})).await;
    assert_eq!(played["chosenBy"], "next");
    assert_eq!(played["topic"]["id"], next["topic"]["id"]);
}

#[tokio::test]
async fn a_session_gathers_its_topics_rounds_until_another_starts() {
    let folder = TempDir::new().unwrap();
    let router = training(folder.path()).await.router();
    let (_, active) = get(&router, "/api/v1/training/active").await;
    assert_eq!(active["session"], Value::Null);

    let (status, started) = post(&router, START, &json!({"topic": "compilers"})).await;
    assert_eq!(
        (status, &started["ended"]),
        (StatusCode::CREATED, &Value::Null)
    );
    for correct in [true, false] {
        let (_, played) = post(&router, ROUND, &json!({"correct": correct})).await;
        assert_eq!(played["chosenBy"], "session");
        assert_eq!(played["round"]["session"], started["session"]["id"]);
    }
    post(
        &router,
        ROUND,
        &json!({"topic": "databases", "correct": true}),
    )
    .await;
    let (_, active) = get(&router, "/api/v1/training/active").await;
    let session = &active["session"];
    assert_eq!(
        (&session["topic"], &session["rounds"]),
        (&json!("compilers"), &json!(2))
    );
    assert_eq!(session["accuracy"], 0.5);

    // No body at all starts a session on the next topic.
    let request = Request::post(START).body(Body::empty()).unwrap();
    let (status, second) = send(&router, request).await;
    assert_eq!(status, StatusCode::CREATED, "{second}");
    assert_eq!(second["ended"], started["session"]["id"]);
}

#[tokio::test]
async fn an_idle_session_runs_no_more() {
    let folder = TempDir::new().unwrap();
    let config = TrainingConfig::default().with_session_idle(Duration::ZERO);
    let router = training_with(folder.path(), config).await.router();
    post(&router, START, &json!({"topic": "compilers"})).await;
    // The clock that sessions are kept by is the wall clock: it moves on by itself.
    let moved_on = async {
        loop {
            let (_, active) = get(&router, "/api/v1/training/active").await;
            if active["session"].is_null() {
                break;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), moved_on)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_new_topic_gets_a_model_by_its_difficulty() {
    let folder = TempDir::new().unwrap();
    let router = training(folder.path()).await.router();
    let mut starts = Vec::new();
    for (name, difficulty) in [
        ("Sets", "easy"),
        ("Logic", "medium"),
        ("Category Theory", "hard"),
    ] {
        let body = json!({"name": name, "difficulty": difficulty});
        let (status, added) = post(&router, NEW_TOPIC, &body).await;
        assert_eq!(status, StatusCode::CREATED, "{added}");
        assert_eq!(added["topic"]["difficulty"], difficulty);
        assert_eq!(added["topic"]["mastery"], added["parameters"]["known"]);
        starts.push(number(&added["topic"]["mastery"]));
    }
    assert!(starts.is_sorted_by(|a, b| a > b), "{starts:?}");
    let (_, medium) = post(&router, NEW_TOPIC, &json!({"name": "Type  Theory"})).await;
    assert_eq!(medium["topic"]["id"], "type-theory");
    assert_eq!(medium["topic"]["name"], "Type Theory");
    assert_eq!(medium["topic"]["difficulty"], "medium");
    let (status, _) = get(&router, "/api/v1/training/deep-dive/Category%20Theory").await;
    assert_eq!(status, StatusCode::OK);
}

#[tokio::test]
async fn history_pages_join_without_gap_or_overlap() {
    let folder = TempDir::new().unwrap();
    let router = training(folder.path()).await.router();
    for _ in 0..7 {
        post(&router, ROUND, &json!({"correct": true})).await;
    }
    let mut seen = Vec::new();
    let mut path = "/api/v1/training/history?limit=3".to_owned();
    loop {
        let (status, page) = get(&router, &path).await;
        assert_eq!((status, &page["newest"]), (StatusCode::OK, &json!(7)));
        seen.extend(
            page["rounds"]
                .as_array()
                .unwrap()
                .iter()
                .map(|round| round["id"].clone()),
        );
        let Some(next) = page["next"].as_i64() else {
            break;
        };
        path = format!("/api/v1/training/history?limit=3&since={next}");
    }
    assert_eq!(json!(seen), json!([1, 2, 3, 4, 5, 6, 7]));

    let (_, future) = get(
        &router,
        "/api/v1/training/history?since=2999-01-01T00:00:00Z",
    )
    .await;
    assert_eq!(future["rounds"], json!([]));
    let (_, past) = get(
        &router,
        "/api/v1/training/history?since=1999-01-01T00:00:00Z",
    )
    .await;
    assert_eq!(past["rounds"].as_array().unwrap().len(), 7);
}

#[tokio::test]
async fn the_openapi_document_describes_every_route() {
    let folder = TempDir::new().unwrap();
    let router = training(folder.path()).await.router();
    let (status, document) = get(&router, "/openapi.json").await;
    assert_eq!(status, StatusCode::OK);
    for (method, path, id) in [
        ("get", OVERVIEW, "overview"),
        ("get", "/api/v1/training/active", "active"),
        ("get", "/api/v1/training/deep-dive/{topic}", "deep_dive"),
        ("get", "/api/v1/training/progress", "progress"),
        ("get", "/api/v1/training/history", "history"),
        ("post", NEW_TOPIC, "new_topic"),
        ("post", START, "start"),
        ("post", ROUND, "round"),
        ("get", "/api/v1/next-domain", "next_domain"),
    ] {
        let operation = &document["paths"][path][method];
        assert_eq!(operation["operationId"], id, "{method} {path}");
        assert!(operation["summary"].is_string(), "{method} {path}");
    }
}
