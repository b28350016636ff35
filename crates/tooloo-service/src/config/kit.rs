//! The settings every service has.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr},
    num::{NonZeroU32, NonZeroUsize},
    path::PathBuf,
    time::Duration,
};

use http::{HeaderValue, Uri};
use serde::{Deserialize, Serialize};

use super::read;
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
    #[serde(deserialize_with = "read::base_port")]
    pub base_port: u16,
    /// The folder that databases are kept in.
    pub data_dir: PathBuf,
    /// The share of requests that are traced in full, from 0 to 1.
    #[serde(deserialize_with = "read::fraction")]
    pub sampling_rate: f64,
    /// Whether a caller's decision to trace its request in full is followed; say no at an edge where
    /// anyone could ask for it.
    pub follow_callers: bool,
    /// The most traces a second that are kept in full; without a bound where it is not set.
    pub sampled_per_second: Option<NonZeroU32>,
    /// How many bytes of recent traces are kept in memory.
    #[serde(deserialize_with = "read::positive")]
    pub recent_traces: usize,
    /// How log lines are written.
    pub log_format: LogFormat,
    /// What is logged: a level, or directives such as `info,tooloo_service=debug`.
    #[serde(deserialize_with = "read::directives")]
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
    #[serde(deserialize_with = "read::positive")]
    pub body_limit: usize,
    /// The largest head of a request (names and values of its fields), in bytes.
    #[serde(deserialize_with = "read::positive")]
    pub header_limit: usize,
    /// The most fields in the head of a request.
    #[serde(deserialize_with = "read::positive")]
    pub header_count: usize,
    /// The longest request target, in bytes.
    #[serde(deserialize_with = "read::positive")]
    pub uri_limit: usize,
    /// The most connections served at once; more wait to be accepted.
    #[serde(deserialize_with = "read::positive")]
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
    #[serde(deserialize_with = "read::positive")]
    pub peer_body_limit: usize,
    /// The origins whose pages may call this service; none unless told otherwise.
    #[serde(deserialize_with = "read::origins")]
    pub cors_origins: Vec<HeaderValue>,
    /// Where the other services are reached, by name; the fleet's own addresses unless set.
    #[serde(deserialize_with = "read::addresses")]
    pub peers: BTreeMap<String, Uri>,
    /// The token that administrative operations ask for; they are closed where none is set.
    pub admin_token: Option<Secret>,
    /// The PostgreSQL that services keep their data in, such as `postgres://tooloo@127.0.0.1:5432/tooloo`, in a schema
    /// each; SQLite files in the data folder without one.
    #[serde(deserialize_with = "read::database_url")]
    pub database_url: Option<Secret>,
    /// The most connections that a service has to its database.
    pub database_connections: NonZeroUsize,
    /// A Redis or Valkey that several nodes share, such as `redis://127.0.0.1:6379`; a node is alone
    /// without one.
    #[serde(deserialize_with = "read::redis_url")]
    pub redis_url: Option<Secret>,
    /// Where spans are exported to.
    pub otlp: OtlpConfig,
}

/// Export of spans to an OpenTelemetry collector.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct OtlpConfig {
    /// The collector's address, such as `http://127.0.0.1:4317`; nothing is exported without one.
    #[serde(deserialize_with = "read::endpoint")]
    pub endpoint: Option<String>,
    /// How to speak to it.
    pub protocol: Option<OtlpProtocol>,
    /// Fields to send along, such as a token.
    #[serde(deserialize_with = "read::secrets")]
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
            "database_connections",
            "database_url",
            "drain_deadline",
            "drain_grace",
            "follow_callers",
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
            "recent_traces",
            "redis_url",
            "request_timeout",
            "sampled_per_second",
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
            follow_callers: true,
            sampled_per_second: None,
            recent_traces: 4 * 1024 * 1024,
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
            database_url: None,
            database_connections: NonZeroUsize::new(8).expect("8 is not 0"),
            redis_url: None,
            otlp: OtlpConfig::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_keys_is_that_of_the_fields() {
        let unknown = toml::from_str::<KitConfig>("zzz = 1").unwrap_err();
        let fields: Vec<_> = unknown.message().split('`').skip(3).step_by(2).collect();
        let mut fields: Vec<_> = fields.into_iter().map(str::to_owned).collect();
        fields.sort();
        assert_eq!(fields, KitConfig::keys());
    }
}
