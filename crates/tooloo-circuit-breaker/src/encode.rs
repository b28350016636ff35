//! The metrics of one breaker or of many.

use std::fmt;

use prometheus_client::{
    encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
};

use crate::{Status, breaker::Inner, figures::End};

type Labels<'a> = Vec<(&'static str, &'a str)>;

/// A family of metrics: its name, its help, its type, and what it says of one breaker.
struct Family {
    name: &'static str,
    help: &'static str,
    kind: MetricType,
    series: fn(&Inner, &mut Series<'_, '_>) -> fmt::Result,
}

const FAMILIES: [Family; 6] = [
    Family {
        name: "circuit_breaker_calls",
        help: "Calls that were let through and have ended",
        kind: MetricType::Counter,
        series: |breaker, series| {
            for (outcome, end) in [
                ("success", End::Succeeded),
                ("failure", End::Failed),
                ("ignored", End::Ignored),
                ("cancelled", End::Cancelled),
            ] {
                series.count(Some(("outcome", outcome)), breaker.figures.ended(end))?;
            }
            Ok(())
        },
    },
    Family {
        name: "circuit_breaker_slow_calls",
        help: "Calls that were slow",
        kind: MetricType::Counter,
        series: |breaker, series| series.count(None, breaker.figures.slow()),
    },
    Family {
        name: "circuit_breaker_rejected_calls",
        help: "Calls that were refused",
        kind: MetricType::Counter,
        series: |breaker, series| series.count(None, breaker.figures.rejected()),
    },
    Family {
        name: "circuit_breaker_changes",
        help: "Changes of state, by the state they led to",
        kind: MetricType::Counter,
        series: |breaker, series| {
            for status in Status::ALL {
                let changes = breaker.figures.changes(status);
                series.count(Some(("state", status.as_str())), changes)?;
            }
            Ok(())
        },
    },
    Family {
        name: "circuit_breaker_state",
        help: "1 for the present state, 0 for the others",
        kind: MetricType::Gauge,
        series: |breaker, series| {
            let present = breaker.gate.word().status();
            for status in Status::ALL {
                let value = if status == present { 1.0 } else { 0.0 };
                series.gauge(Some(("state", status.as_str())), value)?;
            }
            Ok(())
        },
    },
    Family {
        name: "circuit_breaker_failure_rate",
        help: "The part of the recent calls that failed",
        kind: MetricType::Gauge,
        series: |breaker, series| {
            let tally = breaker.gate.tally(tooloo_clock::coarse());
            match tally.failure_rate() {
                Some(rate) => series.gauge(None, rate),
                None => Ok(()),
            }
        },
    },
];

/// Writes the metrics of `breakers`, each with its key where it has one.
pub(crate) fn metrics(
    breakers: &[(Option<&str>, &Inner)],
    mut metrics: DescriptorEncoder<'_>,
) -> fmt::Result {
    for family in FAMILIES {
        let mut encoder = metrics.encode_descriptor(family.name, family.help, None, family.kind)?;
        for (key, breaker) in breakers {
            let key = key.map(|key| ("key", key));
            let mut series = Series {
                encoder: &mut encoder,
                key,
            };
            (family.series)(breaker, &mut series)?;
        }
    }
    Ok(())
}

/// Writes the series of one family and one breaker.
struct Series<'a, 'b> {
    encoder: &'a mut MetricEncoder<'b>,
    key: Option<(&'static str, &'a str)>,
}

impl Series<'_, '_> {
    fn count(&mut self, label: Option<(&'static str, &str)>, value: u64) -> fmt::Result {
        self.write(label, |encoder| ConstCounter::new(value).encode(encoder))
    }

    fn gauge(&mut self, label: Option<(&'static str, &str)>, value: f64) -> fmt::Result {
        self.write(label, |encoder| ConstGauge::new(value).encode(encoder))
    }

    fn write(
        &mut self,
        label: Option<(&'static str, &str)>,
        encode: impl FnOnce(MetricEncoder<'_>) -> fmt::Result,
    ) -> fmt::Result {
        let labels: Labels<'_> = self.key.into_iter().chain(label).collect();
        encode(self.encoder.encode_family(&labels)?)
    }
}
