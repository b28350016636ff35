//! Future types.

mod acquire;

pub use self::acquire::Acquire;
