//! Orders providers: price and latency in one figure.
//!
//! Failures have no part in it: the breakers tell what is not to be called, and a provider that is back is
//! wanted as it was before.

use std::time::Duration;

use crate::{criticality::Criticality, money::Money};

/// What the choice between providers rests on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Prospect {
    /// What the call is expected to cost.
    pub(crate) cost: Money,
    /// How long recent answers took; `None` before the first one.
    pub(crate) latency: Option<Duration>,
    /// Whether a call could start at once.
    pub(crate) free: bool,
}

impl Prospect {
    /// Returns what an answer is expected to cost in micro-dollars, all told: the less the better.
    ///
    /// Time is priced by how much the call matters. A provider that was never called counts as
    /// instant, so that it gets a call and with it a figure of its own.
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    pub(crate) fn score(&self, criticality: Criticality) -> f64 {
        let seconds = self.latency.unwrap_or_default().as_secs_f64();
        self.cost.micros() as f64 + second_is_worth(criticality) * seconds
    }
}

/// Returns the indices of `prospects`, best first.
///
/// Providers that could start at once come before those with a queue; where two are equal, the
/// one that was configured first leads.
pub(crate) fn rank(prospects: &[Prospect], criticality: Criticality) -> Vec<usize> {
    let mut order: Vec<usize> = (0..prospects.len()).collect();
    order.sort_by(|&a, &b| {
        let (a, b) = (&prospects[a], &prospects[b]);
        let by_score = || a.score(criticality).total_cmp(&b.score(criticality));
        b.free.cmp(&a.free).then_with(by_score)
    });
    order
}

/// What a second of waiting is worth, in micro-dollars.
fn second_is_worth(criticality: Criticality) -> f64 {
    match criticality {
        Criticality::Low => 10.0,
        Criticality::Normal => 100.0,
        Criticality::High => 1_000.0,
        Criticality::Critical => 10_000.0,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn prospect(micros: u64, millis: u64) -> Prospect {
        Prospect {
            cost: Money::from_micros(micros),
            latency: Some(Duration::from_millis(millis)),
            free: true,
        }
    }

    #[test]
    fn what_matters_more_pays_for_speed() {
        let cheap_and_slow = prospect(100, 2_000);
        let dear_and_fast = prospect(900, 100);
        let prospects = [cheap_and_slow, dear_and_fast];
        assert_eq!(rank(&prospects, Criticality::Low), [0, 1]);
        assert_eq!(rank(&prospects, Criticality::Critical), [1, 0]);
    }

    #[test]
    fn the_one_configured_first_leads_where_two_are_equal() {
        let prospects = [prospect(7, 7), prospect(7, 7)];
        assert_eq!(rank(&prospects, Criticality::Normal), [0, 1]);
    }

    #[test]
    fn a_free_provider_comes_before_a_cheaper_one_with_a_queue() {
        let busy = Prospect {
            free: false,
            ..prospect(1, 1)
        };
        assert_eq!(rank(&[busy, prospect(500, 500)], Criticality::Low), [1, 0]);
    }

    proptest! {
        #[test]
        fn a_provider_better_in_every_way_leads(
            micros in 0..10_000u64, millis in 0..10_000u64,
        ) {
            let worse = prospect(micros + 1, millis + 1);
            let better = prospect(micros, millis);
            for criticality in Criticality::ALL {
                prop_assert_eq!(rank(&[worse, better], criticality), vec![1, 0]);
            }
        }
    }
}
