//! Pure bookkeeping, with the time passed in.

mod bucket;
mod gcra;
mod global;
mod lane;
mod level;
mod order;
mod policy;

pub(crate) use self::{
    bucket::{Bucket, Outcome},
    global::Common,
    level::Aside,
    order::{Attempt, Order, Place, Ticket},
    policy::Policy,
};

#[cfg(test)]
mod tests;
