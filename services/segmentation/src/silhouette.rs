//! Rates a clustering by its silhouette.
//!
//! P. J. Rousseeuw, "Silhouettes: a graphical aid to the interpretation and validation of cluster
//! analysis", Journal of Computational and Applied Mathematics 20, 1987. A point alone in its
//! cluster counts 0, as in the paper: otherwise the best clustering would be one point each.

use ndarray::ArrayView2;

/// The distances between all pairs of points, kept to rate many clusterings of the same points.
#[derive(Debug)]
pub(crate) struct Distances {
    points: usize,
    // The rows of the full, symmetric matrix.
    rows: Vec<f64>,
}

impl Distances {
    /// Measures every pair of `points`.
    pub(crate) fn between(points: ArrayView2<'_, f64>) -> Self {
        let n = points.nrows();
        let mut rows = vec![0.0; n * n];
        for a in 0..n {
            for b in a + 1..n {
                let pair = points.row(a).into_iter().zip(points.row(b));
                let distance = pair.map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
                rows[a * n + b] = distance;
                rows[b * n + a] = distance;
            }
        }
        Self { points: n, rows }
    }

    /// Returns the mean silhouette, from -1 to 1, of the points put into `clusters` clusters.
    ///
    /// `None` with fewer than two clusters that hold a point: there is nothing to tell apart.
    pub(crate) fn silhouette(&self, membership: &[usize], clusters: usize) -> Option<f64> {
        let mut sizes = vec![0_u32; clusters];
        for &cluster in membership {
            sizes[cluster] += 1;
        }
        if sizes.iter().filter(|&&size| size > 0).count() < 2 {
            return None;
        }
        let mut total = 0.0;
        for (point, row) in self.rows.chunks_exact(self.points).enumerate() {
            total += silhouette(row, membership, membership[point], &sizes);
        }
        let points = sizes.iter().copied().map(f64::from).sum::<f64>();
        Some(total / points)
    }
}

fn silhouette(row: &[f64], membership: &[usize], own: usize, sizes: &[u32]) -> f64 {
    if sizes[own] == 1 {
        return 0.0;
    }
    let mut sums = vec![0.0; sizes.len()];
    for (&distance, &cluster) in row.iter().zip(membership) {
        sums[cluster] += distance;
    }
    let within = sums[own] / f64::from(sizes[own] - 1);
    let others = (0..sizes.len()).filter(|&cluster| cluster != own && sizes[cluster] > 0);
    let nearest = others
        .map(|cluster| sums[cluster] / f64::from(sizes[cluster]))
        .fold(f64::INFINITY, f64::min);
    let larger = within.max(nearest);
    if larger == 0.0 {
        0.0
    } else {
        (nearest - within) / larger
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn is_high_for_two_far_groups_and_negative_for_mixed_ones() {
        let points = array![[0.0], [1.0], [10.0], [11.0]];
        let distances = Distances::between(points.view());
        // By hand: a = 1, b = 10.5 and 9.5, for the other group alike.
        let expected = f64::midpoint(1.0 - 1.0 / 10.5, 1.0 - 1.0 / 9.5);
        let apart = distances.silhouette(&[0, 0, 1, 1], 2).unwrap();
        assert!((apart - expected).abs() < 1e-12);
        assert!(distances.silhouette(&[0, 1, 0, 1], 2).unwrap() < 0.0);
    }

    #[test]
    fn counts_a_point_alone_as_nothing() {
        let distances = Distances::between(array![[0.0], [1.0], [2.0]].view());
        assert_eq!(distances.silhouette(&[0, 1, 2], 3), Some(0.0));
    }

    #[test]
    fn is_unknown_for_a_single_cluster_and_0_for_equal_points() {
        let distances = Distances::between(array![[1.0], [1.0], [1.0], [1.0]].view());
        assert_eq!(distances.silhouette(&[0, 0, 0, 0], 2), None);
        assert_eq!(distances.silhouette(&[0, 0, 1, 1], 2), Some(0.0));
    }
}
