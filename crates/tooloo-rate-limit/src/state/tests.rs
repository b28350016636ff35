//! The bookkeeping beside naive models of it.

use std::{
    collections::HashMap,
    num::NonZeroU32,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use proptest::prelude::*;
use tooloo_clock::Moment;
use tooloo_key::Key;

use super::{Attempt, Bucket, Common, Order, Outcome, Place, Policy, Terms, gcra::Gcra};
use crate::config::{Quota, Tier};

/// A token bucket in exact fractions: a nanosecond is `limit` parts, a token `period` parts.
struct Naive {
    limit: u128,
    period: u128,
    capacity: u128,
    full_at: u128,
}

impl Naive {
    fn new(quota: &Quota) -> Self {
        let period = quota.period().as_nanos();
        Self {
            limit: quota.limit().get().into(),
            period,
            capacity: period * u128::from(quota.burst().get()),
            full_at: 0,
        }
    }

    fn admits(&self, now: u64, cost: u64) -> bool {
        self.spent(now, cost) <= u128::from(now) * self.limit + self.capacity
    }

    fn spent(&self, now: u64, cost: u64) -> u128 {
        let now = u128::from(now) * self.limit;
        self.full_at.max(now) + u128::from(cost) * self.period
    }

    /// Returns how much earlier than this a token may come: a nanosecond, or a tiny part of one token.
    fn tolerance(&self) -> u64 {
        u64::try_from(1 + self.period / self.limit / (1 << 28)).unwrap()
    }
}

fn nonzero(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap()
}

fn quota() -> impl Strategy<Value = Quota> {
    let limit = prop_oneof![1..10_u32, 1..1_000_000_000_u32];
    let period = prop_oneof![
        1..1_000_000_000_u64,
        Just(1_000_000_000),
        Just(60_000_000_000),
        Just(86_400_000_000_000),
        1..3_000_000_000_000_000_000_u64,
    ];
    let burst = prop_oneof![1..10_u32, Just(1_000_000), 1..u32::MAX];
    (limit, period, burst).prop_filter_map(
        "faster than a token a nanosecond",
        |(limit, period, burst)| {
            let quota = Quota::new(nonzero(limit), Duration::from_nanos(period)).ok()?;
            Some(quota.with_burst(nonzero(burst)))
        },
    )
}

proptest! {
    #[test]
    fn a_bucket_admits_what_exact_fractions_admit(
        quota in quota(),
        start in 0..1_u64 << 61,
        steps in prop::collection::vec((0..100_u64, 0..1000_u64, 0..100_u64), 1..100),
    ) {
        let gcra = Gcra::new(&quota);
        let mut naive = Naive::new(&quota);
        let burst = u64::from(quota.burst().get());
        let refill = u64::try_from(naive.period / naive.limit).unwrap();
        let (mut now, mut full_at) = (start / 4, 0);
        for (tokens, parts, cost) in steps {
            // Often just when a token comes, or one nanosecond before.
            now += (refill / 4).saturating_mul(tokens) / 25 + parts / 999 * (refill / 7) + parts % 3;
            prop_assume!(now < 1 << 60);
            let cost = (cost * burst / 100).max(1);
            match gcra.spend(full_at, gcra.ticks(Moment::from_nanos(now)), cost) {
                Ok(spent) => {
                    prop_assert!(naive.admits(now + naive.tolerance(), cost), "too early");
                    full_at = spent;
                    naive.full_at = naive.spent(now, cost);
                }
                Err(until) => {
                    prop_assert!(!naive.admits(now, cost), "too late");
                    let until = gcra.moment(until).as_nanos();
                    prop_assert!(until > now);
                    if until >= 1 << 60 {
                        // No process lives for three decades.
                        continue;
                    }
                    // The time that is told is the first at which it is true.
                    let at = |nanos| gcra.spend(full_at, gcra.ticks(Moment::from_nanos(nanos)), cost);
                    prop_assert!(at(until).is_ok());
                    prop_assert!(at(until - 1).is_err());
                }
            }
        }
    }

    #[test]
    fn threads_spend_what_there_is_and_no_more(
        limit in 1..1000_u32,
        burst in 8..500_u32,
        costs in prop::collection::vec(1..4_u64, 4),
        step in 1..1_000_000_u64,
        compound in any::<bool>(),
    ) {
        const START: u64 = 1 << 40;
        let quota = Quota::per_second(nonzero(limit)).with_burst(nonzero(burst));
        let mut tiers = vec![Tier::first(quota)];
        if compound {
            tiers.push(Tier::new("shared", quota).unwrap().shared());
        }
        let common = Mutex::new(Common::new(&tiers));
        let bucket = Bucket::new(&Terms::new(Arc::new(Policy::new(tiers.into(), 0, false))));
        let drained = bucket.spend(Moment::from_nanos(START), burst.into(), &common);
        prop_assert_eq!(drained, Outcome::Admitted);
        let clock = AtomicU64::new(START);
        let spent = AtomicU64::new(0);
        // More is asked for than comes back, so the bucket never is full.
        thread::scope(|scope| {
            for cost in &costs {
                let (bucket, common, clock, spent) = (&bucket, &common, &clock, &spent);
                scope.spawn(move || {
                    for _ in 0..500 {
                        let now = clock.fetch_add(step, Ordering::SeqCst) + step;
                        if bucket.spend(Moment::from_nanos(now), *cost, common) == Outcome::Admitted {
                            spent.fetch_add(*cost, Ordering::SeqCst);
                        }
                    }
                });
            }
        });
        let end = clock.load(Ordering::SeqCst);
        let came = u128::from(limit) * u128::from(end - START) / 1_000_000_000;
        let left = bucket.standings(Moment::from_nanos(end), &common);
        let left = u128::from(left[0].remaining);
        prop_assert_eq!(u128::from(spent.load(Ordering::SeqCst)) + left, came);
        // The last to ask found less than it wanted, or took it.
        let dearest = u128::from(*costs.iter().max().unwrap());
        prop_assert!(left < dearest + 4, "{} tokens were left", left);
    }

    #[test]
    fn those_who_wait_are_served_like_by_a_naive_round_robin(
        costs in prop::collection::vec((0..5_u8, 1..4_u64), 1..60),
        cancelled in prop::collection::vec(0..60_u64, 0..10),
    ) {
        let mut order = Order::default();
        let mut queues: HashMap<u8, Vec<(u64, u64)>> = HashMap::new();
        let mut ring = Vec::new();
        for (ticket, (lane, cost)) in (0..).zip(&costs) {
            order.enqueue(&place(*lane), ticket, *cost);
            queues.entry(*lane).or_default().push((ticket, *cost));
            if !ring.contains(lane) {
                ring.push(*lane);
            }
        }
        for ticket in cancelled {
            let Some((lane, _)) = costs.get(usize::try_from(ticket).unwrap()) else { continue };
            order.remove(&place(*lane), ticket);
            queues.get_mut(lane).unwrap().retain(|(other, _)| *other != ticket);
        }

        let quantum = costs.iter().map(|(_, cost)| *cost).max().unwrap();
        let mut expected = Vec::new();
        let mut deficits: HashMap<u8, u64> = HashMap::new();
        while queues.values().any(|queue| !queue.is_empty()) {
            for lane in &ring {
                let queue = queues.get_mut(lane).unwrap();
                let deficit = deficits.entry(*lane).or_default();
                *deficit += quantum;
                while queue.first().is_some_and(|(_, cost)| *cost <= *deficit) {
                    let (ticket, cost) = queue.remove(0);
                    *deficit -= cost;
                    expected.push(ticket);
                }
            }
        }

        // One token a nanosecond, and each is spent at once.
        let mut served = Vec::new();
        let mut spent = 0;
        for now in 1.. {
            let mut tokens = now - spent;
            let now = Moment::from_nanos(now);
            let attempt = |_: &Place, cost| {
                if cost > tokens {
                    return Attempt::CommonUntil(now + Duration::from_nanos(cost - tokens));
                }
                tokens -= cost;
                spent += cost;
                Attempt::Admitted
            };
            served.extend(order.serve(now, attempt).admitted);
            if order.waiting() == 0 {
                break;
            }
        }
        prop_assert_eq!(served, expected);
        prop_assert_eq!(order.cost(), 0);
        prop_assert!(!order.takes_turns());
    }

    #[test]
    fn a_debt_stays_as_many_tokens_under_another_quota(
        from in quota(),
        to in quota(),
        spent in 0..u32::MAX,
        start in 0..1_000_000_000_000_000_000_u64,
    ) {
        let spent = u64::from(spent % from.burst().get() % to.burst().get());
        let (from, to) = (Gcra::new(&from), Gcra::new(&to));
        let now = Moment::from_nanos(start);
        let level = from.spend(0, from.ticks(now), spent).unwrap();
        let moved = from.convert(level, now, &to);
        let full = to.available(0, to.ticks(now));
        prop_assert_eq!(to.available(moved, to.ticks(now)), full - spent);
    }
}

fn place(lane: u8) -> Place {
    Place::Key(Key::from(lane.to_string()))
}

#[test]
fn a_day_a_token_and_a_million_at_once_is_exact() {
    let quota = Quota::per_day(nonzero(1)).with_burst(nonzero(1_000_000));
    let gcra = Gcra::new(&quota);
    let now = gcra.ticks(Moment::from_nanos(1 << 50));
    let mut full_at = 0;
    for _ in 0..1_000_000 {
        full_at = gcra.spend(full_at, now, 1).unwrap();
    }
    let until = gcra.spend(full_at, now, 1).unwrap_err();
    let wait = gcra.moment(until).as_nanos() - (1 << 50);
    let day = 86_400_000_000_000;
    assert!((day - 100..=day).contains(&wait), "{wait}");
}

#[test]
fn usual_quotas_come_back_to_the_nanosecond() {
    for (limit, period) in [
        (100, 1),
        (1, 60),
        (9, 1),
        (7, 1),
        (1_000_000, 86_400),
        (3, 10),
    ] {
        let quota = Quota::new(nonzero(limit), Duration::from_secs(period)).unwrap();
        let gcra = Gcra::new(&quota);
        for start in [0, 1, 12_345_678_901_234_567] {
            let ticks = |nanos| gcra.ticks(Moment::from_nanos(nanos));
            let full_at = gcra.spend(0, ticks(start), limit.into()).unwrap();
            let whole = start + period * 1_000_000_000;
            assert!(
                gcra.spend(full_at, ticks(whole), limit.into()).is_ok(),
                "{limit}/{period}"
            );
            let short = gcra.spend(full_at, ticks(whole - 2), limit.into());
            assert!(short.is_err(), "{limit}/{period}");
        }
    }
}

#[test]
fn a_lane_whose_own_quota_is_short_lets_others_pass() {
    let mut order = Order::default();
    order.enqueue(&place(0), 0, 1);
    order.enqueue(&place(1), 1, 1);
    let later = Moment::from_nanos(9);
    let blocked = place(0);
    let served = order.serve(Moment::from_nanos(1), |place, _| {
        if *place == blocked {
            Attempt::OwnUntil(later)
        } else {
            Attempt::Admitted
        }
    });
    assert_eq!(served.admitted, [1]);
    assert_eq!(served.next, Some((later, 0)));
    assert!(!order.takes_turns());
    assert_eq!(order.serve(later, |_, _| Attempt::Admitted).admitted, [0]);
}
