//! The service as a process that is killed: what it answered is still there.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use serde_json::{Value, json};
use tempfile::TempDir;

/// No step of these tests takes longer, unless something hangs.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running service; dropping it is `kill -9`.
struct Process {
    child: Child,
    address: SocketAddr,
}

impl Process {
    /// Starts it on a folder, and on another database than the folder's where one is given.
    fn start(folder: &Path, database: Option<&str>) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_training"))
            .args(["--port", "0", "--log-format", "json", "--log-level", "info"])
            .arg("--data-dir")
            .arg(folder)
            // Every variable of the prefix is a setting, and that one is the tests' own.
            .envs(database.map(|url| ("TOOLOO_DATABASE_URL", url)))
            .current_dir(folder)
            .stderr(Stdio::piped())
            .spawn()
            .expect("the service's own binary");
        let lines = BufReader::new(child.stderr.take().expect("piped above")).lines();
        let (found, address) = mpsc::channel();
        // Reads to the end, so that the service can always write.
        thread::spawn(move || {
            for address in lines
                .map_while(Result::ok)
                .filter_map(|line| address_in(&line))
            {
                let _ = found.send(address);
            }
        });
        let address = address
            .recv_timeout(PATIENCE)
            .expect("the service says where it serves");
        Self { child, address }
    }

    /// Sends one request over a connection of its own, and returns the JSON of a good answer.
    fn send(&self, method: &str, path: &str, body: &str) -> Value {
        let mut stream = TcpStream::connect(self.address).expect("a listening service");
        stream
            .set_read_timeout(Some(PATIENCE))
            .expect("a timeout above zero");
        let length = body.len();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nhost: training\r\nconnection: close\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        )
        .expect("an open connection");
        let mut answer = String::new();
        stream
            .read_to_string(&mut answer)
            .expect("an answer in time");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a whole head");
        assert!(head.starts_with("HTTP/1.1 20"), "{answer}");
        serde_json::from_str(body).expect("a JSON answer of known length")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.child.kill().expect("a running child");
        self.child.wait().expect("a killed child");
    }
}

fn address_in(line: &str) -> Option<SocketAddr> {
    let (_, rest) = line.split_once("http://")?;
    let end = rest.find(|c: char| !(c.is_ascii_hexdigit() || ".:[]".contains(c)))?;
    rest[..end].parse().ok()
}

#[tokio::test]
async fn loses_no_answered_round_to_kill_9() {
    let folder = TempDir::new().unwrap();
    let database = database::testing::url(folder.path()).await;
    let start = || Process::start(folder.path(), database.as_deref());
    let mut answered = Vec::new();
    for life in 1..=3 {
        let service = start();
        let history = service.send("GET", "/api/v1/training/history?limit=1000", "");
        assert_eq!(history["rounds"], json!(answered), "in life {life}");
        for round in 0..25 {
            let body = json!({"topic": "databases", "correct": round % 4 != 0});
            let played = service.send("POST", "/api/v1/training/round", &body.to_string());
            answered.push(played["round"].clone());
        }
    }
    let service = start();
    let dive = service.send("GET", "/api/v1/training/deep-dive/databases", "");
    assert_eq!(dive["topic"]["attempts"], answered.len());
    assert_eq!(
        dive["topic"]["mastery"],
        answered[answered.len() - 1]["mastery"]
    );
}
