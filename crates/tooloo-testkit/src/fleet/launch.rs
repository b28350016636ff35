//! How a fleet is started.

use std::{
    env,
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
};

use tempfile::TempDir;
use tokio::process::Command;

use super::{Exit, FleetProcess, free_base_port};

/// How to start a fleet: the binary, a data folder of its own, free ports and what a test adds.
#[must_use = "nothing runs before `start`"]
#[derive(Clone, Debug)]
pub struct Launch {
    binary: PathBuf,
    data: Arc<TempDir>,
    base_port: u16,
    only: Vec<String>,
    args: Vec<String>,
    env: Vec<(String, String)>,
}

impl Launch {
    /// Describes a fleet of `binary` on free ports, with an empty data folder.
    ///
    /// # Panics
    ///
    /// Panics where there is no folder or no free port to have.
    pub fn new(binary: impl AsRef<Path>) -> Self {
        Self {
            binary: binary.as_ref().to_owned(),
            data: Arc::new(TempDir::new().expect("a temporary folder can be made")),
            base_port: free_base_port(),
            only: Vec::new(),
            args: Vec::new(),
            env: Vec::new(),
        }
    }

    /// Starts only these services.
    pub fn with_only(mut self, names: &[&str]) -> Self {
        self.only = names.iter().map(ToString::to_string).collect();
        self
    }

    /// Adds an argument after `up`.
    pub fn with_arg(mut self, arg: impl Into<String>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Sets a variable of the process's environment.
    pub fn with_env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// Replaces the base port.
    pub fn with_base_port(mut self, base_port: u16) -> Self {
        self.base_port = base_port;
        self
    }

    /// Returns the base port it will start with.
    pub fn base_port(&self) -> u16 {
        self.base_port
    }

    /// Returns the data folder, which lives as long as the last clone of this launch.
    pub fn data_dir(&self) -> &Path {
        self.data.path()
    }

    /// Starts the fleet and waits until every part is ready.
    ///
    /// # Panics
    ///
    /// Panics, showing its output, where it exits or is not ready within 30 seconds.
    pub async fn start(self) -> FleetProcess {
        let mut fleet = self.spawn();
        fleet.wait_until_ready().await;
        fleet
    }

    /// Starts the fleet and returns at once.
    ///
    /// # Panics
    ///
    /// Panics where the binary cannot be run.
    pub fn spawn(self) -> FleetProcess {
        let mut command = self.command();
        command
            .arg("up")
            .arg("--base-port")
            .arg(self.base_port.to_string());
        command.arg("--data-dir").arg(self.data.path());
        if !self.only.is_empty() {
            command.arg("--only").arg(self.only.join(","));
        }
        let child = command.args(&self.args).spawn();
        FleetProcess::new(self, child.expect("the binary can be run"))
    }

    /// Runs the binary with `args` alone, to its end.
    ///
    /// # Panics
    ///
    /// Panics where it cannot be run or does not end within a minute.
    pub async fn run(&self, args: &[&str]) -> Exit {
        let child = self.command().args(args).spawn();
        FleetProcess::new(self.clone(), child.expect("the binary can be run"))
            .wait()
            .await
    }

    /// Whether `part` is among those that start.
    pub(super) fn starts(&self, part: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == part)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.binary);
        for (name, _) in env::vars_os() {
            let ours = name
                .to_str()
                .is_some_and(|name| name.starts_with("TOOLOO_") || name.starts_with("OTEL_"));
            if ours {
                command.env_remove(name);
            }
        }
        command
            // A tooloo.toml lying about where the test runs is not the test's.
            .current_dir(self.data.path())
            .env_remove("RUST_LOG")
            .envs(self.env.iter().cloned())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn tells_how_a_process_ended_and_what_it_printed() {
        let launch = Launch::new("/bin/sh").with_env("WORD", "loud");
        let exit = launch
            .run(&["-c", "echo $WORD; echo quiet >&2; exit 3"])
            .await;
        assert_eq!(exit.code, Some(3));
        assert_eq!(
            (exit.stdout.as_str(), exit.stderr.as_str()),
            ("loud\n", "quiet\n")
        );
    }

    #[tokio::test]
    #[should_panic(expected = "the fleet exited")]
    async fn fails_where_the_fleet_exits_before_it_is_ready() {
        Launch::new("/bin/false").start().await;
    }
}
