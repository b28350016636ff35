//! Finds a route's figures once a request, without a lock and without a copy.

use std::{
    fmt,
    hash::Hasher,
    num::{NonZeroU32, NonZeroUsize},
    sync::{
        Mutex, OnceLock, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};

use rustc_hash::FxHasher;

use super::route::Route;
use crate::method::MethodName;

/// The route of requests for which there was no more room.
const OVERFLOW: &str = "_OTHER";

/// Every route that was asked for, up to a bound.
pub(crate) struct Routes {
    // A hash table with open addressing, of ids, with zero for a free place; a route is never moved or
    // removed, so requests read it without a lock.
    index: Box<[AtomicU32]>,
    // How many cells are filled, the overflow's aside.
    taken: Mutex<u32>,
    // Filled in order; the first is the overflow, which is not in the index.
    cells: Box<[OnceLock<Route>]>,
}

/// Where a route's figures are: its cell, counted from one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct RouteId(NonZeroU32);

/// Where the overflow's figures are.
const REST: RouteId = RouteId(NonZeroU32::MIN);

impl Routes {
    pub(crate) fn new(max: NonZeroUsize) -> Self {
        let cells: Box<[_]> = (0..=max.get()).map(|_| OnceLock::new()).collect();
        let overflow = Route::new(MethodName::Other, OVERFLOW.into());
        cells[REST.cell()].set(overflow).expect("the cell is new");
        // At most half full: a search ends soon, at a free place.
        let places = (2 * cells.len()).next_power_of_two();
        Self {
            index: (0..places).map(|_| AtomicU32::new(0)).collect(),
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
        self.cells[id.cell()]
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
            let held = self.index[place].load(Ordering::Acquire);
            let Some(id) = NonZeroU32::new(held).map(RouteId) else {
                return Err(place);
            };
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
        // The overflow is the first.
        let id = REST.0.checked_add(*taken + 1).map(RouteId);
        let Some((id, cell)) = id.and_then(|id| Some((id, self.cells.get(id.cell())?))) else {
            return REST;
        };
        cell.set(Route::new(method, route.into()))
            .expect("cells are filled in order, under the lock");
        *taken += 1;
        self.index[place].store(id.0.get(), Ordering::Release);
        id
    }
}

impl RouteId {
    const fn cell(self) -> usize {
        self.0.get() as usize - 1
    }
}

impl fmt::Debug for Routes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.all()).finish()
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
    use std::time::Duration;

    use super::*;
    use crate::figures::Outcome;

    fn routes(max: usize) -> Routes {
        Routes::new(NonZeroUsize::new(max).unwrap())
    }

    fn ok(status: u16) -> Outcome {
        Outcome {
            status: Some(status),
            error: false,
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
        let counts = |route: &Route| -> u64 {
            let series = route.series();
            series
                .map(|series| series.durations.distribution().count)
                .sum()
        };
        assert!(routes.all().all(|route| counts(route) == 4));
    }
}
