//! The limiters of a layer, by route.

use std::sync::Arc;

use http::{Method, Request};
use sdd::Guard;

use crate::{
    PoliciesConfig, QuotaStore, RateLimitConfig, RateLimitHandle, RateLimiter, RouteConfig,
    SharedConfig, SharedRateLimiter,
    current::Current,
    headers::Notice,
    pooled::{RouteStore, Sharing},
};

/// The limiters of a layer: one for most routes, and one for each route with limits of its own.
///
/// Clones share them; [`reload`](Self::reload) changes them for all.
#[derive(Clone, Debug)]
pub struct Policies {
    table: Arc<Current<Table>>,
}

#[derive(Debug)]
pub(crate) struct Table {
    default: Arc<Policy>,
    routes: Vec<(RouteConfig, Arc<Policy>)>,
    pub(crate) shadow: bool,
    // Where the quotas of routes to come are kept, too.
    sharing: Option<Sharing>,
}

/// One limiter, and what answers say about it.
#[derive(Debug)]
pub(crate) struct Policy {
    pub(crate) limiter: RateLimiter,
    // Decides instead of `limiter`, which counts for it.
    pub(crate) shared: Option<SharedRateLimiter>,
    pub(crate) notice: Arc<Notice>,
}

impl Policies {
    /// Creates the limiters.
    pub fn new(config: impl Into<PoliciesConfig>) -> Self {
        Self::made(config.into(), None)
    }

    /// Creates limiters whose quotas are kept in `store`, which several processes share; requests are
    /// not made to wait for them.
    ///
    /// A quota that is [set](RateLimiter::set_limit) for one key is set in this process alone.
    pub fn shared(
        config: impl Into<PoliciesConfig>,
        store: impl QuotaStore,
        sharing: SharedConfig,
    ) -> Self {
        Self::made(config.into(), Some(Sharing::new(store, sharing)))
    }

    fn made(config: PoliciesConfig, sharing: Option<Sharing>) -> Self {
        let routes = config.routes.into_iter().map(|route| {
            let policy = Policy::made(route.limits.clone(), Some(&route), sharing.as_ref());
            (route, Arc::new(policy))
        });
        Self::of(Table {
            routes: routes.collect(),
            default: Arc::new(Policy::made(config.default, None, sharing.as_ref())),
            shadow: config.shadow,
            sharing,
        })
    }

    fn of(table: Table) -> Self {
        Self {
            table: Arc::new(Current::new(table)),
        }
    }

    /// Goes on under other settings; a route of the same method and path keeps its debts.
    pub fn reload(&self, config: impl Into<PoliciesConfig>) {
        let config = config.into();
        let guard = Guard::new();
        let before = self.table(&guard);
        let routes = config.routes.into_iter().map(|route| {
            let same = |known: &&(RouteConfig, Arc<Policy>)| {
                known.0.method == route.method && known.0.path == route.path
            };
            let policy = match before.routes.iter().find(same) {
                Some((_, policy)) => policy.changed(route.limits.clone()),
                None => Policy::made(route.limits.clone(), Some(&route), before.sharing.as_ref()),
            };
            (route, Arc::new(policy))
        });
        let table = Table {
            routes: routes.collect(),
            default: Arc::new(before.default.changed(config.default)),
            shadow: config.shadow,
            sharing: before.sharing.clone(),
        };
        self.table.replace(table);
    }

    /// Returns the limiter of most routes.
    pub fn limiter(&self) -> RateLimiter {
        self.table(&Guard::new()).default.limiter.clone()
    }

    /// Returns the limiter of a request to `path`.
    pub fn limiter_of(&self, method: &Method, path: &str) -> RateLimiter {
        let guard = Guard::new();
        self.table(&guard).policy(method, path).limiter.clone()
    }

    /// Returns a read-only view of them all, added up.
    pub fn handle(&self) -> RateLimitHandle {
        RateLimitHandle::of_policies(self.clone())
    }

    /// Returns the limiters, for as long as the guard is there.
    #[inline]
    pub(crate) fn table<'g>(&self, guard: &'g Guard) -> &'g Table {
        self.table.get(guard)
    }

    /// Whether a store of shared quotas is away; `None` where there is none.
    pub(crate) fn is_store_away(&self) -> Option<bool> {
        let guard = Guard::new();
        let table = self.table(&guard);
        let routes = table.routes.iter().map(|(_, policy)| policy);
        let shared = std::iter::once(&table.default).chain(routes);
        let mut away = shared.filter_map(|policy| Some(policy.shared.as_ref()?.is_store_away()));
        let first = away.next()?;
        Some(first || away.any(|away| away))
    }

    pub(crate) fn limiters(&self) -> Vec<RateLimiter> {
        let guard = Guard::new();
        let table = self.table(&guard);
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
        Self::of(Table {
            default: Arc::new(Policy::new(limiter)),
            routes: Vec::new(),
            shadow: false,
            sharing: None,
        })
    }
}

impl From<SharedRateLimiter> for Policies {
    /// Limits all routes by quotas that several processes share; requests are not made to wait for
    /// them.
    fn from(shared: SharedRateLimiter) -> Self {
        Self::of(Table {
            default: Arc::new(Policy::of_shared(shared)),
            routes: Vec::new(),
            shadow: false,
            sharing: None,
        })
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
    pub(crate) fn policy_of<B>(&self, request: &Request<B>) -> &Arc<Policy> {
        if self.routes.is_empty() {
            return &self.default;
        }
        self.policy(request.method(), request.uri().path())
    }

    pub(crate) fn policy(&self, method: &Method, path: &str) -> &Arc<Policy> {
        let mut routes = self.routes.iter();
        let route = routes.find(|(route, _)| route.matches(method, path));
        route.map_or(&self.default, |(_, policy)| policy)
    }
}

impl Policy {
    fn new(limiter: RateLimiter) -> Self {
        Self {
            notice: Arc::new(Notice::new(limiter.tiers())),
            shared: None,
            limiter,
        }
    }

    /// Creates the policy of a route, or of all others, with its quotas where they are kept.
    fn made(
        limits: RateLimitConfig,
        route: Option<&RouteConfig>,
        sharing: Option<&Sharing>,
    ) -> Self {
        match sharing {
            None => Self::new(RateLimiter::new(limits)),
            Some(sharing) => {
                let store = RouteStore::new(sharing, route);
                Self::of_shared(SharedRateLimiter::new(store, limits, sharing.config))
            }
        }
    }

    fn of_shared(shared: SharedRateLimiter) -> Self {
        let policy = Self::new(shared.local().clone());
        Self {
            shared: Some(shared),
            ..policy
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
