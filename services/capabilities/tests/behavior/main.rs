//! What a caller of the service sees.

mod activation;
mod discovery;
mod harness;
mod probes;
mod refusals;
mod upstream;
