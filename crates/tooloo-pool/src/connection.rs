//! What the pool asks of a connection.

use std::error::Error;

/// Any error, boxed.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// A connection that can be lent again and again.
///
/// The pool puts a deadline on each of the futures and drops it there; a connection whose check or reset did not end
/// in time is closed. None of the methods is called while the pool's lock is held.
pub trait Connection: Send + Sized + 'static {
    /// Why a check or a reset failed.
    type Error: Into<BoxError> + Send;

    /// Asks the other end whether it is still there.
    fn check(&mut self) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Makes the connection as good as new: ends what runs, and rolls back what is not committed.
    fn reset(&mut self) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Says goodbye.
    fn close(self) -> impl Future<Output = ()> + Send {
        async { drop(self) }
    }

    /// Returns whether a borrower left something behind, such as an open transaction or a statement that still
    /// runs: the connection is then reset before it is lent again.
    ///
    /// Asked whenever the connection comes back, so it looks at what is known and asks nobody.
    fn is_dirty(&self) -> bool {
        false
    }

    /// Returns whether the connection is known to be gone, without asking the other end.
    fn is_closed(&self) -> bool {
        false
    }
}
