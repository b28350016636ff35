//! The `tooloo` binary as a process: started, looked into, killed and started again.

mod launch;
mod output;
mod ports;

use std::time::Duration;

use http::Method;
use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    process::Child,
    time::{sleep, timeout},
};

use self::output::Output;
pub use self::{launch::Launch, ports::free_base_port};
use crate::client::{Client, request};

/// Every part of the fleet, with its port's distance from the base port.
pub const PARTS: [(&str, u16); 9] = [
    ("web", 0),
    ("training", 1),
    ("meta", 2),
    ("budget", 3),
    ("coach", 4),
    ("segmentation", 7),
    ("reports", 8),
    ("capabilities", 9),
    ("simulator", 10),
];

const START: Duration = Duration::from_secs(30);
const STOP: Duration = Duration::from_secs(60);
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// A running fleet, killed when dropped.
#[derive(Debug)]
pub struct FleetProcess {
    launch: Launch,
    child: Child,
    output: Output,
}

/// How a process ended, and what it had printed by then.
#[derive(Clone, Debug)]
pub struct Exit {
    /// The exit code, or `None` after a signal.
    pub code: Option<i32>,
    /// All of its standard output.
    pub stdout: String,
    /// All of its standard error.
    pub stderr: String,
}

impl FleetProcess {
    fn new(launch: Launch, mut child: Child) -> Self {
        let output = Output::of(&mut child);
        Self {
            launch,
            child,
            output,
        }
    }

    /// Returns the URL of `path` at the service called `name`.
    ///
    /// # Panics
    ///
    /// Panics where the fleet has no such part.
    pub fn url(&self, name: &str, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port(name))
    }

    /// Returns the port of the service called `name`.
    ///
    /// # Panics
    ///
    /// Panics where the fleet has no such part.
    pub fn port(&self, name: &str) -> u16 {
        let part = PARTS.iter().find(|(part, _)| *part == name);
        let (_, offset) = part.unwrap_or_else(|| panic!("the fleet has no part called {name}"));
        self.launch.base_port() + offset
    }

    /// Returns how this fleet was started, to run the binary beside it or start it once more.
    pub fn launch(&self) -> &Launch {
        &self.launch
    }

    /// Returns what it has printed on standard output so far.
    pub fn stdout(&self) -> String {
        self.output.stdout()
    }

    /// Returns what it has printed on standard error so far.
    pub fn stderr(&self) -> String {
        self.output.stderr()
    }

    /// Asks it to stop, as an init system does.
    pub fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Asks it to stop, as Ctrl-C does.
    pub fn interrupt(&self) {
        self.signal(Signal::INT);
    }

    /// Kills it with no chance to clean up, and waits until it is gone.
    ///
    /// # Panics
    ///
    /// Panics, showing its output, where it had already exited.
    pub async fn kill(mut self) -> Launch {
        self.signal(Signal::KILL);
        let Exit { code, .. } = self.reap().await;
        assert_eq!(code, None, "it had already exited:\n{}", self.output);
        self.launch
    }

    /// Waits until it exits.
    ///
    /// # Panics
    ///
    /// Panics, showing its output, where it does not within a minute.
    pub async fn wait(mut self) -> Exit {
        self.reap().await
    }

    async fn reap(&mut self) -> Exit {
        let status = timeout(STOP, self.child.wait()).await;
        let status =
            status.unwrap_or_else(|_| panic!("it still runs after {STOP:?}:\n{}", self.output));
        let status = status.expect("a child can be waited for");
        self.output.finish().await;
        Exit {
            code: status.code(),
            stdout: self.stdout(),
            stderr: self.stderr(),
        }
    }

    async fn wait_until_ready(&mut self) {
        let client = Client::new();
        let ready = async {
            for (part, _) in PARTS {
                while self.launch.starts(part) && !self.is_ready(&client, part).await {
                    // Another process's start cannot be awaited, only looked at again.
                    sleep(LOOK_AGAIN).await;
                }
            }
        };
        let failure = tokio::select! {
            ready = timeout(START, ready) => ready.err().map(|_| format!("is not ready after {START:?}")),
            () = self.output.closed() => Some("exited".to_owned()),
        };
        if let Some(failure) = failure {
            panic!("the fleet {failure}:\n{}", self.output);
        }
    }

    async fn is_ready(&self, client: &Client, part: &str) -> bool {
        let request = request(Method::GET, self.url(part, "/readyz"), None);
        let reply = client.try_send(request).await;
        reply.is_ok_and(|reply| reply.status.is_success())
    }

    fn signal(&self, signal: Signal) {
        let id = self
            .child
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .and_then(Pid::from_raw);
        let id = id.unwrap_or_else(|| panic!("it has already exited:\n{}", self.output));
        kill_process(id, signal).expect("a child can be signalled until it is waited for");
    }
}
