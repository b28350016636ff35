//! The settings of both algorithms, changed while the service runs.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use crate::texttiling::Tiling;

/// How conversations are split and users are grouped.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Tuning {
    /// Token sequences in a block.
    pub(crate) block_size: u32,
    /// Terms in a token sequence.
    pub(crate) sequence_size: u32,
    /// Gaps on either side that a similarity is averaged over.
    pub(crate) smoothing: u32,
    /// A boundary's depth is at least the mean less this many standard deviations.
    pub(crate) cutoff: f64,
    /// A boundary's depth is never below this.
    pub(crate) min_depth: f64,
    /// Messages that a topic lasts at least.
    pub(crate) min_messages: u32,
    /// Keywords shown for a segment.
    pub(crate) keywords: u32,
    /// Cohorts to make; `null` chooses the number with the best silhouette.
    pub(crate) k: Option<u32>,
}

/// New values for some of the settings; what is absent stays as it is.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct TuningChange {
    #[schema(minimum = 1, maximum = 100)]
    block_size: Option<u32>,
    #[schema(minimum = 1, maximum = 200)]
    sequence_size: Option<u32>,
    #[schema(maximum = 10)]
    smoothing: Option<u32>,
    #[schema(minimum = -3, maximum = 3)]
    cutoff: Option<f64>,
    #[schema(minimum = 0, maximum = 2)]
    min_depth: Option<f64>,
    #[schema(minimum = 1, maximum = 100)]
    min_messages: Option<u32>,
    #[schema(minimum = 1, maximum = 50)]
    keywords: Option<u32>,
    #[expect(
        clippy::option_option,
        reason = "absent keeps the number, null lets it be chosen"
    )]
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<u32>, minimum = 1, maximum = 32)]
    k: Option<Option<u32>>,
}

/// A setting is outside its range; its text names both.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct OutOfRange(String);

/// The most cohorts that can be asked for.
pub(crate) const MOST_COHORTS: u32 = 32;

impl Tuning {
    /// Returns these settings with `change` made.
    pub(crate) fn with(mut self, change: &TuningChange) -> Result<Self, OutOfRange> {
        set(&mut self.block_size, change.block_size, "blockSize", 1, 100)?;
        set(
            &mut self.sequence_size,
            change.sequence_size,
            "sequenceSize",
            1,
            200,
        )?;
        set(&mut self.smoothing, change.smoothing, "smoothing", 0, 10)?;
        set(&mut self.cutoff, change.cutoff, "cutoff", -3.0, 3.0)?;
        set(&mut self.min_depth, change.min_depth, "minDepth", 0.0, 2.0)?;
        set(
            &mut self.min_messages,
            change.min_messages,
            "minMessages",
            1,
            100,
        )?;
        set(&mut self.keywords, change.keywords, "keywords", 1, 50)?;
        if let Some(k) = change.k {
            self.k = k.map(cohorts).transpose()?;
        }
        Ok(self)
    }

    /// Returns how many keywords are shown for a segment.
    pub(crate) fn shown_keywords(&self) -> usize {
        size(self.keywords)
    }

    /// Returns the part that finds boundaries.
    pub(crate) fn tiling(&self) -> Tiling {
        Tiling {
            block: size(self.block_size) * size(self.sequence_size),
            smoothing: size(self.smoothing),
            cutoff: self.cutoff,
            min_depth: self.min_depth,
            min_messages: size(self.min_messages),
        }
    }
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            block_size: 4,
            sequence_size: 10,
            smoothing: 1,
            cutoff: 0.5,
            min_depth: 0.2,
            min_messages: 2,
            keywords: 6,
            k: None,
        }
    }
}

impl fmt::Display for OutOfRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Checks a number of cohorts asked for.
pub(crate) fn cohorts(k: u32) -> Result<u32, OutOfRange> {
    let mut checked = k;
    set(&mut checked, Some(k), "k", 1, MOST_COHORTS)?;
    Ok(checked)
}

fn size(setting: u32) -> usize {
    usize::try_from(setting).expect("a setting within its range")
}

fn set<T: Copy + PartialOrd + fmt::Display>(
    setting: &mut T,
    value: Option<T>,
    name: &str,
    least: T,
    most: T,
) -> Result<(), OutOfRange> {
    match value {
        None => Ok(()),
        Some(value) if (least..=most).contains(&value) => {
            *setting = value;
            Ok(())
        }
        Some(value) => Err(OutOfRange(format!(
            "{name} must be from {least} to {most}, not {value}"
        ))),
    }
}

#[expect(
    clippy::option_option,
    reason = "absent keeps the number, null lets it be chosen"
)]
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<u32>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn changed(change: Value) -> Result<Tuning, String> {
        let change: TuningChange = serde_json::from_value(change).map_err(|e| e.to_string())?;
        Tuning::default().with(&change).map_err(|e| e.to_string())
    }

    #[test]
    fn keeps_what_a_change_leaves_out() {
        let tuning = changed(json!({"blockSize": 7})).unwrap();
        assert_eq!(
            tuning,
            Tuning {
                block_size: 7,
                ..Tuning::default()
            }
        );
    }

    #[test]
    fn tells_an_absent_k_from_a_null_one() {
        let set = Tuning {
            k: Some(3),
            ..Tuning::default()
        };
        let change = |text: &str| serde_json::from_str::<TuningChange>(text).unwrap();
        assert_eq!(set.with(&change("{}")).unwrap().k, Some(3));
        assert_eq!(set.with(&change(r#"{"k": null}"#)).unwrap().k, None);
        assert_eq!(set.with(&change(r#"{"k": 5}"#)).unwrap().k, Some(5));
    }

    #[test]
    fn names_the_setting_that_is_out_of_range() {
        for (change, name) in [
            (json!({"blockSize": 0}), "blockSize"),
            (json!({"sequenceSize": 201}), "sequenceSize"),
            (json!({"smoothing": 11}), "smoothing"),
            (json!({"cutoff": 3.1}), "cutoff"),
            (json!({"minDepth": -0.1}), "minDepth"),
            (json!({"minMessages": 0}), "minMessages"),
            (json!({"keywords": 51}), "keywords"),
            (json!({"k": 33}), "k"),
            (json!({"k": 0}), "k"),
            (json!({"blocksize": 3}), "blocksize"),
        ] {
            let refusal = changed(change).expect_err(name);
            assert!(refusal.contains(name), "{refusal}");
        }
    }
}
