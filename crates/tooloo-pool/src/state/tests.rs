//! The bookkeeping beside a naive model of it.

use std::{
    collections::{HashMap, VecDeque},
    panic::Location,
    task::Waker,
    time::Duration,
};

use proptest::prelude::*;
use tooloo_key::Key;

use super::*;
use crate::{config::Share, figures::CloseReason, handoff::Handoff};

const NOW: Moment = Moment::from_nanos(1_000_000_000);
const MAX_WAITING: usize = 6;

#[derive(Clone, Copy, Debug)]
enum Step {
    Ask(usize),
    GiveBack(usize),
    Leave(usize),
    Break(usize),
    Connected,
    Resize(usize),
}

/// Does the same with plain lists, and looks through all of them each time.
struct Model {
    max: usize,
    idle: Vec<u32>,
    // Who has which connection.
    leased: Vec<(u32, usize)>,
    // The tickets of those who wait, and their tenants.
    line: VecDeque<(usize, usize)>,
    made: u32,
    connecting: usize,
}

impl Model {
    fn size(&self) -> usize {
        self.idle.len() + self.leased.len()
    }

    /// Tenant 0 is nobody, and may have all.
    fn most(tenant: usize, whole: usize) -> usize {
        if tenant == 0 {
            usize::MAX
        } else {
            whole.div_ceil(2)
        }
    }

    fn may_lease(&self, tenant: usize) -> bool {
        let has = self
            .leased
            .iter()
            .filter(|(_, other)| *other == tenant)
            .count();
        has < Self::most(tenant, self.max)
    }

    fn may_wait(&self, tenant: usize) -> bool {
        let has = self
            .line
            .iter()
            .filter(|(_, other)| *other == tenant)
            .count();
        self.line.len() < MAX_WAITING && has < Self::most(tenant, MAX_WAITING)
    }

    /// Serves whoever waited longest and may have one, with the connection used last; returns who got what.
    fn settle(&mut self) -> Vec<(usize, u32)> {
        let mut served = Vec::new();
        while let Some(&connection) = self.idle.last() {
            let first = self
                .line
                .iter()
                .position(|(_, tenant)| self.may_lease(*tenant));
            let Some(first) = first else { break };
            let (ticket, tenant) = self.line.remove(first).unwrap();
            self.idle.pop();
            self.leased.push((connection, tenant));
            served.push((ticket, connection));
        }
        served
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (0..3_usize).prop_map(Step::Ask),
        5 => any::<usize>().prop_map(Step::GiveBack),
        2 => any::<usize>().prop_map(Step::Leave),
        1 => any::<usize>().prop_map(Step::Break),
        4 => Just(Step::Connected),
        1 => (1..6_usize).prop_map(Step::Resize),
    ];
    prop::collection::vec(step, 0..120)
}

fn claim(tenant: usize) -> Claim {
    Claim {
        place: Location::caller(),
        tenant: (tenant > 0).then(|| Key::from(format!("{tenant}")).into()),
        task: None,
    }
}

fn entry(claim: Claim) -> Entry {
    Entry {
        claim,
        at_head: false,
        since: NOW,
        deadline: NOW + Duration::from_secs(5),
    }
}

fn state() -> State<u32> {
    let max = std::num::NonZeroUsize::new(3).unwrap();
    let share = Share::new(0.5).unwrap();
    let config = PoolConfig::new()
        .with_max(max)
        .with_max_waiting(MAX_WAITING)
        .with_tenant_share(share)
        .with_seed(1);
    State::new(config)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn serves_whom_a_naive_pool_serves(steps in steps()) {
        let mut state = state();
        let mut model = Model {
            max: 3,
            idle: Vec::new(),
            leased: Vec::new(),
            line: VecDeque::new(),
            made: 0,
            connecting: 0,
        };
        let mut leases: Vec<Box<Pooled<u32>>> = Vec::new();
        let mut handoffs = HashMap::new();
        for step in steps {
            let mut effects = Effects::new();
            let mut served = Vec::new();
            match step {
                Step::Ask(tenant) => {
                    let entry = entry(claim(tenant));
                    if let Some(given) = state.take(&entry, NOW, &mut effects) {
                        prop_assert!(model.may_lease(tenant) && !given.check);
                        prop_assert_eq!(model.idle.pop(), Some(given.pooled.connection));
                        model.leased.push((given.pooled.connection, tenant));
                        leases.push(given.pooled);
                    } else {
                        prop_assert!(model.idle.is_empty() || !model.may_lease(tenant));
                        let handoff = Handoff::new(Waker::noop().clone());
                        let ticket = state.enqueue(&entry, &handoff, NOW, &mut effects);
                        prop_assert_eq!(ticket.is_ok(), model.may_wait(tenant));
                        if let Ok((ticket, _)) = ticket {
                            model.line.push_back((ticket, tenant));
                            handoffs.insert(ticket, handoff);
                        }
                    }
                }
                Step::GiveBack(nth) if !leases.is_empty() => {
                    let lease = leases.swap_remove(nth % leases.len());
                    model.leased.retain(|(other, _)| *other != lease.connection);
                    if model.size() < model.max {
                        model.idle.push(lease.connection);
                    }
                    state.put(lease, Back::Used, NOW, &mut effects);
                    served = model.settle();
                }
                Step::Break(nth) if !leases.is_empty() => {
                    let lease = leases.swap_remove(nth % leases.len());
                    model.leased.retain(|(other, _)| *other != lease.connection);
                    state.bury(*lease, CloseReason::Discarded, NOW, &mut effects);
                    served = model.settle();
                }
                Step::Leave(nth) if !model.line.is_empty() => {
                    let (ticket, _) = model.line.remove(nth % model.line.len()).unwrap();
                    let outcome = handoffs[&ticket].take();
                    prop_assert!(outcome.is_none(), "the model has it in line");
                    state.leave(ticket, outcome, NOW, &mut effects);
                }
                Step::Connected if model.connecting > 0 => {
                    model.connecting -= 1;
                    if model.size() < model.max {
                        model.idle.push(model.made);
                    }
                    state.connected(model.made, NOW, &mut effects);
                    model.made += 1;
                    served = model.settle();
                }
                Step::Resize(max) => {
                    model.max = max;
                    let over = model.size().saturating_sub(max).min(model.idle.len());
                    model.idle.drain(..over);
                    let max = std::num::NonZeroUsize::new(max).unwrap();
                    state.resize(0, max, NOW, &mut effects);
                    served = model.settle();
                }
                _ => {}
            }
            for (ticket, connection) in served {
                let outcome = handoffs[&ticket].take().expect("the model serves it");
                let given = outcome.expect("the pool is open");
                prop_assert_eq!(given.pooled.connection, connection);
                leases.push(given.pooled);
            }
            model.connecting += effects.connect;
            for _ in 0..effects.dead.len() {
                state.closed_one();
            }
            let standing = state.standing();
            prop_assert_eq!(standing.idle, model.idle.len());
            prop_assert_eq!(standing.in_use, model.leased.len());
            prop_assert_eq!(standing.size, model.size());
            prop_assert_eq!(standing.waiting, model.line.len());
            prop_assert_eq!(standing.connecting, model.connecting);
            prop_assert_eq!(standing.closing, 0);
        }
    }
}

#[test]
fn no_more_is_made_than_is_wanted_and_may_be() {
    let mut state = state();
    let mut effects = Effects::new();
    for _ in 0..6 {
        let handoff = Handoff::new(Waker::noop().clone());
        let entry = entry(claim(0));
        state.enqueue(&entry, &handoff, NOW, &mut effects).unwrap();
    }
    assert_eq!(effects.connect, 3, "six wait, three may be there");
    assert!(state.keep_connecting());
    for ticket in 0..6 {
        state.leave(ticket, None, NOW, &mut effects);
    }
    assert!((0..3).all(|_| !state.keep_connecting()));
    assert_eq!(state.standing().connecting, 0);
    assert_eq!(state.standing().tally.elided, 3);
}

#[test]
fn what_is_put_back_after_a_check_is_not_the_one_used_last() {
    let mut state = state();
    let mut effects = Effects::new();
    for (number, later) in [(0, 0), (1, 1), (2, 2)] {
        state.reserve();
        state.connected(number, NOW + Duration::from_secs(later), &mut effects);
    }
    let found = state.tend(NOW + Duration::from_secs(31), &mut effects);
    assert_eq!(
        found.check.len(),
        2,
        "the third was good less than 30 seconds ago"
    );
    let later = NOW + Duration::from_secs(32);
    for pooled in found.check {
        state.put(pooled, Back::Checked, later, &mut effects);
    }
    let given = state.take(&entry(claim(0)), later, &mut effects).unwrap();
    assert_eq!((given.pooled.connection, given.check), (2, true));
}
