//! The coach as its callers and training see it.

#![expect(clippy::unwrap_used, reason = "a test fails where it unwraps")]

mod background;
mod boost;
mod control;
mod stand;
