//! What a database shows of its queries.

mod encode;

use std::{fmt, sync::Arc, time::Duration};

use jiff::Timestamp;
use prometheus_client::encoding::DescriptorEncoder;
use serde::Serialize;
use tooloo_hub::Observe;

use crate::{
    Rule, Severity,
    figures::Figures,
    monitor::{Monitor, Slow},
};

/// How many fingerprints are shown, those that took the most time.
const SHOWN: usize = 50;

/// What stands for the fingerprints that found no place.
const OTHERS: &str = "(others)";

/// A read-only view of a database's queries.
#[derive(Clone)]
pub struct QueryHandle {
    monitor: Arc<Monitor>,
}

/// The figures of a database's queries; times are in milliseconds, and nothing in them is a query's value.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct QuerySnapshot {
    /// Statements that the database answered, well or not.
    pub executed: u64,
    /// Queries that were answered by a statement for several, or committed together with others.
    pub batched: u64,
    /// Queries that were answered by the same query of somebody else.
    pub deduplicated: u64,
    /// Statements that did not have to be sent.
    pub saved: u64,
    /// Statements that took longer than they should.
    pub slow: u64,
    /// The time that half of the statements stayed below.
    pub p50_latency: Option<f64>,
    /// The time that all but a hundredth of the statements stayed below.
    pub p99_latency: Option<f64>,
    /// The statements that took most of the time, most first; at most 50.
    pub fingerprints: Vec<FingerprintSnapshot>,
    /// The newest slow statements, newest first.
    pub slow_queries: Vec<SlowQuery>,
    /// What was found in the statements, and by watching them.
    pub findings: Vec<QueryFinding>,
}

/// The figures of statements that differ in their values alone.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct FingerprintSnapshot {
    /// The statement without its values.
    pub sql: String,
    /// How often it was answered.
    pub count: u64,
    /// How long that took, all in all.
    pub total_time: f64,
    /// The time that all but a hundredth stayed below.
    pub p99_latency: Option<f64>,
    /// The rules it breaks.
    pub findings: Vec<Rule>,
}

/// A statement that took longer than it should.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SlowQuery {
    /// The statement without its values.
    pub sql: String,
    /// How long it took.
    pub duration: f64,
    /// When it ended.
    pub time: Option<Timestamp>,
    /// The trace it belongs to, where that is known.
    pub trace_id: Option<String>,
    /// How the database answers it, once that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
}

/// Something to be done better.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct QueryFinding {
    /// The id of the [`Rule`], or `n-plus-one`, `missing-index`, `query-budget`.
    pub rule: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// The statement without its values.
    pub sql: String,
    /// What to do.
    pub advice: String,
    /// Where in the code the statement was created, where that matters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
}

impl QueryHandle {
    pub(crate) fn new(monitor: Arc<Monitor>) -> Self {
        Self { monitor }
    }
}

impl Observe for QueryHandle {
    type Snapshot = QuerySnapshot;

    fn snapshot(&self) -> QuerySnapshot {
        QuerySnapshot::of(&self.monitor)
    }

    fn encode(&self, metrics: DescriptorEncoder<'_>) -> fmt::Result {
        encode::metrics(&self.monitor, metrics)
    }
}

impl fmt::Debug for QueryHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueryHandle")
            .field("executed", &self.monitor.all.count())
            .finish_non_exhaustive()
    }
}

impl QuerySnapshot {
    fn of(monitor: &Monitor) -> Self {
        let [batched, deduplicated, saved, slow] = monitor.counts.read();
        let all = monitor.table.all();
        let mut fingerprints: Vec<_> = all
            .iter()
            .filter(|figures| figures.times.count() > 0)
            .map(|figures| FingerprintSnapshot::of(figures))
            .collect();
        fingerprints.sort_by(|one, other| other.total_time.total_cmp(&one.total_time));
        fingerprints.truncate(SHOWN);
        let slow_queries = monitor.slow.newest().into_iter();
        Self {
            executed: monitor.all.count(),
            batched,
            deduplicated,
            saved,
            slow,
            p50_latency: monitor.all.quantile(0.5).map(milliseconds),
            p99_latency: monitor.all.quantile(0.99).map(milliseconds),
            fingerprints,
            slow_queries: slow_queries.map(SlowQuery::of).collect(),
            findings: findings(monitor),
        }
    }
}

impl FingerprintSnapshot {
    fn of(figures: &Figures) -> Self {
        let fingerprint = figures.fingerprint.as_ref();
        Self {
            sql: fingerprint.map_or_else(|| OTHERS.to_owned(), ToString::to_string),
            count: figures.times.count(),
            total_time: milliseconds(figures.times.sum()),
            p99_latency: figures.times.quantile(0.99).map(milliseconds),
            findings: figures.rules(),
        }
    }
}

impl SlowQuery {
    fn of(slow: Slow) -> Self {
        Self {
            sql: slow.sql.to_string(),
            duration: milliseconds(slow.took),
            time: slow.time,
            trace_id: slow.trace_id,
            plan: slow.plan,
        }
    }
}

fn findings(monitor: &Monitor) -> Vec<QueryFinding> {
    let by_rule = monitor.rules().into_iter().map(|(rule, sql)| QueryFinding {
        rule: rule.id(),
        severity: rule.severity(),
        sql,
        advice: rule.advice().to_owned(),
        place: None,
    });
    let by_watching = monitor.reports.all().into_iter();
    let by_watching = by_watching.map(|(report, sql, place)| QueryFinding {
        rule: report.id(),
        severity: Severity::Warning,
        sql: sql.to_string(),
        advice: report.to_string(),
        place: place.map(ToString::to_string),
    });
    by_watching.chain(by_rule).collect()
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
