//! Answers a prompt: asked once, of the best provider, within the budget.

mod refusal;

use std::{sync::Arc, time::Duration};

use tokio_util::task::TaskTracker;
use tooloo_clock::Instant;
use tooloo_service::Problem;
use tooloo_trace::Tracer;

pub(crate) use self::refusal::Refusal;
use crate::{
    criticality::{Criticality, Shares},
    ledger::{Charge, Ledger, OverLimit},
    money::Money,
    provider::{Completion, Failure, Provider, Providers, gate::Gate},
    single_flight::{SingleFlight, SingleFlightSnapshot},
};

/// Answers prompts. Clones share what is in flight.
#[derive(Clone, Debug)]
pub(crate) struct Bursts {
    flights: SingleFlight<Arc<str>, Outcome>,
    desk: Desk,
    tracer: Tracer,
}

/// What one question needs.
#[derive(Clone, Debug)]
pub(crate) struct Desk {
    pub(crate) providers: Providers,
    pub(crate) ledger: Ledger,
    pub(crate) gate: Gate,
    pub(crate) daily_limit: Money,
    pub(crate) shares: Shares,
    pub(crate) deadline: Duration,
}

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) text: String,
    pub(crate) provider: String,
    pub(crate) model: String,
    /// Calls to providers that ran when this one started, itself included.
    pub(crate) concurrency: u32,
    /// Providers that did not rest then.
    pub(crate) providers_available: usize,
    /// What this asker's question cost; nothing where another asker had asked it already.
    pub(crate) cost: Money,
    pub(crate) coalesced: bool,
}

/// What a flight ends with; the criticality is the one it flew under.
#[derive(Clone, Debug)]
struct Outcome {
    result: Result<Reply, Refusal>,
    criticality: Criticality,
}

/// What came of asking one provider.
enum Attempt {
    Answered(Reply),
    Failed(Failure),
    TooDear(OverLimit),
    Ended(Refusal),
}

impl Bursts {
    pub(crate) fn new(desk: Desk, tracer: Tracer, tasks: TaskTracker) -> Self {
        Self {
            flights: SingleFlight::new(tasks),
            desk,
            tracer,
        }
    }

    /// Answers `prompt`, together with everyone who asks the same meanwhile.
    pub(crate) async fn ask(
        &self,
        prompt: Arc<str>,
        criticality: Criticality,
    ) -> Result<Reply, Refusal> {
        loop {
            let landing = self
                .flights
                .ask(&prompt, || self.flight(Arc::clone(&prompt), criticality))
                .await;
            let Some(outcome) = landing.value else {
                return Err(Refusal::Broken);
            };
            match outcome.result {
                Ok(reply) if landing.coalesced => {
                    return Ok(Reply {
                        cost: Money::ZERO,
                        coalesced: true,
                        ..reply
                    });
                }
                // Refused for mattering too little, which this asker's question does not.
                Err(Refusal::OverBudget { .. }) if outcome.criticality < criticality => {}
                result => return result,
            }
        }
    }

    pub(crate) fn snapshot(&self) -> SingleFlightSnapshot {
        self.flights.snapshot()
    }

    /// Asks the providers, in a span below that of the asker who started it.
    fn flight(
        &self,
        prompt: Arc<str>,
        criticality: Criticality,
    ) -> impl Future<Output = Outcome> + Send + 'static {
        let mut span = self.tracer.start_span("ask providers");
        span.set_attribute("budget.criticality", criticality.name());
        let desk = self.desk.clone();
        span.context().clone().in_scope(async move {
            let result = desk.ask(&prompt, criticality).await;
            match &result {
                Ok(reply) => span.set_attribute("budget.provider", reply.provider.clone()),
                Err(refusal) => span.fail(refusal.name()),
            }
            Outcome {
                result,
                criticality,
            }
        })
    }
}

impl Desk {
    /// Asks one provider after the other, best first, until one answers.
    async fn ask(&self, prompt: &str, criticality: Criticality) -> Result<Reply, Refusal> {
        let deadline = tooloo_clock::now() + self.deadline;
        let _slot = self.gate.enter(deadline).await.map_err(Refusal::Busy)?;
        let mut failures: Vec<(String, Failure)> = Vec::new();
        let mut too_dear = None;
        let mut tried: Vec<String> = Vec::new();
        loop {
            let now = tooloo_clock::now();
            let order = self.providers.ranked(prompt.len(), criticality, now);
            let next = order
                .into_iter()
                .find(|place| !tried.contains(&place.provider.name));
            let Some(place) = next.filter(|_| now < deadline) else {
                break;
            };
            tried.push(place.provider.name.clone());
            match self
                .attempt(place.provider, prompt, criticality, deadline)
                .await
            {
                Attempt::Answered(reply) => return Ok(reply),
                Attempt::Failed(failure) => {
                    failures.push((place.provider.name.clone(), failure));
                }
                Attempt::TooDear(over) => too_dear = Some(over),
                Attempt::Ended(refusal) => return Err(refusal),
            }
        }
        let now = tooloo_clock::now();
        Err(match too_dear {
            // The budget is to blame only where no provider is.
            Some(over) if failures.is_empty() => Refusal::OverBudget {
                over,
                criticality,
                ceiling: self.ceiling(criticality),
                daily_limit: self.daily_limit,
            },
            _ if now >= deadline => Refusal::OutOfTime { failures },
            _ => Refusal::NoProvider {
                failures,
                retry_after: self.providers.soonest(now),
            },
        })
    }

    /// Asks one provider: a slot, then the money, then the call.
    async fn attempt(
        &self,
        provider: &Provider,
        prompt: &str,
        criticality: Criticality,
        deadline: Instant,
    ) -> Attempt {
        let _slot = match provider.gate.enter(deadline).await {
            Ok(slot) => slot,
            Err(busy) => return Attempt::Failed(Failure::busy(busy)),
        };
        let most = provider.most_it_costs(prompt.len());
        let ceiling = self.ceiling(criticality);
        let reservation = match self.ledger.reserve(most, ceiling).await {
            Ok(Ok(reservation)) => reservation,
            Ok(Err(over)) => return Attempt::TooDear(over),
            Err(error) => return Attempt::Ended(Refusal::Ledger(Problem::from(error))),
        };
        let concurrency = self.gate.in_use();
        let providers_available = self.providers.available(tooloo_clock::now());
        // A failure drops the reservation, which gives the money back.
        let completion = match provider.complete(prompt, deadline).await {
            Ok(completion) => completion,
            Err(failure) => {
                tracing::warn!(
                    provider = provider.name,
                    why = failure.detail,
                    "a provider failed"
                );
                return Attempt::Failed(failure);
            }
        };
        let charge = charge(provider, prompt.len(), &completion);
        let cost = charge.amount;
        if let Err(error) = reservation.settle(charge).await {
            return Attempt::Ended(Refusal::Ledger(Problem::from(error)));
        }
        Attempt::Answered(Reply {
            text: completion.text,
            provider: provider.name.clone(),
            model: provider.model.clone(),
            concurrency,
            providers_available,
            cost,
            coalesced: false,
        })
    }

    fn ceiling(&self, criticality: Criticality) -> Money {
        self.shares.of(criticality, self.daily_limit)
    }
}

fn charge(provider: &Provider, prompt_bytes: usize, completion: &Completion) -> Charge {
    let (input_tokens, output_tokens) = completion.usage.unwrap_or_default();
    Charge {
        provider: provider.name.clone(),
        model: provider.model.clone(),
        amount: provider.charge(prompt_bytes, completion.usage),
        input_tokens,
        output_tokens,
    }
}
