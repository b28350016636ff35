//! What an operator can set.

use std::fmt;

use serde::Deserialize;

/// Bounds on what a request may ask for.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct SegmentationConfig {
    /// The most messages in a conversation.
    pub max_messages: Within<1, 10_000>,
    /// The most bytes in the text of a message.
    pub max_text_bytes: Within<1, 1_048_576>,
    /// The most users in a clustering; memory grows with the square.
    pub max_users: Within<1, 5_000>,
    /// The most features of a user.
    pub max_features: Within<1, 64>,
    /// The most cohorts that are tried where their number is to be chosen.
    pub max_cohorts: Within<1, 32>,
    /// How many analyses and clusterings run at once; more are refused.
    pub concurrency: Within<1, 64>,
    /// How many clusterings are kept, newest first.
    pub kept_clusterings: Within<1, 1_000>,
    /// Where the random choices of k-means++ start.
    pub seed: u64,
}

/// A number from `LEAST` to `MOST`.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(try_from = "usize")]
pub struct Within<const LEAST: usize, const MOST: usize>(usize);

/// A number is not within its range.
#[derive(Clone, Copy, Debug)]
pub struct NotWithin {
    least: usize,
    most: usize,
}

impl<const LEAST: usize, const MOST: usize> Within<LEAST, MOST> {
    /// Takes `value` where it lies in the range.
    pub const fn new(value: usize) -> Option<Self> {
        if LEAST <= value && value <= MOST {
            Some(Self(value))
        } else {
            None
        }
    }

    /// Returns the number.
    pub const fn get(self) -> usize {
        self.0
    }

    const fn constant(value: usize) -> Self {
        match Self::new(value) {
            Some(within) => within,
            None => panic!("a default lies within its range"),
        }
    }
}

impl SegmentationConfig {
    /// Returns how many clusterings are kept, as the database counts.
    pub(crate) fn kept(&self) -> u32 {
        u32::try_from(self.kept_clusterings.get()).expect("its range is small")
    }
}

impl Default for SegmentationConfig {
    fn default() -> Self {
        Self {
            max_messages: Within::constant(2_000),
            max_text_bytes: Within::constant(16_384),
            max_users: Within::constant(2_000),
            max_features: Within::constant(32),
            max_cohorts: Within::constant(8),
            concurrency: Within::constant(2),
            kept_clusterings: Within::constant(10),
            seed: 42,
        }
    }
}

impl std::error::Error for NotWithin {}

impl<const LEAST: usize, const MOST: usize> TryFrom<usize> for Within<LEAST, MOST> {
    type Error = NotWithin;

    fn try_from(value: usize) -> Result<Self, NotWithin> {
        let refusal = NotWithin {
            least: LEAST,
            most: MOST,
        };
        Self::new(value).ok_or(refusal)
    }
}

impl fmt::Display for NotWithin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected a number from {} to {}", self.least, self.most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_a_bound_outside_its_range() {
        for text in [r#"{"max_users": 0}"#, r#"{"max_users": 5001}"#] {
            let error = serde_json::from_str::<SegmentationConfig>(text).unwrap_err();
            assert!(error.to_string().contains("from 1 to 5000"), "{error}");
        }
        let config: SegmentationConfig = serde_json::from_str(r#"{"max_users": 7}"#).unwrap();
        assert_eq!(config.max_users.get(), 7);
    }
}
