//! The real binary on real sockets, from start to stop.

mod drain;
mod durability;
mod figures;
mod hostile;
mod metrics;
mod refusal;
mod shape;
mod start;
mod tally;
mod wire;

use std::fs;

use tooloo_testkit::fleet::Launch;

/// Every service that has a domain; the simulated provider has none.
const SERVICES: [&str; 8] = [
    "web",
    "training",
    "meta",
    "budget",
    "coach",
    "segmentation",
    "reports",
    "capabilities",
];

/// Describes a fleet with these settings beside the defaults, that logs what is wrong only.
fn fleet(settings: &str) -> Launch {
    let launch = Launch::new(env!("CARGO_BIN_EXE_tooloo"));
    fs::write(launch.data_dir().join("tooloo.toml"), settings)
        .expect("the folder is the test's own");
    launch.with_arg("--log-level").with_arg("warn")
}
