//! How many more rounds a topic is likely to need.

use crate::mastery::Parameters;

/// Cells between no mastery and the threshold.
const CELLS: usize = 256;

/// No forecast reaches further.
const HORIZON: usize = 1_000;

/// Probability that no longer matters to a count of rounds.
const NEGLIGIBLE: f64 = 1e-6;

/// Returns the expected number of rounds until mastery first reaches `threshold`.
///
/// The future answers are the model's own predictions. Mastery after n rounds is a distribution;
/// it is carried forward on a grid (each step splits a cell's weight over the two neighbours of
/// where it lands, which keeps the mean), and the expectation is the sum over n of the chance
/// that the threshold has not been reached yet.
///
/// `None` where most of a thousand rounds would not be enough.
pub(crate) fn rounds_to(threshold: f64, mastery: f64, parameters: Parameters) -> Option<f64> {
    if mastery >= threshold {
        return Some(0.0);
    }
    let mut waiting = vec![0.0; CELLS + 1];
    place(&mut waiting, mastery / threshold, 1.0);
    let mut expected = 0.0;
    for _ in 0..HORIZON {
        let left: f64 = waiting.iter().sum();
        if left < NEGLIGIBLE {
            return Some(expected);
        }
        expected += left;
        let mut next = vec![0.0; CELLS + 1];
        for (cell, &weight) in waiting.iter().enumerate() {
            if weight < NEGLIGIBLE * NEGLIGIBLE {
                continue;
            }
            let here = position(cell) * threshold;
            let right = parameters.predict(here);
            for (correct, chance) in [(true, right), (false, 1.0 - right)] {
                let landed = parameters.after(here, correct);
                if landed < threshold {
                    place(&mut next, landed / threshold, weight * chance);
                }
            }
        }
        waiting = next;
    }
    None
}

#[expect(clippy::cast_precision_loss, reason = "a cell's number is small")]
fn position(cell: usize) -> f64 {
    cell as f64 / CELLS as f64
}

/// Adds `weight` at `position` (0 to 1) to the two cells beside it.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a position from 0 to 1 names a small cell"
)]
fn place(cells: &mut [f64], position: f64, weight: f64) {
    let exact = position * CELLS as f64;
    let cell = (exact as usize).min(CELLS - 1);
    let upper = exact - cell as f64;
    cells[cell] += weight * (1.0 - upper);
    cells[cell + 1] += weight * upper;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn medium() -> Parameters {
        Parameters::new(0.2, 0.12, 0.1, 0.2).unwrap()
    }

    /// Plays the model against itself and averages.
    fn by_simulation(threshold: f64, start: f64, parameters: Parameters) -> f64 {
        let mut random = fastrand::Rng::with_seed(1994);
        let runs = 20_000;
        let mut rounds = 0_u32;
        for _ in 0..runs {
            let mut mastery = start;
            while mastery < threshold {
                let correct = random.f64() < parameters.predict(mastery);
                mastery = parameters.after(mastery, correct);
                rounds += 1;
            }
        }
        f64::from(rounds) / f64::from(runs)
    }

    #[test]
    fn agrees_with_playing_the_model_against_itself() {
        for (parameters, start) in [
            (medium(), 0.2),
            (medium(), 0.8),
            (Parameters::new(0.3, 0.2, 0.08, 0.25).unwrap(), 0.3),
            (Parameters::new(0.1, 0.08, 0.12, 0.15).unwrap(), 0.1),
        ] {
            let expected = rounds_to(0.95, start, parameters).unwrap();
            let simulated = by_simulation(0.95, start, parameters);
            assert!(
                (expected - simulated).abs() < 0.05 * simulated + 0.1,
                "{expected} is not {simulated}"
            );
        }
    }

    #[test]
    fn a_mastered_topic_needs_no_round() {
        assert_eq!(rounds_to(0.95, 0.95, medium()), Some(0.0));
    }

    #[test]
    fn more_mastery_needs_fewer_rounds() {
        let needed: Vec<_> = [0.05, 0.2, 0.5, 0.8, 0.94]
            .map(|start| rounds_to(0.95, start, medium()).unwrap())
            .into();
        assert!(needed.is_sorted_by(|a, b| a > b), "{needed:?}");
        assert!(needed[4] >= 1.0);
    }

    #[test]
    fn says_so_where_a_thousand_rounds_are_not_enough() {
        let slow = Parameters::new(0.01, 1e-6, 0.1, 0.2).unwrap();
        assert_eq!(rounds_to(0.95, 0.01, slow), None);
    }
}
