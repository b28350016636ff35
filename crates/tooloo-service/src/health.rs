//! Whether a service is ready: its checks, run side by side with a deadline each.

use std::{
    collections::BTreeMap,
    fmt,
    future::Future,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use futures_util::future::{self, BoxFuture};
use serde::Serialize;
use utoipa::ToSchema;

/// The checks of one service.
pub(crate) struct Health {
    checks: Vec<(String, Check)>,
    timeout: Duration,
    draining: AtomicBool,
}

type Check = Box<dyn Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// How one check went.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Outcome {
    status: Status,
    /// In milliseconds.
    latency: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Status {
    Pass,
    Fail,
}

/// How all checks went.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    pub(crate) ready: bool,
    pub(crate) draining: bool,
    pub(crate) checks: BTreeMap<String, Outcome>,
}

impl Health {
    pub(crate) fn new(timeout: Duration) -> Self {
        Self {
            checks: Vec::new(),
            timeout,
            draining: AtomicBool::new(false),
        }
    }

    pub(crate) fn add<F, Fut, E>(&mut self, name: &str, check: F)
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), E>> + Send + 'static,
        E: fmt::Display,
    {
        let check: Check = Box::new(move || {
            let running = check();
            Box::pin(async move { running.await.map_err(|error| error.to_string()) })
        });
        self.checks.push((name.to_owned(), check));
    }

    /// From now on the service is not ready.
    pub(crate) fn drain(&self) {
        self.draining.store(true, Ordering::Release);
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }

    pub(crate) async fn report(&self) -> Report {
        let running = self
            .checks
            .iter()
            .map(|(name, check)| async move { (name.clone(), run(check, self.timeout).await) });
        let checks: BTreeMap<_, _> = future::join_all(running).await.into_iter().collect();
        let draining = self.is_draining();
        let passed = checks.values().all(Outcome::passed);
        Report {
            ready: passed && !draining,
            draining,
            checks,
        }
    }
}

async fn run(check: &Check, timeout: Duration) -> Outcome {
    let started = tooloo_clock::now();
    let result = tokio::time::timeout(timeout, check())
        .await
        .unwrap_or_else(|_| Err(format!("no answer within {timeout:?}")));
    Outcome {
        status: if result.is_ok() {
            Status::Pass
        } else {
            Status::Fail
        },
        latency: started.elapsed().as_secs_f64() * 1000.0,
        error: result.err(),
    }
}

impl Outcome {
    pub(crate) fn passed(&self) -> bool {
        self.status == Status::Pass
    }
}

impl fmt::Debug for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Health")
            .field("draining", &self.is_draining())
            .finish_non_exhaustive()
    }
}
