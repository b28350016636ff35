//! The book of what was spent, and of what is set aside for calls that run now.
//!
//! Money is reserved before a call and settled after it, each in one transaction of the one
//! writer that a database has at a time, so calls that run side by side cannot pass a ceiling together,
//! whichever process makes them. A call that fails gives its reservation back where nothing can be owed.
//! The reservation of a call that was cut off, or of a process that was killed, stays until it expires,
//! because the provider may have charged for the call, and is then given up.
//!
//! Nothing of this is kept in memory: every sum is read where it is written.

mod book;
mod figures;
mod posting;
mod reservation;
mod schema;
#[cfg(test)]
mod tests;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use database::{Store, StoreError};
use tokio_util::task::TaskTracker;
use tooloo_query::Queries;

use self::{
    book::Ask,
    figures::{cohort, cohort_on, days, entries, providers, standing, standing_query},
};
pub(crate) use self::{
    book::{Charge, OverLimit, Recorded, Workflow},
    figures::{CohortFigures, DayTotal, Entry, NamedTotal, Standing, Total},
    posting::Retention,
    reservation::Reservation,
    schema::MIGRATIONS,
};
use crate::{day::Day, detached, money::Money};

/// The ledger. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Ledger {
    store: Store,
    keep: Retention,
    reservation_life: Duration,
    tasks: TaskTracker,
    figures: Arc<Figures>,
}

#[derive(Debug, Default)]
struct Figures {
    expired: AtomicU64,
    overruns: AtomicU64,
}

impl Ledger {
    /// Creates a ledger in `store`, whose reservations expire after `reservation_life`.
    ///
    /// What it does for callers that may go away is done in `tasks`.
    pub(crate) fn new(
        store: Store,
        keep: Retention,
        reservation_life: Duration,
        tasks: TaskTracker,
    ) -> Self {
        Self {
            store,
            keep,
            reservation_life,
            tasks,
            figures: Arc::default(),
        }
    }

    /// Sets `amount` aside, if today's spending and reservations stay within `ceiling` with it.
    pub(crate) async fn reserve(
        &self,
        amount: Money,
        ceiling: Money,
    ) -> Result<Result<Reservation, OverLimit>, StoreError> {
        let ask = Ask {
            amount,
            ceiling,
            expires_after: self.reservation_life,
        };
        let mut tx = self.store.write().await?;
        // The time is read once nobody else writes: no later day is booked before an earlier one.
        let (expired, held) = book::reserve(&mut tx, tooloo_clock::wall(), &ask).await?;
        tx.commit().await?;
        if expired > 0 {
            tracing::warn!(expired, "reservations that nobody settled have expired");
            self.figures.expired.fetch_add(expired, Ordering::Relaxed);
        }
        Ok(held.map(|held| Reservation {
            ledger: self.clone(),
            amount,
            held,
        }))
    }

    /// Books what a workflow has spent, also where the caller goes away meanwhile.
    pub(crate) async fn record(&self, workflow: Workflow) -> Result<Recorded, StoreError> {
        let (store, keep) = (self.store.clone(), self.keep);
        let booking = async move {
            let mut tx = store.write().await?;
            let now = tooloo_clock::wall();
            let recorded = book::record(&mut tx, now, &workflow, keep).await?;
            tx.commit().await?;
            Ok(recorded)
        };
        detached::finish(&self.tasks, booking).await
    }

    /// Returns where today stands.
    pub(crate) async fn standing(&self) -> Result<Standing, StoreError> {
        let now = tooloo_clock::wall();
        let row = self.store.queries().query_one(standing_query(now)).await?;
        Ok(standing(&row, Day::of(now))?)
    }

    /// Returns today's totals: all of it, and each provider's.
    pub(crate) async fn today(&self) -> Result<(Day, Total, Vec<NamedTotal>), StoreError> {
        let mut tx = self.store.read().await?;
        let today = Day::of(tooloo_clock::wall());
        let whole = days(&mut tx, today).await?.first().map(|day| day.total);
        let providers = providers(&mut tx, today).await?;
        Ok((today, whole.unwrap_or_default(), providers))
    }

    /// Returns the totals of the last `count` days, and the newest `lines`.
    pub(crate) async fn history(
        &self,
        count: u32,
        lines: u32,
    ) -> Result<(Vec<DayTotal>, Vec<Entry>), StoreError> {
        let mut tx = self.store.read().await?;
        let from = Day::of(tooloo_clock::wall()).before(count.saturating_sub(1));
        Ok((days(&mut tx, from).await?, entries(&mut tx, lines).await?))
    }

    /// Returns what a cohort spent today, and all it ever spent.
    pub(crate) async fn cohort(
        &self,
        name: &str,
    ) -> Result<(Total, Option<CohortFigures>), StoreError> {
        let mut tx = self.store.read().await?;
        let today = cohort_on(&mut tx, name, Day::of(tooloo_clock::wall())).await?;
        Ok((today, cohort(&mut tx, name).await?))
    }

    /// Returns how many reservations have expired, and how many charges were above theirs, as far as
    /// this process has seen.
    pub(crate) fn irregularities(&self) -> (u64, u64) {
        let load = |figure: &AtomicU64| figure.load(Ordering::Relaxed);
        (load(&self.figures.expired), load(&self.figures.overruns))
    }
}
