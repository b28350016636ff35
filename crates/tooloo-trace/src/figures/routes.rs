//! The figures of each route, found once a request and then written to without a search.

use std::{
    fmt,
    hash::Hasher,
    num::NonZeroUsize,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use prometheus_client::{
    encoding::{EncodeLabelSet, LabelSetEncoder},
    metrics::exemplar::HistogramWithExemplars,
};
use rustc_hash::FxHasher;

use super::histogram::{Distribution, Histogram};
use crate::{TraceId, method::MethodName};

/// Statuses a route keeps figures for by themselves; the rest share one series.
const MAX_STATUSES: usize = 24;
/// The route of requests for which there was no more room.
const OVERFLOW: &str = "_OTHER";

/// The upper bounds, in seconds, that OpenTelemetry's conventions set for request durations.
pub(crate) const BOUNDS: [f64; 14] = [
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
];

/// Every route that was asked for, up to a bound.
pub(crate) struct Routes {
    // A hash table with open addressing, of places in `cells`; a route is never moved or removed, so
    // requests read it without a lock.
    index: Box<[AtomicUsize]>,
    // How many cells are filled, the overflow's aside.
    taken: Mutex<usize>,
    // Filled in order; the first is the overflow, which is not in the index.
    cells: Box<[OnceLock<Route>]>,
}

/// Where a route's figures are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct RouteId(usize);

/// The overflow's cell; in the index, that of a free place.
const NONE: RouteId = RouteId(0);

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

/// One route, method and status.
pub(crate) struct Series {
    /// The status that was answered, or `None` where there was no answer or no room.
    pub(crate) status: Option<u16>,
    pub(crate) durations: Histogram,
    /// The same durations, of sampled requests only.
    pub(crate) exemplars: HistogramWithExemplars<ExemplarLabels>,
}

/// Names the trace of an exemplar; written out when metrics are, and not for each request.
#[derive(Debug)]
pub(crate) struct ExemplarLabels(TraceId);

/// How a request ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Outcome {
    pub(crate) status: Option<u16>,
    pub(crate) error: bool,
    pub(crate) cancelled: bool,
}

impl Routes {
    pub(crate) fn new(max: NonZeroUsize) -> Self {
        let cells: Box<[_]> = (0..=max.get()).map(|_| OnceLock::new()).collect();
        let overflow = Route::new(MethodName::Other, OVERFLOW.into());
        cells[NONE.0].set(overflow).expect("the cell is new");
        // At most half full: a search ends soon, at a free place.
        let places = (2 * cells.len()).next_power_of_two();
        Self {
            index: (0..places).map(|_| AtomicUsize::new(NONE.0)).collect(),
            taken: Mutex::new(0),
            cells,
        }
    }

    /// Returns where the figures of `route` are, and makes room for a new one.
    #[inline]
    pub(crate) fn resolve(&self, method: MethodName, route: &str) -> RouteId {
        match self.search(method, route) {
            Ok(id) => id,
            Err(_) => self.grow(method, route),
        }
    }

    #[inline]
    pub(crate) fn get(&self, id: RouteId) -> &Route {
        self.cells[id.0]
            .get()
            .expect("an id is given out after its route is there")
    }

    /// Returns the routes that were asked for.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Route> {
        self.cells
            .iter()
            .map_while(OnceLock::get)
            .filter(|route| route.is_used())
    }

    /// Returns where the figures of `route` are, or the place in the index that is free for it.
    #[inline]
    fn search(&self, method: MethodName, route: &str) -> Result<RouteId, usize> {
        let mut place = hash(method, route);
        loop {
            place &= self.index.len() - 1;
            let id = RouteId(self.index[place].load(Ordering::Acquire));
            if id == NONE {
                return Err(place);
            }
            let found = self.get(id);
            if found.method == method && *found.pattern == *route {
                return Ok(id);
            }
            place += 1;
        }
    }

    #[cold]
    fn grow(&self, method: MethodName, route: &str) -> RouteId {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let place = match self.search(method, route) {
            Ok(id) => return id,
            Err(place) => place,
        };
        let id = RouteId(*taken + 1);
        let Some(cell) = self.cells.get(id.0) else {
            return NONE;
        };
        cell.set(Route::new(method, route.into()))
            .expect("cells are filled in order, under the lock");
        *taken += 1;
        self.index[place].store(id.0, Ordering::Release);
        id
    }
}

impl Route {
    fn new(method: MethodName, route: Arc<str>) -> Self {
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

    pub(crate) fn distribution(&self) -> Distribution {
        let mut all = Distribution::default();
        for series in self.series() {
            all.add(&series.durations.distribution());
        }
        all
    }

    fn is_used(&self) -> bool {
        self.series().next().is_some()
    }

    #[inline]
    fn find(&self, status: Option<u16>) -> &Series {
        for cell in &self.series[..MAX_STATUSES] {
            // Another thread may take the cell for another status first; then the next will do.
            let series = cell.get_or_init(|| Box::new(Series::new(status)));
            if series.status == status {
                return series;
            }
        }
        self.series[MAX_STATUSES].get_or_init(|| Box::new(Series::new(None)))
    }
}

impl Series {
    fn new(status: Option<u16>) -> Self {
        Self {
            status,
            durations: Histogram::new(),
            exemplars: HistogramWithExemplars::new(BOUNDS.into_iter()),
        }
    }

    pub(crate) fn exemplify(&self, duration: Duration, trace_id: TraceId) {
        self.exemplars.observe(
            duration.as_secs_f64(),
            Some(ExemplarLabels(trace_id)),
            Some(tooloo_clock::wall()),
        );
    }
}

impl EncodeLabelSet for ExemplarLabels {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> fmt::Result {
        [("trace_id", self.0.to_string())].encode(encoder)
    }
}

impl fmt::Debug for Routes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.all()).finish()
    }
}

impl fmt::Debug for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Series")
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "an index has far fewer places than either"
)]
#[inline]
fn hash(method: MethodName, route: &str) -> usize {
    let mut hasher = FxHasher::default();
    hasher.write_usize(method as usize);
    hasher.write(route.as_bytes());
    hasher.finish() as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes(max: usize) -> Routes {
        Routes::new(NonZeroUsize::new(max).unwrap())
    }

    fn ok(status: u16) -> Outcome {
        Outcome {
            status: Some(status),
            error: status >= 500,
            cancelled: false,
        }
    }

    #[test]
    fn finds_the_same_figures_again() {
        let routes = routes(8);
        let id = routes.resolve(MethodName::Get, "/a");
        assert_eq!(routes.resolve(MethodName::Get, "/a"), id);
        assert_ne!(routes.resolve(MethodName::Post, "/a"), id);
        assert_eq!(&*routes.get(id).name, "GET /a");
    }

    #[test]
    fn routes_above_the_bound_share_one() {
        let routes = routes(2);
        let ids: Vec<_> = ["/a", "/b", "/c", "/d"]
            .iter()
            .map(|route| routes.resolve(MethodName::Get, route))
            .collect();
        assert_ne!(ids[0], ids[1]);
        assert_eq!(ids[2], ids[3]);
        assert_eq!(&*routes.get(ids[2]).pattern, OVERFLOW);
    }

    #[test]
    fn counts_by_status_and_shares_the_last_series() {
        let routes = routes(2);
        let route = routes.get(routes.resolve(MethodName::Get, "/a"));
        for status in 200..230 {
            route.record(Duration::from_millis(1), ok(status));
        }
        route.record(Duration::from_millis(1), ok(200));
        let counts: Vec<_> = route
            .series()
            .map(|series| (series.status, series.durations.distribution().count))
            .collect();
        assert_eq!(counts[0], (Some(200), 2));
        assert_eq!(counts.last(), Some(&(None, 6)));
        assert_eq!(route.distribution().count, 31);
    }

    #[test]
    fn threads_that_race_for_a_new_route_agree() {
        let routes = routes(64);
        std::thread::scope(|scope| {
            let race = || {
                for n in 0..64 {
                    let id = routes.resolve(MethodName::Get, &format!("/{n}"));
                    routes
                        .get(id)
                        .record(Duration::from_millis(1), ok(200 + n % 3));
                }
            };
            (0..4).for_each(|_| drop(scope.spawn(race)));
        });
        assert_eq!(routes.all().count(), 64);
        assert!(routes.all().all(|route| route.distribution().count == 4));
    }
}
