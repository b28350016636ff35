//! Validated settings.

use std::{num::NonZeroU32, time::Duration};

use serde::{Deserialize, Serialize};

use crate::config::period;

/// How long tokens that were leased are kept before the rest is given back.
pub(super) const LEASE: Duration = Duration::from_secs(1);

/// What happens while the store cannot be asked.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Outage {
    /// Everyone is let through.
    Open,
    /// Everyone is refused: `503` over HTTP.
    Closed,
    /// Each process limits for itself, as if it were the only one.
    #[default]
    Local,
}

/// How a store of shared quotas is used.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct SharedConfig {
    outage: Outage,
    #[serde(with = "period::optional")]
    deadline: Option<Duration>,
    lease_tokens: Option<NonZeroU32>,
}

impl SharedConfig {
    /// Asks the store about every request, and does `outage` while it is away.
    pub const fn new(outage: Outage) -> Self {
        Self {
            outage,
            deadline: None,
            lease_tokens: None,
        }
    }

    /// Gives the store this long to answer, before it counts as away for a request; 5 ms by default
    /// where the process can decide itself, and 50 ms where it then refuses.
    #[must_use]
    pub const fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Takes this many tokens at a time and spends them without asking: local first.
    ///
    /// What is left of them after a second is given back the next time that the key is asked about.
    /// Processes together admit what one would, but for what each of them holds.
    #[must_use]
    pub const fn with_lease(mut self, tokens: NonZeroU32) -> Self {
        self.lease_tokens = Some(tokens);
        self
    }

    /// Returns what happens while the store is away.
    pub const fn outage(&self) -> Outage {
        self.outage
    }

    /// Returns how long the store may take.
    pub fn deadline(&self) -> Duration {
        let usual = match self.outage {
            Outage::Open | Outage::Local => Duration::from_millis(5),
            Outage::Closed => Duration::from_millis(50),
        };
        self.deadline.unwrap_or(usual)
    }

    pub(super) fn batch(&self) -> u32 {
        self.lease_tokens.map_or(1, NonZeroU32::get)
    }
}

impl Default for SharedConfig {
    fn default() -> Self {
        Self::new(Outage::default())
    }
}
