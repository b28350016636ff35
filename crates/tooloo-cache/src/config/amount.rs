//! Numbers that are good only within bounds.

use serde::Deserialize;

use crate::ConfigError;

/// A part of a time to live, from 0 to 1.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq)]
#[serde(try_from = "f64")]
pub(crate) struct Jitter(f64);

/// How early entries are refreshed, above 0 and at most 10, in thousandths.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
#[serde(try_from = "f64")]
pub(crate) struct Eagerness(u32);

impl Jitter {
    pub(crate) fn get(self) -> f64 {
        self.0
    }
}

impl Eagerness {
    pub(crate) fn thousandths(self) -> u32 {
        self.0
    }
}

impl TryFrom<f64> for Jitter {
    type Error = ConfigError;

    fn try_from(jitter: f64) -> Result<Self, ConfigError> {
        if (0.0..=1.0).contains(&jitter) {
            Ok(Self(jitter))
        } else {
            Err(ConfigError::Jitter(jitter))
        }
    }
}

impl TryFrom<f64> for Eagerness {
    type Error = ConfigError;

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is from 0 to 10,000"
    )]
    fn try_from(eagerness: f64) -> Result<Self, ConfigError> {
        if eagerness > 0.0 && eagerness <= 10.0 {
            Ok(Self((eagerness * 1000.0).ceil() as u32))
        } else {
            Err(ConfigError::EarlyRefresh(eagerness))
        }
    }
}
