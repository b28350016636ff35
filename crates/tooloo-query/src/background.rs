//! Work that no query waits for: analyses and plans.

use std::sync::{Arc, OnceLock, Weak};

use tokio::{runtime::Handle, sync::mpsc, task::spawn_blocking};

use crate::{
    Database, Query, analyze,
    database::Inner,
    explain,
    monitor::{Known, Monitor, Report},
};

/// How many jobs may wait.
const ROOM: usize = 256;

/// A task that works off jobs, one at a time; it begins with the first one and ends with its database.
#[derive(Debug, Default)]
pub(crate) struct Background {
    jobs: OnceLock<mpsc::Sender<Job>>,
}

#[derive(Debug)]
pub(crate) enum Job {
    /// Look for anti-patterns.
    Analyse(Arc<Known>),
    /// Find out why it was slow.
    Explain {
        query: Query,
        known: Arc<Known>,
        // Its number in the log.
        slow: u64,
    },
}

impl Background {
    /// Adds a job, unless too many wait.
    pub(crate) fn send(&self, database: &Arc<Inner>, job: Job) {
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        let jobs = self.jobs.get_or_init(|| {
            let (jobs, inbox) = mpsc::channel(ROOM);
            runtime.spawn(work(inbox, Arc::downgrade(database)));
            jobs
        });
        // Advice is worth no waiting.
        let _ = jobs.try_send(job);
    }
}

async fn work(mut inbox: mpsc::Receiver<Job>, database: Weak<Inner>) {
    while let Some(job) = inbox.recv().await {
        let Some(inner) = database.upgrade() else {
            return;
        };
        let database = Database { inner };
        match job {
            Job::Analyse(known) => {
                let monitor = Arc::clone(&database.inner.monitor);
                drop(database);
                let _ = spawn_blocking(move || analyse(&monitor, &known)).await;
            }
            Job::Explain { query, known, slow } => look(&database, &query, &known, slow).await,
        }
    }
}

fn analyse(monitor: &Monitor, known: &Known) {
    // What cannot be parsed may be all the same to its database.
    if let Ok(findings) = analyze(&known.text, monitor.dialect) {
        let rules = findings.into_iter().map(|finding| finding.rule);
        known.figures.add_rules(rules);
    }
}

async fn look(database: &Database, query: &Query, known: &Known, slow: u64) {
    let monitor = &database.inner.monitor;
    if let Some(plan) = known.plan.fresh() {
        monitor.slow.add_plan(slow, plan);
        return;
    }
    let Ok(plan) = explain::explain(database, query).await else {
        return;
    };
    known.plan.set(plan.to_string());
    monitor.slow.add_plan(slow, plan.to_string());
    let advice = explain::advise(database, query, &plan).await;
    for advice in advice.unwrap_or_default() {
        let create = advice.to_string();
        let fingerprint = &known.statement.fingerprint;
        monitor
            .reports
            .add(Report::MissingIndex { create }, fingerprint, None);
    }
}
