//! Serves apps until they are told to end, and then drains them.

use std::{io, iter, net::SocketAddr, sync::Arc, time::Duration};

use futures_util::future;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::{JoinHandle, JoinSet},
    time::{sleep, sleep_until, timeout, timeout_at},
};
use tooloo_clock::Instant;

use crate::{App, ServeError, Shutdown, connection};

/// How long to wait after the system refused to hand out a connection, for want of descriptors for
/// instance.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How long telemetry may take to leave, whatever else was late.
const FLUSH: Duration = Duration::from_secs(3);

/// How long connections that are cut off may take to go: one whose handler blocks its thread goes
/// only when that returns.
const CUT: Duration = Duration::from_millis(100);

/// What one app leaves of the drain's time to each that closes after it: a slow client of the first
/// must not cut off the others' work.
const RESERVE: Duration = Duration::from_millis(500);

/// An app that accepts connections.
struct Server {
    app: App,
    accepting: JoinHandle<JoinSet<()>>,
}

/// Serves each app on its listener until the shutdown, then drains them.
///
/// A drain makes all apps unready at once. When the grace period is over they close one after the
/// other in the order given, so list callers before those they call: each stops accepting, finishes
/// what it has begun, and ends its tasks. What still runs at the deadline is cut off.
///
/// # Errors
///
/// Returns a [`ServeError`] where a server ends unasked.
pub async fn serve(apps: Vec<(App, TcpListener)>, shutdown: Shutdown) -> Result<(), ServeError> {
    let servers: Vec<Server> = apps
        .into_iter()
        .map(|(app, listener)| Server::start(app, listener))
        .collect();
    shutdown.wanted().await;
    let apps = || servers.iter().map(|server| &server.app);
    let configs = || apps().map(App::config);
    let grace = configs().map(|config| config.drain_grace).max();
    let deadline = configs().map(|config| config.drain_deadline).max();
    let began = tooloo_clock::now();
    let deadline = began + deadline.unwrap_or_default();
    apps().for_each(App::drain);
    let grace = began + grace.unwrap_or_default();
    sleep_until(grace.min(deadline)).await;
    let mut closed = Ok(());
    let apps: Vec<App> = apps().cloned().collect();
    let reserve = RESERVE.min((deadline - grace.min(deadline)) / (2 * count(&apps)));
    for (server, after) in servers.into_iter().zip((0..count(&apps)).rev()) {
        closed = closed.and(server.close(deadline - reserve * after).await);
    }
    let flushed = apps.iter().map(|app| async {
        app.flush(FLUSH).await;
        tracing::info!(service = app.identity().name, "drained");
    });
    future::join_all(flushed).await;
    closed
}

fn count(apps: &[App]) -> u32 {
    u32::try_from(apps.len()).expect("a process serves a handful of apps")
}

impl Server {
    fn start(app: App, listener: TcpListener) -> Self {
        let accepting = tokio::spawn(accept(app.clone(), listener));
        Self { app, accepting }
    }

    async fn close(self, deadline: Instant) -> Result<(), ServeError> {
        let service = self.app.identity().name;
        self.app.close();
        let mut connections = self
            .accepting
            .await
            .map_err(|error| ServeError::new(service, io::Error::other(error)))?;
        if timeout_at(deadline, ended(&mut connections)).await.is_err() {
            let cut = connections.len();
            tracing::warn!(service, cut, "connections were cut off at the deadline");
            connections.abort_all();
            if timeout(CUT, ended(&mut connections)).await.is_err() {
                let blocked = connections.len();
                tracing::warn!(service, blocked, "handlers that block were left behind");
            }
        }
        self.app.end(deadline).await;
        Ok(())
    }
}

async fn ended(connections: &mut JoinSet<()>) {
    while connections.join_next().await.is_some() {}
}

/// Accepts until the app closes; returns what is still connected.
async fn accept(app: App, listener: TcpListener) -> JoinSet<()> {
    let mut connections = JoinSet::new();
    let slots = Arc::new(Semaphore::new(app.config().max_connections));
    let closing = app.closing();
    loop {
        // Where all slots are taken, clients wait in the kernel's backlog.
        let slot = tokio::select! {
            slot = Arc::clone(&slots).acquire_owned() => slot.expect("never closed"),
            Some(_) = connections.join_next() => continue,
            () = closing.requested() => break,
        };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
            () = closing.requested() => break,
        };
        match accepted {
            Ok((stream, client)) => {
                let serving = connection::serve(stream, client, app.clone());
                connections.spawn(async move {
                    serving.await;
                    drop(slot);
                });
            }
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                tracing::error!(service = app.identity().name, %error, "cannot accept");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    // Whoever the kernel has already let in is served: closing the listener would reset them.
    for (stream, client) in waiting(listener) {
        connections.spawn(connection::serve(stream, client, app.clone()));
    }
    connections
}

/// Takes what waits to be accepted, and then closes the listener.
///
/// The kernel itself is asked: the runtime may not have heard of the newest yet.
fn waiting(listener: TcpListener) -> impl Iterator<Item = (TcpStream, SocketAddr)> {
    let mut listener = listener.into_std().ok();
    iter::from_fn(move || {
        loop {
            match listener.as_ref()?.accept() {
                Ok((stream, client)) => {
                    let stream = stream
                        .set_nonblocking(true)
                        .and_then(|()| TcpStream::from_std(stream));
                    if let Ok(stream) = stream {
                        return Some((stream, client));
                    }
                }
                Err(error) if is_of_one_connection(&error) => {}
                Err(_) => listener = None,
            }
        }
    })
}

fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted
    )
}
