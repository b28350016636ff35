//! An operation together with everything known about it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{operation::Operation, sources::Present, usage::Usage};

/// What the database keeps of an operation.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Known {
    pub(crate) operation: Operation,
    pub(crate) first_seen: Timestamp,
    /// Since when its service's document lacks it.
    pub(crate) gone_since: Option<Timestamp>,
    /// Since when it is active.
    pub(crate) active_since: Option<Timestamp>,
    pub(crate) probes: Option<Probes>,
}

/// How the probes of an operation went, over all starts of this service.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Probes {
    pub(crate) successes: i64,
    pub(crate) failures: i64,
    /// Of the last probe, in milliseconds; `null` where no answer came.
    pub(crate) last_latency: Option<f64>,
    pub(crate) last_status: Option<u16>,
    /// `null` where the last probe succeeded.
    pub(crate) last_error: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    pub(crate) last_time: Timestamp,
}

/// An operation, whether it is active, and how it does.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Capability {
    #[serde(flatten)]
    pub(crate) operation: Operation,
    pub(crate) state: State,
    /// Whether its service answers and still offers it; `null` before the first look.
    pub(crate) reachable: Option<bool>,
    /// When its service was last looked at: what is told of it, and its usage, are as of then.
    #[schema(value_type = Option<String>, format = DateTime)]
    looked: Option<Timestamp>,
    #[schema(value_type = String, format = DateTime)]
    first_seen: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    active_since: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    gone_since: Option<Timestamp>,
    /// Calls since its service started; `null` where the service does not tell.
    pub(crate) usage: Option<Usage>,
    /// `null` where it was never probed.
    pub(crate) probes: Option<Probes>,
}

/// Where an operation stands.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum State {
    Active,
    Inactive,
    /// Its service's document lacks it; it may have been active before.
    Gone,
}

impl Known {
    /// Returns where the operation stands.
    pub(crate) fn state(&self) -> State {
        match (self.gone_since, self.active_since) {
            (Some(_), _) => State::Gone,
            (None, Some(_)) => State::Active,
            (None, None) => State::Inactive,
        }
    }
}

impl Capability {
    /// Joins what the database keeps with what its service, `present`, is like now.
    pub(crate) fn new(known: Known, present: &Present) -> Self {
        let state = known.state();
        Self {
            state,
            reachable: present
                .reachable
                .map(|reachable| reachable && state != State::Gone),
            looked: present.looked,
            usage: present.usage(&known.operation),
            operation: known.operation,
            first_seen: known.first_seen,
            active_since: known.active_since,
            gone_since: known.gone_since,
            probes: known.probes,
        }
    }

    /// Says whether it was activated and not deactivated since, be it gone or not.
    pub(crate) fn is_active(&self) -> bool {
        self.active_since.is_some()
    }
}
