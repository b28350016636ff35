//! What state a breaker is in, and how it came there.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The state of a breaker.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Status {
    /// Calls pass, and their results are watched.
    Closed,
    /// Calls are refused for a while.
    Open,
    /// A few calls pass as probes, all others are refused.
    HalfOpen,
    /// Calls are refused until someone says otherwise.
    ForcedOpen,
    /// Calls pass, and their results change nothing.
    Disabled,
}

/// What someone can tell a breaker to do.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Control {
    /// Refuse every call.
    ForcedOpen,
    /// Let every call pass, and watch none.
    Disabled,
    /// Forget what was seen and start over closed, as a new breaker does.
    Closed,
    /// Decide alone again: from forced open or disabled start over closed, else go on.
    Auto,
}

/// Why a breaker changed its state.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Cause {
    /// Too large a part of the calls failed.
    FailureRate,
    /// Too large a part of the calls was slow.
    SlowCallRate,
    /// Too many calls failed one after the other.
    ConsecutiveFailures,
    /// It was open for long enough.
    OpenTimeOver,
    /// The probes failed or were slow.
    ProbesFailed,
    /// The probes succeeded.
    ProbesSucceeded,
    /// Someone told it to.
    ByHand,
}

/// The state that a breaker is in, and the change that brought it there.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct StateChange {
    /// How many changes there have been: a follower who sees one left out has missed it.
    pub number: u64,
    /// The state since.
    pub status: Status,
    /// The state before; `None` of a breaker that has never changed.
    pub previous: Option<Status>,
    /// The reason; `None` of a breaker that has never changed.
    pub cause: Option<Cause>,
    /// When it happened; `None` of a breaker that has never changed.
    pub time: Option<Timestamp>,
}

impl Status {
    /// Every state.
    pub(crate) const ALL: [Self; 5] = [
        Self::Closed,
        Self::Open,
        Self::HalfOpen,
        Self::ForcedOpen,
        Self::Disabled,
    ];

    /// Returns the name, such as `half-open`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half-open",
            Self::ForcedOpen => "forced-open",
            Self::Disabled => "disabled",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
