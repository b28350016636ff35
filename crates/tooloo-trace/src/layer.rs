//! Makes [`Trace`] services that share one tracer.

use http::Extensions;
use tower_layer::Layer;

use crate::{Trace, TraceHandle, Tracer};

/// Finds the route that a request was matched to, in the extensions that a router left.
pub type RouteOf = fn(&Extensions) -> Option<&str>;

/// Traces every request that a service answers.
///
/// See the [crate docs](crate) for an example.
#[must_use = "a layer does nothing until it wraps a service"]
#[derive(Clone, Debug)]
pub struct TraceLayer {
    tracer: Tracer,
    route: RouteOf,
    counted: bool,
}

impl TraceLayer {
    /// Creates a layer that traces with `tracer`.
    ///
    /// With the feature `axum` it finds the route that axum's router matched; without, requests
    /// share one route until [`with_route`](Self::with_route) tells them apart.
    pub fn new(tracer: Tracer) -> Self {
        Self {
            tracer,
            route: matched_path,
            counted: true,
        }
    }

    /// Finds the route of a request with `route`, for routers other than axum's.
    ///
    /// Routes must be few, such as `/users/{id}`: figures are kept for each.
    pub fn with_route(self, route: RouteOf) -> Self {
        Self { route, ..self }
    }

    /// Passes context on, and answers with it, but leaves requests out of all figures and spans.
    ///
    /// For routes such as health checks, that would drown what they report.
    pub fn uncounted(self) -> Self {
        Self {
            counted: false,
            ..self
        }
    }

    /// Returns a read-only view, to keep when the layer moves into a stack.
    pub fn handle(&self) -> TraceHandle {
        self.tracer.handle()
    }
}

impl<S> Layer<S> for TraceLayer {
    type Service = Trace<S>;

    fn layer(&self, inner: S) -> Trace<S> {
        Trace::new(inner, self.tracer.clone(), self.route, self.counted)
    }
}

#[cfg(feature = "axum")]
fn matched_path(extensions: &Extensions) -> Option<&str> {
    extensions
        .get::<axum::extract::MatchedPath>()
        .map(axum::extract::MatchedPath::as_str)
}

#[cfg(not(feature = "axum"))]
fn matched_path(_extensions: &Extensions) -> Option<&str> {
    None
}
