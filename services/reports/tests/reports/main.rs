//! Reports as their readers and their sources see them.

#![expect(clippy::unwrap_used, reason = "a test fails where it unwraps")]

mod change;
mod gathering;
mod queries;
mod stand;
