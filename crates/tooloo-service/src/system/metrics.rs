//! Figures for scrapers, and the short ones in the health answer.

use std::collections::BTreeMap;

use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, header};
use serde::Serialize;
use tooloo_hub::Hub;
use tooloo_trace::TraceSnapshot;
use utoipa::ToSchema;

use crate::Problem;

const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const PROTOBUF: &str =
    "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited";

/// What a scraper asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Format {
    OpenMetrics,
    Protobuf,
}

/// The requests a service has answered.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ShortFigures {
    /// All that ended.
    requests: u64,
    /// Those answered with a status below 400.
    successful_requests: u64,
    /// Those answered with 5xx, or broken off by the service.
    errors: u64,
    /// In milliseconds; null before the first request.
    avg_latency: Option<f64>,
    /// How many were answered with each status from 400 up.
    errors_by_code: BTreeMap<u16, u64>,
}

impl ShortFigures {
    pub(super) fn of(figures: &TraceSnapshot) -> Self {
        let mut requests = Self {
            requests: 0,
            successful_requests: 0,
            errors: 0,
            avg_latency: None,
            errors_by_code: BTreeMap::new(),
        };
        let mut latency = 0.0;
        // Traces that the program began itself are no requests.
        for route in figures.routes.iter().filter(|route| route.method.is_some()) {
            requests.requests += route.count;
            latency += route.avg_latency.unwrap_or(0.0) * count(route.count);
            requests.errors += route.errors;
            for (&status, &count) in &route.by_status {
                if status < 400 {
                    requests.successful_requests += count;
                } else {
                    *requests.errors_by_code.entry(status).or_default() += count;
                }
            }
        }
        if requests.requests > 0 {
            requests.avg_latency = Some(latency / count(requests.requests));
        }
        requests
    }
}

#[expect(clippy::cast_precision_loss, reason = "exact up to 2^53 requests")]
fn count(count: u64) -> f64 {
    count as f64
}

/// Writes the hub's metrics in the format that `headers` prefer.
pub(super) fn answer(hub: &Hub, headers: &HeaderMap) -> Response {
    let written = match Format::preferred(headers) {
        Format::OpenMetrics => hub
            .openmetrics()
            .map(|text| (OPENMETRICS, text.into_bytes())),
        Format::Protobuf => hub.prometheus_protobuf().map(|bytes| (PROTOBUF, bytes)),
    };
    match written {
        Ok((format, body)) => {
            let format = HeaderValue::from_static(format);
            ([(header::CONTENT_TYPE, format)], body).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "the metrics could not be written");
            Problem::internal("metrics_failed", "the metrics could not be written").into_response()
        }
    }
}

impl Format {
    /// Reads `Accept`: the greatest weight wins, then what comes first. Text is the default.
    fn preferred(headers: &HeaderMap) -> Self {
        let accepted = headers
            .get_all(header::ACCEPT)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .filter_map(Self::weighed);
        let best = accepted.reduce(|best, next| if next.1 > best.1 { next } else { best });
        best.filter(|(_, weight)| *weight > 0.0)
            .map_or(Self::OpenMetrics, |(format, _)| format)
    }

    fn weighed(range: &str) -> Option<(Self, f32)> {
        let mut parts = range.split(';').map(str::trim);
        let media_type = parts.next()?.to_ascii_lowercase();
        let mut weight = 1.0;
        let mut family = false;
        let mut delimited = true;
        for part in parts {
            match part.split_once('=') {
                Some(("q", q)) => weight = q.parse().unwrap_or(0.0),
                Some(("proto", proto)) => family = proto == "io.prometheus.client.MetricFamily",
                Some(("encoding", encoding)) => delimited = encoding == "delimited",
                _ => {}
            }
        }
        let format = match media_type.as_str() {
            "application/vnd.google.protobuf" if family && delimited => Self::Protobuf,
            "application/openmetrics-text" | "text/plain" | "text/*" | "*/*" => Self::OpenMetrics,
            _ => return None,
        };
        Some((format, weight))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn preferred(accept: &'static str) -> Format {
        let accept = (header::ACCEPT, HeaderValue::from_static(accept));
        Format::preferred(&[accept].into_iter().collect())
    }

    #[test]
    fn gives_a_scraper_the_format_that_weighs_most() {
        let protobuf = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;\
                        encoding=delimited;q=0.7,application/openmetrics-text;version=1.0.0;q=0.6";
        assert_eq!(preferred(protobuf), Format::Protobuf);
        let text = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;q=0.1,\
                    application/openmetrics-text;q=0.9";
        assert_eq!(preferred(text), Format::OpenMetrics);
    }

    #[test]
    fn gives_text_to_whoever_asks_for_nothing_it_knows() {
        for accept in [
            "",
            "*/*",
            "text/html",
            "application/vnd.google.protobuf;proto=something.Else",
            "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;q=0",
        ] {
            assert_eq!(preferred(accept), Format::OpenMetrics, "{accept}");
        }
    }
}
