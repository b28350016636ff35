//! Asks providers one after the other, each within the budget, and books what it costs.

use std::time::Duration;

use tooloo_clock::Instant;
use tooloo_service::Problem;

use super::{Failover, Outage, Refusal, Reply, Source};
use crate::{
    criticality::{Criticality, Shares},
    ledger::{Charge, Ledger, OverLimit, Reservation},
    money::Money,
    provider::{Bill, Failure, Provider, Providers, gate::Gate},
};

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

/// What came of asking one provider.
enum Attempt {
    Answered(Reply),
    /// It failed, and this is what it may charge for that.
    Failed(Failure, Money),
    TooDear(OverLimit),
    Ended(Refusal),
}

impl Desk {
    /// Asks one provider after the other, best first, until one answers.
    pub(super) async fn ask(
        &self,
        prompt: &str,
        criticality: Criticality,
    ) -> Result<Reply, Refusal> {
        let deadline = tooloo_clock::now() + self.deadline;
        let _slot = self.gate.enter(deadline).await.map_err(Refusal::Busy)?;
        // Those passed over for reasons of their own, called or not.
        let mut failures: Vec<(String, Failure)> = Vec::new();
        let mut too_dear: Option<OverLimit> = None;
        let mut lost = Money::ZERO;
        let mut tried: Vec<String> = Vec::new();
        loop {
            let now = tooloo_clock::now();
            let order = self.providers.ranked(prompt.len(), criticality);
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
                Attempt::Answered(reply) => {
                    let cost = lost + reply.cost;
                    let failover = failures.into_iter().map(Failover::from).collect();
                    return Ok(Reply {
                        cost,
                        failover,
                        ..reply
                    });
                }
                Attempt::Failed(failure, cost) => {
                    lost += cost;
                    failures.push((place.provider.name.clone(), failure));
                }
                Attempt::TooDear(over) => {
                    // The cheapest one is the first that there will be room for.
                    let cheaper = |known: &OverLimit| known.amount <= over.amount;
                    too_dear = too_dear.filter(cheaper).or(Some(over));
                }
                Attempt::Ended(refusal) => return Err(refusal),
            }
        }
        let now = tooloo_clock::now();
        Err(match too_dear {
            // The budget is to blame only where no provider is.
            Some(over) if failures.is_empty() => Refusal::OverBudget {
                over,
                criticality,
                daily_limit: self.daily_limit,
            },
            _ => Refusal::Outage(Outage {
                failures,
                lost,
                late: now >= deadline,
                retry_after: self.providers.soonest(now),
            }),
        })
    }

    /// Asks one provider: a slot, then the money, then its breaker's leave, then the call.
    async fn attempt(
        &self,
        provider: &Provider,
        prompt: &str,
        criticality: Criticality,
        deadline: Instant,
    ) -> Attempt {
        let now = tooloo_clock::now();
        if !provider.is_available(now)
            && let Err(failure) = provider.admit(now)
        {
            // Nobody queues for a provider that is left alone.
            return Attempt::Failed(failure, Money::ZERO);
        }
        let _slot = match provider.gate.enter(deadline).await {
            Ok(slot) => slot,
            Err(busy) => return Attempt::Failed(Failure::busy(busy), Money::ZERO),
        };
        let most = provider.most_it_costs(prompt.len());
        let ceiling = self.ceiling(criticality);
        let reservation = match self.ledger.reserve(most, ceiling).await {
            Ok(Ok(reservation)) => reservation,
            Ok(Err(over)) => return Attempt::TooDear(over),
            Err(error) => return Attempt::Ended(Refusal::Ledger(Problem::from(error))),
        };
        // Last, so that the breaker hears of calls alone, and a probe's place is held by one.
        let permit = match provider.admit(tooloo_clock::now()) {
            Ok(permit) => permit,
            Err(failure) => {
                reservation.release().await;
                return Attempt::Failed(failure, Money::ZERO);
            }
        };
        let concurrency = self.gate.in_use();
        let providers_available = self.providers.available(tooloo_clock::now());
        let completion = match provider.complete(permit, prompt, deadline).await {
            Ok(completion) => completion,
            Err(failure) => return book(provider, prompt.len(), failure, reservation).await,
        };
        let charge = charge(provider, prompt.len(), completion.usage);
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
            failover: Vec::new(),
            coalesced: false,
            source: Source::Provider,
        })
    }

    fn ceiling(&self, criticality: Criticality) -> Money {
        self.shares.of(criticality, self.daily_limit)
    }
}

/// Books what a provider may charge for a call that failed, or gives the money back.
async fn book(
    provider: &Provider,
    prompt_bytes: usize,
    failure: Failure,
    reservation: Reservation,
) -> Attempt {
    tracing::warn!(
        provider = provider.name,
        why = failure.detail,
        "a provider failed"
    );
    let usage = match failure.bill {
        Bill::Nothing => {
            // Done before the next provider is asked: its money may be needed there.
            reservation.release().await;
            return Attempt::Failed(failure, Money::ZERO);
        }
        Bill::Usage(input, output) => Some((input, output)),
        Bill::Unknown => None,
    };
    let charge = charge(provider, prompt_bytes, usage);
    let cost = charge.amount;
    match reservation.settle(charge).await {
        Ok(()) => Attempt::Failed(failure, cost),
        Err(error) => Attempt::Ended(Refusal::Ledger(Problem::from(error))),
    }
}

fn charge(provider: &Provider, prompt_bytes: usize, usage: Option<(u32, u32)>) -> Charge {
    let (input_tokens, output_tokens) = usage.unwrap_or_default();
    Charge {
        provider: provider.name.clone(),
        model: provider.model.clone(),
        amount: provider.charge(prompt_bytes, usage),
        input_tokens,
        output_tokens,
    }
}
