//! One trace, as far as this service still has it.

use axum::{Json, extract::State};
use tooloo_trace::{RecentTrace, TraceId};

use super::System;
use crate::{Problem, extract::Path};

/// Shows the spans that this service still has of a trace.
#[utoipa::path(
    get, path = "/api/v1/system/traces/{traceId}", tag = "system",
    params(("traceId" = String, Path, description = "32 hexadecimal digits, lower case")),
    responses((status = 200, body = Value, description = "The trace's id and its spans")),
)]
pub(super) async fn recent_trace(
    State(system): State<System>,
    Path(id): Path<String>,
) -> Result<Json<RecentTrace>, Problem> {
    let id: TraceId = id
        .parse()
        .map_err(|error| Problem::bad_request("invalid_trace_id", format!("`traceId`: {error}")))?;
    // The answer's `traceId` is the one that was asked for: its own is in the `traceresponse`.
    let trace = system.tracer.trace(id).ok_or_else(|| {
        let detail = format!("no span of the trace {id} is kept here");
        Problem::not_found("unknown_trace", detail)
    })?;
    Ok(Json(trace))
}
