//! The right to ask the service, and what for.

use std::sync::Arc;

use super::{Ask, ask};
use crate::{
    Lead, Outcome, StoredResponse,
    http::{
        status::Handled,
        stored::{Head, Whole},
    },
    http_cache::Selection,
};

pub(super) type ResponseLead = Lead<Arc<str>, StoredResponse>;

/// One request's turn to ask the service.
pub(super) struct Turn {
    pub(super) right: Right,
    /// The right to the target's own key, where `right` is to a variant's.
    pub(super) primary: Option<ResponseLead>,
    pub(super) selection: Selection,
    pub(super) stale: Option<Stale>,
    pub(super) handled: Handled,
    pub(super) outcome: Outcome,
}

/// The right to store an answer.
pub(super) struct Right {
    pub(super) lead: ResponseLead,
    /// Others may be waiting for the answer.
    pub(super) claimed: bool,
}

/// A stored response that does not answer by itself.
#[derive(Clone, Debug)]
pub(super) struct Stale {
    pub(super) whole: Whole,
    /// It may answer where the service fails.
    pub(super) if_error: bool,
    /// It is stale, rather than fresh and not wanted.
    pub(super) expired: bool,
}

/// Whether a request waited for another one's answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Waited {
    Not,
    ForAnother,
    /// The other's answer was of no use to it.
    InVain,
}

impl Turn {
    pub(super) fn new(
        ask: &Ask,
        right: Right,
        selection: Selection,
        stale: Option<Stale>,
        waited: Waited,
    ) -> Self {
        let forwarded = ask::why(ask, &selection, stale.as_ref());
        let primary = selection.marker.as_ref();
        let primary = primary.map(|_| ask.http.cache().alone(&ask.key.to_owned()));
        Self {
            right,
            primary,
            selection,
            stale,
            handled: waited.mark(Handled::forwarded(forwarded)),
            outcome: Outcome::Miss,
        }
    }

    /// Returns the stored response that the service is asked about.
    pub(super) fn head(&self) -> Option<&Head> {
        self.stale.as_ref().map(|stale| &*stale.whole.head)
    }
}

impl Right {
    pub(super) fn claimed(lead: ResponseLead) -> Self {
        Self {
            lead,
            claimed: true,
        }
    }

    pub(super) fn alone(lead: ResponseLead) -> Self {
        Self {
            lead,
            claimed: false,
        }
    }

    /// Lets all go who wait for an answer that is not stored.
    pub(super) fn pass(self) {
        if self.claimed {
            self.lead.pass();
        }
    }
}

impl Stale {
    pub(super) fn new(whole: &Whole, if_error: bool, expired: bool) -> Self {
        Self {
            whole: whole.clone(),
            if_error,
            expired,
        }
    }
}

impl Waited {
    /// Notes in what is told of an answer that another request fetched it.
    pub(super) fn mark(self, handled: Handled) -> Handled {
        if self == Self::Not || !handled.hit {
            return handled;
        }
        Handled {
            hit: false,
            forwarded: Some(crate::http::status::Forwarded::UriMiss),
            collapsed: true,
            ..handled
        }
    }

    pub(super) fn or(self, outcome: Outcome) -> Outcome {
        match self {
            Self::Not => outcome,
            Self::ForAnother | Self::InVain => Outcome::Coalesced,
        }
    }
}
