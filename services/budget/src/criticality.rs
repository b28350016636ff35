//! How much a call matters, and how much of the day's money it may use.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::money::Money;

/// How much it matters that a call is answered.
///
/// The less a call matters, the smaller the part of the daily limit that it may use: when money
/// runs short, the calls that matter most are the last to be refused.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    Eq,
    Hash,
    Ord,
    PartialEq,
    PartialOrd,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
#[serde(rename_all = "lowercase", try_from = "String")]
#[non_exhaustive]
pub enum Criticality {
    /// Refused first.
    Low,
    /// What a call is that says nothing.
    #[default]
    Normal,
    /// Refused after the normal ones.
    High,
    /// May use the whole limit.
    Critical,
}

impl Criticality {
    /// Every level, least first.
    pub const ALL: [Self; 4] = [Self::Low, Self::Normal, Self::High, Self::Critical];

    /// Finds a level by the name used on the wire.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.name() == name)
    }

    /// Returns the name used on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Normal => "normal",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

impl TryFrom<String> for Criticality {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        Self::named(&name).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            format!("unknown criticality, expected one of {names}")
        })
    }
}

impl fmt::Display for Criticality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The part of the daily limit that each criticality may use, in percent.
///
/// Each is between 1 and 100, and none is smaller than that of a lesser criticality.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Deserialize)]
#[serde(try_from = "RawShares")]
pub struct Shares([u8; 4]);

impl Shares {
    /// Returns how much of `limit` calls of this criticality may use.
    pub fn of(&self, criticality: Criticality, limit: Money) -> Money {
        limit.percent(self.0[criticality as usize])
    }
}

impl Default for Shares {
    fn default() -> Self {
        Self([50, 80, 95, 100])
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawShares {
    low: u8,
    normal: u8,
    high: u8,
    critical: u8,
}

impl Default for RawShares {
    fn default() -> Self {
        let [low, normal, high, critical] = Shares::default().0;
        Self {
            low,
            normal,
            high,
            critical,
        }
    }
}

impl TryFrom<RawShares> for Shares {
    type Error = String;

    fn try_from(raw: RawShares) -> Result<Self, String> {
        let shares = [raw.low, raw.normal, raw.high, raw.critical];
        for (criticality, share) in Criticality::ALL.into_iter().zip(shares) {
            if !(1..=100).contains(&share) {
                return Err(format!("`{criticality}` is {share}, not between 1 and 100"));
            }
        }
        if !shares.is_sorted() {
            return Err("a share is smaller than that of a lesser criticality".to_owned());
        }
        Ok(Self(shares))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_matters_more_may_use_more() {
        let limit = Money::from_micros(1_000);
        let usable = Criticality::ALL.map(|level| Shares::default().of(level, limit).micros());
        assert_eq!(usable, [500, 800, 950, 1_000]);
    }

    #[test]
    fn refuses_shares_that_make_no_sense() {
        for (raw, complaint) in [
            (r#"{"low": 0}"#, "`low` is 0"),
            (r#"{"critical": 101}"#, "`critical` is 101"),
            (r#"{"low": 90}"#, "lesser criticality"),
            (r#"{"urgent": 90}"#, "urgent"),
        ] {
            let error = serde_json::from_str::<Shares>(raw).unwrap_err().to_string();
            assert!(error.contains(complaint), "{raw}: {error}");
        }
    }
}
