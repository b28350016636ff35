//! Quotas in a real Redis server, also one that dies.

#![cfg(feature = "redis")]

use std::{num::NonZeroU32, time::Duration};

use tokio::{task::JoinSet, time::sleep};
use tooloo_clock::now;
use tooloo_key::Key;
use tooloo_rate_limit::{
    Demand, Outage, Quota, QuotaStore, RateLimitConfig, RedisStore, Refusal, SharedConfig,
    SharedRateLimiter, Tier,
};
use tooloo_testkit::RedisServer;

fn n(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).expect("a number above zero")
}

/// Patient: a busy machine is no outage.
fn patient(outage: Outage) -> SharedConfig {
    SharedConfig::new(outage).with_deadline(Duration::from_secs(10))
}

fn store(server: &RedisServer) -> RedisStore {
    RedisStore::new(&server.url(), "test").expect("a URL that makes sense")
}

fn limiter(
    server: &RedisServer,
    limits: RateLimitConfig,
    config: SharedConfig,
) -> SharedRateLimiter {
    SharedRateLimiter::new(store(server), limits, config)
}

fn hourly(limit: u32) -> RateLimitConfig {
    RateLimitConfig::new(Quota::per_hour(n(limit)))
}

/// Returns how many of the requests are let through that these processes are sent at once.
async fn admitted(processes: &[SharedRateLimiter], requests: usize) -> usize {
    let mut checks = JoinSet::new();
    for request in 0..requests {
        let process = processes[request % processes.len()].clone();
        checks.spawn(async move { process.check(&Key::from("ada")).await.is_ok() });
    }
    let results = checks.join_all().await;
    results.into_iter().filter(|admitted| *admitted).count()
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn two_processes_admit_together_what_one_would() {
    let server = RedisServer::start().await;
    let process = || limiter(&server, hourly(100), patient(Outage::Closed));
    assert_eq!(admitted(&[process(), process()], 400).await, 100);
    assert_eq!(admitted(&[process()], 10).await, 0);
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn leases_hold_back_no_more_than_they_are() {
    let server = RedisServer::start().await;
    let config = patient(Outage::Closed).with_lease(n(10));
    let process = || limiter(&server, hourly(1000), config);
    let processes = [process(), process()];
    let mut admitted_in_all = 0;
    for _ in 0..40 {
        admitted_in_all += admitted(&processes, 50).await;
    }
    assert!((980..=1000).contains(&admitted_in_all), "{admitted_in_all}");
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn all_tiers_are_charged_or_none() {
    let server = RedisServer::start().await;
    let shared = Tier::new("everyone", Quota::per_hour(n(5)))
        .unwrap()
        .shared();
    let limits = hourly(4).with_tier(shared).unwrap();
    let limiter = limiter(&server, limits, patient(Outage::Closed));
    let mut passed = Vec::new();
    for client in ["ada", "ada", "ada", "ada", "ada", "bob", "bob"] {
        passed.push(limiter.check(&Key::from(client)).await.is_ok());
    }
    assert_eq!(passed, [true, true, true, true, false, true, false]);
    let refused = limiter.check(&Key::from("bob")).await.unwrap_err();
    let wait = refused.retry_after().unwrap().as_secs();
    assert!((700..=720).contains(&wait), "{wait}");
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn no_token_is_lost_to_rounding() {
    let server = RedisServer::start().await;
    let store = store(&server);
    // A third of an hour has no end in decimals, and a day a token times a million is long.
    for (limit, period, burst) in [(3, 3600, 3), (7, 86_400, 1000), (1, 86_400, 1_000_000)] {
        let quota = Quota::new(n(limit), Duration::from_secs(period)).unwrap();
        let tier = Tier::new("exact", quota.with_burst(n(burst))).unwrap();
        let tiers = [tier];
        let key = Key::from(format!("{limit} {period} {burst}"));
        let spend = |tokens, give_back| {
            let demand = Demand {
                at_least: tokens,
                at_most: tokens,
                give_back,
            };
            store.spend(&key, &tiers, demand)
        };
        assert_eq!(spend(burst, 0).await.unwrap().tokens, burst);
        assert_eq!(spend(1, 0).await.unwrap().tokens, 0);
        assert_eq!(spend(2, 2).await.unwrap().tokens, 2);
        let short = spend(1, 0).await.unwrap();
        assert_eq!(short.tokens, 0);
        let token = Duration::from_secs(period) / limit;
        assert!(short.wait <= token && short.wait + Duration::from_secs(60) > token);
    }
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn waiting_as_long_as_told_succeeds() {
    let server = RedisServer::start().await;
    let limits = RateLimitConfig::new(Quota::new(n(1), Duration::from_millis(300)).unwrap());
    let limiter = limiter(&server, limits, patient(Outage::Closed));
    let ada = Key::from("ada");
    limiter.check(&ada).await.unwrap();
    let refused = limiter.check(&ada).await.unwrap_err();
    assert_eq!(refused.reason(), Refusal::QuotaSpent);
    sleep(refused.retry_after().unwrap()).await;
    assert!(limiter.check(&ada).await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs redis-server"]
async fn a_server_that_dies_under_load_is_met_by_the_policy_and_missed_for_no_longer() {
    let mut server = RedisServer::start().await;
    for (outage, meanwhile) in [
        (Outage::Open, true),
        (Outage::Closed, false),
        (Outage::Local, true),
    ] {
        let config = SharedConfig::new(outage).with_deadline(Duration::from_millis(4));
        let limiter = limiter(&server, hourly(1_000_000), config);
        let ada = Key::from("ada");
        // The first call makes the connection.
        for _ in 0..100 {
            let _ = limiter.check(&ada).await;
        }
        let load = async {
            let mut took = Vec::new();
            let mut passed = 0_usize;
            let end = now() + Duration::from_millis(600);
            while now() < end {
                let start = now();
                passed += usize::from(limiter.check(&ada).await.is_ok());
                took.push(start.elapsed());
                // As far apart as requests are: a closed loop would only count how fast refusing is.
                tokio::task::yield_now().await;
            }
            took.sort_unstable();
            (took[took.len() * 99 / 100], passed, took.len())
        };
        let kill = async {
            sleep(Duration::from_millis(100)).await;
            server.kill().await;
        };
        let ((p99, passed, all), ()) = tokio::join!(load, kill);
        assert!(
            p99 < Duration::from_millis(5),
            "{outage:?}: p99 {p99:?} of {all}"
        );
        assert_eq!(limiter.check(&ada).await.is_ok(), meanwhile, "{outage:?}");
        assert!(limiter.is_store_away());
        if meanwhile {
            assert_eq!(passed, all, "{outage:?}");
        }

        server.start_again().await;
        let back = now();
        while limiter.is_store_away() || limiter.check(&ada).await.is_err() {
            assert!(
                back.elapsed() < Duration::from_secs(1),
                "{outage:?}: still away"
            );
            sleep(Duration::from_millis(5)).await;
        }
        let away = back.elapsed();
        println!("{outage:?}: p99 {p99:?} of {all} checks, asked again after {away:?}");
    }
}
