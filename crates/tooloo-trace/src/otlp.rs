//! An exporter that speaks OTLP.

use std::{collections::HashMap, error, fmt, io, time::Duration};

use opentelemetry_otlp::{
    ExporterBuildError, Protocol, SpanExporter, WithExportConfig, WithHttpConfig, WithTonicConfig,
    tonic_types::metadata::MetadataMap,
};

/// Where an OTLP collector is, and how it is spoken to.
#[derive(Clone)]
#[non_exhaustive]
pub struct OtlpConfig {
    /// The collector's base URL, such as `http://127.0.0.1:4317`.
    pub endpoint: String,
    /// How the spans travel.
    pub protocol: OtlpProtocol,
    /// Headers of every export, such as an API key.
    pub headers: HashMap<String, String>,
    /// How long one export may take.
    pub timeout: Duration,
}

/// How spans travel to a collector.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum OtlpProtocol {
    /// gRPC.
    #[default]
    Grpc,
    /// Protobuf over HTTP, to the path `/v1/traces`.
    HttpProtobuf,
}

impl OtlpConfig {
    /// Sends to `endpoint` over gRPC, within ten seconds.
    pub fn new(endpoint: impl Into<String>) -> Self {
        Self {
            endpoint: endpoint.into(),
            protocol: OtlpProtocol::Grpc,
            headers: HashMap::new(),
            timeout: Duration::from_secs(10),
        }
    }

    /// Chooses how the spans travel.
    #[must_use]
    pub fn with_protocol(mut self, protocol: OtlpProtocol) -> Self {
        self.protocol = protocol;
        self
    }

    /// Sends `headers` with every export.
    #[must_use]
    pub fn with_headers(mut self, headers: HashMap<String, String>) -> Self {
        self.headers = headers;
        self
    }

    /// Bounds how long one export may take.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Makes the exporter; it connects when it has something to send.
    pub(crate) fn exporter(&self) -> Result<SpanExporter, OtlpError> {
        Ok(match self.protocol {
            OtlpProtocol::Grpc => {
                let headers = (&self.headers)
                    .try_into()
                    .map_err(|_| OtlpError::invalid("a header is not valid in HTTP"))?;
                SpanExporter::builder()
                    .with_tonic()
                    .with_endpoint(&self.endpoint)
                    .with_timeout(self.timeout)
                    .with_metadata(MetadataMap::from_headers(headers))
                    .build()?
            }
            OtlpProtocol::HttpProtobuf => SpanExporter::builder()
                .with_http()
                .with_protocol(Protocol::HttpBinary)
                .with_endpoint(format!("{}/v1/traces", self.endpoint.trim_end_matches('/')))
                .with_timeout(self.timeout)
                .with_headers(self.headers.clone())
                .build()?,
        })
    }
}

impl fmt::Debug for OtlpConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Headers hold keys: their values stay here.
        let headers: Vec<_> = self.headers.keys().collect();
        f.debug_struct("OtlpConfig")
            .field("endpoint", &self.endpoint)
            .field("protocol", &self.protocol)
            .field("headers", &headers)
            .field("timeout", &self.timeout)
            .finish()
    }
}

/// An exporter could not be set up.
#[derive(Debug)]
pub struct OtlpError {
    reason: String,
}

impl OtlpError {
    fn invalid(reason: &str) -> Self {
        Self {
            reason: reason.to_owned(),
        }
    }
}

impl fmt::Display for OtlpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no OTLP exporter: {}", self.reason)
    }
}

impl error::Error for OtlpError {}

impl From<ExporterBuildError> for OtlpError {
    fn from(error: ExporterBuildError) -> Self {
        Self {
            reason: error.to_string(),
        }
    }
}

impl From<io::Error> for OtlpError {
    fn from(error: io::Error) -> Self {
        Self {
            reason: error.to_string(),
        }
    }
}
