//! How connections are made: any tower service, with its type forgotten.

use std::{future::poll_fn, pin::Pin};

use tower_service::Service;

use crate::connection::BoxError;

/// Boxed, since connecting is rare and costs a thousand times as much.
pub(crate) type Connecting<C> = Pin<Box<dyn Future<Output = Result<C, BoxError>> + Send>>;

/// Makes connections.
pub(crate) trait Connect<C>: Send + Sync {
    /// Begins to make one.
    fn connect(&self) -> Connecting<C>;
}

impl<S, C> Connect<C> for S
where
    S: Service<(), Response = C, Error: Into<BoxError>, Future: Send>
        + Clone
        + Send
        + Sync
        + 'static,
{
    fn connect(&self) -> Connecting<C> {
        let mut service = self.clone();
        Box::pin(async move {
            poll_fn(|cx| service.poll_ready(cx))
                .await
                .map_err(Into::into)?;
            service.call(()).await.map_err(Into::into)
        })
    }
}
