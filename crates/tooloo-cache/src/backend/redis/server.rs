//! The server as tier, backplane and tasks see it: one connection, one outbox.

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use redis::{
    Client, Cmd, FromRedisValue, RedisError,
    aio::{ConnectionManager, ConnectionManagerConfig},
};
use tokio::{sync::Notify, time::timeout};
use tooloo_clock::Moment;

use super::{
    CONNECT, RedisConfig, RedisTierError,
    gate::Gate,
    outbox::{Op, Outbox},
};
use crate::{
    Inbound, Record,
    backend::{disk::LEVEL, envelope::Envelopes},
};

/// Opening a larger envelope than this is work for a thread that may block.
const LARGE: usize = 256 << 10;

pub(crate) struct Inner {
    pub(super) config: RedisConfig,
    pub(super) client: Client,
    pub(super) connection: ConnectionManager,
    /// Tells this cache's own changes from others'.
    pub(super) node: String,
    pub(super) gate: Gate,
    pub(super) outbox: Mutex<Outbox>,
    /// Something is in the outbox.
    pub(super) filled: Arc<Notify>,
    pub(super) envelopes: Envelopes,
    pub(super) inbound: OnceLock<Weak<dyn Inbound>>,
    /// Whether all changes are known that the server tells of.
    pub(super) is_current: AtomicBool,
    pub(super) hits: AtomicU64,
    pub(super) misses: AtomicU64,
    pub(super) errors: AtomicU64,
}

impl Inner {
    pub(super) fn new(config: RedisConfig) -> Result<Self, RedisTierError> {
        let client = Client::open(&config.url[..]).map_err(RedisTierError::new)?;
        let manager = ConnectionManagerConfig::new()
            .set_min_delay(Duration::from_millis(10))
            .set_max_delay(Duration::from_millis(200))
            .set_number_of_retries(3)
            .set_connection_timeout(Some(CONNECT))
            .set_response_timeout(Some(CONNECT));
        let connection = ConnectionManager::new_lazy_with_config(client.clone(), manager);
        Ok(Self {
            client,
            connection: connection.map_err(RedisTierError::new)?,
            node: format!("{:032x}", fastrand::u128(..)),
            gate: Gate::default(),
            outbox: Mutex::new(Outbox::new(config.queue_entries.get())),
            filled: Arc::default(),
            envelopes: Envelopes::new(LEVEL, config.encryption.as_ref(), config.max_entry_bytes),
            inbound: OnceLock::new(),
            is_current: AtomicBool::new(false),
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
            errors: AtomicU64::new(0),
            config,
        })
    }

    /// Returns the record and the bytes that the server has for a key.
    pub(super) async fn find(&self, key: &[u8]) -> Option<(Record, Bytes)> {
        let found = self.look(key).await;
        let counter = if found.is_some() {
            &self.hits
        } else {
            &self.misses
        };
        counter.fetch_add(1, Ordering::Relaxed);
        found
    }

    async fn look(&self, key: &[u8]) -> Option<(Record, Bytes)> {
        let follows = self.inbound.get().is_some();
        if follows && !self.is_current.load(Ordering::Acquire) || self.outbox().has(key) {
            return None;
        }
        let deadline = self.config.deadline;
        if !self.gate.admits(Moment::exact(), deadline) {
            return None;
        }
        let get = redis::cmd("GET").arg(self.entry_name(key)).take();
        let envelope: Option<Vec<u8>> = self.ask(get, deadline).await?;
        let envelope = envelope?;
        // What was read before the connection was cut may have been changed since.
        if follows && !self.is_current.load(Ordering::Acquire) || self.outbox().has(key) {
            return None;
        }
        let opened = if envelope.len() > LARGE {
            let (envelopes, key) = (self.envelopes.clone(), key.to_vec());
            let open = move || envelopes.open(&key, &envelope);
            tokio::task::spawn_blocking(open).await.ok()?
        } else {
            self.envelopes.open(key, &envelope)
        };
        if opened.is_err() {
            self.errors.fetch_add(1, Ordering::Relaxed);
        }
        opened.ok()
    }

    /// Sends a command; `None` where it failed or took too long.
    pub(super) async fn ask<T: FromRedisValue>(
        &self,
        command: Cmd,
        deadline: Duration,
    ) -> Option<T> {
        let mut connection = self.connection.clone();
        let answer = timeout(deadline, command.query_async(&mut connection)).await;
        self.judge(answer.ok())
    }

    /// Takes note of whether the server answered.
    pub(super) fn judge<T>(&self, answer: Option<Result<T, RedisError>>) -> Option<T> {
        if let Some(Ok(answer)) = answer {
            self.gate.succeeded();
            Some(answer)
        } else {
            self.gate.failed(Moment::exact());
            self.errors.fetch_add(1, Ordering::Relaxed);
            None
        }
    }

    pub(super) fn outbox(&self) -> MutexGuard<'_, Outbox> {
        self.outbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn push(&self, op: Op) {
        self.outbox().push(op);
        self.filled.notify_one();
    }

    pub(super) fn entry_name(&self, key: &[u8]) -> Vec<u8> {
        [self.config.prefix.as_bytes(), b":entry:", key].concat()
    }

    pub(super) fn change_name(&self, key: &[u8]) -> Vec<u8> {
        [self.config.prefix.as_bytes(), b":change:", key].concat()
    }

    pub(super) fn name(&self, of: &str) -> String {
        format!("{}:{of}", self.config.prefix)
    }
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redis")
            .field("node", &self.node)
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // The task that sends sees that nobody is left.
        self.filled.notify_one();
    }
}
