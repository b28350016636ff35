//! Runs the budget service alone, with the simulated provider beside it.

use std::process::ExitCode;

fn main() -> ExitCode {
    tooloo_service::main(budget::STANDALONE)
}
