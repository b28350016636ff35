//! A lease, a query and the return, on a real PostgreSQL.

use std::{hint::black_box, num::NonZeroUsize};

use benches::{Bound, Rounds};
use rustix::time::ClockId;
use sqlx::{Connection as _, Executor as _, PgConnection, postgres::PgPoolOptions};
use tokio::runtime::Builder;
use tokio_postgres::{Config, Statement};
use tooloo_pool::{
    Pool, PoolConfig,
    postgres::{PostgresConnection, PostgresConnector},
};
use tooloo_testkit::PostgresServer;

use crate::ROUNDS;

const TITLE: &str = "lease, query and return on PostgreSQL, ns on the clock";

/// Queries of one contender in one round.
const QUERIES: usize = 2_000;
const CONNECTIONS: u32 = 4;

/// Times ours beside sqlx's without pings, and returns the bounds on the ratios. The statement is prepared before, in
/// all of them, as sqlx has it by itself.
///
/// Only one of the pings of sqlx's pool can be turned off: the other, when a connection comes back, is sent by a task
/// of its own. What a query takes with no ping at all is that of a connection outside of any pool.
pub(crate) fn measure() -> [Bound; 2] {
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("the system has sockets to give");
    let mut rounds = Rounds::new(TITLE, ClockId::Monotonic);
    let server = runtime.block_on(PostgresServer::start());
    let (ours, theirs) = runtime.block_on(async { (ours(&server), theirs(&server).await) });
    let statement = runtime.block_on(prepare(&ours));
    let mut single = runtime.block_on(single(&server));
    for round in 0..=ROUNDS {
        let mut turn = || {
            let our_turn = || runtime.block_on(query_ours(&ours, &statement));
            let their_turn = || runtime.block_on(query_theirs(&theirs));
            rounds.time("tooloo-pool", QUERIES, our_turn);
            rounds.time("sqlx, ping at return only", QUERIES, their_turn);
            let single_turn = || runtime.block_on(query_single(&mut single));
            rounds.time("sqlx, no pool", QUERIES, single_turn);
        };
        turn();
        if round == 0 {
            // Everything is connected now: it counts from here on.
            rounds = Rounds::new(TITLE, ClockId::Monotonic);
        }
    }
    println!("{rounds}");
    let over = |name| rounds.ratio("tooloo-pool", name);
    [
        Bound::new(
            "pool-postgres-over-sqlx",
            over("sqlx, ping at return only"),
            1.0,
        ),
        Bound::new(
            "pool-postgres-over-sqlx-without-a-pool",
            over("sqlx, no pool"),
            1.0,
        ),
    ]
}

fn ours(server: &PostgresServer) -> Pool<PostgresConnection> {
    let config: Config = server.url().parse().expect("the server's URL is good");
    let max = NonZeroUsize::new(CONNECTIONS as usize).expect("there are some");
    Pool::new(
        PostgresConnector::new(config),
        PoolConfig::new().with_max(max),
    )
}

async fn theirs(server: &PostgresServer) -> sqlx::PgPool {
    let options = PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .test_before_acquire(false);
    options
        .connect(&server.url())
        .await
        .expect("the server is there")
}

async fn single(server: &PostgresServer) -> PgConnection {
    let connected = PgConnection::connect(&server.url()).await;
    connected.expect("the server is there")
}

/// Prepares the statement on the pool's connection: one task alone is always lent the same.
async fn prepare(pool: &Pool<PostgresConnection>) -> Statement {
    let mut lease = pool.get().await.expect("the server is there");
    let prepared = lease.run(async |client| client.prepare("SELECT 1").await);
    prepared.await.expect("it is SQL")
}

async fn query_ours(pool: &Pool<PostgresConnection>, statement: &Statement) {
    for _ in 0..QUERIES {
        let mut lease = pool.get().await.expect("the server is there");
        let rows = lease.run(async |client| client.query(statement, &[]).await);
        black_box(rows.await.expect("the server answers"));
    }
}

async fn query_theirs(pool: &sqlx::PgPool) {
    for _ in 0..QUERIES {
        let row = pool.fetch_one(sqlx::query("SELECT 1")).await;
        black_box(row.expect("the server answers"));
    }
}

async fn query_single(connection: &mut PgConnection) {
    for _ in 0..QUERIES {
        let row = (&mut *connection).fetch_one(sqlx::query("SELECT 1")).await;
        black_box(row.expect("the server answers"));
    }
}
