//! Finds the key of a request.

use crate::Key;

/// Finds the key of a request.
///
/// Any closure or function from a request to an optional key is one.
pub trait ExtractKey<Req> {
    /// Returns the request's key, or `None` where the request belongs to no one.
    fn key(&self, request: &Req) -> Option<Key>;
}

impl<F, Req> ExtractKey<Req> for F
where
    F: Fn(&Req) -> Option<Key>,
{
    fn key(&self, request: &Req) -> Option<Key> {
        self(request)
    }
}
