//! Answers that the gateway keeps, as their services say.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use futures_util::future::join_all;
use http::{HeaderValue, Method, StatusCode};
use serde_json::{Value, json};
use tooloo_service::{Secret, Settings};
use tooloo_testkit::{Answer, Client, Gate, Reply, Upstream, client::request, upstream::Received};
use web::WebConfig;

use crate::stand::Stand;

const TOKEN: &str = "hunter2";
const OVERVIEW: &str = "/api/v1/training/overview";
const ROUND: &str = "/api/v1/training/round";
const PURGE: &str = "/api/v1/system/cache/purge";

/// Training, as far as caches are concerned: it counts its rounds.
fn training(rounds: &Arc<AtomicU64>) -> impl Fn(&Received) -> Answer + Send + Sync + 'static {
    let rounds = Arc::clone(rounds);
    move |asked| match asked.method.as_str() {
        "POST" => {
            rounds.fetch_add(1, Ordering::Relaxed);
            Answer::new(StatusCode::CREATED)
                .with_header("cache-group-invalidation", "\"training\"")
                .with_chunks(["{}"])
        }
        _ => Answer::new(StatusCode::OK)
            .with_header("cache-control", "no-cache")
            .with_header("tooloo-cache-control", "max-age=600")
            .with_header("cache-groups", "\"training\"")
            .with_header("cache-tag", "training")
            .with_chunks([rounds.load(Ordering::Relaxed).to_string()]),
    }
}

async fn stand(upstream: &Upstream, token: bool) -> Stand {
    Stand::before_address(upstream.address(), |settings: &mut Settings<WebConfig>| {
        settings.kit.admin_token = token.then(|| Secret::new(TOKEN));
    })
    .await
}

async fn get(stand: &Stand, path: &str) -> Reply {
    Client::new().get(stand.url(path)).await
}

async fn purge(stand: &Stand, token: &str, body: &Value) -> Reply {
    let mut request = request(Method::POST, stand.url(PURGE), Some(body));
    let bearer = HeaderValue::from_str(&format!("Bearer {token}")).unwrap();
    request.headers_mut().insert("authorization", bearer);
    Client::new().send(request).await
}

fn is_hit(reply: &Reply) -> bool {
    let status = reply.header("cache-status").expect("it is told");
    assert!(status.starts_with("tooloo; "), "{status}");
    status.starts_with("tooloo; hit")
}

async fn figures(stand: &Stand) -> [u64; 2] {
    let told = get(stand, "/api/v1/system/observability").await.json();
    ["hits", "misses"].map(|name| told["cache"][name].as_u64().unwrap())
}

#[tokio::test]
async fn an_answer_is_given_again_until_a_change_passes() {
    let (upstream, rounds) = (Upstream::start().await, Arc::default());
    upstream.answer_by(training(&rounds));
    let stand = stand(&upstream, false).await;
    let first = get(&stand, OVERVIEW).await;
    assert!(!is_hit(&first));
    let again = get(&stand, OVERVIEW).await;
    assert!(is_hit(&again));
    assert_eq!(
        (first.text(), again.text()),
        ("0".to_owned(), "0".to_owned())
    );
    // Other caches are told what the service says to them, and nothing that is for the fleet's.
    assert_eq!(again.header("cache-control"), Some("no-cache"));
    assert_eq!(again.header("tooloo-cache-control"), None);
    // The answer at hand has a trace of its own.
    assert_ne!(first.trace_id(), again.trace_id());
    assert_eq!(figures(&stand).await, [1, 1]);

    let round = Client::new().post(stand.url(ROUND), &json!({})).await;
    assert_eq!(round.status, StatusCode::CREATED);
    let new = get(&stand, OVERVIEW).await;
    assert_eq!((is_hit(&new), new.text()), (false, "1".to_owned()));
    assert_eq!(upstream.received().len(), 3);
    assert_eq!(figures(&stand).await, [1, 2]);
}

#[tokio::test]
async fn what_a_service_does_not_let_be_kept_is_asked_for_each_time() {
    let upstream = Upstream::start().await;
    let stand = stand(&upstream, false).await;
    for (field, value) in [
        ("cache-control", "no-store"),
        ("cache-control", "private, max-age=60"),
        ("x-says", "nothing"),
    ] {
        let answer = Answer::new(StatusCode::OK).with_header(field, value);
        upstream.answer(answer.with_chunks(["{}"]));
        let before = upstream.received().len();
        for _ in 0..2 {
            assert!(!is_hit(&get(&stand, "/api/v1/budget").await), "{value}");
        }
        assert_eq!(upstream.received().len(), before + 2, "{value}");
    }
}

#[tokio::test]
async fn a_hit_spends_the_quota_of_its_client() {
    let (upstream, rounds) = (Upstream::start().await, Arc::default());
    upstream.answer_by(training(&rounds));
    let stand = Stand::before_address(upstream.address(), |settings: &mut Settings<WebConfig>| {
        let limits = json!({"default": {"tiers": [
            {"name": "few", "quota": {"limit": 3, "period": "1h"}}
        ]}});
        let web: WebConfig = serde_json::from_value(json!({"rate_limit": limits})).unwrap();
        settings.domain.rate_limit = web.rate_limit;
    })
    .await;
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(get(&stand, OVERVIEW).await.status.as_u16());
    }
    assert_eq!(statuses, [200, 200, 200, 429]);
    assert_eq!(upstream.received().len(), 1);
}

#[tokio::test]
async fn those_who_ask_together_are_one_call() {
    let (upstream, gate) = (Upstream::start().await, Gate::shut());
    let answer = Answer::new(StatusCode::OK).with_header("tooloo-cache-control", "max-age=600");
    upstream.answer(answer.with_chunks(["{}"]).with_gate(gate.clone()));
    let stand = stand(&upstream, false).await;
    let asking = join_all((0..20).map(|_| get(&stand, OVERVIEW)));
    let opening = async {
        gate.wait_for(1).await;
        gate.open();
    };
    let (replies, ()) = tokio::join!(asking, opening);
    assert!(replies.iter().all(|reply| reply.text() == "{}"));
    assert_eq!(upstream.received().len(), 1);
}

#[tokio::test]
async fn an_administrator_makes_it_forget() {
    let (upstream, rounds) = (Upstream::start().await, Arc::default());
    upstream.answer_by(training(&rounds));
    let stand = stand(&upstream, true).await;
    for wanted in [
        json!({"key": OVERVIEW}),
        json!({"key": stand.url(OVERVIEW)}),
        json!({"prefix": "/api/v1/training/"}),
        json!({"tag": "training"}),
        json!({"group": "training"}),
        json!({"group": "training", "soft": true}),
    ] {
        get(&stand, OVERVIEW).await;
        assert!(is_hit(&get(&stand, OVERVIEW).await));
        let refused = purge(&stand, "hunter3", &wanted).await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
        assert!(is_hit(&get(&stand, OVERVIEW).await));
        let reply = purge(&stand, TOKEN, &wanted).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
        assert!(!is_hit(&get(&stand, OVERVIEW).await), "{wanted}");
    }
    let nonsense = purge(&stand, TOKEN, &json!({"key": "not a url"})).await;
    assert_eq!(nonsense.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn nobody_makes_it_forget_without_a_token() {
    let upstream = Upstream::start().await;
    let stand = stand(&upstream, false).await;
    let reply = purge(&stand, "", &json!({"key": OVERVIEW})).await;
    assert_eq!(reply.status, StatusCode::NOT_FOUND);
}
