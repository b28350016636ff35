//! Runs the fleet.
fn main() {}
