//! Background tasks that end before their service does.

use std::{
    fmt,
    future::Future,
    mem,
    panic::AssertUnwindSafe,
    sync::{Mutex, PoisonError},
};

use futures_util::{FutureExt, future::BoxFuture};
use tokio::{sync::watch, task::JoinSet};
use tracing::Instrument;

/// Tells a background task, or a long answer, that the service is ending.
#[derive(Clone, Debug)]
pub struct Stop {
    requested: watch::Receiver<bool>,
}

/// Asks for the stop.
#[derive(Clone, Debug)]
pub(crate) struct Stopper {
    request: watch::Sender<bool>,
}

/// Tasks that wait for the service to be complete.
#[derive(Default)]
pub(crate) struct Planned {
    tasks: Vec<(String, Task)>,
}

type Task = Box<dyn FnOnce(Stop) -> BoxFuture<'static, ()> + Send>;

/// Tasks that run.
#[derive(Debug)]
pub(crate) struct Tasks {
    stopper: Stopper,
    running: Mutex<JoinSet<()>>,
}

impl Stop {
    /// Waits until the stop is requested.
    pub async fn requested(&self) {
        // A stopper that is gone can no longer ask: that is a stop, too.
        drop(
            self.requested
                .clone()
                .wait_for(|requested| *requested)
                .await,
        );
    }

    /// Says whether the stop has been requested.
    pub fn is_requested(&self) -> bool {
        *self.requested.borrow() || self.requested.has_changed().is_err()
    }
}

impl Stopper {
    pub(crate) fn new() -> Self {
        Self {
            request: watch::Sender::new(false),
        }
    }

    pub(crate) fn stop(&self) -> Stop {
        Stop {
            requested: self.request.subscribe(),
        }
    }

    pub(crate) fn request(&self) {
        self.request.send_replace(true);
    }
}

impl Planned {
    pub(crate) fn add<F, Fut>(&mut self, service: &'static str, name: &str, task: F)
    where
        F: FnOnce(Stop) -> Fut + Send + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        // An error span is there at every level of logging: lines of the task name the service.
        let span = tracing::error_span!("task", service, task = name);
        let task = Box::new(|stop| Box::pin(task(stop).instrument(span)) as BoxFuture<'static, ()>);
        self.tasks.push((name.to_owned(), task));
    }

    pub(crate) fn start(self) -> Tasks {
        let stopper = Stopper::new();
        let mut running = JoinSet::new();
        for (name, task) in self.tasks {
            let task = AssertUnwindSafe(task(stopper.stop())).catch_unwind();
            running.spawn(async move {
                if task.await.is_err() {
                    tracing::error!(task = name, "a background task panicked");
                }
            });
        }
        Tasks {
            stopper,
            running: Mutex::new(running),
        }
    }
}

impl Tasks {
    /// Asks all tasks to stop and waits for them; they are cut off where the wait is.
    pub(crate) async fn end(&self) {
        self.stopper.request();
        let mut running =
            mem::take(&mut *self.running.lock().unwrap_or_else(PoisonError::into_inner));
        while running.join_next().await.is_some() {}
    }
}

impl Drop for Tasks {
    fn drop(&mut self) {
        self.stopper.request();
    }
}

impl fmt::Debug for Planned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.tasks.iter().map(|(name, _)| name);
        f.debug_list().entries(names).finish()
    }
}
