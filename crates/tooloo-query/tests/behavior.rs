//! What a caller sees, over SQLite.

mod notes;

use std::time::Duration;

use tooloo_hub::Observe;
use tooloo_query::{
    Begin, Budget, Database, DatabaseConfig, ErrorKind, KeyedRead, Queries, Query, QueryError,
    QueryScope, Value,
};

use self::notes::{Notes, eventually, limit};

#[tokio::test]
async fn parameters_are_bound_by_their_numbers() {
    let notes = Notes::new().await;
    let query = Query::new("SELECT $2 AS b, $1 AS a, $2 AS c")
        .bind(1)
        .bind("two");
    let row = limit(notes.database.query_one(query)).await.unwrap();
    assert_eq!(row.get::<i64>("a").unwrap(), 1);
    assert_eq!(row.get::<String>("b").unwrap(), "two");
    assert_eq!(row.get::<String>(2).unwrap(), "two");

    for query in [
        Query::new("SELECT $1"),
        Query::new("SELECT $1").bind(1).bind(2),
        Query::new("SELECT $2").bind(1),
        Query::new("SELECT ?").bind(1),
        Query::new("SELECT :name").bind(1),
    ] {
        let shown = format!("{query:?}");
        let error = limit(notes.database.query(query)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Parameter, "{shown}: {error}");
    }
}

#[tokio::test]
async fn values_of_every_kind_come_back() {
    let notes = Notes::new().await;
    let values = [
        Value::Null,
        Value::Int(i64::MIN),
        Value::Real(0.1),
        Value::from("ä\0b"),
        Value::from(vec![0_u8, 255]),
    ];
    for value in values {
        let query = Query::new("SELECT $1").bind(value.clone());
        let row = limit(notes.database.query_one(query)).await.unwrap();
        assert_eq!(row.values(), [value]);
    }
    let query = Query::new("SELECT $1 AS n, NULL AS void").bind(true);
    let row = limit(notes.database.query_one(query)).await.unwrap();
    assert!(row.get::<bool>("n").unwrap());
    assert_eq!(row.get::<Option<i64>>("void").unwrap(), None);
    let wrong = row.get::<String>("n").unwrap_err();
    assert_eq!(wrong.to_string(), "column n is not a text but int");
    let missing = row.get::<i64>("m").unwrap_err();
    assert_eq!(missing.to_string(), "there is no column m");
    let array = Query::new("SELECT count(*) FROM json_each($1)").bind(Value::array([1, 2, 3]));
    let row = limit(notes.database.query_one(array)).await.unwrap();
    assert_eq!(row.get::<u32>(0).unwrap(), 3);
}

#[tokio::test]
async fn changed_rows_are_counted_and_read_rows_are_not() {
    let notes = Notes::new().await;
    let database = &notes.database;
    notes.add("one").await;
    notes.add("two").await;
    let changed = limit(database.execute("UPDATE notes SET kind = 1")).await;
    assert_eq!(changed.unwrap(), 2);
    let rows = limit(database.query("SELECT id FROM notes")).await.unwrap();
    assert_eq!((rows.len(), rows.affected()), (2, 0));
    let created = limit(database.execute("CREATE TABLE more (id INTEGER)")).await;
    assert_eq!(created.unwrap(), 0);
    let deleted = Query::new("DELETE FROM notes RETURNING id");
    let rows = limit(database.query(deleted)).await.unwrap();
    assert_eq!((rows.len(), rows.affected()), (2, 2));
}

#[tokio::test]
async fn errors_tell_their_kind_and_their_query_but_no_value() {
    let notes = Notes::new().await;
    notes.add("secret").await;
    let again = Query::new("INSERT INTO notes (text) VALUES ($1)").bind("secret");
    let line = line!() - 1;
    let error = limit(notes.database.query(again)).await.unwrap_err();
    assert!(error.is_unique_violation(), "{error:?}");
    assert_eq!(
        error.sql().unwrap().as_str(),
        "INSERT INTO notes(text) VALUES (…)"
    );
    let place = error.place().unwrap();
    assert!(
        place.file().ends_with("behavior.rs") && place.line() == line,
        "{place}"
    );
    assert!(!error.to_string().contains("secret"), "{error}");

    let kinds = [
        (
            "INSERT INTO notes (text) VALUES (NULL)",
            ErrorKind::NotNullViolation,
        ),
        ("SELECT nothing FROM nowhere", ErrorKind::Statement),
        ("SELECT 'secret", ErrorKind::Statement),
        ("SELECT 1; SELECT 2", ErrorKind::Statement),
        ("BEGIN", ErrorKind::Statement),
    ];
    for (sql, kind) in kinds {
        let error = limit(notes.database.query(sql)).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{sql}: {error}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}

#[tokio::test]
async fn one_row_is_neither_none_nor_two() {
    let notes = Notes::new().await;
    let database = &notes.database;
    let none = limit(database.query_one("SELECT 1 WHERE false"))
        .await
        .unwrap_err();
    assert_eq!(none.kind(), ErrorKind::NoRows);
    assert!(
        limit(database.query_opt("SELECT 1 WHERE false"))
            .await
            .unwrap()
            .is_none()
    );
    let two = limit(database.query_opt("SELECT 1 UNION ALL SELECT 2"))
        .await
        .unwrap_err();
    assert_eq!(two.kind(), ErrorKind::TooManyRows);
}

#[tokio::test]
async fn more_rows_than_allowed_are_an_error_that_leaves_the_connection_usable() {
    let notes = Notes::with(DatabaseConfig::new().with_max_rows(2)).await;
    let database = &notes.database;
    let rows = "VALUES (1), (2), (3)";
    let error = limit(database.query(rows)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooManyRows);
    assert_eq!(
        limit(database.query("VALUES (1), (2)"))
            .await
            .unwrap()
            .len(),
        2
    );
}

#[tokio::test]
async fn a_transaction_is_undone_unless_it_is_committed() {
    let notes = Notes::new().await;
    let add = || Query::new("INSERT INTO notes (text) VALUES ($1)").bind("kept");
    let mut dropped = limit(notes.database.begin()).await.unwrap();
    limit(dropped.query(add())).await.unwrap();
    drop(dropped);
    let mut undone = limit(notes.database.begin()).await.unwrap();
    limit(undone.query(add())).await.unwrap();
    limit(undone.rollback()).await.unwrap();
    assert_eq!(notes.count().await, 0);

    let failed = notes.database.transaction(async |transaction| {
        transaction.query(add()).await?;
        Err::<(), _>(transaction.query(add()).await.unwrap_err())
    });
    assert!(limit(failed).await.unwrap_err().is_unique_violation());
    assert_eq!(notes.count().await, 0);

    let done = notes.database.transaction(async |transaction| {
        transaction.query(add()).await?;
        let seen = transaction.query_one("SELECT count(*) FROM notes").await?;
        Ok::<i64, QueryError>(seen.get(0)?)
    });
    assert_eq!(
        limit(done).await.unwrap(),
        1,
        "a transaction sees its own writes"
    );
    assert_eq!(notes.count().await, 1);
}

#[tokio::test]
async fn a_transaction_can_run_in_a_task_of_its_own() {
    let notes = Notes::new().await;
    let database = notes.database.clone();
    let task = tokio::spawn(async move {
        let mut transaction = database.begin().await?;
        transaction
            .execute("INSERT INTO notes (text) VALUES ('x')")
            .await?;
        transaction.commit().await
    });
    limit(task).await.unwrap().unwrap();
    assert_eq!(notes.count().await, 1);
}

#[tokio::test]
async fn nothing_follows_a_failure_but_the_rollback() {
    let notes = Notes::new().await;
    let mut transaction = limit(notes.database.begin()).await.unwrap();
    let add = |text: &'static str| Query::new("INSERT INTO notes (text) VALUES ($1)").bind(text);
    let queries = [add("one"), add("two"), add("one"), add("three")];
    let answers = limit(transaction.query_all(queries)).await.unwrap();
    let kinds: Vec<_> = answers
        .iter()
        .map(|answer| answer.as_ref().err().map(QueryError::kind))
        .collect();
    assert_eq!(
        kinds,
        [
            None,
            None,
            Some(ErrorKind::UniqueViolation),
            Some(ErrorKind::Aborted)
        ]
    );
    let refused = limit(transaction.query("SELECT 1")).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Aborted);
    let refused = limit(transaction.commit()).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Aborted);
    assert_eq!(notes.count().await, 0);
}

#[tokio::test]
async fn a_read_only_transaction_refuses_writes() {
    let notes = Notes::new().await;
    let mut reader = limit(notes.database.begin_with(Begin::new().read_only()))
        .await
        .unwrap();
    assert_eq!(limit(reader.query("SELECT 1")).await.unwrap().len(), 1);
    let write = reader.query("INSERT INTO notes (text) VALUES ('x')");
    assert_eq!(limit(write).await.unwrap_err().kind(), ErrorKind::Statement);
}

#[tokio::test]
async fn figures_are_kept_by_fingerprint_and_hold_no_values() {
    let config = DatabaseConfig::new().with_fingerprints(1);
    let notes = Notes::with(config).await;
    let database = &notes.database;
    for key in ["secret one", "secret two"] {
        let query = Query::new("SELECT id FROM notes WHERE text = $1").bind(key);
        limit(database.query(query)).await.unwrap();
    }
    let written = Query::new("SELECT id FROM notes WHERE text = 'secret three'");
    limit(database.query(written)).await.unwrap();
    limit(database.query("SELECT 1 AS beyond_the_bound, id FROM notes"))
        .await
        .unwrap();
    let snapshot = database.handle().snapshot();
    let figures = snapshot.fingerprints.iter();
    let figures = figures.map(|figures| (figures.sql.as_str(), figures.count));
    let mut figures: Vec<_> = figures.collect();
    figures.sort_unstable();
    assert_eq!(
        figures,
        [("(others)", 1), ("SELECT id FROM notes WHERE text = ?", 3)]
    );
    assert_eq!(snapshot.executed, 4);
    assert!(snapshot.p99_latency.unwrap() > 0.0);
    let json = serde_json::to_string(&snapshot).unwrap();
    assert!(!json.contains("secret"), "{json}");
}

#[tokio::test]
async fn a_text_is_analysed_once_in_the_background() {
    let notes = Notes::new().await;
    for _ in 0..3 {
        limit(
            notes
                .database
                .query("SELECT * FROM notes WHERE text = NULL"),
        )
        .await
        .unwrap();
    }
    let handle = notes.database.handle();
    eventually(|| handle.snapshot().findings.len() == 2).await;
    let findings = handle.snapshot().findings;
    let found: Vec<_> = findings.iter().map(|finding| finding.rule).collect();
    assert_eq!(found, ["select-star", "equals-null"]);
    assert!(
        findings
            .iter()
            .all(|finding| finding.sql == "SELECT * FROM notes WHERE text = ?")
    );
}

#[tokio::test]
async fn a_slow_query_is_logged_with_its_plan_its_trace_and_no_value() {
    let config = DatabaseConfig::new()
        .with_slow(Duration::ZERO)
        .with_slow_log(2)
        .with_advice_from(3);
    let notes = Notes::with(config).await;
    let database = notes
        .database
        .clone()
        .with_trace_ids(|| Some("4bf9".to_owned()));
    for text in ["a", "b", "c"] {
        notes.add(text).await;
    }
    let slow = Query::new("SELECT id FROM notes WHERE made = $1").bind("secret");
    limit(database.query(slow)).await.unwrap();
    let handle = database.handle();
    let planned = || handle.snapshot().slow_queries[0].plan.is_some();
    eventually(planned).await;
    let snapshot = handle.snapshot();
    assert_eq!(
        (snapshot.slow, snapshot.slow_queries.len()),
        (4, 2),
        "three rows and the read"
    );
    let newest = &snapshot.slow_queries[0];
    assert_eq!(newest.sql, "SELECT id FROM notes WHERE made = ?");
    assert_eq!(newest.trace_id.as_deref(), Some("4bf9"));
    assert_eq!(newest.plan.as_deref(), Some("SCAN notes"));
    eventually(|| {
        handle
            .snapshot()
            .findings
            .iter()
            .any(|finding| finding.rule == "missing-index")
    })
    .await;
    let json = serde_json::to_string(&handle.snapshot()).unwrap();
    assert!(json.contains("CREATE INDEX ON notes (made)"), "{json}");
    assert!(!json.contains("secret"), "{json}");
}

#[tokio::test]
async fn indexes_are_advised_for_large_tables_that_are_read_whole_under_a_filter() {
    let notes = Notes::with(DatabaseConfig::new().with_advice_from(3)).await;
    let query = Query::new("SELECT n.id FROM notes AS n WHERE n.made > $1 AND n.kind = $2")
        .bind("2026")
        .bind(1);
    assert_eq!(
        limit(notes.database.advise(&query)).await.unwrap(),
        [],
        "the table is small"
    );
    for text in ["a", "b", "c"] {
        notes.add(text).await;
    }
    let advice = limit(notes.database.advise(&query)).await.unwrap();
    assert_eq!(advice[0].to_string(), "CREATE INDEX ON notes (kind, made)");
    let whole = Query::new("SELECT id FROM notes");
    assert_eq!(limit(notes.database.advise(&whole)).await.unwrap(), []);
    limit(
        notes
            .database
            .query("CREATE INDEX by_kind ON notes (kind, made)"),
    )
    .await
    .unwrap();
    assert_eq!(limit(notes.database.advise(&query)).await.unwrap(), []);
    let plan = limit(notes.database.explain(&query)).await.unwrap();
    assert_eq!(plan.full_scans().count(), 0, "{plan}");
}

#[tokio::test]
async fn a_read_that_one_place_asks_again_and_again_is_found_with_the_place() {
    let notes = Notes::new().await;
    let mut line = 0;
    let page = async {
        for id in 0..7 {
            line = line!() + 1;
            let query = Query::new("SELECT text FROM notes WHERE id = $1").bind(id);
            notes.database.query(query).await.unwrap();
        }
    };
    limit(QueryScope::new(None).run(page)).await;
    let findings = notes.database.handle().snapshot().findings;
    let found = findings.iter().find(|finding| finding.rule == "n-plus-one");
    let found = found.expect("seven reads of one place are found");
    assert!(
        found.advice.starts_with("Asked 7 times"),
        "{}",
        found.advice
    );
    let place = found.place.as_deref().unwrap();
    assert!(place.contains(&format!("behavior.rs:{line}:")), "{place}");
}

#[tokio::test]
async fn reads_of_several_requests_or_places_are_no_repetition() {
    let notes = Notes::new().await;
    for id in 0..7 {
        let read = KeyedRead::new("notes", "id", ["text"]);
        let asked = async { notes.database.query(read.by(id)).await };
        limit(QueryScope::new(None).run(asked)).await.unwrap();
    }
    let findings = notes.database.handle().snapshot().findings;
    assert!(findings.iter().all(|finding| finding.rule != "n-plus-one"));
}

#[tokio::test]
async fn a_request_that_has_spent_its_budget_is_refused_and_others_are_not() {
    let notes = Notes::new().await;
    let scope = QueryScope::new(Budget::refuse(2));
    let page = async {
        for _ in 0..2 {
            notes.database.query("SELECT 1").await.unwrap();
        }
        let refused = notes.database.query("SELECT 2").await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::OverBudget);
        let mut transaction = notes.database.begin().await.unwrap();
        let refused = transaction.query("SELECT 3").await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::OverBudget);
    };
    limit(scope.clone().run(page)).await;
    assert_eq!(scope.asked(), 2);
    limit(notes.database.query("SELECT 4")).await.unwrap();
    let snapshot = notes.database.handle().snapshot();
    let report = snapshot
        .findings
        .iter()
        .find(|finding| finding.rule == "query-budget");
    assert!(report.is_some_and(|report| report.place.is_some()));
}

#[tokio::test]
async fn a_budget_that_warns_lets_queries_through() {
    let notes = Notes::new().await;
    let page = async {
        for _ in 0..3 {
            notes.database.query("SELECT 1").await.unwrap();
        }
    };
    limit(QueryScope::new(Budget::warn(2)).run(page)).await;
    let snapshot = notes.database.handle().snapshot();
    assert!(
        snapshot
            .findings
            .iter()
            .any(|finding| finding.rule == "query-budget")
    );
}

#[test]
fn a_url_names_a_database() {
    for url in [
        "",
        "notes.db",
        "sqlite:",
        "sqlite::memory:",
        "mysql://host/x",
        "postgres://host:port",
    ] {
        let error = Database::open(url, DatabaseConfig::new()).unwrap_err();
        assert!(
            error.to_string().starts_with("not a database's URL"),
            "{error}"
        );
    }
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/x.db", folder.path().display());
    assert!(Database::open(&url, DatabaseConfig::new()).is_ok());
    assert!(Database::open("postgres://me@localhost/x", DatabaseConfig::new()).is_ok());
}

#[tokio::test]
async fn a_transaction_that_only_read_is_dropped_without_a_trace() {
    let notes = Notes::new().await;
    let figures = || {
        let pool = notes.database.pool().snapshot();
        (pool.in_use, pool.mending, pool.dirty)
    };
    let before = figures().2;
    for _ in 0..3 {
        let begin = Begin::new().read_only();
        let mut reading = limit(notes.database.begin_with(begin)).await.unwrap();
        limit(reading.query("SELECT 1 AS one")).await.unwrap();
        drop(reading);
        eventually(|| figures().0 == 0).await;
    }
    assert_eq!(figures(), (0, 0, before));

    // After one that might have written, the pool cleans up.
    drop(limit(notes.database.begin()).await.unwrap());
    eventually(|| figures() == (0, 0, before + 1)).await;
}
