//! What becomes of each request: seeded dice, and counts of how they fell.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use fastrand::Rng;
use serde::Serialize;
use utoipa::ToSchema;

use super::config::{Change, SimulatorConfig};

/// The simulated provider's inside. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Simulator {
    inner: Arc<Inner>,
}

/// What becomes of a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Fate {
    /// It is answered.
    Answered,
    /// It is told to come back later.
    RateLimited(Duration),
    /// It fails.
    Failed,
}

/// What the simulated provider has done since start.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Counts {
    /// Requests for a completion.
    pub(crate) requests: u64,
    /// Those answered.
    pub(crate) answered: u64,
    /// Those answered with a server error on purpose.
    pub(crate) failed: u64,
    /// Those answered with 429 on purpose.
    pub(crate) rate_limited: u64,
    /// Those under way now.
    pub(crate) in_flight: u64,
    /// The most ever under way at once.
    pub(crate) most_in_flight: u64,
}

/// Counts a request as under way until it is dropped.
#[derive(Debug)]
pub(crate) struct InFlight(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    state: Mutex<State>,
    completions: AtomicU64,
}

#[derive(Debug)]
struct State {
    config: SimulatorConfig,
    rng: Rng,
    counts: Counts,
}

impl Simulator {
    pub(crate) fn new(config: SimulatorConfig) -> Self {
        let state = State {
            rng: Rng::with_seed(config.seed),
            counts: Counts::default(),
            config,
        };
        Self {
            inner: Arc::new(Inner {
                state: Mutex::new(state),
                completions: AtomicU64::new(0),
            }),
        }
    }

    /// Throws the dice for one request: how long it takes, and what becomes of it.
    pub(crate) fn throw(&self) -> (Duration, Fate, InFlight) {
        let mut state = self.inner.lock();
        let State {
            config,
            rng,
            counts,
        } = &mut *state;
        // Always three throws, so that a changed rate does not shift the others.
        let delay = config.latency + config.jitter.mul_f64(rng.f64());
        let (limited, failed) = (rng.f64(), rng.f64());
        let fate = if limited < config.rate_limit_rate {
            counts.rate_limited += 1;
            Fate::RateLimited(config.retry_after)
        } else if failed < config.error_rate {
            counts.failed += 1;
            Fate::Failed
        } else {
            Fate::Answered
        };
        counts.requests += 1;
        counts.in_flight += 1;
        counts.most_in_flight = counts.most_in_flight.max(counts.in_flight);
        (delay, fate, InFlight(Arc::clone(&self.inner)))
    }

    /// Notes an answer and returns its number.
    pub(crate) fn answered(&self) -> u64 {
        self.inner.lock().counts.answered += 1;
        self.inner.completions.fetch_add(1, Ordering::Relaxed)
    }

    /// Makes the changes; a seed starts the dice anew.
    pub(crate) fn change(&self, change: Change) -> Result<SimulatorConfig, String> {
        let mut state = self.inner.lock();
        let config = state.config.change(change)?;
        if change.seed().is_some() {
            state.rng = Rng::with_seed(config.seed);
        }
        state.config = config.clone();
        Ok(config)
    }

    pub(crate) fn config(&self) -> SimulatorConfig {
        self.inner.lock().config.clone()
    }

    pub(crate) fn counts(&self) -> Counts {
        self.inner.lock().counts
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.lock().counts.in_flight -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn simulator(error_rate: f64, rate_limit_rate: f64, seed: u64) -> Simulator {
        Simulator::new(SimulatorConfig {
            error_rate,
            rate_limit_rate,
            seed,
            ..SimulatorConfig::default()
        })
    }

    fn run(simulator: &Simulator) -> Vec<(Duration, Fate)> {
        let throws = (0..1_000).map(|_| simulator.throw());
        throws.map(|(delay, fate, _)| (delay, fate)).collect()
    }

    #[test]
    fn the_same_seed_gives_the_same_run() {
        let first = run(&simulator(0.3, 0.2, 7));
        assert_eq!(first, run(&simulator(0.3, 0.2, 7)));
        assert_ne!(first, run(&simulator(0.3, 0.2, 8)));
        let again = simulator(0.3, 0.2, 8);
        again
            .change(serde_json::from_str(r#"{"seed": 7}"#).unwrap())
            .unwrap();
        assert_eq!(first, run(&again));
    }

    #[test]
    fn fates_come_as_often_as_set_and_are_counted() {
        let simulator = simulator(0.5, 0.2, 3);
        let fates = run(&simulator);
        let failed = fates
            .iter()
            .filter(|(_, fate)| *fate == Fate::Failed)
            .count();
        // Half of the 800 that are not rate-limited.
        assert!((340..460).contains(&failed), "{failed}");
        let counts = simulator.counts();
        assert_eq!((counts.requests, counts.failed), (1_000, failed as u64));
        assert_eq!((counts.in_flight, counts.most_in_flight), (0, 1));
    }

    #[test]
    fn a_rate_of_one_spares_nobody_and_of_none_everybody() {
        assert!(
            run(&simulator(1.0, 0.0, 1))
                .iter()
                .all(|(_, fate)| *fate == Fate::Failed)
        );
        assert!(
            run(&simulator(0.0, 0.0, 1))
                .iter()
                .all(|(_, fate)| *fate == Fate::Answered)
        );
    }

    #[test]
    fn answers_take_between_latency_and_latency_and_jitter() {
        let config = SimulatorConfig::default();
        for (delay, _) in run(&Simulator::new(config.clone())) {
            assert!((config.latency..=config.latency + config.jitter).contains(&delay));
        }
    }
}
