//! The coach itself: what it can be told, and what it remembers of it.

use std::{
    future::pending,
    panic,
    sync::{Arc, Mutex, PoisonError},
};

use database::{Store, StoreError};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::{Mutex as AsyncMutex, Notify};
use tokio_util::task::TaskTracker;
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
    /// What goes on to its end, also where nobody waits for it any more.
    pub(crate) lasting: TaskTracker,
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
            running_since: config.autostart.then(database::now),
            ..Record::default()
        };
        let mut tx = store.write().await?;
        store::seed(&mut tx, &fresh).await?;
        tx.commit().await?;
        Ok(Self {
            inner: Arc::new(Inner {
                store,
                training,
                hints,
                config,
                tracer,
                changed: Notify::new(),
                round: AsyncMutex::new(()),
                lasting: TaskTracker::new(),
                boost: AsyncMutex::new(()),
                contact: Mutex::default(),
            }),
        })
    }

    /// Returns what the coach remembers.
    pub(crate) async fn record(&self) -> Result<Record, StoreError> {
        store::record(&self.inner.store).await
    }

    /// Returns what it remembers together with the newest actions.
    pub(crate) async fn log(&self, limit: u32) -> Result<(Record, Vec<Action>), StoreError> {
        let mut tx = self.inner.store.read().await?;
        let record = store::load(&mut tx).await?;
        Ok((record, actions::newest(&mut tx, limit).await?))
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
        let coach = self.clone();
        let noting = async move {
            let now = database::now();
            let change = |record: &mut Record| change(record, now).then(|| Action::new(now, kind));
            let record = coach.clone().update(change).await?;
            coach.inner.changed.notify_one();
            Ok(record)
        };
        // The loop hears of every change that is kept.
        self.to_its_end(noting).await
    }

    /// Changes the record, adds to the log what the change says, and returns the record.
    pub(crate) async fn update(
        self,
        change: impl FnOnce(&mut Record) -> Option<Action>,
    ) -> Result<Record, StoreError> {
        let mut tx = self.inner.store.write().await?;
        let mut record = store::load(&mut tx).await?;
        let action = change(&mut record);
        store::save(&mut tx, &record).await?;
        if let Some(action) = action {
            actions::add(&mut tx, &action, self.inner.config.actions_kept.get()).await?;
        }
        tx.commit().await?;
        Ok(record)
    }

    /// Runs `work` to its end, also where whoever asked for it is gone; a drain waits for it.
    pub(crate) async fn to_its_end<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> T {
        let context = tooloo_trace::current();
        let in_trace = async move {
            match context {
                Some(context) => context.in_scope(work).await,
                None => work.await,
            }
        };
        match self.inner.lasting.spawn(in_trace).await {
            Ok(done) => done,
            Err(failed) => match failed.try_into_panic() {
                Ok(panic) => panic::resume_unwind(panic),
                // The runtime is going away, and this with it.
                Err(_) => pending().await,
            },
        }
    }
}
