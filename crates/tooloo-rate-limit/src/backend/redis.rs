//! Quotas in Redis or Valkey.

use std::{sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use redis::{
    Client, RedisError, Script,
    aio::{ConnectionManager, ConnectionManagerConfig},
};
use tooloo_key::Key;

use super::{Demand, Grant, QuotaStore, StoreError};
use crate::{Scope, Tier};

/// Reconnecting is tried this often at least.
const RECONNECT: Duration = Duration::from_millis(200);

/// How long a connection may take. Requests do not wait for it as long.
const CONNECT: Duration = Duration::from_secs(1);

/// Quotas in Redis or Valkey: one atomic script a check, by the server's clock.
///
/// One multiplexed connection is shared by all clones. It is made when it is first used and again
/// whenever it breaks.
#[derive(Clone, Debug)]
pub struct RedisStore {
    connection: Connection,
    script: Arc<Script>,
    prefix: Arc<str>,
}

#[derive(Clone)]
struct Connection(ConnectionManager);

impl RedisStore {
    /// Keeps quotas in the server at `url`, under keys that begin with `prefix`.
    ///
    /// In a cluster, keys of a limiter that has shared tiers all live in one slot.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError`] where the URL makes no sense. Whether there is a server is seen later.
    pub fn new(url: &str, prefix: impl Into<Arc<str>>) -> Result<Self, StoreError> {
        let client = Client::open(url).map_err(StoreError::new)?;
        let config = ConnectionManagerConfig::new()
            .set_min_delay(Duration::from_millis(10))
            .set_max_delay(RECONNECT)
            .set_number_of_retries(3)
            .set_connection_timeout(Some(CONNECT))
            .set_response_timeout(Some(CONNECT));
        let connection = ConnectionManager::new_lazy_with_config(client, config);
        Ok(Self {
            connection: Connection(connection.map_err(StoreError::new)?),
            script: Arc::new(Script::new(include_str!("redis/spend.lua"))),
            prefix: prefix.into(),
        })
    }

    /// Names a bucket; braces keep all those of one request in one slot of a cluster.
    fn name(&self, key: &Key, tier: &Tier, has_shared: bool) -> String {
        let (prefix, name) = (&self.prefix, tier.name());
        match (has_shared, tier.scope()) {
            (false, _) => format!("{prefix}:{{{key}}}:{name}"),
            (true, Scope::Key) => format!("{{{prefix}}}:key:{key}:{name}"),
            (true, Scope::All) => format!("{{{prefix}}}:all:{name}"),
        }
    }
}

impl QuotaStore for RedisStore {
    fn spend<'a>(
        &'a self,
        key: &'a Key,
        tiers: &'a [Tier],
        demand: Demand,
    ) -> BoxFuture<'a, Result<Grant, StoreError>> {
        Box::pin(async move {
            let mut call = self.script.prepare_invoke();
            call.arg(demand.at_least)
                .arg(demand.at_most)
                .arg(demand.give_back);
            let has_shared = tiers.iter().any(|tier| tier.scope() == Scope::All);
            for tier in tiers {
                let quota = tier.quota();
                let period = quota.period().as_nanos().div_ceil(1000);
                call.key(self.name(key, tier, has_shared))
                    .arg(quota.limit().get())
                    .arg(u64::try_from(period).unwrap_or(u64::MAX))
                    .arg(quota.burst().get());
            }
            // Calls the script by its digest, and loads it where the server does not know it.
            let mut connection = self.connection.0.clone();
            let reply: Result<Vec<u64>, RedisError> = call.invoke_async(&mut connection).await;
            let reply = reply.map_err(StoreError::new)?;
            let [tokens, wait, full_in @ ..] = &*reply else {
                return Err(StoreError::new("the script's reply is too short"));
            };
            Ok(Grant {
                tokens: u32::try_from(*tokens).unwrap_or(u32::MAX),
                wait: Duration::from_micros(*wait),
                full_in: full_in.iter().copied().map(Duration::from_micros).collect(),
            })
        })
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // A URL may hold a password.
        f.write_str("Connection")
    }
}
