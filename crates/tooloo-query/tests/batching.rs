//! Statements that change rows, committed together: what is, what must not be, and who hears of what.

#![allow(clippy::unwrap_used, reason = "a test fails where it panics")]

mod notes;

use std::{
    num::NonZeroUsize,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::{
    future::{BoxFuture, FutureExt, join_all},
    poll,
};
use tokio::sync::Semaphore;
use tooloo_hub::Observe;
use tooloo_key::Key;
use tooloo_query::{
    Batch, BatchConfig, BatchLayer, Budget, Database, DatabaseConfig, ErrorKind, Queries, Query,
    QueryError, QueryScope, Rows,
};
use tower::{Layer, Service, service_fn, util::BoxCloneSyncService};

use self::notes::{Notes, limit};

const LONG: Duration = Duration::from_secs(3600);

fn add(text: impl Into<String>) -> Query {
    Query::new("INSERT INTO notes (text) VALUES ($1)").bind(text.into())
}

fn layered(notes: &Notes, config: BatchConfig) -> Batch<Database> {
    BatchLayer::new(&notes.database, config).layer(notes.database.clone())
}

fn batched(notes: &Notes) -> u64 {
    notes.database.handle().snapshot().batched
}

async fn texts(notes: &Notes) -> Vec<String> {
    let rows = notes.database.query("SELECT text FROM notes ORDER BY id");
    let rows = limit(rows).await.unwrap();
    rows.iter().map(|row| row.get("text").unwrap()).collect()
}

/// A service whose own calls wait until the test lets them go on; batches go past it.
struct Gated {
    service: Batch<BoxCloneSyncService<Query, Rows, QueryError>>,
    gate: Arc<Semaphore>,
    calls: Arc<AtomicUsize>,
}

impl Gated {
    fn new(notes: &Notes, config: BatchConfig) -> Self {
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
        let layer = BatchLayer::new(&notes.database, config);
        Self {
            service: layer.layer(BoxCloneSyncService::new(inner)),
            gate,
            calls,
        }
    }

    fn ask(&mut self, query: Query) -> BoxFuture<'static, Result<Rows, QueryError>> {
        self.service.call(query).boxed()
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }
}

#[tokio::test]
async fn statements_that_are_asked_together_are_committed_together_in_their_order() {
    let notes = Notes::new().await;
    let service = layered(&notes, BatchConfig::new().with_wait(LONG));
    let asked = (0..64).map(|number| service.execute(add(number.to_string())));
    let answers = limit(join_all(asked)).await;
    assert!(answers.into_iter().all(|changed| changed.unwrap() == 1));
    let expected: Vec<_> = (0..64).map(|number| number.to_string()).collect();
    assert_eq!(texts(&notes).await, expected);
    // The first went at once.
    assert_eq!(batched(&notes), 63);
    let snapshot = notes.database.handle().snapshot();
    assert_eq!((snapshot.executed, snapshot.saved), (65, 0));
}

#[tokio::test]
async fn an_idle_one_does_not_wait() {
    let notes = Notes::new().await;
    let service = layered(&notes, BatchConfig::new().with_wait(LONG));
    for text in ["one", "two", "three"] {
        limit(service.execute(add(text))).await.unwrap();
    }
    assert_eq!(texts(&notes).await, ["one", "two", "three"]);
    assert_eq!(batched(&notes), 0);
}

#[tokio::test]
async fn one_that_fails_fails_alone_and_hears_of_it_alone() {
    let notes = Notes::new().await;
    let service = layered(&notes, BatchConfig::new().with_wait(LONG));
    let queries = [
        add("a"),
        add("b"),
        add("a"),
        Query::new("INSERT INTO nowhere (text) VALUES ($1)").bind("x"),
        Query::new("INSERT INTO notes (text) VALUES ($1), ($2)")
            .bind("c")
            .bind("b"),
        Query::new("INSERT INTO notes (text) VALUES ($1)"),
        Query::new("UPDATE notes SET kind = 7 WHERE text = $1 RETURNING id").bind("a"),
        Query::new("DELETE FROM notes"),
        Query::new("INSERT INTO notes (text) VALUES (NULL)"),
        add("a"),
    ];
    let answers = limit(join_all(queries.map(|query| service.query(query)))).await;
    let seen: Vec<_> = answers
        .iter()
        .map(|answer| answer.as_ref().map(|rows| (rows.affected(), rows.len())))
        .map(|answer| answer.map_err(QueryError::kind))
        .collect();
    let expected = [
        Ok((1, 0)),
        Ok((1, 0)),
        Err(ErrorKind::UniqueViolation),
        Err(ErrorKind::Statement),
        Err(ErrorKind::UniqueViolation),
        Err(ErrorKind::Parameter),
        Ok((1, 1)),
        Ok((2, 0)),
        Err(ErrorKind::NotNullViolation),
        Ok((1, 0)),
    ];
    assert_eq!(seen, expected);
    let error = answers[3].as_ref().unwrap_err();
    let sql = error.sql().map(ToString::to_string);
    assert_eq!(sql.as_deref(), Some("INSERT INTO nowhere(text) VALUES (…)"));
    assert!(error.place().unwrap().file().ends_with("batching.rs"));
    assert_eq!(texts(&notes).await, ["a"], "what failed halfway is undone");
    assert_eq!(batched(&notes), 9);
}

#[tokio::test]
async fn whoever_hears_of_a_commit_reads_what_was_committed() {
    let notes = Notes::new().await;
    let service = layered(&notes, BatchConfig::new());
    let asked = (0..40).map(async |number: usize| {
        let text = number.to_string();
        service.execute(add(text.clone())).await?;
        let read = Query::new("SELECT id FROM notes WHERE text = $1").bind(text);
        notes.database.query_one(read).await
    });
    let answers = limit(join_all(asked)).await;
    assert!(answers.iter().all(Result::is_ok));
}

#[tokio::test]
async fn a_full_batch_is_sent_although_another_is_under_way() {
    let notes = Notes::new().await;
    let config = BatchConfig::new().with_size(NonZeroUsize::new(10).unwrap());
    let mut gated = Gated::new(&notes, config.with_wait(LONG));
    let first = gated.ask(add("first"));
    let asked: Vec<_> = (0..25)
        .map(|number| gated.ask(add(number.to_string())))
        .collect();
    let mut asked = asked.into_iter();
    let full: Vec<_> = asked.by_ref().take(20).collect();
    assert!(limit(join_all(full)).await.iter().all(Result::is_ok));
    assert_eq!((batched(&notes), gated.calls()), (20, 1));
    gated.gate.add_permits(1);
    limit(first).await.unwrap();
    assert!(limit(join_all(asked)).await.iter().all(Result::is_ok));
    assert_eq!((batched(&notes), gated.calls()), (25, 1));
}

#[tokio::test]
async fn what_has_waited_long_enough_is_sent_although_another_is_under_way() {
    let notes = Notes::new().await;
    let wait = Duration::from_millis(1);
    let mut gated = Gated::new(&notes, BatchConfig::new().with_wait(wait));
    let _stuck = gated.ask(add("stuck"));
    let asked = ["one", "two", "three"].map(|text| gated.ask(add(text)));
    assert!(limit(join_all(asked)).await.iter().all(Result::is_ok));
    assert_eq!(texts(&notes).await, ["one", "two", "three"]);
}

#[tokio::test]
async fn whoever_goes_away_leaves_the_batch_to_the_others() {
    let notes = Notes::new().await;
    let mut gated = Gated::new(&notes, BatchConfig::new().with_wait(LONG));
    let first = gated.ask(add("first"));
    let mut asked: Vec<_> = (0..6)
        .map(|number| gated.ask(add(number.to_string())))
        .collect();
    // Not sent yet: the statement goes with its caller.
    drop(asked.remove(4));
    drop(asked.remove(0));
    // Under way: the others need not wait for it any longer.
    drop(first);
    assert!(limit(join_all(asked)).await.iter().all(Result::is_ok));
    assert_eq!(texts(&notes).await, ["1", "2", "3", "5"]);
    // All of them, and then somebody new.
    let first = gated.ask(add("first"));
    let others = ["x", "y"].map(|text| gated.ask(add(text)));
    tokio::task::yield_now().await;
    drop((first, others));
    gated.gate.add_permits(1);
    limit(gated.ask(add("new"))).await.unwrap();
    assert_eq!(texts(&notes).await, ["1", "2", "3", "5", "new"]);
}

#[tokio::test]
async fn a_batch_that_is_under_way_takes_effect_without_its_callers() {
    let notes = Notes::new().await;
    let service = layered(&notes, BatchConfig::new());
    let writer = limit(notes.database.begin()).await.unwrap();
    let mut asked: Vec<_> = (0..10)
        .map(|number| service.execute(add(number.to_string())).boxed())
        .collect();
    let mut last = Box::pin(join_all(asked.split_off(9)));
    for caller in &mut asked {
        assert!(poll!(caller).is_pending());
    }
    assert!(poll!(&mut last).is_pending());
    // They wait for the writer's turn by now, or will.
    drop(asked);
    limit(writer.commit()).await.unwrap();
    assert!(limit(last).await.iter().all(Result::is_ok));
    assert_eq!(texts(&notes).await.last().unwrap(), "9");
}

#[tokio::test]
async fn only_changes_of_rows_are_put_together_and_nothing_that_is_alone() {
    let notes = Notes::new().await;
    let mut gated = Gated::new(&notes, BatchConfig::new().with_wait(LONG));
    let _first = gated.ask(add("first"));
    let passed = [
        Query::new("SELECT count(*) FROM notes"),
        Query::new("SELECT random()"),
        Query::new("CREATE TABLE more (id INTEGER)"),
        Query::new("PRAGMA user_version = 3"),
        Query::new("INSERT OR FAIL INTO notes (text) VALUES ('x')"),
        Query::new("WITH gone AS (SELECT 1) DELETE FROM notes"),
        add("alone").alone(),
    ];
    let asked = passed.map(|query| gated.ask(query));
    assert_eq!(gated.calls(), 1 + asked.len());
    let _waiting = gated.ask(add("second"));
    assert_eq!(gated.calls(), 1 + asked.len());
}

#[tokio::test]
async fn tenants_are_kept_apart() {
    let notes = Notes::new().await;
    let mut gated = Gated::new(&notes, BatchConfig::new().with_wait(LONG));
    let mut asked = Vec::new();
    for tenant in ["one", "two", "three"] {
        for number in 0..4 {
            let query = add(format!("{tenant} {number}"));
            asked.push(gated.ask(query.for_tenant(Key::from(tenant))));
        }
    }
    assert_eq!(gated.calls(), 3, "the first of each is in nobody's way");
    gated.gate.add_permits(3);
    assert!(limit(join_all(asked)).await.iter().all(Result::is_ok));
    assert_eq!((batched(&notes), gated.calls()), (9, 3));
}

#[tokio::test]
async fn a_transaction_that_fails_as_a_whole_is_tried_again_one_by_one() {
    let notes = Notes::new().await;
    let schema = "
        CREATE TABLE owners (id INTEGER PRIMARY KEY);
        INSERT INTO owners VALUES (1);
        CREATE TABLE owned (id INTEGER PRIMARY KEY, owner INTEGER REFERENCES owners (id) DEFERRABLE INITIALLY DEFERRED);
        CREATE TRIGGER strict BEFORE INSERT ON owned WHEN new.id < 0 BEGIN SELECT RAISE(ROLLBACK, 'no'); END";
    limit(notes.database.script(schema)).await.unwrap();
    let service = layered(&notes, BatchConfig::new().with_wait(LONG));
    let own = |id: i64, owner: i64| {
        let query = Query::new("INSERT INTO owned (id, owner) VALUES ($1, $2)");
        service.execute(query.bind(id).bind(owner))
    };
    // A key that is missed by the commit alone, and one that ends the transaction at once.
    for (bad, owner) in [(5, 2), (-1, 1)] {
        limit(notes.database.execute("DELETE FROM owned"))
            .await
            .unwrap();
        let asked = [1, 2, 3].map(|id| own(id, 1));
        let mut answers = limit(join_all(
            asked.into_iter().chain([own(bad, owner), own(9, 1)]),
        ))
        .await
        .into_iter();
        let failed = answers.nth(3).unwrap();
        assert!(failed.is_err(), "{failed:?}");
        assert!(answers.all(|changed| changed.unwrap() == 1));
        let kept = limit(notes.database.query("SELECT id FROM owned ORDER BY id")).await;
        let kept = kept.unwrap();
        let kept: Vec<i64> = kept.iter().map(|row| row.get(0).unwrap()).collect();
        assert_eq!(kept, [1, 2, 3, 9]);
    }
}

#[tokio::test]
async fn a_statement_that_answers_too_much_has_changed_as_much_as_on_its_own() {
    let notes = Notes::with(DatabaseConfig::new().with_max_rows(1)).await;
    let service = layered(&notes, BatchConfig::new().with_wait(LONG));
    let two = |text: &str| {
        let query = "INSERT INTO notes (text) VALUES ($1 || 1), ($1 || 2) RETURNING id";
        Query::new(query).bind(text)
    };
    let alone = limit(notes.database.query(two("alone"))).await;
    let asked = join_all([add("x"), two("batched")].map(|query| service.query(query)));
    let answers = limit(asked).await;
    assert_eq!(alone.unwrap_err().kind(), ErrorKind::TooManyRows);
    assert_eq!(
        answers[1].as_ref().unwrap_err().kind(),
        ErrorKind::TooManyRows
    );
    let count = async |like: &'static str| {
        let query = Query::new("SELECT count(*) FROM notes WHERE text LIKE $1").bind(like);
        let row = limit(notes.database.query_one(query)).await.unwrap();
        row.get::<i64>(0).unwrap()
    };
    assert_eq!(count("alone%").await, count("batched%").await);
}

#[tokio::test]
async fn where_there_is_no_connection_all_hear_of_it() {
    let notes = Notes::new().await;
    let mut gated = Gated::new(&notes, BatchConfig::new().with_wait(LONG));
    let first = gated.ask(add("first"));
    let asked = ["one", "two"].map(|text| gated.ask(add(text)));
    limit(notes.database.close(Duration::from_secs(20)))
        .await
        .unwrap();
    gated.gate.add_permits(1);
    assert!(limit(first).await.is_err());
    for answer in limit(join_all(asked)).await {
        assert_eq!(answer.unwrap_err().kind(), ErrorKind::Pool);
    }
}

#[tokio::test]
async fn a_request_that_has_spent_its_budget_is_refused_and_its_batch_is_not() {
    let notes = Notes::new().await;
    let mut gated = Gated::new(&notes, BatchConfig::new().with_wait(LONG));
    let first = gated.ask(add("first"));
    let scope = QueryScope::new(Budget::refuse(1));
    let within = ["in", "out"].map(|text| gated.service.query(add(text)));
    let within = scope.clone().run(join_all(within));
    let other = gated.service.query(add("other"));
    let mut asked = Box::pin(async { tokio::join!(within, other) });
    assert!(poll!(&mut asked).is_pending());
    gated.gate.add_permits(1);
    limit(first).await.unwrap();
    let (within, other) = limit(asked).await;
    assert!(within[0].is_ok());
    let refused = within[1].as_ref().unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::OverBudget);
    other.unwrap();
    assert_eq!(scope.asked(), 1);
    assert!(!texts(&notes).await.contains(&"out".to_owned()));
}

#[tokio::test]
async fn what_finds_no_room_goes_on_its_own() {
    for config in [
        BatchConfig::new().with_max_groups(0),
        BatchConfig::new().with_max_waiting(0),
    ] {
        let notes = Notes::new().await;
        let service = layered(&notes, config.with_wait(LONG));
        let asked = (0..9).map(|number| service.execute(add(number.to_string())));
        assert!(limit(join_all(asked)).await.iter().all(Result::is_ok));
        assert_eq!((texts(&notes).await.len(), batched(&notes)), (9, 0));
    }
}
