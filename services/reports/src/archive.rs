//! What is kept of the sources' answers, and read back where a source gives none.

use std::time::Duration;

use database::{Query, Store, StoreError};
use jiff::Timestamp;
use tokio::time::timeout;

use crate::{
    ReportsConfig,
    figures::Figures,
    place::Said,
    source::Source,
    store::{
        copies::{self, Last},
        snapshots::{self, Snapshot},
    },
};

/// Keeps the answers and the figures; a database that fails, or hangs, holds no report up.
#[derive(Debug)]
pub(crate) struct Archive {
    store: Store,
    spacing: Duration,
    kept: u32,
    patience: Duration,
}

impl Archive {
    pub(crate) fn new(store: Store, config: &ReportsConfig) -> Self {
        Self {
            store,
            spacing: config.snapshot_spacing,
            kept: config.snapshots_kept.get(),
            patience: config.deadline,
        }
    }

    /// Keeps the good answers and the figures; returns the snapshot before this one.
    pub(crate) async fn keep(
        &self,
        time: Timestamp,
        said: &[(Source, Said)],
        figures: &Figures,
    ) -> Option<Snapshot> {
        let good = said
            .iter()
            .filter_map(|(source, said)| Some((source.key(), said.as_ref().ok()?)))
            .filter_map(|(key, data)| Some((key, serde_json::to_string(data).ok()?)));
        let copies = good.filter_map(|(source, data)| {
            let copy = copies::keep(&source, time, &data);
            if copy.is_none() {
                let bytes = data.len();
                tracing::warn!(source, bytes, "an answer is too large to be kept");
            }
            copy
        });
        let snapshot = Snapshot {
            time,
            figures: figures.known(),
        };
        let kept = self.add(copies.collect(), snapshot);
        self.attempt("what was gathered is not kept", kept).await
    }

    /// Returns what those sources last said that give no answer now, in their order.
    pub(crate) async fn last_said(&self, said: &[(Source, Said)]) -> Vec<Option<Last>> {
        let silent = said.iter().filter(|(_, said)| said.is_err());
        let silent: Vec<String> = silent.map(|(source, _)| source.key()).collect();
        if silent.is_empty() {
            return Vec::new();
        }
        let last = self.last(&silent);
        self.attempt("what sources last said is not known", last)
            .await
    }

    async fn add(
        &self,
        copies: Vec<Query>,
        snapshot: Snapshot,
    ) -> Result<Option<Snapshot>, StoreError> {
        let mut tx = self.store.write().await?;
        for copied in tx.query_all(copies).await? {
            copied?;
        }
        let previous = snapshots::newest(&mut tx).await?;
        snapshots::add(&mut tx, &snapshot, self.spacing, self.kept).await?;
        tx.commit().await?;
        Ok(previous)
    }

    async fn last(&self, sources: &[String]) -> Result<Vec<Option<Last>>, StoreError> {
        let mut tx = self.store.read().await?;
        let last = copies::last(&mut tx, sources).await?;
        let readable = |last: Result<_, StoreError>| {
            last.unwrap_or_else(|error| {
                tracing::warn!(%error, "what a source last said cannot be read");
                None
            })
        };
        Ok(last.into_iter().map(readable).collect())
    }

    /// Returns what comes of it, or nothing where that fails or takes too long.
    async fn attempt<T: Default>(
        &self,
        otherwise: &str,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> T {
        match timeout(self.patience, work).await {
            Ok(Ok(done)) => return done,
            Ok(Err(error)) => tracing::warn!(%error, "{otherwise}"),
            Err(error) => tracing::warn!(%error, "{otherwise}"),
        }
        T::default()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Map;

    use super::*;
    use crate::{source::SOURCES, store::testing};

    /// Every source answers with the number of the time.
    fn all_say(number: u32) -> Vec<(Source, Said)> {
        let said = || Ok(Map::from_iter([("number".to_owned(), number.into())]));
        SOURCES.map(|source| (source, said())).into()
    }

    fn all_silent() -> Vec<(Source, Said)> {
        let said = || Err("down".to_owned());
        SOURCES.map(|source| (source, said())).into()
    }

    fn archive(store: &Store, patience: Duration) -> Archive {
        let config = ReportsConfig {
            deadline: patience,
            snapshot_spacing: Duration::ZERO,
            ..ReportsConfig::default()
        };
        Archive::new(store.clone(), &config)
    }

    #[tokio::test]
    async fn tells_what_each_source_last_said_and_the_snapshot_before() {
        let (_folder, store) = testing::empty().await;
        let archive = archive(&store, Duration::from_secs(20));
        assert_eq!(archive.last_said(&all_silent()).await, vec![None; 16]);
        let mut before = None;
        for number in [1, 2] {
            let said = all_say(number);
            let time = Timestamp::from_second(number.into()).unwrap();
            let previous = archive.keep(time, &said, &Figures::of(&said)).await;
            assert_eq!(previous.map(|previous| previous.time), before);
            before = Some(time);
        }
        for last in archive.last_said(&all_silent()).await {
            assert_eq!(last.unwrap().data["number"], 2);
        }
    }

    #[tokio::test]
    async fn goes_without_a_database_that_is_not_there_in_time() {
        let (_folder, store) = testing::empty().await;
        let archive = archive(&store, Duration::from_millis(20));
        let held = store.write().await.unwrap();
        let said = all_say(1);
        let figures = Figures::of(&said);
        let kept = archive.keep(Timestamp::UNIX_EPOCH, &said, &figures);
        assert_eq!(kept.await, None);
        drop(held);
    }
}
