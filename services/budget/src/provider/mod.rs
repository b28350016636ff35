//! Model providers: calling them, knowing them, choosing between them.

mod availability;
mod call;
mod chat;
pub(crate) mod config;
mod failure;
pub(crate) mod gate;
pub(crate) mod record;
mod select;
pub(crate) mod status;
pub(crate) mod upstream;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use http::HeaderValue;
use tokio::time;
use tooloo_circuit_breaker::{CircuitBreaker, CircuitBreakerConfig, Outcome, Permit};
use tooloo_clock::Instant;
use tooloo_service::Secret;

pub(crate) use self::{
    call::Completion,
    failure::{Bill, Failure},
};
use self::{
    call::Question,
    config::ProviderConfig,
    gate::Gate,
    record::{FailureKind, Record},
    select::Prospect,
    upstream::Upstream,
};
use crate::{
    criticality::Criticality,
    day::Moment,
    money::{Money, Prices},
};

/// What the chat format adds to a prompt, at most, in tokens.
const OVERHEAD: u64 = 64;

/// All providers, in the order they were configured. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Providers {
    all: Arc<[Provider]>,
}

/// One provider: how to reach it, and what is known about it.
#[derive(Debug)]
pub(crate) struct Provider {
    pub(crate) name: String,
    pub(crate) model: String,
    pub(crate) prices: Prices,
    pub(crate) gate: Gate,
    timeout: Duration,
    max_output_tokens: u32,
    upstream: Upstream,
    key: Option<HeaderValue>,
    breaker: CircuitBreaker,
    record: Mutex<Record>,
}

/// A provider's place in the order of preference.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    pub(crate) provider: &'a Provider,
    pub(crate) expected_cost: Money,
    pub(crate) score: f64,
}

impl Providers {
    pub(crate) fn new(all: Vec<Provider>) -> Self {
        Self { all: all.into() }
    }

    pub(crate) fn iter(&self) -> std::slice::Iter<'_, Provider> {
        self.all.iter()
    }

    /// Returns the providers, best first, also those that cannot be called now.
    pub(crate) fn ranked(&self, prompt_bytes: usize, criticality: Criticality) -> Vec<Place<'_>> {
        let prospects: Vec<_> = self.iter().map(|one| one.prospect(prompt_bytes)).collect();
        let order = select::rank(&prospects, criticality);
        let place = |index: usize| Place {
            provider: &self.all[index],
            expected_cost: prospects[index].cost,
            score: prospects[index].score(criticality),
        };
        order.into_iter().map(place).collect()
    }
}

impl Provider {
    /// Describes a provider that `upstream` leads to, and whose breaker is closed.
    pub(crate) fn new(
        config: &ProviderConfig,
        upstream: Upstream,
        key: Option<&Secret>,
        breaker: &CircuitBreakerConfig,
        max_waiting: usize,
        max_output_tokens: u32,
    ) -> Result<Self, String> {
        let key = key.map(bearer).transpose();
        Ok(Self {
            name: config.name.clone(),
            model: config.model.clone(),
            prices: config.prices,
            gate: Gate::new(config.max_concurrency, max_waiting),
            timeout: config.timeout,
            max_output_tokens,
            upstream,
            key: key.map_err(|why| format!("the key of `{}` {why}", config.name))?,
            breaker: CircuitBreaker::new(
                config.circuit_breaker.as_ref().unwrap_or(breaker).clone(),
            ),
            record: Mutex::default(),
        })
    }

    /// Asks, at most until `deadline`, and notes how it went.
    ///
    /// Dropped before the answer it gives the permit back, and notes nothing.
    pub(crate) async fn complete(
        &self,
        permit: Permit,
        prompt: &str,
        deadline: Instant,
    ) -> Result<Completion, Failure> {
        let question = Question {
            model: &self.model,
            prompt,
            max_tokens: self.max_output_tokens,
        };
        let started = tooloo_clock::now();
        let own_deadline = started + self.timeout;
        let call = call::complete(&self.upstream, self.key.as_ref(), question);
        let result = time::timeout_at(deadline.min(own_deadline), call)
            .await
            .unwrap_or_else(|_| {
                let failure = Failure::new(FailureKind::TimedOut, "did not answer in time");
                // The client does not tell how far it came: the provider may be at work.
                Err(failure.with_bill(Bill::Unknown))
            });
        let now = tooloo_clock::now();
        if result.is_err() && now >= deadline && deadline < own_deadline {
            // The asker had no more time: that says nothing about the provider.
            return result;
        }
        match &result {
            Ok(_) => {
                permit.record(Outcome::Success);
                self.record().succeeded(now - started, now);
            }
            Err(failure) => {
                permit.record(failure.outcome());
                let time = Moment::from(tooloo_clock::wall());
                let (kind, rest) = (failure.kind, failure.rest());
                self.record().failed(kind, rest, now, time);
            }
        }
        result
    }

    /// Returns the most that asking `prompt_bytes` can cost.
    ///
    /// Encoders make no more tokens than there are bytes.
    pub(crate) fn most_it_costs(&self, prompt_bytes: usize) -> Money {
        let input = prompt_bytes as u64 + OVERHEAD;
        self.prices.cost(input, self.max_output_tokens.into())
    }

    /// Returns what a call cost; one that told no usage cost the most it could.
    pub(crate) fn charge(&self, prompt_bytes: usize, usage: Option<(u32, u32)>) -> Money {
        match usage {
            Some((input, output)) => self.prices.cost(input.into(), output.into()),
            None => self.most_it_costs(prompt_bytes),
        }
    }

    /// Returns the breaker, to look at or to be told what to do.
    pub(crate) fn breaker(&self) -> &CircuitBreaker {
        &self.breaker
    }

    fn prospect(&self, prompt_bytes: usize) -> Prospect {
        // About four bytes make a token, and few answers use all they may.
        let (input, output) = (
            prompt_bytes as u64 / 4,
            u64::from(self.max_output_tokens) / 2,
        );
        Prospect {
            cost: self.prices.cost(input, output),
            latency: self.record().latency(),
            free: self.gate.in_use() < self.gate.limit(),
        }
    }

    fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn bearer(key: &Secret) -> Result<HeaderValue, &'static str> {
    let text = format!("Bearer {}", key.expose());
    let mut value = HeaderValue::try_from(text).map_err(|_| "has characters that no key has")?;
    value.set_sensitive(true);
    Ok(value)
}
