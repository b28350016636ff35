//! A lease, a query and the return, on a real PostgreSQL.

use std::{hint::black_box, num::NonZeroUsize};

use benches::{Bound, Rounds};
use rustix::time::ClockId;
use sqlx::{Connection as _, Executor as _, PgConnection, postgres::PgPoolOptions};
use tokio::runtime::Builder;
use tokio_postgres::Config;
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

/// Times ours beside sqlx's without the ping that can be turned off, and returns the bound on the ratio.
///
/// The other ping, when a connection comes back, is always there: a task of sqlx's own sends it. What its queries take
/// with no ping at all is shown by a connection of its own, outside of any pool.
pub(crate) fn measure() -> Bound {
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("the system has sockets to give");
    let mut rounds = Rounds::new(TITLE, ClockId::Monotonic);
    let server = runtime.block_on(PostgresServer::start());
    let (ours, theirs) = runtime.block_on(async { (ours(&server), theirs(&server).await) });
    let mut single = runtime.block_on(single(&server));
    for round in 0..=ROUNDS {
        let mut turn = || {
            let our_turn = || runtime.block_on(query_ours(&ours));
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
    let ratio = rounds.ratio("tooloo-pool", "sqlx, ping at return only");
    Bound::new("pool-postgres-over-sqlx", ratio, 1.0)
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

async fn query_ours(pool: &Pool<PostgresConnection>) {
    for _ in 0..QUERIES {
        let mut lease = pool.get().await.expect("the server is there");
        let rows = lease.run(async |client| client.query_typed("SELECT 1", &[]).await);
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
