//! What learning costs.

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::{
    figures::{Figures, change},
    store::snapshots::Snapshot,
};

/// Spending beside what came of it. What cannot be computed is `null`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Economy {
    /// Dollars spent.
    pub(crate) spend: Option<f64>,
    /// Mastery gained, added up over the topics: 1 is a topic from nothing to certainty.
    pub(crate) mastery_gained: Option<f64>,
    pub(crate) rounds: Option<f64>,
    pub(crate) correct_rounds: Option<f64>,
    pub(crate) requests: Option<f64>,
    /// Dollars for each topic's worth of mastery.
    pub(crate) cost_per_mastery: Option<f64>,
    /// Dollars for each round.
    pub(crate) cost_per_round: Option<f64>,
    /// Dollars for each round answered right.
    pub(crate) cost_per_correct_round: Option<f64>,
    /// Dollars for each thousand requests to the fleet.
    pub(crate) cost_per_thousand_requests: Option<f64>,
    /// Topics' worth of mastery for each dollar.
    pub(crate) mastery_per_dollar: Option<f64>,
}

impl Economy {
    /// Compares what is known now with a snapshot.
    ///
    /// `spending` is what budget says of its days.
    pub(crate) fn since(
        snapshot: &Snapshot,
        now: &Figures,
        spending: Option<&Map<String, Value>>,
    ) -> Self {
        let before = |name: &str| snapshot.figures.get(name).copied();
        let grown = |name: &str| change(name, before(name), now.get(name));
        let spent_then = before("spentToday");
        let spend = spending
            .zip(spent_then)
            .and_then(|(spending, then)| spent_since(spending, snapshot.time, then));
        let mastery_gained = grown("totalMastery");
        let (rounds, correct_rounds) = (grown("rounds"), grown("correctRounds"));
        let requests = grown("requests");
        Self {
            spend,
            mastery_gained,
            rounds,
            correct_rounds,
            requests,
            cost_per_mastery: ratio(spend, mastery_gained),
            cost_per_round: ratio(spend, rounds),
            cost_per_correct_round: ratio(spend, correct_rounds),
            cost_per_thousand_requests: ratio(spend, requests.map(|requests| requests / 1_000.0)),
            mastery_per_dollar: ratio(mastery_gained, spend),
        }
    }
}

/// Divides, where there is something to divide by.
fn ratio(part: Option<f64>, whole: Option<f64>) -> Option<f64> {
    let whole = whole.filter(|&whole| whole > 0.0)?;
    Some(part? / whole)
}

/// Adds up what was spent after a time at which that day's spending was `then`.
fn spent_since(spending: &Map<String, Value>, time: Timestamp, then: f64) -> Option<f64> {
    let first = time.to_zoned(TimeZone::UTC).date();
    let mut sum = -then;
    for day in spending.get("days")?.as_array()? {
        let date: Date = day.get("date")?.as_str()?.parse().ok()?;
        if date >= first {
            sum += day.get("spent")?.as_f64()?;
        }
    }
    // A sum below nothing says that the ledger is another one than then.
    (sum > -1e-9).then_some(sum.max(0.0))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;
    use crate::source::SOURCES;

    fn then(figures: &[(&str, f64)]) -> Snapshot {
        Snapshot {
            time: "2025-11-14T18:00:00Z".parse().unwrap(),
            figures: figures
                .iter()
                .map(|&(name, figure)| (name.to_owned(), figure))
                .collect(),
        }
    }

    fn now(training: &Value) -> Figures {
        let said = [(SOURCES[0], Ok(training.as_object().unwrap().clone()))];
        Figures::of(&said)
    }

    fn spending() -> Map<String, Value> {
        let days = json!({"days": [
            {"date": "2025-11-15", "spent": 0.5},
            {"date": "2025-11-14", "spent": 2.0},
            {"date": "2025-11-13", "spent": 9.0},
        ]});
        days.as_object().unwrap().clone()
    }

    #[test]
    fn divides_what_was_spent_since_by_what_was_gained() {
        let snapshot = then(&[("spentToday", 1.5), ("totalMastery", 1.0), ("rounds", 10.0)]);
        let figures = now(&json!({"totalRounds": 14, "topics": [{"mastery": 1.5}]}));
        let economy = Economy::since(&snapshot, &figures, Some(&spending()));
        // Half a dollar on that evening, half a dollar on the day after.
        assert_eq!(economy.spend, Some(1.0));
        assert_eq!(economy.mastery_gained, Some(0.5));
        assert_eq!(economy.cost_per_mastery, Some(2.0));
        assert_eq!(economy.cost_per_round, Some(0.25));
        assert_eq!(economy.cost_per_correct_round, None);
        assert_eq!(economy.mastery_per_dollar, Some(0.5));
    }

    #[test]
    fn nothing_gained_has_no_price() {
        let snapshot = then(&[("spentToday", 1.5), ("totalMastery", 1.0)]);
        let figures = now(&json!({"topics": [{"mastery": 0.75}]}));
        let economy = Economy::since(&snapshot, &figures, Some(&spending()));
        assert_eq!(economy.mastery_gained, Some(-0.25));
        assert_eq!(economy.cost_per_mastery, None);
    }

    #[test]
    fn what_is_not_known_is_not_made_up() {
        let snapshot = Snapshot {
            figures: BTreeMap::new(),
            ..then(&[])
        };
        let economy = Economy::since(&snapshot, &Figures::default(), None);
        assert_eq!(economy, Economy::default());
        // Budget has a new ledger, in which less is spent than was before.
        let snapshot = then(&[("spentToday", 100.0)]);
        let economy = Economy::since(&snapshot, &Figures::default(), Some(&spending()));
        assert_eq!(economy.spend, None);
    }
}
