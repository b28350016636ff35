//! The atomics of an entry, in whose place its model check puts loom's.

pub(crate) use std::sync::atomic::{AtomicU64, Ordering};
