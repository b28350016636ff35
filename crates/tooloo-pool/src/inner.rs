//! What clones, leases and the pool's own tasks share.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    runtime::Handle,
    sync::{Notify, watch},
};

use crate::{
    Leak, PoolConfig, Times,
    connecting::{self, Reservation},
    connection::{BoxError, Connection},
    connector::Connect,
    deadlines::{self, Watching},
    exchange::{CarryOut, Exchange},
    figures::{Histogram, Standing, Waits},
    handle::View,
    mend,
    state::{Dead, Effects, State},
    upkeep,
};

/// A pool without its clones.
pub(crate) struct Inner<C> {
    pub(crate) exchange: Exchange<C>,
    pub(crate) connector: Box<dyn Connect<C>>,
    pub(crate) times: Times,
    pub(crate) always_reset: bool,
    /// Of those who were lent a connection that they waited for.
    pub(crate) waits: Waits,
    pub(crate) timeouts: AtomicU64,
    /// Tells of each connection that is made, and of the end of the pool.
    pub(crate) news: Arc<Notify>,
    pub(crate) drained: Notify,
    pub(crate) closed: watch::Sender<bool>,
    last_failure: Mutex<Option<Arc<BoxError>>>,
    // Of whoever used the pool last and had one, for leases that are dropped outside of any.
    runtime: Mutex<Option<Handle>>,
}

impl<C: Connection> Inner<C> {
    pub(crate) fn new(connector: impl Connect<C> + 'static, config: PoolConfig) -> Self {
        Self {
            connector: Box::new(connector),
            times: config.times.clone(),
            always_reset: config.always_reset,
            exchange: Exchange::new(State::new(config)),
            waits: Waits::default(),
            timeouts: AtomicU64::new(0),
            news: Arc::new(Notify::new()),
            drained: Notify::new(),
            closed: watch::Sender::new(false),
            last_failure: Mutex::new(None),
            runtime: Mutex::new(None),
        }
    }

    /// Runs a task of the pool's own. Where there is no runtime it is dropped, and its guards clean up.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut last = self.runtime.lock().unwrap_or_else(PoisonError::into_inner);
        if let Ok(current) = Handle::try_current() {
            *last = Some(current);
        }
        let runtime = last.clone();
        drop(last);
        match runtime {
            Some(runtime) => drop(runtime.spawn(task)),
            None => drop(task),
        }
    }

    /// Remembers why the last attempt to connect failed; a success forgets it.
    pub(crate) fn set_last_failure(&self, failure: Option<BoxError>) {
        let mut last = self
            .last_failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let former = std::mem::replace(&mut *last, failure.map(Arc::new));
        drop(last);
        drop(former);
    }

    pub(crate) fn last_failure(&self) -> Option<Arc<BoxError>> {
        let last = self
            .last_failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        last.clone()
    }

    /// Changes the state, and then lets those know who wait for the end of the pool.
    pub(crate) fn settle(&self, change: impl FnOnce(&mut State<C>)) {
        let mut state = self.exchange.lock();
        change(&mut state);
        let drained = state.is_drained();
        drop(state);
        if drained {
            self.drained.notify_waiters();
        }
    }
}

impl<C: Connection> CarryOut<C> for Arc<Inner<C>> {
    fn exchange(&self) -> &Exchange<C> {
        &self.exchange
    }

    #[inline]
    fn carry_out(&self, mut effects: Effects<C>) {
        effects.wake_all();
        if !effects.is_light() {
            carry_out_heavy(self, effects);
        }
    }
}

#[cold]
fn carry_out_heavy<C: Connection>(pool: &Arc<Inner<C>>, effects: Effects<C>) {
    if effects.upkeep {
        pool.spawn(upkeep::run(upkeep::Tending::new(pool)));
    }
    if effects.watch {
        pool.spawn(deadlines::run(Watching::new(pool)));
    }
    for _ in 0..effects.connect {
        pool.spawn(connecting::run(Reservation::new(pool)));
    }
    for Dead { connection, reason } in effects.dead {
        tracing::debug!(reason = reason.as_str(), "a pooled connection is closed");
        pool.spawn(mend::close(mend::Closing::new(pool), connection));
    }
}

impl<C: Connection> View for Inner<C> {
    fn standing(&self) -> Standing {
        self.exchange.lock().standing()
    }

    fn waits(&self) -> Histogram {
        self.waits.read()
    }

    fn timeouts(&self) -> u64 {
        self.timeouts.load(Ordering::Relaxed)
    }

    fn leaks(&self) -> Vec<Leak> {
        let after = self.times.leak.unwrap_or(Duration::MAX);
        self.exchange.lock().leaks(after, tooloo_clock::coarse())
    }
}
