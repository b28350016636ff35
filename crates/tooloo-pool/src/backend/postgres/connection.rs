//! A connection to PostgreSQL.

use std::{fmt, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    task::JoinHandle,
    time::timeout,
};
use tokio_postgres::{Client, error::SqlState, tls::TlsStream};

use super::{PostgresError, Session, dial::Address, wire::Wire};
use crate::Connection;

/// How long a statement that nobody waits for may still run before the server is told to give it up.
const GRACE: Duration = Duration::from_millis(20);

/// Makes a session as it was at its start, but for its prepared statements.
const RESET: &str = "ROLLBACK; RESET ALL; UNLISTEN *; SELECT pg_advisory_unlock_all()";

/// A connection to PostgreSQL.
pub struct PostgresConnection {
    pub(super) client: Client,
    driver: Driver,
    wire: Arc<Wire>,
    address: Address,
    // Whether a session was dropped before it was finished, or is under way.
    pub(super) interrupted: bool,
}

/// The task that reads and writes the socket; dropped, it is stopped.
pub(super) struct Driver(JoinHandle<()>);

impl PostgresConnection {
    pub(super) fn new(client: Client, driver: Driver, wire: Arc<Wire>, address: Address) -> Self {
        Self {
            client,
            driver,
            wire,
            address,
            interrupted: false,
        }
    }

    /// Runs `work` with the client.
    ///
    /// Dropped before it is done, the connection is reset before anybody else has it, and what runs on the server is
    /// cancelled. Futures that `work` itself drops before they are done are noticed only once they have reached the
    /// socket: await them, or have the lease [reset](crate::Lease::reset_on_return).
    pub async fn run<T>(&mut self, work: impl AsyncFnOnce(&mut Client) -> T) -> T {
        let mut session = self.session();
        let result = work(&mut session).await;
        session.finish();
        result
    }

    /// Begins work with the client that ends with [`Session::finish`]; for where [`run`](Self::run)'s closure is in
    /// the way.
    pub fn session(&mut self) -> Session<'_> {
        Session::new(self)
    }

    /// Returns whether a transaction is open, by the server's last word.
    pub fn in_transaction(&self) -> bool {
        self.wire.is_in_transaction()
    }
}

impl Connection for PostgresConnection {
    type Error = PostgresError;

    async fn check(&mut self) -> Result<(), PostgresError> {
        Ok(self.client.check_connection().await?)
    }

    /// Cancels what still runs, rolls back, and forgets session settings, listeners and advisory locks. Prepared
    /// statements stay.
    async fn reset(&mut self) -> Result<(), PostgresError> {
        {
            let mut reset = std::pin::pin!(self.client.batch_execute(RESET));
            let done = if let Ok(done) = timeout(GRACE, &mut reset).await {
                done
            } else {
                self.address.cancel(&self.client).await?;
                reset.await
            };
            match done {
                // The request to cancel came too late for what it meant, and hit this instead.
                Err(error) if error.code() == Some(&SqlState::QUERY_CANCELED) => {
                    self.client.batch_execute(RESET).await?;
                }
                done => done?,
            }
        }
        self.interrupted = false;
        Ok(())
    }

    async fn close(self) {
        let Self {
            client, mut driver, ..
        } = self;
        // The driver says goodbye and ends.
        drop(client);
        let _ = (&mut driver.0).await;
    }

    fn is_dirty(&self) -> bool {
        self.interrupted || !self.wire.is_clean()
    }

    fn is_closed(&self) -> bool {
        self.client.is_closed()
    }
}

impl fmt::Debug for PostgresConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresConnection")
            .field("wire", &self.wire)
            .field("interrupted", &self.interrupted)
            .finish_non_exhaustive()
    }
}

impl Driver {
    pub(super) fn start<S, T>(connection: tokio_postgres::Connection<S, T>) -> Self
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
        T: TlsStream + Send + Unpin + 'static,
    {
        Self(tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection to PostgreSQL broke");
            }
        }))
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}
