//! The program itself, on a port that the system gave.

use std::{
    fmt::Write,
    path::Path,
    process::{Child, Command, Stdio},
};

use http::{Method, StatusCode};
use tokio::net::TcpListener;
use tooloo_testkit::{Client, client};

use super::within;

/// A running program, killed where it is dropped.
pub(crate) struct Program {
    child: Child,
    url: String,
}

impl Program {
    /// Starts the program with one provider, and returns once it is ready.
    pub(crate) async fn start(folder: &Path, provider: &str, trusted: Option<&Path>) -> Self {
        let port = free_port().await;
        let config = folder.join("tooloo.toml");
        let mut text = format!("port = {port}\nlog_level = \"warn\"\n");
        let data = folder.join("data");
        writeln!(
            text,
            "data_dir = \"{}\"\n[[budget.providers]]",
            data.display()
        )
        .unwrap();
        writeln!(text, "name = \"sim\"\nbase_url = \"{provider}\"").unwrap();
        text.push_str("model = \"tooloo-sim-1\"\nprices = { input = 1, output = 1 }\n");
        std::fs::write(&config, text).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_budget"));
        command
            .arg("--config")
            .arg(&config)
            .env_clear()
            .stdout(Stdio::null());
        if let Some(url) = database::testing::url(&data).await {
            command.env("TOOLOO_DATABASE_URL", url);
        }
        if let Some(trusted) = trusted {
            command.env("SSL_CERT_FILE", trusted);
        }
        let program = Self {
            child: command.spawn().unwrap(),
            url: format!("http://127.0.0.1:{port}"),
        };
        within(program.ready()).await;
        program
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// Ends the program as `kill -9` does.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    async fn ready(&self) {
        loop {
            let request = client::request(Method::GET, self.url("/readyz"), None);
            match Client::new().try_send(request).await {
                Ok(reply) if reply.status == StatusCode::OK => return,
                _ => tokio::task::yield_now().await,
            }
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.kill();
    }
}

pub(crate) async fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().port()
}
