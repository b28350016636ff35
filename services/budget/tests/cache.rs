//! Answers that are kept: for whom, for how long, and until they are purged.

mod rig;

use std::time::Duration;

use futures_util::future::join_all;
use http::{HeaderValue, Method, StatusCode};
use rig::{
    Rig, Served, assert_problem, budget_in, completion, micros, provider, providers, within,
};
use serde_json::{Value, json};
use tokio::time::sleep;
use tooloo_service::Secret;
use tooloo_testkit::{Answer, Client, Gate, Reply, Upstream, client::request};

/// A client may not ask as often as it can.
const LOOK_AGAIN: Duration = Duration::from_millis(20);
const BURST: &str = "/api/v1/providers/burst";
const STATUS: &str = "/api/v1/providers/resilience-status";

fn yes() -> Answer {
    Answer::new(StatusCode::OK).with_chunks([completion("yes", (2, 3))])
}

async fn with(upstream: &Upstream) -> Rig {
    upstream.answer(yes());
    let url = upstream.url("/v1");
    Rig::start(|config| providers(config, &[provider("up", url, &json!({}))])).await
}

async fn ask(budget: &Served, prompt: &str, ttl: impl Into<Option<u64>>) -> Value {
    let mut body = json!({"prompt": prompt});
    if let Some(ttl) = ttl.into() {
        body["ttlSeconds"] = ttl.into();
    }
    let reply = budget.post(BURST, &body).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    reply.json()
}

fn assert_source(answer: &Value, source: &str) {
    assert_eq!(answer["cache"], source, "{answer}");
    assert_eq!(answer["cached"], source != "miss", "{answer}");
}

async fn figures(budget: &Served) -> [u64; 4] {
    let cache = budget.get(STATUS).await.json()["cache"].clone();
    ["hits", "misses", "stale", "coalesced"].map(|name| cache[name].as_u64().expect("a count"))
}

#[tokio::test]
async fn a_second_asker_gets_what_the_first_one_paid_for() {
    let upstream = Upstream::start().await;
    let rig = with(&upstream).await;
    let first = ask(&rig.budget, "why?", None).await;
    assert_source(&first, "miss");
    let second = ask(&rig.budget, "why?", None).await;
    assert_source(&second, "hit");
    assert_eq!(
        (&second["text"], &second["provider"], &second["model"]),
        (&first["text"], &first["provider"], &first["model"])
    );
    assert_eq!((micros(&second["cost"]), micros(&first["cost"])), (0, 5));
    assert_source(&ask(&rig.budget, "why not?", None).await, "miss");

    assert_eq!(upstream.received().len(), 2);
    assert_eq!(rig.budget.money().await, (10, 0));
    assert_eq!(figures(&rig.budget).await, [1, 2, 0, 0]);
    let observed = rig.budget.get("/api/v1/system/observability").await.json();
    assert_eq!(observed["cache"]["hits"], 1);
    assert_eq!(observed["cache"]["writes"], 2);
}

#[tokio::test]
async fn who_asks_says_how_old_an_answer_may_be() {
    let upstream = Upstream::start().await;
    let rig = with(&upstream).await;
    // Not kept, and not taken from what is kept.
    assert_source(&ask(&rig.budget, "now?", 0).await, "miss");
    assert_source(&ask(&rig.budget, "now?", 60).await, "miss");
    assert_source(&ask(&rig.budget, "now?", 0).await, "miss");
    assert_source(&ask(&rig.budget, "now?", 60).await, "hit");
    assert_eq!(upstream.received().len(), 3);

    // Kept for a second, and gone when that is over.
    assert_source(&ask(&rig.budget, "briefly?", 1).await, "miss");
    let asking = async {
        while ask(&rig.budget, "briefly?", 1).await["cache"] == "hit" {
            sleep(LOOK_AGAIN).await;
        }
    };
    within(asking).await;
}

#[tokio::test]
async fn what_is_kept_outlives_a_restart() {
    let upstream = Upstream::start().await;
    let rig = with(&upstream).await;
    ask(&rig.budget, "remember?", 3_600).await;
    let Rig { budget, folder } = rig;
    budget.stop().await;

    upstream.answer(Answer::new(StatusCode::INTERNAL_SERVER_ERROR));
    let url = upstream.url("/v1");
    let budget = budget_in(folder.path(), |config| {
        providers(config, &[provider("up", url, &json!({}))]);
    })
    .await;
    assert_source(&ask(&budget, "remember?", None).await, "hit");
    assert_source(&ask(&budget, "remember?", None).await, "hit");
    assert_eq!(figures(&budget).await, [2, 0, 0, 0]);
    let disk = budget.get(STATUS).await.json()["cache"]["tiers"]["disk"].clone();
    assert_eq!(disk["hits"], 1, "{disk}");
    assert_eq!(upstream.received().len(), 1);
}

#[tokio::test]
async fn while_every_provider_is_down_stale_answers_are_given_and_say_so() {
    let upstream = Upstream::start().await;
    let rig = with(&upstream).await;
    ask(&rig.budget, "known?", 1).await;
    upstream.answer(Answer::new(StatusCode::SERVICE_UNAVAILABLE));
    let stale = async {
        loop {
            let answer = ask(&rig.budget, "known?", 1).await;
            if answer["cache"] != "hit" {
                return answer;
            }
            sleep(LOOK_AGAIN).await;
        }
    };
    let stale = within(stale).await;
    assert_source(&stale, "stale");
    assert_eq!((&stale["text"], micros(&stale["cost"])), (&json!("yes"), 0));
    assert_eq!(stale["failover"][0]["provider"], "up", "{stale}");
    assert_eq!(figures(&rig.budget).await[2], 1);

    // There is nothing to give for another question, nor for who takes nothing that is kept.
    assert_problem(&rig.budget.burst("unknown?").await, 503, "no provider");
    assert_problem(&rig.budget.burst_anew("known?").await, 503, "no provider");

    upstream.answer(yes());
    let back = async {
        while ask(&rig.budget, "known?", 1).await["cache"] == "stale" {
            sleep(LOOK_AGAIN).await;
        }
    };
    within(back).await;
}

#[tokio::test]
async fn askers_that_wait_for_one_call_are_counted_as_such() {
    let upstream = Upstream::start().await;
    let rig = with(&upstream).await;
    let gate = Gate::shut();
    upstream.answer(yes().with_gate(gate.clone()));
    let asking = join_all((0..5).map(|_| ask(&rig.budget, "together?", None)));
    let waiting = rig.budget.until(STATUS, |status| {
        status["deduplicator"] == json!({"inFlight": 1, "coalesced": 4})
    });
    let opening = async {
        waiting.await;
        gate.open();
    };
    let (answers, ()) = within(Box::pin(async { tokio::join!(asking, opening) })).await;
    for answer in &answers {
        assert_source(answer, "miss");
    }
    assert_source(&ask(&rig.budget, "together?", None).await, "hit");
    assert_eq!(figures(&rig.budget).await, [1, 5, 0, 4]);
    assert_eq!(upstream.received().len(), 1);
}

async fn purge(budget: &Served, token: &str, body: &Value) -> Reply {
    let url = budget.url("/api/v1/system/cache/purge");
    let mut request = request(Method::POST, url, Some(body));
    let bearer = HeaderValue::from_str(&format!("Bearer {token}")).expect("a header");
    request.headers_mut().insert("authorization", bearer);
    within(Client::new().send(request)).await
}

#[tokio::test]
async fn an_administrator_makes_it_forget() {
    let upstream = Upstream::start().await;
    upstream.answer(yes());
    let url = upstream.url("/v1");
    let rig = Rig::start_with(|settings| {
        settings.kit.admin_token = Some(Secret::new("sesame"));
        providers(&mut settings.domain, &[provider("up", url, &json!({}))]);
    })
    .await;
    let kept = [
        json!({"key": "what is rust?"}),
        json!({"prefix": "what is"}),
        json!({"tag": "up"}),
        json!({"tag": "tooloo-sim-1"}),
    ];
    for wanted in &kept {
        ask(&rig.budget, "what is rust?", None).await;
        ask(&rig.budget, "what is rust? more", None).await;
        let refused = purge(&rig.budget, "guess", wanted).await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
        assert_source(&ask(&rig.budget, "what is rust?", None).await, "hit");
        let reply = purge(&rig.budget, "sesame", wanted).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
        assert_eq!(reply.json()["purged"], *wanted);
        let longer = ask(&rig.budget, "what is rust? more", None).await;
        // A key is a whole prompt.
        let spared = wanted.get("key").is_some();
        assert_source(&longer, if spared { "hit" } else { "miss" });
        assert_source(&ask(&rig.budget, "what is rust?", None).await, "miss");
    }

    // Softly: asked anew, and given where nobody answers.
    let soft = json!({"key": "what is rust?", "soft": true});
    let reply = purge(&rig.budget, "sesame", &soft).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    upstream.answer(Answer::new(StatusCode::SERVICE_UNAVAILABLE));
    assert_source(&ask(&rig.budget, "what is rust?", None).await, "stale");
    assert_source(&ask(&rig.budget, "what is rust? more", None).await, "hit");
}
