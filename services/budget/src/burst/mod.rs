//! Answers a prompt: asked once, of the best provider, within the budget.

mod desk;
mod refusal;

use std::sync::Arc;

use serde::Serialize;
use tokio_util::task::TaskTracker;
use tooloo_trace::Tracer;
use utoipa::ToSchema;

pub(crate) use self::{desk::Desk, refusal::Refusal};
use crate::{
    criticality::Criticality,
    money::Money,
    provider::{Failure, record::FailureKind},
    single_flight::{SingleFlight, SingleFlightSnapshot},
};

/// Answers prompts. Clones share what is in flight.
#[derive(Clone, Debug)]
pub(crate) struct Bursts {
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
