//! Every interleaving of a few calls through one gate, with loom's primitives under it.
#![allow(
    dead_code,
    unreachable_pub,
    unused_imports,
    reason = "the crate's own modules, of which a model needs only some items"
)]

mod sync {
    //! Loom's primitives in the place of the standard library's.
    pub(crate) use loom::sync::{
        Mutex,
        atomic::{AtomicU32, AtomicU64, Ordering},
    };
}

#[path = "../src"]
mod under_test {
    pub(crate) mod config;
    pub(crate) mod gate;
    pub(crate) mod recent;
    pub(crate) mod state;
    pub(crate) mod status;
}

use std::{env, num::NonZeroU32, time::Duration};

use loom::{model, sync::Arc, thread};
use tooloo_clock::Moment;

use self::{
    config::{Backoff, CircuitBreakerConfig, Rate, SlowCalls, Window},
    gate::{Change, Ended, Gate, Ticket},
    recent::{Recent, Run, Tally},
    state::Mark,
    status::{Cause, Control, Status},
    under_test::{config, gate, recent, state, status},
};

const GOOD: Mark = Mark::of_index(0);
const FAILED: Mark = Mark::of_index(1);

type Model = (&'static str, fn());

const MODELS: [Model; 11] = [
    (
        "a_window_holds_what_was_recorded",
        a_window_holds_what_was_recorded,
    ),
    (
        "a_window_by_time_loses_nothing",
        a_window_by_time_loses_nothing,
    ),
    (
        "the_last_of_too_many_failures_opens",
        the_last_of_too_many_failures_opens,
    ),
    ("a_run_of_failures_opens_once", a_run_of_failures_opens_once),
    (
        "an_older_result_does_not_count",
        an_older_result_does_not_count,
    ),
    (
        "good_calls_that_change_nothing_hide_no_bad_ones",
        good_calls_that_change_nothing_hide_no_bad_ones,
    ),
    ("a_reset_is_the_last_word", a_reset_is_the_last_word),
    (
        "a_good_call_ends_a_run_that_began_late",
        a_good_call_ends_a_run_that_began_late,
    ),
    (
        "a_late_result_leaves_the_windows_words_alone",
        a_late_result_leaves_the_windows_words_alone,
    ),
    ("one_of_two_is_the_probe", one_of_two_is_the_probe),
    (
        "a_probe_that_is_dropped_gives_its_place_back",
        a_probe_that_is_dropped_gives_its_place_back,
    ),
];

fn main() {
    let arguments: Vec<_> = env::args().skip(1).collect();
    // None is ignored, and a list would be of unit tests.
    if (arguments.iter()).any(|argument| argument == "--ignored" || argument == "--list") {
        return;
    }
    let filter = arguments.iter().find(|argument| !argument.starts_with('-'));
    for (name, check) in MODELS {
        if filter.is_none_or(|filter| name.contains(filter)) {
            check();
            println!("model {name} ... ok");
        }
    }
}

/// Explores every interleaving that switches threads at most so often where it need not.
fn explore(check: impl Fn() + Sync + Send + 'static) {
    let mut builder = model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(check);
}

fn config() -> CircuitBreakerConfig {
    CircuitBreakerConfig::new()
        .with_failure_rate(None)
        .with_open_for(Duration::from_secs(1))
        .with_seed(7)
}

fn at(seconds: u64) -> Moment {
    Moment::from_nanos(seconds * 1_000_000_000)
}

fn ended(mark: Mark) -> Ended {
    Ended {
        mark,
        throttled: false,
        asked: None,
    }
}

/// Sends a call through, at the second `now`.
fn ask(gate: &Gate, now: u64) -> (Option<Ticket>, Option<Change>) {
    let (decided, change) = gate.ask(at(now));
    (decided.ok(), change)
}

/// Sends a call with this result through, at the second 0.
fn call(gate: &Gate, mark: Mark) -> Option<Change> {
    let (ticket, change) = ask(gate, 0);
    assert_eq!(change, None);
    settle(gate, ticket?, mark)
}

/// Gives the gate the result of a call at the second 0, unless it has no use for it.
fn settle(gate: &Gate, ticket: Ticket, mark: Mark) -> Option<Change> {
    if mark == GOOD && gate.is_all_good(ticket) {
        return None;
    }
    gate.settle(ticket, Some(ended(mark)), || at(0))
}

/// Runs `left` beside `right`, and returns what both return.
fn both<T: Send + 'static>(
    left: impl FnOnce() -> T + Send + 'static,
    right: impl FnOnce() -> T,
) -> [T; 2] {
    let left = thread::spawn(left);
    let right = right();
    [left.join().expect("it does not panic"), right]
}

fn a_window_holds_what_was_recorded() {
    explore(|| {
        let two = Window::calls(2).expect("a valid window");
        let recent = Arc::new(Recent::new(&config().with_window(two)));
        let other = Arc::clone(&recent);
        both(
            move || {
                assert!(other.record(0, FAILED, || at(0)));
                assert!(other.record(0, GOOD, || at(0)));
            },
            || assert!(recent.record(0, FAILED, || at(0))),
        );
        // Whichever of them came first has left: the sums say what the two places hold.
        let tally = recent.tally(at(0));
        assert_eq!((tally.calls, tally.slow), (2, 0));
        assert!((1..=2).contains(&tally.failed), "{tally:?}");
        // Two good calls push all of it out: what the sums held too much or too little would stay.
        assert!(recent.record(0, GOOD, || at(0)) && recent.record(0, GOOD, || at(0)));
        let pushed_out = Tally {
            calls: 2,
            failed: 0,
            slow: 0,
        };
        assert_eq!(recent.tally(at(0)), pushed_out);
    });
}

fn a_window_by_time_loses_nothing() {
    explore(|| {
        let ten = Window::time(Duration::from_secs(10)).expect("a valid window");
        let recent = Arc::new(Recent::new(&config().with_window(ten)));
        assert!(recent.record(0, FAILED, || at(100)));
        let other = Arc::clone(&recent);
        // Both want the place of the tenth that is over.
        both(
            move || assert!(other.record(0, FAILED, || at(110))),
            || assert!(recent.record(0, FAILED, || at(110))),
        );
        let tally = recent.tally(at(110));
        assert_eq!((tally.calls, tally.failed), (2, 2));
    });
}

fn the_last_of_too_many_failures_opens() {
    explore(|| {
        let config = config()
            .with_failure_rate(Rate::HALF)
            .with_minimum_calls(NonZeroU32::new(2).expect("2 is not 0"));
        let gate = Arc::new(Gate::new(config));
        let other = Arc::clone(&gate);
        let changes = both(move || call(&other, FAILED), || call(&gate, FAILED));
        assert_eq!(changes.iter().flatten().count(), 1, "{changes:?}");
        assert_eq!(gate.word().status(), Status::Open);
        assert_eq!(ask(&gate, 0).0, None);
    });
}

fn a_run_of_failures_opens_once() {
    explore(|| {
        let config = config().with_consecutive_failures(NonZeroU32::new(1));
        let gate = Arc::new(Gate::new(config));
        let other = Arc::clone(&gate);
        let changes = both(move || call(&other, FAILED), || call(&gate, FAILED));
        let changes: Vec<_> = changes.into_iter().flatten().collect();
        assert_eq!(changes.len(), 1, "{changes:?}");
        assert_eq!(
            (changes[0].number, changes[0].to, changes[0].cause),
            (1, Status::Open, Cause::ConsecutiveFailures)
        );
    });
}

fn an_older_result_does_not_count() {
    explore(|| {
        let config = config().with_consecutive_failures(NonZeroU32::new(1));
        let gate = Arc::new(Gate::new(config));
        let (ticket, _) = ask(&gate, 0);
        let ticket = ticket.expect("a closed gate");
        gate.set(Control::ForcedOpen, at(0));
        let other = Arc::clone(&gate);
        let changes = both(
            move || other.settle(ticket, Some(ended(FAILED)), || at(0)),
            || gate.set(Control::Closed, at(0)),
        );
        // The failure belongs to the time before: the new one is closed and empty.
        assert_eq!(changes[0], None);
        assert_eq!(gate.word().status(), Status::Closed);
        assert_eq!(gate.consecutive_failures(), 0);
        assert_eq!(gate.tally(at(0)), Tally::default());
    });
}

fn good_calls_that_change_nothing_hide_no_bad_ones() {
    explore(|| {
        let two = Window::calls(2).expect("a valid window");
        let config = config()
            .with_window(two)
            .with_failure_rate(Rate::new(1.0).expect("a valid rate"));
        let gate = Arc::new(Gate::new(config));
        // The window is full of good calls.
        assert_eq!([(); 2].map(|()| call(&gate, GOOD)), [None, None]);
        let other = Arc::clone(&gate);
        both(move || call(&other, FAILED), || call(&gate, GOOD));
        // The good call is before the bad one or after it, in the place of an older one both times.
        let tally = gate.tally(at(0));
        assert_eq!((tally.calls, tally.failed), (2, 1));
        assert!(gate.consecutive_failures() <= 1);
        let one_more = call(&gate, FAILED);
        assert_eq!(gate.tally(at(0)).failed == 2, one_more.is_some());
    });
}

fn a_late_result_leaves_the_windows_words_alone() {
    explore(|| {
        let one = Window::calls(1).expect("a valid window");
        let recent = Arc::new(Recent::new(&config().with_window(one)));
        let run = Arc::new(Run::new());
        let (others, others_run) = (Arc::clone(&recent), Arc::clone(&run));
        both(
            // As a call that was let through just before the generation ended.
            move || {
                others.record(0, FAILED, || at(0));
                others_run.lengthen(0);
            },
            || {
                recent.begin(1);
                run.begin(1);
                assert!(recent.record(1, FAILED, || at(0)));
            },
        );
        let one_failed = Tally {
            calls: 1,
            failed: 1,
            slow: 0,
        };
        assert_eq!(recent.tally(at(0)), one_failed);
        assert_eq!(run.length(), 0);
        // Nor has it taken the place in the ring, from which the failure leaves again.
        assert!(recent.record(1, GOOD, || at(0)));
        assert_eq!(recent.tally(at(0)).failed, 0);
    });
}

fn a_reset_is_the_last_word() {
    explore(|| {
        let config = config().with_consecutive_failures(NonZeroU32::new(1));
        let gate = Arc::new(Gate::new(config));
        let (ticket, _) = ask(&gate, 0);
        let ticket = ticket.expect("a closed gate");
        let other = Arc::clone(&gate);
        both(
            move || settle(&other, ticket, FAILED),
            || gate.set(Control::Closed, at(0)),
        );
        // The failure opened what the reset then closed, or came too late to open anything.
        assert_eq!(gate.word().status(), Status::Closed);
        assert_eq!(gate.tally(at(0)), Tally::default());
    });
}

fn a_good_call_ends_a_run_that_began_late() {
    explore(|| {
        let one = Window::calls(1).expect("a valid window");
        let gate = Arc::new(Gate::new(config().with_window(one)));
        let other = Arc::clone(&gate);
        both(move || call(&other, FAILED), || call(&gate, GOOD));
        // However those two met, this one came after both.
        assert_eq!(call(&gate, GOOD), None);
        assert_eq!(gate.consecutive_failures(), 0);
        assert_eq!(gate.tally(at(0)).failed, 0);
    });
}

/// Returns a gate that one failure opened at the second 0, and that is due at 1, with one probe.
fn open_gate() -> Arc<Gate> {
    let config = config()
        .with_consecutive_failures(NonZeroU32::new(1))
        .with_backoff(Backoff::new(1.0, Duration::from_secs(1), 0.0).expect("a valid back-off"))
        .with_probes(NonZeroU32::MIN);
    let gate = Arc::new(Gate::new(config));
    assert!(call(&gate, FAILED).is_some());
    gate
}

fn one_of_two_is_the_probe() {
    explore(|| {
        let gate = open_gate();
        let other = Arc::clone(&gate);
        let decided = both(move || ask(&other, 1), || ask(&gate, 1));
        let probes: Vec<_> = decided.iter().filter_map(|(ticket, _)| *ticket).collect();
        assert_eq!(probes.len(), 1, "{decided:?}");
        let changes = decided.iter().filter_map(|(_, change)| *change);
        assert_eq!(changes.count(), 1, "{decided:?}");
        let change = gate
            .settle(probes[0], Some(ended(GOOD)), || at(1))
            .expect("the probe decides");
        assert_eq!(
            (change.to, change.cause),
            (Status::Closed, Cause::ProbesSucceeded)
        );
    });
}

fn a_probe_that_is_dropped_gives_its_place_back() {
    explore(|| {
        let gate = open_gate();
        let probe = ask(&gate, 1).0.expect("the open time is over");
        let other = Arc::clone(&gate);
        both(
            move || {
                assert_eq!(other.settle(probe, None, || at(1)), None);
                None
            },
            || ask(&gate, 1).0,
        )
        .into_iter()
        .flatten()
        .for_each(|probe| {
            assert_eq!(gate.settle(probe, None, || at(1)), None);
        });
        assert_eq!(gate.probes_under_way(), 0);
        assert!(ask(&gate, 1).0.is_some());
    });
}
