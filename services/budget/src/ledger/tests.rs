//! The book against a naive model.

use std::{
    future::Future,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use database::{Store, testing};
use futures_util::future::join_all;
use proptest::{prelude::*, test_runner::TestRunner};
use tempfile::TempDir;
use tokio::time;
use tokio_test::{assert_pending, task};
use tokio_util::task::TaskTracker;
use tooloo_query::Query;

use super::{
    Ledger,
    book::{self, Ask, Charge, Held, OverLimit, Recorded, Workflow},
    figures,
    posting::{Retention, TOTAL_MAX},
    reservation::Effect,
    schema::MIGRATIONS,
};
use crate::{day::Day, money::Money};

const KEEP: Retention = Retention {
    days: 30,
    entries: 100,
    cohorts: 3,
};
const LIMIT: u64 = 1_000;
const EXPIRY: u64 = 600;

/// A ledger's database, each of whose methods is a transaction.
struct Book {
    store: Store,
    folder: TempDir,
}

impl Book {
    async fn open() -> Self {
        let folder = TempDir::new().unwrap();
        let store = testing::store(folder.path(), MIGRATIONS).await;
        Self { store, folder }
    }

    fn ledger(&self, tasks: &TaskTracker) -> Ledger {
        let life = Duration::from_secs(EXPIRY);
        Ledger::new(self.store.clone(), KEEP, life, tasks.clone())
    }

    async fn reserve(&self, seconds: u64, micros: u64) -> Result<Held, OverLimit> {
        self.reserve_anew(seconds, micros).await.1
    }

    /// Also returns how many reservations have expired.
    async fn reserve_anew(&self, seconds: u64, micros: u64) -> (u64, Result<Held, OverLimit>) {
        let mut tx = self.store.write().await.unwrap();
        let reserved = book::reserve(&mut tx, at(seconds), &ask(micros)).await;
        tx.commit().await.unwrap();
        reserved.unwrap()
    }

    async fn settle(&self, seconds: u64, held: Held, micros: u64) {
        let mut tx = self.store.write().await.unwrap();
        let settled = book::settle(&mut tx, at(seconds), held, &charge(micros), KEEP).await;
        settled.unwrap();
        tx.commit().await.unwrap();
    }

    async fn release(&self, held: Held) {
        let mut tx = self.store.write().await.unwrap();
        book::release(&mut tx, held.id).await.unwrap();
        tx.commit().await.unwrap();
    }

    async fn record(&self, seconds: u64, workflow: &Workflow) -> Recorded {
        let mut tx = self.store.write().await.unwrap();
        let recorded = book::record(&mut tx, at(seconds), workflow, KEEP).await;
        tx.commit().await.unwrap();
        recorded.unwrap()
    }

    async fn standing(&self, seconds: u64) -> (u64, u64) {
        let now = at(seconds);
        let mut tx = self.store.read().await.unwrap();
        let row = tx.query_one(figures::standing_query(now)).await.unwrap();
        let standing = figures::standing(&row, Day::of(now)).unwrap();
        (standing.spent.micros(), standing.reserved.micros())
    }

    async fn run(&self, sql: &'static str, parameter: i64) {
        let mut tx = self.store.write().await.unwrap();
        tx.execute(Query::new(sql).bind(parameter)).await.unwrap();
        tx.commit().await.unwrap();
    }
}

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(20_000 * 86_400 + seconds)
}

fn ask(micros: u64) -> Ask {
    Ask {
        amount: Money::from_micros(micros),
        ceiling: Money::from_micros(LIMIT),
        expires_after: Duration::from_secs(EXPIRY),
    }
}

fn charge(micros: u64) -> Charge {
    Charge {
        provider: "p".to_owned(),
        model: "m".to_owned(),
        amount: Money::from_micros(micros),
        input_tokens: 3,
        output_tokens: 5,
    }
}

fn workflow(id: Option<&str>, cohort: &str, micros: u64) -> Workflow {
    Workflow {
        id: id.map(str::to_owned),
        cohort: cohort.to_owned(),
        amount: Money::from_micros(micros),
        succeeded: true,
    }
}

async fn within<F: Future>(future: F) -> F::Output {
    let limit = Duration::from_secs(20);
    let waited = time::timeout(limit, future).await;
    waited.expect("it takes less than the test's patience")
}

#[tokio::test]
async fn a_reservation_leaves_less_for_the_others_until_it_is_settled_for_less() {
    let book = Book::open().await;
    let held = book.reserve(0, 700).await.unwrap();
    let refused = book.reserve(0, 301).await.unwrap_err();
    assert_eq!(refused.reserved.micros(), 700);
    book.settle(1, held, 200).await;
    assert_eq!(book.standing(1).await, (200, 0));
    book.reserve(1, 800).await.unwrap();
}

#[tokio::test]
async fn what_nobody_gives_back_is_free_again_when_it_expires() {
    let book = Book::open().await;
    let held = book.reserve(0, 1_000).await.unwrap();
    assert!(book.reserve(EXPIRY - 1, 1).await.is_err());
    let (expired, next) = book.reserve_anew(EXPIRY, 600).await;
    assert_eq!((expired, next.is_ok()), (1, true));
    // The call comes back after all: its money is gone, limit or not.
    book.settle(EXPIRY, held, 900).await;
    assert_eq!(book.standing(EXPIRY).await, (900, 600));
}

#[tokio::test]
async fn a_call_over_midnight_counts_on_the_day_it_began() {
    let book = Book::open().await;
    let evening = 86_400 - 1;
    let held = book.reserve(evening, 900).await.unwrap();
    assert_eq!(book.standing(evening + 2).await, (0, 0));
    book.settle(evening + 2, held, 900).await;
    assert_eq!(book.standing(evening).await, (900, 0));
    assert_eq!(book.standing(evening + 2).await, (0, 0));
}

#[tokio::test]
async fn a_workflow_is_booked_once_and_counts_against_the_day() {
    let book = Book::open().await;
    let first = workflow(Some("w1"), "ada", 40);
    assert_eq!(book.record(0, &first).await, Recorded::Booked);
    assert_eq!(book.record(1, &first).await, Recorded::Duplicate);
    let nameless = workflow(None, "ada", 2);
    for _ in 0..2 {
        assert_eq!(book.record(2, &nameless).await, Recorded::Booked);
    }
    assert_eq!(book.standing(2).await, (44, 0));
    let mut tx = book.store.read().await.unwrap();
    let figures = figures::cohort(&mut tx, "ada").await.unwrap().unwrap();
    assert_eq!((figures.spent.micros(), figures.workflows), (44, 3));
    let today = figures::cohort_on(&mut tx, "ada", Day::of(at(2))).await;
    assert_eq!(today.unwrap().count, 3);
}

#[tokio::test]
async fn a_workflow_is_known_until_as_many_newer_lines_as_are_kept_have_pushed_it_out() {
    let book = Book::open().await;
    let first = workflow(Some("w1"), "ada", 40);
    let again = async || book.record(1, &first).await;
    assert_eq!(again().await, Recorded::Booked);
    let more = async |lines: u32| {
        for _ in 0..lines {
            book.record(1, &workflow(None, "ada", 1)).await;
            // What is rolled back leaves no gap that would count as a line.
            let mut tx = book.store.write().await.unwrap();
            let undone = workflow(None, "ada", 1);
            book::record(&mut tx, at(1), &undone, KEEP).await.unwrap();
        }
    };
    more(KEEP.entries - 1).await;
    assert_eq!(again().await, Recorded::Duplicate);
    more(1).await;
    assert_eq!(again().await, Recorded::Booked);
}

#[tokio::test]
async fn keeps_no_more_than_it_may() {
    let book = Book::open().await;
    for n in 0..KEEP.cohorts {
        let recorded = book.record(0, &workflow(None, &n.to_string(), 1)).await;
        assert_eq!(recorded, Recorded::Booked);
    }
    let more = workflow(None, "more", 1);
    assert_eq!(book.record(0, &more).await, Recorded::TooManyCohorts);

    let later = u64::from(KEEP.days + 1) * 86_400;
    for _ in 0..KEEP.entries + 20 {
        let held = book.reserve(later, 1).await.unwrap();
        book.settle(later, held, 1).await;
    }
    let mut tx = book.store.read().await.unwrap();
    let entries = figures::entries(&mut tx, u32::MAX).await.unwrap();
    assert_eq!(entries.len(), KEEP.entries as usize);
    let days = figures::days(&mut tx, Day::of(at(0))).await.unwrap();
    assert_eq!(days.len(), 1, "the first day is past keeping: {days:?}");
    assert_eq!(days[0].total.count, u64::from(KEEP.entries) + 20);
}

#[tokio::test]
async fn totals_saturate_far_above_every_limit() {
    let book = Book::open().await;
    let huge = workflow(None, "ada", Money::MAX.micros());
    book.record(0, &huge).await;
    let almost = TOTAL_MAX - 1;
    book.run("UPDATE totals SET spent = $1 WHERE TRUE", almost)
        .await;
    book.run("UPDATE cohorts SET spent = $1 WHERE TRUE", almost)
        .await;
    for _ in 0..2 {
        book.record(0, &huge).await;
        assert_eq!(book.standing(0).await, (9_000_000_000_000_000_000, 0));
    }
    let mut tx = book.store.read().await.unwrap();
    let cohort = figures::cohort(&mut tx, "ada").await.unwrap().unwrap();
    assert_eq!(cohort.spent.micros(), 9_000_000_000_000_000_000);
    drop(tx);
    assert!(book.reserve(0, 1).await.is_err());
}

#[tokio::test]
async fn what_is_recorded_is_booked_although_its_caller_left() {
    let book = Book::open().await;
    let tasks = TaskTracker::new();
    let ledger = book.ledger(&tasks);
    let mut recording = task::spawn(ledger.record(workflow(None, "ada", 40)));
    assert_pending!(recording.poll());
    drop(recording);
    tasks.close();
    within(tasks.wait()).await;
    assert_eq!(ledger.standing().await.unwrap().spent.micros(), 40);
}

#[tokio::test]
async fn a_settlement_of_which_nobody_knows_whether_it_was_is_booked_once() {
    let book = Book::open().await;
    let ledger = book.ledger(&TaskTracker::new());
    let amount = Money::from_micros(500);
    let reservation = ledger.reserve(amount, amount).await.unwrap().unwrap();
    let mut effect = Effect::Unknown;
    for _ in 0..2 {
        let settled = reservation.settle_once(&charge(40), &mut effect).await;
        settled.unwrap();
        let standing = ledger.standing().await.unwrap();
        assert_eq!(
            (standing.spent.micros(), standing.reserved.micros()),
            (40, 0)
        );
    }
}

#[tokio::test]
async fn ledgers_on_one_database_never_pass_the_limit_together() {
    let book = Book::open().await;
    let other = testing::store(book.folder.path(), MIGRATIONS).await;
    let life = Duration::from_secs(EXPIRY);
    let ledgers =
        [book.store.clone(), other].map(|store| Ledger::new(store, KEEP, life, TaskTracker::new()));
    let (amount, limit) = (Money::from_micros(30), Money::from_micros(LIMIT));
    let asking = (0..50).map(|n: usize| ledgers[n % 2].reserve(amount, limit));
    let asked = within(join_all(asking)).await;
    let held: Vec<_> = asked
        .into_iter()
        .filter_map(|held| held.unwrap().ok())
        .collect();
    assert_eq!(held.len(), 33);
    for ledger in &ledgers {
        assert_eq!(ledger.standing().await.unwrap().reserved.micros(), 990);
    }
    // What one has set aside the other can use once it is given back.
    for reservation in held {
        reservation.release().await;
    }
    assert!(ledgers[1].reserve(limit, limit).await.unwrap().is_ok());
}

/// What the ledger does, written as plainly as possible.
#[derive(Default)]
struct Model {
    // Day, amount, expiry; `None` once given back or settled.
    held: Vec<Option<(u64, u64, u64)>>,
    // Day and amount.
    spent: Vec<(u64, u64)>,
}

impl Model {
    fn standing(&self, now: u64) -> (u64, u64) {
        let today = now / 86_400;
        let spent = self.spent.iter().filter(|(day, _)| *day == today);
        let held = self.held.iter().flatten();
        let held = held.filter(|(day, _, expiry)| *day == today && *expiry > now);
        (
            spent.map(|(_, amount)| amount).sum(),
            held.map(|(_, amount, _)| amount).sum(),
        )
    }
}

#[derive(Clone, Debug)]
enum Step {
    Reserve(u64),
    Settle(usize, u64),
    Release(usize),
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..LIMIT).prop_map(Step::Reserve),
        3 => (any::<usize>(), 0..=100u64).prop_map(|(which, part)| Step::Settle(which, part)),
        1 => any::<usize>().prop_map(Step::Release),
        2 => (0..40_000u64).prop_map(Step::Wait),
    ]
}

/// Does the steps with the book and with the model, and compares where they stand after each.
async fn compare(book: &Book, steps: Vec<Step>) -> Result<(), TestCaseError> {
    for sql in [
        "DELETE FROM reservations WHERE id > $1",
        "DELETE FROM totals WHERE day > $1",
    ] {
        book.run(sql, 0).await;
    }
    let mut model = Model::default();
    let mut held = Vec::new();
    let mut now = 0;
    for step in steps {
        match step {
            Step::Reserve(amount) => {
                let (spent, reserved) = model.standing(now);
                let fits = spent + reserved + amount <= LIMIT;
                let result = book.reserve(now, amount).await;
                prop_assert_eq!(result.is_ok(), fits);
                if let Ok(reservation) = result {
                    held.push(reservation);
                    model.held.push(Some((now / 86_400, amount, now + EXPIRY)));
                }
            }
            Step::Settle(which, part) if !held.is_empty() => {
                let which = which % held.len();
                let Some((day, amount, expiry)) = model.held[which].take() else {
                    continue;
                };
                // One that has expired is settled by the test above: it may pass the limit.
                if expiry > now {
                    let amount = amount * part / 100;
                    book.settle(now, held[which], amount).await;
                    model.spent.push((day, amount));
                }
            }
            Step::Release(which) if !held.is_empty() => {
                let which = which % held.len();
                book.release(held[which]).await;
                model.held[which] = None;
            }
            Step::Wait(seconds) => now += seconds,
            Step::Settle(..) | Step::Release(_) => {}
        }
        let (spent, reserved) = book.standing(now).await;
        prop_assert_eq!((spent, reserved), model.standing(now));
        prop_assert!(spent + reserved <= LIMIT);
    }
    Ok(())
}

#[test]
fn the_ledger_does_what_the_model_does_and_never_passes_the_limit() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let book = runtime.block_on(Book::open());
    let mut runner = TestRunner::new(ProptestConfig::with_cases(48));
    let steps = prop::collection::vec(step(), 1..50);
    let compared = runner.run(&steps, |steps| runtime.block_on(compare(&book, steps)));
    compared.unwrap();
}
