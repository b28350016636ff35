//! Money set aside for one call, from its reservation to its settlement.

use std::{sync::atomic::Ordering, time::Duration};

use database::StoreError;
use tokio::time;

use super::{
    Ledger,
    book::{self, Charge, Held},
};
use crate::money::Money;

/// For how long a settlement that failed is tried again, and how often.
const PATIENCE: Duration = Duration::from_secs(3);
const PAUSE: Duration = Duration::from_millis(100);

/// Money set aside for one call, until it is settled, released or expires.
///
/// Whoever merely drops it does not know what the call costs, so the money stays set aside. What is asked
/// of it must be waited for to take effect: calls run in tasks of their own, which no client ends by leaving.
#[derive(Debug)]
#[must_use]
pub(crate) struct Reservation {
    pub(super) ledger: Ledger,
    pub(super) amount: Money,
    pub(super) held: Held,
}

/// Whether a settlement may have taken effect.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Effect {
    None,
    /// The answer to its commit was lost.
    Unknown,
}

impl Reservation {
    /// Turns the reservation into spending, durably.
    ///
    /// The call is paid for, so where the database is away for a moment this is tried again. Where all of that
    /// fails the reservation stays until it expires: the money may be gone.
    pub(crate) async fn settle(self, charge: Charge) -> Result<(), StoreError> {
        if charge.amount > self.amount {
            let (charged, reserved) = (charge.amount, self.amount);
            let provider = charge.provider.as_str();
            tracing::warn!(provider, %charged, %reserved, "a call cost more than it could");
            self.ledger.figures.overruns.fetch_add(1, Ordering::Relaxed);
        }
        let last = tooloo_clock::now() + PATIENCE;
        let mut effect = Effect::None;
        loop {
            let Err(error) = self.settle_once(&charge, &mut effect).await else {
                return Ok(());
            };
            if tooloo_clock::now() >= last {
                return Err(error);
            }
            tracing::warn!(%error, "a settlement failed and is tried again");
            time::sleep(PAUSE).await;
        }
    }

    pub(super) async fn settle_once(
        &self,
        charge: &Charge,
        effect: &mut Effect,
    ) -> Result<(), StoreError> {
        let mut tx = self.ledger.store.write().await?;
        // Whoever settles a reservation deletes it in the same transaction, and it lasts much longer than
        // a settlement is tried.
        if *effect == Effect::Unknown && !book::is_held(&mut tx, self.held.id).await? {
            return Ok(());
        }
        let now = tooloo_clock::wall();
        book::settle(&mut tx, now, self.held, charge, self.ledger.keep).await?;
        tx.commit()
            .await
            .inspect_err(|_| *effect = Effect::Unknown)?;
        Ok(())
    }

    /// Gives the money back, where nothing can be owed.
    ///
    /// Where that fails the reservation stays until it expires.
    pub(crate) async fn release(self) {
        if let Err(error) = self.give_back().await {
            tracing::warn!(%error, "a reservation could not be released and will expire");
        }
    }

    async fn give_back(self) -> Result<(), StoreError> {
        let mut tx = self.ledger.store.write().await?;
        book::release(&mut tx, self.held.id).await?;
        tx.commit().await?;
        Ok(())
    }
}
