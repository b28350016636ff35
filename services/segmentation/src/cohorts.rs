//! Cohorts of users: a clustering in the users' own terms.

use std::{cmp::Ordering, collections::BTreeMap};

use jiff::Timestamp;
use linfa_clustering::KMeansError;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    clustering::{self, Clustering},
    features::{Features, Profile, Unusable},
    traits::{Trait, traits},
};

/// The most traits shown for a cohort.
const TRAITS: usize = 3;

/// A clustering as a whole.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Run {
    #[schema(value_type = String, format = DateTime)]
    pub(crate) time: Timestamp,
    pub(crate) users: usize,
    /// The number of cohorts.
    pub(crate) k: usize,
    /// The number that was asked for; `null` where it was chosen by the silhouette.
    pub(crate) requested_k: Option<usize>,
    /// The mean silhouette, from -1 to 1; `null` with a single cohort.
    pub(crate) silhouette: Option<f64>,
    /// The sum of the squared distances between users and their cohort's centroid.
    pub(crate) inertia: f64,
    pub(crate) features: Vec<String>,
    /// Features that are the same for every user and so tell nobody apart.
    pub(crate) constant_features: Vec<String>,
}

/// Users who are alike.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Cohort {
    /// `cohort-1` is the largest.
    #[serde(rename = "cohort")]
    pub(crate) name: String,
    pub(crate) size: usize,
    /// The mean of each feature, in its own unit.
    pub(crate) centroid: BTreeMap<String, f64>,
    /// Where the cohort differs most from all users.
    pub(crate) traits: Vec<Trait>,
    pub(crate) users: Vec<String>,
}

/// A user's place among the cohorts.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Member {
    pub(crate) user_id: String,
    pub(crate) cohort: String,
    /// Distance to each cohort's centroid, in standard deviations over all features together.
    pub(crate) distances: BTreeMap<String, f64>,
}

/// Everything a clustering found.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Grouping {
    pub(crate) run: Run,
    pub(crate) cohorts: Vec<Cohort>,
    pub(crate) members: Vec<Member>,
}

/// How many cohorts to make.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Wanted {
    /// Exactly this many, or nothing.
    Exactly(usize),
    /// This many, or as many as there are users that differ.
    UpTo(usize),
    /// The number, up to this one, with the best silhouette.
    Best(usize),
}

/// Why there is no grouping.
#[derive(Debug)]
pub(crate) enum Ungrouped {
    Unusable(Unusable),
    /// More cohorts were asked for than users differ.
    TooMany {
        distinct: usize,
    },
    Failed(KMeansError),
}

/// Groups users; the same users, `wanted` and `seed` always give the same cohorts.
pub(crate) fn group(
    profiles: &[Profile],
    wanted: Wanted,
    seed: u64,
    time: Timestamp,
) -> Result<Grouping, Ungrouped> {
    let features = Features::of(profiles).map_err(Ungrouped::Unusable)?;
    let distinct = features.distinct();
    let points = features.matrix.view();
    let clustering = match wanted {
        Wanted::Exactly(k) if k > distinct => return Err(Ungrouped::TooMany { distinct }),
        Wanted::Exactly(k) | Wanted::UpTo(k) => clustering::cluster(points, k.min(distinct), seed),
        // With as many cohorts as users, all silhouettes are 0: one fewer is the most to try.
        Wanted::Best(most) => clustering::cluster_best(points, most.min(distinct - 1).max(1), seed),
    };
    let clustering = clustering.map_err(Ungrouped::Failed)?;
    Ok(in_users_terms(&features, &clustering, wanted, time))
}

fn in_users_terms(
    features: &Features,
    clustering: &Clustering,
    wanted: Wanted,
    time: Timestamp,
) -> Grouping {
    let members: Vec<Member> = features
        .users
        .iter()
        .zip(&clustering.membership)
        .zip(clustering.distances.rows())
        .map(|((user, &cluster), distances)| Member {
            user_id: user.clone(),
            cohort: name(cluster),
            distances: distances
                .iter()
                .copied()
                .enumerate()
                .map(|(c, d)| (name(c), d))
                .collect(),
        })
        .collect();
    let cohorts: Vec<Cohort> = clustering
        .centroids
        .rows()
        .into_iter()
        .enumerate()
        .map(|(cluster, centroid)| {
            let name = name(cluster);
            let own = members.iter().filter(|member| member.cohort == name);
            let users: Vec<String> = own.map(|member| member.user_id.clone()).collect();
            Cohort {
                size: users.len(),
                centroid: features.in_own_units(centroid),
                traits: traits(centroid, &features.names, TRAITS),
                users,
                name,
            }
        })
        .collect();
    let run = Run {
        time,
        users: members.len(),
        k: cohorts.len(),
        requested_k: match wanted {
            Wanted::Exactly(k) | Wanted::UpTo(k) => Some(k),
            Wanted::Best(_) => None,
        },
        silhouette: clustering.silhouette,
        inertia: clustering.inertia,
        features: features.names.clone(),
        constant_features: features.constant(),
    };
    Grouping {
        run,
        cohorts,
        members,
    }
}

impl Member {
    /// Returns the cohorts from the nearest to the farthest.
    pub(crate) fn nearest_first(&self) -> Vec<(&str, f64)> {
        let mut cohorts: Vec<(&str, f64)> = self
            .distances
            .iter()
            .map(|(cohort, &distance)| (cohort.as_str(), distance))
            .collect();
        // The user's own comes first also where another is equally near.
        let own = |cohort: &str| {
            if cohort == self.cohort {
                Ordering::Less
            } else {
                Ordering::Greater
            }
        };
        cohorts.sort_by(|a, b| a.1.total_cmp(&b.1).then_with(|| own(a.0)));
        cohorts
    }
}

fn name(cluster: usize) -> String {
    format!("cohort-{}", cluster + 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::features::tests::profile;

    fn learners() -> Vec<Profile> {
        let mut profiles = Vec::new();
        for n in 0..6_i32 {
            let jitter = f64::from(n) / 10.0;
            let features = [("pace", 1.0 + jitter), ("score", 0.2 + jitter / 10.0)];
            profiles.push(profile(&format!("slow-{n}"), &features));
        }
        for n in 0..4_i32 {
            let jitter = f64::from(n) / 10.0;
            let features = [("pace", 9.0 + jitter), ("score", 0.8 + jitter / 10.0)];
            profiles.push(profile(&format!("fast-{n}"), &features));
        }
        profiles
    }

    #[test]
    fn describes_each_cohort_in_the_features_own_units() {
        let grouping = group(&learners(), Wanted::Best(6), 42, Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!((grouping.run.k, grouping.run.requested_k), (2, None));
        let [slow, fast] = &grouping.cohorts[..] else {
            panic!("two cohorts");
        };
        assert_eq!((slow.size, fast.size), (6, 4));
        assert!(slow.users.iter().all(|user| user.starts_with("slow")));
        assert!((slow.centroid["pace"] - 1.25).abs() < 1e-6);
        assert!((fast.centroid["pace"] - 9.15).abs() < 1e-6);
        assert!(fast.traits.iter().all(|t| t.deviations > 1.0));
        let member = grouping
            .members
            .iter()
            .find(|m| m.user_id == "fast-0")
            .unwrap();
        let order: Vec<&str> = member.nearest_first().into_iter().map(|(c, _)| c).collect();
        assert_eq!(order, ["cohort-2", "cohort-1"]);
    }

    #[test]
    fn makes_no_more_cohorts_than_users_differ() {
        let same = [profile("a", &[("x", 1.0)]), profile("b", &[("x", 1.0)])];
        let exact = group(&same, Wanted::Exactly(2), 42, Timestamp::UNIX_EPOCH);
        assert!(matches!(exact, Err(Ungrouped::TooMany { distinct: 1 })));
        for wanted in [Wanted::UpTo(2), Wanted::Best(2)] {
            let grouping = group(&same, wanted, 42, Timestamp::UNIX_EPOCH).unwrap();
            assert_eq!((grouping.run.k, grouping.run.silhouette), (1, None));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn the_order_of_the_users_changes_nothing(
            shuffled in Just(learners()).prop_shuffle(),
            k in 1_usize..5,
        ) {
            let grouped = |profiles: &[Profile]| {
                group(profiles, Wanted::Exactly(k), 42, Timestamp::UNIX_EPOCH).unwrap()
            };
            prop_assert_eq!(grouped(&shuffled), grouped(&learners()));
        }
    }
}
