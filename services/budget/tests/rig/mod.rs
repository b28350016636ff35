//! The service and the simulated provider on real sockets, and a client to ask them.

#![allow(dead_code, unused_imports, reason = "no test uses all of it")]
#![allow(clippy::unwrap_used, reason = "a test panics where something is wrong")]

mod program;

use std::{future::Future, net::SocketAddr, path::Path, time::Duration};

use budget::{BudgetConfig, Money, SERVICE, SIMULATOR, simulator::SimulatorConfig};
use database::testing;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{net::TcpListener, task::JoinHandle};
use tooloo_service::{App, Secret, ServeError, Settings, Shutdown, Trigger, serve};
use tooloo_testkit::{Client, Reply, client};

pub(crate) use self::program::{Program, free_port};

/// How long anything may take before the test fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A service that is being served.
pub(crate) struct Served {
    address: SocketAddr,
    app: App,
    client: Client,
    trigger: Trigger,
    serving: JoinHandle<Result<(), ServeError>>,
}

/// The budget service with its folder.
pub(crate) struct Rig {
    pub(crate) budget: Served,
    pub(crate) folder: TempDir,
}

impl Served {
    pub(crate) async fn start(app: App) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (trigger, shutdown) = Shutdown::manual();
        let serving = tokio::spawn(serve(vec![(app.clone(), listener)], shutdown));
        Self {
            address,
            app,
            client: Client::new(),
            trigger,
            serving,
        }
    }

    /// Starts a simulated provider that answers at once, but for what `configure` changes.
    pub(crate) async fn simulator(configure: impl FnOnce(&mut SimulatorConfig)) -> Self {
        let folder = TempDir::new().unwrap();
        let mut settings: Settings<SimulatorConfig> =
            Settings::for_tests(&SIMULATOR, folder.path());
        settings.domain.latency = Duration::ZERO;
        settings.domain.jitter = Duration::ZERO;
        configure(&mut settings.domain);
        Self::start(budget::simulator::app(settings).await.unwrap()).await
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        within(self.client.get(self.url(path))).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Reply {
        within(self.client.post(self.url(path), body)).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Reply {
        let request = client::request(http::Method::PUT, self.url(path), Some(body));
        within(self.client.send(request)).await
    }

    /// Posts text that need not be JSON.
    pub(crate) async fn post_text(&self, path: &str, content_type: &str, body: &str) -> Reply {
        let request = http::Request::post(self.url(path))
            .header("content-type", content_type)
            .body(body.to_owned().into())
            .unwrap();
        within(self.client.send(request)).await
    }

    pub(crate) async fn burst(&self, prompt: &str) -> Reply {
        self.post("/api/v1/providers/burst", &json!({"prompt": prompt}))
            .await
    }

    /// Asks a provider in any case.
    pub(crate) async fn burst_anew(&self, prompt: &str) -> Reply {
        let body = json!({"prompt": prompt, "ttlSeconds": 0});
        self.post("/api/v1/providers/burst", &body).await
    }

    /// Returns what is spent and what is reserved today, in micro-dollars.
    pub(crate) async fn money(&self) -> (u64, u64) {
        let budget = self.get("/api/v1/budget").await.json();
        (micros(&budget["spent"]), micros(&budget["reserved"]))
    }

    /// Asks again and again until `path` answers what `expected` says.
    pub(crate) async fn until(&self, path: &str, expected: impl Fn(&Value) -> bool) -> Value {
        let asking = async {
            loop {
                let answer = self.client.get(self.url(path)).await.json();
                if expected(&answer) {
                    return answer;
                }
                tokio::task::yield_now().await;
            }
        };
        within(asking).await
    }

    /// Drains, and fails where the drain takes too long.
    pub(crate) async fn stop(self) {
        self.trigger.shut_down();
        within(self.serving).await.unwrap().unwrap();
    }

    pub(crate) fn drain(&self) {
        self.trigger.shut_down();
    }
}

impl Rig {
    pub(crate) async fn start(configure: impl FnOnce(&mut BudgetConfig)) -> Self {
        let folder = TempDir::new().unwrap();
        let budget = budget_in(folder.path(), configure).await;
        Self { budget, folder }
    }

    /// Starts it with settings of the kit, too.
    pub(crate) async fn start_with(configure: impl FnOnce(&mut Settings<BudgetConfig>)) -> Self {
        let folder = TempDir::new().unwrap();
        let mut settings = settings_in(folder.path()).await;
        configure(&mut settings);
        let budget = Served::start(budget::app(settings).await.unwrap()).await;
        Self { budget, folder }
    }
}

/// Starts the budget service on the ledger in `folder`.
pub(crate) async fn budget_in(folder: &Path, configure: impl FnOnce(&mut BudgetConfig)) -> Served {
    let mut settings = settings_in(folder).await;
    configure(&mut settings.domain);
    Served::start(budget::app(settings).await.unwrap()).await
}

/// Settings of the service whose ledger is in `folder`, or in the folder's own database where the tests
/// run on PostgreSQL.
pub(crate) async fn settings_in(folder: &Path) -> Settings<BudgetConfig> {
    let mut settings: Settings<BudgetConfig> = Settings::for_tests(&SERVICE, folder);
    settings.kit.database_url = testing::url(folder).await.map(Secret::new);
    settings
}

/// A provider as the settings have it, at 1 µ$ for each token.
pub(crate) fn provider(name: &str, address: impl std::fmt::Display, more: &Value) -> Value {
    let mut provider = json!({
        "name": name,
        "base_url": address.to_string(),
        "model": "tooloo-sim-1",
        "prices": {"input": 1, "output": 1},
    });
    let more = more.as_object().unwrap().clone();
    provider.as_object_mut().unwrap().extend(more);
    provider
}

pub(crate) fn providers(config: &mut BudgetConfig, list: &[Value]) {
    config.providers = serde_json::from_value(list.into()).unwrap();
}

/// An address where nobody listens.
pub(crate) async fn nowhere() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

pub(crate) fn micros(dollars: &Value) -> u64 {
    let dollars = dollars
        .as_f64()
        .unwrap_or_else(|| panic!("{dollars} is no amount"));
    Money::from_dollars(dollars).unwrap().micros()
}

/// A completion as a provider sends it.
pub(crate) fn completion(text: &str, tokens: (u32, u32)) -> String {
    json!({
        "choices": [{"message": {"role": "assistant", "content": text}}],
        "usage": {"prompt_tokens": tokens.0, "completion_tokens": tokens.1},
    })
    .to_string()
}

pub(crate) async fn within<F: Future>(future: F) -> F::Output {
    let waited = tokio::time::timeout(PATIENCE, future).await;
    waited.expect("it takes less than the test's patience")
}

/// Asserts that a reply is a problem with this status whose detail holds `part`.
#[track_caller]
pub(crate) fn assert_problem(reply: &Reply, status: u16, part: &str) {
    assert_eq!(reply.status.as_u16(), status, "{}", reply.text());
    let content_type = reply.header("content-type").unwrap();
    assert_eq!(content_type, "application/problem+json", "{}", reply.text());
    let problem = reply.json();
    assert_eq!(problem["status"], status);
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains(part), "{detail}");
}
