//! The interleavings of a few borrowers and one connection, with loom's primitives under the exchange.
#![allow(
    dead_code,
    unreachable_pub,
    unused_imports,
    reason = "the crate's own modules, of which a model needs only some items"
)]

mod sync {
    //! Loom's primitives in the place of the standard library's.
    pub(crate) use loom::sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    };
}

#[path = "../src"]
mod under_test {
    pub(crate) mod config;
    pub(crate) mod connection;
    pub(crate) mod error;
    pub(crate) mod exchange;
    pub(crate) mod figures;
    pub(crate) mod handoff;
    pub(crate) mod state;
}

use std::{
    env,
    future::poll_fn,
    num::NonZeroUsize,
    panic::Location,
    task::{Context, Poll},
};

use loom::{future::block_on, model::Builder, sync::Arc, thread};
use tooloo_clock::Moment;

use self::{
    config::{PoolConfig, Times},
    exchange::{CarryOut, Exchange, Place, give_back},
    state::{Claim, Effects, Entry, Given, Pooled, State},
    under_test::{config, connection, error, exchange, figures, handoff, state},
};

const NOW: Moment = Moment::from_nanos(1);

type Model = (&'static str, fn());

const MODELS: [Model; 4] = [
    (
        "a_connection_is_there_after_its_receiver_has_left",
        a_connection_is_there_after_its_receiver_has_left,
    ),
    (
        "who_waits_is_served_whatever_the_other_does",
        who_waits_is_served_whatever_the_other_does,
    ),
    (
        "two_who_want_the_same_have_it_one_after_the_other",
        two_who_want_the_same_have_it_one_after_the_other,
    ),
    (
        "closing_leaves_nobody_waiting",
        closing_leaves_nobody_waiting,
    ),
];

/// A pool of one connection, whose effects are wakes and nothing else.
struct Premises(Exchange<u8>);

/// A lease as the real one is: it gives back when it is dropped.
struct Borrowed<'a> {
    pool: &'a Premises,
    pooled: Option<Box<Pooled<u8>>>,
}

impl CarryOut<u8> for Premises {
    fn exchange(&self) -> &Exchange<u8> {
        &self.0
    }

    fn carry_out(&self, mut effects: Effects<u8>) {
        effects.wake_all();
    }
}

impl Premises {
    /// Has one connection, idle, and makes no other.
    fn new() -> Self {
        // Real time passes within a model: nothing may depend on it.
        let times = Times {
            lifetime: None,
            ..Times::default()
        };
        let config = PoolConfig::new()
            .with_max(NonZeroUsize::MIN)
            .with_times(times)
            .with_seed(1);
        let pool = Self(Exchange::new(State::new(config)));
        let mut effects = Effects::new();
        let mut state = pool.0.lock();
        state.reserve();
        state.connected(0, NOW, &mut effects);
        // Nobody need look after it.
        let tended = state.warm_up(&mut effects);
        assert_eq!(tended, Ok(true));
        drop(state);
        pool.carry_out(effects);
        pool
    }

    fn claim() -> Claim {
        Claim {
            place: Location::caller(),
            tenant: None,
            task: None,
        }
    }

    /// Takes the connection at once, where it is there.
    fn take(&self) -> Option<Borrowed<'_>> {
        if !self.0.may_have_idle() {
            return None;
        }
        let taken = self.0.lock().take_at_once(&Self::claim(), NOW);
        taken.map(|pooled| Borrowed {
            pool: self,
            pooled: Some(pooled),
        })
    }

    /// Returns what polls a place in the line, which is left when it is dropped.
    fn wait(
        &self,
    ) -> impl FnMut(&mut Context<'_>) -> Poll<Result<Given<u8>, error::PoolError>> + use<'_> {
        let entry = Entry {
            claim: Self::claim(),
            at_head: false,
            since: NOW,
            deadline: Moment::from_nanos(u64::MAX),
        };
        let mut place = Place::new(self);
        move |cx| place.poll(&entry, NOW, cx)
    }

    /// Takes the connection, waiting for it; `None` where the pool is closed.
    fn get(&self) -> Option<Borrowed<'_>> {
        self.take().or_else(|| {
            let given = block_on(poll_fn(self.wait()));
            given.ok().map(|given| self.borrowed(given))
        })
    }

    fn borrowed(&self, given: Given<u8>) -> Borrowed<'_> {
        Borrowed {
            pool: self,
            pooled: Some(given.pooled),
        }
    }

    #[track_caller]
    fn assert_at_rest(&self) {
        let standing = self.0.lock().standing();
        let counts = (
            standing.size,
            standing.idle,
            standing.in_use,
            standing.waiting,
        );
        assert_eq!(counts, (1, 1, 0, 0));
    }
}

impl Drop for Borrowed<'_> {
    fn drop(&mut self) {
        let pooled = self.pooled.take().expect("it is given back once");
        give_back(self.pool, pooled, NOW);
    }
}

fn main() {
    let only = env::args()
        .nth(1)
        .filter(|argument| !argument.starts_with('-'));
    for (name, run) in MODELS {
        if only
            .as_ref()
            .is_none_or(|only| name.contains(only.as_str()))
        {
            let mut builder = Builder::new();
            // Three borrowers have more interleavings than there is time for: those with most switches are left out.
            builder.preemption_bound = Some(2);
            builder.check(run);
            println!("model {name} ... ok");
        }
    }
}

fn a_connection_is_there_after_its_receiver_has_left() {
    let pool = Arc::new(Premises::new());
    let lease = pool.take().expect("it is idle");
    let other = thread::spawn({
        let pool = Arc::clone(&pool);
        move || {
            let mut place = pool.wait();
            let polled = block_on(poll_fn(|cx| Poll::Ready(place(cx))));
            // Served or not, it leaves.
            if let Poll::Ready(Ok(given)) = polled {
                drop(pool.borrowed(given));
            }
        }
    });
    drop(lease);
    other.join().expect("it does not panic");
    pool.assert_at_rest();
}

fn who_waits_is_served_whatever_the_other_does() {
    let pool = Arc::new(Premises::new());
    let lease = pool.take().expect("it is idle");
    let impatient = thread::spawn({
        let pool = Arc::clone(&pool);
        move || {
            let mut place = pool.wait();
            let _ = block_on(poll_fn(|cx| Poll::Ready(place(cx).map(drop_given(&pool)))));
        }
    });
    let patient = thread::spawn({
        let pool = Arc::clone(&pool);
        move || drop(pool.get().expect("the pool stays open"))
    });
    drop(lease);
    impatient.join().expect("it does not panic");
    patient.join().expect("it does not panic");
    pool.assert_at_rest();
}

fn drop_given(pool: &Premises) -> impl Fn(Result<Given<u8>, error::PoolError>) {
    move |given| drop(given.map(|given| pool.borrowed(given)))
}

fn two_who_want_the_same_have_it_one_after_the_other() {
    let pool = Arc::new(Premises::new());
    let other = thread::spawn({
        let pool = Arc::clone(&pool);
        move || drop(pool.get().expect("the pool stays open"))
    });
    drop(pool.get().expect("the pool stays open"));
    other.join().expect("it does not panic");
    pool.assert_at_rest();
}

fn closing_leaves_nobody_waiting() {
    let pool = Arc::new(Premises::new());
    let lease = pool.take().expect("it is idle");
    let other = thread::spawn({
        let pool = Arc::clone(&pool);
        move || {
            let mut place = pool.wait();
            block_on(poll_fn(|cx| place(cx).map(drop_given(&pool))));
        }
    });
    let mut effects = Effects::new();
    pool.0.lock().close(NOW, &mut effects);
    pool.carry_out(effects);
    drop(lease);
    other.join().expect("it does not panic");
    let standing = pool.0.lock().standing();
    assert_eq!((standing.size, standing.waiting), (0, 0));
}
