//! How the simulated provider behaves.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tooloo_service::duration;
use utoipa::ToSchema;

/// The longest latency or jitter that can be set.
const LONGEST: Duration = Duration::from_secs(60);

/// Settings of the simulated provider.
///
/// They can be changed at run time through `PUT /simulator/settings`.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(try_from = "Raw")]
#[non_exhaustive]
pub struct SimulatorConfig {
    /// How long an answer takes.
    pub latency: Duration,
    /// How much longer it may take; evenly spread.
    pub jitter: Duration,
    /// The share of requests that are answered with a server error, from 0 to 1.
    pub error_rate: f64,
    /// The share of requests that are answered with 429, from 0 to 1.
    pub rate_limit_rate: f64,
    /// What `Retry-After` says beside a 429, in whole seconds.
    pub retry_after: Duration,
    /// Where the dice start; the same seed gives the same run.
    pub seed: u64,
    /// The names of its models.
    pub models: Vec<String>,
}

/// Some of the settings, as they are changed at run time; what is left out stays as it is.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Change {
    /// Milliseconds until an answer begins.
    latency: Option<f64>,
    /// The most milliseconds more.
    jitter: Option<f64>,
    /// The share of server errors, from 0 to 1.
    error_rate: Option<f64>,
    /// The share of 429 answers, from 0 to 1.
    rate_limit_rate: Option<f64>,
    /// Seconds that `Retry-After` asks for.
    retry_after: Option<u32>,
    /// Starts the dice anew.
    seed: Option<u64>,
}

/// The settings as they are shown.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Shown {
    ok: bool,
    /// Milliseconds until an answer begins.
    latency: f64,
    /// The most milliseconds more.
    jitter: f64,
    /// The share of server errors.
    error_rate: f64,
    /// The share of 429 answers.
    rate_limit_rate: f64,
    /// Seconds that `Retry-After` asks for.
    retry_after: u64,
    /// Where the dice started.
    seed: u64,
    /// The names of its models.
    models: Vec<String>,
}

impl Change {
    /// Returns the new seed, if there is one.
    pub(crate) fn seed(&self) -> Option<u64> {
        self.seed
    }
}

impl SimulatorConfig {
    /// Makes the changes, or none where one makes no sense.
    pub(crate) fn change(&self, change: Change) -> Result<Self, String> {
        let mut next = self.clone();
        if let Some(latency) = change.latency {
            next.latency = milliseconds("latency", latency)?;
        }
        if let Some(jitter) = change.jitter {
            next.jitter = milliseconds("jitter", jitter)?;
        }
        if let Some(rate) = change.error_rate {
            next.error_rate = rate;
        }
        if let Some(rate) = change.rate_limit_rate {
            next.rate_limit_rate = rate;
        }
        if let Some(seconds) = change.retry_after {
            next.retry_after = Duration::from_secs(seconds.into());
        }
        if let Some(seed) = change.seed {
            next.seed = seed;
        }
        next.validate(["errorRate", "rateLimitRate"])?;
        Ok(next)
    }

    fn validate(&self, [error_rate, rate_limit_rate]: [&str; 2]) -> Result<(), String> {
        for (name, wait) in [("latency", self.latency), ("jitter", self.jitter)] {
            if wait > LONGEST {
                return Err(format!("`{name}` is longer than {} s", LONGEST.as_secs()));
            }
        }
        for (name, rate) in [
            (error_rate, self.error_rate),
            (rate_limit_rate, self.rate_limit_rate),
        ] {
            if !(0.0..=1.0).contains(&rate) {
                return Err(format!("`{name}` is {rate}, not between 0 and 1"));
            }
        }
        if self.models.is_empty() || self.models.iter().any(String::is_empty) {
            return Err("`models` needs at least one name, and no empty one".to_owned());
        }
        Ok(())
    }
}

impl Default for SimulatorConfig {
    fn default() -> Self {
        Self {
            latency: Duration::from_millis(40),
            jitter: Duration::from_millis(20),
            error_rate: 0.0,
            rate_limit_rate: 0.0,
            retry_after: Duration::from_secs(1),
            seed: 1,
            models: vec!["tooloo-sim-1".to_owned(), "tooloo-sim-1-large".to_owned()],
        }
    }
}

impl From<&SimulatorConfig> for Shown {
    fn from(config: &SimulatorConfig) -> Self {
        Self {
            ok: true,
            latency: config.latency.as_secs_f64() * 1e3,
            jitter: config.jitter.as_secs_f64() * 1e3,
            error_rate: config.error_rate,
            rate_limit_rate: config.rate_limit_rate,
            retry_after: config.retry_after.as_secs(),
            seed: config.seed,
            models: config.models.clone(),
        }
    }
}

/// The settings as a file has them, not yet checked.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Raw {
    #[serde(deserialize_with = "duration::or_zero")]
    latency: Duration,
    #[serde(deserialize_with = "duration::or_zero")]
    jitter: Duration,
    error_rate: f64,
    rate_limit_rate: f64,
    #[serde(deserialize_with = "duration::or_zero")]
    retry_after: Duration,
    seed: u64,
    models: Vec<String>,
}

impl Default for Raw {
    fn default() -> Self {
        let config = SimulatorConfig::default();
        Self {
            latency: config.latency,
            jitter: config.jitter,
            error_rate: config.error_rate,
            rate_limit_rate: config.rate_limit_rate,
            retry_after: config.retry_after,
            seed: config.seed,
            models: config.models,
        }
    }
}

impl TryFrom<Raw> for SimulatorConfig {
    type Error = String;

    fn try_from(raw: Raw) -> Result<Self, String> {
        let config = Self {
            latency: raw.latency,
            jitter: raw.jitter,
            error_rate: raw.error_rate,
            rate_limit_rate: raw.rate_limit_rate,
            retry_after: raw.retry_after,
            seed: raw.seed,
            models: raw.models,
        };
        config.validate(["error_rate", "rate_limit_rate"])?;
        Ok(config)
    }
}

fn milliseconds(name: &str, milliseconds: f64) -> Result<Duration, String> {
    let wait = Duration::try_from_secs_f64(milliseconds / 1e3).ok();
    wait.filter(|wait| *wait <= LONGEST).ok_or_else(|| {
        let most = LONGEST.as_millis();
        format!("`{name}` is {milliseconds}, not between 0 and {most} milliseconds")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_settings_that_make_no_sense_and_names_them() {
        for (raw, complaint) in [
            (r#"{"error_rate": 1.5}"#, "`error_rate` is 1.5"),
            (r#"{"latency": "2m"}"#, "`latency` is longer"),
            (r#"{"models": []}"#, "`models` needs"),
            (r#"{"speed": 1}"#, "speed"),
        ] {
            let error = serde_json::from_str::<SimulatorConfig>(raw).unwrap_err();
            assert!(error.to_string().contains(complaint), "{raw}: {error}");
        }
    }

    #[test]
    fn a_change_leaves_the_rest_alone_and_a_bad_one_changes_nothing() {
        let change = |json| {
            let change = serde_json::from_str(json).unwrap();
            SimulatorConfig::default().change(change)
        };
        let changed = change(r#"{"latency": 0.5}"#).unwrap();
        assert_eq!(changed.latency, Duration::from_micros(500));
        assert_eq!(changed.jitter, SimulatorConfig::default().jitter);
        for (json, complaint) in [
            (r#"{"latency": -1}"#, "`latency` is -1"),
            (r#"{"jitter": 60001}"#, "`jitter` is 60001"),
            (r#"{"rateLimitRate": 2}"#, "`rateLimitRate` is 2"),
        ] {
            let error = change(json).unwrap_err();
            assert!(error.contains(complaint), "{error}");
        }
    }
}
