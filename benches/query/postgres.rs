//! PostgreSQL: a statement beside the bare driver and sqlx, reads that travel together, and a page's calls.

use std::{hint::black_box, time::Duration};

use benches::{Bound, Rounds};
use futures_util::future::join_all;
use rustix::time::ClockId;
use sqlx::{Row as _, postgres::PgPoolOptions};
use tokio::{runtime::Runtime, time::Instant};
use tokio_postgres::NoTls;
use tooloo_query::{
    Database, DatabaseConfig, GatherConfig, GatherLayer, KeyedRead, Queries, Query,
};
use tooloo_testkit::PostgresServer;
use tower::Layer;

use crate::{ROUNDS, STATEMENTS, runtime};

const READ: &str = "SELECT name FROM users WHERE id = $1";
const LIST: &str = "SELECT title, user_id FROM posts ORDER BY id LIMIT 100";
const SCHEMA: &str = "
    CREATE TABLE users (id bigint PRIMARY KEY, name text NOT NULL);
    CREATE TABLE posts (id bigint PRIMARY KEY, user_id bigint NOT NULL, title text NOT NULL);
    INSERT INTO users SELECT i, 'user ' || i FROM generate_series(1, 2000) i;
    INSERT INTO posts SELECT i, i % 50 + 1, 'post ' || i FROM generate_series(1, 100) i;
    ANALYZE";

/// Reads that go together.
const TOGETHER: i64 = 10;
/// How often they do.
const TRIPS: usize = 2_000;

/// Times and counts all of it, and returns the bounds.
pub(crate) fn measure() -> Vec<Bound> {
    let runtime = runtime();
    // What counts calls takes time for each.
    let (server, database) = runtime.block_on(start(&[]));
    statements(&runtime, &server, &database);
    let together = together(&runtime, &database);
    let settings = ["shared_preload_libraries=pg_stat_statements"];
    let (_server, database) = runtime.block_on(start(&settings));
    let counting = runtime.block_on(database.script("CREATE EXTENSION pg_stat_statements"));
    counting.expect("the server has it");
    vec![together, page(&runtime, &database)]
}

async fn start(settings: &[&str]) -> (PostgresServer, Database) {
    let server = PostgresServer::start_with(settings).await;
    let database = Database::open(&server.url(), DatabaseConfig::new()).expect("the URL is good");
    database.script(SCHEMA).await.expect("the server is there");
    (server, database)
}

fn statements(runtime: &Runtime, server: &PostgresServer, database: &Database) {
    let bare = runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(&server.url(), NoTls)
            .await
            .expect("the server is there");
        tokio::spawn(connection);
        client
    });
    let prepared = runtime.block_on(bare.prepare(READ)).expect("it is SQL");
    let options = PgPoolOptions::new().test_before_acquire(false);
    let sqlx = runtime.block_on(options.connect(&server.url()));
    let sqlx = sqlx.expect("the server is there");
    let mut rounds = Rounds::new(
        "a read of one row on PostgreSQL, ns on the clock",
        ClockId::Monotonic,
    );
    for _ in 0..ROUNDS {
        rounds.time("tokio-postgres, no pool", STATEMENTS, || {
            runtime.block_on(async {
                for _ in 0..STATEMENTS {
                    let row = bare.query_one(&prepared, &[&1_i64]).await;
                    let name: String = row.expect("the row is there").get(0);
                    black_box(name);
                }
            });
        });
        rounds.time("sqlx without pings", STATEMENTS, || {
            runtime.block_on(async {
                for _ in 0..STATEMENTS {
                    let row = sqlx::query(READ).bind(1_i64).fetch_one(&sqlx).await;
                    let name: String = row.expect("the row is there").get(0);
                    black_box(name);
                }
            });
        });
        rounds.time("tooloo-query", STATEMENTS, || {
            runtime.block_on(async {
                for _ in 0..STATEMENTS {
                    let row = database.query_one(Query::new(READ).bind(1)).await;
                    let name: String = row.expect("the row is there").get(0).expect("a text");
                    black_box(name);
                }
            });
        });
    }
    println!("{rounds}");
}

/// Ten reads of one transaction: one after the other, and together.
fn together(runtime: &Runtime, database: &Database) -> Bound {
    let read = |id: i64| Query::new(READ).bind(id);
    let [mut apart, mut together] = [(), ()].map(|()| Vec::with_capacity(TRIPS));
    runtime.block_on(async {
        let begun = database.begin().await;
        let mut transaction = begun.expect("the server is there");
        for _ in 0..TRIPS {
            let start = Instant::now();
            for id in 1..=TOGETHER {
                let rows = transaction.query(read(id)).await;
                black_box(rows.expect("the server answers"));
            }
            apart.push(start.elapsed());
            let start = Instant::now();
            let rows = transaction.query_all((1..=TOGETHER).map(read)).await;
            black_box(rows.expect("the server answers"));
            together.push(start.elapsed());
        }
        transaction.commit().await.expect("it only read");
    });
    let [apart, together] = [apart, together].map(middle);
    println!("{TOGETHER} reads in a transaction on PostgreSQL, on the clock");
    println!("  one after the other {apart:?}");
    println!("  together            {together:?}\n");
    let ratio = together.as_secs_f64() / apart.as_secs_f64();
    Bound::new("query-pipelined-over-sequential", ratio, 1.0 / 3.0)
}

fn middle(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// A list, and a query for each of its rows: with and without the layer that gathers them.
fn page(runtime: &Runtime, database: &Database) -> Bound {
    let gathered = GatherLayer::new(database, GatherConfig::new()).layer(database.clone());
    let mut rounds = Rounds::new(
        "a page of 100 rows and a query each, ns on the clock",
        ClockId::Monotonic,
    );
    let mut calls = [0_i64; 2];
    for _ in 0..ROUNDS {
        calls[0] = counted(runtime, database, || {
            rounds.time("without the layer", 1, || runtime.block_on(ask(database)));
        });
        calls[1] = counted(runtime, database, || {
            rounds.time("gathered", 1, || runtime.block_on(ask(&gathered)));
        });
    }
    println!("{rounds}");
    let [without, with] = calls;
    println!("calls of a page: {without} without the layer, {with} gathered\n");
    #[expect(clippy::cast_precision_loss, reason = "there are a hundred or so")]
    let ratio = with as f64 / without as f64;
    Bound::new("query-gathered-calls", ratio, 0.5)
}

/// Returns how many statements the server says it was called for.
fn counted(runtime: &Runtime, database: &Database, turn: impl FnOnce()) -> i64 {
    let ask = |query| runtime.block_on(database.query_one(query));
    ask("SELECT pg_stat_statements_reset()::text").expect("the server answers");
    turn();
    let calls = "SELECT sum(calls)::int8 FROM pg_stat_statements WHERE query LIKE '%users%' OR query LIKE '%posts%'";
    let row = ask(calls).expect("the server answers");
    row.get(0).expect("there were some")
}

async fn ask<S>(service: &S)
where
    S: Queries + Send,
    S::Future: Send,
{
    let author = KeyedRead::new("users", "id", ["name"]);
    let posts = service.query(LIST).await.expect("the server answers");
    let names = posts.iter().map(async |post| {
        let id: i64 = post.get("user_id").expect("a number");
        let row = service.query_one(author.by(id)).await;
        row.expect("each post has its author")
            .get::<String>(0)
            .expect("a text")
    });
    black_box(join_all(names).await);
}
