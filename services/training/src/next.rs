//! Chooses what to practise next: the weakest topic, sooner if it has waited long.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

/// The waiting time after which a topic counts as half stale, in seconds.
const HALF_STALE: f64 = 3.0 * 24.0 * 3600.0;

/// What the choice looks at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Standing {
    pub(crate) mastery: f64,
    pub(crate) last_practised: Option<Timestamp>,
}

/// Why a topic comes next.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Purpose {
    /// It is not mastered yet.
    Learn,
    /// Every topic is mastered, and this one has waited the longest.
    Review,
}

/// The chosen topic.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Choice {
    /// Its position among the standings.
    pub(crate) index: usize,
    pub(crate) purpose: Purpose,
    /// What was compared: higher goes first.
    pub(crate) score: f64,
    /// 0 for just practised, near 1 for long ago, 1 for never.
    pub(crate) staleness: f64,
}

/// Returns what to practise at `now`, or `None` where there is no topic.
///
/// Among the topics below `threshold`, the one with the largest `(1 − mastery) × (1 + staleness)`:
/// waiting can at most double a topic's weight, so mastery decides between topics far apart and
/// waiting between close ones. Once all are mastered, the stalest. The first of equals wins.
pub(crate) fn choose(standings: &[Standing], threshold: f64, now: Timestamp) -> Option<Choice> {
    let scored = |purpose| {
        move |(index, standing): (usize, &Standing)| {
            let staleness = staleness(standing.last_practised, now);
            let score = match purpose {
                Purpose::Learn => (1.0 - standing.mastery) * (1.0 + staleness),
                Purpose::Review => staleness,
            };
            Choice {
                index,
                purpose,
                score,
                staleness,
            }
        }
    };
    let unlearnt = |&(_, standing): &(usize, &Standing)| standing.mastery < threshold;
    let all = || standings.iter().enumerate();
    first_best(all().filter(unlearnt).map(scored(Purpose::Learn)))
        .or_else(|| first_best(all().map(scored(Purpose::Review))))
}

fn first_best(choices: impl Iterator<Item = Choice>) -> Option<Choice> {
    choices.reduce(|best, next| if next.score > best.score { next } else { best })
}

fn staleness(last_practised: Option<Timestamp>, now: Timestamp) -> f64 {
    last_practised.map_or(1.0, |then| {
        // A clock that was set back makes no topic fresher than fresh.
        let waited = now.duration_since(then).as_secs_f64().max(0.0);
        1.0 - (-waited / HALF_STALE).exp2()
    })
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp::constant(1_763_000_000, 0);

    fn standing(mastery: f64, hours_ago: Option<i64>) -> Standing {
        Standing {
            mastery,
            last_practised: hours_ago.map(|hours| NOW - SignedDuration::from_hours(hours)),
        }
    }

    fn chosen(standings: &[Standing]) -> usize {
        choose(standings, 0.95, NOW).unwrap().index
    }

    #[test]
    fn the_weakest_goes_first_among_equally_stale() {
        let standings = [(0.6, 1), (0.2, 1), (0.4, 1)].map(|(m, h)| standing(m, Some(h)));
        assert_eq!(chosen(&standings), 1);
    }

    #[test]
    fn a_topic_that_has_waited_overtakes_a_slightly_weaker_one() {
        assert_eq!(
            chosen(&[standing(0.40, Some(0)), standing(0.45, Some(72))]),
            1
        );
        assert_eq!(
            chosen(&[standing(0.10, Some(0)), standing(0.80, Some(72))]),
            0
        );
    }

    #[test]
    fn the_first_of_equals_wins() {
        assert_eq!(chosen(&[standing(0.2, None), standing(0.2, None)]), 0);
    }

    #[test]
    fn reviews_the_stalest_once_all_is_mastered() {
        let standings = [
            standing(0.99, Some(1)),
            standing(0.97, Some(30)),
            standing(0.96, Some(2)),
        ];
        let choice = choose(&standings, 0.95, NOW).unwrap();
        assert_eq!((choice.index, choice.purpose), (1, Purpose::Review));
    }

    #[test]
    fn a_clock_set_back_counts_as_just_practised() {
        let choice = choose(&[standing(0.5, Some(-5))], 0.95, NOW).unwrap();
        assert!(choice.staleness.abs() < f64::EPSILON);
    }

    #[test]
    fn chooses_nothing_from_nothing() {
        assert_eq!(choose(&[], 0.95, NOW), None);
    }

    proptest! {
        #[test]
        fn never_a_mastered_topic_while_one_is_not(
            topics in prop::collection::vec((0.0..1.0, prop::option::of(0_i64..10_000)), 1..40),
        ) {
            let standings: Vec<_> = topics.iter().map(|&(m, h)| standing(m, h)).collect();
            let choice = choose(&standings, 0.95, NOW).unwrap();
            let open = topics.iter().any(|&(mastery, _)| mastery < 0.95);
            prop_assert_eq!(choice.purpose == Purpose::Learn, open);
            prop_assert_eq!(standings[choice.index].mastery < 0.95, open);
        }
    }
}
