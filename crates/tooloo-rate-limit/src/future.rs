//! Future types.

mod acquire;
mod response;

pub(crate) use self::response::Decided;
pub use self::{acquire::Acquire, response::ResponseFuture};
