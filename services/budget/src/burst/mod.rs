//! Answers a prompt: from what is kept, or asked once, of the best provider, within the budget.

mod answers;
mod desk;
mod refusal;

use std::{sync::Arc, time::Duration};

use serde::Serialize;
use tokio_util::task::TaskTracker;
use tooloo_cache::{Entry, Outcome as Counted};
use tooloo_trace::Tracer;
use utoipa::ToSchema;

use self::answers::Kept;
pub(crate) use self::{
    answers::{Answers, Room},
    desk::Desk,
    refusal::{Outage, Refusal},
};
use crate::{
    criticality::Criticality,
    money::Money,
    provider::{Failure, record::FailureKind},
    single_flight::{SingleFlight, SingleFlightSnapshot},
};

/// Answers prompts. Clones share what is in flight and what is kept.
#[derive(Clone, Debug)]
pub(crate) struct Bursts {
    answers: Answers,
    flights: SingleFlight<Arc<str>, Outcome>,
    desk: Desk,
    tracer: Tracer,
}

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) text: String,
    pub(crate) provider: String,
    pub(crate) model: String,
    /// Calls to providers that ran when this one started, itself included.
    pub(crate) concurrency: u32,
    /// Providers that could be called then.
    pub(crate) providers_available: usize,
    /// What this asker's question cost, failed calls that may be charged for included; nothing where
    /// another asker had asked it already.
    pub(crate) cost: Money,
    /// Providers that were wanted more and did not answer, in the order they were tried.
    pub(crate) failover: Vec<Failover>,
    pub(crate) coalesced: bool,
    pub(crate) source: Source,
}

/// Where an answer came from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Source {
    /// From a provider, just now.
    Provider,
    /// From an earlier call, as good as new.
    Kept,
    /// From an earlier call too long ago, where no provider answers.
    Stale,
}

/// What one asker wants.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(crate) prompt: Arc<str>,
    pub(crate) criticality: Criticality,
    /// How old the answer may be, and for how long others may have it; nothing is kept, nor taken
    /// from what is, where it is zero.
    pub(crate) time: Duration,
}

/// A provider that was passed over, and why.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Failover {
    pub(crate) provider: String,
    pub(crate) reason: FailureKind,
}

/// What a flight ends with; the criticality is the one it flew under.
#[derive(Clone, Debug)]
struct Outcome {
    result: Result<Reply, Refusal>,
    criticality: Criticality,
}

impl From<(String, Failure)> for Failover {
    fn from((provider, failure): (String, Failure)) -> Self {
        let reason = failure.kind;
        Self { provider, reason }
    }
}

impl Bursts {
    pub(crate) fn new(desk: Desk, answers: Answers, tracer: Tracer, tasks: TaskTracker) -> Self {
        Self {
            answers,
            flights: SingleFlight::new(tasks),
            desk,
            tracer,
        }
    }

    /// Answers a question: from what is kept, or together with everyone who asks the same meanwhile. Where no
    /// provider answers, what was kept and is stale does.
    pub(crate) async fn ask(&self, question: &Question) -> Result<Reply, Refusal> {
        let mut kept = None;
        if !question.time.is_zero() {
            kept = self.answers.find(&question.prompt).await;
            if let Some(entry) = &kept
                && answers::is_good(entry, question.time)
            {
                self.answers.count(Counted::Hit);
                return Ok(self.again(entry, Source::Kept));
            }
        }
        let result = self.join(question).await;
        let excuse = kept.filter(answers::is_better_than_nothing);
        match (result, excuse) {
            (Ok(reply), _) => {
                self.answers.count(match reply.source {
                    Source::Provider if reply.coalesced => Counted::Coalesced,
                    Source::Provider => Counted::Miss,
                    Source::Kept | Source::Stale => Counted::Hit,
                });
                Ok(reply)
            }
            (Err(Refusal::Outage(outage)), Some(entry)) => {
                self.answers.count(Counted::Stale);
                let failover = outage.failures.into_iter().map(Failover::from);
                Ok(Reply {
                    cost: outage.lost,
                    failover: failover.collect(),
                    ..self.again(&entry, Source::Stale)
                })
            }
            (Err(refusal), _) => {
                self.answers.count(Counted::Miss);
                Err(refusal)
            }
        }
    }

    /// Asks the providers, or waits for the answer to one who does.
    async fn join(&self, question: &Question) -> Result<Reply, Refusal> {
        let Question {
            prompt,
            criticality,
            ..
        } = question;
        loop {
            let landing = self.flights.ask(prompt, || self.flight(question)).await;
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
                Err(Refusal::OverBudget { .. }) if outcome.criticality < *criticality => {}
                // Who started it has paid.
                Err(Refusal::Outage(outage)) if landing.coalesced => {
                    return Err(Refusal::Outage(Outage {
                        lost: Money::ZERO,
                        ..outage
                    }));
                }
                result => return result,
            }
        }
    }

    /// Makes a reply of an answer that is kept.
    fn again(&self, entry: &Entry<Kept>, source: Source) -> Reply {
        Reply {
            text: entry.text.clone(),
            provider: entry.provider.clone(),
            model: entry.model.clone(),
            concurrency: self.desk.gate.in_use(),
            providers_available: self.desk.providers.available(tooloo_clock::now()),
            cost: Money::ZERO,
            failover: Vec::new(),
            coalesced: false,
            source,
        }
    }

    pub(crate) fn snapshot(&self) -> SingleFlightSnapshot {
        self.flights.snapshot()
    }

    /// Asks the providers, in a span below that of the asker who started it, and keeps the answer.
    fn flight(&self, question: &Question) -> impl Future<Output = Outcome> + Send + 'static {
        let mut span = self.tracer.start_span("ask providers");
        let Question {
            prompt,
            criticality,
            time,
        } = question.clone();
        span.set_attribute("budget.criticality", criticality.name());
        let bursts = self.clone();
        span.context().clone().in_scope(async move {
            let result = bursts.answer(&prompt, criticality, time).await;
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

    async fn answer(
        &self,
        prompt: &str,
        criticality: Criticality,
        time: Duration,
    ) -> Result<Reply, Refusal> {
        // Another flight may have landed between its starter's look and this one's start.
        if let Some(entry) = self.answers.fresh(prompt, time) {
            return Ok(self.again(&entry, Source::Kept));
        }
        // Before the providers are asked: what is purged meanwhile is not kept.
        let keeping = (!time.is_zero()).then(|| self.answers.keeping(prompt, time));
        let reply = self.desk.ask(prompt, criticality).await?;
        if let Some(keeping) = keeping {
            keeping.keep(Kept {
                text: reply.text.clone(),
                provider: reply.provider.clone(),
                model: reply.model.clone(),
            });
        }
        Ok(reply)
    }
}
