//! Who waits for which tenant's next batch: bookkeeping, with the time passed in.

use std::{
    collections::{HashMap, VecDeque},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::{
    sync::{Notify, oneshot},
    time::Instant,
};
use tooloo_key::Key;

use super::BatchConfig;
use crate::{Database, Query, future::Answer, statement::Verb};

/// Whose statements go together.
pub(super) type Tenant = Option<Key>;

/// The statements that wait, each tenant's in a line of their own.
pub(crate) struct Lines {
    pub(super) config: BatchConfig,
    pub(super) database: Database,
    tenants: Mutex<HashMap<Tenant, Line>>,
}

/// The statements of one tenant, while any are under way or wait.
#[derive(Default)]
struct Line {
    // Statements on their own, and batches.
    under_way: usize,
    waiting: VecDeque<Waiter>,
    // Whether a task sends what waits.
    driven: bool,
    news: Arc<Notify>,
}

/// A statement that waits to be sent.
pub(super) struct Waiter {
    pub(super) query: Query,
    pub(super) answer: oneshot::Sender<Answer>,
    since: Instant,
}

/// That a statement or a batch is under way; dropped, it no longer is.
#[derive(Debug)]
pub(crate) struct UnderWay {
    lines: Arc<Lines>,
    tenant: Tenant,
}

/// What became of a statement.
pub(super) enum Added {
    /// Nothing is in its way.
    AtOnce(Box<Query>, UnderWay),
    /// A task has to be started for its line.
    First(Tenant, oneshot::Receiver<Answer>),
    Waiting(oneshot::Receiver<Answer>),
    /// Too many wait.
    Full(Box<Query>),
}

/// What a line's task is to do.
pub(super) enum Next {
    Send(Vec<Waiter>, UnderWay),
    /// Wait for news, for a batch, or until then.
    Wait(Arc<Notify>, Option<Instant>),
    End,
}

impl Lines {
    pub(crate) fn new(database: Database, config: BatchConfig) -> Self {
        Self {
            config,
            database,
            tenants: Mutex::default(),
        }
    }

    /// Says whether a query may be put together with others.
    pub(super) fn takes(&self, query: &Query) -> bool {
        if query.alone {
            return false;
        }
        let (known, _) = self.database.inner.monitor.known(query);
        known.statement.verb == Verb::Change
    }

    pub(super) fn add(self: &Arc<Self>, query: Query) -> Added {
        let mut lines = self.lock();
        let full = lines.len() >= self.config.groups;
        let Some(line) = lines.get_mut(&query.tenant) else {
            if full {
                return Added::Full(Box::new(query));
            }
            let line = lines.entry(query.tenant.clone()).or_default();
            line.under_way = 1;
            let under_way = self.under_way(query.tenant.clone());
            return Added::AtOnce(Box::new(query), under_way);
        };
        if line.under_way == 0 && line.waiting.is_empty() {
            line.under_way = 1;
            let under_way = self.under_way(query.tenant.clone());
            return Added::AtOnce(Box::new(query), under_way);
        }
        if line.waiting.len() >= self.config.waiting {
            return Added::Full(Box::new(query));
        }
        let tenant = query.tenant.clone();
        let (answer, answered) = oneshot::channel();
        line.waiting.push_back(Waiter {
            query,
            answer,
            since: tooloo_clock::now(),
        });
        line.news.notify_one();
        if std::mem::replace(&mut line.driven, true) {
            Added::Waiting(answered)
        } else {
            Added::First(tenant, answered)
        }
    }

    /// Says what is to be done for a line, whose task has so many batches under way.
    pub(super) fn next(self: &Arc<Self>, tenant: &Tenant, batches: usize, now: Instant) -> Next {
        let mut lines = self.lock();
        let Some(line) = lines.get_mut(tenant) else {
            return Next::End;
        };
        // Whoever went away takes the statement along.
        line.waiting.retain(|waiter| !waiter.answer.is_closed());
        let Some(first) = line.waiting.front() else {
            if batches > 0 {
                return Next::Wait(Arc::clone(&line.news), None);
            }
            line.driven = false;
            if line.under_way == 0 {
                lines.remove(tenant);
            }
            return Next::End;
        };
        let due = first.since + self.config.wait;
        let size = self.config.size.get();
        if line.under_way > 0 && line.waiting.len() < size && now < due {
            return Next::Wait(Arc::clone(&line.news), Some(due));
        }
        let count = line.waiting.len().min(size);
        line.under_way += 1;
        let waiters = line.waiting.drain(..count).collect();
        Next::Send(waiters, self.under_way(tenant.clone()))
    }

    /// Lets go of those who wait in a line whose task has come to grief; they hear of it.
    pub(super) fn give_up(&self, tenant: &Tenant) {
        let mut lines = self.lock();
        let mut waiting = VecDeque::new();
        if let Some(line) = lines.get_mut(tenant) {
            line.driven = false;
            waiting = std::mem::take(&mut line.waiting);
            if line.under_way == 0 {
                lines.remove(tenant);
            }
        }
        drop(lines);
        drop(waiting);
    }

    fn under_way(self: &Arc<Self>, tenant: Tenant) -> UnderWay {
        UnderWay {
            lines: Arc::clone(self),
            tenant,
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Tenant, Line>> {
        self.tenants.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut lines = self.lines.lock();
        let Some(line) = lines.get_mut(&self.tenant) else {
            return;
        };
        line.under_way -= 1;
        line.news.notify_one();
        if line.under_way == 0 && !line.driven {
            lines.remove(&self.tenant);
        }
    }
}

impl fmt::Debug for Lines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lines")
            .field("config", &self.config)
            .field("tenants", &self.lock().len())
            .finish_non_exhaustive()
    }
}
