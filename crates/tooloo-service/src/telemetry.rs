//! Starts a service's tracer, and tells the current trace.

use std::time::Duration;

use tooloo_trace::{OtlpConfig, OtlpProtocol, ParentTrust, TraceConfig, Tracer};

use crate::{Identity, KitConfig, StartError, config};

/// The port on which collectors speak OTLP over HTTP.
const OTLP_HTTP_PORT: u16 = 4318;

/// Starts the tracer; it exports where an endpoint is set.
pub(crate) fn start(identity: Identity, config: &KitConfig) -> Result<Tracer, StartError> {
    let mut trace = TraceConfig::new(identity.name)
        .with_version(identity.version)
        .with_store_bytes(config.recent_traces)
        .with_sampling_rate(config.sampling_rate)
        .map_err(StartError::new)?;
    if !config.follow_callers {
        trace = trace.with_parent_trust(ParentTrust::Decide);
    }
    if let Some(traces) = config.sampled_per_second {
        trace = trace.with_sampled_per_second(traces.get());
    }
    match &config.otlp.endpoint {
        None => Ok(Tracer::new(trace)),
        Some(endpoint) => {
            Tracer::with_otlp(trace, &exporter(endpoint, &config.otlp)).map_err(StartError::new)
        }
    }
}

fn exporter(endpoint: &str, config: &config::OtlpConfig) -> OtlpConfig {
    let protocol = match config.protocol {
        Some(config::OtlpProtocol::Grpc) => OtlpProtocol::Grpc,
        Some(config::OtlpProtocol::HttpProtobuf) => OtlpProtocol::HttpProtobuf,
        None => usual_protocol(endpoint),
    };
    let headers = config.headers.iter();
    let headers = headers.map(|(name, value)| (name.clone(), value.expose().to_owned()));
    OtlpConfig::new(endpoint)
        .with_protocol(protocol)
        .with_headers(headers.collect())
}

fn usual_protocol(endpoint: &str) -> OtlpProtocol {
    let port = endpoint
        .parse::<http::Uri>()
        .ok()
        .and_then(|uri| uri.port_u16());
    if port == Some(OTLP_HTTP_PORT) {
        OtlpProtocol::HttpProtobuf
    } else {
        OtlpProtocol::Grpc
    }
}

/// Sends what the tracer still holds, within `deadline`.
pub(crate) async fn flush(tracer: &Tracer, deadline: Duration) {
    if let Err(error) = tracer.flush(deadline).await {
        tracing::warn!(service = tracer.service(), %error, "some spans were not exported");
    }
}

/// Returns the id of the current request's trace.
pub(crate) fn trace_id() -> Option<String> {
    tooloo_trace::current().map(|context| context.trace_id().to_string())
}
