//! Makes [`ClientTrace`] services that share one tracer.

use std::sync::Arc;

use tower_layer::Layer;

use crate::{ClientTrace, TraceHandle, Tracer};

/// Traces every call that a client makes, and sends the trace's context along.
///
/// It fits any tower HTTP client. A call is a span under the [`current`](crate::current) one, or
/// begins a trace. Its figures are counted by peer: name it with [`with_peer`](Self::with_peer).
#[must_use = "a layer does nothing until it wraps a service"]
#[derive(Clone, Debug)]
pub struct ClientTraceLayer {
    tracer: Tracer,
    peer: Option<Arc<str>>,
}

impl ClientTraceLayer {
    /// Creates a layer that traces with `tracer`.
    pub fn new(tracer: Tracer) -> Self {
        Self { tracer, peer: None }
    }

    /// Names whom the client calls; without, the request's host does.
    pub fn with_peer(self, peer: impl Into<Arc<str>>) -> Self {
        Self {
            peer: Some(peer.into()),
            ..self
        }
    }

    /// Returns a read-only view, to keep when the layer moves into a stack.
    pub fn handle(&self) -> TraceHandle {
        self.tracer.handle()
    }
}

impl<S> Layer<S> for ClientTraceLayer {
    type Service = ClientTrace<S>;

    fn layer(&self, inner: S) -> ClientTrace<S> {
        ClientTrace::new(inner, self.tracer.clone(), self.peer.clone())
    }
}
