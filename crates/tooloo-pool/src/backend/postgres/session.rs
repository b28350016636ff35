//! Work with a client that tells when it is done.

use std::{
    fmt,
    ops::{Deref, DerefMut},
};

use tokio_postgres::Client;

use super::PostgresConnection;

/// The client of a connection, until [`finish`](Self::finish).
///
/// Dropped without, such as when the future that holds it is dropped, the connection is reset before anybody else has
/// it.
#[must_use = "a session that is not finished has its connection reset"]
pub struct Session<'a> {
    connection: &'a mut PostgresConnection,
    // Whether an earlier one was dropped without, which finishing this one does not mend.
    interrupted: bool,
}

impl<'a> Session<'a> {
    pub(super) fn new(connection: &'a mut PostgresConnection) -> Self {
        let interrupted = std::mem::replace(&mut connection.interrupted, true);
        Self {
            connection,
            interrupted,
        }
    }

    /// Says that the work is done: every future of the client's was awaited to its end.
    pub fn finish(self) {
        self.connection.interrupted = self.interrupted;
    }
}

impl Deref for Session<'_> {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.connection.client
    }
}

impl DerefMut for Session<'_> {
    fn deref_mut(&mut self) -> &mut Client {
        &mut self.connection.client
    }
}

impl fmt::Debug for Session<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.connection.fmt(f)
    }
}
