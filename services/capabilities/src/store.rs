//! What survives a restart: operations, activations, probes and the history of it all.

mod activation;
mod history;
mod merge;
mod rows;

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::params;
use tooloo_service::{Store, StoreError};

pub(crate) use self::{
    activation::{Change, Wish},
    history::Page,
    merge::Seen,
};
use crate::{capability::Known, operation::Operation, probe::Probed};

/// The database's versions.
pub(crate) const MIGRATIONS: &[&str] = &[include_str!("store/schema.sql")];

/// The service's records.
#[derive(Clone, Debug)]
pub(crate) struct Records {
    store: Store,
    // How many events the history keeps.
    events: u32,
}

impl Records {
    /// Keeps the newest `events` events in `store`.
    pub(crate) fn new(store: Store, events: u32) -> Self {
        Self { store, events }
    }

    /// Takes in what services offer `now`: what is new, what is gone, what is back.
    pub(crate) async fn merge(&self, seen: Vec<Seen>, now: Timestamp) -> Result<(), StoreError> {
        if seen.is_empty() {
            return Ok(());
        }
        let events = self.events;
        let write = self.store.write(move |tx| {
            for seen in &seen {
                merge::merge(tx, seen, now)?;
            }
            history::truncate(tx, events)
        });
        write.await
    }

    /// Returns every operation ever seen, in the order of their ids.
    pub(crate) async fn all(&self) -> Result<Vec<Known>, StoreError> {
        self.store
            .read(|connection| rows::select(connection, "TRUE", []))
            .await
    }

    /// Returns the operation called `id`.
    pub(crate) async fn one(&self, id: String) -> Result<Option<Known>, StoreError> {
        let read = self.store.read(move |connection| {
            Ok(rows::select(connection, "capabilities.id = ?1", [id])?.pop())
        });
        read.await
    }

    /// Returns the active operations that can be called as they stand.
    pub(crate) async fn callable(&self) -> Result<Vec<Operation>, StoreError> {
        let read = self.store.read(|connection| {
            let filter = "active_since IS NOT NULL AND gone_since IS NULL AND callable";
            rows::select(connection, filter, [])
        });
        Ok(read
            .await?
            .into_iter()
            .map(|known| known.operation)
            .collect())
    }

    /// Returns when each service's last good document was read.
    pub(crate) async fn documents(&self) -> Result<BTreeMap<String, Timestamp>, StoreError> {
        let read = self.store.read(|connection| {
            let mut select = connection.prepare_cached("SELECT service, read FROM documents")?;
            let rows = select.query_map([], |row| Ok((row.get(0)?, rows::time(row, 1)?)))?;
            rows.collect()
        });
        read.await
    }

    /// Activates or deactivates the operation called `id`.
    pub(crate) async fn change(
        &self,
        id: String,
        wish: Wish,
        now: Timestamp,
    ) -> Result<Change, StoreError> {
        let events = self.events;
        let write = self.store.write(move |tx| {
            let change = activation::change(tx, &id, wish, now)?;
            history::truncate(tx, events)?;
            Ok(change)
        });
        write.await
    }

    /// Counts how probes went.
    pub(crate) async fn count_probes(&self, probed: Vec<Probed>) -> Result<(), StoreError> {
        if probed.is_empty() {
            return Ok(());
        }
        let write = self.store.write(move |tx| {
            let mut upsert = tx.prepare_cached(
                "INSERT INTO probes VALUES (?1, ?2, 1 - ?2, ?3, ?4, ?5, ?6)
                 ON CONFLICT (id) DO UPDATE SET
                     successes = successes + excluded.successes,
                     failures = failures + excluded.failures,
                     last_latency = excluded.last_latency,
                     last_status = excluded.last_status,
                     last_error = excluded.last_error,
                     last_time = excluded.last_time",
            )?;
            for probe in &probed {
                let latency = probe.latency.map(|latency| latency.as_secs_f64() * 1e3);
                let time = probe.time.to_string();
                let succeeded = u8::from(probe.error.is_none());
                upsert.execute(params![
                    probe.id,
                    succeeded,
                    latency,
                    probe.status,
                    probe.error,
                    time
                ])?;
            }
            Ok(())
        });
        write.await
    }

    /// Returns at most `limit` events older than `before`, newest first.
    pub(crate) async fn history(
        &self,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Page, StoreError> {
        self.store
            .read(move |connection| history::page(connection, before, limit))
            .await
    }
}
