//! The book against a naive model.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use proptest::prelude::*;
use rusqlite::Connection;

use super::{
    book::{self, Ask, Charge, Held, OverLimit, Recorded, Workflow},
    figures,
    posting::Retention,
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

fn open() -> Connection {
    let conn = Connection::open_in_memory().unwrap();
    for migration in MIGRATIONS {
        conn.execute_batch(migration).unwrap();
    }
    conn
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

fn reserve(conn: &Connection, seconds: u64, micros: u64) -> Result<Held, OverLimit> {
    book::reserve(conn, at(seconds), &ask(micros)).unwrap().1
}

fn standing(conn: &Connection, seconds: u64) -> (u64, u64) {
    let standing = figures::standing(conn, at(seconds)).unwrap();
    (standing.spent.micros(), standing.reserved.micros())
}

#[test]
fn a_reservation_leaves_less_for_the_others_until_it_is_settled_for_less() {
    let conn = open();
    let held = reserve(&conn, 0, 700).unwrap();
    let refused = reserve(&conn, 0, 301).unwrap_err();
    assert_eq!(refused.reserved.micros(), 700);
    book::settle(&conn, at(1), held, &charge(200), KEEP).unwrap();
    assert_eq!(standing(&conn, 1), (200, 0));
    reserve(&conn, 1, 800).unwrap();
}

#[test]
fn what_nobody_gives_back_is_free_again_when_it_expires() {
    let conn = open();
    let held = reserve(&conn, 0, 1_000).unwrap();
    assert!(reserve(&conn, EXPIRY - 1, 1).is_err());
    let (expired, next) = book::reserve(&conn, at(EXPIRY), &ask(600)).unwrap();
    assert_eq!((expired, next.is_ok()), (1, true));
    // The call comes back after all: its money is gone, limit or not.
    book::settle(&conn, at(EXPIRY), held, &charge(900), KEEP).unwrap();
    assert_eq!(standing(&conn, EXPIRY), (900, 600));
}

#[test]
fn a_call_over_midnight_counts_on_the_day_it_began() {
    let conn = open();
    let evening = 86_400 - 1;
    let held = reserve(&conn, evening, 900).unwrap();
    assert_eq!(standing(&conn, evening + 2), (0, 0));
    book::settle(&conn, at(evening + 2), held, &charge(900), KEEP).unwrap();
    assert_eq!(standing(&conn, evening), (900, 0));
    assert_eq!(standing(&conn, evening + 2), (0, 0));
}

#[test]
fn a_workflow_is_booked_once_and_counts_against_the_day() {
    let conn = open();
    let first = workflow(Some("w1"), "ada", 40);
    assert_eq!(
        book::record(&conn, at(0), &first, KEEP).unwrap(),
        Recorded::Booked
    );
    assert_eq!(
        book::record(&conn, at(1), &first, KEEP).unwrap(),
        Recorded::Duplicate
    );
    let nameless = workflow(None, "ada", 2);
    for _ in 0..2 {
        assert_eq!(
            book::record(&conn, at(2), &nameless, KEEP).unwrap(),
            Recorded::Booked
        );
    }
    assert_eq!(standing(&conn, 2), (44, 0));
    let figures = figures::cohort(&conn, "ada").unwrap().unwrap();
    assert_eq!((figures.spent.micros(), figures.workflows), (44, 3));
    assert_eq!(
        figures::cohort_on(&conn, "ada", Day::of(at(2)))
            .unwrap()
            .count,
        3
    );
}

#[test]
fn a_workflow_is_known_until_as_many_newer_lines_as_are_kept_have_pushed_it_out() {
    let conn = open();
    let again = || book::record(&conn, at(1), &workflow(Some("w1"), "ada", 40), KEEP).unwrap();
    assert_eq!(again(), Recorded::Booked);
    let more = |lines: u32| {
        for _ in 0..lines {
            book::record(&conn, at(1), &workflow(None, "ada", 1), KEEP).unwrap();
        }
    };
    more(KEEP.entries - 1);
    assert_eq!(again(), Recorded::Duplicate);
    more(1);
    assert_eq!(again(), Recorded::Booked);
}

#[test]
fn keeps_no_more_than_it_may() {
    let conn = open();
    for n in 0..KEEP.cohorts {
        let recorded = book::record(&conn, at(0), &workflow(None, &n.to_string(), 1), KEEP);
        assert_eq!(recorded.unwrap(), Recorded::Booked);
    }
    let more = workflow(None, "more", 1);
    assert_eq!(
        book::record(&conn, at(0), &more, KEEP).unwrap(),
        Recorded::TooManyCohorts
    );

    let later = u64::from(KEEP.days + 1) * 86_400;
    for _ in 0..KEEP.entries + 20 {
        let held = reserve(&conn, later, 1).unwrap();
        book::settle(&conn, at(later), held, &charge(1), KEEP).unwrap();
    }
    let entries = figures::entries(&conn, u32::MAX).unwrap();
    assert_eq!(entries.len(), KEEP.entries as usize);
    let days = figures::days(&conn, Day::of(at(0))).unwrap();
    assert_eq!(days.len(), 1, "the first day is past keeping: {days:?}");
    assert_eq!(days[0].total.count, u64::from(KEEP.entries) + 20);
}

#[test]
fn totals_saturate_far_above_every_limit() {
    let conn = open();
    let huge = workflow(None, "ada", Money::MAX.micros());
    for _ in 0..10_000 {
        book::record(&conn, at(0), &huge, KEEP).unwrap();
    }
    assert_eq!(standing(&conn, 0), (9_000_000_000_000_000_000, 0));
    assert!(reserve(&conn, 0, 1).is_err());
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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn the_ledger_does_what_the_model_does_and_never_passes_the_limit(
        steps in prop::collection::vec(step(), 1..50),
    ) {
        let conn = open();
        let mut model = Model::default();
        let mut held = Vec::new();
        let mut now = 0;
        for step in steps {
            match step {
                Step::Reserve(amount) => {
                    let (spent, reserved) = model.standing(now);
                    let fits = spent + reserved + amount <= LIMIT;
                    let result = reserve(&conn, now, amount);
                    prop_assert_eq!(result.is_ok(), fits);
                    if let Ok(id) = result {
                        held.push((id, amount));
                        model.held.push(Some((now / 86_400, amount, now + EXPIRY)));
                    }
                }
                Step::Settle(which, part) if !held.is_empty() => {
                    let which = which % held.len();
                    let Some((day, amount, expiry)) = model.held[which].take() else { continue };
                    // One that has expired is settled by the test above: it may pass the limit.
                    if expiry > now {
                        let amount = amount * part / 100;
                        book::settle(&conn, at(now), held[which].0, &charge(amount), KEEP).unwrap();
                        model.spent.push((day, amount));
                    }
                }
                Step::Release(which) if !held.is_empty() => {
                    let which = which % held.len();
                    book::release(&conn, held[which].0.id).unwrap();
                    model.held[which] = None;
                }
                Step::Wait(seconds) => now += seconds,
                Step::Settle(..) | Step::Release(_) => {}
            }
            let (spent, reserved) = standing(&conn, now);
            prop_assert_eq!((spent, reserved), model.standing(now));
            prop_assert!(spent + reserved <= LIMIT);
        }
    }
}
