//! What the rounds of a topic add up to.

use jiff::Timestamp;

use crate::mastery::Parameters;

/// A topic's standing: everything here follows from the topic's rounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct State {
    pub(crate) mastery: f64,
    pub(crate) attempts: u32,
    pub(crate) correct: u32,
    /// Right answers in a row, up to now.
    pub(crate) streak: u32,
    pub(crate) last_practised: Option<Timestamp>,
}

impl State {
    /// Returns the standing before any round.
    pub(crate) fn new(parameters: Parameters) -> Self {
        Self {
            mastery: parameters.initial(),
            attempts: 0,
            correct: 0,
            streak: 0,
            last_practised: None,
        }
    }

    /// Returns the standing after one more round.
    #[must_use]
    pub(crate) fn after(self, parameters: Parameters, correct: bool, at: Timestamp) -> Self {
        Self {
            mastery: parameters.after(self.mastery, correct),
            attempts: self.attempts.saturating_add(1),
            correct: self.correct.saturating_add(u32::from(correct)),
            streak: if correct {
                self.streak.saturating_add(1)
            } else {
                0
            },
            last_practised: Some(at),
        }
    }
}

/// Returns `part` of `whole` as a fraction, or `None` of nothing.
#[expect(
    clippy::cast_precision_loss,
    reason = "there are far fewer rounds than 2^52"
)]
pub(crate) fn fraction(part: impl Into<u64>, whole: impl Into<u64>) -> Option<f64> {
    let (part, whole) = (part.into(), whole.into());
    (whole > 0).then(|| part as f64 / whole as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_rounds_and_breaks_a_streak_at_a_mistake() {
        let parameters = Parameters::new(0.2, 0.12, 0.1, 0.2).unwrap();
        let play = |answers: &[bool]| {
            answers
                .iter()
                .fold(State::new(parameters), |state, &correct| {
                    state.after(parameters, correct, Timestamp::UNIX_EPOCH)
                })
        };
        let state = play(&[true, true, false, true]);
        assert_eq!((state.attempts, state.correct, state.streak), (4, 3, 1));
        assert_eq!(play(&[true, true]).streak, 2);
        assert_eq!(play(&[true, false]).streak, 0);
        assert_eq!(play(&[true]).last_practised, Some(Timestamp::UNIX_EPOCH));
    }

    #[test]
    fn nothing_has_no_fraction() {
        assert_eq!(fraction(0_u32, 0_u32), None);
        assert_eq!(fraction(1_u32, 4_u32), Some(0.25));
    }
}
