//! What can be set on the reports.

use std::{num::NonZeroU32, time::Duration};

use serde::Deserialize;
use tooloo_circuit_breaker::CircuitBreakerConfig;

/// The reports' own settings.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct ReportsConfig {
    /// How long a report waits for any one source, and for what is kept.
    #[serde(with = "tooloo_service::duration")]
    pub deadline: Duration,
    /// How long what was gathered for one report also serves others.
    #[serde(deserialize_with = "tooloo_service::duration::or_zero")]
    pub share_for: Duration,
    /// How often the figures are kept for comparison, whether or not anybody asks for a report.
    #[serde(with = "tooloo_service::duration")]
    pub snapshot_interval: Duration,
    /// How far apart snapshots are at least that reports leave behind.
    #[serde(deserialize_with = "tooloo_service::duration::or_zero")]
    pub snapshot_spacing: Duration,
    /// How many of the newest snapshots are kept.
    pub snapshots_kept: NonZeroU32,
    /// When a source is left alone, and for how long.
    pub circuit_breaker: CircuitBreakerConfig,
}

impl Default for ReportsConfig {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(2),
            share_for: Duration::from_secs(1),
            snapshot_interval: Duration::from_secs(300),
            snapshot_spacing: Duration::from_secs(60),
            // A week at the usual interval.
            snapshots_kept: NonZeroU32::new(2_016).expect("it is not zero"),
            circuit_breaker: CircuitBreakerConfig::default(),
        }
    }
}
