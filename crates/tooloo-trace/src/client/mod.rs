//! The client's end: traces outgoing calls and sends the context along.

mod future;
mod layer;
mod service;

pub use self::{future::ClientResponseFuture, layer::ClientTraceLayer, service::ClientTrace};
