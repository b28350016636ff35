//! Bayesian Knowledge Tracing: how sure we may be that a topic is known, round by round.
//!
//! The model is Corbett and Anderson, "Knowledge tracing: Modeling the acquisition of procedural
//! knowledge" (1994): a topic is either known or not; each round may teach it; a round shows it
//! through noise. Two hidden states, four parameters, one number to keep.

use std::{error, fmt};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The surest the model ever is.
///
/// At exactly 1 no number of mistakes could move it again.
pub(crate) const CEILING: f64 = 0.9999;

/// The four numbers of the model.
///
/// They cannot describe a degenerate model, in which mistakes would be a sign of knowledge.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize, ToSchema)]
#[serde(try_from = "Unchecked")]
pub(crate) struct Parameters {
    /// P(L0): the topic is known before the first round.
    known: f64,
    /// P(T): a round teaches a topic that was not known.
    learn: f64,
    /// P(S): a wrong answer although the topic is known.
    slip: f64,
    /// P(G): a right answer although the topic is not known.
    guess: f64,
}

/// The numbers describe no model that could learn from answers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Degenerate {
    /// A probability that must lie strictly between two bounds does not.
    OutOfRange { name: &'static str, below: f64 },
    /// A round teaches so much that a wrong answer would raise an even estimate.
    WrongAnswersTeach,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unchecked {
    known: f64,
    learn: f64,
    slip: f64,
    guess: f64,
}

impl Parameters {
    /// Takes P(L0), P(T), P(S) and P(G).
    ///
    /// # Errors
    ///
    /// Returns [`Degenerate`] where a probability is 0, 1 or none at all, where a slip or a guess
    /// is as likely as not (Baker, Corbett and Aleven 2008), or where a wrong answer would raise
    /// an estimate of one half.
    pub(crate) fn new(known: f64, learn: f64, slip: f64, guess: f64) -> Result<Self, Degenerate> {
        let bounds = [
            ("known", known, CEILING),
            ("learn", learn, 1.0),
            ("slip", slip, 0.5),
            ("guess", guess, 0.5),
        ];
        for (name, value, below) in bounds {
            // Written so that NaN fails.
            if !(value > 0.0 && value < below) {
                return Err(Degenerate::OutOfRange { name, below });
            }
        }
        let parameters = Self {
            known,
            learn,
            slip,
            guess,
        };
        if parameters.after(0.5, false) > 0.5 {
            return Err(Degenerate::WrongAnswersTeach);
        }
        Ok(parameters)
    }

    /// Returns the mastery before any round.
    pub(crate) fn initial(self) -> f64 {
        self.known
    }

    /// Returns how likely a right answer is, at `mastery`.
    pub(crate) fn predict(self, mastery: f64) -> f64 {
        mastery * (1.0 - self.slip) + (1.0 - mastery) * self.guess
    }

    /// Returns the mastery after one more round, at most [`CEILING`].
    pub(crate) fn after(self, mastery: f64, correct: bool) -> f64 {
        let (if_known, if_not) = if correct {
            (1.0 - self.slip, self.guess)
        } else {
            (self.slip, 1.0 - self.guess)
        };
        let known = mastery * if_known;
        let seen = known / (known + (1.0 - mastery) * if_not);
        (seen + (1.0 - seen) * self.learn).min(CEILING)
    }

    /// Returns the four numbers in the order of [`Parameters::new`].
    pub(crate) fn as_array(self) -> [f64; 4] {
        [self.known, self.learn, self.slip, self.guess]
    }
}

impl TryFrom<Unchecked> for Parameters {
    type Error = Degenerate;

    fn try_from(raw: Unchecked) -> Result<Self, Degenerate> {
        Self::new(raw.known, raw.learn, raw.slip, raw.guess)
    }
}

impl fmt::Display for Degenerate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfRange { name, below } => {
                write!(f, "`{name}` must be more than 0 and less than {below}")
            }
            Self::WrongAnswersTeach => {
                f.write_str("`learn` is so large that a wrong answer would raise a mastery of 0.5")
            }
        }
    }
}

impl error::Error for Degenerate {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parameters() -> impl Strategy<Value = Parameters> {
        (0.01..0.9, 0.01..0.4, 0.01..0.45, 0.01..0.45)
            .prop_filter_map("degenerate", |(l, t, s, g)| {
                Parameters::new(l, t, s, g).ok()
            })
    }

    /// The chance that the topic is known after `answers`, by summing over every hidden path.
    fn by_enumeration([known, learn, slip, guess]: [f64; 4], answers: &[bool]) -> f64 {
        let (mut ends_known, mut all) = (0.0, 0.0);
        // Bit i of a path: the topic is known when round i is asked; the last bit: afterwards.
        for path in 0_u32..1 << (answers.len() + 1) {
            let is_known = |round: usize| path >> round & 1 == 1;
            let mut chance = if is_known(0) { known } else { 1.0 - known };
            for (round, &correct) in answers.iter().enumerate() {
                chance *= match (is_known(round), correct) {
                    (true, true) => 1.0 - slip,
                    (true, false) => slip,
                    (false, true) => guess,
                    (false, false) => 1.0 - guess,
                };
                chance *= match (is_known(round), is_known(round + 1)) {
                    (true, true) => 1.0,
                    (true, false) => 0.0,
                    (false, true) => learn,
                    (false, false) => 1.0 - learn,
                };
            }
            all += chance;
            if is_known(answers.len()) {
                ends_known += chance;
            }
        }
        ends_known / all
    }

    proptest! {
        #[test]
        fn equals_the_sum_over_every_hidden_path(
            parameters in parameters(),
            answers in prop::collection::vec(any::<bool>(), 0..9),
        ) {
            let mut mastery = parameters.initial();
            for (round, &correct) in answers.iter().enumerate() {
                mastery = parameters.after(mastery, correct);
                if mastery >= CEILING {
                    return Ok(());
                }
                let naive = by_enumeration(parameters.as_array(), &answers[..=round]);
                prop_assert!((mastery - naive).abs() < 1e-9, "{mastery} is not {naive}");
            }
        }

        #[test]
        fn stays_a_probability_and_is_never_certain(
            parameters in parameters(),
            answers in prop::collection::vec(any::<bool>(), 0..200),
        ) {
            let mut mastery = parameters.initial();
            for correct in answers {
                mastery = parameters.after(mastery, correct);
                prop_assert!(mastery > 0.0 && mastery <= CEILING);
            }
        }

        #[test]
        fn a_right_answer_raises_and_beats_a_wrong_one(
            parameters in parameters(),
            mastery in 0.001..0.99,
        ) {
            let right = parameters.after(mastery, true);
            prop_assert!(right > mastery);
            prop_assert!(right > parameters.after(mastery, false));
        }

        #[test]
        fn more_mastery_before_is_more_mastery_after(
            parameters in parameters(),
            low in 0.001..0.99,
            high in 0.001..0.99,
            correct: bool,
        ) {
            prop_assume!(low < high);
            prop_assert!(parameters.after(low, correct) <= parameters.after(high, correct));
        }

        #[test]
        fn prediction_lies_between_guessing_and_not_slipping(
            parameters in parameters(),
            mastery in 0.0..1.0,
        ) {
            let [_, _, slip, guess] = parameters.as_array();
            let chance = parameters.predict(mastery);
            prop_assert!(chance >= guess - 1e-12 && chance <= 1.0 - slip + 1e-12);
        }

        #[test]
        fn wrong_answers_alone_never_reach_an_even_estimate(parameters in parameters()) {
            let mut mastery = parameters.initial().min(0.5);
            for _ in 0..200 {
                mastery = parameters.after(mastery, false);
                prop_assert!(mastery <= 0.5);
            }
        }
    }

    #[test]
    fn mistakes_bring_the_surest_estimate_down_again() {
        let parameters = Parameters::new(0.2, 0.12, 0.1, 0.2).unwrap();
        let mut mastery = 0.2;
        for _ in 0..10_000 {
            mastery = parameters.after(mastery, true);
        }
        for _ in 0..6 {
            mastery = parameters.after(mastery, false);
        }
        assert!(mastery < 0.5, "{mastery}");
    }

    #[test]
    fn refuses_degenerate_models_by_name() {
        for (raw, name) in [
            ([0.0, 0.1, 0.1, 0.2], "known"),
            ([1.0, 0.1, 0.1, 0.2], "known"),
            ([0.2, 0.0, 0.1, 0.2], "learn"),
            ([0.2, f64::NAN, 0.1, 0.2], "learn"),
            ([0.2, 0.1, 0.5, 0.2], "slip"),
            ([0.2, 0.1, -0.1, 0.2], "slip"),
            ([0.2, 0.1, 0.1, 0.5], "guess"),
            ([0.2, 0.1, 0.1, f64::INFINITY], "guess"),
            ([0.2, 0.6, 0.1, 0.2], "learn"),
        ] {
            let [known, learn, slip, guess] = raw;
            let error = Parameters::new(known, learn, slip, guess).unwrap_err();
            assert!(
                error.to_string().contains(&format!("`{name}`")),
                "{raw:?}: {error}"
            );
        }
    }
}
