//! The book of what was spent, and of what is set aside for calls that run now.
//!
//! Money is reserved before a call and settled after it, each in one transaction of the one
//! writer, so calls that run side by side cannot pass a ceiling together. A call that fails
//! gives its reservation back where nothing can be owed. The reservation of a call that was cut off,
//! or of a process that was killed, stays until it expires, because the provider may have charged
//! for the call, and is then given up.

mod book;
mod figures;
mod posting;
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

use rusqlite::Connection;
use tooloo_service::{Store, StoreError};

use self::{
    book::{Ask, Held},
    figures::{cohort, cohort_on, days, entries, providers, standing},
};
pub(crate) use self::{
    book::{Charge, OverLimit, Recorded, Workflow},
    figures::{CohortFigures, DayTotal, Entry, NamedTotal, Standing, Total},
    posting::Retention,
    schema::MIGRATIONS,
};
use crate::{day::Day, money::Money};

/// The ledger. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Ledger {
    store: Store,
    keep: Retention,
    reservation_life: Duration,
    figures: Arc<Figures>,
}

/// Money set aside for one call, until it is settled, released or expires.
///
/// Whoever merely drops it does not know what the call costs, so the money stays set aside.
#[derive(Debug)]
#[must_use]
pub(crate) struct Reservation {
    ledger: Ledger,
    amount: Money,
    held: Held,
}

#[derive(Debug, Default)]
struct Figures {
    expired: AtomicU64,
    overruns: AtomicU64,
}

impl Ledger {
    /// Creates a ledger in `store`, whose reservations expire after `reservation_life`.
    pub(crate) fn new(store: Store, keep: Retention, reservation_life: Duration) -> Self {
        Self {
            store,
            keep,
            reservation_life,
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
        let reserve =
            move |tx: &rusqlite::Transaction<'_>| book::reserve(tx, tooloo_clock::wall(), &ask);
        let (expired, held) = self.store.write(reserve).await?;
        if expired > 0 {
            tracing::warn!(expired, "reservations that nobody settled have expired");
            self.figures
                .expired
                .fetch_add(expired as u64, Ordering::Relaxed);
        }
        Ok(held.map(|held| Reservation {
            ledger: self.clone(),
            amount,
            held,
        }))
    }

    /// Books what a workflow has spent.
    pub(crate) async fn record(&self, workflow: Workflow) -> Result<Recorded, StoreError> {
        let keep = self.keep;
        self.store
            .write(move |tx| book::record(tx, tooloo_clock::wall(), &workflow, keep))
            .await
    }

    /// Returns where today stands.
    pub(crate) async fn standing(&self) -> Result<Standing, StoreError> {
        self.read(|conn| standing(conn, tooloo_clock::wall())).await
    }

    /// Returns today's totals: all of it, and each provider's.
    pub(crate) async fn today(&self) -> Result<(Day, Total, Vec<NamedTotal>), StoreError> {
        self.read(|conn| {
            let today = Day::of(tooloo_clock::wall());
            let whole = days(conn, today)?.first().map(|day| day.total);
            Ok((today, whole.unwrap_or_default(), providers(conn, today)?))
        })
        .await
    }

    /// Returns the totals of the last `count` days, and the newest `lines`.
    pub(crate) async fn history(
        &self,
        count: u32,
        lines: u32,
    ) -> Result<(Vec<DayTotal>, Vec<Entry>), StoreError> {
        self.read(move |conn| {
            let from = Day::of(tooloo_clock::wall()).before(count.saturating_sub(1));
            Ok((days(conn, from)?, entries(conn, lines)?))
        })
        .await
    }

    /// Returns what a cohort spent today, and all it ever spent.
    pub(crate) async fn cohort(
        &self,
        name: &str,
    ) -> Result<(Total, Option<CohortFigures>), StoreError> {
        let name = name.to_owned();
        self.read(move |conn| {
            let today = Day::of(tooloo_clock::wall());
            Ok((cohort_on(conn, &name, today)?, cohort(conn, &name)?))
        })
        .await
    }

    /// Returns how many reservations have expired, and how many charges were above theirs.
    pub(crate) fn irregularities(&self) -> (u64, u64) {
        let load = |figure: &AtomicU64| figure.load(Ordering::Relaxed);
        (load(&self.figures.expired), load(&self.figures.overruns))
    }

    async fn read<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.store.read(job).await
    }
}

impl Reservation {
    /// Turns the reservation into spending, durably.
    ///
    /// Where that fails the reservation stays until it expires: the money may be gone.
    pub(crate) async fn settle(self, charge: Charge) -> Result<(), StoreError> {
        if charge.amount > self.amount {
            let (charged, reserved) = (charge.amount, self.amount);
            let provider = charge.provider.as_str();
            tracing::warn!(provider, %charged, %reserved, "a call cost more than it could");
            self.ledger.figures.overruns.fetch_add(1, Ordering::Relaxed);
        }
        let (held, keep) = (self.held, self.ledger.keep);
        self.ledger
            .store
            .write(move |tx| book::settle(tx, tooloo_clock::wall(), held, &charge, keep))
            .await
    }
    /// Gives the money back, where nothing can be owed.
    ///
    /// Where that fails the reservation stays until it expires.
    pub(crate) async fn release(self) {
        let id = self.held.id;
        let released = self.ledger.store.write(move |tx| book::release(tx, id));
        if let Err(error) = released.await {
            tracing::warn!(%error, "a reservation could not be released and will expire");
        }
    }
}
