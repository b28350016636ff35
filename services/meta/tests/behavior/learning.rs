//! What meta says about a history that training really has.

use http::StatusCode;
use serde_json::{Value, json};

use crate::fleet::fleet;

fn topic<'a>(answer: &'a Value, id: &str) -> &'a Value {
    let topics = answer["topics"].as_array().into_iter().flatten();
    let mut found = topics.filter(|topic| topic["topic"] == id);
    found.next().expect("the topic is shown")
}

fn number(value: &Value) -> f64 {
    value
        .as_f64()
        .unwrap_or_else(|| panic!("{value} is no number"))
}

#[tokio::test]
async fn without_rounds_every_figure_is_null_and_says_why() {
    let fleet = fleet().await;
    for path in ["insights", "report", "detect-plateau", "predict-plateau"] {
        let (status, answer) = fleet.ask(path).await;
        assert_eq!(status, StatusCode::OK, "{path}: {answer}");
        assert_eq!(answer["topics"].as_array().unwrap().len(), 9);
        assert_eq!(answer["coverage"]["rounds"], 0);
        assert_eq!(answer["coverage"]["from"], Value::Null);
        let databases = topic(&answer, "databases");
        assert_eq!(databases["status"], "unknown");
        assert_eq!(databases["velocity"], Value::Null);
        assert!(
            databases["reason"]
                .as_str()
                .unwrap()
                .contains("0 of at least 8")
        );
        assert!(answer["traceId"].is_string(), "{path}: {answer}");
    }
    let (_, trajectory) = fleet.ask("trajectory").await;
    assert_eq!(
        (&trajectory["points"], &trajectory["forecast"]),
        (&json!([]), &Value::Null)
    );
}

#[tokio::test]
async fn a_topic_that_is_learnt_improves_and_one_that_is_not_is_at_a_plateau() {
    let fleet = fleet().await;
    // Compilers start low: ten rounds with mistakes among them still rise, short of mastery.
    fleet.play("compilers", "wwrwrwrrwr").await;
    // Wrong answers alone settle at the model's floor, and stay there.
    fleet.play("cryptography", &"w".repeat(45)).await;
    fleet.play("databases", &"r".repeat(30)).await;

    let (_, detected) = fleet.ask("detect-plateau").await;
    assert_eq!(detected["plateaued"], json!(["cryptography"]), "{detected}");
    assert_eq!(topic(&detected, "cryptography")["plateau"], true);
    assert_eq!(topic(&detected, "databases")["status"], "mastered");
    assert_eq!(topic(&detected, "databases")["plateau"], false);
    let test = &topic(&detected, "cryptography")["test"];
    assert!(number(&test["pValue"]) > 0.05, "{test}");

    assert_eq!(topic(&detected, "compilers")["status"], "improving");

    let (_, report) = fleet.ask("report").await;
    assert_eq!(report["counts"]["plateau"], 1);
    assert_eq!(report["counts"]["mastered"], 1);
    assert_eq!(report["counts"]["unknown"], 6);

    let (_, insights) = fleet.ask("insights").await;
    let kinds: Vec<_> = insights["insights"]
        .as_array()
        .unwrap()
        .iter()
        .map(|insight| {
            (
                insight["kind"].as_str().unwrap(),
                insight["topic"].as_str().unwrap(),
            )
        })
        .collect();
    assert!(kinds.contains(&("plateau", "cryptography")), "{kinds:?}");
    assert!(kinds.contains(&("untouched", "algorithms")), "{kinds:?}");
}

#[tokio::test]
async fn a_rising_topic_is_forecast_to_be_mastered() {
    let fleet = fleet().await;
    fleet.play("compilers", "wwrwrwrrwr").await;
    let (status, answer) = fleet.ask("predict-plateau?topic=compilers&alpha=0.1").await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    assert!(answer.get("overall").is_none());
    assert_eq!(answer["topics"].as_array().unwrap().len(), 1);
    let compilers = topic(&answer, "compilers");
    assert_eq!(compilers["status"], "improving", "{compilers}");
    assert_eq!(compilers["endsBy"], "mastery", "{compilers}");
    let until = &compilers["roundsUntilPlateau"];
    assert!(number(&until["earliest"]) <= number(&until["expected"]));
    // Ten rounds within a second are no daily habit.
    assert_eq!(compilers["roundsPerDay"], Value::Null);
    assert_eq!(compilers["expectedAt"], Value::Null);
}

#[tokio::test]
async fn a_topic_is_found_by_any_spelling_that_training_reads() {
    let fleet = fleet().await;
    fleet.play("operating-systems", "wr").await;
    for spelling in [
        "operating-systems",
        "OPERATING_SYSTEMS",
        "%20operating%20%20Systems%3F",
    ] {
        let (status, answer) = fleet.ask(&format!("trajectory?topic={spelling}")).await;
        assert_eq!(status, StatusCode::OK, "{spelling}: {answer}");
        assert_eq!(answer["topic"], "operating-systems", "{spelling}");
    }
}

#[tokio::test]
async fn the_trajectory_shows_the_rounds_and_continues_them() {
    let fleet = fleet().await;
    fleet.play("compilers", "wwrwrwrrwr").await;
    let (_, whole) = fleet.ask("trajectory?topic=compilers&horizon=7").await;
    assert_eq!(whole["topic"], "compilers");
    assert_eq!(whole["points"].as_array().unwrap().len(), 10);
    assert_eq!(whole["points"][9]["mastery"], whole["mastery"]);
    let forecast = whole["forecast"].as_array().unwrap();
    assert_eq!(forecast.len(), 7);
    for point in forecast {
        let [low, middle, high] = ["low", "mastery", "high"].map(|name| number(&point[name]));
        assert!(
            0.0 <= low && low <= middle && middle <= high && high <= 1.0,
            "{point}"
        );
    }
    let (_, recent) = fleet.ask("trajectory?topic=compilers&window=8").await;
    assert_eq!(recent["points"].as_array().unwrap().len(), 8);

    // All topics together: the mean of nine, of which one has moved.
    let (_, overall) = fleet.ask("trajectory").await;
    assert_eq!(overall["topic"], Value::Null);
    assert!(number(&overall["mastery"]) < number(&whole["mastery"]));
    let last = number(&overall["points"][9]["mastery"]);
    assert!((last - number(&overall["mastery"])).abs() < 1e-9);
}

#[tokio::test]
async fn a_bad_parameter_is_refused_by_name() {
    let fleet = fleet().await;
    for (query, status, named) in [
        ("window=7", 400, "window"),
        ("window=501", 400, "window"),
        ("window=few", 400, "window"),
        ("window=-1", 400, "window"),
        ("alpha=0", 400, "alpha"),
        ("alpha=0.5", 400, "alpha"),
        ("alpha=NaN", 400, "alpha"),
        ("alpha=small", 400, "alpha"),
        ("topic=", 400, "topic"),
        ("topic=alchemy", 404, "alchemy"),
        ("topic=..", 404, ".."),
        ("topic=alchemy%2F..%2Fdatabases", 404, "alchemy"),
        ("widow=30", 400, "widow"),
    ] {
        for path in [
            "insights",
            "report",
            "trajectory",
            "detect-plateau",
            "predict-plateau",
        ] {
            let (found, problem) = fleet.ask(&format!("{path}?{query}")).await;
            assert_eq!(found.as_u16(), status, "{path}?{query}: {problem}");
            let detail = problem["detail"].as_str().unwrap_or_default();
            assert!(detail.contains(named), "{path}?{query}: {problem}");
        }
    }
    for query in ["horizon=0", "horizon=201", "horizon=far"] {
        let (found, problem) = fleet.ask(&format!("trajectory?{query}")).await;
        assert_eq!(found.as_u16(), 400, "{query}: {problem}");
        assert!(
            problem["detail"].as_str().unwrap().contains("horizon"),
            "{problem}"
        );
    }
}

#[tokio::test]
async fn one_question_to_meta_is_one_trace_across_both_services() {
    let fleet = fleet().await;
    let (_, answer) = fleet.ask("insights").await;
    let seen = fleet.training_observability().await;
    let spans = seen["tracer"]["spans"].as_array().unwrap();
    let of_ours: Vec<_> = spans
        .iter()
        .filter(|span| span["traceId"] == answer["traceId"])
        .map(|span| span["name"].as_str().unwrap())
        .collect();
    assert!(
        of_ours.contains(&"GET /api/v1/training/history"),
        "{spans:?}"
    );
    assert!(
        of_ours.contains(&"GET /api/v1/training/overview"),
        "{spans:?}"
    );
}
