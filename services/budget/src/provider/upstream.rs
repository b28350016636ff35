//! The way to a provider: HTTP, with TLS where its address says so, and with the trace.

use std::time::Duration;

use axum::body::Body;
use http::{Request, Response, Uri, uri::PathAndQuery};
use hyper::body::Incoming;
use hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{self, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use tooloo_trace::{ClientTrace, ClientTraceLayer, TraceBody, Tracer};
use tower::{Layer, ServiceExt};

/// How long an unused connection is kept.
const POOL_IDLE: Duration = Duration::from_secs(30);

type Client = legacy::Client<HttpsConnector<HttpConnector>, Body>;

/// Keeps connections to all providers.
#[derive(Clone, Debug)]
pub(crate) struct Connections {
    client: Client,
}

/// The way to one provider.
#[derive(Clone, Debug)]
pub(crate) struct Upstream {
    base: Uri,
    client: ClientTrace<Client>,
}

impl Connections {
    /// Creates a pool that trusts the certificates that the system trusts; they are only read
    /// where there is `tls` at all.
    pub(crate) fn new(connect_timeout: Duration, tls: bool) -> Result<Self, String> {
        let mut tcp = HttpConnector::new();
        tcp.set_connect_timeout(Some(connect_timeout));
        tcp.set_nodelay(true);
        // Addresses with https come here, too, and are wrapped below.
        tcp.enforce_http(false);
        let config = ClientConfig::builder_with_provider(ring::default_provider().into())
            .with_safe_default_protocol_versions()
            .expect("the provider supports the usual versions");
        let config = if tls {
            let trusting = config.with_native_roots();
            trusting.map_err(|error| format!("no certificate authority can be read: {error}"))?
        } else {
            config.with_root_certificates(RootCertStore::empty())
        };
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(config.with_no_client_auth())
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        let client = legacy::Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(POOL_IDLE)
            .build(connector);
        Ok(Self { client })
    }

    /// Leads to the provider `name` at `base`.
    pub(crate) fn to(&self, name: &str, base: Uri, tracer: &Tracer) -> Upstream {
        let tracing = ClientTraceLayer::new(tracer.clone()).with_peer(name);
        Upstream {
            base,
            client: tracing.layer(self.client.clone()),
        }
    }
}

impl Upstream {
    /// Returns the provider's address.
    pub(crate) fn base(&self) -> &Uri {
        &self.base
    }

    /// Returns the address of `path` there.
    pub(crate) fn uri(&self, path: &'static str) -> Uri {
        let base = self.base.path().trim_end_matches('/');
        let mut parts = self.base.clone().into_parts();
        let path = PathAndQuery::try_from(format!("{base}{path}"));
        parts.path_and_query = Some(path.expect("a path and a constant make a path"));
        Uri::from_parts(parts).expect("an absolute address with another path is one")
    }

    /// Sends a request to one of its addresses. The caller bounds the time.
    pub(crate) async fn send(
        &self,
        request: Request<Body>,
    ) -> Result<Response<TraceBody<Incoming>>, legacy::Error> {
        self.client.clone().oneshot(request).await
    }
}
