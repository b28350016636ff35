//! Good requests get what they ask for, also after a restart.

use http::StatusCode;
use serde_json::{Value, json};

use crate::harness::Service;

fn said(texts: &[&str]) -> Value {
    let messages: Vec<Value> = texts
        .iter()
        .zip(["user", "assistant"].iter().cycle())
        .map(|(text, role)| json!({"role": role, "text": text}))
        .collect();
    json!({ "messages": messages })
}

fn two_topics() -> Value {
    said(&[
        "How do graph edges connect the vertices?",
        "An edge connects two vertices of the graph.",
        "Can a graph have an edge from a vertex to itself?",
        "Yes, that edge is a loop on the vertex.",
        "My bread came out of the oven flat.",
        "Let the bread dough rise before the oven.",
        "How hot should the oven be for the bread dough?",
        "Bake the dough in an oven at 250 degrees.",
    ])
}

fn learners() -> Value {
    let user = |id: &str, pace: f64, score: f64| json!({"userId": id, "features": {"pace": pace, "score": score}});
    json!({"users": [
        user("ada", 9.0, 0.9), user("bob", 1.0, 0.2), user("cy", 9.5, 0.95),
        user("dee", 1.2, 0.3), user("eve", 1.1, 0.25), user("fay", 1.3, 0.2),
    ]})
}

#[tokio::test]
async fn splits_a_conversation_where_its_topic_changes() {
    let service = Service::start().await;
    let answer = service.post("/analyze", &two_topics()).await.ok();
    let segments = answer["segments"].as_array().unwrap();
    assert_eq!(segments.len(), 2);
    assert_eq!(segments[0]["firstMessage"], 0);
    assert_eq!(segments[0]["lastMessage"], 3);
    assert_eq!(segments[1]["firstMessage"], 4);
    assert_eq!(segments[1]["lastMessage"], 7);
    assert_eq!(answer["boundaries"][0]["beforeMessage"], 4);
    let word = |segment: usize| segments[segment]["keywords"][0]["word"].as_str().unwrap();
    assert_eq!((word(0), word(1)), ("edge", "oven"));
    assert!(segments[0]["cohesion"].as_f64().unwrap() > 0.0);
}

#[tokio::test]
async fn says_null_where_there_is_nothing_to_compare() {
    let service = Service::start().await;
    let answer = service
        .post("/analyze", &said(&["one text alone"]))
        .await
        .ok();
    assert_eq!(answer["cutoff"], Value::Null);
    assert_eq!(answer["segments"][0]["cohesion"], Value::Null);
    assert_eq!(answer["segments"].as_array().unwrap().len(), 1);
    let wordless = service
        .post("/analyze", &said(&["", "\u{1f44d}", "..."]))
        .await
        .ok();
    assert_eq!(wordless["segments"][0]["keywords"], json!([]));
}

#[tokio::test]
async fn the_demonstration_is_what_the_analysis_of_its_conversation_gives() {
    let service = Service::start().await;
    let demo = service.get("/demo").await.ok();
    assert_eq!(demo["segments"].as_array().unwrap().len(), 4);
    let again = json!({"messages": demo["conversation"]});
    let analysis = service.post("/analyze", &again).await.ok();
    for part in ["segments", "boundaries", "cutoff", "settings"] {
        assert_eq!(analysis[part], demo[part], "{part}");
    }
}

#[tokio::test]
async fn groups_users_and_tells_each_their_cohort() {
    let service = Service::start().await;
    let before = service.get("/cohorts").await.ok();
    assert_eq!(
        (&before["clustering"], &before["cohorts"]),
        (&Value::Null, &json!([]))
    );
    service
        .get("/cohorts/ada")
        .await
        .refused(StatusCode::NOT_FOUND, "userId");

    let made = service.post("/cohorts", &learners()).await;
    assert_eq!(made.status, StatusCode::CREATED);
    assert_eq!(made.body["clustering"]["k"], 2);
    assert_eq!(made.body["clustering"]["requestedK"], Value::Null);
    assert_eq!(
        made.body["cohorts"][0]["users"],
        json!(["bob", "dee", "eve", "fay"])
    );
    assert_eq!(made.body["cohorts"][1]["users"], json!(["ada", "cy"]));
    let shown = service.get("/cohorts").await.ok();
    assert_eq!(shown["cohorts"], made.body["cohorts"]);
    assert_eq!(shown["clustering"], made.body["clustering"]);

    let ada = service.get("/cohorts/ada").await.ok();
    assert_eq!(ada["cohort"], "cohort-2");
    assert_eq!(ada["distances"][0]["cohort"], "cohort-2");
    assert_eq!(ada["distance"], ada["distances"][0]["distance"]);
    assert!(ada["distances"][0]["distance"].as_f64() < ada["distances"][1]["distance"].as_f64());
    for stranger in ["zoe", "%00"] {
        service
            .get(&format!("/cohorts/{stranger}"))
            .await
            .refused(StatusCode::NOT_FOUND, "userId");
    }
}

#[tokio::test]
async fn makes_as_many_cohorts_as_the_request_or_else_the_settings_say() {
    let service = Service::start().await;
    let mut users = learners();
    users["k"] = json!(3);
    let answer = service.post("/cohorts", &users).await.ok();
    assert_eq!(
        (
            &answer["clustering"]["k"],
            &answer["clustering"]["requestedK"]
        ),
        (&json!(3), &json!(3))
    );
    service.post("/configure", &json!({"k": 4})).await.ok();
    let answer = service.post("/cohorts", &learners()).await.ok();
    assert_eq!(answer["clustering"]["k"], 4);
    service.post("/configure", &json!({"k": null})).await.ok();
    let answer = service.post("/cohorts", &learners()).await.ok();
    assert_eq!(answer["clustering"]["k"], 2);
}

#[tokio::test]
async fn keeps_the_newest_clusterings_and_counts_them_all() {
    let service = Service::start_with(json!({"kept_clusterings": 1})).await;
    for _ in 0..3 {
        service.post("/cohorts", &learners()).await.ok();
    }
    let status = service.get("/status").await.ok();
    assert_eq!(status["clusterings"]["count"], 3);
    assert_eq!(status["clusterings"]["last"]["id"], 3);
    let cohorts = service.get("/cohorts").await.ok();
    assert_eq!(cohorts["clustering"]["id"], 3);
    assert_eq!(cohorts["cohorts"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn has_everything_again_after_a_restart() {
    let service = Service::start().await;
    let before = service.get("/status").await.ok();
    assert_eq!(before["analyses"]["count"], 0);
    assert_eq!(before["analyses"]["last"], Value::Null);
    assert_eq!(before["clusterings"], json!({"count": 0, "last": null}));

    service.post("/analyze", &two_topics()).await.ok();
    service.post("/cohorts", &learners()).await.ok();
    service
        .post("/configure", &json!({"blockSize": 7, "cutoff": -0.5}))
        .await
        .ok();
    let mut status = service.get("/status").await.ok();
    assert_eq!(status["analyses"]["count"], 1);
    assert_eq!(status["analyses"]["messages"], 8);
    assert_eq!(status["analyses"]["segments"], 2);
    assert_eq!(status["settings"]["blockSize"], 7);
    let mut eve = service.get("/cohorts/eve").await.ok();

    let service = service.restart().await;
    let mut status_again = service.get("/status").await.ok();
    let mut eve_again = service.get("/cohorts/eve").await.ok();
    for answer in [&mut status, &mut status_again, &mut eve, &mut eve_again] {
        answer.as_object_mut().unwrap().remove("traceId");
    }
    assert_eq!(status_again, status);
    assert_eq!(eve_again, eve);
}

#[tokio::test]
async fn its_statements_break_no_rule() {
    let service = Service::start().await;
    service.post("/analyze", &two_topics()).await.ok();
    service.post("/cohorts", &learners()).await.ok();
    service
        .post("/configure", &json!({"keywords": 3}))
        .await
        .ok();
    for path in ["/demo", "/cohorts", "/cohorts/ada", "/status"] {
        service.get(path).await.ok();
    }
    let observed = service.observed().await;
    let statements = observed["queries"]["fingerprints"].as_array().unwrap();
    for table in ["settings", "analyses", "clusterings", "cohorts", "members"] {
        let names = |sql: &Value| sql.as_str().is_some_and(|sql| sql.contains(table));
        let of_it = statements.iter().filter(|known| names(&known["sql"]));
        assert!(of_it.count() >= 2, "{table}: {observed:#}");
    }
    for known in statements {
        assert_eq!(known["findings"], json!([]), "{known:#}");
    }
}

#[tokio::test]
async fn describes_every_operation() {
    let service = Service::start().await;
    let document = tower::ServiceExt::oneshot(
        service.app.router(),
        http::Request::get("/openapi.json")
            .body(axum::body::Body::empty())
            .unwrap(),
    );
    let body = http_body_util::BodyExt::collect(document.await.unwrap().into_body());
    let document: Value = serde_json::from_slice(&body.await.unwrap().to_bytes()).unwrap();
    for (method, path) in [
        ("post", "/analyze"),
        ("get", "/demo"),
        ("post", "/cohorts"),
        ("get", "/cohorts"),
        ("get", "/cohorts/{userId}"),
        ("get", "/status"),
        ("post", "/configure"),
    ] {
        let operation = &document["paths"][format!("/api/v1/segmentation{path}")][method];
        assert!(operation["operationId"].is_string(), "{method} {path}");
        assert!(operation["summary"].is_string(), "{method} {path}");
    }
}
