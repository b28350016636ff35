//! Waiting for a quota: in order, in turn, in time, and without polling.

use std::{
    future::Future,
    num::NonZeroU32,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    task::JoinHandle,
    time::{Instant, advance, timeout},
};
use tokio_test::{assert_pending, assert_ready_err, assert_ready_ok, task};
use tooloo_hub::Observe;
use tooloo_key::Key;
use tooloo_rate_limit::{Quota, RateLimitConfig, RateLimiter, Refusal, Tier};

const HOUR: Duration = Duration::from_secs(3600);

fn n(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).expect("a number above zero")
}

fn one_per(period: Duration) -> RateLimitConfig {
    RateLimitConfig::new(Quota::new(n(1), period).expect("a period above zero"))
}

fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

fn key(name: &str) -> Key {
    Key::from(name)
}

fn later(patience: Duration) -> Instant {
    Instant::now() + patience
}

/// Counts how often a future is polled.
struct Counted<F> {
    inner: Pin<Box<F>>,
    polls: Arc<AtomicUsize>,
}

impl<F: Future> Future for Counted<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        self.polls.fetch_add(1, Ordering::Relaxed);
        self.inner.as_mut().poll(cx)
    }
}

#[tokio::test(start_paused = true)]
async fn two_hundred_wait_in_order_and_wake_once_each() {
    let limiter = RateLimiter::new(one_per(ms(10)));
    limiter.check(&key("ada")).unwrap();
    let polls = Arc::new(AtomicUsize::new(0));
    let served = Arc::new(Mutex::new(Vec::new()));
    let start = Instant::now();
    let waiters: Vec<JoinHandle<()>> = (0..200)
        .map(|waiter| {
            let waiting = Counted {
                inner: Box::pin(limiter.acquire(&key("ada"), later(HOUR))),
                polls: Arc::clone(&polls),
            };
            let served = Arc::clone(&served);
            tokio::spawn(async move {
                waiting.await.unwrap();
                served.lock().unwrap().push((waiter, start.elapsed()));
            })
        })
        .collect();
    for waiter in waiters {
        timeout(HOUR, waiter).await.unwrap().unwrap();
    }
    let expected: Vec<_> = (0..200)
        .map(|waiter| (waiter, ms(10 * (waiter + 1))))
        .collect();
    assert_eq!(*served.lock().unwrap(), expected);
    // Each is polled when it begins, and once more when its time has come.
    let wakes = polls.load(Ordering::Relaxed) - 200;
    assert!(wakes <= 205, "{wakes} wake-ups");
    assert_eq!(limiter.handle().snapshot().queued_requests, 200);
}

/// Returns when each waiter of the keys but the first is served, where the first has so many.
async fn served_beside(crowd: usize) -> Vec<(usize, usize, Duration)> {
    let shared = Tier::new("everyone", Quota::per_second(n(10)).with_burst(n(1)));
    let shared = shared.expect("a name that fits");
    let config = RateLimitConfig::new(Quota::per_second(n(1_000_000)));
    let limiter = RateLimiter::new(config.with_tier(shared.shared()).expect("two tiers"));
    limiter.check(&key("drain")).expect("a full bucket");
    let start = Instant::now();
    let served = Arc::new(Mutex::new(Vec::new()));
    let mut waiters = Vec::new();
    for client in 0..8 {
        for waiter in 0..(if client == 0 { crowd } else { 2 }) {
            let waiting = limiter.acquire(&Key::from(format!("{client}")), later(HOUR));
            let served = Arc::clone(&served);
            waiters.push(tokio::spawn(async move {
                waiting.await.expect("served before the deadline");
                if client > 0 {
                    served
                        .lock()
                        .expect("no panic")
                        .push((client, waiter, start.elapsed()));
                }
            }));
        }
    }
    for waiter in waiters {
        let waited = timeout(HOUR, waiter).await.expect("no hang");
        waited.expect("no panic");
    }
    assert_eq!(
        start.elapsed(),
        ms(100) * u32::try_from(crowd + 14).expect("a small crowd")
    );
    let mut served = Arc::into_inner(served)
        .expect("all are served")
        .into_inner()
        .expect("no panic");
    served.sort_unstable();
    served
}

#[tokio::test(start_paused = true)]
async fn a_crowd_of_one_key_keeps_no_other_waiting() {
    assert_eq!(served_beside(1000).await, served_beside(2).await);
}

#[tokio::test(start_paused = true)]
async fn keys_take_turns_by_cost() {
    let shared = Tier::new("everyone", Quota::per_second(n(1)).with_burst(n(4))).unwrap();
    let config = RateLimitConfig::new(Quota::per_second(n(1_000_000)));
    let limiter = RateLimiter::new(config.with_tier(shared.shared()).unwrap());
    limiter.check_cost(&key("drain"), n(4)).unwrap();
    let served = Arc::new(Mutex::new(Vec::new()));
    let mut waiters = Vec::new();
    for (client, cost, count) in [("heavy", 4, 3), ("light", 1, 12)] {
        for _ in 0..count {
            let waiting = limiter.acquire_cost(&key(client), n(cost), later(HOUR));
            let served = Arc::clone(&served);
            waiters.push(tokio::spawn(async move {
                waiting.await.unwrap();
                served.lock().unwrap().push(client);
            }));
        }
    }
    for waiter in waiters {
        timeout(HOUR, waiter).await.unwrap().unwrap();
    }
    let turn = ["heavy", "light", "light", "light", "light"];
    assert_eq!(*served.lock().unwrap(), [turn, turn, turn].concat());
}

#[tokio::test(start_paused = true)]
async fn a_waiter_that_leaves_lets_those_behind_it_move_up() {
    let limiter = RateLimiter::new(one_per(ms(100)));
    limiter.check(&key("ada")).unwrap();
    let mut waiting: Vec<_> = (0..4)
        .map(|_| task::spawn(limiter.acquire(&key("ada"), later(HOUR))))
        .collect();
    for waiter in &mut waiting {
        assert_pending!(waiter.poll());
    }
    // One in the middle, and the first.
    drop(waiting.remove(1));
    drop(waiting.remove(0));
    advance(ms(100)).await;
    assert!(waiting[0].is_woken());
    assert_ready_ok!(waiting[0].poll());
    assert!(!waiting[1].is_woken());
    assert_pending!(waiting[1].poll());
    advance(ms(100)).await;
    assert_ready_ok!(waiting[1].poll());
    let snapshot = limiter.handle().snapshot();
    assert_eq!(snapshot.cancelled_requests, 2);
    assert_eq!(snapshot.waiting_requests, 0);
}

#[tokio::test(start_paused = true)]
async fn a_waiter_that_is_not_polled_holds_nobody_up() {
    let limiter = RateLimiter::new(one_per(ms(100)));
    limiter.check(&key("ada")).unwrap();
    let mut waiting: Vec<_> = (0..3)
        .map(|_| task::spawn(limiter.acquire(&key("ada"), later(HOUR))))
        .collect();
    for waiter in &mut waiting {
        assert_pending!(waiter.poll());
    }
    // The first is woken, and does nothing.
    for served in 0..3 {
        advance(ms(100)).await;
        let woken: Vec<_> = waiting.iter().map(task::Spawn::is_woken).collect();
        assert_eq!(woken, [true, served > 0, served > 1]);
    }
    for waiter in waiting.iter_mut().rev() {
        assert_ready_ok!(waiter.poll());
    }
    assert!(limiter.check(&key("ada")).is_err());
    assert_eq!(limiter.handle().snapshot().allowed_requests, 4);
}

#[tokio::test(start_paused = true)]
async fn a_waiter_that_is_not_polled_holds_up_no_other_key() {
    let shared = Tier::new("everyone", Quota::per_second(n(10)).with_burst(n(1))).unwrap();
    let config = RateLimitConfig::new(Quota::per_second(n(1_000_000)));
    let limiter = RateLimiter::new(config.with_tier(shared.shared()).unwrap());
    limiter.check(&key("drain")).unwrap();
    let mut idle = task::spawn(limiter.acquire(&key("ada"), later(HOUR)));
    let mut busy = task::spawn(limiter.acquire(&key("bob"), later(HOUR)));
    assert_pending!(idle.poll());
    assert_pending!(busy.poll());
    advance(ms(100)).await;
    assert!(idle.is_woken() && !busy.is_woken());
    advance(ms(100)).await;
    assert!(busy.is_woken());
    assert_ready_ok!(busy.poll());
    assert_ready_ok!(idle.poll());
}

#[tokio::test(start_paused = true)]
async fn what_a_waiter_was_granted_but_never_got_is_given_back() {
    let limiter = RateLimiter::new(one_per(ms(100)));
    limiter.check(&key("ada")).unwrap();
    let mut first = task::spawn(limiter.acquire(&key("ada"), later(HOUR)));
    let mut second = task::spawn(limiter.acquire(&key("ada"), later(HOUR)));
    assert_pending!(first.poll());
    assert_pending!(second.poll());
    advance(ms(100)).await;
    // Whoever comes by serves those whose time has come.
    assert!(limiter.check(&key("ada")).is_err());
    assert!(first.is_woken());
    drop(first);
    assert!(second.is_woken());
    assert_ready_ok!(second.poll());
    assert!(limiter.check(&key("ada")).is_err());
}

#[tokio::test(start_paused = true)]
async fn nobody_overtakes_those_who_wait() {
    let limiter = RateLimiter::new(RateLimitConfig::new(Quota::per_second(n(2))));
    limiter.check_cost(&key("ada"), n(2)).unwrap();
    let mut waiting = task::spawn(limiter.acquire_cost(&key("ada"), n(2), later(HOUR)));
    assert_pending!(waiting.poll());
    advance(ms(500)).await;
    // There is a token, but it is spoken for.
    let refused = limiter.check(&key("ada")).unwrap_err();
    assert_eq!(refused.reason(), Refusal::QuotaSpent);
    assert_eq!(refused.retry_after(), Some(ms(1000)));
    assert!(limiter.check(&key("bob")).is_ok());
    advance(ms(500)).await;
    assert_ready_ok!(waiting.poll());
    advance(ms(500)).await;
    assert!(limiter.check(&key("ada")).is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_deadline_that_cannot_be_kept_is_refused_at_once() {
    let limiter = RateLimiter::new(one_per(ms(100)));
    limiter.check(&key("ada")).unwrap();
    let mut patient = task::spawn(limiter.acquire(&key("ada"), later(ms(100))));
    assert_pending!(patient.poll());
    let mut hasty = task::spawn(limiter.acquire(&key("ada"), later(ms(199))));
    let refused = assert_ready_err!(hasty.poll());
    assert_eq!(refused.reason(), Refusal::TooLate);
    assert_eq!(refused.retry_after(), Some(ms(200)));
    advance(ms(100)).await;
    assert_ready_ok!(patient.poll());
}

#[tokio::test(start_paused = true)]
async fn a_deadline_that_comes_first_ends_the_wait() {
    let limiter = RateLimiter::new(one_per(ms(100)));
    limiter.check(&key("ada")).unwrap();
    let mut waiting = task::spawn(limiter.acquire(&key("ada"), later(ms(150))));
    assert_pending!(waiting.poll());
    limiter
        .set_limit(&key("ada"), Quota::new(n(1), ms(1000)).unwrap())
        .unwrap();
    advance(ms(150)).await;
    assert!(waiting.is_woken());
    let refused = assert_ready_err!(waiting.poll());
    assert_eq!(refused.reason(), Refusal::TooLate);
    assert_eq!(refused.retry_after(), Some(ms(850)));
    assert_eq!(limiter.handle().snapshot().denied_requests, 1);
}

#[tokio::test(start_paused = true)]
async fn a_refund_or_a_better_quota_serves_those_who_wait() {
    let limiter = RateLimiter::new(one_per(HOUR));
    limiter.check(&key("ada")).unwrap();
    let mut waiting: Vec<_> = (0..3)
        .map(|_| task::spawn(limiter.acquire(&key("ada"), later(10 * HOUR))))
        .collect();
    for waiter in &mut waiting {
        assert_pending!(waiter.poll());
    }
    limiter.refund(&key("ada"), n(1));
    assert!(waiting[0].is_woken());
    assert_ready_ok!(waiting[0].poll());
    limiter.reset(&key("ada"));
    assert!(waiting[1].is_woken());
    assert_ready_ok!(waiting[1].poll());
    assert!(!waiting[2].is_woken());
    limiter.reload(one_per(ms(10)));
    advance(ms(10)).await;
    assert!(waiting[2].is_woken());
    assert_ready_ok!(waiting[2].poll());
}

#[tokio::test(start_paused = true)]
async fn only_as_many_wait_as_may() {
    let limiter = RateLimiter::new(one_per(ms(100)).with_max_waiting(3, 2));
    let mut waiting = Vec::new();
    for (client, fits) in [
        ("ada", true),
        ("ada", true),
        ("ada", false),
        ("bob", true),
        ("eve", false),
    ] {
        let _ = limiter.check(&key(client));
        let mut waiter = task::spawn(limiter.acquire(&key(client), later(HOUR)));
        if fits {
            assert_pending!(waiter.poll());
            waiting.push(waiter);
        } else {
            let refused = assert_ready_err!(waiter.poll());
            assert_eq!(refused.reason(), Refusal::QueueFull, "{client}");
        }
    }
    assert_eq!(limiter.handle().snapshot().waiting_requests, 3);
}

#[test]
fn a_waiter_may_be_dropped_after_its_runtime() {
    let limiter = RateLimiter::new(one_per(HOUR));
    limiter.check(&key("ada")).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let mut waiting: Vec<_> = runtime.block_on(async {
        let waiter = || task::spawn(limiter.acquire(&key("ada"), later(10 * HOUR)));
        let mut waiting: Vec<_> = (0..2).map(|_| waiter()).collect();
        for waiter in &mut waiting {
            assert_pending!(waiter.poll());
        }
        waiting
    });
    drop(runtime);
    drop(waiting.remove(0));
    // The next is woken, for it must set its own timer.
    assert!(waiting[0].is_woken());
}

#[tokio::test(start_paused = true)]
async fn a_shared_tier_is_for_everyone_again_when_its_last_waiter_leaves() {
    let shared = Tier::new("all", Quota::per_second(n(1))).unwrap().shared();
    let config = RateLimitConfig::new(Quota::per_second(n(100)));
    let limiter = RateLimiter::new(config.with_tier(shared).unwrap());
    limiter.check(&key("ada")).unwrap();
    let mut waiting = task::spawn(limiter.acquire(&key("ada"), later(HOUR)));
    assert_pending!(waiting.poll());
    drop(waiting);
    advance(ms(1000)).await;
    assert!(limiter.check(&key("bob")).is_ok());
}
