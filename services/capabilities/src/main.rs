//! Runs the capabilities service alone.

fn main() -> std::process::ExitCode {
    tooloo_service::main(capabilities::SERVICE)
}
