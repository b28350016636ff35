//! Pure bookkeeping, with the time passed in.

mod bucket;
mod common;
mod gcra;
mod lane;
mod level;
mod order;
mod policy;

pub(crate) use self::{
    bucket::{Bucket, Outcome},
    common::Common,
    level::Aside,
    order::{Attempt, Order, Place, Ticket},
    policy::Policy,
};

#[cfg(test)]
mod tests;
