//! Reports that compare one time with another.

use http::StatusCode;
use serde_json::{Value, json};
use tooloo_testkit::Upstream;

use crate::stand::{Stand, say, source};

fn training(rounds: u32, mastery: f64) -> Vec<(&'static str, Value)> {
    let overview = json!({
        "totalRounds": rounds, "correctRounds": rounds / 2, "meanMastery": mastery, "totalTopics": 1,
        "topics": [{"mastery": mastery}],
    });
    vec![("/api/v1/training/overview", overview)]
}

fn budget(spent: f64) -> Vec<(&'static str, Value)> {
    // Far enough in the future that the snapshot's own day cannot come after it.
    let days = json!({"days": [{"date": "9998-01-01", "spent": spent}]});
    vec![
        ("/api/v1/budget", json!({"spent": 0.0, "remaining": 10.0})),
        ("/api/v1/budget/history", days),
    ]
}

async fn school() -> (Upstream, Upstream, Stand) {
    let (pupil, purse) = (source(training(10, 0.25)).await, source(budget(0.0)).await);
    let peers = [("training", pupil.address()), ("budget", purse.address())];
    let stand = Stand::new(&peers).await;
    (pupil, purse, stand)
}

#[tokio::test]
async fn there_is_nothing_to_compare_with_at_first() {
    let (_pupil, _purse, stand) = school().await;
    let delta = stand.report("delta").await;
    assert_eq!(delta["since"], Value::Null);
    assert_eq!(
        delta["figures"]["rounds"],
        json!({"before": null, "now": 10.0, "change": null})
    );

    let (_pupil, _purse, stand) = school().await;
    let cost = stand.report("cost-efficiency").await;
    for unknown in [
        "since",
        "spend",
        "masteryGained",
        "costPerMastery",
        "costPerRound",
    ] {
        assert_eq!(cost[unknown], Value::Null, "{unknown}");
    }

    let (_pupil, _purse, stand) = school().await;
    let trends = stand.report("trends").await;
    assert_eq!(trends["snapshots"], 1);
    let rounds = &trends["trends"]["rounds"];
    assert_eq!(
        (&rounds["points"], &rounds["slopePerHour"]),
        (&json!(1), &Value::Null)
    );
}

#[tokio::test]
async fn delta_is_the_change_since_the_previous_snapshot_or_since_a_time() {
    let (pupil, _purse, mut stand) = school().await;
    let first = stand.report("dashboard").await["generatedAt"]
        .as_str()
        .unwrap()
        .to_owned();
    say(&pupil, training(14, 0.5));
    let delta = stand.report("delta").await;
    assert_eq!(delta["since"], first);
    assert_eq!(
        delta["figures"]["rounds"],
        json!({"before": 10.0, "now": 14.0, "change": 4.0})
    );
    assert_eq!(delta["figures"]["meanMastery"]["change"], 0.25);

    // The previous snapshot is now that delta's own; the first is still to be had by its time.
    say(&pupil, training(15, 0.5));
    assert_eq!(
        stand.report("delta").await["figures"]["rounds"]["change"],
        1.0
    );
    stand.restart().await;
    for since in [
        first.as_str(),
        "2001-01-01T00:00:00Z",
        "2001-01-01T00:00:00+01:00",
    ] {
        let delta = stand.report(&format!("delta?since={since}")).await;
        assert_eq!(
            (&delta["since"], &delta["figures"]["rounds"]["change"]),
            (&json!(first), &json!(5.0))
        );
    }
}

#[tokio::test]
async fn trends_have_a_slope_once_there_are_two_snapshots() {
    let (pupil, _purse, stand) = school().await;
    for rounds in [11, 12, 13] {
        stand.report("dashboard").await;
        say(&pupil, training(rounds, 0.25));
    }
    let trends = stand.report("trends?hours=1").await;
    assert_eq!(
        (&trends["snapshots"], &trends["hours"]),
        (&json!(4), &json!(1))
    );
    let rounds = &trends["trends"]["rounds"];
    assert_eq!(
        (&rounds["first"], &rounds["last"]),
        (&json!(10.0), &json!(13.0))
    );
    assert_eq!(
        (&rounds["direction"], &rounds["points"]),
        (&json!("rising"), &json!(4))
    );
    assert_eq!(trends["trends"]["meanMastery"]["direction"], "flat");
    assert_eq!(trends["trends"]["coachRounds"]["points"], 0);
}

#[tokio::test]
async fn cost_efficiency_divides_spending_by_what_was_learnt() {
    let (pupil, purse, stand) = school().await;
    let first = stand.report("dashboard").await["generatedAt"].clone();
    say(&pupil, training(14, 0.75));
    say(&purse, budget(2.0));
    let cost = stand.report("cost-efficiency").await;
    assert_eq!((&cost["since"], &cost["currency"]), (&first, &json!("USD")));
    assert_eq!(
        (&cost["spend"], &cost["masteryGained"]),
        (&json!(2.0), &json!(0.5))
    );
    assert_eq!(
        (&cost["costPerMastery"], &cost["costPerRound"]),
        (&json!(4.0), &json!(0.5))
    );
    // Most services are down, so how many requests there were is not known.
    assert_eq!(cost["costPerThousandRequests"], Value::Null);

    // Nothing is computed from what budget said before it went down.
    say(&purse, vec![]);
    assert_eq!(stand.report("cost-efficiency").await["spend"], Value::Null);
}

#[tokio::test]
async fn every_bad_parameter_is_refused_by_name() {
    let stand = Stand::new(&[]).await;
    for (report, named) in [
        ("delta?since=yesterday", "`since`"),
        ("delta?since=", "`since`"),
        ("delta?since=2025-11-14", "`since`"),
        ("delta?since=9000-01-01T00:00:00Z", "`since`"),
        ("delta?until=2025-11-14T00:00:00Z", "until"),
        ("trends?hours=0", "`hours`"),
        ("trends?hours=169", "`hours`"),
        ("trends?hours=-1", "hours"),
        ("trends?hours=day", "hours"),
        ("trends?days=1", "days"),
        ("cost-efficiency?hours=0", "`hours`"),
        ("cost-efficiency?hour=1", "hour"),
    ] {
        let (status, problem) = stand.ask(report).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{report}: {problem}");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(named), "{report}: {detail}");
    }
    let (status, problem) = stand.ask("everything").await;
    assert_eq!(
        (status, problem["status"].as_u64()),
        (StatusCode::NOT_FOUND, Some(404))
    );
}
