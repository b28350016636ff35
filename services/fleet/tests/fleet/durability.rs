//! What a service answered 2xx for is there after a `kill -9`.

use std::{
    collections::BTreeSet,
    future::Future,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use fastrand::Rng;
use http::Method;
use serde_json::{Value, json};
use tokio::{
    task::JoinSet,
    time::{sleep, timeout},
};
use tooloo_testkit::{
    PostgresServer,
    client::{Client, request},
    fleet::{FleetProcess, Launch},
};

use crate::fleet;

const ROUNDS: u64 = 3;
const PATIENCE: Duration = Duration::from_secs(15);
const LOOK_AGAIN: Duration = Duration::from_millis(2);

/// What the services have acknowledged, over all rounds.
#[derive(Debug, Default)]
struct Acknowledged {
    writes: AtomicU64,
    topics: Set,
    rounds: Set,
    workflows: Set,
    interval: Register,
    keywords: Register,
    active: Register,
}

/// Things that were added: each is there for good once it was acknowledged.
#[derive(Debug, Default)]
struct Set(Mutex<BTreeSet<String>>);

/// One value that is written over and over, by one writer.
#[derive(Debug, Default)]
struct Register(Mutex<(Option<Value>, Option<Value>)>);

impl Set {
    fn lock(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Register {
    fn lock(&self) -> MutexGuard<'_, (Option<Value>, Option<Value>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_trying(&self, value: &Value) {
        self.lock().1 = Some(value.clone());
    }

    fn is_acknowledged(&self) {
        let mut register = self.lock();
        register.0 = register.1.take();
    }

    /// The write that was under way at the kill may have come through, or not.
    fn assert_holds(&self, found: &Value, what: &str) {
        let mut register = self.lock();
        let (acknowledged, tried) = &*register;
        let fine = acknowledged.as_ref() == Some(found) || tried.as_ref() == Some(found);
        assert!(
            fine,
            "{what} is {found}, after {acknowledged:?} was acknowledged and {tried:?} was tried"
        );
        *register = (Some(found.clone()), None);
    }
}

/// Writes one thing after the other to one service.
struct Writer {
    client: Client,
    acknowledged: Arc<Acknowledged>,
    nth: u64,
}

impl Writer {
    /// Writes until the service is gone.
    async fn run<F>(mut self, mut write: impl FnMut(Client, Arc<Acknowledged>, u64) -> F)
    where
        F: Future<Output = bool>,
    {
        while write(
            self.client.clone(),
            Arc::clone(&self.acknowledged),
            self.nth,
        )
        .await
        {
            self.nth += 1;
            self.acknowledged.writes.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Posts, and returns the answer if the service was there to give it.
async fn post(client: &Client, url: String, body: Value) -> Option<Value> {
    let reply = client
        .try_send(request(Method::POST, url, Some(&body)))
        .await
        .ok()?;
    assert!(
        reply.status.is_success(),
        "{body} was answered {}: {}",
        reply.status,
        reply.text()
    );
    Some(reply.json())
}

const SETTINGS: &str = "[training]\nmax_topics = 100000\n";

#[tokio::test]
async fn what_was_acknowledged_survives_a_kill() {
    assert_survives_kills(fleet(SETTINGS)).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn what_was_acknowledged_on_postgres_survives_a_kill() {
    let server = PostgresServer::start_with(&["max_connections=200"]).await;
    let launch = fleet(SETTINGS).with_env("TOOLOO_DATABASE_URL", server.url());
    assert_survives_kills(launch).await;
}

async fn assert_survives_kills(launch: Launch) {
    let mut rng = Rng::with_seed(9);
    let client = Client::new();
    let acknowledged = Arc::new(Acknowledged::default());
    let mut fleet = launch.start().await;
    let operation = first_operation(&client, &fleet).await;
    for round in 0..ROUNDS {
        let mut writers = start_writers(&fleet, &acknowledged, round * 1_000_000, &operation);
        let until = acknowledged.writes.load(Ordering::Relaxed) + rng.u64(60..200);
        let enough = async {
            while acknowledged.writes.load(Ordering::Relaxed) < until {
                sleep(LOOK_AGAIN).await;
            }
        };
        timeout(PATIENCE, enough)
            .await
            .expect("the services take writes");
        let launch = fleet.kill().await;
        while let Some(writer) = writers.join_next().await {
            writer.expect("a writer ends when the service is gone");
        }
        fleet = launch.start().await;
        assert_all_there(&client, &fleet, &acknowledged, &operation).await;
    }
    for set in [
        &acknowledged.topics,
        &acknowledged.rounds,
        &acknowledged.workflows,
    ] {
        assert!(
            set.lock().len() > 10,
            "too little was written: {acknowledged:#?}"
        );
    }
}

fn start_writers(
    fleet: &FleetProcess,
    acknowledged: &Arc<Acknowledged>,
    first: u64,
    operation: &str,
) -> JoinSet<()> {
    let writer = || Writer {
        client: Client::new(),
        acknowledged: Arc::clone(acknowledged),
        nth: first,
    };
    let mut writers = JoinSet::new();

    let url = fleet.url("training", "/api/v1/training/new-topic");
    writers.spawn(writer().run(move |client, acknowledged, nth| {
        let url = url.clone();
        async move {
            let name = format!("Topic {nth}");
            let answer = post(&client, url, json!({ "name": name })).await;
            answer.is_some_and(|_| acknowledged.topics.lock().insert(name))
        }
    }));
    let url = fleet.url("training", "/api/v1/training/round");
    writers.spawn(writer().run(move |client, acknowledged, nth| {
        let url = url.clone();
        async move {
            let answer = post(
                &client,
                url,
                json!({ "topic": "algorithms", "correct": nth.is_multiple_of(3) }),
            )
            .await;
            answer.is_some_and(|answer| {
                acknowledged
                    .rounds
                    .lock()
                    .insert(answer["round"].to_string())
            })
        }
    }));
    let url = fleet.url("budget", "/api/v1/budget/record-workflow");
    writers.spawn(writer().run(move |client, acknowledged, nth| {
        let url = url.clone();
        async move {
            let id = format!("workflow-{nth}");
            let answer = post(
                &client,
                url,
                json!({ "workflowId": id, "cohort": "killed", "cost": 0.001 }),
            )
            .await;
            answer.is_some_and(|_| acknowledged.workflows.lock().insert(id))
        }
    }));
    let register =
        |url: String, register: fn(&Acknowledged) -> &Register, body: fn(u64) -> (Value, Value)| {
            writer().run(move |client, acknowledged, nth| {
                let url = url.clone();
                async move {
                    let (value, body) = body(nth);
                    register(&acknowledged).is_trying(&value);
                    let answer = post(&client, url, body).await;
                    answer
                        .inspect(|_| register(&acknowledged).is_acknowledged())
                        .is_some()
                }
            })
        };
    writers.spawn(register(
        fleet.url("coach", "/api/v1/auto-coach/settings"),
        |all| &all.interval,
        |nth| {
            (
                json!(nth % 80_000 + 1),
                json!({ "intervalSeconds": nth % 80_000 + 1 }),
            )
        },
    ));
    writers.spawn(register(
        fleet.url("segmentation", "/api/v1/segmentation/configure"),
        |all| &all.keywords,
        |nth| (json!(nth % 50 + 1), json!({ "keywords": nth % 50 + 1 })),
    ));
    let (client, acknowledged, operation) = (
        Client::new(),
        Arc::clone(acknowledged),
        operation.to_owned(),
    );
    let urls = ["activate", "deactivate"]
        .map(|verb| fleet.url("capabilities", &format!("/api/v1/capabilities/{verb}")));
    writers.spawn(async move {
        for (nth, url) in (0_u64..).zip(urls.iter().cycle()) {
            acknowledged.active.is_trying(&json!(nth.is_multiple_of(2)));
            if post(&client, url.clone(), json!({ "id": operation }))
                .await
                .is_none()
            {
                return;
            }
            acknowledged.active.is_acknowledged();
            acknowledged.writes.fetch_add(1, Ordering::Relaxed);
        }
    });
    writers
}

async fn assert_all_there(
    client: &Client,
    fleet: &FleetProcess,
    acknowledged: &Acknowledged,
    operation: &str,
) {
    let get = async |service: &str, path: &str| client.get(fleet.url(service, path)).await.json();

    let overview = get("training", "/api/v1/training/overview").await;
    let found = list(&overview["topics"]).map(|topic| text(&topic["name"]));
    assert_held(&acknowledged.topics, &found.collect(), "topics");

    let mut rounds = BTreeSet::new();
    let mut since = json!(0);
    while !since.is_null() {
        let page = get(
            "training",
            &format!("/api/v1/training/history?limit=1000&since={since}"),
        )
        .await;
        rounds.extend(list(&page["rounds"]).map(Value::to_string));
        since = page["next"].clone();
    }
    assert_held(&acknowledged.rounds, &rounds, "rounds");

    let history = get("budget", "/api/v1/budget/history?entries=1000").await;
    let found = list(&history["entries"]).map(|entry| text(&entry["workflowId"]));
    assert_held(&acknowledged.workflows, &found.collect(), "workflows");

    let coach = get("coach", "/api/v1/auto-coach/settings").await;
    acknowledged.interval.assert_holds(
        &coach["settings"]["intervalSeconds"],
        "the coach's interval",
    );
    let segmentation = get("segmentation", "/api/v1/segmentation/status").await;
    acknowledged.keywords.assert_holds(
        &segmentation["settings"]["keywords"],
        "segmentation's number of keywords",
    );
    let capabilities = get("capabilities", "/api/v1/capabilities/list").await;
    let kept = list(&capabilities["capabilities"]).find(|capability| capability["id"] == operation);
    let kept = kept.unwrap_or_else(|| panic!("{operation} is gone: {capabilities}"));
    let active = json!(kept["state"] == "active");
    acknowledged
        .active
        .assert_holds(&active, "whether the operation is active");
}

fn assert_held(acknowledged: &Set, found: &BTreeSet<String>, what: &str) {
    let lost: Vec<_> = acknowledged.lock().difference(found).cloned().collect();
    assert!(lost.is_empty(), "{} {what} are lost: {lost:?}", lost.len());
}

async fn first_operation(client: &Client, fleet: &FleetProcess) -> String {
    let answer = client
        .get(fleet.url(
            "capabilities",
            "/api/v1/capabilities/discovered?refresh=true",
        ))
        .await
        .json();
    let operation =
        list(&answer["capabilities"]).find(|operation| operation["service"] == "training");
    text(&operation.unwrap_or_else(|| panic!("training offers nothing: {answer}"))["id"])
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value
        .as_array()
        .unwrap_or_else(|| panic!("{value} is no list"))
        .iter()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
