//! The rules, by the part of a statement that they are about.

pub(super) mod casts;
pub(super) mod filters;
pub(super) mod grouping;
pub(super) mod joins;
pub(super) mod nulls;
pub(super) mod ordering;
pub(super) mod paging;
pub(super) mod projection;
pub(super) mod unions;
pub(super) mod values;
pub(super) mod writes;
