//! The servers' processes: started, timed and ended.

use std::{
    env, fs,
    io::{self, BufRead, BufReader},
    net::SocketAddr,
    process::{Child, Command, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::serve;

/// The system counts processor time in hundredths of a second, in `/proc`.
const TICK: Duration = Duration::from_millis(10);

/// A server in a process of its own, which ends with this.
pub(crate) struct Server {
    address: SocketAddr,
    child: Child,
    _folder: Option<TempDir>,
}

impl Server {
    /// Starts this program once more, as one of the servers that it can be.
    pub(crate) fn own(name: &str) -> io::Result<Self> {
        let mut child = Command::new(env::current_exe()?)
            .args([serve::ARGUMENT, name])
            // It ends when this pipe does.
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        if let Some(output) = child.stdout.take() {
            BufReader::new(output).read_line(&mut line)?;
        }
        let address = line.trim().parse().map_err(io::Error::other)?;
        Ok(Self {
            address,
            child,
            _folder: None,
        })
    }

    /// Takes a server that listens, and the folder with its files.
    pub(crate) fn other(address: SocketAddr, child: Child, folder: TempDir) -> Self {
        Self {
            address,
            child,
            _folder: Some(folder),
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the processor time that it and its children have taken so far, in the kernel too.
    pub(crate) fn processor_time(&self) -> Duration {
        let id = self.child.id();
        let all = processes().filter(|process| process.id == id || process.parent == id);
        all.map(|process| TICK * process.ticks).sum()
    }
}

struct Process {
    id: u32,
    parent: u32,
    ticks: u32,
}

fn processes() -> impl Iterator<Item = Process> {
    let folders = fs::read_dir("/proc").into_iter().flatten().flatten();
    folders.filter_map(|folder| {
        let id = folder.file_name().to_str()?.parse().ok()?;
        let line = fs::read_to_string(folder.path().join("stat")).ok()?;
        // The name, in brackets, may hold anything.
        let (_, line) = line.rsplit_once(')')?;
        let fields: Vec<&str> = line.split_whitespace().collect();
        let number = |index: usize| fields.get(index)?.parse::<u32>().ok();
        Some(Process {
            id,
            parent: number(1)?,
            ticks: number(11)? + number(12)?,
        })
    })
}

impl Drop for Server {
    fn drop(&mut self) {
        // Not the harshest signal: nginx is to end its children.
        if let Some(id) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process(id, Signal::TERM);
        }
        // There is nothing to do about one that does not end.
        let _ = self.child.wait();
    }
}
