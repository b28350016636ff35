//! The figures of the fleet: one number each, drawn from what the sources said.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::source::{Kind, Source};

/// Every figure by name; `null` where its source said nothing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = Object)]
pub(crate) struct Figures(BTreeMap<&'static str, Option<f64>>);

type Answer = Map<String, Value>;

/// How a figure is drawn from one source's answer.
type Draw = fn(&Answer) -> Option<f64>;

/// The figures of the services' domains: name, source, and where in its answer.
const DOMAIN: [(&str, &str, Draw); 18] = [
    ("topics", "training", |answer| {
        number(answer, &["totalTopics"])
    }),
    ("masteredTopics", "training", |answer| {
        number(answer, &["masteredTopics"])
    }),
    ("meanMastery", "training", |answer| {
        number(answer, &["meanMastery"])
    }),
    ("totalMastery", "training", total_mastery),
    ("rounds", "training", |answer| {
        number(answer, &["totalRounds"])
    }),
    ("correctRounds", "training", |answer| {
        number(answer, &["correctRounds"])
    }),
    ("accuracy", "training", |answer| {
        number(answer, &["accuracy"])
    }),
    ("insights", "meta", |answer| length(answer, "insights")),
    ("spentToday", "budget", |answer| number(answer, &["spent"])),
    ("reserved", "budget", |answer| number(answer, &["reserved"])),
    ("remaining", "budget", |answer| {
        number(answer, &["remaining"])
    }),
    ("paidCallsToday", "costs", |answer| {
        number(answer, &["total", "count"])
    }),
    ("coachRounds", "coach", |answer| {
        number(answer, &["counters", "rounds"])
    }),
    ("coachSessions", "coach", |answer| {
        number(answer, &["counters", "sessions"])
    }),
    ("analyses", "segmentation", |answer| {
        number(answer, &["analyses", "count"])
    }),
    ("clusterings", "segmentation", |answer| {
        number(answer, &["clusterings", "count"])
    }),
    ("capabilities", "capabilities", |answer| {
        number(answer, &["capabilities", "capabilities"])
    }),
    ("activeCapabilities", "capabilities", |answer| {
        number(answer, &["capabilities", "active"])
    }),
];

/// How a figure of the whole fleet is put together from each service's.
type Join = fn(&[Option<f64>]) -> Option<f64>;

/// The figures of the fleet's traffic, of all services together.
const TRAFFIC: [(&str, Draw, Join); 5] = [
    (
        "requests",
        |answer| number(answer, &["tracer", "totalTraces"]),
        sum,
    ),
    ("errors", route_errors, sum),
    (
        "activeTraces",
        |answer| number(answer, &["tracer", "activeTraces"]),
        sum,
    ),
    (
        "throughput",
        |answer| number(answer, &["tracer", "throughput"]),
        sum,
    ),
    (
        "slowestP99",
        |answer| number(answer, &["tracer", "p99Latency"]),
        largest,
    ),
];

/// Figures that start again from nothing: with the day, or with a process.
const RESTARTING: [&str; 4] = ["spentToday", "paidCallsToday", "requests", "errors"];

impl Figures {
    /// Draws every figure from what was said.
    ///
    /// A figure of all services is known only where all of them answered, and a sum only where all of
    /// them gave their part: half a sum is a wrong number, not an old one.
    pub(crate) fn of(said: &[(Source, Result<Answer, String>)]) -> Self {
        let domain = DOMAIN.map(|(figure, source, draw)| {
            let answer = said
                .iter()
                .find(|(from, _)| from.kind == Kind::Domain && from.name == source)
                .and_then(|(_, said)| said.as_ref().ok());
            (figure, answer.and_then(draw))
        });
        let traffic: Option<Vec<&Answer>> = said
            .iter()
            .filter(|(from, _)| from.kind == Kind::Observability)
            .map(|(_, said)| said.as_ref().ok())
            .collect();
        let traffic = TRAFFIC.map(|(figure, draw, join)| {
            let joined = traffic.as_ref().and_then(|answers| {
                let drawn: Vec<_> = answers.iter().copied().map(draw).collect();
                join(&drawn)
            });
            (figure, joined)
        });
        Self(domain.into_iter().chain(traffic).collect())
    }

    /// Returns one figure, where it is known.
    pub(crate) fn get(&self, name: &str) -> Option<f64> {
        self.0.get(name).copied().flatten()
    }

    /// Returns the figures that are known.
    pub(crate) fn known(&self) -> BTreeMap<String, f64> {
        self.0
            .iter()
            .filter_map(|(&name, figure)| Some((name.to_owned(), (*figure)?)))
            .collect()
    }

    /// Yields the name of every figure, known or not.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.0.keys().copied()
    }
}

/// Returns how a figure has changed; `None` where it is not known, or has started again meanwhile.
pub(crate) fn change(name: &str, before: Option<f64>, now: Option<f64>) -> Option<f64> {
    let change = now? - before?;
    (change >= 0.0 || !RESTARTING.contains(&name)).then_some(change)
}

/// Reads a number inside an answer.
pub(crate) fn number(answer: &Answer, path: &[&str]) -> Option<f64> {
    let (last, tables) = path.split_last()?;
    let mut table = answer;
    for name in tables {
        table = table.get(*name)?.as_object()?;
    }
    table.get(*last)?.as_f64()
}

fn length(answer: &Answer, name: &str) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "no answer holds 2^52 members")]
    Some(answer.get(name)?.as_array()?.len() as f64)
}

fn total_mastery(answer: &Answer) -> Option<f64> {
    let topics = answer.get("topics")?.as_array()?;
    topics
        .iter()
        .map(|topic| topic.get("mastery")?.as_f64())
        .sum()
}

fn route_errors(answer: &Answer) -> Option<f64> {
    let routes = answer.get("tracer")?.get("routes")?.as_array()?;
    routes
        .iter()
        .map(|route| route.get("errors")?.as_f64())
        .sum()
}

/// The sum of nothing is nothing, not zero: there was no service to count.
fn sum(parts: &[Option<f64>]) -> Option<f64> {
    let sum = parts.iter().copied().sum::<Option<f64>>();
    sum.filter(|_| !parts.is_empty())
}

/// A service that was not called yet has no latency: the largest is that of the others.
fn largest(parts: &[Option<f64>]) -> Option<f64> {
    parts.iter().copied().flatten().reduce(f64::max)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::source::SOURCES;

    fn answer(value: &Value) -> Answer {
        value.as_object().unwrap().clone()
    }

    fn all_saying(domain: &Value, observability: &Value) -> Vec<(Source, Result<Answer, String>)> {
        SOURCES
            .into_iter()
            .map(|source| {
                let said = match source.kind {
                    Kind::Domain => domain,
                    Kind::Observability => observability,
                };
                (source, Ok(answer(said)))
            })
            .collect()
    }

    #[test]
    fn draws_domain_figures_and_adds_up_traffic() {
        let domain = json!({"totalRounds": 7, "topics": [{"mastery": 0.25}, {"mastery": 0.5}]});
        let routes = json!([{"errors": 1}, {"errors": 2}]);
        let tracer = json!({"tracer": {"totalTraces": 10, "p99Latency": null, "routes": routes}});
        let figures = Figures::of(&all_saying(&domain, &tracer));
        assert_eq!(figures.get("rounds"), Some(7.0));
        assert_eq!(figures.get("totalMastery"), Some(0.75));
        assert_eq!(figures.get("requests"), Some(80.0));
        assert_eq!(figures.get("errors"), Some(24.0));
        assert_eq!(figures.get("slowestP99"), None);
        assert_eq!(figures.get("spentToday"), None);
    }

    #[test]
    fn a_sum_that_lacks_a_service_is_not_known() {
        let tracer = json!({"tracer": {"totalTraces": 10}});
        let mut said = all_saying(&json!({}), &tracer);
        for last in [Err("down".to_owned()), Ok(answer(&json!({"tracer": {}})))] {
            said.last_mut().unwrap().1 = last;
            assert_eq!(Figures::of(&said).get("requests"), None);
        }
    }

    #[test]
    fn the_slowest_is_the_slowest_of_those_that_were_called() {
        let mut said = all_saying(&json!({}), &json!({"tracer": {"p99Latency": null}}));
        said.last_mut().unwrap().1 = Ok(answer(&json!({"tracer": {"p99Latency": 9}})));
        assert_eq!(Figures::of(&said).get("slowestP99"), Some(9.0));
    }

    #[test]
    fn no_figure_is_drawn_from_an_answer_of_another_shape() {
        let odd = json!({"totalRounds": "7", "topics": [{}], "tracer": 3, "counters": null});
        assert!(Figures::of(&all_saying(&odd, &odd)).known().is_empty());
    }

    #[test]
    fn a_counter_that_started_again_has_no_known_change() {
        assert_eq!(change("requests", Some(10.0), Some(3.0)), None);
        assert_eq!(change("requests", Some(3.0), Some(10.0)), Some(7.0));
        assert_eq!(change("meanMastery", Some(0.5), Some(0.25)), Some(-0.25));
        assert_eq!(change("meanMastery", None, Some(0.25)), None);
    }

    #[test]
    fn every_figure_has_a_source_and_a_name_of_its_own() {
        let figures = Figures::of(&[]);
        assert_eq!(figures.names().count(), DOMAIN.len() + TRAFFIC.len());
        for (figure, source, _) in DOMAIN {
            assert!(SOURCES.iter().any(|known| known.name == source), "{figure}");
        }
        for name in RESTARTING {
            assert!(figures.names().any(|known| known == name), "{name}");
        }
    }
}
