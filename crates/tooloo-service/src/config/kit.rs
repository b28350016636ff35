//! The settings every service has.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr},
    path::PathBuf,
    time::Duration,
};

use http::{HeaderValue, Uri};
use serde::{Deserialize, Deserializer, Serialize, de};

use crate::{Secret, directory, duration};

/// Settings of the kit, at the top of the file for all services or in a service's own table.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct KitConfig {
    /// The address to listen on; this machine alone unless told otherwise.
    pub host: IpAddr,
    /// The port to listen on; 0 lets the system choose.
    pub port: u16,
    /// The port that default ports are counted from.
    pub base_port: u16,
    /// The folder that databases are kept in.
    pub data_dir: PathBuf,
    /// The share of requests that are traced in full, from 0 to 1.
    #[serde(deserialize_with = "fraction")]
    pub sampling_rate: f64,
    /// How log lines are written.
    pub log_format: LogFormat,
    /// What is logged: a level, or directives such as `info,tooloo_service=debug`.
    #[serde(deserialize_with = "directives")]
    pub log_level: String,
    /// How long a handler may take until its answer begins.
    #[serde(with = "duration")]
    pub request_timeout: Duration,
    /// How long a client may take to send a request's head, from its first byte.
    #[serde(with = "duration")]
    pub header_timeout: Duration,
    /// How long a client may pause within a request's body.
    #[serde(with = "duration")]
    pub body_timeout: Duration,
    /// How long a connection may stay idle between requests.
    #[serde(with = "duration")]
    pub idle_timeout: Duration,
    /// How long a client may take no byte of an answer.
    #[serde(with = "duration")]
    pub write_timeout: Duration,
    /// The largest request body, in bytes.
    pub body_limit: usize,
    /// The largest head of a request (names and values of its fields), in bytes.
    pub header_limit: usize,
    /// The most fields in the head of a request.
    pub header_count: usize,
    /// The longest request target, in bytes.
    pub uri_limit: usize,
    /// The most connections served at once; more wait to be accepted.
    pub max_connections: usize,
    /// How long a draining server still accepts, so that load balancers see it leave.
    #[serde(deserialize_with = "duration::or_zero")]
    pub drain_grace: Duration,
    /// How long a drain may take altogether before what still runs is cut off.
    #[serde(with = "duration")]
    pub drain_deadline: Duration,
    /// How long each readiness check may take.
    #[serde(with = "duration")]
    pub check_timeout: Duration,
    /// How long a call to a peer may take until its answer has arrived.
    #[serde(with = "duration")]
    pub peer_timeout: Duration,
    /// How long connecting to a peer may take.
    #[serde(with = "duration")]
    pub connect_timeout: Duration,
    /// The largest answer that is read from a peer, in bytes.
    pub peer_body_limit: usize,
    /// The origins whose pages may call this service; none unless told otherwise.
    #[serde(deserialize_with = "origins")]
    pub cors_origins: Vec<HeaderValue>,
    /// Where the other services are reached, by name; the fleet's own addresses unless set.
    #[serde(deserialize_with = "addresses")]
    pub peers: BTreeMap<String, Uri>,
    /// The token that administrative operations ask for; they are closed where none is set.
    pub admin_token: Option<Secret>,
    /// Where spans are exported to.
    pub otlp: OtlpConfig,
}

/// Export of spans to an OpenTelemetry collector.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct OtlpConfig {
    /// The collector's address, such as `http://127.0.0.1:4317`; nothing is exported without one.
    pub endpoint: Option<String>,
    /// How to speak to it.
    pub protocol: Option<OtlpProtocol>,
    /// Fields to send along, such as a token.
    pub headers: BTreeMap<String, Secret>,
}

/// A transport of the OpenTelemetry protocol.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub enum OtlpProtocol {
    /// Protobuf over gRPC.
    #[serde(rename = "grpc")]
    Grpc,
    /// Protobuf over HTTP.
    #[serde(rename = "http/protobuf")]
    HttpProtobuf,
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum LogFormat {
    /// Pretty on a terminal, JSON otherwise.
    #[default]
    Auto,
    /// One JSON object a line.
    Json,
    /// For eyes.
    Pretty,
}

impl KitConfig {
    /// Finds where `name` is reached: as configured, or as the fleet's directory has it.
    pub fn address_of(&self, name: &str) -> Option<Uri> {
        let known = || directory::find(name).map(|entry| directory::address(self.host, entry.port));
        self.peers.get(name).cloned().or_else(known)
    }

    /// The names of the settings above, as a file has them.
    pub(super) fn keys() -> &'static [&'static str] {
        &[
            "admin_token",
            "base_port",
            "body_limit",
            "body_timeout",
            "check_timeout",
            "connect_timeout",
            "cors_origins",
            "data_dir",
            "drain_deadline",
            "drain_grace",
            "header_count",
            "header_limit",
            "header_timeout",
            "host",
            "idle_timeout",
            "log_format",
            "log_level",
            "max_connections",
            "otlp",
            "peer_body_limit",
            "peer_timeout",
            "peers",
            "port",
            "request_timeout",
            "sampling_rate",
            "uri_limit",
            "write_timeout",
        ]
    }
}

impl Default for KitConfig {
    fn default() -> Self {
        Self {
            host: Ipv4Addr::LOCALHOST.into(),
            port: 0,
            base_port: directory::BASE_PORT,
            data_dir: PathBuf::from("data"),
            sampling_rate: 0.1,
            log_format: LogFormat::default(),
            log_level: "info".to_owned(),
            request_timeout: Duration::from_secs(30),
            header_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(15),
            idle_timeout: Duration::from_secs(75),
            write_timeout: Duration::from_secs(30),
            body_limit: 1024 * 1024,
            header_limit: 32 * 1024,
            header_count: 100,
            uri_limit: 8 * 1024,
            max_connections: 1024,
            drain_grace: Duration::from_secs(1),
            drain_deadline: Duration::from_secs(20),
            check_timeout: Duration::from_secs(2),
            peer_timeout: Duration::from_secs(10),
            connect_timeout: Duration::from_secs(2),
            peer_body_limit: 8 * 1024 * 1024,
            cors_origins: Vec::new(),
            peers: BTreeMap::new(),
            admin_token: None,
            otlp: OtlpConfig::default(),
        }
    }
}

fn fraction<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let rate = f64::deserialize(deserializer)?;
    if (0.0..=1.0).contains(&rate) {
        return Ok(rate);
    }
    let found = de::Unexpected::Float(rate);
    Err(de::Error::invalid_value(found, &"a fraction from 0 to 1"))
}

fn directives<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    match text.parse::<tracing_subscriber::filter::Targets>() {
        Ok(_) => Ok(text),
        Err(_) => Err(de::Error::invalid_value(
            de::Unexpected::Str(&text),
            &"a level (error, warn, info, debug, trace, off) or directives such as `info,hyper=debug`",
        )),
    }
}

fn origins<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<HeaderValue>, D::Error> {
    let origins = Vec::<Origin>::deserialize(deserializer)?;
    Ok(origins.into_iter().map(|Origin(value)| value).collect())
}

fn addresses<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, Uri>, D::Error> {
    let addresses = BTreeMap::<String, Address>::deserialize(deserializer)?;
    let plain = addresses.into_iter().map(|(name, Address(uri))| (name, uri));
    Ok(plain.collect())
}

#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Origin(HeaderValue);

impl TryFrom<String> for Origin {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let uri: Option<Uri> = text.parse().ok();
        let is_origin = uri.is_some_and(|uri| {
            uri.scheme().is_some()
                && uri.path_and_query().is_none_or(|path| path == "/")
                && !text.ends_with('/')
        });
        match HeaderValue::try_from(&text) {
            Ok(value) if is_origin => Ok(Self(value)),
            _ => Err(format!(
                "invalid origin \"{text}\", expected a scheme, a host and maybe a port, as in \
                 \"https://app.example.com\""
            )),
        }
    }
}

#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Address(Uri);

impl TryFrom<String> for Address {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.parse::<Uri>() {
            Ok(uri) if uri.scheme_str() == Some("http") && uri.host().is_some() => Ok(Self(uri)),
            _ => Err(format!(
                "invalid address \"{text}\", expected one such as \"http://127.0.0.1:3001\""
            )),
        }
    }
}
