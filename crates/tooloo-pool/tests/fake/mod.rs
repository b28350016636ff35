//! A server without a network: it can refuse, fall silent and restart, and it knows who is connected.
#![allow(
    clippy::unwrap_used,
    dead_code,
    unreachable_pub,
    reason = "each test file uses a part of it, and what fails here fails the test"
)]

use std::{
    future::pending,
    io,
    num::NonZeroUsize,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use tokio::time::sleep;
use tooloo_hub::Observe as _;
use tooloo_pool::{Connection, Pool, PoolConfig, PoolSnapshot, Times};
use tower::service_fn;

/// A server that hands out numbered connections.
#[derive(Clone, Debug, Default)]
pub struct Server(Arc<State>);

#[derive(Debug, Default)]
struct State {
    made: AtomicUsize,
    open: AtomicUsize,
    closed_politely: AtomicUsize,
    connecting: AtomicUsize,
    most_connecting: AtomicUsize,
    attempts: AtomicUsize,
    checks: AtomicUsize,
    resets: AtomicUsize,
    // Connections of an earlier run are broken.
    run: AtomicU64,
    refusing: AtomicBool,
    silent: AtomicBool,
    unresettable: AtomicBool,
    delay_millis: AtomicU64,
}

/// A connection to a [`Server`].
#[derive(Debug)]
pub struct Fake {
    pub number: usize,
    pub in_transaction: bool,
    /// Known to be broken, without asking.
    pub broken: bool,
    run: u64,
    server: Server,
}

/// Counts one down when it is dropped.
struct Count<'a>(&'a AtomicUsize);

impl Server {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn pool(&self, config: PoolConfig) -> Pool<Fake> {
        let server = self.clone();
        Pool::new(
            service_fn(move |()| {
                let server = server.clone();
                async move { server.connect().await }
            }),
            config,
        )
    }

    pub fn set_refusing(&self, refusing: bool) {
        self.0.refusing.store(refusing, SeqCst);
    }

    /// Neither connects nor answers.
    pub fn set_silent(&self, silent: bool) {
        self.0.silent.store(silent, SeqCst);
    }

    pub fn set_unresettable(&self, unresettable: bool) {
        self.0.unresettable.store(unresettable, SeqCst);
    }

    pub fn set_delay(&self, delay: Duration) {
        let millis = u64::try_from(delay.as_millis()).unwrap();
        self.0.delay_millis.store(millis, SeqCst);
    }

    /// Breaks all connections there are, which only a check finds out.
    pub fn restart(&self) {
        self.0.run.fetch_add(1, SeqCst);
    }

    pub fn made(&self) -> usize {
        self.0.made.load(SeqCst)
    }

    pub fn open(&self) -> usize {
        self.0.open.load(SeqCst)
    }

    pub fn closed_politely(&self) -> usize {
        self.0.closed_politely.load(SeqCst)
    }

    pub fn most_connecting(&self) -> usize {
        self.0.most_connecting.load(SeqCst)
    }

    pub fn attempts(&self) -> usize {
        self.0.attempts.load(SeqCst)
    }

    pub fn checks(&self) -> usize {
        self.0.checks.load(SeqCst)
    }

    pub fn resets(&self) -> usize {
        self.0.resets.load(SeqCst)
    }

    async fn connect(&self) -> io::Result<Fake> {
        let state = &*self.0;
        state.attempts.fetch_add(1, SeqCst);
        let connecting = state.connecting.fetch_add(1, SeqCst) + 1;
        state.most_connecting.fetch_max(connecting, SeqCst);
        let _count = Count(&state.connecting);
        if state.silent.load(SeqCst) {
            pending::<()>().await;
        }
        match state.delay_millis.load(SeqCst) {
            0 => {}
            millis => sleep(Duration::from_millis(millis)).await,
        }
        if state.refusing.load(SeqCst) {
            return Err(io::Error::other("the fake server refuses"));
        }
        state.open.fetch_add(1, SeqCst);
        Ok(Fake {
            number: state.made.fetch_add(1, SeqCst),
            in_transaction: false,
            broken: false,
            run: state.run.load(SeqCst),
            server: self.clone(),
        })
    }
}

impl Fake {
    /// Talks to the server.
    pub async fn ask(&self) -> io::Result<()> {
        if self.server.0.silent.load(SeqCst) {
            pending::<()>().await;
        }
        tokio::task::yield_now().await;
        if self.run == self.server.0.run.load(SeqCst) && !self.broken {
            Ok(())
        } else {
            Err(io::Error::other("the fake connection is broken"))
        }
    }
}

impl Connection for Fake {
    type Error = io::Error;

    async fn check(&mut self) -> io::Result<()> {
        self.server.0.checks.fetch_add(1, SeqCst);
        self.ask().await
    }

    async fn reset(&mut self) -> io::Result<()> {
        self.server.0.resets.fetch_add(1, SeqCst);
        self.ask().await?;
        if self.server.0.unresettable.load(SeqCst) {
            return Err(io::Error::other("the fake connection cannot be reset"));
        }
        self.in_transaction = false;
        Ok(())
    }

    async fn close(self) {
        if self.ask().await.is_ok() {
            self.server.0.closed_politely.fetch_add(1, SeqCst);
        }
    }

    fn is_dirty(&self) -> bool {
        self.in_transaction
    }

    fn is_closed(&self) -> bool {
        self.broken
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.server.0.open.fetch_sub(1, SeqCst);
    }
}

impl Drop for Count<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

/// A pool's settings with this many connections at the most.
pub fn config(max: usize) -> PoolConfig {
    PoolConfig::new().with_max(nonzero(max)).with_seed(7)
}

pub fn with_times(config: PoolConfig, change: impl FnOnce(&mut Times)) -> PoolConfig {
    let mut times = Times::default();
    change(&mut times);
    config.with_times(times)
}

pub fn nonzero(number: usize) -> NonZeroUsize {
    NonZeroUsize::new(number).unwrap()
}

pub fn snapshot<C: Connection>(pool: &Pool<C>) -> PoolSnapshot {
    pool.handle().snapshot()
}
