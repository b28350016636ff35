//! What a caller of the service sees.

mod answers;
mod harness;
mod refusals;
