//! Runs the training service alone.

use std::process::ExitCode;

fn main() -> ExitCode {
    tooloo_service::main(training::SERVICE)
}
