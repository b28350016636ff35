//! TLS by rustls, watched inside of the encryption.

use std::{io, pin::Pin, sync::Arc};

use rustls::pki_types::ServerName;
use tokio_postgres::tls::TlsConnect;
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::{
    socket::Socket,
    wire::{Watched, Wire},
};

/// Encrypts a connection to one host.
pub(super) struct Tls {
    pub(super) config: Arc<rustls::ClientConfig>,
    pub(super) host: ServerName<'static>,
    pub(super) wire: Arc<Wire>,
}

type Encrypted = Watched<TlsStream<Socket>>;

impl TlsConnect<Socket> for Tls {
    type Stream = Encrypted;
    type Error = io::Error;
    // Boxed, since a handshake costs milliseconds.
    type Future = Pin<Box<dyn Future<Output = io::Result<Encrypted>> + Send>>;

    fn connect(self, socket: Socket) -> Self::Future {
        Box::pin(async move {
            let handshake = TlsConnector::from(self.config).connect(self.host, socket);
            Ok(Watched::new(handshake.await?, self.wire))
        })
    }
}
