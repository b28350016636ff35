//! One store for the quotas of several routes.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use tooloo_key::Key;

use super::SharedConfig;
use crate::{
    RouteConfig, StoreError, Tier,
    backend::{Demand, Grant, QuotaStore},
};

/// A store, and how it is used.
#[derive(Clone, Debug)]
pub(crate) struct Sharing {
    store: Arc<dyn QuotaStore>,
    pub(crate) config: SharedConfig,
}

/// Keeps the quotas of one route apart from those of others in the same store.
#[derive(Debug)]
pub(crate) struct RouteStore {
    store: Arc<dyn QuotaStore>,
    // None where it is for all routes without limits of their own.
    route: Option<Box<str>>,
}

impl Sharing {
    pub(crate) fn new(store: impl QuotaStore, config: SharedConfig) -> Self {
        Self {
            store: Arc::new(store),
            config,
        }
    }
}

impl RouteStore {
    pub(crate) fn new(sharing: &Sharing, route: Option<&RouteConfig>) -> Self {
        let name = |route: &RouteConfig| {
            let method = route.method.as_ref().map_or("*", http::Method::as_str);
            format!("{method} {}", route.path).into()
        };
        Self {
            store: Arc::clone(&sharing.store),
            route: route.map(name),
        }
    }
}

impl QuotaStore for RouteStore {
    fn spend<'a>(
        &'a self,
        key: &'a Key,
        tiers: &'a [Tier],
        demand: Demand,
    ) -> BoxFuture<'a, Result<Grant, StoreError>> {
        let Some(route) = &self.route else {
            return self.store.spend(key, tiers, demand);
        };
        let key = Key::from(format!("{route} {key}"));
        Box::pin(async move { self.store.spend(&key, tiers, demand).await })
    }
}
