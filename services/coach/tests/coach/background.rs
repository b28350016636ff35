//! The coach that runs by itself.

use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};
use tokio::time::timeout;
use tooloo_testkit::{Answer, Gate, Upstream};

use crate::stand::{Coach, DRAIN, PATIENCE, Training, asked_for, json, nowhere, played, scripted};

/// Settings under which one session has one round and no hint.
fn one_round() -> Value {
    json!({"roundsPerSession": 1, "hints": false})
}

#[tokio::test]
async fn practises_once_it_is_started() {
    let training = Training::start().await;
    let coach = Coach::new(training.address, nowhere()).await;
    coach.tell("start").await;
    let status = coach
        .status_with(|status| status["counters"]["sessions"] == 1)
        .await;
    let counters = &status["counters"];
    assert_eq!(
        (&counters["rounds"], &counters["failures"]),
        (&json!(3), &json!(0))
    );
    assert_eq!(
        counters["hintFailures"], 1,
        "no budget, and practice all the same"
    );
    assert_eq!(training.overview().await["totalRounds"], 3);
    let practised = status["recentActions"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|action| action["kind"] == "practised");
    assert_eq!(practised.count(), 3);
    let status = coach
        .status_with(|status| status["nextSession"].is_string())
        .await;
    assert_eq!(status["training"]["reachable"], true);
}

#[tokio::test]
async fn goes_on_once_training_is_back() {
    let training = Upstream::start().await;
    let coach = Coach::new(training.address(), nowhere()).await;
    training.answer(Answer::new(StatusCode::SERVICE_UNAVAILABLE));
    coach.post("settings", &one_round()).await;
    coach.tell("start").await;
    let down = coach
        .status_with(|status| status["training"]["failures"].as_u64() >= Some(2))
        .await;
    assert!(
        down["training"]["lastError"]
            .as_str()
            .unwrap()
            .contains("training"),
        "{down}"
    );
    assert_eq!(down["counters"]["rounds"], 0);

    training.answer_by(|request| match request.uri.path() {
        "/api/v1/training/overview" => {
            json(&json!({"topics": [{"id": "a", "name": "A", "mastery": 0.1}]}))
        }
        "/api/v1/training/deep-dive/a" => json(&json!({"predictedCorrect": 0.0})),
        _ => played(),
    });
    let up = coach
        .status_with(|status| status["counters"]["sessions"] == 1)
        .await;
    assert_eq!(
        (&up["counters"]["rounds"], &up["counters"]["correct"]),
        (&json!(1), &json!(0))
    );
    let up = coach
        .status_with(|status| status["training"]["failures"] == 0)
        .await;
    assert_eq!(
        (&up["training"]["reachable"], &up["training"]["lastError"]),
        (&json!(true), &Value::Null)
    );
}

#[tokio::test]
async fn a_coach_that_ran_runs_again_and_has_its_counters() {
    let (training, mut questions) = scripted(played()).await;
    let mut coach = Coach::new(training.address(), nowhere()).await;
    coach.post("settings", &one_round()).await;
    let started = coach.tell("start").await;
    coach
        .status_with(|status| status["counters"]["sessions"] == 1)
        .await;
    while questions.try_recv().is_ok() {}

    coach.restart().await;
    asked_for(&mut questions, "/round").await;
    let status = coach
        .status_with(|status| status["counters"]["sessions"] == 2)
        .await;
    assert_eq!(status["counters"]["rounds"], 2);
    assert_eq!(status["runningSince"], started["runningSince"]);

    coach.tell("stop").await;
    coach.restart().await;
    let status = coach.status().await;
    assert_eq!(
        (&status["running"], &status["counters"]["rounds"]),
        (&json!(false), &json!(2))
    );
}

#[tokio::test]
async fn a_stop_ends_the_session_after_its_round() {
    let gate = Gate::shut();
    let (training, mut questions) = scripted(played().with_gate(gate.clone())).await;
    let coach = Coach::new(training.address(), nowhere()).await;
    coach
        .post("settings", &json!({"roundsPerSession": 50, "hints": false}))
        .await;
    coach.tell("start").await;
    asked_for(&mut questions, "/round").await;
    coach.tell("stop").await;
    gate.open();
    let status = coach
        .status_with(|status| status["counters"]["rounds"] == 1)
        .await;
    assert_eq!(
        (&status["counters"]["sessions"], &status["running"]),
        (&json!(0), &json!(false))
    );
}

#[tokio::test]
async fn a_drain_waits_for_a_training_that_hangs_no_longer_than_its_deadline() {
    let (training, mut questions) = scripted(played().with_gate(Gate::shut())).await;
    let coach = Coach::new(training.address(), nowhere()).await;
    coach.post("settings", &one_round()).await;
    coach.tell("start").await;
    asked_for(&mut questions, "/round").await;
    // Far less than the call to training may take.
    let drained = timeout(Duration::from_secs(5), coach.app.shutdown()).await;
    drained.expect("an end at the deadline");
}

#[tokio::test]
async fn a_drain_waits_for_the_round_and_begins_no_other() {
    let gate = Gate::shut();
    let (training, mut questions) = scripted(played().with_gate(gate.clone())).await;
    let coach = Coach::new(training.address(), nowhere()).await;
    coach
        .post("settings", &json!({"roundsPerSession": 50, "hints": false}))
        .await;
    coach.tell("start").await;
    asked_for(&mut questions, "/round").await;
    let draining = coach.app.shutdown();
    let answering = async {
        // A drain that did not wait would be over long before.
        tokio::time::sleep(DRAIN / 4).await;
        gate.open();
    };
    timeout(PATIENCE, async { tokio::join!(draining, answering) })
        .await
        .expect("an end after the round");
    assert_eq!(coach.status().await["counters"]["rounds"], 1);
    assert!(questions.try_recv().is_err(), "no further question");
}

#[tokio::test]
async fn a_drain_waits_for_a_round_whose_caller_has_left() {
    let gate = Gate::shut();
    let (training, mut questions) = scripted(played().with_gate(gate.clone())).await;
    let coach = Coach::new(training.address(), nowhere()).await;
    {
        let one_round = json!({"rounds": 1});
        let boost = coach.post("boost", &one_round);
        tokio::select! {
            _ = boost => panic!("the gate is shut"),
            () = asked_for(&mut questions, "/round") => {}
        }
    }
    let answering = async {
        tokio::time::sleep(DRAIN / 4).await;
        gate.open();
    };
    timeout(PATIENCE, async {
        tokio::join!(coach.app.shutdown(), answering)
    })
    .await
    .expect("an end after the round");
    assert_eq!(coach.status().await["counters"]["rounds"], 1);
}

#[tokio::test]
async fn a_hint_is_asked_for_once_while_it_is_good() {
    let (training, _questions) = scripted(played()).await;
    let budget = Upstream::start().await;
    budget.answer(json(&json!({"text": "Draw it."})));
    let coach = Coach::new(training.address(), budget.address()).await;
    for sessions in 1..=3 {
        // Every start begins with a session.
        coach.tell("start").await;
        coach
            .status_with(|status| status["counters"]["sessions"] == sessions)
            .await;
        coach.tell("stop").await;
    }
    let status = coach.status().await;
    assert_eq!(status["counters"]["hints"], 1, "one was bought");
    let actions = status["recentActions"].as_array().unwrap();
    let hints = actions.iter().filter(|action| action["hint"] == "Draw it.");
    assert_eq!(hints.count(), 3, "each session begins with it");
    assert_eq!(budget.received().len(), 1);
}

#[tokio::test]
async fn a_drain_between_two_sessions_is_immediate() {
    let (training, _questions) = scripted(played()).await;
    let coach = Coach::new(training.address(), nowhere()).await;
    coach.post("settings", &one_round()).await;
    coach.tell("start").await;
    coach
        .status_with(|status| status["counters"]["sessions"] == 1)
        .await;
    timeout(PATIENCE, coach.app.shutdown())
        .await
        .expect("an end before the next session");
}

#[tokio::test]
async fn a_session_begins_with_a_hint_where_one_can_be_had() {
    for (burst, hints, failures) in [
        (json(&json!({"text": "Draw it."})), 1, 0),
        (json(&json!({"text": " "})), 0, 1),
        (Answer::new(StatusCode::PAYMENT_REQUIRED), 0, 1),
        (
            json(&json!({"text": "Too late."})).with_gate(Gate::shut()),
            0,
            1,
        ),
    ] {
        let (training, _questions) = scripted(played()).await;
        let budget = Upstream::start().await;
        budget.answer(burst);
        let coach = Coach::new(training.address(), budget.address()).await;
        coach.tell("start").await;
        let status = coach
            .status_with(|status| status["counters"]["sessions"] == 1)
            .await;
        let counters = &status["counters"];
        assert_eq!(
            (&counters["hints"], &counters["hintFailures"]),
            (&json!(hints), &json!(failures))
        );
        assert_eq!(counters["rounds"], 3, "practice goes on in any case");
        let actions = status["recentActions"].as_array().unwrap();
        let hinted = actions.iter().find(|action| action["kind"] == "hinted");
        assert_eq!(
            hinted.map(|action| action["hint"].as_str().unwrap()),
            (hints == 1).then_some("Draw it.")
        );
        if let Some(asked) = budget.received().first() {
            let prompt: Value = serde_json::from_slice(&asked.body).unwrap();
            assert!(
                prompt["prompt"].as_str().unwrap().contains("Only"),
                "{prompt}"
            );
        }
    }
}
