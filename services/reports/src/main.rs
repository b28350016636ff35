//! Runs the reports alone.

use std::process::ExitCode;

fn main() -> ExitCode {
    tooloo_service::main(reports::SERVICE)
}
