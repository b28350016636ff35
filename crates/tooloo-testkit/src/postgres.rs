//! A private PostgreSQL server: started on a free port, killed and started again, gone when dropped.

mod cluster;

use std::{path::PathBuf, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    process::Child,
    time::{sleep, timeout},
};

use self::cluster::Cluster;

const START: Duration = Duration::from_secs(30);
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// Of the message that begins a session.
const PARAMETERS: &[u8; 33] = b"user\0postgres\0database\0postgres\0\0";

/// A PostgreSQL server of the test's own, whose writes need not survive the machine.
#[derive(Debug)]
pub struct PostgresServer {
    cluster: Cluster,
    port: u16,
    settings: Vec<String>,
    child: Option<Child>,
}

impl PostgresServer {
    /// Makes a database cluster, starts its server and waits until it takes connections.
    ///
    /// # Panics
    ///
    /// Panics where PostgreSQL is not installed, or where it does not take connections in time.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// Starts a server with more settings, such as `shared_preload_libraries=pg_stat_statements`.
    ///
    /// # Panics
    ///
    /// As [`start`](Self::start) does.
    pub async fn start_with(settings: &[&str]) -> Self {
        let mut server = Self::new(settings).await;
        server.start_again().await;
        server
    }

    /// Starts a server that speaks TLS too, and shows a [certificate](Self::certificate) for `localhost`.
    ///
    /// # Panics
    ///
    /// As [`start`](Self::start) does.
    pub async fn start_with_tls() -> Self {
        let mut server = Self::new(&["ssl=on"]).await;
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]);
        let made = made.expect("a certificate can be made");
        server.cluster.give("server.crt", &made.cert.pem());
        let key = made.signing_key.serialize_pem();
        server.cluster.give("server.key", &key);
        server.start_again().await;
        server
    }

    /// Returns the file of the certificate that it shows, which it signed itself.
    pub fn certificate(&self) -> PathBuf {
        self.cluster.data().join("server.crt")
    }

    async fn new(settings: &[&str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await;
        let port = listener.and_then(|listener| listener.local_addr());
        Self {
            cluster: Cluster::make().await,
            port: port.expect("there is a free port").port(),
            settings: settings.iter().map(|&setting| setting.to_owned()).collect(),
            child: None,
        }
    }

    /// Returns the URL of its database.
    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// Returns its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Kills it with no chance to say goodbye, and waits until it and its children are gone.
    ///
    /// # Panics
    ///
    /// Panics where it does not run.
    pub async fn kill(&mut self) {
        let mut child = self.child.take().expect("the server runs");
        quit(&child).expect("a child can be told to stop");
        let ended = timeout(START, child.wait()).await;
        assert!(ended.is_ok(), "postgres does not stop after {START:?}");
    }

    /// Starts it on the same port, with the data it had, and waits until it takes connections.
    ///
    /// # Panics
    ///
    /// Panics where it does not take connections in time.
    pub async fn start_again(&mut self) {
        self.spawn();
        let ready = async {
            while !self.takes_connections().await {
                // Another process's start cannot be awaited, only looked at again.
                sleep(LOOK_AGAIN).await;
            }
        };
        let ready = timeout(START, ready).await;
        assert!(
            ready.is_ok(),
            "postgres takes no connections after {START:?}"
        );
    }

    /// Starts it without waiting for anything.
    ///
    /// # Panics
    ///
    /// Panics where its program does not start.
    pub fn spawn(&mut self) {
        let mut command = self.cluster.command("postgres");
        command
            .arg("-D")
            .arg(self.cluster.data())
            .args(["-p", &self.port.to_string(), "-h", "127.0.0.1"])
            // No sockets in shared folders, and no waiting for a disk.
            .args(["-k", "", "-c", "fsync=off", "-c", "max_connections=50"]);
        for setting in &self.settings {
            command.args(["-c", setting]);
        }
        self.child = Some(command.spawn().expect("postgres starts"));
    }

    /// Returns whether the server takes a connection now.
    pub async fn takes_connections(&self) -> bool {
        let session = async {
            let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await?;
            // Version 3.0 of the protocol; the first answer asks for a password or says that there is none to tell.
            stream.write_u32(8 + 33).await?;
            stream.write_u32(196_608).await?;
            stream.write_all(PARAMETERS).await?;
            let kind = stream.read_u8().await?;
            stream.write_all(b"X\0\0\0\x04").await?;
            std::io::Result::Ok(kind == b'R')
        };
        session.await.unwrap_or(false)
    }
}

/// Told to stop at once it takes its children along; killed, it would leave them behind.
impl Drop for PostgresServer {
    fn drop(&mut self) {
        let Some(mut child) = self.child.take() else {
            return;
        };
        quit(&child);
        for _ in 0..200 {
            if !matches!(child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(LOOK_AGAIN);
        }
    }
}

/// Tells a server to stop without saying goodbye to anybody.
fn quit(child: &Child) -> Option<()> {
    let id = i32::try_from(child.id()?).ok()?;
    let id = rustix::process::Pid::from_raw(id)?;
    rustix::process::kill_process(id, rustix::process::Signal::QUIT).ok()
}
