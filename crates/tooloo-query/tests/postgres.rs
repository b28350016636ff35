//! The same over PostgreSQL, and what only PostgreSQL can do.

#![allow(clippy::unwrap_used, reason = "a test fails where it panics")]

mod notes;

use std::time::Duration;

use futures_util::{FutureExt, future::join_all, poll};
use tooloo_hub::Observe;
use tooloo_pool::{PoolConfig, Times};
use tooloo_query::{
    BatchConfig, BatchLayer, Begin, Database, DatabaseConfig, ErrorKind, GatherConfig, GatherLayer,
    Isolation, KeyedRead, Queries, Query, QueryError, QueryScope, Value,
};
use tooloo_testkit::PostgresServer;
use tower::Layer;

use self::notes::{eventually, limit};

const SCHEMA: &str = "
    CREATE TABLE users (id serial PRIMARY KEY, name text NOT NULL UNIQUE, team int2);
    CREATE TABLE posts (id bigserial PRIMARY KEY, user_id int4 NOT NULL, title varchar(40) NOT NULL);
    INSERT INTO users (name, team) SELECT 'user ' || i, i % 7 FROM generate_series(1, 2000) i;
    INSERT INTO posts (user_id, title) SELECT i % 50 + 1, 'post ' || i FROM generate_series(1, 100) i;
    ANALYZE";

async fn opened(config: DatabaseConfig) -> (PostgresServer, Database) {
    let settings = ["shared_preload_libraries=pg_stat_statements"];
    let server = PostgresServer::start_with(&settings).await;
    let database = Database::open(&server.url(), config).unwrap();
    limit(database.script(SCHEMA)).await.unwrap();
    (server, database)
}

#[tokio::test]
#[ignore = "needs postgres"]
async fn values_go_in_as_the_types_of_their_parameters_and_come_back() {
    let (_server, database) = opened(DatabaseConfig::new()).await;
    let same = [
        ("SELECT $1::bool", Value::Bool(true)),
        ("SELECT $1::int2", Value::Int(-3)),
        ("SELECT $1::int4", Value::Int(i32::MAX.into())),
        ("SELECT $1::int8", Value::Int(i64::MIN)),
        ("SELECT $1::float8", Value::Real(0.1)),
        ("SELECT $1::text", Value::from("ä")),
        ("SELECT $1::varchar", Value::from("ä")),
        ("SELECT $1::bytea", Value::from(vec![0_u8, 255])),
        ("SELECT $1::jsonb", Value::from(r#"{"a": 1}"#)),
        (
            "SELECT $1::uuid",
            Value::from("0190a6de-0000-7000-8000-00000000000a"),
        ),
        (
            "SELECT $1::timestamptz",
            Value::from("2026-11-21T23:16:51.123456Z"),
        ),
        ("SELECT $1::date", Value::from("2026-11-21")),
        ("SELECT $1::numeric", Value::Decimal("-12345.678900".into())),
        ("SELECT $1::int4[]", Value::array([1, 2, 3])),
        (
            "SELECT $1::text[]",
            Value::array([Value::from("a"), Value::Null]),
        ),
        ("SELECT $1::int4", Value::Null),
    ];
    for (sql, value) in same {
        let query = Query::new(sql).bind(value.clone());
        let row = limit(database.query_one(query)).await.unwrap();
        assert_eq!(row.values(), [value], "{sql}");
    }
    let shown = [
        ("SELECT ($1::numeric)::text", Value::Int(10_000), "10000"),
        ("SELECT ($1::numeric)::text", Value::Real(2.5), "2.5"),
        (
            "SELECT ($1::timestamptz AT TIME ZONE 'UTC')::text",
            Value::from("2026-11-21T23:16:51+01:00"),
            "2026-11-21 22:16:51",
        ),
        ("SELECT ($1::bool)::text", Value::Int(1), "true"),
        ("SELECT ($1::float8)::text", Value::Int(3), "3"),
    ];
    for (sql, value, text) in shown {
        let row = limit(database.query_one(Query::new(sql).bind(value)))
            .await
            .unwrap();
        assert_eq!(row.get::<String>(0).unwrap(), text, "{sql}");
    }
    let sum = limit(database.query_one("SELECT sum(id) FROM posts"))
        .await
        .unwrap();
    assert_eq!(sum.get::<i64>(0).unwrap(), 5050, "a numeric that is whole");

    let unfit = Query::new("SELECT $1::int4").bind("secret");
    let error = limit(database.query(unfit)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Parameter);
    assert!(
        error.to_string().contains("does not fit the type int4"),
        "{error}"
    );
    let error = limit(database.query("SELECT '1 day'::interval"))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Column);
    assert!(error.to_string().contains("interval"), "{error}");
}

#[tokio::test]
#[ignore = "needs postgres"]
async fn errors_tell_their_kind_and_leave_the_connection_usable() {
    let (_server, database) = opened(DatabaseConfig::new().with_max_rows(10)).await;
    let kinds = [
        (
            Query::new("INSERT INTO users (name) VALUES ($1)").bind("user 1"),
            ErrorKind::UniqueViolation,
        ),
        (
            Query::new("INSERT INTO users (name) VALUES (NULL)"),
            ErrorKind::NotNullViolation,
        ),
        (
            Query::new("SELECT nothing FROM nowhere"),
            ErrorKind::Statement,
        ),
        (Query::new("SELECT 'secret'::int4"), ErrorKind::Parameter),
        (Query::new("SELECT $1::int4"), ErrorKind::Parameter),
        (Query::new("SELECT id FROM users"), ErrorKind::TooManyRows),
        (Query::new("COMMIT"), ErrorKind::Statement),
    ];
    for (query, kind) in kinds {
        let shown = format!("{query:?}");
        let error = limit(database.query(query)).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{shown}: {error:?}");
        assert!(!error.to_string().contains("secret"), "{error}");
        limit(database.query("SELECT 1")).await.unwrap();
    }
}

#[tokio::test]
#[ignore = "needs postgres"]
async fn a_statement_outlives_a_change_of_its_tables() {
    let (_server, database) = opened(DatabaseConfig::new().with_statements(2)).await;
    let read = || database.query("SELECT * FROM users WHERE id = 1");
    assert_eq!(limit(read()).await.unwrap().column_names().len(), 3);
    limit(database.query("ALTER TABLE users ADD COLUMN email text"))
        .await
        .unwrap();
    assert_eq!(limit(read()).await.unwrap().column_names().len(), 4);
    for number in 0..10 {
        let text = format!("SELECT {number} FROM users WHERE id = 1");
        assert_eq!(
            limit(database.query(Query::new(text))).await.unwrap().len(),
            1
        );
    }
    let kept = "SELECT count(*) FROM pg_prepared_statements";
    let kept = limit(database.query_one(kept)).await.unwrap();
    assert!(
        kept.get::<i64>(0).unwrap() <= 3,
        "those beyond the bound are closed"
    );
}

#[tokio::test]
#[ignore = "needs postgres"]
async fn transactions_are_kept_apart_and_undone() {
    let (_server, database) = opened(DatabaseConfig::new()).await;
    let count = async || {
        let row = limit(database.query_one("SELECT count(*) FROM users"))
            .await
            .unwrap();
        row.get::<i64>(0).unwrap()
    };
    let mut dropped = limit(database.begin()).await.unwrap();
    limit(dropped.execute("DELETE FROM users")).await.unwrap();
    assert_eq!(count().await, 2000);
    drop(dropped);
    let mut failed = limit(database.begin()).await.unwrap();
    let queries = [
        "DELETE FROM posts",
        "SELECT nothing FROM nowhere",
        "SELECT 1",
    ]
    .map(Query::new);
    let answers = limit(failed.query_all(queries)).await.unwrap();
    assert_eq!(
        answers[1].as_ref().unwrap_err().kind(),
        ErrorKind::Statement
    );
    assert_eq!(answers[2].as_ref().unwrap_err().kind(), ErrorKind::Aborted);
    assert_eq!(
        limit(failed.commit()).await.unwrap_err().kind(),
        ErrorKind::Aborted
    );
    assert_eq!(count().await, 2000);

    let begin = Begin::new().isolation(Isolation::Serializable);
    let mut one = limit(database.begin_with(begin)).await.unwrap();
    let mut other = limit(database.begin_with(begin)).await.unwrap();
    let sum = "SELECT sum(team) FROM users";
    limit(one.query(sum)).await.unwrap();
    limit(other.query(sum)).await.unwrap();
    limit(one.execute("UPDATE users SET team = 1 WHERE id = 1"))
        .await
        .unwrap();
    limit(one.commit()).await.unwrap();
    let late = limit(other.execute("UPDATE users SET team = 2 WHERE id = 1")).await;
    let error = late.unwrap_err();
    assert!(
        error.kind() == ErrorKind::Serialization && error.is_retryable(),
        "{error:?}"
    );
    drop(other);
    let read_only = Begin::new().read_only();
    let mut reader = limit(database.begin_with(read_only)).await.unwrap();
    let write = limit(reader.execute("DELETE FROM posts")).await;
    assert_eq!(write.unwrap_err().kind(), ErrorKind::Statement);
}

#[tokio::test]
#[ignore = "needs postgres"]
async fn queries_that_travel_together_keep_their_order() {
    let (_server, database) = opened(DatabaseConfig::new()).await;
    let mut transaction = limit(database.begin()).await.unwrap();
    let mut queries = vec![Query::new("UPDATE users SET team = 0 WHERE id = 1")];
    for _ in 0..100 {
        queries.push(Query::new(
            "UPDATE users SET team = team + 1 WHERE id = 1 RETURNING team",
        ));
    }
    let answers = limit(transaction.query_all(queries)).await.unwrap();
    for (number, answer) in answers.into_iter().enumerate().skip(1) {
        let row = answer.unwrap().first().cloned().unwrap();
        assert_eq!(row.get::<usize>(0).unwrap(), number);
    }
    limit(transaction.commit()).await.unwrap();
}

#[tokio::test]
#[ignore = "needs postgres"]
async fn a_page_of_a_list_and_a_query_a_row_needs_half_of_its_calls_or_fewer() {
    let config = DatabaseConfig::new()
        .with_pool(PoolConfig::new().with_acquire_timeout(Duration::from_secs(20)));
    let (_server, database) = opened(config).await;
    limit(database.script("CREATE EXTENSION pg_stat_statements"))
        .await
        .unwrap();
    let author = KeyedRead::new("users", "id", ["name"]);
    let layered = GatherLayer::new(&database, GatherConfig::new()).layer(database.clone());
    let mut calls = Vec::new();
    let mut pages = Vec::new();
    for gathered in [false, true] {
        limit(database.query("SELECT pg_stat_statements_reset()"))
            .await
            .unwrap();
        let page = async {
            let list = "SELECT title, user_id FROM posts ORDER BY id LIMIT 100";
            let posts = database.query(list).await?;
            let authors = posts.iter().map(async |post| {
                let query = author.by(post.get::<i64>("user_id")?);
                let row = if gathered {
                    layered.query_one(query).await?
                } else {
                    database.query_one(query).await?
                };
                Ok::<_, QueryError>((post.get::<String>("title")?, row.get::<String>("name")?))
            });
            join_all(authors)
                .await
                .into_iter()
                .collect::<Result<Vec<_>, _>>()
        };
        pages.push(limit(QueryScope::new(None).run(page)).await.unwrap());
        let made = "SELECT sum(calls)::int8 FROM pg_stat_statements WHERE query LIKE 'SELECT %users%' OR query LIKE '%FROM posts%'";
        let made = limit(database.query_one(made)).await.unwrap();
        calls.push(made.get::<i64>(0).unwrap());
    }
    assert_eq!(pages[0], pages[1], "the pages are the same");
    println!("calls without {} and with {}", calls[0], calls[1]);
    assert_eq!(calls[0], 101);
    assert!(calls[1] * 2 <= calls[0], "{calls:?}");
    let findings = database.handle().snapshot().findings;
    let found = findings
        .iter()
        .filter(|finding| finding.rule == "n-plus-one");
    assert_eq!(found.count(), 1, "the page without the layer is found");
}

#[tokio::test]
#[ignore = "needs postgres"]
async fn keys_that_do_not_fit_fail_alone() {
    let (_server, database) = opened(DatabaseConfig::new()).await;
    let layered = GatherLayer::new(&database, GatherConfig::new()).layer(database.clone());
    let user = KeyedRead::new("users", "id", ["name", "team"]);
    let keys = [1, i64::MAX, 3, 3, 99_999];
    let answers = limit(join_all(keys.map(|key| layered.query(user.by(key))))).await;
    let found: Vec<_> = answers
        .iter()
        .map(|answer| answer.as_ref().map(tooloo_query::Rows::len).ok())
        .collect();
    assert_eq!(found, [Some(1), None, Some(1), Some(1), Some(0)]);
    assert_eq!(
        answers[1].as_ref().unwrap_err().kind(),
        ErrorKind::Parameter
    );
    // By a text and in a schema.
    let user = KeyedRead::new("public.users", "name", ["id"]);
    let names = ["user 7", "nobody", "user 9"];
    let answers = limit(join_all(names.map(|name| layered.query_opt(user.by(name))))).await;
    let ids: Vec<_> = answers
        .into_iter()
        .map(|row| row.unwrap().map(|row| row.get::<i64>(0).unwrap()))
        .collect();
    assert_eq!(ids, [Some(7), None, Some(9)]);
}

#[tokio::test]
#[ignore = "needs postgres"]
async fn a_plan_shows_a_full_scan_and_no_value() {
    let (_server, database) = opened(DatabaseConfig::new().with_slow(Duration::ZERO)).await;
    let query =
        Query::new("SELECT id FROM users AS u WHERE u.team = $1 AND u.name <> 'secret'").bind(5);
    let plan = limit(database.explain(&query)).await.unwrap();
    assert_eq!(plan.full_scans().collect::<Vec<_>>(), ["u"]);
    let shown = plan.to_string();
    assert!(
        shown.starts_with("Seq Scan on users") && shown.contains("team = ?"),
        "{shown}"
    );
    assert!(!shown.contains("secret"), "{shown}");
    let advice = limit(database.advise(&query)).await.unwrap();
    assert_eq!(advice[0].to_string(), "CREATE INDEX ON users (team)");
    let served = Query::new("SELECT id FROM users WHERE name = $1").bind("user 1");
    assert_eq!(limit(database.advise(&served)).await.unwrap(), []);
    limit(database.query(query)).await.unwrap();
    let handle = database.handle();
    let planned = || {
        handle
            .snapshot()
            .slow_queries
            .iter()
            .any(|slow| slow.plan.is_some())
    };
    notes::eventually(planned).await;
    let json = serde_json::to_string(&handle.snapshot()).unwrap();
    assert!(!json.contains("secret"), "{json}");
}

#[tokio::test]
#[ignore = "needs postgres"]
async fn ten_reads_of_a_transaction_travel_twice_as_fast_together_even_unoptimised() {
    let (_server, database) = opened(DatabaseConfig::new()).await;
    let read = |id: i64| Query::new("SELECT name, team FROM users WHERE id = $1").bind(id);
    // The fastest of many rounds of either kind: what else runs on the machine only ever adds.
    let mut fastest = [Duration::MAX; 2];
    for round in 0..400 {
        let together = round % 2 == 1;
        let mut transaction = limit(database.begin()).await.unwrap();
        let start = tooloo_clock::now();
        if together {
            let answers = limit(transaction.query_all((1..=10).map(read)))
                .await
                .unwrap();
            assert!(answers.iter().all(Result::is_ok));
        } else {
            for id in 1..=10 {
                limit(transaction.query(read(id))).await.unwrap();
            }
        }
        let fastest = &mut fastest[usize::from(together)];
        *fastest = (*fastest).min(start.elapsed());
        limit(transaction.commit()).await.unwrap();
    }
    let [apart, together] = fastest;
    println!("ten reads of a transaction: {apart:?} apart, {together:?} together");
    assert!(together * 2 <= apart, "{fastest:?}");
}

fn add(name: impl Into<String>) -> Query {
    Query::new("INSERT INTO users (name) VALUES ($1)").bind(name.into())
}

#[tokio::test]
#[ignore = "needs postgres"]
async fn changes_that_are_asked_together_are_one_transaction_and_fail_alone() {
    let (_server, database) = opened(DatabaseConfig::new()).await;
    let config = BatchConfig::new().with_wait(Duration::from_secs(60));
    let layered = BatchLayer::new(&database, config).layer(database.clone());
    let queries = [
        add("first"),
        add("a"),
        // Fails on the server.
        add("a"),
        add("b"),
        // Cannot be prepared, is refused here, and cannot be sent.
        Query::new("INSERT INTO nowhere (name) VALUES ($1)").bind("x"),
        Query::new("INSERT INTO users (name) VALUES ($1)"),
        Query::new("UPDATE users SET team = $1 WHERE name = $2")
            .bind(i64::MAX)
            .bind("a"),
        add("c"),
        add("user 7"),
        Query::new("UPDATE users SET team = 3 WHERE name = $1 RETURNING name").bind("b"),
        Query::new("SELECT random() < 2"),
        Query::new("INSERT INTO users (name) VALUES (NULL)"),
    ];
    let answers = limit(join_all(queries.map(|query| layered.query(query)))).await;
    let seen: Vec<_> = answers
        .iter()
        .map(|answer| answer.as_ref().map(tooloo_query::Rows::affected))
        .map(|answer| answer.map_err(QueryError::kind))
        .collect();
    let expected = [
        Ok(1),
        Ok(1),
        Err(ErrorKind::UniqueViolation),
        Ok(1),
        Err(ErrorKind::Statement),
        Err(ErrorKind::Parameter),
        Err(ErrorKind::Parameter),
        Ok(1),
        Err(ErrorKind::UniqueViolation),
        Ok(1),
        Ok(0),
        Err(ErrorKind::NotNullViolation),
    ];
    assert_eq!(seen, expected);
    assert_eq!(database.handle().snapshot().batched, 10);
    let kept = "SELECT name FROM users WHERE id > 2000 AND team IS NULL ORDER BY id";
    let kept = limit(database.query(kept)).await.unwrap();
    let kept: Vec<String> = kept.iter().map(|row| row.get("name").unwrap()).collect();
    assert_eq!(kept, ["first", "a", "c"]);
    let pool = database.pool().snapshot();
    assert_eq!((pool.in_use, pool.dirty), (0, 0), "nothing is left behind");
}

#[tokio::test]
#[ignore = "needs postgres"]
async fn a_change_that_finds_its_row_locked_leaves_the_batch_to_the_others() {
    let (_server, database) = opened(DatabaseConfig::new()).await;
    let layered = BatchLayer::new(&database, BatchConfig::new()).layer(database.clone());
    let mut holder = limit(database.begin()).await.unwrap();
    let locked = || Query::new("UPDATE users SET team = team + 1 WHERE id = 1");
    limit(holder.query(locked())).await.unwrap();
    let mut queries = vec![locked(), locked()];
    queries.extend((0..50).map(|number| add(format!("new {number}"))));
    let mut asked = queries
        .into_iter()
        .map(|query| layered.execute(query).boxed());
    let mut stuck = Box::pin(join_all(asked.by_ref().take(2)));
    assert!(poll!(&mut stuck).is_pending());
    let others = limit(join_all(asked)).await;
    assert!(others.iter().all(Result::is_ok));
    assert!(poll!(&mut stuck).is_pending(), "the row is locked");
    limit(holder.commit()).await.unwrap();
    assert!(limit(stuck).await.iter().all(Result::is_ok));
    let row = limit(database.query_one("SELECT team FROM users WHERE id = 1")).await;
    assert_eq!(row.unwrap().get::<i64>(0).unwrap(), 1 + 3);
}

#[tokio::test]
#[ignore = "needs postgres"]
async fn a_commit_that_fails_is_tried_again_one_by_one() {
    let (_server, database) = opened(DatabaseConfig::new()).await;
    let schema = "
        CREATE TABLE owned (id int8 PRIMARY KEY, owner int4 REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED)";
    limit(database.script(schema)).await.unwrap();
    let config = BatchConfig::new().with_wait(Duration::from_secs(60));
    let layered = BatchLayer::new(&database, config).layer(database.clone());
    let own = |id: i64, owner: i64| {
        let query = Query::new("INSERT INTO owned (id, owner) VALUES ($1, $2)");
        layered.execute(query.bind(id).bind(owner))
    };
    let asked = [own(1, 1), own(2, 1), own(3, 99_999), own(4, 1)];
    let answers = limit(join_all(asked)).await;
    let failed = answers.iter().position(Result::is_err);
    assert_eq!(failed, Some(2), "{answers:?}");
    let kind = answers[2].as_ref().unwrap_err().kind();
    assert_eq!(kind, ErrorKind::ForeignKeyViolation);
    let count = limit(database.query_one("SELECT count(*) FROM owned")).await;
    assert_eq!(count.unwrap().get::<i64>(0).unwrap(), 3);
}

#[tokio::test]
#[ignore = "needs postgres"]
async fn a_batch_outlives_a_change_of_its_tables() {
    let (_server, database) = opened(DatabaseConfig::new()).await;
    let config = BatchConfig::new().with_wait(Duration::from_secs(60));
    let layered = BatchLayer::new(&database, config).layer(database.clone());
    for round in 0..3 {
        let asked = (0..20).map(|number| {
            let query = "INSERT INTO users (name) VALUES ($1) RETURNING *";
            layered.query(Query::new(query).bind(format!("{round} {number}")))
        });
        let answers = limit(join_all(asked)).await;
        for answer in answers {
            assert_eq!(answer.unwrap().column_names().len(), 3 + round);
        }
        let alter = format!("ALTER TABLE users ADD COLUMN more_{round} text");
        limit(database.script(alter)).await.unwrap();
    }
}

#[tokio::test]
#[ignore = "needs postgres"]
async fn a_url_asks_for_tls_and_says_whom_to_trust() {
    let server = PostgresServer::start_with_tls().await;
    let asked = format!(
        "?sslmode=verify-full&sslrootcert={}",
        server.certificate().display()
    );
    let encrypted = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    let url = server.url().replace("127.0.0.1", "localhost") + &asked;
    let database = Database::open(&url, DatabaseConfig::new()).unwrap();
    let row = limit(database.query_one(encrypted)).await.unwrap();
    assert!(row.get::<bool>(0).unwrap());

    // The certificate is for another name.
    let mut times = Times::default();
    times.acquire = Duration::from_millis(300);
    let config = PoolConfig::new().with_times(times);
    let url = server.url() + &asked;
    let strange = Database::open(&url, DatabaseConfig::new().with_pool(config)).unwrap();
    let refused = limit(strange.query_one(encrypted)).await.unwrap_err();
    let refused: &(dyn std::error::Error + 'static) = &refused;
    let causes = std::iter::successors(Some(refused), |error| error.source());
    let told: Vec<_> = causes.map(ToString::to_string).collect();
    assert!(told.join(": ").contains("certificate"), "{told:?}");
}

#[tokio::test]
#[ignore = "needs postgres"]
async fn a_transaction_that_only_read_is_dropped_without_a_trace() {
    let (_server, database) = opened(DatabaseConfig::new()).await;
    let figures = || {
        let pool = database.pool().snapshot();
        (pool.in_use, pool.mending, pool.dirty)
    };
    let before = figures().2;
    for _ in 0..3 {
        let begin = Begin::new().read_only();
        let mut reading = limit(database.begin_with(begin)).await.unwrap();
        limit(reading.query("SELECT 1 AS one")).await.unwrap();
        drop(reading);
        eventually(|| figures().0 == 0).await;
    }
    assert_eq!(figures(), (0, 0, before));

    // After one that might have written, the pool cleans up.
    drop(limit(database.begin()).await.unwrap());
    eventually(|| figures() == (0, 0, before + 1)).await;
}
