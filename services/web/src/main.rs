//! Runs the gateway alone.

use std::process::ExitCode;

fn main() -> ExitCode {
    tooloo_service::main(web::SERVICE)
}
