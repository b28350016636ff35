//! Times queries beside the bare drivers and a peer, counts what the layers save, and says whether the bounds are kept.
//!
//! The contenders take turns in one process, round by round; a ratio is the middle one of all rounds.

mod analysis;
mod postgres;
mod sqlite;

use std::process::ExitCode;

use benches::Bound;
use tokio::runtime::{Builder, Runtime};

/// Statements of one contender in one round.
const STATEMENTS: usize = 1_000;
const ROUNDS: usize = 15;

fn main() -> ExitCode {
    analysis::measure();
    let mut bounds = vec![sqlite::measure()];
    bounds.extend(postgres::measure());
    println!();
    for bound in &bounds {
        println!("{bound}");
    }
    if bounds.iter().all(Bound::holds) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn runtime() -> Runtime {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.expect("the system has sockets to give")
}
