//! Who counts as one client of the rate limit.

use axum::body::Body;
use http::{HeaderName, Request};
use serde::Deserialize;
use tooloo_key::{ExtractKey, IpNet, Key, TrustedProxies};
use tooloo_rate_limit::by;

const X_CLIENT_ID: HeaderName = HeaderName::from_static("x-client-id");

/// Settings of whom a request belongs to: its `X-Client-ID` where that is trusted, else its API key,
/// else the address that it came from.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ClientsConfig {
    /// Whether `X-Client-ID` names the client. Trust it only behind something that writes it: whoever
    /// may make names up has a fresh quota with each.
    pub trust_client_id: bool,
    /// The proxies whose word on a client's address is taken, as they write it to `X-Forwarded-For`;
    /// those on this machine, where the fleet's gateway is, unless told otherwise.
    pub trusted_proxies: Vec<IpNet>,
}

impl ClientsConfig {
    /// Makes a way to find a request's client.
    pub(crate) fn extractor(
        self,
    ) -> impl ExtractKey<Request<Body>> + Clone + Send + Sync + 'static {
        let id = self.trust_client_id.then(|| by::header(X_CLIENT_ID));
        let proxies = TrustedProxies::new(self.trusted_proxies);
        let usual = by::first((by::api_key(), by::peer(proxies)));
        move |request: &Request<Body>| -> Option<Key> {
            let named = id.as_ref().and_then(|id| id.key(request));
            named.or_else(|| usual.key(request))
        }
    }
}

impl Default for ClientsConfig {
    fn default() -> Self {
        let local = ["127.0.0.0/8", "::1/128"];
        let network = |text: &str| text.parse().expect("a constant is a network");
        Self {
            trust_client_id: false,
            trusted_proxies: local.map(network).into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use axum::extract::ConnectInfo;

    use super::*;

    fn client(config: &str, peer: &str, headers: &[(&str, &str)]) -> String {
        let config: ClientsConfig = serde_json::from_str(config).unwrap();
        let mut request = Request::get("/").body(Body::empty()).unwrap();
        let peer: SocketAddr = peer.parse().unwrap();
        request.extensions_mut().insert(ConnectInfo(peer));
        for (name, value) in headers {
            let name: HeaderName = name.parse().unwrap();
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        config.extractor().key(&request).unwrap().to_string()
    }

    #[test]
    fn a_client_is_who_it_is_trusted_to_be() {
        let (stranger, gateway) = ("203.0.113.9:80", "127.0.0.1:80");
        let id = ("x-client-id", "ada");
        let forwarded = ("x-forwarded-for", "198.51.100.7");
        assert_eq!(client("{}", stranger, &[id, forwarded]), "203.0.113.9");
        assert_eq!(client("{}", gateway, &[id, forwarded]), "198.51.100.7");
        assert_eq!(client("{}", gateway, &[]), "127.0.0.1");
        let trusting = r#"{"trust_client_id": true}"#;
        let key = ("x-api-key", "sesame");
        assert_eq!(client(trusting, stranger, &[id, key]), "ada");
        let named = client(trusting, stranger, &[key]);
        assert!(named.starts_with("key:"), "{named}");
    }
}
