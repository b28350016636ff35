//! Who waits for which key: bookkeeping, with the time passed in.

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

use super::GatherConfig;
use crate::{KeyedRead, Query, future::Answer, keyed::KeyKind, monitor::Monitor};

/// The reads that are gathered, each with those who wait.
pub(crate) struct Groups {
    config: GatherConfig,
    pub(crate) monitor: Arc<Monitor>,
    waiting: Mutex<HashMap<Name, Group>>,
}

/// What one batch may hold.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Name {
    read: Arc<str>,
    tenant: Option<Key>,
    kind: KeyKind,
}

/// Those who wait, while a task sends batches.
struct Group {
    read: KeyedRead,
    waiting: VecDeque<Waiter>,
    news: Arc<Notify>,
}

/// A query that waits to be sent.
pub(super) struct Waiter {
    pub(super) query: Query,
    pub(super) answer: oneshot::Sender<Answer>,
    since: Instant,
}

/// What became of a query.
pub(super) enum Added {
    /// A task has to be started for its group.
    First(Name, oneshot::Receiver<Answer>),
    Waiting(oneshot::Receiver<Answer>),
    /// Too many wait.
    Full(Box<Query>),
}

/// What a group's task is to do.
pub(super) enum Next {
    Send(KeyedRead, Vec<Waiter>),
    /// Wait for news, for an answer, or until then.
    Wait(Arc<Notify>, Option<Instant>),
    /// The group is no more.
    End,
}

impl Groups {
    pub(crate) fn new(config: GatherConfig, monitor: Arc<Monitor>) -> Self {
        Self {
            config,
            monitor,
            waiting: Mutex::default(),
        }
    }

    /// Adds a query of a read; its only parameter is a key that can be gathered.
    pub(super) fn add(&self, read: &KeyedRead, query: Query) -> Added {
        let key = query.parameters.first().and_then(KeyKind::of);
        let Some(kind) = key.filter(|_| query.parameters.len() == 1) else {
            return Added::Full(Box::new(query));
        };
        let name = Name {
            read: Arc::clone(read.text()),
            tenant: query.tenant.clone(),
            kind,
        };
        let (answer, answered) = oneshot::channel();
        let since = tooloo_clock::now();
        let mut groups = self.lock();
        if let Some(group) = groups.get_mut(&name) {
            if group.waiting.len() >= self.config.waiting {
                return Added::Full(Box::new(query));
            }
            group.waiting.push_back(Waiter {
                query,
                answer,
                since,
            });
            group.news.notify_one();
            return Added::Waiting(answered);
        }
        if groups.len() >= self.config.groups {
            return Added::Full(Box::new(query));
        }
        let group = Group {
            read: read.clone(),
            waiting: VecDeque::from([Waiter {
                query,
                answer,
                since,
            }]),
            news: Arc::default(),
        };
        groups.insert(name.clone(), group);
        Added::First(name, answered)
    }

    /// Says what is to be done for a group, of which so many batches are under way.
    pub(super) fn next(&self, name: &Name, under_way: usize, now: Instant) -> Next {
        let mut groups = self.lock();
        let Some(group) = groups.get_mut(name) else {
            return Next::End;
        };
        // Whoever went away is not asked for.
        group.waiting.retain(|waiter| !waiter.answer.is_closed());
        let Some(first) = group.waiting.front() else {
            if under_way > 0 {
                return Next::Wait(Arc::clone(&group.news), None);
            }
            groups.remove(name);
            return Next::End;
        };
        let due = first.since + self.config.wait;
        let size = self.config.size;
        if under_way > 0 && group.waiting.len() < size && now < due {
            return Next::Wait(Arc::clone(&group.news), Some(due));
        }
        let count = group.waiting.len().min(size);
        Next::Send(group.read.clone(), group.waiting.drain(..count).collect())
    }

    /// Forgets a group whose task has ended; those who wait hear of it.
    pub(super) fn remove(&self, name: &Name) {
        let group = self.lock().remove(name);
        drop(group);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Name, Group>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Groups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Groups")
            .field("config", &self.config)
            .field("groups", &self.lock().len())
            .finish_non_exhaustive()
    }
}
