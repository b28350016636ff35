//! What survives a restart: settings, counts and clusterings.

mod clusterings;
mod json;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;
use tooloo_service::{Store, StoreError};
use utoipa::ToSchema;

pub(crate) use self::clusterings::{Kept, Saved};
use crate::{
    cohorts::Grouping,
    tuning::{OutOfRange, Tuning, TuningChange},
};

/// The database's versions.
pub(crate) const MIGRATIONS: &[&str] = &[include_str!("store/schema.sql")];

/// The service's records.
#[derive(Clone, Debug)]
pub(crate) struct Records {
    store: Store,
    kept: u32,
}

/// What has been analysed so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Analyses {
    pub(crate) count: i64,
    pub(crate) messages: i64,
    pub(crate) segments: i64,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) last: Option<Timestamp>,
}

impl Records {
    /// Keeps the newest `kept` clusterings in `store`.
    pub(crate) fn new(store: Store, kept: u32) -> Self {
        Self { store, kept }
    }

    /// Returns the settings in force.
    pub(crate) async fn tuning(&self) -> Result<Tuning, StoreError> {
        self.store.read(tuning).await
    }

    /// Changes settings, all of them or none.
    pub(crate) async fn change_tuning(
        &self,
        change: TuningChange,
    ) -> Result<Result<Tuning, OutOfRange>, StoreError> {
        let write = self.store.write(move |tx| {
            let changed = tuning(tx)?.with(&change);
            if let Ok(tuning) = &changed {
                let sql = "INSERT INTO settings (id, tuning) VALUES (1, ?1)
                           ON CONFLICT (id) DO UPDATE SET tuning = excluded.tuning";
                tx.execute(sql, [json::text(tuning)?])?;
            }
            Ok(changed)
        });
        write.await
    }

    /// Counts an analysis of `messages` messages that found `segments` topics.
    pub(crate) async fn count_analysis(
        &self,
        messages: u32,
        segments: u32,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let write = self.store.write(move |tx| {
            let sql = "UPDATE analyses SET count = count + 1, messages = messages + ?1,
                       segments = segments + ?2, last = ?3";
            tx.execute(sql, params![messages, segments, now.to_string()])
                .map(drop)
        });
        write.await
    }

    /// Returns what has been analysed so far.
    pub(crate) async fn analyses(&self) -> Result<Analyses, StoreError> {
        let read = self.store.read(|connection| {
            let sql = "SELECT count, messages, segments, last FROM analyses";
            connection.query_row(sql, [], |row| {
                let last: Option<String> = row.get(3)?;
                Ok(Analyses {
                    count: row.get(0)?,
                    messages: row.get(1)?,
                    segments: row.get(2)?,
                    last: last.map(|time| json::parsed(3, time.parse())).transpose()?,
                })
            })
        });
        read.await
    }

    /// Keeps a clustering, forgets the oldest beyond the bound, and returns its id.
    pub(crate) async fn save(&self, grouping: Grouping) -> Result<Saved, StoreError> {
        let kept = self.kept;
        self.store
            .write(move |tx| clusterings::save(tx, grouping, kept))
            .await
    }

    /// Returns the newest clustering.
    pub(crate) async fn newest(&self) -> Result<Option<Kept>, StoreError> {
        self.store.read(clusterings::newest).await
    }

    /// Returns how many clusterings were ever made, and the newest without its cohorts.
    pub(crate) async fn clusterings(&self) -> Result<(i64, Option<Saved>), StoreError> {
        self.store
            .read(|connection| {
                Ok((
                    clusterings::count(connection)?,
                    clusterings::last(connection)?,
                ))
            })
            .await
    }

    /// Returns a user's place in the newest clustering.
    pub(crate) async fn member(
        &self,
        user_id: String,
    ) -> Result<Option<clusterings::Place>, StoreError> {
        self.store
            .read(move |connection| clusterings::member(connection, &user_id))
            .await
    }
}

fn tuning(connection: &Connection) -> rusqlite::Result<Tuning> {
    let sql = "SELECT tuning FROM settings";
    let kept = connection
        .query_row(sql, [], |row| json::column(row, 0))
        .optional()?;
    Ok(kept.unwrap_or_default())
}
