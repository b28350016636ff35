//! Finds a server among the hosts of a configuration, and begins a session with it.

use std::{
    io::{self, ErrorKind},
    sync::Arc,
};

use rustls::pki_types::ServerName;
use tokio::{
    net::{TcpStream, UnixStream},
    time::timeout,
};
use tokio_postgres::{
    Client, Config, NoTls,
    config::{Host, SslMode, TargetSessionAttrs},
};

use super::{
    PostgresConnection, PostgresError,
    connection::Driver,
    socket::Socket,
    tls::Tls,
    wire::{Watched, Wire},
};

/// Where a server may be, and how it is spoken to.
#[derive(Clone)]
pub(super) struct Address {
    host: Host,
    // For a certificate.
    name: Option<String>,
    port: u16,
    tls: Option<Arc<rustls::ClientConfig>>,
}

/// Connects to the first host that takes it.
pub(super) async fn connect(
    config: &Config,
    tls: Option<Arc<rustls::ClientConfig>>,
) -> Result<PostgresConnection, PostgresError> {
    let tls = tls.filter(|_| config.get_ssl_mode() != SslMode::Disable);
    let mut last = io::Error::new(ErrorKind::InvalidInput, "no host is configured").into();
    for address in addresses(config, tls.as_ref()) {
        match begin(config, address).await {
            Ok(connection) => return Ok(connection),
            Err(error) => last = error,
        }
    }
    Err(last)
}

impl Address {
    /// Tells the server to give up what a client's session does.
    pub(super) async fn cancel(&self, client: &Client) -> Result<(), PostgresError> {
        let (token, socket) = (client.cancel_token(), self.dial().await?);
        match self.tls(Arc::new(Wire::new()))? {
            Some(tls) => token.cancel_query_raw(socket, tls).await?,
            None => token.cancel_query_raw(socket, NoTls).await?,
        }
        Ok(())
    }

    /// Opens a socket.
    async fn dial(&self) -> io::Result<Socket> {
        match &self.host {
            Host::Tcp(name) => {
                let stream = TcpStream::connect((name.as_str(), self.port)).await?;
                stream.set_nodelay(true)?;
                Ok(Socket::Tcp(stream))
            }
            Host::Unix(folder) => {
                let path = folder.join(format!(".s.PGSQL.{}", self.port));
                Ok(Socket::Unix(UnixStream::connect(path).await?))
            }
        }
    }

    /// Returns what encrypts a session, where one is to be.
    fn tls(&self, wire: Arc<Wire>) -> io::Result<Option<Tls>> {
        let (Some(config), Host::Tcp(number)) = (&self.tls, &self.host) else {
            return Ok(None);
        };
        let name = self.name.as_ref().unwrap_or(number);
        let host = ServerName::try_from(name.clone());
        let host = host.map_err(|error| io::Error::new(ErrorKind::InvalidInput, error))?;
        Ok(Some(Tls {
            config: Arc::clone(config),
            host,
            wire,
        }))
    }
}

fn addresses(config: &Config, tls: Option<&Arc<rustls::ClientConfig>>) -> Vec<Address> {
    let (hosts, numbers, ports) = (
        config.get_hosts(),
        config.get_hostaddrs(),
        config.get_ports(),
    );
    let address = |nth: usize| {
        let name = match hosts.get(nth) {
            Some(Host::Tcp(name)) => Some(name.clone()),
            Some(Host::Unix(_)) | None => None,
        };
        let host = match numbers.get(nth) {
            Some(number) => Host::Tcp(number.to_string()),
            None => hosts.get(nth)?.clone(),
        };
        Some(Address {
            host,
            name,
            port: ports.get(nth).or(ports.first()).copied().unwrap_or(5432),
            tls: tls.cloned(),
        })
    };
    let all = 0..hosts.len().max(numbers.len());
    all.filter_map(address).collect()
}

async fn begin(config: &Config, address: Address) -> Result<PostgresConnection, PostgresError> {
    let dialed = match config.get_connect_timeout() {
        Some(&limit) => timeout(limit, address.dial())
            .await
            .map_err(io::Error::from)?,
        None => address.dial().await,
    };
    let socket = dialed?;
    let wire = Arc::new(Wire::new());
    let (client, driver) = if let Some(tls) = address.tls(Arc::clone(&wire))? {
        let mut config = config.clone();
        config.ssl_mode(SslMode::Require);
        let (client, connection) = config.connect_raw(socket, tls).await?;
        (client, Driver::start(connection))
    } else {
        let socket = Watched::new(socket, Arc::clone(&wire));
        let (client, connection) = config.connect_raw(socket, NoTls).await?;
        (client, Driver::start(connection))
    };
    check_attributes(config, &client).await?;
    Ok(PostgresConnection::new(client, driver, wire, address))
}

/// Refuses a server that takes no writes where writes are wanted, or the other way round.
async fn check_attributes(config: &Config, client: &Client) -> Result<(), PostgresError> {
    let wanted = match config.get_target_session_attrs() {
        TargetSessionAttrs::ReadWrite => "off",
        TargetSessionAttrs::ReadOnly => "on",
        _ => return Ok(()),
    };
    let row = client.query_one("SHOW transaction_read_only", &[]).await?;
    if row.try_get::<_, &str>(0)? == wanted {
        return Ok(());
    }
    let error = "the server is not as target_session_attrs wants it";
    Err(io::Error::new(ErrorKind::PermissionDenied, error).into())
}
