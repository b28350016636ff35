//! A figure, and the largest that it may be.

use std::fmt;

/// What was measured, and what it may be at the most.
#[derive(Clone, Debug)]
pub struct Bound {
    measure: String,
    figure: f64,
    // The largest figure that keeps it.
    most: f64,
}

impl Bound {
    /// Allows `measure` to be `most`, where it is `figure`.
    pub fn new(measure: impl Into<String>, figure: f64, most: f64) -> Self {
        Self {
            measure: measure.into(),
            figure,
            most,
        }
    }

    /// Returns whether the bound is kept.
    pub fn holds(&self) -> bool {
        self.figure <= self.most
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.holds() { "ok" } else { "short" };
        // Down to what decides: a figure just above its bound must not look equal to it.
        let figure = (self.figure * 1000.0).ceil() / 1000.0;
        write!(f, "{verdict:5} {} {figure} {}", self.measure, self.most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_at_its_bound_keeps_it_and_one_above_does_not() {
        let kept = Bound::new("ratio", 0.5, 0.5);
        assert!(kept.holds());
        assert_eq!(kept.to_string(), "ok    ratio 0.5 0.5");
        let broken = Bound::new("ratio", 0.50001, 0.5);
        assert!(!broken.holds());
        assert_eq!(broken.to_string(), "short ratio 0.501 0.5");
    }

    #[test]
    fn what_was_not_measured_keeps_no_bound() {
        assert!(!Bound::new("ratio", f64::NAN, 1.0).holds());
    }
}
