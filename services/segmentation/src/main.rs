//! Runs the segmentation service alone.

fn main() -> std::process::ExitCode {
    tooloo_service::main(segmentation::SERVICE)
}
