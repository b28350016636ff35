//! Boosts: rounds that are played now.

use http::StatusCode;
use serde_json::{Value, json};
use tooloo_testkit::{Answer, Gate, Upstream};
use tower::ServiceExt;

use crate::stand::{Coach, Training, asked_for, nowhere, played, scripted};

fn outcomes(boosted: &Value) -> Vec<bool> {
    let rounds = boosted["rounds"].as_array().unwrap();
    rounds
        .iter()
        .map(|round| round["correct"].as_bool().unwrap())
        .collect()
}

#[tokio::test]
async fn counts_exactly_what_training_counts() {
    let training = Training::start().await;
    let coach = Coach::new(training.address, nowhere()).await;
    let (status, boosted) = coach.post("boost", &json!({"rounds": 12})).await;
    assert_eq!(status, StatusCode::OK, "{boosted}");
    assert_eq!(
        (&boosted["requested"], &boosted["completed"]),
        (&json!(12), &json!(12))
    );
    let right = outcomes(&boosted)
        .into_iter()
        .filter(|&right| right)
        .count();
    assert_eq!(boosted["correct"], json!(right));

    let overview = training.overview().await;
    assert_eq!(
        (&overview["totalRounds"], &overview["correctRounds"]),
        (&json!(12), &json!(right))
    );
    let counters = coach.status().await["counters"].clone();
    assert_eq!(
        (&counters["rounds"], &counters["correct"]),
        (&json!(12), &json!(right))
    );
    assert_eq!(
        (&counters["boosts"], &counters["sessions"]),
        (&json!(1), &json!(0))
    );
}

#[tokio::test]
async fn leaves_training_alone_once_it_fails_too_often() {
    let training = Upstream::start().await;
    training.answer(Answer::new(StatusCode::INTERNAL_SERVER_ERROR));
    let coach = Coach::new(training.address(), nowhere()).await;
    for boost in 0..12 {
        let (status, problem) = coach.post("boost", &json!({"rounds": 1})).await;
        let code = if boost < 10 {
            "peer_failed"
        } else {
            "circuit_open"
        };
        assert_eq!(problem["code"], code, "{problem}");
        let expected = if boost < 10 { 502 } else { 503 };
        assert_eq!(status.as_u16(), expected, "{problem}");
    }
    assert_eq!(training.received().len(), 10);
    let told = coach.app.hub().snapshot();
    let breakers = &told["circuitBreakers"];
    let of = |name: &str| {
        let breaker = &breakers[name];
        let counts = ["callCount", "failureCount", "rejectedCount"];
        counts.map(|count| breaker[count].as_u64().unwrap())
    };
    assert_eq!((of("training"), of("budget")), ([10, 10, 2], [0, 0, 0]));
    assert_eq!(breakers["training"]["status"], "open");
}

#[tokio::test]
async fn goes_round_the_weakest_topics() {
    let training = Training::start().await;
    let before = training.overview().await;
    let mut topics: Vec<(f64, String)> = before["topics"]
        .as_array()
        .unwrap()
        .iter()
        .map(|topic| {
            (
                topic["mastery"].as_f64().unwrap(),
                topic["id"].as_str().unwrap().to_owned(),
            )
        })
        .collect();
    topics.sort_by(|a, b| a.0.total_cmp(&b.0));
    let coach = Coach::new(training.address, nowhere()).await;
    let (_, boosted) = coach.post("boost", &json!({"rounds": 6})).await;
    let practised: Vec<&str> = boosted["rounds"]
        .as_array()
        .unwrap()
        .iter()
        .map(|round| round["topic"].as_str().unwrap())
        .collect();
    let weakest: Vec<&str> = topics.iter().take(3).map(|(_, id)| id.as_str()).collect();
    assert_eq!(practised, [weakest.clone(), weakest].concat());
}

#[tokio::test]
async fn practises_one_topic_by_any_spelling_of_its_name() {
    let training = Training::start().await;
    let coach = Coach::new(training.address, nowhere()).await;
    for spelling in [
        "operating SYSTEMS",
        " Operating  Systems",
        "operating_systems?",
    ] {
        let (status, boosted) = coach
            .post("boost", &json!({"topic": spelling, "rounds": 2}))
            .await;
        assert_eq!(status, StatusCode::OK, "{boosted}");
        for round in boosted["rounds"].as_array().unwrap() {
            assert_eq!(round["topic"], "operating-systems");
            assert_eq!(round["kind"], "boosted");
            assert!((0.0..=1.0).contains(&round["chance"].as_f64().unwrap()));
        }
    }
}

#[tokio::test]
async fn the_learner_follows_its_seed() {
    let mut answers = Vec::new();
    for seed in [1, 1, 2] {
        let training = Training::start().await;
        let coach = Coach::new(training.address, nowhere()).await;
        coach.post("settings", &json!({"seed": seed})).await;
        let (_, boosted) = coach.post("boost", &json!({"rounds": 50})).await;
        answers.push(outcomes(&boosted));
    }
    assert_eq!(answers[0], answers[1]);
    assert_ne!(answers[0], answers[2]);
}

#[tokio::test]
async fn an_unknown_topic_is_named_and_nothing_is_counted() {
    let training = Training::start().await;
    let coach = Coach::new(training.address, nowhere()).await;
    let (status, problem) = coach.post("boost", &json!({"topic": "Alchemy"})).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(
        problem["detail"].as_str().unwrap().contains("Alchemy"),
        "{problem}"
    );
    assert_eq!(coach.status().await["counters"]["boosts"], 0);
}

#[tokio::test]
async fn says_that_training_is_down() {
    let coach = Coach::new(nowhere(), nowhere()).await;
    let (status, problem) = coach.post("boost", &json!({})).await;
    assert_eq!(status, StatusCode::BAD_GATEWAY);
    assert!(
        problem["detail"].as_str().unwrap().contains("training"),
        "{problem}"
    );
    assert_eq!(coach.status().await["counters"]["failures"], 1);
}

#[tokio::test]
async fn only_one_boost_goes_on_at_a_time() {
    let gate = Gate::shut();
    let (training, mut questions) = scripted(played().with_gate(gate.clone())).await;
    let coach = Coach::new(training.address(), nowhere()).await;
    let one_round = json!({"rounds": 1});
    let first = coach.post("boost", &one_round);
    let second = async {
        asked_for(&mut questions, "/round").await;
        let refused = coach.post("boost", &json!({})).await;
        gate.open();
        refused
    };
    let ((first, _), (second, problem)) = tokio::join!(first, second);
    assert_eq!(first, StatusCode::OK);
    assert_eq!(
        (second, &problem["code"]),
        (StatusCode::CONFLICT, &json!("boost_in_progress"))
    );
}

#[tokio::test]
async fn a_round_is_counted_although_its_caller_has_left() {
    let gate = Gate::shut();
    let (training, mut questions) = scripted(played().with_gate(gate.clone())).await;
    let coach = Coach::new(training.address(), nowhere()).await;
    let request = http::Request::post("/api/v1/auto-coach/boost").body(axum::body::Body::empty());
    let calling = tokio::spawn(coach.app.router().oneshot(request.unwrap()));
    asked_for(&mut questions, "/round").await;
    calling.abort();
    assert!(calling.await.unwrap_err().is_cancelled());
    gate.open();
    let status = coach
        .status_with(|status| status["counters"]["rounds"] == 1)
        .await;
    assert_eq!(status["counters"]["correct"], 1);
    // The boost itself ended with its caller, and another one is possible.
    let (status, _) = coach.post("boost", &json!({"rounds": 1})).await;
    assert_eq!(status, StatusCode::OK);
}
