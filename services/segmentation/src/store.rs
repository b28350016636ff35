//! What survives a restart: settings, counts and clusterings.

mod clusterings;
mod json;

use database::{Migration, Queries, Query, Row, Store, StoreError, Transaction};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

pub(crate) use self::clusterings::{Kept, Saved};
use crate::{
    cohorts::Grouping,
    tuning::{OutOfRange, Tuning, TuningChange},
};

/// The database's versions.
pub(crate) const MIGRATIONS: &[Migration] = &[Migration::each(
    "settings, analyses and clusterings",
    include_str!("store/sqlite.sql"),
    include_str!("store/postgres.sql"),
)];

const SELECT_TUNING: &str = "SELECT tuning FROM settings WHERE id = 1";

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

/// Where everything stands at one time.
#[derive(Clone, Debug)]
pub(crate) struct Standing {
    pub(crate) tuning: Tuning,
    pub(crate) analyses: Analyses,
    /// The newest clustering, whose id says how many were ever made.
    pub(crate) newest: Option<Saved>,
}

impl Records {
    /// Keeps the newest `kept` clusterings in `store`.
    pub(crate) fn new(store: Store, kept: u32) -> Self {
        Self { store, kept }
    }

    /// Returns the settings in force.
    pub(crate) async fn tuning(&self) -> Result<Tuning, StoreError> {
        let kept = self.store.queries().query_opt(SELECT_TUNING).await?;
        read_tuning(kept.as_ref())
    }

    /// Changes settings, all of them or none.
    pub(crate) async fn change_tuning(
        &self,
        change: TuningChange,
    ) -> Result<Result<Tuning, OutOfRange>, StoreError> {
        let mut tx = self.store.write().await?;
        let tuning = match tuning(&mut tx).await?.with(&change) {
            Ok(tuning) => tuning,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let upsert = Query::new(
            "INSERT INTO settings (id, tuning) VALUES (1, $1)
             ON CONFLICT (id) DO UPDATE SET tuning = excluded.tuning",
        );
        tx.execute(upsert.bind(json::text(&tuning))).await?;
        tx.commit().await?;
        Ok(Ok(tuning))
    }

    /// Counts an analysis of `messages` messages that found `segments` topics.
    pub(crate) async fn count_analysis(
        &self,
        messages: u32,
        segments: u32,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let count = Query::new(
            "UPDATE analyses SET count = count + 1, messages = messages + $1,
                 segments = segments + $2, last = $3
             WHERE id = 1",
        );
        let mut tx = self.store.write().await?;
        tx.execute(count.bind(messages).bind(segments).bind(now))
            .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Returns where everything stands.
    pub(crate) async fn standing(&self) -> Result<Standing, StoreError> {
        let mut tx = self.store.read().await?;
        Ok(Standing {
            tuning: tuning(&mut tx).await?,
            analyses: analyses(&mut tx).await?,
            newest: clusterings::last(&mut tx).await?,
        })
    }

    /// Keeps a clustering, forgets the oldest beyond the bound, and returns its id.
    pub(crate) async fn save(&self, grouping: Grouping) -> Result<Saved, StoreError> {
        let mut tx = self.store.write().await?;
        let saved = clusterings::save(&mut tx, grouping, self.kept).await?;
        tx.commit().await?;
        Ok(saved)
    }

    /// Returns the newest clustering.
    pub(crate) async fn newest(&self) -> Result<Option<Kept>, StoreError> {
        clusterings::newest(&mut self.store.read().await?).await
    }

    /// Returns a user's place in the newest clustering.
    pub(crate) async fn member(
        &self,
        user_id: &str,
    ) -> Result<Option<clusterings::Place>, StoreError> {
        // No user is called so, and PostgreSQL could not even be asked.
        if user_id.contains('\0') {
            return Ok(None);
        }
        clusterings::member(&mut self.store.read().await?, user_id).await
    }
}

async fn tuning(tx: &mut Transaction) -> Result<Tuning, StoreError> {
    read_tuning(tx.query_opt(SELECT_TUNING).await?.as_ref())
}

fn read_tuning(row: Option<&Row>) -> Result<Tuning, StoreError> {
    row.map_or_else(|| Ok(Tuning::default()), |row| json::column(row, "tuning"))
}

async fn analyses(tx: &mut Transaction) -> Result<Analyses, StoreError> {
    let select = "SELECT count, messages, segments, last FROM analyses WHERE id = 1";
    let row = tx.query_one(select).await?;
    Ok(Analyses {
        count: row.get("count")?,
        messages: row.get("messages")?,
        segments: row.get("segments")?,
        last: row.get("last")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn counts_clusterings_without_a_gap_although_some_are_not_kept() {
        let folder = tempfile::tempdir().unwrap();
        let store = database::testing::store(folder.path(), MIGRATIONS).await;
        let records = Records::new(store.clone(), 2);
        let grouping = || {
            let profile = |(id, x): (&str, f64)| crate::features::Profile {
                user_id: id.to_owned(),
                features: [("x".to_owned(), x)].into(),
            };
            let profiles: Vec<_> = [("a", 1.0), ("b", 9.0)].map(profile).into();
            let wanted = crate::cohorts::Wanted::Exactly(2);
            crate::cohorts::group(&profiles, wanted, 7, database::now()).unwrap()
        };
        for id in 1..=3 {
            let mut abandoned = store.write().await.unwrap();
            let lost = clusterings::save(&mut abandoned, grouping(), 2).await;
            assert_eq!(lost.unwrap().id, id);
            drop(abandoned);
            assert_eq!(records.save(grouping()).await.unwrap().id, id);
        }
        let mut tx = store.read().await.unwrap();
        for (table, rows) in [("clusterings", 2), ("cohorts", 4), ("members", 4)] {
            let count = Query::new(format!("SELECT count(*) AS rows FROM {table}"));
            let row = tx.query_one(count).await.unwrap();
            assert_eq!(row.get::<i64>("rows").unwrap(), rows, "{table}");
        }
    }
}
