//! A service that is whole: routes, layers and background tasks.

use std::{sync::Arc, time::Duration};

use axum::Router;
use tooloo_hub::Hub;
use utoipa_axum::router::OpenApiRouter;

use crate::{Identity, Kit, KitConfig, Stop, health::Health, stack, system, task::Tasks};

/// A service, ready to be served, or called in process through its router.
///
/// Clones are the same service.
#[derive(Clone, Debug)]
pub struct App {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    identity: Identity,
    config: KitConfig,
    router: Router,
    hub: Hub,
    health: Arc<Health>,
    tasks: Tasks,
}

impl App {
    pub(crate) fn assemble(kit: Kit, routes: OpenApiRouter) -> Self {
        let Kit {
            identity,
            config,
            hub,
            health,
            tasks,
            ..
        } = kit;
        let health = Arc::new(health);
        let (domain, openapi) = routes.split_for_parts();
        let system = system::routes(identity, hub.clone(), Arc::clone(&health), openapi);
        let router = stack::compose(domain, system, &config);
        Self {
            inner: Arc::new(Inner {
                identity,
                config,
                router,
                hub,
                health,
                tasks: tasks.start(),
            }),
        }
    }

    /// Returns who this service is.
    pub fn identity(&self) -> Identity {
        self.inner.identity
    }

    /// Returns the whole service as a router, with all layers.
    pub fn router(&self) -> Router {
        self.inner.router.clone()
    }

    /// Returns where the parts of this service can be seen.
    pub fn hub(&self) -> &Hub {
        &self.inner.hub
    }

    /// Returns the settings it was built with.
    pub fn config(&self) -> &KitConfig {
        &self.inner.config
    }

    /// Tells when the service is ending.
    pub fn stop(&self) -> Stop {
        self.inner.tasks.stop()
    }

    /// Stops the background tasks, waits for them, and flushes telemetry.
    pub async fn shutdown(&self) {
        self.inner.health.drain();
        let deadline = self.inner.config.drain_deadline;
        self.end(deadline).await;
    }

    pub(crate) async fn end(&self, deadline: Duration) {
        if tokio::time::timeout(deadline, self.inner.tasks.end()).await.is_err() {
            tracing::warn!(service = self.inner.identity.name, "background tasks were cut off");
            self.inner.tasks.abort();
        }
    }

    pub(crate) fn health(&self) -> &Health {
        &self.inner.health
    }
}
