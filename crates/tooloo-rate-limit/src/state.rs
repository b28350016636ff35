//! Pure bookkeeping, with the time passed in.

mod bucket;
mod counts;
mod gcra;
mod global;
mod lane;
mod level;
mod order;
mod policy;
mod tally;

pub(crate) use self::{
    bucket::{Bucket, Outcome},
    counts::FULL,
    global::Common,
    level::Aside,
    order::{Attempt, Order, Place, Ticket},
    policy::{Policy, Terms},
    tally::{BUSY, Milestone, Seats},
};

#[cfg(test)]
mod tests;
