//! Operations are activated, deactivated and tracked.

use serde_json::{Value, json};

use crate::{
    harness::{Service, find, ids},
    upstream::{Document, Upstream, offering},
};

#[tokio::test]
async fn activating_twice_changes_nothing_and_says_so() {
    let training = Upstream::start(Document::Good(offering(&["overview"]))).await;
    let service = Service::start(&[("training", &training)]).await;
    let first = service.activate("training.overview").await;
    assert_eq!(
        (&first["changed"], &first["active"]),
        (&json!(true), &json!(true))
    );
    assert_eq!(first["capability"]["state"], "active");
    let again = service.activate("training.overview").await;
    assert_eq!(
        (&again["changed"], &again["active"]),
        (&json!(false), &json!(true))
    );
    assert_eq!(
        again["capability"]["activeSince"],
        first["capability"]["activeSince"]
    );
    let off = json!({"id": "training.overview"});
    let off_once = service.post("/deactivate", &off).await.ok();
    assert_eq!(
        (&off_once["changed"], &off_once["active"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(
        service.post("/deactivate", &off).await.ok()["changed"],
        false
    );
}

#[tokio::test]
async fn activations_and_history_survive_a_restart() {
    let training = Upstream::start(Document::Good(offering(&["a", "b"]))).await;
    let service = Service::start(&[("training", &training)]).await;
    service.activate("training.a").await;
    let before = service.get("/history").await.ok();
    let service = service.restart().await;
    let active = service.get("/list?state=active").await.ok();
    assert_eq!(ids(&active["capabilities"]), ["training.a"]);
    assert_eq!(
        service.get("/history").await.ok()["events"],
        before["events"]
    );
    assert_eq!(service.activate("training.a").await["changed"], false);
}

#[tokio::test]
async fn reports_the_use_that_services_count() {
    let training = Upstream::start(Document::Good(offering(&["overview", "round"]))).await;
    let service = Service::start(&[("training", &training)]).await;
    service.refresh().await;
    service.activate("training.overview").await;
    service.activate("training.round").await;
    let untold = service.get("/status").await.ok();
    assert_eq!(untold["active"][0]["usage"], Value::Null);

    training.now_counts(&json!([
        {"method": "GET", "route": "/overview", "count": 10, "errors": 4, "p99Latency": 7.5},
        {"method": "POST", "route": "/round", "count": 99, "errors": 0, "p99Latency": 1.0},
    ]));
    let told = service.get("/status?refresh=true").await.ok();
    let overview = find(&told["active"], "id", "training.overview");
    assert_eq!(
        overview["usage"],
        json!({"count": 10, "errors": 4, "p99Latency": 7.5})
    );
    let round = find(&told["active"], "id", "training.round");
    assert_eq!(
        round["usage"],
        json!({"count": 0, "errors": 0, "p99Latency": null})
    );
    assert_eq!(round["reachable"], true);

    let insights = service.get("/insights").await.ok();
    assert_eq!(insights["totals"]["activationRate"], 1.0);
    assert_eq!(ids(&insights["mostUsed"]), ["training.overview"]);
    assert_eq!(
        insights["failing"],
        json!([{"id": "training.overview", "reasons": ["errors"]}])
    );
    assert_eq!(insights["activeButUnused"], json!(["training.round"]));
    let sum = find(&insights["services"], "service", "training");
    assert_eq!((&sum["requests"], &sum["errors"]), (&json!(10), &json!(4)));
    let silent = find(&insights["services"], "service", "meta");
    assert_eq!(
        (&silent["requests"], &silent["activationRate"]),
        (&Value::Null, &Value::Null)
    );
}

#[tokio::test]
async fn pages_through_the_history_from_the_newest() {
    let training = Upstream::start(Document::Good(offering(&["a", "b", "c"]))).await;
    let service = Service::start(&[("training", &training)]).await;
    for id in ["training.a", "training.b", "training.c"] {
        service.activate(id).await;
    }
    let seen = |page: &Value| -> Vec<String> {
        let events = page["events"].as_array().unwrap().iter();
        events
            .map(|entry| entry["capability"].as_str().unwrap().to_owned())
            .collect()
    };
    let first = service.get("/history?limit=2").await.ok();
    assert_eq!(seen(&first), ["training.c", "training.b"]);
    let next = service
        .get(&format!("/history?limit=2&before={}", first["next"]))
        .await
        .ok();
    assert_eq!(seen(&next), ["training.a"]);
    assert_eq!(next["next"], Value::Null);
}

#[tokio::test]
async fn forgets_the_oldest_history_beyond_its_bound() {
    let training = Upstream::start(Document::Good(offering(&["a"]))).await;
    let domain = json!({"history_limit": 2});
    let service = Service::start_with(domain, &[("training", &training)]).await;
    service.activate("training.a").await;
    service
        .post("/deactivate", &json!({"id": "training.a"}))
        .await
        .ok();
    service.activate("training.a").await;
    let history = service.get("/history").await.ok();
    let events = history["events"].as_array().unwrap().iter();
    let events: Vec<_> = events
        .map(|entry| entry["event"].as_str().unwrap())
        .collect();
    assert_eq!(events, ["activated", "deactivated"]);
}

#[tokio::test]
async fn its_statements_break_no_rule() {
    let mut training = Upstream::start(Document::Good(offering(&["works", "b"]))).await;
    let domain = json!({"probe_interval": "10ms"});
    let service = Service::start_with(domain, &[("training", &training)]).await;
    service.activate("training.works").await;
    training.now_gives(Document::Good(offering(&["works"])));
    for path in ["/discovered?refresh=true", "/list", "/status", "/history"] {
        service.get(path).await.ok();
    }
    // The second probe begins after the first was counted.
    for _ in 0..2 {
        training.asked_for("/works").await;
    }
    service.get("/insights").await.ok();
    let off = json!({"id": "training.works"});
    service.post("/deactivate", &off).await.ok();
    let observed = service.observed().await;
    let statements = observed["queries"]["fingerprints"].as_array().unwrap();
    for table in ["documents", "capabilities", "probes", "history"] {
        let names = |sql: &Value| sql.as_str().is_some_and(|sql| sql.contains(table));
        let of_it = statements.iter().filter(|known| names(&known["sql"]));
        assert!(of_it.count() >= 2, "{table}: {observed:#}");
    }
    for known in statements {
        assert_eq!(known["findings"], json!([]), "{known:#}");
    }
}
