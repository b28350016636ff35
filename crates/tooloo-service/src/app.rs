//! A service that is whole: routes, layers and background tasks.

use std::{sync::Arc, time::Duration};

use axum::Router;
use tokio::time::timeout_at;
use tooloo_clock::Instant;
use tooloo_hub::Hub;
use tooloo_trace::Tracer;
use utoipa_axum::router::OpenApiRouter;

use crate::{
    Identity, Kit, KitConfig, Stop,
    health::Health,
    methods::Methods,
    stack,
    system::System,
    task::{Stopper, Tasks},
    telemetry,
};

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
    tracer: Tracer,
    hub: Hub,
    health: Arc<Health>,
    closing: Stopper,
    tasks: Tasks,
}

impl App {
    pub(crate) fn assemble(kit: Kit, routes: OpenApiRouter) -> Self {
        let health = Arc::new(kit.health);
        let (domain, mut openapi) = routes.split_for_parts();
        let mut uncounted = kit.uncounted;
        if kit.config.admin_token.is_some() {
            uncounted = uncounted.merge(kit.controls.routes());
        }
        let (uncounted, described) = uncounted.split_for_parts();
        openapi.merge(described);
        let system = System::new(&kit.identity, &kit.tracer, &kit.hub, &health);
        let (system, openapi) = system.routes(openapi);
        let system = system.merge(uncounted);
        let methods = Methods::of(&openapi);
        let stacked = stack::compose(domain, system, &kit.tracer, &methods, &kit.config);
        Self {
            inner: Arc::new(Inner {
                identity: kit.identity,
                config: kit.config,
                router: stacked,
                tracer: kit.tracer,
                hub: kit.hub,
                health,
                closing: kit.closing,
                tasks: kit.tasks.start(),
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

    /// Returns the tracer of this service.
    pub fn tracer(&self) -> &Tracer {
        &self.inner.tracer
    }

    /// Returns where the parts of this service can be seen.
    pub fn hub(&self) -> &Hub {
        &self.inner.hub
    }

    /// Returns the settings it was built with.
    pub fn config(&self) -> &KitConfig {
        &self.inner.config
    }

    /// Ends a service that is called in process: stops the background tasks, waits for them as long
    /// as a drain may take, and flushes telemetry.
    pub async fn shutdown(&self) {
        self.drain();
        self.close();
        let patience = self.inner.config.drain_deadline;
        self.end(tooloo_clock::now() + patience).await;
        self.flush(patience).await;
    }

    /// From now on the service is not ready, though it still accepts and answers.
    pub(crate) fn drain(&self) {
        tracing::info!(service = self.inner.identity.name, "draining");
        self.inner.health.drain();
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.inner.health.is_draining()
    }

    /// From now on the service accepts nothing more; answers that have no end are ended.
    pub(crate) fn close(&self) {
        self.inner.closing.request();
    }

    /// Tells when the service accepts nothing more.
    pub(crate) fn closing(&self) -> Stop {
        self.inner.closing.stop()
    }

    /// Stops the background tasks.
    pub(crate) async fn end(&self, deadline: Instant) {
        let ended = timeout_at(deadline, self.inner.tasks.end()).await;
        if ended.is_err() {
            let service = self.inner.identity.name;
            tracing::warn!(service, "background tasks were cut off at the deadline");
        }
    }

    /// Sends what telemetry still holds.
    pub(crate) async fn flush(&self, deadline: Duration) {
        telemetry::flush(&self.inner.tracer, deadline).await;
    }
}
