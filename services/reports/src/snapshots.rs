//! Keeps snapshots coming while nobody asks for a report.

use database::{Store, StoreError};
use jiff::Timestamp;
use tokio::time::sleep;
use tooloo_service::Stop;
use tooloo_trace::Tracer;

use crate::{
    ReportsConfig,
    gather::Gatherer,
    store::snapshots::{self, Snapshot},
};

/// Gathers once every interval, counted from the newest snapshot, until the service ends.
pub(crate) async fn run(
    gatherer: Gatherer,
    store: Store,
    config: ReportsConfig,
    tracer: Tracer,
    stop: Stop,
) {
    let interval = config.snapshot_interval;
    loop {
        let newest = newest(&store).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "the newest snapshot cannot be read");
            None
        });
        // Never at once: when a fleet starts, this service may be up before the others.
        let wait = newest
            .map_or(interval, |newest| interval.saturating_sub(age(newest.time)))
            .max(interval / 10);
        tokio::select! {
            biased;
            () = stop.requested() => return,
            () = sleep(wait) => {}
        }
        let span = tracer.start_trace("reports snapshot");
        tokio::select! {
            biased;
            () = stop.requested() => return,
            _ = span.in_scope(gatherer.gather()) => {}
        }
    }
}

async fn newest(store: &Store) -> Result<Option<Snapshot>, StoreError> {
    let mut tx = store.read().await?;
    snapshots::newest(&mut tx).await
}

/// Returns a snapshot's age; none where the clock was set back meanwhile.
fn age(time: Timestamp) -> std::time::Duration {
    database::now()
        .duration_since(time)
        .try_into()
        .unwrap_or_default()
}
