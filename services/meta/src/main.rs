//! Runs the meta-learning service alone.

use std::process::ExitCode;

fn main() -> ExitCode {
    tooloo_service::main(meta::SERVICE)
}
