//! Puts the service together.

use std::{env, net::Ipv4Addr, sync::Arc, time::Duration};

use database::{QueryScopeLayer, Store};
use tokio_util::task::TaskTracker;
use tooloo_service::{App, Kit, KitConfig, Secret, Settings, StartError, directory};

use crate::{
    BudgetConfig, SERVICE, SIMULATOR,
    burst::{Answers, Bursts, Desk, Room},
    ledger::{self, Ledger, Retention},
    limits,
    observe::{DeduplicatorHandle, ProvidersHandle},
    policy::{Policies, Policy},
    provider::{
        Provider, Providers,
        config::{BaseUrl, ProviderConfig},
        gate::Gate,
        upstream::Connections,
    },
    realtime::Realtime,
    routes::{self, Budget, Limits},
};

/// The most that a drain keeps for what follows the last call: booking it, and the services of a
/// fleet that end afterwards.
const DRAIN_MARGIN: Duration = Duration::from_secs(4);

/// How much longer than a burst its reservation lasts where nobody gives it back.
const RESERVATION_MARGIN: Duration = Duration::from_secs(60);

/// Opens the ledger, under the data folder or in the PostgreSQL of the settings, and builds the service on it.
///
/// # Errors
///
/// Returns a [`StartError`] where the ledger cannot be opened or brought up to date, or where a
/// provider's key is missing or none.
pub async fn app(settings: Settings<BudgetConfig>) -> Result<App, StartError> {
    build(settings, |_| {}).await
}

/// Builds the service with what `prepare` adds to its kit.
pub(crate) async fn build(
    settings: Settings<BudgetConfig>,
    prepare: impl FnOnce(&mut Kit),
) -> Result<App, StartError> {
    let config = settings.domain;
    let mut kit = Kit::new(&SERVICE, &settings.kit)?;
    prepare(&mut kit);
    let deadline = deadline(config.deadline, &settings.kit)?;

    let store = Store::open(&mut kit, ledger::MIGRATIONS).await?;
    // Calls to providers, and writes, that go on when whoever asked for them has left.
    let detached = TaskTracker::new();
    let keep = Retention {
        days: config.history_days.get(),
        entries: config.history_entries.get(),
        cohorts: config.max_cohorts.get(),
    };
    let life = deadline + RESERVATION_MARGIN;
    let ledger = Ledger::new(store.clone(), keep, life, detached.clone());
    let gate = Gate::new(config.max_concurrency, config.max_waiting as usize);
    let configured = Policy {
        max_concurrency: config.max_concurrency,
        criticality: config.criticality,
    };
    let policies = Policies::load(store, configured, gate.clone(), detached.clone());
    let policies = policies.await.map_err(StartError::new)?;
    let providers = providers(&kit, &settings.kit, &config)?;
    for provider in providers.iter() {
        let breaker = provider.breaker().clone();
        kit.circuit_breaker(&provider.name, breaker.handle(), move |control| {
            breaker.set(control);
        });
    }

    let desk = Desk {
        providers: providers.clone(),
        ledger: ledger.clone(),
        gate: gate.clone(),
        daily_limit: config.daily_limit,
        shares: config.shares,
        deadline,
    };
    let answers = answers(&mut kit, &settings.kit, &config).await?;
    let kept = answers.clone();
    let tracer = kit.tracer().clone();
    let bursts = Bursts::new(desk.clone(), answers, tracer, detached.clone());
    let (realtime, gatherer) = Realtime::new(config.max_subscribers, desk);

    let hub = kit.hub().clone();
    hub.register(
        "deduplicator",
        DeduplicatorHandle(bursts.clone()),
        &["deduplicator"],
    );
    hub.register(
        "providers",
        ProvidersHandle(providers.clone()),
        &["providers"],
    );
    // Streams have to end before a drain can, so their source ends first.
    let closing = kit.closing();
    kit.task("realtime", |_| gatherer.run(closing));
    let following = policies.clone();
    kit.task("policy", |stop| following.follow(stop));
    // A call that nobody waits for any more is still paid for: the drain waits to book it.
    kit.task("calls", |stop| async move {
        stop.requested().await;
        detached.close();
        detached.wait().await;
        // Now that no more answers come.
        kept.close().await;
    });

    let rate_limit = limits::layer(&mut kit, &settings.kit, &config)?;
    let limits = Limits::new(&config);
    let cohorts = config.cohorts;
    let budget = Budget {
        bursts,
        ledger,
        providers,
        gate,
        policies,
        cohorts: Arc::new(cohorts),
        realtime,
        hub,
        limits,
    };
    let routes = routes::router(budget, rate_limit)
        // Finds what one request asks over and over.
        .layer(QueryScopeLayer::new());
    Ok(kit.finish(routes))
}

/// Cuts the time that a burst may take to what a drain leaves for it.
fn deadline(wanted: Duration, kit: &KitConfig) -> Result<Duration, StartError> {
    let left = kit.drain_deadline.saturating_sub(kit.drain_grace);
    let most = left.saturating_sub(DRAIN_MARGIN.min(left / 2));
    if most.is_zero() {
        let why = "`drain_deadline` is not above `drain_grace`: no paid call could be booked";
        return Err(StartError::new(why));
    }
    if wanted > most {
        tracing::warn!(?wanted, ?most, "bursts take no longer than a drain waits");
    }
    Ok(wanted.min(most))
}

/// Opens what is kept of answers, shows it, and lets an administrator purge it.
async fn answers(
    kit: &mut Kit,
    kit_config: &KitConfig,
    config: &BudgetConfig,
) -> Result<Answers, StartError> {
    let room = Room {
        memory: config.cache.clone().with_stale_if_error(config.stale_for),
        folder: kit.data_file("budget-answers"),
        disk_bytes: config.cache_disk_bytes,
        redis_url: kit_config.redis_url.clone(),
    };
    let answers = Answers::open(room).await?;
    let by_hand = answers.clone();
    kit.cache(answers.handle(), move |wanted| {
        by_hand.clone().purge(wanted)
    });
    Ok(answers)
}

/// Makes ways to the providers.
fn providers(
    kit: &Kit,
    kit_config: &KitConfig,
    config: &BudgetConfig,
) -> Result<Providers, StartError> {
    let tls = config.providers.iter().any(ProviderConfig::has_tls);
    let connections = Connections::new(kit_config.connect_timeout, tls).map_err(StartError::new)?;
    let simulator = simulator_address(kit_config);
    let connect = |provider: &ProviderConfig| {
        let base = provider.base_url.as_ref().unwrap_or(&simulator).to_uri();
        let upstream = connections.to(&provider.name, base, kit.tracer());
        let key = key(provider)?;
        let waiting = config.max_waiting as usize;
        let most = config.max_output_tokens.get();
        Provider::new(
            provider,
            upstream,
            key.as_ref(),
            &config.circuit_breaker,
            waiting,
            most,
        )
        .map_err(StartError::new)
    };
    let all: Result<_, StartError> = config.providers.iter().map(connect).collect();
    Ok(Providers::new(all?))
}

/// Returns where the fleet's simulated provider is, as far as these settings tell.
fn simulator_address(kit: &KitConfig) -> BaseUrl {
    let configured = kit.peers.get(SIMULATOR.name).cloned();
    BaseUrl::new(configured.unwrap_or_else(|| {
        let port = simulator_port(kit);
        directory::address(Ipv4Addr::LOCALHOST.into(), port)
    }))
}

/// Returns the port of the simulated provider, counted from the fleet's base port.
pub(crate) fn simulator_port(kit: &KitConfig) -> u16 {
    let offset = SIMULATOR.port - directory::BASE_PORT;
    kit.base_port.checked_add(offset).unwrap_or(SIMULATOR.port)
}

/// Finds a provider's key, if it has one.
fn key(provider: &ProviderConfig) -> Result<Option<Secret>, StartError> {
    let Some(variable) = &provider.api_key_env else {
        return Ok(provider.api_key.clone());
    };
    match env::var(variable) {
        Ok(key) if !key.is_empty() => Ok(Some(Secret::new(key))),
        _ => Err(StartError::new(format!(
            "the provider `{}` needs its key in the environment variable `{variable}`",
            provider.name
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn cut(wanted: Duration, drain_deadline: Duration) -> Result<Duration, StartError> {
        let mut kit = KitConfig::default();
        kit.drain_grace = SECOND;
        kit.drain_deadline = drain_deadline;
        deadline(wanted, &kit)
    }

    #[test]
    fn a_burst_takes_no_longer_than_a_drain_waits_for_it() {
        let usual = BudgetConfig::default().deadline;
        let kept = deadline(usual, &KitConfig::default()).unwrap();
        assert_eq!(kept, usual, "the defaults fit");
        assert_eq!(cut(60 * SECOND, 25 * SECOND).unwrap(), 20 * SECOND);
        assert_eq!(cut(60 * SECOND, 3 * SECOND).unwrap(), SECOND);
        assert_eq!(cut(SECOND / 2, 3 * SECOND).unwrap(), SECOND / 2);
        let error = cut(SECOND, SECOND).unwrap_err();
        assert!(error.to_string().contains("`drain_deadline`"), "{error}");
    }
}
