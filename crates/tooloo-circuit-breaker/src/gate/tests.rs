//! A gate beside a naive breaker, over random calls and times.

use std::{num::NonZeroU32, time::Duration};

use proptest::prelude::*;

use super::*;
use crate::{Backoff, Rate, SlowCalls, Window, state::Mark};

/// The settings of both, in numbers: milliseconds and percent.
#[derive(Clone, Debug)]
struct Settings {
    /// Calls of a window by count, or the milliseconds of a tenth of a window by time.
    window: Result<u32, u64>,
    minimum_calls: u32,
    failure_percent: Option<u32>,
    slow_percent: Option<u32>,
    consecutive: Option<u32>,
    open_for: u64,
    factor: u64,
    longest: u64,
    probes: u32,
    probe_timeout: u64,
}

#[derive(Clone, Debug)]
enum Step {
    Wait(u64),
    Ask,
    End {
        which: usize,
        mark: Mark,
        throttled: bool,
        asked: Option<u64>,
    },
    Drop(usize),
    Set(Control),
}

/// A breaker that keeps everything and counts it again each time.
#[derive(Debug)]
struct Naive {
    settings: Settings,
    now: u64,
    state: NaiveState,
    /// Changes of state so far, fresh starts included.
    age: u64,
    history: Vec<(u64, Mark)>,
    run: u32,
    asked: u64,
    failed_probings: u32,
    tickets: u64,
}

#[derive(Debug)]
enum NaiveState {
    Closed,
    Open(u64),
    HalfOpen {
        under_way: Vec<(u64, u64)>,
        marks: Vec<Mark>,
    },
    ForcedOpen,
    Disabled,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum NaiveTicket {
    Closed(u64),
    Probe(u64),
    Disabled,
}

impl Naive {
    fn new(settings: &Settings) -> Self {
        Self {
            settings: settings.clone(),
            now: 0,
            state: NaiveState::Closed,
            age: 0,
            history: Vec::new(),
            run: 0,
            asked: 0,
            failed_probings: 0,
            tickets: 0,
        }
    }

    fn ask(&mut self) -> Option<NaiveTicket> {
        if matches!(self.state, NaiveState::Open(until) if until <= self.now) {
            self.enter(NaiveState::HalfOpen {
                under_way: Vec::new(),
                marks: Vec::new(),
            });
        }
        let (now, most) = (self.now, self.settings.probes as usize);
        match &mut self.state {
            NaiveState::Closed => Some(NaiveTicket::Closed(self.age)),
            NaiveState::Disabled => Some(NaiveTicket::Disabled),
            NaiveState::Open(_) | NaiveState::ForcedOpen => None,
            NaiveState::HalfOpen { under_way, marks } => {
                if under_way.len() + marks.len() == most {
                    under_way.retain(|(_, deadline)| *deadline > now);
                }
                (under_way.len() + marks.len() < most).then(|| {
                    self.tickets += 1;
                    under_way.push((self.tickets, now + self.settings.probe_timeout));
                    NaiveTicket::Probe(self.tickets)
                })
            }
        }
    }

    fn end(&mut self, ticket: NaiveTicket, ended: Option<(Mark, bool, Option<u64>)>) {
        match ticket {
            NaiveTicket::Disabled => {}
            NaiveTicket::Closed(age) => {
                if let Some((mark, throttled, asked)) = ended
                    && age == self.age
                {
                    self.count(mark, throttled, asked);
                }
            }
            NaiveTicket::Probe(ticket) => self.end_probe(ticket, ended),
        }
    }

    fn count(&mut self, mark: Mark, throttled: bool, asked: Option<u64>) {
        self.history.push((self.now, mark));
        if !mark.failed {
            self.run = 0;
        } else if !throttled {
            self.run += 1;
        }
        if mark == Mark::of_index(0) {
            return;
        }
        self.ask_for(asked);
        let (calls, failed, slow) = self.tally();
        let settings = &self.settings;
        let enough = settings.window.map_or(settings.minimum_calls, |calls| {
            calls.min(settings.minimum_calls)
        });
        let too_many = |part: u32, percent: Option<u32>| {
            calls >= enough && percent.is_some_and(|percent| part * 100 >= percent * calls)
        };
        let run_over =
            mark.failed && !throttled && settings.consecutive.is_some_and(|most| self.run >= most);
        if run_over
            || too_many(failed, settings.failure_percent)
            || too_many(slow, settings.slow_percent)
        {
            self.failed_probings = 0;
            self.open();
        }
    }

    fn end_probe(&mut self, ticket: u64, ended: Option<(Mark, bool, Option<u64>)>) {
        let settings = self.settings.clone();
        let NaiveState::HalfOpen { under_way, marks } = &mut self.state else {
            return;
        };
        let before = under_way.len();
        under_way.retain(|(other, _)| *other != ticket);
        let (true, Some((mark, _, asked))) = (under_way.len() < before, ended) else {
            return;
        };
        marks.push(mark);
        let marks = marks.clone();
        self.ask_for(asked);
        // Every way in which the rest of the probes may end.
        let rest = settings.probes as usize - marks.len();
        let endings: Vec<bool> = (0..=rest)
            .flat_map(|failed| (0..=rest).map(move |slow| (failed, slow)))
            .map(|(failed, slow)| settings.probes_fail(&marks, failed, slow))
            .collect();
        if endings.iter().all(|fail| *fail) {
            self.failed_probings += 1;
            self.open();
        } else if endings.iter().all(|fail| !fail) {
            self.close();
        }
    }

    fn set(&mut self, control: Control) {
        match (&self.state, control) {
            (NaiveState::ForcedOpen, Control::ForcedOpen)
            | (NaiveState::Disabled, Control::Disabled) => {}
            (_, Control::ForcedOpen) => self.enter(NaiveState::ForcedOpen),
            (_, Control::Disabled) => self.enter(NaiveState::Disabled),
            (_, Control::Closed)
            | (NaiveState::ForcedOpen | NaiveState::Disabled, Control::Auto) => self.close(),
            (_, Control::Auto) => {}
        }
    }

    fn open(&mut self) {
        let settings = &self.settings;
        let longest = settings.longest.max(settings.open_for);
        let until = if self.asked > self.now {
            self.asked.min(self.now + longest)
        } else {
            let grown = settings.factor.saturating_pow(self.failed_probings);
            self.now + settings.open_for.saturating_mul(grown).min(longest)
        };
        self.enter(NaiveState::Open(until));
    }

    fn close(&mut self) {
        self.enter(NaiveState::Closed);
        self.history.clear();
        self.run = 0;
        self.asked = 0;
    }

    fn enter(&mut self, state: NaiveState) {
        self.state = state;
        self.age += 1;
    }

    fn ask_for(&mut self, asked: Option<u64>) {
        self.asked = self.asked.max(asked.map_or(0, |wait| self.now + wait));
    }

    fn tally(&self) -> (u32, u32, u32) {
        let recent: Vec<Mark> = match self.settings.window {
            Ok(calls) => {
                let history = self.history.iter().rev().take(calls as usize);
                history.map(|(_, mark)| *mark).collect()
            }
            Err(tenth) => {
                let history = self.history.iter();
                history
                    .filter(|(time, _)| self.now / tenth - time / tenth < 10)
                    .map(|(_, mark)| *mark)
                    .collect()
            }
        };
        let count = |of: fn(&Mark) -> bool| {
            u32::try_from(recent.iter().filter(|mark| of(mark)).count()).unwrap()
        };
        (
            count(|_| true),
            count(|mark| mark.failed),
            count(|mark| mark.slow),
        )
    }

    fn status(&self) -> Status {
        match self.state {
            NaiveState::Closed => Status::Closed,
            NaiveState::Open(_) => Status::Open,
            NaiveState::HalfOpen { .. } => Status::HalfOpen,
            NaiveState::ForcedOpen => Status::ForcedOpen,
            NaiveState::Disabled => Status::Disabled,
        }
    }
}

impl Settings {
    fn probes_fail(&self, marks: &[Mark], failed: usize, slow: usize) -> bool {
        let failed = failed + marks.iter().filter(|mark| mark.failed).count();
        let slow = slow + marks.iter().filter(|mark| mark.slow).count();
        let reached = |part: usize, percent: u32| {
            part > 0 && part * 100 >= percent as usize * self.probes as usize
        };
        self.failure_percent
            .map_or(failed > 0, |percent| reached(failed, percent))
            || self
                .slow_percent
                .is_some_and(|percent| reached(slow, percent))
    }

    fn config(&self) -> CircuitBreakerConfig {
        let rate = |percent: u32| Rate::new(f64::from(percent) / 100.0).unwrap();
        let window = match self.window {
            Ok(calls) => Window::calls(calls),
            Err(tenth) => Window::time(Duration::from_millis(tenth * 10)),
        };
        #[expect(clippy::cast_precision_loss, reason = "a small factor")]
        let factor = self.factor as f64;
        let backoff = Backoff::new(factor, Duration::from_millis(self.longest), 0.0);
        CircuitBreakerConfig::new()
            .with_window(window.unwrap())
            .with_minimum_calls(NonZeroU32::new(self.minimum_calls).unwrap())
            .with_failure_rate(self.failure_percent.map(rate))
            .with_slow_calls(
                (self.slow_percent)
                    .map(|percent| SlowCalls::new(Duration::from_secs(1), rate(percent))),
            )
            .with_consecutive_failures(self.consecutive.and_then(NonZeroU32::new))
            .with_open_for(Duration::from_millis(self.open_for))
            .with_backoff(backoff.unwrap())
            .with_probes(NonZeroU32::new(self.probes).unwrap())
            .with_probe_timeout(Duration::from_millis(self.probe_timeout))
    }
}

fn settings() -> impl Strategy<Value = Settings> {
    let window = prop_oneof![(1..=6_u32).prop_map(Ok), (10..=50_u64).prop_map(Err)];
    let percent = || proptest::option::weighted(0.7, 1..=100_u32);
    (
        (window, 1..=6_u32, percent(), percent()),
        proptest::option::of(1..=4_u32),
        (50..=300_u64, 1..=3_u64, 50..=1000_u64),
        (1..=4_u32, 20..=300_u64),
    )
        .prop_map(
            |(
                (window, minimum_calls, failure_percent, slow_percent),
                consecutive,
                (open_for, factor, longest),
                (probes, probe_timeout),
            )| Settings {
                window,
                minimum_calls,
                failure_percent,
                slow_percent,
                consecutive,
                open_for,
                factor,
                longest,
                probes,
                probe_timeout,
            },
        )
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let end = (
        any::<usize>(),
        0..4_u8,
        any::<bool>(),
        proptest::option::weighted(0.2, 1..=2000_u64),
    )
        .prop_map(|(which, mark, throttled, asked)| Step::End {
            which,
            mark: Mark::of_index(mark),
            throttled,
            asked,
        });
    let control = prop_oneof![
        Just(Control::ForcedOpen),
        Just(Control::Disabled),
        Just(Control::Closed),
        Just(Control::Auto),
    ];
    let step = prop_oneof![
        20 => (0..=150_u64).prop_map(Step::Wait),
        30 => Just(Step::Ask),
        30 => end,
        5 => any::<usize>().prop_map(Step::Drop),
        1 => control.prop_map(Step::Set),
    ];
    proptest::collection::vec(step, 1..200)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn a_gate_does_what_a_naive_breaker_does(settings in settings(), steps in steps()) {
        let gate = Gate::new(settings.config());
        let mut naive = Naive::new(&settings);
        let mut tickets: Vec<(Ticket, NaiveTicket)> = Vec::new();
        let mut changes = 0;
        let moment = |millis: u64| Moment::from_nanos(millis * 1_000_000);
        for step in steps {
            let now = moment(naive.now);
            let before = naive.status();
            let change = match step {
                Step::Wait(millis) => {
                    naive.now += millis;
                    None
                }
                Step::Ask => {
                    let (decided, change) = gate.ask(now);
                    let expected = naive.ask();
                    prop_assert_eq!(decided.is_ok(), expected.is_some());
                    tickets.extend(decided.ok().zip(expected));
                    change
                }
                Step::End { which, mark, throttled, asked } if !tickets.is_empty() => {
                    let (ticket, theirs) = tickets.swap_remove(which % tickets.len());
                    naive.end(theirs, Some((mark, throttled, asked)));
                    let asked = asked.map(|wait| now + Duration::from_millis(wait));
                    if !mark.is_bad() && gate.is_all_good(ticket) {
                        None
                    } else {
                        gate.settle(ticket, Some(Ended { mark, throttled, asked }), || now)
                    }
                }
                Step::Drop(which) if !tickets.is_empty() => {
                    let (ticket, theirs) = tickets.swap_remove(which % tickets.len());
                    naive.end(theirs, None);
                    gate.settle(ticket, None, || now)
                }
                Step::End { .. } | Step::Drop(_) => None,
                Step::Set(control) => {
                    naive.set(control);
                    gate.set(control, now)
                }
            };
            let now = moment(naive.now);
            prop_assert_eq!(gate.word().status(), naive.status());
            prop_assert_eq!(change.is_some(), before != naive.status());
            if let Some(change) = change {
                changes += 1;
                prop_assert_eq!(change.number, changes);
                prop_assert_eq!((change.from, change.to), (before, naive.status()));
            }
            match &naive.state {
                NaiveState::Closed => {
                    let Tally { calls, failed, slow } = gate.tally(now);
                    prop_assert_eq!((calls, failed, slow), naive.tally());
                    prop_assert_eq!(gate.consecutive_failures(), naive.run);
                }
                NaiveState::Open(until) => {
                    prop_assert_eq!(gate.word().open_until(), Some(moment(*until)));
                }
                NaiveState::HalfOpen { under_way, .. } => {
                    prop_assert_eq!(gate.probes_under_way(), under_way.len());
                }
                NaiveState::ForcedOpen | NaiveState::Disabled => {}
            }
        }
    }
}
