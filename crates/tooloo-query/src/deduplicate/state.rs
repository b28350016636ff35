//! The reads in flight.

use std::{
    collections::{HashMap, hash_map::Entry},
    fmt,
    hash::{Hash, Hasher},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
};

use futures_util::{
    FutureExt,
    future::{Shared, WeakShared},
};
use tooloo_key::Key;

use crate::{
    Query, QueryScope, Value, backend::BoxFuture, fence::Quiet, future::Answer, monitor::Monitor,
    statement::Effect,
};

type Answered = Shared<BoxFuture<'static, Answer>>;

/// The reads in flight that may be joined.
pub(crate) struct InFlight {
    most: usize,
    pub(super) monitor: Arc<Monitor>,
    last: AtomicU64,
    reads: Mutex<HashMap<Read, Asked>>,
}

/// What makes two reads identical.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Read {
    text: Arc<str>,
    values: Identical,
    tenant: Option<Key>,
    // A request that may be refused is refused by itself.
    scope: Option<usize>,
}

/// Values that are equal where no database can tell them apart.
#[derive(Clone, Debug)]
struct Identical(Vec<Value>);

/// A read in flight, and the moment it began.
struct Asked {
    number: u64,
    quiet: Quiet,
    // Held by those who wait alone: the last one to go gives it up.
    answer: WeakShared<BoxFuture<'static, Answer>>,
}

/// Forgets a read that has ended, or that nobody waits for any more.
struct Leave {
    in_flight: Weak<InFlight>,
    read: Read,
    number: u64,
}

impl InFlight {
    pub(crate) fn new(most: usize, monitor: Arc<Monitor>) -> Self {
        Self {
            most,
            monitor,
            last: AtomicU64::new(0),
            reads: Mutex::default(),
        }
    }

    /// Returns what a query reads, where it may be merged, and the present.
    pub(super) fn read(&self, query: &Query) -> Option<(Read, Quiet)> {
        if query.alone {
            return None;
        }
        let (known, _) = self.monitor.known(query);
        if known.statement.effect != Effect::None {
            return None;
        }
        let quiet = self.monitor.fence.quiet()?;
        let scope = query.scope.clone().or_else(QueryScope::current);
        let read = Read {
            text: Arc::clone(&known.text),
            values: Identical(query.parameters.clone()),
            tenant: query.tenant.clone(),
            scope: scope.as_ref().and_then(QueryScope::refusing),
        };
        Some((read, quiet))
    }

    /// Joins an identical read that no write has been under way beside.
    pub(super) fn join(&self, read: &Read, quiet: Quiet) -> Option<Answered> {
        let reads = self.lock();
        let asked = reads.get(read).filter(|asked| asked.quiet == quiet)?;
        let answer = asked.answer.upgrade()?;
        drop(reads);
        self.monitor.counts.add_deduplicated();
        Some(answer)
    }

    /// Lets others join a read that has been asked, unless there is no room.
    pub(super) fn lead<F>(
        self: &Arc<Self>,
        read: Read,
        quiet: Quiet,
        asked: F,
    ) -> Result<Answered, F>
    where
        F: Future<Output = Answer> + Send + 'static,
    {
        let number = self.last.fetch_add(1, Ordering::Relaxed);
        let mut reads = self.lock();
        let full = reads.len() >= self.most;
        let entry = reads.entry(read.clone());
        if full && matches!(entry, Entry::Vacant(_)) {
            return Err(asked);
        }
        let leave = Leave {
            in_flight: Arc::downgrade(self),
            read,
            number,
        };
        let asked: BoxFuture<'static, Answer> = Box::pin(async move {
            let _leave = leave;
            asked.await
        });
        let answer = asked.shared();
        if let Some(weak) = answer.downgrade() {
            entry.insert_entry(Asked {
                number,
                quiet,
                answer: weak,
            });
        }
        Ok(answer)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Read, Asked>> {
        self.reads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Leave {
    fn drop(&mut self) {
        let Some(in_flight) = self.in_flight.upgrade() else {
            return;
        };
        let mut reads = in_flight.lock();
        // A later one may have taken its place.
        if reads
            .get(&self.read)
            .is_some_and(|asked| asked.number == self.number)
        {
            reads.remove(&self.read);
        }
    }
}

impl PartialEq for Identical {
    fn eq(&self, other: &Self) -> bool {
        let Self(values) = self;
        let pairs = values.iter().zip(&other.0);
        values.len() == other.0.len()
            && pairs
                .into_iter()
                .all(|(one, other)| is_identical(one, other))
    }
}

impl Eq for Identical {}

fn is_identical(one: &Value, other: &Value) -> bool {
    match (one, other) {
        // Zeros differ in their sign, and no number that is none equals itself.
        (Value::Real(one), Value::Real(other)) => one.to_bits() == other.to_bits(),
        (Value::Array(one), Value::Array(other)) => {
            let mut pairs = one.iter().zip(&**other);
            one.len() == other.len() && pairs.all(|(one, other)| is_identical(one, other))
        }
        (one, other) => one == other,
    }
}

impl Hash for Identical {
    fn hash<H: Hasher>(&self, state: &mut H) {
        hash(&self.0, state);
    }
}

fn hash<H: Hasher>(values: &[Value], state: &mut H) {
    values.len().hash(state);
    for value in values {
        value.kind().hash(state);
        match value {
            Value::Null => {}
            Value::Bool(value) => value.hash(state),
            Value::Int(value) => value.hash(state),
            Value::Real(value) => value.to_bits().hash(state),
            Value::Text(value) | Value::Decimal(value) => value.hash(state),
            Value::Bytes(value) => value.hash(state),
            Value::Array(values) => hash(values, state),
        }
    }
}

impl fmt::Debug for InFlight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InFlight")
            .field("reads", &self.lock().len())
            .finish_non_exhaustive()
    }
}
