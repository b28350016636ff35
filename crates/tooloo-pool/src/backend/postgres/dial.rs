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

/// Where a server may be.
#[derive(Clone, Debug)]
pub(super) struct Address {
    host: Host,
    // For a certificate.
    name: Option<String>,
    port: u16,
}

/// Connects to the first host that takes it.
pub(super) async fn connect(
    config: &Config,
    tls: Option<Arc<rustls::ClientConfig>>,
) -> Result<PostgresConnection, PostgresError> {
    let mut last = io::Error::new(ErrorKind::InvalidInput, "no host is configured").into();
    for address in addresses(config) {
        match begin(config, address, tls.clone()).await {
            Ok(connection) => return Ok(connection),
            Err(error) => last = error,
        }
    }
    Err(last)
}

impl Address {
    /// Opens a socket.
    pub(super) async fn dial(&self) -> io::Result<Socket> {
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
}

fn addresses(config: &Config) -> Vec<Address> {
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
        let port = ports.get(nth).or(ports.first()).copied().unwrap_or(5432);
        Some(Address { host, name, port })
    };
    (0..hosts.len().max(numbers.len()))
        .filter_map(address)
        .collect()
}

async fn begin(
    config: &Config,
    address: Address,
    tls: Option<Arc<rustls::ClientConfig>>,
) -> Result<PostgresConnection, PostgresError> {
    let dialed = match config.get_connect_timeout() {
        Some(&limit) => timeout(limit, address.dial())
            .await
            .map_err(io::Error::from)?,
        None => address.dial().await,
    };
    let socket = dialed?;
    let wire = Arc::new(Wire::new());
    let tls = tls.filter(|_| {
        config.get_ssl_mode() != SslMode::Disable && matches!(address.host, Host::Tcp(_))
    });
    let (client, driver) = if let Some(tls) = tls {
        encrypted(config, &address, tls, socket, Arc::clone(&wire)).await?
    } else {
        let socket = Watched::new(socket, Arc::clone(&wire));
        let (client, connection) = config.connect_raw(socket, NoTls).await?;
        (client, Driver::start(connection))
    };
    check_attributes(config, &client).await?;
    Ok(PostgresConnection::new(client, driver, wire, address))
}

async fn encrypted(
    config: &Config,
    address: &Address,
    tls: Arc<rustls::ClientConfig>,
    socket: Socket,
    wire: Arc<Wire>,
) -> Result<(Client, Driver), PostgresError> {
    let Host::Tcp(number) = &address.host else {
        return Err(io::Error::new(ErrorKind::InvalidInput, "TLS needs TCP").into());
    };
    let name = address.name.as_ref().unwrap_or(number);
    let host = ServerName::try_from(name.clone());
    let host = host.map_err(|error| io::Error::new(ErrorKind::InvalidInput, error))?;
    let mut config = config.clone();
    config.ssl_mode(SslMode::Require);
    let tls = Tls {
        config: tls,
        host,
        wire,
    };
    let (client, connection) = config.connect_raw(socket, tls).await?;
    Ok((client, Driver::start(connection)))
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
