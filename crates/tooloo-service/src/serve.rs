//! Serves apps until they have drained.

use futures_util::future;
use tokio::net::TcpListener;

use crate::{App, ServeError, Shutdown};

/// Serves each app on its listener until the shutdown, then drains them in the order given.
pub async fn serve(
    apps: Vec<(App, TcpListener)>,
    shutdown: Shutdown,
) -> Result<(), ServeError> {
    let servers = apps.into_iter().map(|(app, listener)| {
        let shutdown = shutdown.clone();
        async move {
            let name = app.identity().name;
            axum::serve(listener, app.router())
                .with_graceful_shutdown(async move { shutdown.wanted().await })
                .await
                .map_err(|error| ServeError::new(name, error))?;
            app.shutdown().await;
            Ok(())
        }
    });
    future::try_join_all(servers).await.map(drop)
}
