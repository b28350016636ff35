//! Model providers: calling them, knowing them, choosing between them.

mod call;
mod chat;
pub(crate) mod config;
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
use tooloo_clock::Instant;
use tooloo_service::Secret;

pub(crate) use self::call::{Bill, Completion, Failure};
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

    /// Returns the providers that do not rest, best first.
    pub(crate) fn ranked(
        &self,
        prompt_bytes: usize,
        criticality: Criticality,
        now: Instant,
    ) -> Vec<Place<'_>> {
        let awake: Vec<_> = self.iter().filter(|one| one.rest(now).is_none()).collect();
        let prospects: Vec<_> = awake
            .iter()
            .map(|one| one.prospect(prompt_bytes, now))
            .collect();
        let order = select::rank(&prospects, criticality);
        let place = |index: usize| Place {
            provider: awake[index],
            expected_cost: prospects[index].cost,
            score: prospects[index].score(criticality),
        };
        order.into_iter().map(place).collect()
    }

    /// Returns how many providers do not rest.
    pub(crate) fn available(&self, now: Instant) -> usize {
        self.iter().filter(|one| one.rest(now).is_none()).count()
    }

    /// Returns how long it takes until a resting provider is back, if any rests.
    pub(crate) fn soonest(&self, now: Instant) -> Option<Duration> {
        self.iter().filter_map(|one| one.rest(now)).min()
    }
}

impl Provider {
    /// Describes a provider that `upstream` leads to.
    pub(crate) fn new(
        config: &ProviderConfig,
        upstream: Upstream,
        key: Option<&Secret>,
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
            record: Mutex::default(),
        })
    }

    /// Asks, at most until `deadline`, and notes how it went.
    pub(crate) async fn complete(
        &self,
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
            Ok(_) => self.record().succeeded(now - started, now),
            Err(failure) => {
                let time = Moment::from(tooloo_clock::wall());
                self.record().failed(failure.kind, failure.rest, now, time);
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

    /// Returns how long the provider is still to be left alone.
    pub(crate) fn rest(&self, now: Instant) -> Option<Duration> {
        self.record().rest(now)
    }

    fn prospect(&self, prompt_bytes: usize, now: Instant) -> Prospect {
        let record = self.record();
        // About four bytes make a token, and few answers use all they may.
        let (input, output) = (
            prompt_bytes as u64 / 4,
            u64::from(self.max_output_tokens) / 2,
        );
        Prospect {
            cost: self.prices.cost(input, output),
            latency: record.latency(),
            error_rate: record.error_rate(now),
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
