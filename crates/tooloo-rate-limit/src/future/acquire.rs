//! Waits for tokens.

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use pin_project_lite::pin_project;
use tokio::time::{Sleep, sleep_until};
use tooloo_clock::{Instant, Moment};
use tooloo_key::Key;

use crate::{
    RateLimited,
    engine::{Engine, Entry},
};

pin_project! {
    /// Future of [`RateLimiter::acquire`](crate::RateLimiter::acquire): waits for tokens.
    ///
    /// Its place in the order is taken when it is first polled.
    #[must_use = "futures do nothing unless polled"]
    pub struct Acquire {
        wait: Wait,
        deadline: Instant,
        // Set once it waits.
        #[pin]
        alarm: Option<Sleep>,
    }
}

struct Wait {
    engine: Arc<Engine>,
    key: Key,
    cost: u64,
    ticket: Option<u64>,
}

impl Acquire {
    pub(crate) fn new(engine: Arc<Engine>, key: Key, cost: u64, deadline: Instant) -> Self {
        let wait = Wait {
            engine,
            key,
            cost,
            ticket: None,
        };
        Self {
            wait,
            deadline,
            alarm: None,
        }
    }
}

impl Future for Acquire {
    type Output = Result<(), RateLimited>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let Wait {
            engine,
            key,
            cost,
            ticket,
        } = this.wait;
        let waiting = if let Some(waiting) = *ticket {
            waiting
        } else {
            let patience = this.deadline.saturating_duration_since(tooloo_clock::now());
            let latest = Moment::exact() + patience;
            match engine.enter(key, *cost, latest, cx.waker()) {
                Entry::Decided(decided) => return Poll::Ready(decided),
                Entry::Waiting(waiting) => {
                    *ticket = Some(waiting);
                    this.alarm.set(Some(sleep_until(*this.deadline)));
                    waiting
                }
            }
        };
        if let Some(decided) = engine.look(waiting, cx.waker()) {
            *ticket = None;
            return Poll::Ready(decided);
        }
        if let Some(alarm) = this.alarm.as_mut().as_pin_mut() {
            ready!(alarm.poll(cx));
        }
        *ticket = None;
        Poll::Ready(engine.expire(waiting, cx.waker()))
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            self.engine.cancel(ticket);
        }
    }
}

impl fmt::Debug for Acquire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Acquire")
            .field("key", &self.wait.key)
            .field("cost", &self.wait.cost)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}
