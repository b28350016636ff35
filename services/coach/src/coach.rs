//! The coach itself: what it can be told, and what it remembers of it.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::{Mutex as AsyncMutex, Notify};
use tokio_util::task::TaskTracker;
use tooloo_service::{Store, StoreError};
use tooloo_trace::Tracer;

use crate::{
    CoachConfig,
    action::{Action, Kind},
    error::CoachError,
    hints::Hints,
    record::{FastLane, Record},
    settings::Change,
    store::{self, actions},
    training::Training,
};

/// Practises the weakest topics, by itself or when asked to.
///
/// Clones are the same coach.
#[derive(Clone, Debug)]
pub(crate) struct Coach {
    pub(crate) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) store: Store,
    pub(crate) training: Training,
    pub(crate) hints: Hints,
    pub(crate) config: CoachConfig,
    pub(crate) tracer: Tracer,
    /// Tells the loop that the record is another one.
    pub(crate) changed: Notify,
    /// Rounds are drawn and counted one after the other.
    pub(crate) round: AsyncMutex<()>,
    /// The rounds that go on, also those that nobody waits for any more.
    pub(crate) rounds: TaskTracker,
    /// One boost at a time.
    pub(crate) boost: AsyncMutex<()>,
    contact: Mutex<Contact>,
}

/// How the loop stands with training, in this process.
#[derive(Clone, Debug, Default)]
pub(crate) struct Contact {
    /// Whether the last session reached training; unknown before the first.
    pub(crate) reachable: Option<bool>,
    pub(crate) failures: u32,
    pub(crate) last_error: Option<String>,
    pub(crate) next_session: Option<Timestamp>,
}

impl Coach {
    /// Takes up where the record in `store` left off.
    pub(crate) async fn open(
        store: Store,
        training: Training,
        hints: Hints,
        config: CoachConfig,
        tracer: Tracer,
    ) -> Result<Self, StoreError> {
        let fresh = Record {
            running_since: config.autostart.then(store::now),
            ..Record::default()
        };
        store.write(move |tx| store::seed(tx, &fresh)).await?;
        Ok(Self {
            inner: Arc::new(Inner {
                store,
                training,
                hints,
                config,
                tracer,
                changed: Notify::new(),
                round: AsyncMutex::new(()),
                rounds: TaskTracker::new(),
                boost: AsyncMutex::new(()),
                contact: Mutex::default(),
            }),
        })
    }

    /// Returns what the coach remembers.
    pub(crate) async fn record(&self) -> Result<Record, StoreError> {
        self.inner.store.read(store::load).await
    }

    /// Returns what it remembers together with the newest actions.
    pub(crate) async fn log(&self, limit: u32) -> Result<(Record, Vec<Action>), StoreError> {
        self.inner
            .store
            .read(move |db| Ok((store::load(db)?, actions::newest(db, limit)?)))
            .await
    }

    /// Starts practising; does nothing where it does already.
    pub(crate) async fn start(&self) -> Result<Record, StoreError> {
        self.note(Kind::Started, |record, now| {
            let starts = record.running_since.is_none();
            if starts {
                record.running_since = Some(now);
            }
            starts
        })
        .await
    }

    /// Stops practising, after the round that may go on; does nothing where it rests already.
    pub(crate) async fn stop(&self) -> Result<Record, StoreError> {
        self.note(Kind::Stopped, |record, _| {
            record.fast_lane = None;
            record.running_since.take().is_some()
        })
        .await
    }

    /// Changes how it practises.
    pub(crate) async fn change(&self, change: Change) -> Result<Record, StoreError> {
        self.note(Kind::SettingsChanged, move |record, _| {
            let after = change.apply(&record.settings);
            let changes = after != record.settings;
            record.settings = after;
            changes
        })
        .await
    }

    /// Practises at a shorter interval for a while, and starts practising where it rests.
    ///
    /// Without an interval it is a fifth of the usual one.
    pub(crate) async fn fast_lane(
        &self,
        lasts: SignedDuration,
        interval: Option<u32>,
    ) -> Result<Record, CoachError> {
        let usual = self.record().await?.settings.interval_seconds;
        if let Some(asked) = interval.filter(|&asked| asked >= usual.max(2)) {
            return Err(CoachError::NotFaster { asked, usual });
        }
        let interval_seconds = interval.unwrap_or((usual / 5).max(1));
        let record = self
            .note(Kind::FastLane, move |record, now| {
                record.running_since.get_or_insert(now);
                record.fast_lane = Some(FastLane {
                    until: now + lasts,
                    interval_seconds,
                });
                true
            })
            .await?;
        Ok(record)
    }

    /// Returns how the loop stands with training.
    pub(crate) fn contact(&self) -> Contact {
        self.inner
            .contact
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(crate) fn update_contact(&self, update: impl FnOnce(&mut Contact)) {
        update(
            &mut self
                .inner
                .contact
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        );
    }

    /// Changes the record; a change that is one is put into the log and told to the loop.
    async fn note(
        &self,
        kind: Kind,
        change: impl FnOnce(&mut Record, Timestamp) -> bool + Send + 'static,
    ) -> Result<Record, StoreError> {
        let keep = self.inner.config.actions_kept.get();
        let now = store::now();
        let record = self
            .inner
            .store
            .write(move |tx| {
                let mut changed = false;
                let record = store::update(tx, |record| changed = change(record, now))?;
                if changed {
                    actions::add(tx, &Action::new(now, kind), keep)?;
                }
                Ok(record)
            })
            .await?;
        self.inner.changed.notify_one();
        Ok(record)
    }
}
