//! What has changed: between two times, over time, and at what price.

use std::collections::BTreeMap;

use axum::extract::State;
use database::StoreError;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tooloo_service::{Answer, Problem, Query};
use utoipa::{IntoParams, ToSchema};

use super::{Reports, WindowQuery};
use crate::{
    economy::Economy,
    figures,
    store::snapshots::{self, Snapshot},
    trend::Trend,
};

const SECONDS_PER_HOUR: f64 = 3_600.0;

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct DeltaQuery {
    /// An RFC 3339 time; the previous snapshot where none is given.
    #[param(value_type = Option<String>, format = DateTime)]
    since: Option<String>,
}

/// How the figures have developed.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct TrendReport {
    #[schema(value_type = String, format = DateTime)]
    generated_at: Timestamp,
    hours: u32,
    /// The snapshots that were compared, the present figures included.
    snapshots: usize,
    #[schema(value_type = Object)]
    trends: BTreeMap<&'static str, Trend>,
}

/// How the figures have changed.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Delta {
    /// The snapshot's time; `null` where there is none yet.
    #[schema(value_type = Option<String>, format = DateTime)]
    since: Option<Timestamp>,
    #[schema(value_type = String, format = DateTime)]
    until: Timestamp,
    #[schema(value_type = Object)]
    figures: BTreeMap<&'static str, Comparison>,
}

/// One figure then and now; `null` where it was or is not known.
#[derive(Debug, Serialize, ToSchema)]
struct Comparison {
    before: Option<f64>,
    now: Option<f64>,
    /// `null` also where the figure has started again meanwhile, as a restarted service's do.
    change: Option<f64>,
}

/// What learning costs.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CostEfficiency {
    /// Since when; `null` where there is no snapshot to compare with yet.
    #[schema(value_type = Option<String>, format = DateTime)]
    since: Option<Timestamp>,
    #[schema(value_type = String, format = DateTime)]
    until: Timestamp,
    currency: &'static str,
    #[serde(flatten)]
    economy: Economy,
}

#[utoipa::path(
    get, path = "/api/v1/reports/trends", tag = "reports",
    summary = "Each figure's slope over the last hours",
    params(WindowQuery),
    responses((status = 200, body = TrendReport), (status = 400, description = "A parameter is not valid"))
)]
pub(super) async fn trends(
    State(reports): State<Reports>,
    Query(window): Query<WindowQuery>,
) -> Result<Answer<TrendReport>, Problem> {
    let (_, start) = window.start(database::now())?;
    let gathered = reports.gatherer.gather().await?;
    let (hours, _) = window.start(gathered.time)?;
    let mut kept = snapshots::from(&reports.store, start).await?;
    // The present figures may have been kept already, and then they would count twice.
    kept.retain(|snapshot| snapshot.time < gathered.time);
    kept.push(Snapshot {
        time: gathered.time,
        figures: gathered.figures.known(),
    });
    let trend = |name: &'static str| {
        let points: Vec<(f64, f64)> = kept
            .iter()
            .filter_map(|snapshot| {
                let since = snapshot.time.duration_since(start).as_secs_f64();
                Some((since / SECONDS_PER_HOUR, *snapshot.figures.get(name)?))
            })
            .collect();
        (name, Trend::of(&points))
    };
    Ok(Answer(TrendReport {
        generated_at: gathered.time,
        hours,
        snapshots: kept.len(),
        trends: gathered.figures.names().map(trend).collect(),
    }))
}

#[utoipa::path(
    get, path = "/api/v1/reports/delta", tag = "reports",
    summary = "What has changed since the previous snapshot, or since a time",
    params(DeltaQuery),
    responses((status = 200, body = Delta), (status = 400, description = "A parameter is not valid"))
)]
pub(super) async fn delta(
    State(reports): State<Reports>,
    Query(query): Query<DeltaQuery>,
) -> Result<Answer<Delta>, Problem> {
    let since = query.since.as_deref().map(past_time).transpose()?;
    let gathered = reports.gatherer.gather().await?;
    let snapshot = match since {
        Some(since) => {
            let found = reports.snapshot_at(since).await?;
            found.filter(|snapshot| snapshot.time < gathered.time)
        }
        None => gathered.previous.clone(),
    };
    let before = |name| snapshot.as_ref()?.figures.get(name).copied();
    let change = |name: &'static str| {
        let (before, now) = (before(name), gathered.figures.get(name));
        let change = figures::change(name, before, now);
        (
            name,
            Comparison {
                before,
                now,
                change,
            },
        )
    };
    Ok(Answer(Delta {
        until: gathered.time,
        figures: gathered.figures.names().map(change).collect(),
        since: snapshot.as_ref().map(|snapshot| snapshot.time),
    }))
}

#[utoipa::path(
    get, path = "/api/v1/reports/cost-efficiency", tag = "reports",
    summary = "What was spent over the last hours, beside what was learnt",
    params(WindowQuery),
    responses(
        (status = 200, body = CostEfficiency),
        (status = 400, description = "A parameter is not valid"),
    )
)]
pub(super) async fn cost_efficiency(
    State(reports): State<Reports>,
    Query(window): Query<WindowQuery>,
) -> Result<Answer<CostEfficiency>, Problem> {
    let (_, start) = window.start(database::now())?;
    let gathered = reports.gatherer.gather().await?;
    let snapshot = reports.snapshot_at(start).await?;
    let snapshot = snapshot.filter(|snapshot| snapshot.time < gathered.time);
    let spending = gathered.domain.get("spending").filter(|copy| !copy.stale);
    let spending = spending.and_then(|copy| copy.data.as_ref());
    let economy = snapshot
        .as_ref()
        .map(|snapshot| Economy::since(snapshot, &gathered.figures, spending));
    Ok(Answer(CostEfficiency {
        since: snapshot.map(|snapshot| snapshot.time),
        until: gathered.time,
        currency: "USD",
        economy: economy.unwrap_or_default(),
    }))
}

impl Reports {
    /// Returns the snapshot that tells best how things stood at `time`.
    async fn snapshot_at(&self, time: Timestamp) -> Result<Option<Snapshot>, StoreError> {
        let mut tx = self.store.read().await?;
        snapshots::at(&mut tx, time).await
    }
}

fn past_time(text: &str) -> Result<Timestamp, Problem> {
    let refuse = |why: &str| Problem::bad_request("invalid_query", format!("`since`: {why}"));
    // In a query an unescaped `+` means a space, which no time holds.
    let time: Timestamp = text
        .replace(' ', "+")
        .parse()
        .map_err(|_| refuse("expected an RFC 3339 time such as 2025-11-14T12:30:00Z"))?;
    if time > database::now() {
        return Err(refuse("the time is not past yet"));
    }
    Ok(time)
}
