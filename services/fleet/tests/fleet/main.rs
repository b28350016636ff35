//! The real binary on real sockets, from start to stop.

mod caching;
mod databases;
mod drain;
mod durability;
mod figures;
mod hostile;
mod limits;
mod metrics;
mod refusal;
mod shape;
mod start;
mod tally;
mod wire;

use std::{fs, time::Duration};

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

/// How long anything may take before a test fails.
const PATIENCE: Duration = Duration::from_secs(15);

/// A limit of web's that no test comes near, for those that send more than a client usually may.
const ROOMY: &str = "[web.rate_limit]\n\
    default = { tiers = [{ name = 'roomy', quota = { limit = 1000000, period = '1s' } }] }\n";

/// Describes a fleet with these settings beside the defaults, that logs what is wrong only.
fn fleet(settings: &str) -> Launch {
    let launch = Launch::new(env!("CARGO_BIN_EXE_tooloo"));
    fs::write(launch.data_dir().join("tooloo.toml"), settings)
        .expect("the folder is the test's own");
    launch.with_arg("--log-level").with_arg("warn")
}
