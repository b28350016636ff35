//! What an operator can change at run time: how many calls run at once, and what a call is worth
//! that does not say.

use std::{
    num::NonZeroU32,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use database::{Store, StoreError, Transaction};
use serde::{Deserialize, Serialize};
use tokio::time::{self, MissedTickBehavior};
use tokio_util::task::TaskTracker;
use tooloo_query::{ColumnError, Queries, Query, Row};
use tooloo_service::Stop;
use utoipa::ToSchema;

use crate::{criticality::Criticality, detached, provider::gate::Gate};

/// The most calls at once that can be set.
pub(crate) const MOST_CONCURRENCY: u32 = 1024;

/// How often is looked for what another process on the same database has changed.
const PERIOD: Duration = Duration::from_secs(2);

const CHANGED: &str = "SELECT version, max_concurrency, criticality FROM policy WHERE id = 1";

/// The policy in force.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Policy {
    /// The most calls to providers at once, over all of them.
    #[schema(value_type = u32, minimum = 1, maximum = 1024)]
    pub(crate) max_concurrency: NonZeroU32,
    /// The criticality of calls that do not name one.
    pub(crate) criticality: Criticality,
}

/// What is to change; what is left out stays as it is.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct PolicyChange {
    /// The most calls to providers at once, over all of them.
    #[schema(minimum = 1, maximum = 1024)]
    pub(crate) max_concurrency: Option<u32>,
    /// The criticality of calls that do not name one.
    pub(crate) criticality: Option<Criticality>,
}

/// Keeps the policy: in force in memory, and in the database. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Policies {
    store: Store,
    configured: Policy,
    gate: Gate,
    tasks: TaskTracker,
    current: Arc<Mutex<(i64, Policy)>>,
}

/// The row in the database: what was changed, over what is configured.
#[derive(Clone, Copy, Debug, Default)]
struct Changed {
    version: i64,
    max_concurrency: Option<NonZeroU32>,
    criticality: Option<Criticality>,
}

impl Policies {
    /// Reads what was changed before, and puts it in force on `gate`.
    ///
    /// Changes whose caller may go away are made in `tasks`.
    pub(crate) async fn load(
        store: Store,
        configured: Policy,
        gate: Gate,
        tasks: TaskTracker,
    ) -> Result<Self, StoreError> {
        let policies = Self {
            store,
            configured,
            gate,
            tasks,
            current: Arc::new(Mutex::new((-1, configured))),
        };
        policies.refresh().await?;
        Ok(policies)
    }

    /// Puts in force what other processes change, until the service ends.
    pub(crate) async fn follow(self, stop: Stop) {
        let mut ticks = time::interval(PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let look = async {
                ticks.tick().await;
                self.newest().await
            };
            tokio::select! {
                () = stop.requested() => return,
                _ = look => {}
            }
        }
    }

    /// Returns the policy in force, which is what the database has from now on.
    ///
    /// Where that cannot be read the policy stays as it was: that the database is away is for the
    /// readiness check to say.
    pub(crate) async fn newest(&self) -> Policy {
        if let Err(error) = self.refresh().await {
            tracing::debug!(%error, "the policy could not be read");
        }
        self.current()
    }

    async fn refresh(&self) -> Result<(), StoreError> {
        let row = self.store.queries().query_opt(CHANGED).await?;
        self.apply(changed(row.as_ref())?);
        Ok(())
    }

    /// Returns the policy in force, as far as this process knows.
    pub(crate) fn current(&self) -> Policy {
        self.lock().1
    }

    /// Changes the policy, durably, and returns it; also where the caller goes away meanwhile.
    pub(crate) async fn change(
        &self,
        max_concurrency: Option<NonZeroU32>,
        criticality: Option<Criticality>,
    ) -> Result<Policy, StoreError> {
        let policies = self.clone();
        let change = async move {
            let mut tx = policies.store.write().await?;
            let before = changed(tx.query_opt(CHANGED).await?.as_ref())?;
            let after = Changed {
                version: before.version + 1,
                max_concurrency: max_concurrency.or(before.max_concurrency),
                criticality: criticality.or(before.criticality),
            };
            write(&mut tx, after).await?;
            tx.commit().await?;
            Ok(policies.apply(after))
        };
        detached::finish(&self.tasks, change).await
    }

    /// Puts a change in force, unless a later one is already.
    fn apply(&self, changed: Changed) -> Policy {
        let policy = Policy {
            max_concurrency: changed
                .max_concurrency
                .unwrap_or(self.configured.max_concurrency),
            criticality: changed.criticality.unwrap_or(self.configured.criticality),
        };
        let mut current = self.lock();
        if changed.version > current.0 {
            *current = (changed.version, policy);
            self.gate.resize(policy.max_concurrency);
        }
        policy
    }

    fn lock(&self) -> MutexGuard<'_, (i64, Policy)> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads the row, where there is one: nothing was changed before the first change.
fn changed(row: Option<&Row>) -> Result<Changed, ColumnError> {
    let Some(row) = row else {
        return Ok(Changed::default());
    };
    let max_concurrency: Option<u32> = row.get("max_concurrency")?;
    let criticality: Option<String> = row.get("criticality")?;
    Ok(Changed {
        version: row.get("version")?,
        max_concurrency: max_concurrency.and_then(NonZeroU32::new),
        criticality: criticality.and_then(|name| Criticality::named(&name)),
    })
}

async fn write(tx: &mut Transaction, changed: Changed) -> Result<(), StoreError> {
    let row = Query::new(
        "INSERT INTO policy (id, version, max_concurrency, criticality) VALUES (1, $1, $2, $3)
         ON CONFLICT (id) DO UPDATE SET version = excluded.version,
             max_concurrency = excluded.max_concurrency, criticality = excluded.criticality",
    )
    .bind(changed.version)
    .bind(changed.max_concurrency.map(NonZeroU32::get))
    .bind(changed.criticality.map(Criticality::name));
    tx.execute(row).await?;
    Ok(())
}
