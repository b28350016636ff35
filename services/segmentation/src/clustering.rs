//! Groups users by k-means++, with the number of groups given or chosen.
//!
//! D. Arthur, S. Vassilvitskii, "k-means++: the advantages of careful seeding", SODA 2007.

use linfa::{DatasetBase, traits::Fit};
use linfa_clustering::{KMeans, KMeansError, KMeansInit};
use ndarray::{Array2, ArrayView1, ArrayView2, Axis};
use rand_xoshiro::{Xoshiro256Plus, rand_core::SeedableRng};

use crate::silhouette::Distances;

/// Starts of each k-means, of which the best counts.
const RUNS: usize = 4;
const MAX_ITERATIONS: u64 = 200;
const TOLERANCE: f64 = 1e-7;

/// Points put into clusters. Clusters are numbered by size, largest first.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Clustering {
    pub(crate) centroids: Array2<f64>,
    /// The cluster of each point: the one whose centroid is nearest.
    pub(crate) membership: Vec<usize>,
    /// Each point's distance to each centroid.
    pub(crate) distances: Array2<f64>,
    /// The mean silhouette; `None` with a single cluster.
    pub(crate) silhouette: Option<f64>,
    /// The sum of the squared distances to the nearest centroid.
    pub(crate) inertia: f64,
}

/// Puts `points` into `k` clusters; fewer where a cluster would stay empty.
///
/// The same points, `k` and `seed` always give the same clusters.
///
/// # Errors
///
/// Where k-means finds no clustering at all, which numbers within range do not cause.
pub(crate) fn cluster(
    points: ArrayView2<'_, f64>,
    k: usize,
    seed: u64,
) -> Result<Clustering, KMeansError> {
    rated(points, k, seed, &Distances::between(points))
}

/// Puts `points` into the number of clusters, from 2 to `most`, with the best silhouette.
///
/// A tie goes to the smaller number. With `most` below 2 all points form one cluster.
///
/// # Errors
///
/// As [`cluster`].
pub(crate) fn cluster_best(
    points: ArrayView2<'_, f64>,
    most: usize,
    seed: u64,
) -> Result<Clustering, KMeansError> {
    let distances = Distances::between(points);
    let mut best = rated(points, most.min(2), seed, &distances)?;
    for k in 3..=most {
        let candidate = rated(points, k, seed, &distances)?;
        if candidate.silhouette > best.silhouette {
            best = candidate;
        }
    }
    Ok(best)
}

fn rated(
    points: ArrayView2<'_, f64>,
    k: usize,
    seed: u64,
    distances: &Distances,
) -> Result<Clustering, KMeansError> {
    let random = Xoshiro256Plus::seed_from_u64(seed);
    let model = KMeans::params_with_rng(k.max(1), random)
        .init_method(KMeansInit::KMeansPlusPlus)
        .n_runs(RUNS)
        .max_n_iterations(MAX_ITERATIONS)
        .tolerance(TOLERANCE)
        .fit(&DatasetBase::from(points))?;
    let mut clustering = Clustering::around(points, model.centroids());
    clustering.silhouette =
        distances.silhouette(&clustering.membership, clustering.centroids.nrows());
    Ok(clustering)
}

impl Clustering {
    /// Puts each point to the nearest of `centroids` and drops those left without a point.
    fn around(points: ArrayView2<'_, f64>, centroids: &Array2<f64>) -> Self {
        let nearest = |centroids: &Array2<f64>| -> Vec<usize> {
            let points = points.rows().into_iter();
            points.map(|point| nearest(point, centroids)).collect()
        };
        let mut sizes = vec![(0_usize, usize::MAX); centroids.nrows()];
        for (point, cluster) in nearest(centroids).into_iter().enumerate() {
            let (size, first) = &mut sizes[cluster];
            *size += 1;
            *first = point.min(*first);
        }
        let mut order: Vec<usize> = (0..sizes.len()).filter(|&c| sizes[c].0 > 0).collect();
        order.sort_by_key(|&cluster| (std::cmp::Reverse(sizes[cluster].0), sizes[cluster].1));

        let centroids = centroids.select(Axis(0), &order);
        let membership = nearest(&centroids);
        let distances = Array2::from_shape_fn((points.nrows(), centroids.nrows()), |(p, c)| {
            square(points.row(p), centroids.row(c)).sqrt()
        });
        let own = membership
            .iter()
            .enumerate()
            .map(|(point, &cluster)| distances[(point, cluster)]);
        let inertia = own.map(|distance| distance * distance).sum();
        Self {
            centroids,
            membership,
            distances,
            silhouette: None,
            inertia,
        }
    }
}

fn nearest(point: ArrayView1<'_, f64>, centroids: &Array2<f64>) -> usize {
    let squares = centroids
        .rows()
        .into_iter()
        .map(|centroid| square(point, centroid));
    let nearest = squares.enumerate().min_by(|a, b| a.1.total_cmp(&b.1));
    nearest.expect("there is at least one centroid").0
}

fn square(a: ArrayView1<'_, f64>, b: ArrayView1<'_, f64>) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum()
}

#[cfg(test)]
mod tests {
    use ndarray::array;
    use proptest::prelude::*;

    use super::*;

    fn groups() -> Array2<f64> {
        array![
            [0.0, 0.0],
            [0.1, 0.0],
            [0.0, 0.1],
            [0.1, 0.1],
            [5.0, 5.0],
            [5.1, 5.0],
            [5.0, 5.1],
            [0.0, 9.0],
            [0.1, 9.0],
        ]
    }

    #[test]
    fn finds_the_groups_that_are_there_and_numbers_them_by_size() {
        let clustering = cluster(groups().view(), 3, 7).unwrap();
        assert_eq!(clustering.membership, [0, 0, 0, 0, 1, 1, 1, 2, 2]);
        assert!(clustering.silhouette.unwrap() > 0.9);
        assert!((clustering.centroids[(0, 0)] - 0.05).abs() < 1e-6);
    }

    #[test]
    fn chooses_the_number_of_groups_that_are_there() {
        let clustering = cluster_best(groups().view(), 8, 7).unwrap();
        assert_eq!(clustering.centroids.nrows(), 3);
    }

    #[test]
    fn makes_no_empty_cluster_of_equal_points() {
        let clustering = cluster(array![[1.0], [1.0], [1.0]].view(), 2, 7).unwrap();
        assert_eq!(clustering.membership, [0, 0, 0]);
        assert_eq!(clustering.centroids.nrows(), 1);
        assert_eq!(clustering.silhouette, None);
    }

    #[test]
    fn puts_a_single_point_into_a_cluster_of_its_own() {
        let clustering = cluster_best(array![[3.0]].view(), 1, 7).unwrap();
        assert_eq!(clustering.membership, [0]);
        assert!(clustering.inertia < 1e-12);
    }

    fn points() -> impl Strategy<Value = Array2<f64>> {
        let row = proptest::collection::vec(-3.0..3.0_f64, 2);
        proptest::collection::vec(row, 1..25).prop_map(|rows| {
            let flat: Vec<f64> = rows.iter().flatten().copied().collect();
            Array2::from_shape_vec((rows.len(), 2), flat).unwrap()
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn every_point_is_nearest_to_its_own_centroid(points in points(), k in 1_usize..6) {
            let clustering = cluster(points.view(), k, 7).unwrap();
            prop_assert!(clustering.centroids.nrows() <= k);
            for (point, &own) in clustering.membership.iter().enumerate() {
                for (other, centroid) in clustering.centroids.rows().into_iter().enumerate() {
                    let distance = square(points.row(point), centroid).sqrt();
                    prop_assert!((clustering.distances[(point, other)] - distance).abs() < 1e-12);
                    prop_assert!(clustering.distances[(point, own)] <= distance);
                }
            }
            for cluster in 0..clustering.centroids.nrows() {
                prop_assert!(clustering.membership.contains(&cluster));
            }
        }

        #[test]
        fn the_same_points_and_seed_give_the_same_clusters(points in points(), seed: u64) {
            let first = cluster_best(points.view(), 4, seed).unwrap();
            prop_assert_eq!(cluster_best(points.view(), 4, seed).unwrap(), first);
        }
    }
}
