//! The limiters of a layer, by route.

use std::sync::Arc;

use arc_swap::ArcSwap;
use http::{HeaderValue, Method};

use crate::{
    PoliciesConfig, RateLimitConfig, RateLimitHandle, RateLimiter, RouteConfig, SharedRateLimiter,
    headers,
};

/// The limiters of a layer: one for most routes, and one for each route with limits of its own.
///
/// Clones share them; [`reload`](Self::reload) changes them for all.
#[derive(Clone, Debug)]
pub struct Policies {
    table: Arc<ArcSwap<Table>>,
}

#[derive(Debug)]
pub(crate) struct Table {
    default: Policy,
    routes: Vec<(RouteConfig, Policy)>,
    pub(crate) shadow: bool,
}

/// One limiter, and what its policy is called in headers.
#[derive(Clone, Debug)]
pub(crate) struct Policy {
    pub(crate) limiter: RateLimiter,
    // Decides instead of `limiter`, which counts for it.
    pub(crate) shared: Option<SharedRateLimiter>,
    pub(crate) header: HeaderValue,
}

impl Policies {
    /// Creates the limiters.
    pub fn new(config: impl Into<PoliciesConfig>) -> Self {
        let config = config.into();
        let routes = config.routes.into_iter().map(|route| {
            let policy = Policy::new(RateLimiter::new(route.limits.clone()));
            (route, policy)
        });
        let table = Table {
            routes: routes.collect(),
            default: Policy::new(RateLimiter::new(config.default)),
            shadow: config.shadow,
        };
        Self {
            table: Arc::new(ArcSwap::from_pointee(table)),
        }
    }

    /// Goes on under other settings; a route of the same method and path keeps its debts.
    pub fn reload(&self, config: impl Into<PoliciesConfig>) {
        let config = config.into();
        let before = self.table.load();
        let routes = config.routes.into_iter().map(|route| {
            let same = |known: &&(RouteConfig, Policy)| {
                known.0.method == route.method && known.0.path == route.path
            };
            let policy = match before.routes.iter().find(same) {
                Some((_, policy)) => policy.changed(route.limits.clone()),
                None => Policy::new(RateLimiter::new(route.limits.clone())),
            };
            (route, policy)
        });
        let table = Table {
            routes: routes.collect(),
            default: before.default.changed(config.default),
            shadow: config.shadow,
        };
        self.table.store(Arc::new(table));
    }

    /// Returns the limiter of most routes.
    pub fn limiter(&self) -> RateLimiter {
        self.table.load().default.limiter.clone()
    }

    /// Returns the limiter of a request to `path`.
    pub fn limiter_of(&self, method: &Method, path: &str) -> RateLimiter {
        self.table.load().policy(method, path).limiter.clone()
    }

    /// Returns a read-only view of them all, added up.
    pub fn handle(&self) -> RateLimitHandle {
        RateLimitHandle::of_policies(self.clone())
    }

    pub(crate) fn table(&self) -> arc_swap::Guard<Arc<Table>> {
        self.table.load()
    }

    pub(crate) fn limiters(&self) -> Vec<RateLimiter> {
        let table = self.table.load();
        let routes = table.routes.iter().map(|(_, policy)| &policy.limiter);
        std::iter::once(&table.default.limiter)
            .chain(routes)
            .cloned()
            .collect()
    }
}

impl From<RateLimiter> for Policies {
    /// Limits all routes with a limiter that is used elsewhere too.
    fn from(limiter: RateLimiter) -> Self {
        let table = Table {
            default: Policy::new(limiter),
            routes: Vec::new(),
            shadow: false,
        };
        Self {
            table: Arc::new(ArcSwap::from_pointee(table)),
        }
    }
}

impl From<SharedRateLimiter> for Policies {
    /// Limits all routes by quotas that several processes share; requests are not made to wait for
    /// them.
    fn from(shared: SharedRateLimiter) -> Self {
        let policy = Policy::new(shared.local().clone());
        let table = Table {
            default: Policy {
                shared: Some(shared),
                ..policy
            },
            routes: Vec::new(),
            shadow: false,
        };
        Self {
            table: Arc::new(ArcSwap::from_pointee(table)),
        }
    }
}

impl From<RateLimitConfig> for Policies {
    fn from(config: RateLimitConfig) -> Self {
        Self::new(config)
    }
}

impl From<PoliciesConfig> for Policies {
    fn from(config: PoliciesConfig) -> Self {
        Self::new(config)
    }
}

impl Table {
    #[inline]
    pub(crate) fn policy(&self, method: &Method, path: &str) -> &Policy {
        let mut routes = self.routes.iter();
        let route = routes.find(|(route, _)| route.matches(method, path));
        route.map_or(&self.default, |(_, policy)| policy)
    }
}

impl Policy {
    fn new(limiter: RateLimiter) -> Self {
        let tiers = limiter.tiers();
        Self {
            header: headers::policy(tiers.iter()),
            shared: None,
            limiter,
        }
    }

    fn changed(&self, config: RateLimitConfig) -> Self {
        self.limiter.reload(config);
        let shared = self.shared.clone();
        Self {
            shared,
            ..Self::new(self.limiter.clone())
        }
    }
}
