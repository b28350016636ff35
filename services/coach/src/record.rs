//! What a coach remembers: whether it runs, how, and what it has done.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::settings::CoachSettings;

/// Everything about the coach that outlives the process.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Record {
    /// Since when it runs, if it does.
    pub(crate) running_since: Option<Timestamp>,
    pub(crate) fast_lane: Option<FastLane>,
    pub(crate) settings: CoachSettings,
    pub(crate) counters: Counters,
}

/// A shorter interval for a while.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FastLane {
    /// When the usual interval comes back.
    #[schema(value_type = String, format = DateTime)]
    pub(crate) until: Timestamp,
    /// Seconds between two sessions until then.
    pub(crate) interval_seconds: u32,
}

/// What the coach has done since its database was made.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Counters {
    /// Sessions that were practised to their end.
    pub(crate) sessions: u32,
    /// Rounds that training has taken, in sessions and boosts.
    pub(crate) rounds: u32,
    /// Those of them answered right.
    pub(crate) correct: u32,
    /// Boosts that were asked for.
    pub(crate) boosts: u32,
    /// Sessions and boosts that training's failure ended early.
    pub(crate) failures: u32,
    /// Hints that a model provider gave; one that is given again counts once.
    pub(crate) hints: u32,
    /// Hints that were asked for in vain.
    pub(crate) hint_failures: u32,
}

impl Record {
    /// Returns the fast lane, unless it is over.
    pub(crate) fn fast_lane(&self, now: Timestamp) -> Option<FastLane> {
        self.fast_lane.filter(|lane| now < lane.until)
    }

    /// Returns the wait between two sessions that holds at `now`.
    pub(crate) fn interval(&self, now: Timestamp) -> Duration {
        let usual = self.settings.interval();
        match self.fast_lane(now) {
            Some(lane) => usual.min(Duration::from_secs(lane.interval_seconds.into())),
            None => usual,
        }
    }
}

impl Counters {
    /// Returns the share of right answers, once there is an answer.
    pub(crate) fn accuracy(&self) -> Option<f64> {
        (self.rounds > 0).then(|| f64::from(self.correct) / f64::from(self.rounds))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fast_lane_shortens_the_interval_until_it_ends() {
        let until = Timestamp::constant(1_763_121_600, 0);
        let mut record = Record {
            fast_lane: Some(FastLane {
                until,
                interval_seconds: 2,
            }),
            ..Record::default()
        };
        let before = until - jiff::SignedDuration::from_secs(1);
        assert_eq!(record.interval(before), Duration::from_secs(2));
        assert_eq!(record.interval(until), Duration::from_secs(30));
        // It never slows a coach down whose interval was made shorter meanwhile.
        record.settings.interval_seconds = 1;
        assert_eq!(record.interval(before), Duration::from_secs(1));
    }

    #[test]
    fn knows_no_accuracy_before_the_first_round() {
        assert_eq!(Counters::default().accuracy(), None);
    }
}
