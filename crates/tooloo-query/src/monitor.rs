//! Sees every statement that goes to the database.

mod known;
mod plan;
mod reports;
mod slow;

use std::{
    panic::Location,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

pub(crate) use self::{
    known::Known,
    reports::Report,
    slow::{Slow, SlowLog},
};
use self::{known::Texts, reports::Reports};
use crate::{
    DatabaseConfig, Dialect, Query, QueryScope, Rule,
    fence::Fence,
    figures::{Histogram, Table},
    scope::Spent,
    statement::Effect,
};

type TraceId = dyn Fn() -> Option<String> + Send + Sync;

/// What is known of a database's queries.
pub(crate) struct Monitor {
    pub(crate) dialect: Dialect,
    pub(crate) fence: Arc<Fence>,
    pub(crate) all: Histogram,
    pub(crate) table: Table,
    pub(crate) slow: SlowLog,
    pub(crate) reports: Reports,
    pub(crate) trace_id: OnceLock<Box<TraceId>>,
    pub(crate) counts: Counts,
    slow_from: Duration,
    repeats: u32,
    texts: Texts,
}

/// What layers did with queries.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    /// Queries that were answered by a statement of several, or committed together.
    batched: AtomicU64,
    /// Those that were answered by another one's answer.
    deduplicated: AtomicU64,
    /// Statements that were not sent for it.
    saved: AtomicU64,
    slow: AtomicU64,
}

impl Monitor {
    pub(crate) fn new(dialect: Dialect, config: &DatabaseConfig) -> Self {
        Self {
            dialect,
            fence: Arc::default(),
            all: Histogram::new(),
            table: Table::new(config.fingerprints),
            slow: SlowLog::new(config.slow_log),
            reports: Reports::new(config.fingerprints),
            trace_id: OnceLock::new(),
            counts: Counts::default(),
            slow_from: config.slow,
            repeats: config.repeats,
            texts: Texts::new(config.texts),
        }
    }

    /// Returns what is known of a query's text, and whether it was not known before.
    pub(crate) fn known(&self, query: &Query) -> (Arc<Known>, bool) {
        self.texts.get(&query.text, self.dialect, &self.table)
    }

    /// Counts a query of a scope, which may have spent its budget.
    pub(crate) fn admit(
        &self,
        scope: &QueryScope,
        known: &Known,
        place: &'static Location<'static>,
    ) -> bool {
        match scope.spend() {
            Spent::Within => {}
            Spent::Beyond => self.over_budget(scope, known, place),
            Spent::Refused => {
                self.over_budget(scope, known, place);
                return false;
            }
        }
        if known.statement.effect == Effect::None {
            let fingerprint = &known.statement.fingerprint;
            let times = scope.repeat(fingerprint.as_u64(), place);
            if times >= self.repeats {
                let report = Report::NPlusOne { times };
                self.reports.add(report, fingerprint, Some(place));
            }
        }
        true
    }

    /// Notes how long a statement took; returns whether that was long, and somebody should look at its plan.
    pub(crate) fn record(&self, query: &Query, known: &Known, took: Duration) -> Option<u64> {
        self.all.record(took);
        known.figures.record(took);
        if took < self.slow_from {
            return None;
        }
        self.counts.slow.fetch_add(1, Ordering::Relaxed);
        let trace_id = self.trace_id.get().and_then(|trace_id| trace_id());
        let fingerprint = &known.statement.fingerprint;
        tracing::warn!(sql = %fingerprint, ?took, parameters = query.parameters.len(), at = %query.place, "slow query");
        self.slow.push(fingerprint.clone(), took, trace_id)
    }

    fn over_budget(&self, scope: &QueryScope, known: &Known, place: &'static Location<'static>) {
        let most = scope.budget().map_or(0, |budget| budget.most);
        let fingerprint = &known.statement.fingerprint;
        if self
            .reports
            .add(Report::OverBudget { most }, fingerprint, Some(place))
        {
            tracing::warn!(most, sql = %fingerprint, at = %place, "more queries than the budget allows");
        }
    }

    /// Lists the rules that statements break.
    pub(crate) fn rules(&self) -> Vec<(Rule, String)> {
        let all = self.table.all();
        let mut listed: Vec<_> = all
            .iter()
            .filter_map(|figures| Some((figures, figures.fingerprint.as_ref()?)))
            .flat_map(|(figures, sql)| {
                let rules = figures.rules().into_iter();
                rules.map(|rule| (rule, sql.to_string()))
            })
            .collect();
        listed.sort();
        listed
    }
}

impl Counts {
    pub(crate) fn add_deduplicated(&self) {
        self.deduplicated.fetch_add(1, Ordering::Relaxed);
        self.saved.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts queries that one statement answered.
    pub(crate) fn add_batch(&self, queries: usize) {
        if queries > 1 {
            let queries = queries as u64;
            self.batched.fetch_add(queries, Ordering::Relaxed);
            self.saved.fetch_add(queries - 1, Ordering::Relaxed);
        }
    }

    /// Counts statements that were committed together.
    pub(crate) fn add_committed(&self, statements: usize) {
        if statements > 1 {
            self.batched.fetch_add(statements as u64, Ordering::Relaxed);
        }
    }

    /// Returns the queries that were batched, deduplicated, saved, and slow.
    pub(crate) fn read(&self) -> [u64; 4] {
        [&self.batched, &self.deduplicated, &self.saved, &self.slow]
            .map(|count| count.load(Ordering::Relaxed))
    }
}
