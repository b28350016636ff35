//! Tower's laws.

#![allow(clippy::unwrap_used, reason = "a test fails where it panics")]

mod notes;

use tooloo_query::{
    BatchConfig, BatchLayer, Budget, DeduplicateLayer, ErrorKind, GatherConfig, GatherLayer,
    KeyedRead, Queries, Query, QueryError, QueryScopeLayer, Rows,
};
use tooloo_testkit::contract::{Broken, Contract, Inner};
use tower::{Layer, layer::layer_fn, util::MapErr};

use self::notes::{Notes, limit};

type Scripted = Inner<Query, Rows>;
type Adapted<F> = MapErr<Scripted, F>;

/// Puts a layer of queries around the scripted service, whose error is another, and has that come out again.
fn adapted<L, F>(
    layer: L,
    to_query_error: F,
) -> impl Layer<Scripted, Service = MapErr<L::Service, fn(QueryError) -> Broken>>
where
    L: Layer<Adapted<F>>,
    F: Fn(Broken) -> QueryError + Clone,
{
    layer_fn(move |inner| {
        let inner = MapErr::new(inner, to_query_error.clone());
        MapErr::new(layer.layer(inner), to_broken as fn(QueryError) -> Broken)
    })
}

#[expect(clippy::needless_pass_by_value, reason = "errors are mapped by value")]
fn to_broken(error: QueryError) -> Broken {
    assert_eq!(error.kind(), ErrorKind::Statement, "the inner error");
    Broken
}

/// Puts a layer through all of tower's laws, with each of several queries.
macro_rules! keeps_towers_laws {
    ($layer:expr, $queries:expr) => {
        let notes = Notes::new().await;
        let database = &notes.database;
        let rows = limit(database.query("SELECT 1")).await.unwrap();
        let broken = limit(database.query("SELECT nothing")).await.unwrap_err();
        for query in $queries {
            let (database, rows, broken) = (database.clone(), rows.clone(), broken.clone());
            let layer = move || {
                let broken = broken.clone();
                adapted(($layer)(&database), move |_| broken.clone())
            };
            let contract = Contract::new(layer, move || query.clone(), move || rows.clone());
            contract.polls_and_calls_one_instance();
            contract.clones_start_unready();
            contract.waits_while_the_inner_service_is_busy();
            contract.passes_errors();
            contract.passes_readiness_errors();
            contract.leaves_nothing_in_flight(|_| 0);
        }
    };
}

#[test]
fn a_scope_keeps_towers_laws() {
    let layer = || QueryScopeLayer::new().with_budget(Budget::refuse(1));
    let contract = Contract::new(layer, || "request", || "answer");
    contract.polls_and_calls_one_instance();
    contract.clones_start_unready();
    contract.waits_while_the_inner_service_is_busy();
    contract.passes_errors();
    contract.passes_readiness_errors();
}

#[tokio::test]
async fn deduplication_keeps_towers_laws() {
    keeps_towers_laws!(
        DeduplicateLayer::new,
        [Query::new("SELECT 1"), Query::new("DELETE FROM notes")]
    );
}

#[tokio::test]
async fn gathering_keeps_towers_laws_with_what_it_does_not_gather() {
    let keyed = KeyedRead::new("notes", "id", ["text"]);
    keeps_towers_laws!(
        |database| GatherLayer::new(database, GatherConfig::new()),
        [Query::new("SELECT 1"), keyed.by(1).alone()]
    );
}

#[tokio::test]
async fn batching_keeps_towers_laws_while_nothing_waits() {
    keeps_towers_laws!(
        |database| BatchLayer::new(database, BatchConfig::new()),
        [
            Query::new("SELECT 1"),
            Query::new("DELETE FROM notes"),
            Query::new("DELETE FROM notes").alone()
        ]
    );
}
