//! A model provider that fails and comes back, seen by a client of the running fleet.

use std::{fs, time::Duration};

use futures_util::future::join_all;
use http::StatusCode;
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};
use tooloo_testkit::{
    Answer, Client, Upstream,
    fleet::{FleetProcess, Launch},
};

/// The calls that the first provider's breaker looks at.
const WINDOW: usize = 10;
const PATIENCE: Duration = Duration::from_secs(30);
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// What a client was told of the first provider, in all its answers.
#[derive(Debug, Default)]
struct Told {
    answered: usize,
    failed: usize,
    passed_over: usize,
}

/// A fleet whose first provider is the test's, and whose second is the simulated one.
struct Stand {
    fleet: FleetProcess,
    client: Client,
    first: Upstream,
    told: Told,
    asked: usize,
}

impl Stand {
    async fn start() -> Self {
        let first = Upstream::start().await;
        let settings = format!(
            "[simulator]\nlatency = '1ms'\njitter = '0s'\n\
             [[budget.providers]]\nname = 'first'\nbase_url = '{}'\nmodel = 'm'\n\
             prices = {{ input = 0.1, output = 0.1 }}\nmax_concurrency = 32\n\
             [budget.providers.circuit_breaker]\n\
             window = {{ calls = {WINDOW} }}\nminimum_calls = 4\nopen_for = '300ms'\nprobes = 2\n\
             backoff = {{ factor = 1.0, jitter = 0.0 }}\n\
             [[budget.providers]]\nname = 'second'\nmodel = 'tooloo-sim-1'\n\
             prices = {{ input = 9.0, output = 9.0 }}\n",
            first.url("/v1")
        );
        let launch = Launch::new(env!("CARGO_BIN_EXE_tooloo"));
        let file = launch.data_dir().join("tooloo.toml");
        fs::write(file, settings).expect("the folder is the test's own");
        // Nobody else asks these providers: the coach would.
        let launch = launch.with_only(&["web", "budget", "simulator"]);
        Self {
            fleet: launch
                .with_arg("--log-level")
                .with_arg("warn")
                .start()
                .await,
            client: Client::new(),
            first,
            told: Told::default(),
            asked: 0,
        }
    }

    /// Asks `count` different questions at once through the gateway, each of which is answered.
    async fn ask(&mut self, count: usize) -> Vec<Value> {
        let url = self.fleet.url("web", "/api/v1/providers/burst");
        let asking = (self.asked..self.asked + count).map(|n| {
            let body = json!({ "prompt": format!("question {n}") });
            let (client, url) = (&self.client, &url);
            async move { client.post(url, &body).await }
        });
        let replies = join_all(asking).await;
        self.asked += count;
        let answers = replies.into_iter().map(|reply| {
            assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
            reply.json()
        });
        let answers: Vec<_> = answers.collect();
        for answer in &answers {
            self.note(answer);
        }
        answers
    }

    fn note(&mut self, answer: &Value) {
        let failover = answer["failover"].as_array().expect("a list");
        if answer["provider"] == "first" {
            assert!(failover.is_empty(), "{answer}");
            self.told.answered += 1;
            return;
        }
        assert_eq!(answer["provider"], "second", "{answer}");
        assert_eq!(failover.len(), 1, "{answer}");
        assert_eq!(failover[0]["provider"], "first", "{answer}");
        match failover[0]["reason"].as_str() {
            Some("server-error") => self.told.failed += 1,
            Some("circuit-open") => self.told.passed_over += 1,
            _ => panic!("no such reason is known: {answer}"),
        }
    }

    /// Returns the status of the first provider's breaker, whose figures are those of the answers.
    async fn status(&self) -> String {
        let url = self.fleet.url("web", "/api/v1/providers/resilience-status");
        let shown = self.client.get(url).await.json();
        let breaker = &shown["circuitBreakers"]["first"];
        let Told {
            answered,
            failed,
            passed_over,
        } = self.told;
        assert_eq!(breaker["callCount"], answered + failed, "{breaker}");
        assert_eq!(breaker["successCount"], answered, "{breaker}");
        assert_eq!(breaker["failureCount"], failed, "{breaker}");
        assert_eq!(breaker["rejectedCount"], passed_over, "{breaker}");
        assert_eq!(self.first.received().len(), answered + failed);

        let second = &shown["circuitBreakers"]["second"];
        assert_eq!(second["status"], "closed", "{second}");
        assert_eq!(second["callCount"], failed + passed_over, "{second}");
        assert_eq!(shown["rateLimiter"]["allowedRequests"], self.asked);
        assert_eq!(shown["rateLimiter"]["deniedRequests"], 0);
        assert_eq!(shown["budget"]["reserved"], 0.0, "{shown}");
        breaker["status"].as_str().expect("a text").to_owned()
    }
}

fn good() -> Answer {
    let completion = json!({
        "choices": [{"message": {"role": "assistant", "content": "yes"}}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1},
    });
    Answer::new(StatusCode::OK).with_chunks([completion.to_string()])
}

#[tokio::test]
async fn a_failing_provider_is_passed_over_until_it_is_back() {
    let mut stand = Stand::start().await;
    stand.first.answer(good());
    for _ in 0..5 {
        stand.ask(1).await;
    }
    assert_eq!(stand.told.answered, 5, "{:?}", stand.told);
    assert_eq!(stand.status().await, "closed");

    stand.first.answer(Answer::new(StatusCode::BAD_GATEWAY));
    while stand.status().await == "closed" {
        stand.ask(1).await;
        assert!(stand.told.failed <= WINDOW, "{:?}", stand.told);
    }
    stand.ask(20).await;
    assert!(stand.told.passed_over > 0, "{:?}", stand.told);
    assert_ne!(stand.status().await, "closed");

    stand.first.answer(good());
    let back = async {
        while stand.status().await != "closed" {
            stand.ask(1).await;
            // Another process's time cannot be awaited, only looked at again.
            sleep(LOOK_AGAIN).await;
        }
    };
    timeout(PATIENCE, back).await.expect("it comes back");
    let answers = stand.ask(5).await;
    assert!(
        answers.iter().all(|answer| answer["provider"] == "first"),
        "{answers:?}"
    );
    assert_eq!(stand.status().await, "closed");
}
