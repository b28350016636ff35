//! Pure bookkeeping; the time is passed in.

pub(crate) mod lifetime;
pub(crate) mod marks;
pub(crate) mod rules;
