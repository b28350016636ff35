//! The stores below the memory: disks, and servers that several processes share.

mod compression;
mod dictionary;
pub(crate) mod disk;
mod encryption;
pub(crate) mod engine;
mod envelope;
mod redb;
#[cfg(feature = "redis")]
pub(crate) mod redis;
#[cfg(feature = "sled")]
mod sled;

use std::{any::Any, time::UNIX_EPOCH};

#[cfg(feature = "redis")]
pub use self::redis::{Redis, RedisBackplane, RedisConfig, RedisTier, RedisTierError};
#[cfg(feature = "sled")]
pub use self::sled::SledEngine;
pub use self::{
    disk::{DiskConfig, DiskError, DiskTier},
    encryption::{EncryptionKey, InvalidKey},
    engine::{DiskEngine, EngineError, Segment, Space, Write},
    redb::RedbEngine,
};

#[cfg(feature = "redis")]
use crate::Entry;
use crate::{CodecError, Record};

/// An entry on its way out of memory: what is known of it, and how its bytes are made.
///
/// Bytes are made on the thread or task that writes them, not by who stores the entry.
#[cfg(feature = "redis")]
pub(crate) trait Payload: Send + Sync {
    fn record(&self) -> &Record;

    fn encode(&self, out: &mut Vec<u8>) -> Result<(), CodecError>;
}

/// An entry whose value's type only its tier knows.
pub(crate) trait AnyEntry: Send + Sync {
    fn record(&self) -> &Record;

    fn value(&self) -> &dyn Any;
}

/// One such entry, of the count of references that the memory's has.
pub(crate) type Erased = triomphe::Arc<dyn AnyEntry>;

/// Makes bytes of the values of a tier, all of one type.
///
/// One for the whole tier: a count of references that went with each entry would go from core to core.
pub(crate) type Encode = dyn Fn(&dyn Any, &mut Vec<u8>) -> Result<(), CodecError> + Send + Sync;

/// A typed entry and its codec.
#[cfg(feature = "redis")]
pub(crate) struct Typed<V, C> {
    pub(crate) entry: Entry<V>,
    pub(crate) codec: std::sync::Arc<C>,
}

#[cfg(feature = "redis")]
impl<V, C> Payload for Typed<V, C>
where
    V: Send + Sync,
    C: crate::Codec<V>,
{
    fn record(&self) -> &Record {
        self.entry.record()
    }

    fn encode(&self, out: &mut Vec<u8>) -> Result<(), CodecError> {
        self.codec.encode(self.entry.value(), out)
    }
}

/// Returns the present in milliseconds since 1970, as records have it.
pub(crate) fn wall_millis() -> u64 {
    let since = tooloo_clock::wall().duration_since(UNIX_EPOCH);
    // Before 1970 nothing is expired yet.
    since.map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}
