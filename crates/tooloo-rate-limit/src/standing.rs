//! How a key stands in one tier.

use std::time::Duration;

use crate::Tier;

/// How a key stands in one tier.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Standing {
    /// The tier.
    pub tier: Tier,
    /// Tokens that can be spent now.
    pub remaining: u32,
    /// How long until the bucket is full, if nothing is spent.
    pub full_in: Duration,
}

/// How a key stands, where its limiter has one tier.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Glance {
    pub(crate) remaining: u32,
    /// How long until the bucket is full, in nanoseconds.
    pub(crate) full_in: u64,
}

/// How a key stands that was let through.
#[derive(Debug)]
pub(crate) enum Stands {
    /// In the one tier that all keys have.
    Usual(Glance),
    Otherwise(Vec<Standing>),
}

impl Standing {
    pub(crate) fn new(tier: &Tier, remaining: u64, full_in: Duration) -> Self {
        Self {
            tier: tier.clone(),
            remaining: u32::try_from(remaining).unwrap_or(u32::MAX),
            full_in,
        }
    }
}
