//! A shared limiter over a store that does what the test says.

use std::{
    num::NonZeroU32,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use futures_util::future::BoxFuture;
use http::Method;
use sdd::Guard;
use tokio::time::advance;
use tooloo_hub::{Hub, Observe};
use tooloo_key::Key;

use super::{Outage, SharedConfig, SharedRateLimiter};
use crate::{
    Policies, PoliciesConfig, Quota, RateLimitConfig, Refusal, RouteConfig, StoreError, Tier,
    backend::{Demand, Grant, QuotaStore},
};

/// A store of so many tokens that never come back.
#[derive(Clone, Debug, Default)]
struct Purse {
    tokens: Arc<AtomicU32>,
    away: Arc<AtomicBool>,
    slow: Arc<AtomicBool>,
    demands: Arc<Mutex<Vec<Demand>>>,
    keys: Arc<Mutex<Vec<String>>>,
    limits: Arc<Mutex<Vec<u32>>>,
}

impl Purse {
    fn of(tokens: u32) -> Self {
        let purse = Self::default();
        purse.tokens.store(tokens, Ordering::Relaxed);
        purse
    }

    fn asked(&self) -> usize {
        self.demands.lock().unwrap().len()
    }
}

impl QuotaStore for Purse {
    fn spend<'a>(
        &'a self,
        key: &'a Key,
        tiers: &'a [Tier],
        demand: Demand,
    ) -> BoxFuture<'a, Result<Grant, StoreError>> {
        Box::pin(async move {
            self.demands.lock().unwrap().push(demand);
            self.keys.lock().unwrap().push(key.to_string());
            let limits = tiers.iter().map(|tier| tier.quota().limit().get());
            self.limits.lock().unwrap().extend(limits);
            if self.slow.load(Ordering::Relaxed) {
                std::future::pending::<()>().await;
            }
            if self.away.load(Ordering::Relaxed) {
                return Err(StoreError::new("away"));
            }
            let tokens = self.tokens.load(Ordering::Relaxed) + demand.give_back;
            let granted = tokens.min(demand.at_most);
            let granted = if granted < demand.at_least {
                0
            } else {
                granted
            };
            self.tokens.store(tokens - granted, Ordering::Relaxed);
            Ok(Grant {
                tokens: granted,
                wait: Duration::from_secs(9),
                full_in: vec![Duration::ZERO; tiers.len()],
            })
        })
    }
}

fn n(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap()
}

fn limiter(purse: &Purse, config: SharedConfig) -> SharedRateLimiter {
    let limits = RateLimitConfig::new(Quota::per_hour(n(100)));
    SharedRateLimiter::new(purse.clone(), limits, config)
}

#[tokio::test(start_paused = true)]
async fn asks_about_every_request() {
    let purse = Purse::of(2);
    let limiter = limiter(&purse, SharedConfig::default());
    let ada = Key::from("ada");
    assert!(limiter.check(&ada).await.is_ok());
    assert!(limiter.check(&ada).await.is_ok());
    let refused = limiter.check(&ada).await.unwrap_err();
    assert_eq!(refused.retry_after(), Some(Duration::from_secs(9)));
    assert_eq!(purse.asked(), 3);
    let costly = limiter.check_cost(&ada, n(101)).await.unwrap_err();
    assert_eq!(costly.reason(), Refusal::TooCostly);
    assert_eq!(purse.asked(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_lease_is_spent_without_asking_and_its_rest_given_back() {
    let purse = Purse::of(30);
    let limiter = limiter(&purse, SharedConfig::default().with_lease(n(10)));
    let ada = Key::from("ada");
    for _ in 0..10 {
        limiter.check(&ada).await.unwrap();
    }
    assert_eq!(purse.asked(), 1);
    for _ in 0..4 {
        limiter.check(&ada).await.unwrap();
    }
    assert_eq!(purse.asked(), 2);
    advance(Duration::from_secs(1)).await;
    limiter.check(&ada).await.unwrap();
    let last = *purse.demands.lock().unwrap().last().unwrap();
    assert_eq!((last.at_least, last.at_most, last.give_back), (1, 10, 6));
    // All is spent in the end, and no more than there was.
    let mut spent = 15;
    while limiter.check(&ada).await.is_ok() {
        spent += 1;
    }
    assert_eq!(spent, 30);
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_met_as_the_policy_says_and_ends_by_itself() {
    for (outage, admitted) in [
        (Outage::Open, 200),
        (Outage::Closed, 0),
        (Outage::Local, 100),
    ] {
        let purse = Purse::of(1000);
        let limiter = limiter(&purse, SharedConfig::new(outage));
        let ada = Key::from("ada");
        purse.away.store(true, Ordering::Relaxed);
        let mut passed = 0;
        for _ in 0..200 {
            match limiter.check(&ada).await {
                Ok(()) => passed += 1,
                Err(refused) if outage == Outage::Closed => {
                    assert_eq!(refused.reason(), Refusal::StoreAway);
                }
                Err(_) => {}
            }
        }
        assert_eq!(passed, admitted, "{outage:?}");
        assert!(limiter.is_store_away());
        assert_eq!(limiter.handle().snapshot().store_away, Some(true));
        assert_eq!(
            purse.asked(),
            3,
            "a store that is away is asked now and then only"
        );

        purse.away.store(false, Ordering::Relaxed);
        advance(Duration::from_millis(250)).await;
        assert!(limiter.check(&ada).await.is_ok());
        assert!(!limiter.is_store_away());
        assert_eq!(limiter.handle().snapshot().store_away, Some(false));
        assert_eq!(purse.asked(), 4);
        limiter.check(&ada).await.unwrap();
        assert_eq!(purse.asked(), 5);
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_away_shows_in_the_metrics() {
    let purse = Purse::of(9);
    let limits = RateLimitConfig::new(Quota::per_hour(n(100)));
    let shared = Policies::shared(limits.clone(), purse.clone(), SharedConfig::default());
    let hub = Hub::new();
    hub.register("shared", shared.handle(), &["rateLimiter"]);
    let shows = |away| {
        let text = hub.openmetrics().unwrap();
        let line = format!("rate_limit_store_away{{component=\"shared\"}} {away}\n");
        assert!(text.contains(&line), "{line} {text}");
    };
    shows(0);
    purse.away.store(true, Ordering::Relaxed);
    for _ in 0..3 {
        let guard = Guard::new();
        let table = shared.table(&guard);
        let policy = table.policy(&Method::GET, "/");
        let limiter = policy.shared.as_ref().unwrap();
        limiter.check(&Key::from("ada")).await.unwrap();
    }
    shows(1);
    let alone = Hub::new();
    alone.register("alone", Policies::new(limits).handle(), &[]);
    assert!(
        !alone
            .openmetrics()
            .unwrap()
            .contains("rate_limit_store_away")
    );
}

#[tokio::test(start_paused = true)]
async fn a_store_that_hangs_costs_a_deadline_and_not_more() {
    let purse = Purse::of(1000);
    let limiter = limiter(&purse, SharedConfig::new(Outage::Open));
    purse.slow.store(true, Ordering::Relaxed);
    let start = tooloo_clock::now();
    for _ in 0..100 {
        limiter.check(&Key::from("ada")).await.unwrap();
    }
    // Three wait for it, and then it is known.
    assert_eq!(purse.asked(), 3);
    assert!(start.elapsed() <= Duration::from_millis(20));
}

#[tokio::test(start_paused = true)]
async fn a_quota_set_for_one_key_is_asked_for_in_the_store() {
    let purse = Purse::of(9);
    let limiter = limiter(&purse, SharedConfig::default());
    let ada = Key::from("ada");
    let own = Quota::per_hour(n(7));
    limiter.local().set_limit(&ada, own).unwrap();
    for key in [&ada, &Key::from("bob")] {
        assert!(limiter.check(key).await.is_ok());
    }
    limiter.local().clear_limit(&ada);
    assert!(limiter.check(&ada).await.is_ok());
    assert_eq!(*purse.limits.lock().unwrap(), [7, 100, 100]);
    limiter.local().set_limit(&ada, own).unwrap();
    let refused = limiter.check_cost(&ada, n(8)).await.unwrap_err();
    assert_eq!(refused.reason(), Refusal::TooCostly);
}

#[tokio::test(start_paused = true)]
async fn routes_share_a_store_and_not_their_quotas() {
    let purse = Purse::of(9);
    let limits = RateLimitConfig::new(Quota::per_hour(n(100)));
    let route = |path| RouteConfig::new(path, limits.clone());
    let config = PoliciesConfig::new(limits.clone());
    let config = config
        .with_route(route("/a").with_method(Method::POST))
        .unwrap();
    let policies = Policies::shared(config.clone(), purse.clone(), SharedConfig::default());
    // A route that comes later is kept there too.
    policies.reload(config.with_route(route("/b")).unwrap());
    for path in ["/a", "/b", "/c"] {
        let guard = Guard::new();
        let table = policies.table(&guard);
        let policy = table.policy(&Method::POST, path);
        let shared = policy.shared.as_ref().unwrap();
        assert!(shared.check(&Key::from("ada")).await.is_ok());
    }
    let keys = purse.keys.lock().unwrap();
    assert_eq!(*keys, ["POST /a ada", "* /b ada", "ada"]);
}
