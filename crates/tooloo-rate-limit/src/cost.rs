//! What a request costs.

use std::num::NonZeroU32;

/// Tells how many tokens a request costs.
///
/// Any closure or function from a request to a number is one, and so is a number.
pub trait RequestCost<Req> {
    /// Returns how many tokens the request costs.
    fn cost(&self, request: &Req) -> NonZeroU32;
}

impl<Req> RequestCost<Req> for NonZeroU32 {
    fn cost(&self, _request: &Req) -> NonZeroU32 {
        *self
    }
}

impl<F, Req> RequestCost<Req> for F
where
    F: Fn(&Req) -> NonZeroU32,
{
    fn cost(&self, request: &Req) -> NonZeroU32 {
        self(request)
    }
}
