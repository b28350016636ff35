//! What an operator can change at run time: how many calls run at once, and what a call is worth
//! that does not say.

use std::{
    num::NonZeroU32,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};
use tooloo_service::{Store, StoreError};
use utoipa::ToSchema;

use crate::{criticality::Criticality, provider::gate::Gate};

/// The most calls at once that can be set.
pub(crate) const MOST_CONCURRENCY: u32 = 1024;

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

/// Keeps the policy: in force in memory, and on disk. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Policies {
    store: Store,
    configured: Policy,
    gate: Gate,
    current: Arc<Mutex<(i64, Policy)>>,
}

/// The row on disk: what was changed, over what is configured.
#[derive(Clone, Copy, Debug, Default)]
struct Changed {
    version: i64,
    max_concurrency: Option<NonZeroU32>,
    criticality: Option<Criticality>,
}

impl Policies {
    /// Reads what was changed before, and puts it in force on `gate`.
    pub(crate) async fn load(
        store: Store,
        configured: Policy,
        gate: Gate,
    ) -> Result<Self, StoreError> {
        let changed = store.read(read).await?;
        let policies = Self {
            store,
            configured,
            gate,
            current: Arc::new(Mutex::new((-1, configured))),
        };
        policies.apply(changed);
        Ok(policies)
    }

    /// Returns the policy in force.
    pub(crate) fn current(&self) -> Policy {
        self.lock().1
    }

    /// Changes the policy, durably, and returns it.
    pub(crate) async fn change(
        &self,
        max_concurrency: Option<NonZeroU32>,
        criticality: Option<Criticality>,
    ) -> Result<Policy, StoreError> {
        let changed = self
            .store
            .write(move |tx| {
                let before = read(tx)?;
                let after = Changed {
                    version: before.version + 1,
                    max_concurrency: max_concurrency.or(before.max_concurrency),
                    criticality: criticality.or(before.criticality),
                };
                write(tx, after)?;
                Ok(after)
            })
            .await?;
        Ok(self.apply(changed))
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

fn read(conn: &Connection) -> rusqlite::Result<Changed> {
    let row = conn
        .query_row(
            "SELECT version, max_concurrency, criticality FROM policy WHERE id = 1",
            [],
            |row| {
                let max_concurrency: Option<u32> = row.get(1)?;
                let criticality: Option<String> = row.get(2)?;
                Ok(Changed {
                    version: row.get(0)?,
                    max_concurrency: max_concurrency.and_then(NonZeroU32::new),
                    criticality: criticality.and_then(|name| Criticality::named(&name)),
                })
            },
        )
        .optional()?;
    Ok(row.unwrap_or_default())
}

fn write(conn: &Connection, changed: Changed) -> rusqlite::Result<()> {
    conn.execute(
        "INSERT INTO policy (id, version, max_concurrency, criticality) VALUES (1, ?1, ?2, ?3)
         ON CONFLICT (id) DO UPDATE SET version = excluded.version,
             max_concurrency = excluded.max_concurrency, criticality = excluded.criticality",
        params![
            changed.version,
            changed.max_concurrency.map(NonZeroU32::get),
            changed.criticality.map(Criticality::name),
        ],
    )
    .map(drop)
}
