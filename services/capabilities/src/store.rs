//! What survives a restart: operations, activations, probes and the history of it all.

mod activation;
mod history;
mod merge;
mod probes;
mod rows;

use std::collections::BTreeMap;

use database::{Migration, Queries, Query, Store, StoreError, Transaction};
use jiff::Timestamp;

pub(crate) use self::{
    activation::{Change, Wish},
    history::Page,
    merge::Seen,
};
use crate::{capability::Known, operation::Operation, probe::Probed};

/// The database's versions.
pub(crate) const MIGRATIONS: &[Migration] = &[Migration::each(
    "capabilities",
    include_str!("store/sqlite.sql"),
    include_str!("store/postgres.sql"),
)];

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
        let mut tx = self.store.write().await?;
        for seen in &seen {
            merge::merge(&mut tx, seen, now).await?;
        }
        history::truncate(&mut tx, self.events).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Returns every operation ever seen, in the order of their ids.
    pub(crate) async fn all(&self) -> Result<Vec<Known>, StoreError> {
        rows::read(&self.store.queries().query(rows::ALL).await?)
    }

    /// Returns every operation ever seen, in the order of their ids, and when each service's last
    /// good document was read.
    pub(crate) async fn all_with_documents(
        &self,
    ) -> Result<(Vec<Known>, BTreeMap<String, Timestamp>), StoreError> {
        let mut tx = self.store.read().await?;
        let known = rows::read(&tx.query(rows::ALL).await?)?;
        let documents = tx.query("SELECT service, read FROM documents").await?;
        let documents: Result<_, StoreError> = documents
            .iter()
            .map(|row| Ok((row.get("service")?, row.get("read")?)))
            .collect();
        Ok((known, documents?))
    }

    /// Returns the active operations that can be called as they stand.
    pub(crate) async fn callable(&self) -> Result<Vec<Operation>, StoreError> {
        let callable = rows::read(&self.store.queries().query(rows::CALLABLE).await?)?;
        Ok(callable.into_iter().map(|known| known.operation).collect())
    }

    /// Activates or deactivates the operation called `id`, and returns it as it is then.
    pub(crate) async fn change(
        &self,
        id: &str,
        wish: Wish,
        now: Timestamp,
    ) -> Result<(Change, Option<Known>), StoreError> {
        // No operation is called so, and PostgreSQL could not even be asked.
        if id.contains('\0') {
            return Ok((Change::Unknown, None));
        }
        let mut tx = self.store.write().await?;
        let change = activation::change(&mut tx, id, wish, now).await?;
        history::truncate(&mut tx, self.events).await?;
        let found = tx.query(Query::new(rows::ONE).bind(id)).await?;
        let known = rows::read(&found)?.pop();
        tx.commit().await?;
        Ok((change, known))
    }

    /// Counts how probes went.
    pub(crate) async fn count_probes(&self, probed: &[Probed]) -> Result<(), StoreError> {
        if probed.is_empty() {
            return Ok(());
        }
        let mut tx = self.store.write().await?;
        execute_all(&mut tx, probed.iter().map(probes::counted)).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Returns at most `limit` events older than `before`, newest first.
    pub(crate) async fn history(
        &self,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Page, StoreError> {
        let select = history::select(before, limit);
        history::page(&self.store.queries().query(select).await?, limit)
    }
}

/// Executes statements in their order, all of them or none.
async fn execute_all(
    tx: &mut Transaction,
    statements: impl IntoIterator<Item = Query>,
) -> Result<(), StoreError> {
    for done in tx.query_all(statements).await? {
        done?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use database::now;
    use jiff::SignedDuration;

    use super::*;

    fn offered(names: impl IntoIterator<Item = String>) -> Vec<Seen> {
        let operation = |name| Operation {
            id: format!("training.{name}"),
            service: "training".to_owned(),
            method: "GET".to_owned(),
            path: format!("/{name}"),
            summary: None,
            callable: true,
            counted: true,
        };
        vec![Seen {
            service: "training".to_owned(),
            operations: Some(names.into_iter().map(operation).collect()),
        }]
    }

    #[tokio::test]
    async fn forgets_what_is_gone_longest_and_its_probes() {
        let folder = tempfile::tempdir().unwrap();
        let store = database::testing::store(folder.path(), MIGRATIONS).await;
        let records = Records::new(store, 10);
        let begin = now();
        let at = |second| begin + SignedDuration::from_secs(second);
        let old = || ["z".to_owned()];
        records.merge(offered(old()), at(0)).await.unwrap();
        let probed = Probed {
            id: "training.z".to_owned(),
            time: at(0),
            latency: None,
            status: None,
            error: Some("no answer".to_owned()),
        };
        for failures in 1..=2 {
            records
                .count_probes(std::slice::from_ref(&probed))
                .await
                .unwrap();
            let counts = records.all().await.unwrap().remove(0).probes.unwrap();
            assert_eq!((counts.successes, counts.failures), (0, failures));
        }

        // As many as are remembered.
        let others = || (0..500).map(|number| format!("a{number:03}"));
        records.merge(offered(others()), at(1)).await.unwrap();
        records.merge(offered([]), at(2)).await.unwrap();
        let known = records.all().await.unwrap();
        let ids: Vec<&str> = known.iter().map(|one| &*one.operation.id).collect();
        let expected: Vec<String> = others().map(|name| format!("training.{name}")).collect();
        assert_eq!(ids, expected);
        assert!(known.iter().all(|one| one.gone_since == Some(at(2))));

        records.merge(offered(old()), at(3)).await.unwrap();
        let back = records.all().await.unwrap().pop().unwrap();
        assert_eq!(
            (back.operation.id.as_str(), back.probes),
            ("training.z", None)
        );
        assert_eq!(back.first_seen, at(3));
    }
}
