//! What a service is put together with.

use std::{fmt, fs, future::Future, num::NonZeroUsize, path::PathBuf};

use http::Uri;
use serde::{Serialize, de::DeserializeOwned};
use tooloo_hub::{Hub, Observe};
use tooloo_trace::Tracer;
use utoipa_axum::router::OpenApiRouter;

use crate::{
    App, CachePurge, Definition, Identity, KitConfig, Peer, StartError, Stop,
    client::Client,
    controls::Controls,
    health::Health,
    task::{Planned, Stopper},
    telemetry,
};

/// Collects the parts of a service; [`finish`](Self::finish) makes it whole.
pub struct Kit {
    pub(crate) identity: Identity,
    pub(crate) config: KitConfig,
    pub(crate) tracer: Tracer,
    pub(crate) hub: Hub,
    pub(crate) health: Health,
    pub(crate) tasks: Planned,
    pub(crate) closing: Stopper,
    pub(crate) uncounted: OpenApiRouter,
    pub(crate) controls: Controls,
    client: Client,
}

impl Kit {
    /// Starts a service's telemetry and client stack, and makes its data folder.
    pub fn new(definition: &Definition, config: &KitConfig) -> Result<Self, StartError> {
        fs::create_dir_all(&config.data_dir).map_err(|error| {
            StartError::new(format!(
                "cannot make the data folder {}: {error}",
                config.data_dir.display()
            ))
        })?;
        let identity = definition.identity();
        let tracer = telemetry::start(identity, config)?;
        let hub = Hub::new();
        hub.register("tracer", tracer.handle(), &["tracer"]);
        Ok(Self {
            identity,
            config: config.clone(),
            tracer,
            hub,
            health: Health::new(config.check_timeout),
            tasks: Planned::default(),
            closing: Stopper::new(),
            uncounted: OpenApiRouter::new(),
            controls: Controls::default(),
            client: Client::new(config),
        })
    }

    /// Returns who this service is.
    pub fn identity(&self) -> Identity {
        self.identity
    }

    /// Returns the settings that every service has.
    pub fn config(&self) -> &KitConfig {
        &self.config
    }

    /// Returns the tracer of this service.
    pub fn tracer(&self) -> &Tracer {
        &self.tracer
    }

    /// Returns where the parts of this service are registered to be seen.
    pub fn hub(&self) -> &Hub {
        &self.hub
    }

    /// Returns the path of a file in the data folder.
    pub fn data_file(&self, name: &str) -> PathBuf {
        self.config.data_dir.join(name)
    }

    /// Returns another service of the fleet, at the address that the settings give it.
    ///
    /// # Panics
    ///
    /// Panics where `name` is neither in the fleet's directory nor among the configured peers.
    pub fn peer(&self, name: &str) -> Peer {
        let base = self.config.address_of(name);
        let base = base.unwrap_or_else(|| panic!("no address is known for the peer `{name}`"));
        self.client(base, name)
    }

    /// Returns a client for anything else that speaks HTTP, known here as `name`.
    pub fn client(&self, base: Uri, name: &str) -> Peer {
        let client = self.client.clone();
        Peer::new(name, base, client, &self.tracer, &self.config)
    }

    /// Adds a readiness check.
    pub fn check<F, Fut, E>(&mut self, name: &str, check: F)
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), E>> + Send + 'static,
        E: fmt::Display,
    {
        self.health.add(name, check);
    }

    /// Adds a background task. It starts once the service is whole, and a drain waits for its end.
    pub fn task<F, Fut>(&mut self, name: &str, task: F)
    where
        F: FnOnce(Stop) -> Fut + Send + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        self.tasks.add(self.identity.name, name, task);
    }

    /// Shows a circuit breaker among `circuitBreakers`, and lets an administrator `set` it by name.
    ///
    /// A `C` is what it can be told to do, as `state` has it in the body of
    /// `POST /api/v1/system/circuit-breakers/{name}`. There is no such route without an admin token.
    pub fn circuit_breaker<H, C, F>(&mut self, name: &str, handle: H, set: F)
    where
        H: Observe + Clone,
        C: DeserializeOwned + 'static,
        F: Fn(C) + Send + Sync + 'static,
    {
        self.hub
            .register(name, handle.clone(), &["circuitBreakers"]);
        self.controls.add_breaker(name, handle, set);
    }

    /// Shows the service's rate limiter, and lets an administrator `set` the quota of one key.
    ///
    /// A `Q` is a quota, as the body of `PUT /api/v1/system/rate-limits/{key}` has it; `set` gets none
    /// where the key is to have everyone's again. There is no such route without an admin token.
    pub fn rate_limiter<H, Q, E, F>(&mut self, handle: H, set: F)
    where
        H: Observe,
        Q: DeserializeOwned + Serialize + Clone + 'static,
        E: fmt::Display,
        F: Fn(&str, Option<Q>) -> Result<(), E> + Send + Sync + 'static,
    {
        self.hub.register("rateLimiter", handle, &["rateLimiter"]);
        self.controls.set_limiter(set);
    }

    /// Shows the service's cache, and lets an administrator `purge` it.
    ///
    /// What `purge` returns as an error is a target that makes no sense to it: 422. There is no
    /// `POST /api/v1/system/cache/purge` without an admin token.
    pub fn cache<H, E, F, Fut>(&mut self, handle: H, purge: F)
    where
        H: Observe + Clone,
        E: fmt::Display,
        F: Fn(CachePurge) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), E>> + Send + 'static,
    {
        self.hub.register("cache", handle.clone(), &["cache"]);
        self.controls.set_cache(handle, purge);
    }

    /// Shows the service's connection pool, and lets an administrator `resize` it.
    ///
    /// `resize` gets the least and the most connections, as the body of `POST /api/v1/system/pool` has them; a body that
    /// leaves out the least wants none in particular. There is no such route without an admin token.
    pub fn pool<H, F>(&mut self, handle: H, resize: F)
    where
        H: Observe + Clone,
        F: Fn(usize, NonZeroUsize) + Send + Sync + 'static,
    {
        self.hub.register("pool", handle.clone(), &["pool"]);
        self.controls.set_pool(handle, resize);
    }

    /// Adds routes that look at the service or the fleet: like the system's own, they are left out of
    /// the figures that they show.
    pub fn uncounted(&mut self, routes: OpenApiRouter) {
        self.uncounted = std::mem::take(&mut self.uncounted).merge(routes);
    }

    /// Tells when the service accepts nothing more, for answers that have no end of their own.
    ///
    /// Event streams need not watch it: the server ends them.
    pub fn closing(&self) -> Stop {
        self.closing.stop()
    }

    /// Puts the service's routes, the system's routes and all layers together, and starts the tasks.
    ///
    /// # Panics
    ///
    /// Panics outside of a tokio runtime, and where a route is one of the system's.
    pub fn finish(self, routes: OpenApiRouter) -> App {
        App::assemble(self, routes)
    }
}

impl fmt::Debug for Kit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kit")
            .field("identity", &self.identity)
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}
