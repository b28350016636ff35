//! A gateway on a real socket before one upstream that plays every service.

use std::{net::SocketAddr, time::Duration};

use axum::Router;
use http::Uri;
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
    time::timeout,
};
use tooloo_service::{App, Settings, Shutdown, directory};
use web::{SERVICE, WebConfig};

/// How long anything may take before a test fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Stand {
    pub(crate) address: SocketAddr,
    pub(crate) app: App,
    serving: JoinHandle<()>,
    _folder: TempDir,
}

impl Stand {
    /// Puts a gateway before `upstream`.
    pub(crate) async fn before(upstream: Router) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, upstream).await.unwrap() });
        Self::before_address(address, |_| ()).await
    }

    /// Puts a gateway before whatever is, or is not, at `upstream`.
    pub(crate) async fn before_address(
        upstream: SocketAddr,
        set: impl FnOnce(&mut Settings<WebConfig>),
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = Settings::for_tests(&SERVICE, folder.path());
        let base: Uri = format!("http://{upstream}").parse().unwrap();
        for entry in directory::SERVICES {
            settings
                .kit
                .peers
                .insert(entry.name.to_owned(), base.clone());
        }
        set(&mut settings);
        let app = web::app(settings).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let served = app.clone();
        let serving = tokio::spawn(async move {
            let (_never, shutdown) = Shutdown::manual();
            tooloo_service::serve(vec![(served, listener)], shutdown)
                .await
                .unwrap();
        });
        Self {
            address,
            app,
            serving,
            _folder: folder,
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) async fn connect(&self) -> Wire {
        Wire(TcpStream::connect(self.address).await.unwrap())
    }

    /// Sends bytes on a connection of their own and reads until the gateway closes it.
    pub(crate) async fn exchange(&self, bytes: impl AsRef<[u8]>) -> String {
        let mut wire = self.connect().await;
        wire.send(bytes).await;
        wire.read_to_end().await
    }
}

impl Drop for Stand {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// A connection whose every byte is the test's.
pub(crate) struct Wire(pub(crate) TcpStream);

impl Wire {
    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).await.unwrap();
    }

    /// Reads until what came ends with `end`.
    pub(crate) async fn read_until(&mut self, end: &str) -> String {
        let mut read = Vec::new();
        let reading = async {
            while !read.ends_with(end.as_bytes()) {
                let byte = self.0.read_u8().await.expect("more bytes before the end");
                read.push(byte);
            }
        };
        timeout(PATIENCE, reading)
            .await
            .expect("the awaited bytes in time");
        String::from_utf8(read).unwrap()
    }

    pub(crate) async fn read_to_end(&mut self) -> String {
        let mut read = Vec::new();
        let reading = self.0.read_to_end(&mut read);
        // A reset after the last byte ends it as well as a close.
        let _ = timeout(PATIENCE, reading)
            .await
            .expect("the connection's end in time");
        String::from_utf8_lossy(&read).into_owned()
    }
}
