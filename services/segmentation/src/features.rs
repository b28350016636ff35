//! Puts users' features into one matrix, each feature on the same scale.

use std::{collections::BTreeMap, fmt};

use ndarray::{Array1, Array2, ArrayView1, Axis};

/// Beyond this a sum of squares could leave the range of a number.
pub(crate) const LARGEST: f64 = 1e100;

/// A user and what is known of them.
#[derive(Clone, Debug)]
pub(crate) struct Profile {
    pub(crate) user_id: String,
    pub(crate) features: BTreeMap<String, f64>,
}

/// Users' features, standardised: each has mean 0 and deviation 1 over all users.
///
/// Users are in the order of their ids, so the order in which they were sent changes nothing.
#[derive(Debug)]
pub(crate) struct Features {
    pub(crate) users: Vec<String>,
    pub(crate) names: Vec<String>,
    pub(crate) matrix: Array2<f64>,
    mean: Array1<f64>,
    deviation: Array1<f64>,
}

/// Why users cannot be put into one matrix; its text names the field.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Unusable(String);

impl Features {
    /// Puts `profiles` into a matrix.
    ///
    /// # Errors
    ///
    /// Says which field is wrong: every user needs an id of their own and the same features as
    /// the first one, each a number within ±[`LARGEST`].
    pub(crate) fn of(profiles: &[Profile]) -> Result<Self, Unusable> {
        check(profiles)?;
        let mut sorted: Vec<&Profile> = profiles.iter().collect();
        sorted.sort_by(|a, b| a.user_id.cmp(&b.user_id));
        let names: Vec<String> = sorted[0].features.keys().cloned().collect();
        let values = sorted
            .iter()
            .flat_map(|profile| profile.features.values().copied());
        let mut matrix = Array2::from_shape_vec((sorted.len(), names.len()), values.collect())
            .expect("every user has every feature");

        let mean = matrix.mean_axis(Axis(0)).expect("there is a user");
        let mut deviation = matrix.std_axis(Axis(0), 0.0);
        for (feature, column) in matrix.axis_iter(Axis(1)).enumerate() {
            if is_constant(column, deviation[feature]) {
                deviation[feature] = 0.0;
            }
        }
        matrix -= &mean;
        // A feature that is the same for all tells nobody apart: it stays 0 for everyone.
        matrix /= &deviation.mapv(|sd| if sd == 0.0 { f64::INFINITY } else { sd });
        Ok(Self {
            users: sorted
                .iter()
                .map(|profile| profile.user_id.clone())
                .collect(),
            names,
            matrix,
            mean,
            deviation,
        })
    }

    /// Returns a standardised point in the features' own units, by name.
    pub(crate) fn in_own_units(&self, point: ArrayView1<'_, f64>) -> BTreeMap<String, f64> {
        let values = &point * &self.deviation + &self.mean;
        self.names.iter().cloned().zip(values).collect()
    }

    /// Returns the features that are the same for every user.
    pub(crate) fn constant(&self) -> Vec<String> {
        let features = self.names.iter().zip(&self.deviation);
        features
            .filter(|&(_, &sd)| sd == 0.0)
            .map(|(name, _)| name.clone())
            .collect()
    }

    /// Returns how many users differ from one another in some feature.
    pub(crate) fn distinct(&self) -> usize {
        let mut rows: Vec<Vec<u64>> = self
            .matrix
            .rows()
            .into_iter()
            // Adding 0 makes one zero of -0 and 0.
            .map(|row| row.iter().map(|value| (value + 0.0).to_bits()).collect())
            .collect();
        rows.sort_unstable();
        rows.dedup();
        rows.len()
    }
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn check(profiles: &[Profile]) -> Result<(), Unusable> {
    let Some(first) = profiles.first() else {
        return Err(Unusable("users must hold at least one user".to_owned()));
    };
    if first.features.is_empty() {
        return Err(Unusable(
            "users[0].features must hold at least one feature".to_owned(),
        ));
    }
    let mut seen = BTreeMap::new();
    for (index, profile) in profiles.iter().enumerate() {
        if let Some(earlier) = seen.insert(profile.user_id.as_str(), index) {
            return Err(Unusable(format!(
                "users[{index}].userId is the same as users[{earlier}].userId"
            )));
        }
        let missing = first
            .features
            .keys()
            .find(|name| !profile.features.contains_key(*name));
        if let Some(name) = missing {
            return Err(Unusable(format!(
                "users[{index}].features lacks {name:?}: every user needs the same features"
            )));
        }
        for (name, value) in &profile.features {
            if !first.features.contains_key(name) {
                return Err(Unusable(format!(
                    "users[{index}].features has {name:?}, which users[0] lacks: \
                     every user needs the same features"
                )));
            }
            if !value.is_finite() || value.abs() > LARGEST {
                return Err(Unusable(format!(
                    "users[{index}].features[{name:?}] must be a number within \u{b1}{LARGEST:e}"
                )));
            }
        }
    }
    Ok(())
}

/// Tells a deviation that is nothing but rounding.
fn is_constant(column: ArrayView1<'_, f64>, deviation: f64) -> bool {
    let largest = column
        .iter()
        .fold(0.0_f64, |largest, value| largest.max(value.abs()));
    deviation <= largest * 1e-13
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;

    pub(crate) fn profile(user_id: &str, features: &[(&str, f64)]) -> Profile {
        Profile {
            user_id: user_id.to_owned(),
            features: features
                .iter()
                .map(|&(name, value)| (name.to_owned(), value))
                .collect(),
        }
    }

    fn refusal(profiles: &[Profile]) -> String {
        Features::of(profiles).expect_err("a refusal").to_string()
    }

    #[test]
    fn gives_every_feature_mean_0_and_deviation_1() {
        let profiles = [
            profile("b", &[("age", 30.0), ("score", 0.1)]),
            profile("a", &[("age", 10.0), ("score", 0.3)]),
        ];
        let features = Features::of(&profiles).unwrap();
        assert_eq!(features.users, ["a", "b"]);
        let expected = [-1.0, 1.0];
        let row = features.matrix.row(0);
        assert!(
            row.iter()
                .zip(expected)
                .all(|(z, expected)| (z - expected).abs() < 1e-12)
        );
        let back = features.in_own_units(features.matrix.row(0));
        assert!((back["age"] - 10.0).abs() < 1e-12);
        assert!((back["score"] - 0.3).abs() < 1e-12);
    }

    #[test]
    fn leaves_a_constant_feature_out_of_every_distance() {
        let profiles: Vec<_> = ["a", "b", "c"]
            .iter()
            .zip([1.0, 2.0, 3.0])
            .map(|(id, x)| profile(id, &[("same", 0.1), ("x", x)]))
            .collect();
        let features = Features::of(&profiles).unwrap();
        assert_eq!(features.matrix.column(0).to_vec(), [0.0; 3]);
        assert_eq!(features.constant(), ["same"]);
        assert!((features.in_own_units(features.matrix.row(0))["same"] - 0.1).abs() < 1e-12);
    }

    #[test]
    fn counts_users_that_differ() {
        let profiles = [
            profile("a", &[("x", 1.0)]),
            profile("b", &[("x", 1.0)]),
            profile("c", &[("x", 2.0)]),
        ];
        assert_eq!(Features::of(&profiles).unwrap().distinct(), 2);
    }

    #[test]
    fn names_the_field_that_is_wrong() {
        let good = profile("a", &[("x", 1.0)]);
        assert!(refusal(&[]).contains("users must hold"));
        assert!(refusal(&[profile("a", &[])]).contains("users[0].features"));
        assert!(refusal(&[good.clone(), good.clone()]).contains("users[1].userId"));
        let lacking = profile("b", &[("y", 1.0)]);
        assert!(refusal(&[good.clone(), lacking]).contains("users[1].features lacks \"x\""));
        let more = profile("b", &[("x", 1.0), ("y", 1.0)]);
        assert!(refusal(&[good.clone(), more]).contains("users[1].features has \"y\""));
        for value in [f64::NAN, f64::INFINITY, -1e101] {
            let wild = profile("b", &[("x", value)]);
            assert!(refusal(&[good.clone(), wild]).contains("users[1].features[\"x\"]"));
        }
    }

    proptest! {
        #[test]
        fn never_leaves_the_range_of_a_number(
            values in proptest::collection::vec(-LARGEST..LARGEST, 1..20),
            tiny in proptest::bool::ANY,
        ) {
            let scale = if tiny { 1e-300 } else { 1.0 };
            let profiles: Vec<_> = values
                .iter()
                .enumerate()
                .map(|(index, value)| profile(&format!("u{index}"), &[("x", value * scale)]))
                .collect();
            let features = Features::of(&profiles).unwrap();
            prop_assert!(features.matrix.iter().all(|value| value.is_finite()));
        }
    }
}
