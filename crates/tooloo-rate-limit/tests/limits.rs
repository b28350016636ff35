//! What a caller of the limiter sees.

use std::{
    num::{NonZeroU32, NonZeroUsize},
    thread,
    time::Duration,
};

use tokio::time::advance;
use tooloo_hub::Observe;
use tooloo_key::Key;
use tooloo_rate_limit::{Quota, RateLimitConfig, RateLimiter, Refusal, Tier};

fn n(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).expect("a number above zero")
}

fn per_second(limit: u32) -> RateLimitConfig {
    RateLimitConfig::new(Quota::per_second(n(limit)))
}

fn key(name: &str) -> Key {
    Key::from(name)
}

fn admitted(limiter: &RateLimiter, key: &Key) -> u32 {
    let checks = (0..1000).take_while(|_| limiter.check(key).is_ok());
    u32::try_from(checks.count()).expect("a thousand")
}

#[tokio::test(start_paused = true)]
async fn refuses_a_key_until_its_quota_refills() {
    let limiter = RateLimiter::new(per_second(4));
    assert_eq!(admitted(&limiter, &key("ada")), 4);
    let refused = limiter.check(&key("ada")).unwrap_err();
    assert_eq!(refused.retry_after(), Some(Duration::from_millis(250)));
    advance(Duration::from_millis(249)).await;
    assert!(limiter.check(&key("ada")).is_err());
    advance(Duration::from_millis(1)).await;
    assert_eq!(admitted(&limiter, &key("ada")), 1);
    assert_eq!(admitted(&limiter, &key("bob")), 4);
}

#[tokio::test(start_paused = true)]
async fn refuses_for_ever_what_costs_more_than_a_full_bucket() {
    let limiter = RateLimiter::new(per_second(4));
    let refused = limiter.check_cost(&key("ada"), n(5)).unwrap_err();
    assert_eq!(refused.reason(), Refusal::TooCostly);
    assert_eq!(refused.retry_after(), None);
    assert!(limiter.check_cost(&key("ada"), n(4)).is_ok());
    let deadline = tooloo_clock::now() + Duration::from_secs(3600);
    let waited = limiter.acquire_cost(&key("ada"), n(5), deadline).await;
    assert_eq!(waited.unwrap_err().reason(), Refusal::TooCostly);
}

#[tokio::test(start_paused = true)]
async fn charges_all_tiers_or_none() {
    let hourly = Quota::per_hour(n(10)).with_burst(n(6));
    let config = per_second(4).with_tier(Tier::new("hourly", hourly).unwrap());
    let limiter = RateLimiter::new(config.unwrap());
    let ada = key("ada");
    let left = |limiter: &RateLimiter| -> Vec<u32> {
        let standings = limiter.peek(&ada).into_iter();
        standings.map(|standing| standing.remaining).collect()
    };
    assert_eq!(admitted(&limiter, &ada), 4);
    assert_eq!(left(&limiter), [0, 2]);
    advance(Duration::from_secs(1)).await;
    assert_eq!(left(&limiter), [4, 2]);
    // The hourly tier refuses, so the other is not charged.
    assert!(limiter.check_cost(&ada, n(3)).is_err());
    assert_eq!(left(&limiter), [4, 2]);
    assert_eq!(admitted(&limiter, &ada), 2);
    assert_eq!(
        limiter.check(&ada).unwrap_err().retry_after(),
        Some(Duration::from_secs(359))
    );
}

#[tokio::test(start_paused = true)]
async fn keys_share_a_shared_tier() {
    let shared = Tier::new("everyone", Quota::per_second(n(5))).unwrap();
    let limiter = RateLimiter::new(per_second(4).with_tier(shared.shared()).unwrap());
    assert_eq!(admitted(&limiter, &key("ada")), 4);
    assert_eq!(admitted(&limiter, &key("bob")), 1);
    assert_eq!(admitted(&limiter, &key("eve")), 0);
    // What was refused by the shared tier was not charged to the key.
    advance(Duration::from_secs(1)).await;
    assert_eq!(admitted(&limiter, &key("eve")), 4);
}

#[tokio::test(start_paused = true)]
async fn a_refund_gives_tokens_back_but_never_more_than_a_full_bucket() {
    let limiter = RateLimiter::new(per_second(4));
    limiter.refund(&key("ada"), n(3));
    assert_eq!(admitted(&limiter, &key("ada")), 4);
    limiter.refund(&key("ada"), n(3));
    assert_eq!(admitted(&limiter, &key("ada")), 3);
    limiter.refund(&key("ada"), n(1000));
    assert_eq!(admitted(&limiter, &key("ada")), 4);
    limiter.reset(&key("ada"));
    assert_eq!(admitted(&limiter, &key("ada")), 4);
}

#[tokio::test(start_paused = true)]
async fn an_override_keeps_what_was_spent_and_the_others_as_they_are() {
    let limiter = RateLimiter::new(per_second(10));
    let ada = key("ada");
    limiter.check_cost(&ada, n(8)).unwrap();
    limiter.set_limit(&ada, Quota::per_minute(n(30))).unwrap();
    assert_eq!(limiter.peek(&ada)[0].remaining, 22);
    assert_eq!(admitted(&limiter, &ada), 22);
    assert_eq!(
        limiter.check(&ada).unwrap_err().retry_after(),
        Some(Duration::from_secs(2))
    );
    assert_eq!(admitted(&limiter, &key("bob")), 10);
    // Held in memory although full, and still in force.
    advance(Duration::from_secs(3600)).await;
    limiter.evict_idle();
    assert_eq!(admitted(&limiter, &ada), 30);
    limiter.clear_limit(&ada);
    assert_eq!(
        limiter.check(&ada).unwrap_err().retry_after(),
        Some(Duration::from_millis(2100))
    );
}

#[tokio::test(start_paused = true)]
async fn a_reload_keeps_debts_and_overrides() {
    let limiter = RateLimiter::new(per_second(10));
    let clone = limiter.clone();
    limiter.check_cost(&key("ada"), n(7)).unwrap();
    limiter
        .set_limit(&key("eve"), Quota::per_second(n(3)))
        .unwrap();
    limiter.reload(RateLimitConfig::new(Quota::per_minute(n(20))));
    assert_eq!(admitted(&clone, &key("ada")), 13);
    assert_eq!(admitted(&clone, &key("bob")), 20);
    assert_eq!(admitted(&clone, &key("eve")), 3);
    assert_eq!(
        clone.check(&key("bob")).unwrap_err().retry_after(),
        Some(Duration::from_secs(3))
    );
}

#[tokio::test(start_paused = true)]
async fn a_debt_is_worked_off_at_the_new_rate_from_the_reload_on() {
    let limiter = RateLimiter::new(RateLimitConfig::new(Quota::per_hour(n(10))));
    assert_eq!(admitted(&limiter, &key("ada")), 10);
    limiter.reload(per_second(10));
    // First seen again long after.
    advance(Duration::from_millis(500)).await;
    assert_eq!(admitted(&limiter, &key("ada")), 5);
}

#[tokio::test(start_paused = true)]
async fn the_cap_holds_under_a_flood_of_a_million_keys() {
    let config = per_second(2).with_max_keys(NonZeroUsize::new(1000).unwrap());
    let limiter = RateLimiter::new(config);
    let handle = limiter.handle();
    let allowed = (0..1_000_000).filter(|stranger| {
        let allowed = limiter.check(&Key::from(format!("stranger {stranger}")));
        assert!(handle.active_keys() <= 1000);
        allowed.is_ok()
    });
    // Each key that was given room, and one bucket for all the others.
    assert_eq!(allowed.count(), 1002);
    // As soon as some are full again there is room for new ones.
    advance(Duration::from_secs(1)).await;
    assert_eq!(admitted(&limiter, &key("ada")), 2);
    let snapshot = handle.snapshot();
    assert!(snapshot.evicted_keys > 0);
    assert!(snapshot.active_keys <= 1000);
}

#[test]
fn neither_tokens_nor_counts_are_lost_while_keys_come_in() {
    const THREADS: u32 = 4;
    const CHECKS: u32 = 2000;
    let config = RateLimitConfig::new(Quota::per_hour(n(3000)));
    let limiter = RateLimiter::new(config.with_max_keys(NonZeroUsize::new(100_000).unwrap()));
    let known: Vec<_> = (0..5)
        .map(|known| Key::from(format!("known {known}")))
        .collect();
    let check_all = |thread| {
        let mut allowed = [0; 5];
        for check in 0..CHECKS {
            for (key, allowed) in known.iter().zip(&mut allowed) {
                *allowed += u32::from(limiter.check(key).is_ok());
            }
            // So many that the known ones move several times.
            let stranger = Key::from(format!("stranger {thread} {check} of a name that is long"));
            limiter.check(&stranger).unwrap();
        }
        allowed
    };
    let allowed: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| scope.spawn(move || check_all(thread)))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    for at in 0..known.len() {
        let allowed: u32 = allowed.iter().map(|allowed| allowed[at]).sum();
        // A token comes back within 1.2 seconds.
        assert!((3000..3100).contains(&allowed), "{allowed}");
    }
    let shown = limiter.handle().snapshot();
    assert_eq!(shown.active_keys, u64::from(5 + THREADS * CHECKS));
    for key in shown.top_keys.iter().take(known.len()) {
        assert_eq!(
            key.allowed + key.denied,
            u64::from(THREADS * CHECKS),
            "{key:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn keys_that_are_full_again_are_forgotten() {
    let limiter = RateLimiter::new(per_second(2));
    for client in 0..100 {
        limiter.check(&Key::from(format!("{client}"))).unwrap();
    }
    assert_eq!(limiter.evict_idle(), 0);
    advance(Duration::from_millis(500)).await;
    limiter.check(&key("7")).unwrap();
    assert_eq!(limiter.evict_idle(), 99);
    assert_eq!(limiter.handle().snapshot().active_keys, 1);
    assert_eq!(admitted(&limiter, &key("7")), 1);
}

#[tokio::test(start_paused = true)]
async fn figures_are_what_a_client_counted() {
    let limiter = RateLimiter::new(per_second(2));
    for (client, requests) in [("ada", 5), ("bob", 1), ("eve", 3)] {
        for _ in 0..requests {
            let _ = limiter.check(&key(client));
        }
    }
    let shown = serde_json::to_value(limiter.handle().snapshot()).unwrap();
    assert_eq!(shown["totalRequests"], 9);
    assert_eq!(shown["allowedRequests"], 5);
    assert_eq!(shown["deniedRequests"], 4);
    assert_eq!(shown["queuedRequests"], 0);
    assert_eq!(shown["activeKeys"], 3);
    assert_eq!(shown["topKeys"][0]["key"], "ada");
    assert_eq!(shown["topKeys"][0]["denied"], 3);
    assert_eq!(shown["topKeys"][1]["allowed"], 2);
    let fresh = RateLimiter::new(per_second(2)).handle().snapshot();
    assert_eq!(fresh.allow_rate, None);
}

#[test]
fn each_request_of_a_busy_key_is_counted_once() {
    const THREADS: usize = 4;
    const REQUESTS: usize = 20_000;
    let limiter = RateLimiter::new(RateLimitConfig::new(Quota::per_hour(n(30_000))));
    let ada = key("ada");
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for request in 0..REQUESTS {
                    let _ = limiter.check(&ada);
                    // Its bucket is replaced under the hands of those who count in it.
                    match request % 1000 {
                        100 => limiter.set_limit(&ada, Quota::per_hour(n(40_000))).unwrap(),
                        600 => limiter.clear_limit(&ada),
                        _ => {}
                    }
                }
            });
        }
    });
    let snapshot = limiter.handle().snapshot();
    assert_eq!(snapshot.total_requests, (THREADS * REQUESTS) as u64);
    assert!(snapshot.allowed_requests >= 30_000, "{snapshot:?}");
    let [ada] = &*snapshot.top_keys else {
        panic!("one key, not {:?}", snapshot.top_keys);
    };
    let shown = (ada.allowed, ada.denied);
    assert_eq!(shown, (snapshot.allowed_requests, snapshot.denied_requests));
}

#[test]
fn settings_that_make_no_sense_are_named() {
    let parse = |text: &str| serde_json::from_str::<RateLimitConfig>(text);
    let config =
        parse(r#"{"tiers":[{"name":"burst","quota":{"limit":100,"period":"1s","burst":1000}}]}"#);
    let config = config.unwrap();
    assert_eq!(config.tiers()[0].quota().window(), Duration::from_secs(10));
    let again = serde_json::to_string(&config).unwrap();
    assert_eq!(parse(&again).unwrap(), config);
    for (text, named) in [
        (r#"{"tiers":[]}"#, "one to eight tiers, not 0"),
        (
            r#"{"tiers":[{"name":"","quota":{"limit":1,"period":"1s"}}]}"#,
            "not \"\"",
        ),
        (
            r#"{"tiers":[{"name":"a","quota":{"limit":0,"period":"1s"}}]}"#,
            "nonzero",
        ),
        (
            r#"{"tiers":[{"name":"a","quota":{"limit":1,"period":"0s"}}]}"#,
            "above zero",
        ),
        (
            r#"{"tiers":[{"name":"a","quota":{"limit":9,"period":"8ns"}}]}"#,
            "a nanosecond",
        ),
        (
            r#"{"tiers":[{"name":"a","quota":{"limit":9,"period":"8s","rate":1}}]}"#,
            "rate",
        ),
        (
            r#"{"tiers":[{"name":"a","quota":{"limit":9,"period":"8s"}},{"name":"a","quota":{"limit":9,"period":"8s"}}]}"#,
            "two tiers are named \"a\"",
        ),
    ] {
        let error = parse(text).unwrap_err().to_string();
        assert!(error.contains(named), "{error}");
    }
}
