//! The figures of one route and method, by status.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use super::series::Series;
use crate::method::MethodName;

/// Statuses a route keeps figures for by themselves; the rest share one series.
const MAX_STATUSES: usize = 64;

/// One route and method.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) method: MethodName,
    pub(crate) pattern: Arc<str>,
    /// The name of the route's spans.
    pub(crate) name: Arc<str>,
    errors: AtomicU64,
    cancelled: AtomicU64,
    series: [OnceLock<Box<Series>>; MAX_STATUSES + 1],
}

/// How a request ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Outcome {
    pub(crate) status: Option<u16>,
    pub(crate) error: bool,
    pub(crate) cancelled: bool,
}

impl Route {
    pub(super) fn new(method: MethodName, route: Arc<str>) -> Self {
        Self {
            method,
            name: match method.as_str() {
                Some(method) => format!("{method} {route}").into(),
                None => Arc::clone(&route),
            },
            pattern: route,
            errors: AtomicU64::new(0),
            cancelled: AtomicU64::new(0),
            series: [const { OnceLock::new() }; MAX_STATUSES + 1],
        }
    }

    #[inline]
    pub(crate) fn record(&self, duration: Duration, outcome: Outcome) -> &Series {
        let series = self.find(outcome.status);
        series.durations.record(duration);
        if outcome.error {
            self.errors.fetch_add(1, Ordering::Relaxed);
        }
        if outcome.cancelled {
            self.cancelled.fetch_add(1, Ordering::Relaxed);
        }
        series
    }

    pub(crate) fn errors(&self) -> u64 {
        self.errors.load(Ordering::Relaxed)
    }

    pub(crate) fn cancelled(&self) -> u64 {
        self.cancelled.load(Ordering::Relaxed)
    }

    pub(crate) fn series(&self) -> impl Iterator<Item = &Series> {
        self.series
            .iter()
            .filter_map(OnceLock::get)
            .map(|series| &**series)
    }

    pub(super) fn is_used(&self) -> bool {
        self.series().next().is_some()
    }

    #[inline]
    fn find(&self, status: Option<u16>) -> &Series {
        for cell in &self.series[..MAX_STATUSES] {
            // Another thread may take the cell for another status first; then the next will do.
            let series = cell.get_or_init(|| Box::new(Series::new(status, false)));
            if series.status == status {
                return series;
            }
        }
        self.series[MAX_STATUSES].get_or_init(|| Box::new(Series::new(None, true)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(status: u16) -> Outcome {
        Outcome {
            status: Some(status),
            error: status >= 500,
            cancelled: false,
        }
    }

    #[test]
    fn counts_by_status_and_tells_a_lack_of_room_from_a_lack_of_an_answer() {
        let route = Route::new(MethodName::Get, "/a".into());
        let unanswered = Outcome {
            status: None,
            error: false,
            cancelled: true,
        };
        route.record(Duration::from_millis(1), unanswered);
        for status in 200..270 {
            route.record(Duration::from_millis(1), answered(status));
        }
        route.record(Duration::from_millis(1), answered(200));
        let counts: Vec<_> = route
            .series()
            .map(|series| {
                let count = series.durations.distribution().count;
                (series.status, series.is_rest, count)
            })
            .collect();
        assert_eq!(counts[..2], [(None, false, 1), (Some(200), false, 2)]);
        assert_eq!(counts.last(), Some(&(None, true, 7)));
        assert_eq!(counts.iter().map(|(.., count)| count).sum::<u64>(), 72);
    }
}
