//! What reports say of sources that are up, down, slow or odd.

use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::mpsc, time::timeout};
use tooloo_service::{Secret, Settings, Shutdown};
use tooloo_testkit::{Answer, Client};

use crate::stand::{PATIENCE, REPORTS, Stand, say, source};

const OVERVIEW: &str = "/api/v1/training/overview";
const OBSERVABILITY: &str = "/api/v1/system/observability";

#[tokio::test]
async fn every_report_is_given_while_everything_is_down() {
    let stand = Stand::new(&[]).await;
    for report in REPORTS {
        let answer = stand.report(report).await;
        assert!(answer["traceId"].is_string(), "{report}");
    }
    let answer = stand.report("comprehensive").await;
    assert_eq!(answer["complete"], false);
    for (name, copy) in answer["sources"].as_object().unwrap() {
        assert_eq!(
            (&copy["data"], &copy["stale"]),
            (&Value::Null, &json!(true)),
            "{name}"
        );
        assert!(
            copy["error"]
                .as_str()
                .unwrap()
                .contains("cannot be reached"),
            "{name}: {copy}"
        );
    }
    // The one service that is up is the one that answers.
    let services = answer["performance"].as_array().unwrap();
    let up: Vec<_> = services
        .iter()
        .filter(|service| service["error"].is_null())
        .collect();
    assert_eq!(up.len(), 1);
    assert_eq!(up[0]["service"], "reports");
    for (name, figure) in answer["figures"].as_object().unwrap() {
        assert_eq!(figure, &Value::Null, "{name} is made up");
    }
}

#[tokio::test]
async fn a_source_that_went_down_is_shown_as_it_was_also_after_a_restart() {
    let said = json!({"totalRounds": 5, "topics": [], "traceId": "of the source's own answer"});
    let training = source(vec![(OVERVIEW, said)]).await;
    let mut stand = Stand::new(&[("training", training.address())]).await;
    let fresh = stand.report("comprehensive").await["sources"]["training"].clone();
    assert_eq!(
        (&fresh["stale"], &fresh["age"], &fresh["error"]),
        (&json!(false), &json!(0.0), &Value::Null)
    );
    assert_eq!(fresh["data"], json!({"totalRounds": 5, "topics": []}));

    say(&training, vec![]);
    for _ in 0..2 {
        let answer = stand.report("comprehensive").await;
        let stale = &answer["sources"]["training"];
        assert_eq!(
            (&stale["stale"], &stale["data"]),
            (&json!(true), &fresh["data"])
        );
        assert_eq!(stale["takenAt"], fresh["takenAt"]);
        assert!(stale["age"].as_f64().unwrap() > 0.0);
        assert!(stale["error"].as_str().unwrap().contains("404"), "{stale}");
        // What is old is shown, but nothing new is computed from it.
        assert_eq!(answer["figures"]["rounds"], Value::Null);
        stand.restart().await;
    }
}

#[tokio::test]
async fn a_source_that_hangs_holds_nothing_up() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let peers =
        ["training", "meta", "budget", "coach"].map(|name| (name, silent.local_addr().unwrap()));
    let stand = Stand::with(&peers, |config| config.deadline = Duration::from_millis(50)).await;
    let answer = stand.report("dashboard").await;
    for source in ["training", "meta", "budget", "costs", "coach"] {
        let error = answer["sources"][source]["error"].as_str().unwrap();
        assert!(error.contains("within 50ms"), "{source}: {error}");
    }
    timeout(Duration::from_secs(5), stand.app.shutdown())
        .await
        .expect("a prompt end");
}

#[tokio::test]
async fn a_source_that_fails_too_often_is_left_alone_and_shown_as_it_was() {
    let training = source(vec![(OVERVIEW, json!({"totalRounds": 5, "topics": []}))]).await;
    let meta = source(vec![("/api/v4/meta-learning/insights", json!({}))]).await;
    let peers = [("training", training.address()), ("meta", meta.address())];
    let stand = Stand::new(&peers).await;
    let fresh = stand.report("comprehensive").await["sources"]["training"].clone();
    training.answer(Answer::new(StatusCode::INTERNAL_SERVER_ERROR));
    let opened = async {
        while stand.app.hub().snapshot()["circuitBreakers"]["training"]["status"] != "open" {
            let answer = stand.report("comprehensive").await;
            let error = answer["sources"]["training"]["error"].to_string();
            assert!(error.contains("500"), "{error}");
        }
    };
    timeout(PATIENCE, opened).await.expect("an open breaker");

    let asked = || {
        let received = training.received().into_iter();
        received
            .filter(|asked| asked.uri.path() == OVERVIEW)
            .count()
    };
    let before = asked();
    let answer = stand.report("comprehensive").await;
    let stale = &answer["sources"]["training"];
    assert_eq!(
        (&stale["stale"], &stale["data"]),
        (&json!(true), &fresh["data"])
    );
    let error = stale["error"].to_string();
    assert!(error.contains("circuit breaker is open"), "{error}");
    assert_eq!(asked(), before);
    assert_eq!(answer["sources"]["meta"]["stale"], false);
    let told = stand.app.hub().snapshot();
    let breakers = &told["circuitBreakers"];
    assert_eq!(breakers["training"]["rejectedCount"], 1);
    assert_eq!(breakers["training"]["callCount"], before);
    assert_eq!(breakers["meta"]["status"], "closed");
    assert_eq!(breakers.as_object().map(serde_json::Map::len), Some(15));
}

#[tokio::test]
async fn an_answer_that_is_no_object_is_an_error_of_its_source() {
    let training = source(vec![(OVERVIEW, json!([1, 2]))]).await;
    let stand = Stand::new(&[("training", training.address())]).await;
    let answer = stand.report("comprehensive").await;
    let copy = &answer["sources"]["training"];
    assert!(
        copy["error"].as_str().unwrap().contains("training"),
        "{copy}"
    );
    assert_eq!(copy["data"], Value::Null);
}

#[tokio::test]
async fn reports_that_come_together_ask_each_source_once() {
    let training = source(vec![(OVERVIEW, json!({}))]).await;
    let peers = [("training", training.address())];
    let stand = Stand::with(&peers, |config| {
        config.share_for = Duration::from_secs(3_600);
    })
    .await;
    let (a, b, c) = tokio::join!(
        stand.report("delta"),
        stand.report("trends"),
        stand.report("dashboard")
    );
    assert_eq!(a["until"], b["generatedAt"]);
    assert_eq!(b["generatedAt"], c["generatedAt"]);
    let asked = training.received();
    let count = |path: &str| asked.iter().filter(|request| request.uri == path).count();
    assert_eq!((count(OVERVIEW), count(OBSERVABILITY)), (1, 1));
}

#[tokio::test]
async fn performance_has_a_line_for_every_service() {
    let tracer = json!({"tracer": {
        "totalTraces": 40, "activeTraces": 1, "throughput": 0.5, "errorRate": 0.05,
        "avgLatency": 2.0, "p50Latency": 1.5, "p99Latency": 9.0, "spans": [{"name": "a"}],
        "routes": [
            {"method": "GET", "route": "/slow", "count": 3, "errors": 1, "p99Latency": 9.0},
            {"method": "GET", "route": "/fast", "count": 37, "errors": 1, "p99Latency": 1.0},
        ],
    }});
    let all = source(vec![(OBSERVABILITY, tracer)]).await;
    let names = [
        "web",
        "training",
        "meta",
        "budget",
        "coach",
        "segmentation",
        "capabilities",
    ];
    let peers = names.map(|name| (name, all.address()));
    let stand = Stand::new(&peers).await;
    let answer = stand.report("performance").await;
    assert_eq!(answer["services"].as_array().unwrap().len(), 8);
    let training = answer["services"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["service"] == "training");
    let training = training.unwrap();
    assert_eq!(
        (&training["requests"], &training["p99Latency"]),
        (&json!(40.0), &json!(9.0))
    );
    assert_eq!(answer["slowestRoutes"][0]["route"], "/slow");
    // Seven services with two errors each, and this one, which had none.
    assert_eq!(answer["totals"]["errors"], 14.0);
    assert!(answer["totals"]["requests"].as_f64().unwrap() >= 280.0);
}

#[tokio::test]
async fn snapshots_are_taken_while_nobody_asks() {
    let training = source(vec![]).await;
    let (asked, mut questions) = mpsc::unbounded_channel();
    training.answer_by(move |request| {
        let _ = asked.send(request.uri.path().to_owned());
        Answer::new(StatusCode::NOT_FOUND)
    });
    let peers = [("training", training.address())];
    let stand = Stand::with(&peers, |config| {
        config.snapshot_interval = Duration::from_millis(10);
    })
    .await;
    let mut overviews = 0;
    let waiting = async {
        while overviews < 3 {
            overviews += usize::from(questions.recv().await.unwrap() == OVERVIEW);
        }
    };
    timeout(PATIENCE, waiting)
        .await
        .expect("three snapshots in time");
    timeout(PATIENCE, stand.app.shutdown())
        .await
        .expect("an end in time");
}

#[tokio::test]
async fn reads_what_the_real_training_says() {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = Settings::for_tests(&training::SERVICE, folder.path());
    let database = database::testing::url(folder.path()).await;
    settings.kit.database_url = database.map(Secret::new);
    let app = training::app(settings).await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = tokio::spawn(async move {
        let (_never, shutdown) = Shutdown::manual();
        tooloo_service::serve(vec![(app, listener)], shutdown)
            .await
            .unwrap();
    });
    let stand = Stand::new(&[("training", address)]).await;
    stand.report("dashboard").await;
    for correct in [true, true, false] {
        let round = json!({"topic": "Algorithms", "correct": correct});
        let url = format!("http://{address}/api/v1/training/round");
        assert_eq!(
            Client::new().post(url, &round).await.status,
            StatusCode::CREATED
        );
    }
    let figures = stand.report("dashboard").await["figures"].clone();
    assert_eq!(
        (&figures["topics"], &figures["rounds"]),
        (&json!(9.0), &json!(3.0))
    );
    assert_eq!(figures["correctRounds"], 2.0);
    assert!(figures["totalMastery"].as_f64().unwrap() > 0.0, "{figures}");
    let delta = stand.report("delta").await;
    assert_eq!(
        delta["figures"]["rounds"],
        json!({"before": 3.0, "now": 3.0, "change": 0.0})
    );
    serving.abort();
}
