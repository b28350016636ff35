//! One connection, from accept to close.

use std::{
    net::SocketAddr,
    pin::{Pin, pin},
    sync::Arc,
    time::Duration,
};

use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;

use crate::{
    App,
    exchange::{Exchanger, Exchanges},
    io::{Patience, PatientIo},
};

/// What hyper reads of a head before it gives up with a bare 431: far above our own bound, which is
/// answered with a problem.
const HARD_HEAD_BYTES: usize = 256 * 1024;

/// Likewise for the number of fields.
const HARD_HEAD_FIELDS: usize = 1024;

/// How long a connection that has just been opened may still bring its first request while the
/// server closes.
const FIRST_REQUEST: Duration = Duration::from_millis(200);

/// Serves `stream` until either side closes it, or gracefully until the app closes.
pub(crate) async fn serve(stream: TcpStream, client: SocketAddr, app: App) {
    // Small answers go out at once; a socket that cannot do so works as well.
    drop(stream.set_nodelay(true));
    let config = app.config();
    let patience = Patience {
        head: config.header_timeout,
        idle: config.idle_timeout,
        write: config.write_timeout,
    };
    let closing = app.closing();
    let service = app.identity().name;
    let exchanges = Arc::new(Exchanges::default());
    let io = TokioIo::new(PatientIo::new(stream, patience, Arc::clone(&exchanges)));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        // The socket keeps the time: see `PatientIo`.
        .header_read_timeout(None)
        .max_buf_size(HARD_HEAD_BYTES.max(config.header_limit.saturating_mul(2)))
        .max_headers(HARD_HEAD_FIELDS.max(config.header_count.saturating_mul(2)))
        .serve_connection(io, Exchanger::new(app, client, Arc::clone(&exchanges)));
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        // A request that has arrived goes before the close.
        biased;
        ended = connection.as_mut() => Some(ended),
        () = closing.requested() => None,
    };
    let ended = match ended {
        Some(ended) => ended,
        None => close(connection, &exchanges).await,
    };
    if let Err(error) = ended {
        tracing::debug!(service, %client, %error, "a connection failed");
    }
}

/// Lets the present exchange finish. Hyper would drop a connection at once that has brought no byte
/// yet, although its first request may be on the way.
async fn close(
    mut connection: Pin<&mut http1::Connection<TokioIo<PatientIo<TcpStream>>, Exchanger>>,
    exchanges: &Exchanges,
) -> hyper::Result<()> {
    if !exchanges.has_heard()
        && let Ok(ended) = tokio::time::timeout(FIRST_REQUEST, connection.as_mut()).await
    {
        return ended;
    }
    connection.as_mut().graceful_shutdown();
    connection.await
}
