//! The standard normal distribution.

use std::f64::consts::SQRT_2;

/// Returns the chance of a value above `z`.
pub(crate) fn upper_tail(z: f64) -> f64 {
    0.5 * libm::erfc(z / SQRT_2)
}

/// Returns the z that a value exceeds with chance `tail`, between 0 and 1.
///
/// Found by halving: the tail falls strictly, and it is asked for once a request.
pub(crate) fn z_of_tail(tail: f64) -> f64 {
    let (mut low, mut high) = (-38.0, 38.0);
    for _ in 0..80 {
        let middle = f64::midpoint(low, high);
        if upper_tail(middle) > tail {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_tables() {
        for (z, tail) in [
            (0.0, 0.5),
            (1.0, 0.158_655_253_931),
            (1.959_963_984_54, 0.025),
            (2.575_829_303_55, 0.005),
            (-1.0, 0.841_344_746_069),
        ] {
            assert!((upper_tail(z) - tail).abs() < 1e-11);
            assert!((z_of_tail(tail) - z).abs() < 1e-9);
        }
    }
}
