//! Entries in Redis or Valkey, and changes told through it.
//!
//! Reads go over one multiplexed connection and end within a deadline. Everything that changes something
//! goes through one queue and one task, in order: so who hears of a change finds it done. Changes have
//! numbers that the server gives; it keeps the last of them, for who was cut off.

mod backplane;
mod bus;
mod config;
mod gate;
mod outbox;
mod sender;
mod server;
mod tier;

use std::{error, fmt, marker::PhantomData, sync::Arc, time::Duration};

use tokio::runtime::Handle;

pub use self::{backplane::RedisBackplane, config::RedisConfig, tier::RedisTier};

use self::server::Inner;
use crate::Codec;

/// Making a connection may take so long; nobody waits for it but who sends.
const CONNECT: Duration = Duration::from_secs(1);

/// A Redis or Valkey server that caches share.
///
/// Clones share one connection and one queue. While the server is away, lookups miss at once, changes wait,
/// and entries are not stored; nothing needs a restart when it is back.
#[derive(Clone, Debug)]
pub struct Redis {
    inner: Arc<Inner>,
}

/// A server's URL makes no sense, or there is no runtime.
#[derive(Debug)]
pub struct RedisTierError {
    source: Box<dyn error::Error + Send + Sync>,
}

impl Redis {
    /// Uses a server; whether there is one is seen later.
    ///
    /// # Errors
    ///
    /// Returns an error where the URL makes no sense, or outside of a tokio runtime.
    pub fn new(config: RedisConfig) -> Result<Self, RedisTierError> {
        let runtime = Handle::try_current().map_err(RedisTierError::new)?;
        let inner = Arc::new(Inner::new(config)?);
        runtime.spawn(sender::run(Arc::downgrade(&inner)));
        Ok(Self { inner })
    }

    /// Returns a tier that keeps entries in it.
    pub fn tier<V, C: Codec<V>>(&self, codec: C) -> RedisTier<V, C> {
        RedisTier {
            server: Arc::clone(&self.inner),
            codec: Arc::new(codec),
            values: PhantomData,
        }
    }

    /// Returns a backplane that tells changes through it.
    pub fn backplane(&self) -> RedisBackplane {
        RedisBackplane {
            server: Arc::clone(&self.inner),
        }
    }
}

impl RedisTierError {
    fn new(source: impl Into<Box<dyn error::Error + Send + Sync>>) -> Self {
        Self {
            source: source.into(),
        }
    }
}

impl fmt::Display for RedisTierError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the shared cache cannot be used")
    }
}

impl error::Error for RedisTierError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        Some(&*self.source)
    }
}
