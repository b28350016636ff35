//! Finds out whose request it is.

use axum::http::{HeaderName, Request};
use tooloo_key::{ExtractKey, Key, TrustedProxies};
use tooloo_rate_limit::by;

use crate::config::{ClientsConfig, ForwardedBy};

const X_CLIENT_ID: HeaderName = HeaderName::from_static("x-client-id");

/// Names a request's client: by `X-Client-ID` where that is trusted, else by its API key, else by the
/// address it came from.
#[derive(Clone, Debug)]
pub(crate) struct Clients {
    id: Option<by::Header>,
    api_key: Option<by::ApiKey>,
    peer: by::Peer,
}

impl Clients {
    pub(crate) fn new(config: ClientsConfig) -> Self {
        let header = match config.forwarded_by {
            ForwardedBy::XForwardedFor => tooloo_key::ForwardedBy::XForwardedFor,
            ForwardedBy::Forwarded => tooloo_key::ForwardedBy::Forwarded,
        };
        let proxies = TrustedProxies::new(config.trusted_proxies).with_header(header);
        Self {
            id: config.trust_client_id.then(|| by::header(X_CLIENT_ID)),
            api_key: config.api_keys.then(by::api_key),
            peer: by::peer(proxies).with_ipv6_prefix(config.ipv6_prefix.prefix()),
        }
    }
}

impl<B> ExtractKey<Request<B>> for Clients {
    fn key(&self, request: &Request<B>) -> Option<Key> {
        let id = self.id.as_ref().and_then(|id| id.key(request));
        let api_key = || self.api_key.and_then(|api_key| api_key.key(request));
        id.or_else(api_key).or_else(|| self.peer.key(request))
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use axum::extract::ConnectInfo;

    use super::*;

    const ID: (&str, &str) = ("x-client-id", "ada");
    const API_KEY: (&str, &str) = ("authorization", "Bearer sesame");
    const FORWARDED: (&str, &str) = ("x-forwarded-for", "192.0.2.1, 198.51.100.7");

    fn key(settings: &str, peer: &str, headers: &[(&'static str, &'static str)]) -> String {
        let config = toml::from_str(settings).unwrap();
        let mut request = Request::get("/");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let peer: SocketAddr = peer.parse().unwrap();
        let request = request.extension(ConnectInfo(peer)).body(()).unwrap();
        Clients::new(config).key(&request).unwrap().to_string()
    }

    #[test]
    fn an_id_counts_where_it_is_trusted() {
        let peer = "203.0.113.9:80";
        assert_eq!(key("", peer, &[ID]), "203.0.113.9");
        assert_eq!(key("trust_client_id = true", peer, &[ID, API_KEY]), "ada");
    }

    #[test]
    fn an_api_key_counts_before_an_address_and_is_not_shown() {
        let peer = "203.0.113.9:80";
        let named = key("", peer, &[API_KEY]);
        assert!(
            named.starts_with("key:") && !named.contains("sesame"),
            "{named}"
        );
        assert_eq!(key("api_keys = false", peer, &[API_KEY]), "203.0.113.9");
    }

    #[test]
    fn an_address_is_that_of_the_client_behind_trusted_proxies() {
        let proxies = "trusted_proxies = ['10.0.0.0/8']";
        assert_eq!(key(proxies, "10.1.2.3:80", &[FORWARDED]), "198.51.100.7");
        assert_eq!(key(proxies, "203.0.113.9:80", &[FORWARDED]), "203.0.113.9");
        let other = format!("{proxies}\nforwarded_by = 'forwarded'");
        assert_eq!(key(&other, "10.1.2.3:80", &[FORWARDED]), "10.1.2.3");
    }

    #[test]
    fn an_ipv6_site_is_one_client() {
        let peer = "[2001:db8:1:2:3:4:5:6]:80";
        assert_eq!(key("", peer, &[]), "2001:db8:1:2::/64");
        assert_eq!(key("ipv6_prefix = 48", peer, &[]), "2001:db8:1::/48");
        assert!(toml::from_str::<ClientsConfig>("ipv6_prefix = 129").is_err());
    }
}
