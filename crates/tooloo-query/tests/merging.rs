//! The layers: what is merged, what must not be, and that answers are the same.

#![allow(clippy::unwrap_used, reason = "a test fails where it panics")]

mod notes;

use std::{
    num::NonZeroUsize,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use futures_util::future::join_all;
use tokio::sync::Semaphore;
use tooloo_hub::Observe;
use tooloo_key::Key;
use tooloo_query::{
    Budget, DatabaseConfig, Deduplicate, DeduplicateLayer, ErrorKind, GatherConfig, GatherLayer,
    KeyedRead, Queries, Query, QueryError, QueryScope, Rows,
};
use tower::{Layer, Service, ServiceBuilder, service_fn, util::BoxCloneSyncService};

use self::notes::{Notes, limit};

/// A service whose calls wait until the test lets them go on.
type Gated = Deduplicate<BoxCloneSyncService<Query, Rows, QueryError>>;

fn gated(notes: &Notes) -> (Gated, Arc<Semaphore>, Arc<AtomicUsize>) {
    let (gate, calls) = (Arc::new(Semaphore::new(0)), Arc::new(AtomicUsize::new(0)));
    let (opened, counted) = (Arc::clone(&gate), Arc::clone(&calls));
    let database = notes.database.clone();
    let inner = service_fn(move |query: Query| {
        counted.fetch_add(1, Ordering::SeqCst);
        let (gate, mut database) = (Arc::clone(&opened), database.clone());
        async move {
            gate.acquire().await.unwrap().forget();
            database.call(query).await
        }
    });
    let layer = DeduplicateLayer::new(&notes.database);
    (layer.layer(BoxCloneSyncService::new(inner)), gate, calls)
}

const READ: &str = "SELECT count(*) FROM notes WHERE text <> $1";

fn read(value: &str) -> Query {
    Query::new(READ).bind(value)
}

#[tokio::test]
async fn identical_reads_in_flight_are_asked_once() {
    let notes = Notes::new().await;
    let (mut service, gate, calls) = gated(&notes);
    let asked: Vec<_> = (0..10).map(|_| service.call(read("x"))).collect();
    let other = service.call(read("y"));
    assert_eq!(calls.load(Ordering::SeqCst), 2);
    gate.add_permits(2);
    let answers = limit(join_all(asked)).await;
    assert!(answers.iter().all(|rows| rows.as_ref().unwrap().len() == 1));
    limit(other).await.unwrap();
    let snapshot = notes.database.handle().snapshot();
    assert_eq!(
        (snapshot.executed, snapshot.deduplicated, snapshot.saved),
        (2, 9, 9)
    );
    // What has ended is not in flight.
    gate.add_permits(1);
    limit(service.call(read("x"))).await.unwrap();
    assert_eq!(calls.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn what_may_have_an_effect_is_never_merged() {
    let notes = Notes::new().await;
    let (mut service, _gate, calls) = gated(&notes);
    let texts = [
        "INSERT INTO notes (text) VALUES ('x') ON CONFLICT DO NOTHING",
        "SELECT random()",
        "SELECT datetime('now')",
    ];
    let asked: Vec<_> = texts
        .iter()
        .flat_map(|text| [Query::new(*text), Query::new(*text)])
        .chain([read("x").alone(), read("x").alone()])
        .chain(["one", "two"].map(|tenant| read("t").for_tenant(Key::from(tenant))))
        .map(|query| service.call(query))
        .collect();
    assert_eq!(calls.load(Ordering::SeqCst), asked.len());
}

#[tokio::test]
async fn a_caller_that_goes_away_leaves_the_read_to_the_others() {
    let notes = Notes::new().await;
    let (mut service, gate, calls) = gated(&notes);
    let first = tokio::spawn(service.call(read("x")));
    let second = service.call(read("x"));
    tokio::task::yield_now().await;
    first.abort();
    assert!(limit(first).await.unwrap_err().is_cancelled());
    gate.add_permits(1);
    assert_eq!(limit(second).await.unwrap().len(), 1);
    assert_eq!(calls.load(Ordering::SeqCst), 1);
    // Where all go away the read ends, and the next one is not answered by it.
    let (one, other) = (service.call(read("x")), service.call(read("x")));
    drop((one, other));
    gate.add_permits(1);
    limit(service.call(read("x"))).await.unwrap();
    assert_eq!(calls.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn a_read_is_not_answered_by_one_that_began_before_a_write() {
    let notes = Notes::new().await;
    let (mut service, gate, calls) = gated(&notes);
    let before = service.call(read("x"));
    notes.add("new").await;
    let after = service.call(read("x"));
    assert_eq!(
        calls.load(Ordering::SeqCst),
        2,
        "a write on its own parts them"
    );
    let mut transaction = limit(notes.database.begin()).await.unwrap();
    limit(transaction.execute("DELETE FROM notes"))
        .await
        .unwrap();
    let within = service.call(read("x"));
    assert_eq!(calls.load(Ordering::SeqCst), 2, "nothing is committed yet");
    limit(transaction.commit()).await.unwrap();
    let last = service.call(read("x"));
    assert_eq!(calls.load(Ordering::SeqCst), 3, "a commit parts them");
    gate.add_permits(3);
    let answers = limit(join_all([before, after, within, last])).await;
    assert!(answers.iter().all(Result::is_ok));
}

#[tokio::test]
async fn the_refusal_of_one_request_is_no_other_ones_answer() {
    let notes = Notes::new().await;
    let (service, gate, _) = gated(&notes);
    let spent = async {
        notes.database.query("SELECT 1").await.unwrap();
        service.query(read("x")).await
    };
    let spent = QueryScope::new(Budget::refuse(1)).run(spent);
    let other = async {
        tokio::task::yield_now().await;
        service.query(read("x")).await
    };
    gate.add_permits(2);
    let (spent, other) = limit(async { tokio::join!(spent, other) }).await;
    assert_eq!(spent.unwrap_err().kind(), ErrorKind::OverBudget);
    other.unwrap();
}

fn text_of() -> KeyedRead {
    KeyedRead::new("notes", "id", ["text"])
}

async fn filled(count: i64) -> Notes {
    let notes = Notes::new().await;
    let fill = format!(
        "INSERT INTO notes (id, text, kind) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})
         SELECT i, 'note ' || i, i % 3 FROM n"
    );
    limit(notes.database.script(fill)).await.unwrap();
    notes
}

#[tokio::test]
async fn reads_by_key_are_gathered_and_each_gets_its_own_rows() {
    let notes = filled(50).await;
    let service = ServiceBuilder::new()
        .layer(GatherLayer::new(&notes.database, GatherConfig::new()))
        .service(notes.database.clone());
    let read = text_of();
    // Out of order, twice, and some that are not there.
    let keys: Vec<i64> = (0..60).rev().chain([7, 7]).collect();
    let asked = keys.iter().map(|key| service.query(read.by(*key)));
    let answers = limit(join_all(asked)).await;
    for (key, answer) in keys.iter().zip(answers) {
        let rows = answer.unwrap();
        let alone = limit(notes.database.query(read.by(*key))).await.unwrap();
        assert_eq!(rows, alone, "key {key}");
        assert_eq!(rows.len(), usize::from((1..=50).contains(key)));
    }
    let snapshot = notes.database.handle().snapshot();
    assert_eq!((snapshot.batched, snapshot.saved), (62, 61));
}

#[tokio::test]
async fn several_rows_of_one_key_keep_their_order() {
    let notes = filled(9).await;
    let service =
        GatherLayer::new(&notes.database, GatherConfig::new()).layer(notes.database.clone());
    let read = KeyedRead::new("notes", "kind", ["id", "text"]).ordered_by(["id"]);
    let asked = [0, 1, 2, 0].map(|key| service.query(read.by(key)));
    for (key, answer) in [0, 1, 2, 0].into_iter().zip(limit(join_all(asked)).await) {
        let alone = limit(notes.database.query(read.by(key))).await.unwrap();
        assert_eq!(answer.unwrap(), alone);
        assert_eq!(alone.len(), 3);
    }
}

#[tokio::test]
async fn a_full_batch_is_sent_and_an_idle_one_does_not_wait() {
    let notes = filled(50).await;
    let config = GatherConfig::new().with_size(NonZeroUsize::new(10).unwrap());
    let config = config.with_wait(std::time::Duration::from_secs(3600));
    let service = GatherLayer::new(&notes.database, config).layer(notes.database.clone());
    let read = text_of();
    // Alone, with nothing under way: an hour's window costs nothing.
    limit(service.query(read.by(1))).await.unwrap();
    let asked = (0..30).map(|key| service.query(read.by(key)));
    assert!(limit(join_all(asked)).await.iter().all(Result::is_ok));
    assert_eq!(notes.database.handle().snapshot().executed, 1 + 3);
}

#[tokio::test]
async fn one_bad_key_does_not_fail_its_batch() {
    let notes = filled(5).await;
    // A database that rejects one key, in a batch or alone.
    let database = notes.database.clone();
    let picky = service_fn(move |query: Query| {
        let mut database = database.clone();
        async move {
            let bad = query
                .parameters()
                .iter()
                .any(|value| format!("{value:?}").contains("Int(3)"));
            let query = if bad {
                Query::new("SELECT nothing FROM nowhere")
            } else {
                query
            };
            database.call(query).await
        }
    });
    let service = GatherLayer::new(&notes.database, GatherConfig::new())
        .layer(BoxCloneSyncService::new(picky));
    let read = text_of();
    let answers = limit(join_all((1..=5).map(|key| service.query(read.by(key))))).await;
    for (key, answer) in (1..=5).zip(answers) {
        match key {
            3 => assert_eq!(answer.unwrap_err().kind(), ErrorKind::Statement),
            _ => assert_eq!(answer.unwrap().len(), 1, "key {key}"),
        }
    }
}

#[tokio::test]
async fn whoever_goes_away_leaves_the_batch_to_the_others() {
    let notes = filled(9).await;
    let mut service =
        GatherLayer::new(&notes.database, GatherConfig::new()).layer(notes.database.clone());
    let read = text_of();
    let mut asked: Vec<_> = (1..=9).map(|key| service.call(read.by(key))).collect();
    // The first one, which began the batch, among them.
    drop(asked.drain(..5));
    assert!(
        limit(join_all(asked))
            .await
            .iter()
            .all(|rows| rows.as_ref().unwrap().len() == 1)
    );
    // All of them.
    drop([1, 2].map(|key| service.call(read.by(key))));
    limit(service.query(read.by(1))).await.unwrap();
    assert_eq!(notes.database.handle().snapshot().batched, 4);
}

#[tokio::test]
async fn tenants_and_kinds_of_keys_are_gathered_apart() {
    let notes = filled(9).await;
    let service =
        GatherLayer::new(&notes.database, GatherConfig::new()).layer(notes.database.clone());
    let read = text_of();
    let tenant = |name: &str, key: i64| read.by(key).for_tenant(Key::from(name));
    let queries = [
        tenant("one", 1),
        tenant("one", 2),
        tenant("two", 1),
        tenant("two", 2),
        read.by("1"),
        read.by("2"),
        read.by(1.5),
        read.by(tooloo_query::Value::Null),
    ];
    let asked = queries.map(|query| service.query(query));
    let found: Vec<_> = limit(join_all(asked))
        .await
        .into_iter()
        .map(|rows| rows.unwrap().len())
        .collect();
    assert_eq!(found, [1, 1, 1, 1, 1, 1, 0, 0]);
    let snapshot = notes.database.handle().snapshot();
    assert_eq!((snapshot.executed, snapshot.batched), (5, 6));
}

#[tokio::test]
async fn a_page_that_is_gathered_repeats_nothing() {
    let notes = Notes::with(DatabaseConfig::new()).await;
    let service =
        GatherLayer::new(&notes.database, GatherConfig::new()).layer(notes.database.clone());
    let read = text_of();
    let page = async { join_all((0..20).map(|key| service.query(read.by(key)))).await };
    let scope = QueryScope::new(None);
    limit(scope.clone().run(page)).await;
    assert_eq!(scope.asked(), 1);
    let findings = notes.database.handle().snapshot().findings;
    assert!(findings.iter().all(|finding| finding.rule != "n-plus-one"));
}

#[tokio::test]
async fn what_finds_no_room_goes_on_its_own() {
    let notes = filled(3).await;
    for config in [
        GatherConfig::new().with_max_groups(0),
        GatherConfig::new().with_max_waiting(0),
    ] {
        let service = GatherLayer::new(&notes.database, config).layer(notes.database.clone());
        let read = text_of();
        let asked = join_all((1..=3).map(|key| service.query(read.by(key))));
        assert!(
            limit(asked)
                .await
                .iter()
                .all(|rows| rows.as_ref().unwrap().len() == 1)
        );
    }
    assert_eq!(notes.database.handle().snapshot().batched, 0);
}
