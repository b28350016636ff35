//! Future types.

mod acquire;
mod response;

pub use self::{acquire::Acquire, response::ResponseFuture};
