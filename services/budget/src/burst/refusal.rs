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

/// Why a prompt was not answered.
#[derive(Clone, Debug)]
pub(crate) enum Refusal {
    /// Too many calls wait, or this one waited too long.
    Busy(Busy),
    /// The call could pass the part of the daily limit that it may use.
    OverBudget {
        over: OverLimit,
        criticality: Criticality,
        ceiling: Money,
        daily_limit: Money,
    },
    /// No provider answered, or all of them rest.
    NoProvider {
        failures: Vec<(String, Failure)>,
        retry_after: Option<Duration>,
    },
    /// The deadline came before an answer.
    OutOfTime { failures: Vec<(String, Failure)> },
    /// The ledger cannot be written.
    Ledger(Problem),
    /// The flight ended without an outcome.
    Broken,
}

impl Refusal {
    /// Returns one of few names, for traces.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Busy(_) => "busy",
            Self::OverBudget { .. } => "over_budget",
            Self::NoProvider { .. } => "no_provider",
            Self::OutOfTime { .. } => "timeout",
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
                    .with_retry_after(Duration::from_secs(1))
            }
            Refusal::OverBudget {
                over,
                criticality,
                ceiling,
                daily_limit,
            } => over_budget(over, criticality, ceiling, daily_limit),
            Refusal::NoProvider {
                failures,
                retry_after,
            } => no_provider(&failures, retry_after),
            Refusal::OutOfTime { failures } => {
                let detail = format!("no provider answered in time{}", list(&failures));
                Self::gateway_timeout("deadline_exceeded", detail)
            }
            Refusal::Ledger(problem) => problem,
            Refusal::Broken => {
                Self::unavailable("call_broken", "the call ended without an answer; ask again")
            }
        }
    }
}

/// 402, not 429: a client that is told to slow down would try again all day, and a limit of money
/// is not to be mistaken for one of requests.
fn over_budget(
    over: OverLimit,
    criticality: Criticality,
    ceiling: Money,
    daily_limit: Money,
) -> Problem {
    let now = tooloo_clock::wall();
    let OverLimit { spent, reserved } = over;
    let detail = format!(
        "the daily limit is {daily_limit}, of which calls of criticality `{criticality}` may use \
         {ceiling}; {spent} is spent and {reserved} is reserved today",
    );
    Problem::new(StatusCode::PAYMENT_REQUIRED, "daily_limit_reached", detail)
        .with_retry_after(Day::of(now).remaining(now))
}

fn no_provider(failures: &[(String, Failure)], retry_after: Option<Duration>) -> Problem {
    let detail = format!("no provider is available{}", list(failures));
    let refused = |(_, failure): &(_, Failure)| failure.kind == FailureKind::Refused;
    if !failures.is_empty() && failures.iter().all(refused) {
        // They are up, and want something else from this service or in the prompt.
        return Problem::bad_gateway("providers_refused", detail);
    }
    Problem::unavailable("providers_unavailable", detail)
        .with_retry_after(retry_after.unwrap_or(Duration::from_secs(1)))
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

    #[test]
    fn names_the_limit_and_when_it_is_lifted() {
        let problem = Problem::from(Refusal::OverBudget {
            over: OverLimit {
                spent: Money::from_micros(70),
                reserved: Money::from_micros(9),
            },
            criticality: Criticality::Normal,
            ceiling: Money::from_micros(80),
            daily_limit: Money::from_micros(100),
        });
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
            Problem::from(Refusal::NoProvider {
                failures: kinds.iter().copied().map(failed).collect(),
                retry_after: Some(Duration::from_secs(9)),
            })
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
