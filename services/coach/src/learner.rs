//! A simulated learner: how the outcome of a practice round arises.
//!
//! The learner is exactly as good as training believes: it answers right with the probability
//! that training's model predicts. Its answers come from a seed and the number of the round, so
//! a coach that was restarted goes on as if it had not been.

use fastrand::Rng;

/// Decides the answer to round number `round`, right with probability `chance`.
pub(crate) fn answers_right(seed: u64, round: u64, chance: f64) -> bool {
    // Neighbouring seeds start alike; an odd factor moves consecutive rounds far apart.
    let stream = seed ^ round.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    Rng::with_seed(stream).f64() < chance
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn share(chosen: impl Iterator<Item = u32>, of: u32) -> f64 {
        f64::from(u32::try_from(chosen.count()).unwrap()) / f64::from(of)
    }

    #[test]
    fn is_right_as_often_as_predicted() {
        for chance in [0.0, 0.2, 0.5, 0.9, 1.0] {
            let rounds = 20_000_u32;
            let right = (0..rounds).filter(|&round| answers_right(7, round.into(), chance));
            let share = share(right, rounds);
            assert!((share - chance).abs() < 0.015, "{share} for {chance}");
        }
    }

    #[test]
    fn one_answer_says_nothing_about_the_next() {
        let rounds = 20_000_u32;
        let answer = |round: u32| answers_right(3, round.into(), 0.5);
        let pairs = (0..rounds).filter(|&round| answer(round) == answer(round + 1));
        let share = share(pairs, rounds);
        assert!((share - 0.5).abs() < 0.02, "{share}");
    }

    proptest! {
        #[test]
        fn the_same_seed_and_round_give_the_same_answer(seed: u64, round: u64, chance in 0.0..1.0) {
            prop_assert_eq!(answers_right(seed, round, chance), answers_right(seed, round, chance));
        }
    }
}
