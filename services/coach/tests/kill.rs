//! The coach as a process that is killed: what it answered is still there.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use serde_json::Value;

/// No step of this test takes longer, unless something hangs.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running coach; dropping it is `kill -9`.
struct Process {
    child: Child,
    address: SocketAddr,
}

impl Process {
    /// Starts a coach whose peers are down: nothing listens on the discard port.
    fn start(folder: &Path, database: Option<&str>) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_coach"))
            .envs(database.map(|url| ("TOOLOO_DATABASE_URL", url)))
            // Meant for this test; the service would not know it.
            .args(["--port", "0", "--log-format", "json"])
            .arg("--data-dir")
            .arg(folder)
            .current_dir(folder)
            .env(
                "TOOLOO_PEERS",
                "training=http://127.0.0.1:9,budget=http://127.0.0.1:9",
            )
            .stderr(Stdio::piped())
            .spawn()
            .expect("the service's own binary");
        let lines = BufReader::new(child.stderr.take().expect("piped above")).lines();
        let (found, address) = mpsc::channel();
        // Reads to the end, so that the service can always write.
        thread::spawn(move || {
            let lines = lines.map_while(Result::ok);
            for address in lines.filter_map(|line| address_in(&line)) {
                let _ = found.send(address);
            }
        });
        let address = address.recv_timeout(PATIENCE);
        Self {
            child,
            address: address.expect("the service says where it serves"),
        }
    }

    /// Sends one request over a connection of its own, and returns the JSON of a good answer.
    fn send(&self, method: &str, path: &str, body: &str) -> Value {
        let mut stream = TcpStream::connect(self.address).expect("a listening service");
        let timeout = stream.set_read_timeout(Some(PATIENCE));
        timeout.expect("a timeout above zero");
        let length = body.len();
        let request = format!(
            "{method} /api/v1/auto-coach/{path} HTTP/1.1\r\nhost: coach\r\nconnection: close\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        let sent = stream.write_all(request.as_bytes());
        sent.expect("an open connection");
        let mut answer = String::new();
        let read = stream.read_to_string(&mut answer);
        read.expect("an answer in time");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a whole head");
        assert!(head.starts_with("HTTP/1.1 200"), "{answer}");
        serde_json::from_str(body).expect("a JSON answer of known length")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.child.kill().expect("a running child");
        self.child.wait().expect("a killed child");
    }
}

/// Finds the address the service listens on, which is not the one its peers are at.
fn address_in(line: &str) -> Option<SocketAddr> {
    let (_, rest) = line.split_once("http://")?;
    let end = rest.find(|c: char| !(c.is_ascii_hexdigit() || ".:[]".contains(c)))?;
    rest[..end].parse().ok()
}

#[tokio::test]
async fn loses_no_answered_change_to_kill_9() {
    let folder = tempfile::tempdir().unwrap();
    let database = database::testing::url(folder.path()).await;
    let mut expected = Vec::new();
    for interval in 100..104 {
        let coach = Process::start(folder.path(), database.as_deref());
        let status = coach.send("GET", "status", "");
        let kept = [
            &status["settings"]["intervalSeconds"],
            &status["runningSince"],
        ];
        assert!(expected.is_empty() || expected.iter().eq(kept), "{status}");

        let told = if interval % 2 == 0 { "start" } else { "stop" };
        let change = format!(r#"{{"intervalSeconds":{interval}}}"#);
        let settings = coach.send("POST", "settings", &change)["settings"].clone();
        let state = coach.send("POST", told, "{}");
        expected = vec![
            settings["intervalSeconds"].clone(),
            state["runningSince"].clone(),
        ];
    }
}
