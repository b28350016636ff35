//! Why a prompt was not answered.

use std::{fmt::Write, time::Duration};

use http::StatusCode;
use tooloo_service::Problem;

use crate::{
    criticality::Criticality,
    day::Day,
    ledger::OverLimit,
    money::Money,
    provider::{Failure, gate::Busy, record::FailureKind},
};

/// When to try again what running calls are in the way of.
const SHORT: Duration = Duration::from_secs(1);

/// Why a prompt was not answered.
#[derive(Clone, Debug)]
pub(crate) enum Refusal {
    /// Too many calls wait, or this one waited too long.
    Busy(Busy),
    /// The call could pass the part of the daily limit that it may use.
    OverBudget {
        over: OverLimit,
        criticality: Criticality,
        daily_limit: Money,
    },
    /// No provider answered; all of them may be left alone.
    Outage(Outage),
    /// The ledger cannot be written.
    Ledger(Problem),
    /// The flight ended without an outcome.
    Broken,
}

/// No provider answered.
#[derive(Clone, Debug)]
pub(crate) struct Outage {
    /// The providers that were wanted, in the order they were tried.
    pub(crate) failures: Vec<(String, Failure)>,
    /// What they may charge for that.
    pub(crate) lost: Money,
    /// Whether the deadline came before an answer.
    pub(crate) late: bool,
    /// When the first of them may be asked again.
    pub(crate) retry_after: Option<Duration>,
}

impl Refusal {
    /// Returns one of few names, for traces.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Busy(_) => "busy",
            Self::OverBudget { .. } => "over_budget",
            Self::Outage(Outage { late: true, .. }) => "timeout",
            Self::Outage(_) => "no_provider",
            Self::Ledger(_) => "ledger",
            Self::Broken => "broken",
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Busy(busy) => {
                Self::unavailable("providers_busy", format!("all providers are busy: {busy}"))
                    .with_retry_after(SHORT)
            }
            Refusal::OverBudget {
                over,
                criticality,
                daily_limit,
            } => over_budget(over, criticality, daily_limit),
            Refusal::Outage(outage) if outage.late => {
                let detail = format!("no provider answered in time{}", list(&outage.failures));
                Self::gateway_timeout("deadline_exceeded", detail)
            }
            Refusal::Outage(outage) => no_provider(&outage.failures, outage.retry_after),
            Refusal::Ledger(problem) => problem,
            Refusal::Broken => {
                Self::unavailable("call_broken", "the call ended without an answer; ask again")
            }
        }
    }
}

/// 402, not 429: a client that is told to slow down would try again all day, and a limit of money
/// is not to be mistaken for one of requests. Where the room is only reserved, for calls that run
/// now and mostly cost less, there may be some in a moment: that is a 503.
fn over_budget(over: OverLimit, criticality: Criticality, daily_limit: Money) -> Problem {
    let OverLimit {
        ceiling,
        spent,
        reserved,
        ..
    } = over;
    let detail = format!(
        "the daily limit is {daily_limit}, of which calls of criticality `{criticality}` may use \
         {ceiling}; {spent} is spent and {reserved} is reserved today",
    );
    if over.may_pass() {
        return Problem::unavailable("budget_reserved", detail).with_retry_after(SHORT);
    }
    let now = tooloo_clock::wall();
    Problem::new(StatusCode::PAYMENT_REQUIRED, "daily_limit_reached", detail)
        .with_retry_after(Day::of(now).remaining(now))
}

fn no_provider(failures: &[(String, Failure)], retry_after: Option<Duration>) -> Problem {
    let detail = format!("no provider is available{}", list(failures));
    let refused = |(_, failure): &(_, Failure)| {
        matches!(failure.kind, FailureKind::Refused | FailureKind::BadRequest)
    };
    if !failures.is_empty() && failures.iter().all(refused) {
        // They are up, and want something else from this service or in the prompt.
        return Problem::bad_gateway("providers_refused", detail);
    }
    Problem::unavailable("providers_unavailable", detail)
        .with_retry_after(retry_after.unwrap_or(SHORT))
}

fn list(failures: &[(String, Failure)]) -> String {
    if failures.is_empty() {
        return String::new();
    }
    let mut text = String::from(":");
    for (index, (provider, failure)) in failures.iter().enumerate() {
        let separator = if index == 0 { "" } else { ";" };
        let written = write!(text, "{separator} {provider} {}", failure.detail);
        written.expect("a string takes all that is written");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(kind: FailureKind) -> (String, Failure) {
        ("acme".to_owned(), Failure::new(kind, "answered something"))
    }

    fn over_budget(amount: u64) -> Problem {
        Problem::from(Refusal::OverBudget {
            over: OverLimit {
                amount: Money::from_micros(amount),
                ceiling: Money::from_micros(80),
                spent: Money::from_micros(70),
                reserved: Money::from_micros(9),
            },
            criticality: Criticality::Normal,
            daily_limit: Money::from_micros(100),
        })
    }

    #[test]
    fn money_that_is_only_reserved_is_worth_a_second_try() {
        let problem = over_budget(10);
        assert_eq!(problem.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(problem.retry_after(), Some(SHORT));
        assert!(problem.detail().contains("$0.000009 is reserved"));
    }

    #[test]
    fn names_the_limit_and_when_it_is_lifted() {
        let problem = over_budget(11);
        assert_eq!(problem.status(), StatusCode::PAYMENT_REQUIRED);
        for part in [
            "daily limit is $0.000100",
            "`normal`",
            "$0.000080",
            "$0.000070",
        ] {
            assert!(problem.detail().contains(part), "{problem}");
        }
        assert!(problem.retry_after().unwrap() <= Duration::from_secs(86_400));
    }

    #[test]
    fn tells_providers_that_are_down_from_providers_that_refuse() {
        let problem = |kinds: &[FailureKind]| {
            Problem::from(Refusal::Outage(Outage {
                failures: kinds.iter().copied().map(failed).collect(),
                lost: Money::ZERO,
                late: false,
                retry_after: Some(Duration::from_secs(9)),
            }))
        };
        let down = problem(&[FailureKind::Refused, FailureKind::Unreachable]);
        assert_eq!(down.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(down.retry_after(), Some(Duration::from_secs(9)));
        assert_eq!(
            down.detail(),
            "no provider is available: acme answered something; acme answered something"
        );
        let refused = problem(&[FailureKind::Refused]);
        assert_eq!(refused.status(), StatusCode::BAD_GATEWAY);
        assert_eq!(problem(&[]).status(), StatusCode::SERVICE_UNAVAILABLE);
    }
}
