//! A private Redis server: started on a free port, killed and started again, gone when dropped.

use std::{io::ErrorKind, process::Stdio, time::Duration};

use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    process::{Child, Command},
    time::{sleep, timeout},
};

const START: Duration = Duration::from_secs(20);
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// A Redis server of the test's own, which keeps nothing on disk.
#[derive(Debug)]
pub struct RedisServer {
    folder: TempDir,
    port: u16,
    child: Option<Child>,
}

impl RedisServer {
    /// Starts `redis-server` and waits until it answers.
    ///
    /// # Panics
    ///
    /// Panics where there is no such program, or where it does not answer in time.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await;
        let port = listener.and_then(|listener| listener.local_addr());
        let mut server = Self {
            folder: TempDir::new().expect("a temporary folder can be made"),
            port: port.expect("there is a free port").port(),
            child: None,
        };
        server.start_again().await;
        server
    }

    /// Returns its URL.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    /// Kills it with no chance to say goodbye, and waits until it is gone.
    ///
    /// # Panics
    ///
    /// Panics where it does not run.
    pub async fn kill(&mut self) {
        let mut child = self.child.take().expect("the server runs");
        child.kill().await.expect("a child can be killed");
    }

    /// Starts it on the same port, empty, and waits until it answers.
    ///
    /// # Panics
    ///
    /// Panics where it does not answer in time.
    pub async fn start_again(&mut self) {
        let child = Command::new("redis-server")
            .args(["--port", &self.port.to_string(), "--bind", "127.0.0.1"])
            .args(["--save", "", "--appendonly", "no", "--dir"])
            .arg(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn();
        let child = child.unwrap_or_else(|error| match error.kind() {
            ErrorKind::NotFound => {
                panic!("there is no redis-server; install the package of that name")
            }
            _ => panic!("redis-server does not start: {error}"),
        });
        self.child = Some(child);
        let ready = async {
            while !self.answers().await {
                // Another process's start cannot be awaited, only looked at again.
                sleep(LOOK_AGAIN).await;
            }
        };
        let ready = timeout(START, ready).await;
        assert!(
            ready.is_ok(),
            "redis-server does not answer after {START:?}"
        );
    }

    async fn answers(&self) -> bool {
        let ping = async {
            let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await?;
            stream.write_all(b"PING\r\n").await?;
            let mut pong = [0; 5];
            stream.read_exact(&mut pong).await?;
            std::io::Result::Ok(pong == *b"+PONG")
        };
        ping.await.unwrap_or(false)
    }
}
