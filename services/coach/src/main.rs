//! Runs the coach alone.

use std::process::ExitCode;

fn main() -> ExitCode {
    tooloo_service::main(coach::SERVICE)
}
