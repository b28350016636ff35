//! How long each step of the pool may take.

use std::time::Duration;

use serde::Deserialize;

use super::duration;

/// How long each step may take, and how long a connection is kept.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Times {
    /// To get a connection, all waiting and checking included; 5 seconds by default.
    #[serde(with = "duration")]
    pub acquire: Duration,
    /// To connect; 3 seconds by default.
    #[serde(with = "duration")]
    pub connect: Duration,
    /// To answer a check; 1 second by default.
    #[serde(with = "duration")]
    pub check: Duration,
    /// To be reset; 1 second by default.
    #[serde(with = "duration")]
    pub reset: Duration,
    /// To say goodbye; 1 second by default.
    #[serde(with = "duration")]
    pub close: Duration,
    /// A connection that was good this long ago is checked before it is lent; 500 milliseconds by default.
    #[serde(with = "duration")]
    pub check_after: Duration,
    /// An idle connection that was good this long ago is checked in the background; 30 seconds by default.
    #[serde(with = "duration")]
    pub check_every: Duration,
    /// A connection that nobody used for this long is closed, while more than the least number is there; 10
    /// minutes by default, `"off"` for never.
    #[serde(deserialize_with = "duration::or_off")]
    pub idle: Option<Duration>,
    /// A connection of this age is closed, up to a tenth earlier so that not all end at once; 30 minutes by
    /// default, `"off"` for never.
    #[serde(deserialize_with = "duration::or_off")]
    pub lifetime: Option<Duration>,
    /// A lease that lasts this long is reported, with the place in the code that took it; a minute by default,
    /// `"off"` for never.
    #[serde(deserialize_with = "duration::or_off")]
    pub leak: Option<Duration>,
    /// The wait after the first failure to connect; it doubles with each; 10 milliseconds by default.
    #[serde(with = "duration")]
    pub backoff: Duration,
    /// The longest wait between two attempts to connect; 200 milliseconds by default. Each wait is up to a half
    /// shorter, so that not all come at once.
    #[serde(with = "duration")]
    pub longest_backoff: Duration,
}

impl Default for Times {
    fn default() -> Self {
        Self {
            acquire: Duration::from_secs(5),
            connect: Duration::from_secs(3),
            check: Duration::from_secs(1),
            reset: Duration::from_secs(1),
            close: Duration::from_secs(1),
            check_after: Duration::from_millis(500),
            check_every: Duration::from_secs(30),
            idle: Some(Duration::from_secs(600)),
            lifetime: Some(Duration::from_secs(1800)),
            leak: Some(Duration::from_secs(60)),
            backoff: Duration::from_millis(10),
            longest_backoff: Duration::from_millis(200),
        }
    }
}
