//! The folder of a server's data, and PostgreSQL's own programs.

use std::{
    fs::{self, Permissions},
    os::unix::{
        fs::{PermissionsExt as _, chown},
        process::CommandExt as _,
    },
    path::PathBuf,
    process::Stdio,
};

use tempfile::TempDir;
use tokio::process::Command;

/// Where Debian puts the programs of each major version.
const VERSIONS: &str = "/usr/lib/postgresql";

/// Whoever runs the server where the tests run as root, which PostgreSQL refuses to.
const NOBODY: u32 = 65_534;

/// A database cluster, gone when dropped.
#[derive(Debug)]
pub(super) struct Cluster {
    folder: TempDir,
    programs: PathBuf,
}

impl Cluster {
    /// Makes a cluster of a folder of its own.
    pub(super) async fn make() -> Self {
        let cluster = Self {
            folder: TempDir::new().expect("a temporary folder can be made"),
            programs: programs(),
        };
        if is_root() {
            chown(cluster.folder.path(), Some(NOBODY), None).expect("root can give a folder away");
        }
        let made = cluster
            .command("initdb")
            .arg("-D")
            .arg(cluster.data())
            .args([
                "-U",
                "postgres",
                "--auth=trust",
                "--encoding=UTF8",
                "--locale=C",
                "--no-sync",
            ])
            .status()
            .await;
        assert!(
            made.is_ok_and(|status| status.success()),
            "initdb does not make a cluster"
        );
        cluster
    }

    /// Returns the folder of its data.
    pub(super) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Puts a file beside the data that the server alone may read.
    pub(super) fn give(&self, name: &str, content: &str) {
        let path = self.data().join(name);
        fs::write(&path, content).expect("a file can be written");
        fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("the file is there");
        if is_root() {
            chown(&path, Some(NOBODY), None).expect("root can give a file away");
        }
    }

    /// Begins a command of one of PostgreSQL's programs, run by whom the cluster belongs to.
    pub(super) fn command(&self, program: &str) -> Command {
        let mut command = std::process::Command::new(self.programs.join(program));
        command
            .current_dir(self.folder.path())
            .env("TZ", "UTC")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        if is_root() {
            command.uid(NOBODY);
        }
        let mut command = Command::from(command);
        command.kill_on_drop(true);
        command
    }
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Returns the folder of the newest version's programs.
fn programs() -> PathBuf {
    let versions = fs::read_dir(VERSIONS).into_iter().flatten().flatten();
    let newest = versions
        .filter_map(|version| {
            let number: u32 = version.file_name().to_str()?.parse().ok()?;
            let programs = version.path().join("bin");
            programs
                .join("initdb")
                .is_file()
                .then_some((number, programs))
        })
        .max();
    let (_, programs) = newest.expect("there is no PostgreSQL; install the package postgresql");
    programs
}
