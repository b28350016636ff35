//! What makes a cohort: the features in which it lies farthest from the average user.

use ndarray::ArrayView1;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A quarter of a standard deviation: less is nothing to speak of.
const NOTICEABLE: f64 = 0.25;

/// A feature in which a cohort differs.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, ToSchema)]
pub(crate) struct Trait {
    pub(crate) feature: String,
    /// Standard deviations above, or below, the mean over all users.
    pub(crate) deviations: f64,
}

/// Returns the `most` strongest traits of a standardised centroid, strongest first.
pub(crate) fn traits(centroid: ArrayView1<'_, f64>, names: &[String], most: usize) -> Vec<Trait> {
    let mut traits: Vec<Trait> = names
        .iter()
        .zip(centroid)
        .filter(|&(_, deviations)| deviations.abs() > NOTICEABLE)
        .map(|(feature, &deviations)| Trait {
            feature: feature.clone(),
            deviations,
        })
        .collect();
    traits.sort_by(|a, b| b.deviations.abs().total_cmp(&a.deviations.abs()));
    traits.truncate(most);
    traits
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn names_the_strongest_traits_first_and_leaves_out_the_average() {
        let names = ["age", "pace", "score", "visits"].map(str::to_owned);
        let traits = traits(array![0.4, 0.1, -1.5, 0.9].view(), &names, 2);
        let shown: Vec<&str> = traits.iter().map(|t| t.feature.as_str()).collect();
        assert_eq!(shown, ["score", "visits"]);
        assert!((traits[0].deviations + 1.5).abs() < 1e-12);
    }
}
