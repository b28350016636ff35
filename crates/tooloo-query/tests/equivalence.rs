//! Random interleavings of reads, writes and transactions answer the same with every layer on as with none.

#![allow(clippy::unwrap_used, reason = "a test fails where it panics")]

mod notes;

use futures_util::future::join_all;
use proptest::prelude::*;
use tokio::runtime::Builder;
use tooloo_query::{
    BatchConfig, BatchLayer, DeduplicateLayer, GatherConfig, GatherLayer, KeyedRead, Queries,
    Query, QueryError, Rows, Value,
};
use tower::{ServiceBuilder, util::BoxCloneSyncService};

use self::notes::{Notes, limit};

type Service = BoxCloneSyncService<Query, Rows, QueryError>;

/// What a program does with a table of ten rows.
#[derive(Clone, Debug)]
enum Step {
    /// Reads that are in flight together.
    Read(Vec<Read>),
    /// Writes that are in flight together, some of which fail.
    Write(Vec<Write>),
    /// Writes that are committed together, or not at all, with reads between them and beside them.
    Transaction {
        writes: Vec<(i64, i64)>,
        read: Read,
        beside: Vec<Read>,
        commit: bool,
    },
}

#[derive(Clone, Debug)]
enum Write {
    Update(i64, i64),
    /// Of a row that may be there.
    Insert(i64),
    /// Of two rows: one that is there undoes the other as well.
    InsertTwo(i64),
    Delete(i64),
    /// Names what is not there.
    Wrong,
}

#[derive(Clone, Debug)]
enum Read {
    Key(i64),
    Keys(i64),
    Sum,
    Above(i64),
}

fn read() -> impl Strategy<Value = Read> {
    prop_oneof![
        (0..12_i64).prop_map(Read::Key),
        (0..4_i64).prop_map(Read::Keys),
        Just(Read::Sum),
        (0..3_i64).prop_map(Read::Above),
    ]
}

fn write() -> impl Strategy<Value = Write> {
    prop_oneof![
        3 => (0..10_i64, 0..4_i64).prop_map(|(key, kind)| Write::Update(key, kind)),
        2 => (0..12_i64).prop_map(Write::Insert),
        1 => (0..12_i64).prop_map(Write::InsertTwo),
        2 => (0..12_i64).prop_map(Write::Delete),
        1 => Just(Write::Wrong),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let update = || (0..10_i64, 0..4_i64);
    let reads = || prop::collection::vec(read(), 0..8);
    prop_oneof![
        3 => reads().prop_map(Step::Read),
        3 => prop::collection::vec(write(), 1..10).prop_map(Step::Write),
        2 => (prop::collection::vec(update(), 0..4), read(), reads(), any::<bool>()).prop_map(
            |(writes, read, beside, commit)| Step::Transaction { writes, read, beside, commit }
        ),
    ]
}

fn query(read: &Read, by_id: &KeyedRead, by_kind: &KeyedRead) -> Query {
    match read {
        Read::Key(key) => by_id.by(*key),
        Read::Keys(kind) => by_kind.by(*kind),
        Read::Sum => Query::new("SELECT sum(kind), count(*) FROM notes"),
        Read::Above(kind) => {
            Query::new("SELECT id FROM notes WHERE kind > $1 ORDER BY id").bind(*kind)
        }
    }
}

fn change(write: &Write) -> Query {
    let insert = |text: &'static str, key: i64| Query::new(text).bind(key);
    match write {
        Write::Update(key, kind) => Query::new("UPDATE notes SET kind = $2 WHERE id = $1")
            .bind(*key)
            .bind(*kind),
        Write::Insert(key) => insert(
            "INSERT INTO notes (id, text, kind) VALUES ($1, 'new ' || $1, 1) RETURNING id, text",
            *key,
        ),
        Write::InsertTwo(key) => insert(
            "INSERT INTO notes (id, text, kind) VALUES ($1 + 1, 'new ' || ($1 + 1), 2), ($1, 'new ' || $1, 3)",
            *key,
        ),
        Write::Delete(key) => insert("DELETE FROM notes WHERE id = $1", *key),
        Write::Wrong => Query::new("DELETE FROM nowhere"),
    }
}

/// What came of a write, as a row to compare.
fn outcome(answer: Result<Rows, QueryError>) -> Vec<Vec<Value>> {
    match answer {
        Ok(rows) => {
            let changed = i64::try_from(rows.affected()).unwrap();
            let returned = rows.iter().map(|row| row.values().to_vec());
            [vec![Value::Int(changed)]]
                .into_iter()
                .chain(returned)
                .collect()
        }
        Err(error) => vec![vec![Value::from(format!("{:?}", error.kind()))]],
    }
}

/// Lists all answers, in the order of the steps.
async fn answers(steps: &[Step], layered: bool) -> Vec<Vec<Vec<Value>>> {
    let notes = Notes::new().await;
    let rows = "INSERT INTO notes (id, text, kind)
        SELECT value, 'note ' || value, value % 4 FROM json_each('[0,1,2,3,4,5,6,7,8,9]')";
    limit(notes.database.script(rows)).await.unwrap();
    let database = &notes.database;
    let service: Service = if layered {
        let layers = ServiceBuilder::new()
            .layer(DeduplicateLayer::new(database))
            .layer(GatherLayer::new(database, GatherConfig::new()))
            .layer(BatchLayer::new(database, BatchConfig::new()));
        BoxCloneSyncService::new(layers.service(database.clone()))
    } else {
        BoxCloneSyncService::new(database.clone())
    };
    let by_id = KeyedRead::new("notes", "id", ["text", "kind"]);
    let by_kind = KeyedRead::new("notes", "kind", ["id"]).ordered_by(["id"]);
    let query = |read: &Read| query(read, &by_id, &by_kind);
    let ask =
        async |reads: &[Read]| join_all(reads.iter().map(|read| service.query(query(read)))).await;
    let mut seen: Vec<Vec<Vec<Value>>> = Vec::new();
    for step in steps {
        match step {
            Step::Read(reads) => {
                let rows = limit(ask(reads)).await;
                seen.extend(rows.into_iter().map(outcome));
            }
            Step::Write(writes) => {
                let asked = writes.iter().map(|write| service.query(change(write)));
                let answers = limit(join_all(asked)).await;
                seen.extend(answers.into_iter().map(outcome));
            }
            Step::Transaction {
                writes,
                read,
                beside,
                commit,
            } => {
                let mut transaction = limit(database.begin()).await.unwrap();
                for (key, kind) in writes {
                    let update = Write::Update(*key, *kind);
                    limit(transaction.query(change(&update))).await.unwrap();
                }
                // Inside, its writes are seen; beside it they are not.
                let (inside, outside) =
                    limit(async { tokio::join!(transaction.query(query(read)), ask(beside)) })
                        .await;
                seen.push(outcome(inside));
                seen.extend(outside.into_iter().map(outcome));
                if *commit {
                    limit(transaction.commit()).await.unwrap();
                } else {
                    drop(transaction);
                }
            }
        }
    }
    seen
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn layers_change_no_answer(steps in prop::collection::vec(step(), 1..12)) {
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let (bare, layered) = runtime.block_on(async { (answers(&steps, false).await, answers(&steps, true).await) });
        prop_assert_eq!(bare, layered);
    }
}
