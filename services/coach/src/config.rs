//! What can be set on the coach.

use std::{
    num::{NonZeroU32, NonZeroUsize},
    time::Duration,
};

use serde::Deserialize;
use tooloo_circuit_breaker::CircuitBreakerConfig;

/// The coach's own settings, which hold until the process ends.
///
/// How it practises is changed while it runs, through `/api/v1/auto-coach/settings`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct CoachConfig {
    /// Whether a coach that was never started nor stopped runs.
    pub autostart: bool,
    /// How long after the process began the first session waits, for its peers to come up.
    #[serde(deserialize_with = "tooloo_service::duration::or_zero")]
    pub settle: Duration,
    /// How long a hint may take.
    #[serde(with = "tooloo_service::duration")]
    pub hint_timeout: Duration,
    /// How many topics' last hints are kept, to be given again for an hour.
    pub hints_kept: NonZeroUsize,
    /// The longest wait between two attempts while training is down.
    #[serde(with = "tooloo_service::duration")]
    pub longest_backoff: Duration,
    /// How many of the newest actions are kept.
    pub actions_kept: NonZeroU32,
    /// When training or budget is left alone, and for how long.
    pub circuit_breaker: CircuitBreakerConfig,
}

impl Default for CoachConfig {
    fn default() -> Self {
        Self {
            autostart: false,
            settle: Duration::from_secs(1),
            hint_timeout: Duration::from_secs(5),
            hints_kept: NonZeroUsize::new(100).expect("a hundred is not zero"),
            longest_backoff: Duration::from_secs(60),
            actions_kept: NonZeroU32::new(1_000).expect("a thousand is not zero"),
            circuit_breaker: CircuitBreakerConfig::default(),
        }
    }
}
