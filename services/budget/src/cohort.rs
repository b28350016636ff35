//! Groups of users, and what each may spend.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::money::Money;

/// The name of a cohort: 1 to 64 letters, digits, `-`, `_`, `.` and `:`.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String")]
#[schema(value_type = String, min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9_.:-]+$")]
pub struct CohortName(String);

/// What a cohort may spend.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct CohortPolicy {
    /// Dollars a day, for all its workflows.
    pub daily_limit: Money,
    /// Dollars for one workflow.
    pub workflow_limit: Money,
}

/// The policies of all cohorts.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Cohorts {
    /// The policy of cohorts that have none of their own.
    pub default: CohortPolicy,
    /// Policies by cohort.
    pub named: BTreeMap<CohortName, CohortPolicy>,
}

impl CohortName {
    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Cohorts {
    /// Returns a cohort's policy, and whether it is its own.
    pub(crate) fn policy(&self, name: &CohortName) -> (CohortPolicy, bool) {
        match self.named.get(name) {
            Some(policy) => (*policy, true),
            None => (self.default, false),
        }
    }
}

impl Default for CohortName {
    fn default() -> Self {
        Self("default".to_owned())
    }
}

impl Default for CohortPolicy {
    fn default() -> Self {
        Self {
            daily_limit: Money::from_micros(1_000_000),
            workflow_limit: Money::from_micros(250_000),
        }
    }
}

impl TryFrom<String> for CohortName {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
        if (1..=64).contains(&name.len()) && name.chars().all(fine) {
            return Ok(Self(name));
        }
        Err("a cohort has a name of 1 to 64 letters, digits, `-`, `_`, `.` and `:`".to_owned())
    }
}

impl fmt::Display for CohortName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_short_and_plain() {
        for name in ["a", "power-users", "k-means:3", &"x".repeat(64)] {
            assert!(CohortName::try_from(name.to_owned()).is_ok(), "{name}");
        }
        for name in ["", "a b", "ä", "a/b", &"x".repeat(65)] {
            assert!(CohortName::try_from(name.to_owned()).is_err(), "{name}");
        }
    }

    #[test]
    fn a_cohort_without_a_policy_of_its_own_has_the_default_one() {
        let cohorts: Cohorts =
            serde_json::from_str(r#"{"named": {"ada": {"daily_limit": 5}}}"#).unwrap();
        let policy = |name: &str| cohorts.policy(&CohortName::try_from(name.to_owned()).unwrap());
        let (ada, own) = policy("ada");
        assert_eq!((ada.daily_limit.micros(), own), (5_000_000, true));
        assert_eq!(policy("bob"), (CohortPolicy::default(), false));
    }
}
