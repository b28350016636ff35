//! The primitives under the concurrent path, in one place: the model checker puts its own here.

pub(crate) use std::sync::{
    Arc, Mutex, MutexGuard,
    atomic::{AtomicBool, Ordering},
};
