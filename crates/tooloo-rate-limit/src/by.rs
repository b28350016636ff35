//! Ways to find a request's key: [`ExtractKey`] for the usual cases.
//!
//! Any closure from a request to an optional [`Key`] is one too. A request without a key belongs to
//! nobody and is not limited, so let the last one be [`peer`]:
//!
//! ```
//! use http::HeaderName;
//! use tooloo_key::TrustedProxies;
//! use tooloo_rate_limit::by;
//!
//! let client = by::first((
//!     by::header(HeaderName::from_static("x-client-id")),
//!     by::api_key(),
//!     by::peer(TrustedProxies::default()),
//! ));
//! let client_and_route = by::all((client, by::method(), by::path()));
//! # drop(client_and_route);
//! ```

mod combine;

use std::net::SocketAddr;

use http::{Extensions, HeaderMap, HeaderName, Request, header};
use sha2::{Digest, Sha256};
use tooloo_key::{ExtractKey, Ipv6Prefix, Key, TrustedProxies};

pub use self::combine::{All, First, all, first};

/// A longer header value names nobody: keys are kept in memory.
const LONGEST: usize = 256;

/// The address that a connection came from, as a request's extension.
///
/// A server that is not axum's puts it there.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PeerAddress(pub SocketAddr);

/// Finds the client's address. See [`peer`].
#[derive(Clone, Debug)]
pub struct Peer {
    proxies: TrustedProxies,
    prefix: Ipv6Prefix,
}

/// Finds a header's value. See [`header()`].
#[derive(Clone, Debug)]
pub struct Header(HeaderName);

/// Finds an API key. See [`api_key`].
#[derive(Clone, Copy, Debug)]
pub struct ApiKey(());

/// Finds the path. See [`path`].
#[derive(Clone, Copy, Debug)]
pub struct Path(());

/// Finds the method. See [`method`].
#[derive(Clone, Copy, Debug)]
pub struct Method(());

/// Groups requests by the client's address, also behind these proxies; IPv6 addresses by /64.
///
/// The connection's address is a [`PeerAddress`] among the request's extensions, or with the feature
/// `axum` its `ConnectInfo`, which `into_make_service_with_connect_info::<SocketAddr>` puts there.
pub fn peer(proxies: TrustedProxies) -> Peer {
    Peer {
        proxies,
        prefix: Ipv6Prefix::default(),
    }
}

/// Groups requests by a header's value, of up to 256 bytes of ASCII. Trust it only where nobody
/// gains by making values up.
pub fn header(name: HeaderName) -> Header {
    Header(name)
}

/// Groups requests by their API key: `X-API-Key`, or the credentials of `Authorization: Bearer`.
///
/// The key is a digest, since limiters show the busiest keys.
pub fn api_key() -> ApiKey {
    ApiKey(())
}

/// Groups requests by their path, of up to 256 bytes; for few paths, or with limits on the client too.
pub fn path() -> Path {
    Path(())
}

/// Groups requests by their method.
pub fn method() -> Method {
    Method(())
}

impl Peer {
    /// Groups IPv6 addresses by another prefix.
    #[must_use]
    pub fn with_ipv6_prefix(mut self, prefix: Ipv6Prefix) -> Self {
        self.prefix = prefix;
        self
    }
}

impl<B> ExtractKey<Request<B>> for Peer {
    fn key(&self, request: &Request<B>) -> Option<Key> {
        let peer = address(request.extensions())?;
        let client = self.proxies.client(peer.ip(), request.headers());
        Some(Key::client(client, self.prefix))
    }
}

impl<B> ExtractKey<Request<B>> for Header {
    fn key(&self, request: &Request<B>) -> Option<Key> {
        text(request.headers(), &self.0).map(Key::from)
    }
}

impl<B> ExtractKey<Request<B>> for ApiKey {
    fn key(&self, request: &Request<B>) -> Option<Key> {
        let headers = request.headers();
        let named = headers.get("x-api-key").map(http::HeaderValue::as_bytes);
        let secret = named.or_else(|| bearer(headers))?;
        let digest = Sha256::digest(secret);
        let hex = digest[..16].iter().map(|byte| format!("{byte:02x}"));
        Some(Key::from(
            hex.fold(String::from("key:"), |key, byte| key + &byte),
        ))
    }
}

impl<B> ExtractKey<Request<B>> for Path {
    fn key(&self, request: &Request<B>) -> Option<Key> {
        let path = request.uri().path();
        (path.len() <= LONGEST).then(|| Key::from(path))
    }
}

impl<B> ExtractKey<Request<B>> for Method {
    fn key(&self, request: &Request<B>) -> Option<Key> {
        let method = request.method().as_str();
        (method.len() <= LONGEST).then(|| Key::from(method))
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let value = headers.get(name)?.to_str().ok()?.trim();
    (!value.is_empty() && value.len() <= LONGEST).then_some(value)
}

fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let value = headers.get(header::AUTHORIZATION)?.as_bytes();
    let (scheme, secret) = value.split_at_checked(7)?;
    scheme
        .eq_ignore_ascii_case(b"bearer ")
        .then(|| secret.trim_ascii())
}

#[cfg(feature = "axum")]
fn address(extensions: &Extensions) -> Option<SocketAddr> {
    use axum::extract::ConnectInfo;

    let own = extensions.get::<PeerAddress>().map(|peer| peer.0);
    own.or_else(|| extensions.get().map(|ConnectInfo(peer)| *peer))
}

#[cfg(not(feature = "axum"))]
fn address(extensions: &Extensions) -> Option<SocketAddr> {
    extensions.get::<PeerAddress>().map(|peer| peer.0)
}
