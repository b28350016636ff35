//! A private PostgreSQL server: started on a free port, killed and started again, gone when dropped.

use std::{
    fs::{self, Permissions},
    os::unix::{
        fs::{PermissionsExt as _, chown},
        process::CommandExt as _,
    },
    path::PathBuf,
    process::Stdio,
    time::Duration,
};

use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    process::{Child, Command},
    time::{sleep, timeout},
};

const START: Duration = Duration::from_secs(30);
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// Of the message that begins a session.
const PARAMETERS: &[u8; 33] = b"user\0postgres\0database\0postgres\0\0";

/// Where Debian puts the programs of each major version.
const VERSIONS: &str = "/usr/lib/postgresql";

/// Whoever runs the server where the tests run as root, which PostgreSQL refuses to.
const NOBODY: u32 = 65_534;

/// A PostgreSQL server of the test's own, whose writes need not survive the machine.
#[derive(Debug)]
pub struct PostgresServer {
    folder: TempDir,
    programs: PathBuf,
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
        server.give("server.crt", &made.cert.pem());
        server.give("server.key", &made.signing_key.serialize_pem());
        server.start_again().await;
        server
    }

    /// Returns the file of the certificate that it shows, which it signed itself.
    pub fn certificate(&self) -> PathBuf {
        self.cluster().join("server.crt")
    }

    async fn new(settings: &[&str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await;
        let port = listener.and_then(|listener| listener.local_addr());
        let server = Self {
            folder: TempDir::new().expect("a temporary folder can be made"),
            programs: programs(),
            port: port.expect("there is a free port").port(),
            settings: settings.iter().map(|&setting| setting.to_owned()).collect(),
            child: None,
        };
        server.make_cluster().await;
        server
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
        let mut command = self.command("postgres");
        command
            .arg("-D")
            .arg(self.cluster())
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

    async fn make_cluster(&self) {
        if is_root() {
            chown(self.folder.path(), Some(NOBODY), None).expect("root can give a folder away");
        }
        let made = self
            .command("initdb")
            .arg("-D")
            .arg(self.cluster())
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
    }

    /// Puts a file into the cluster that the server alone may read.
    fn give(&self, name: &str, content: &str) {
        let path = self.cluster().join(name);
        fs::write(&path, content).expect("a file can be written");
        fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("the file is there");
        if is_root() {
            chown(&path, Some(NOBODY), None).expect("root can give a file away");
        }
    }

    fn cluster(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn command(&self, program: &str) -> Command {
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
