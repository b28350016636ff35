//! Sends sampled spans to an OpenTelemetry exporter, from a thread of its own.
//!
//! A request only puts its spans into a bounded queue; where that is full, they are dropped and
//! counted.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use opentelemetry::KeyValue;
use opentelemetry_sdk::{
    Resource,
    trace::{SpanData, SpanExporter},
};
use tokio::{
    runtime,
    sync::{mpsc, oneshot},
    time,
};

use crate::{TraceConfig, error::FlushError};

/// Spans that may wait.
const QUEUE: usize = 4096;
/// Spans that are sent at once.
const BATCH: usize = 512;
/// How long the first span of a batch waits for others.
const DELAY: Duration = Duration::from_millis(500);
/// How long one batch may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The near end of the queue.
#[derive(Debug)]
pub(crate) struct Export {
    queue: mpsc::Sender<Message>,
    dropped: AtomicU64,
    sent: Arc<Sent>,
}

/// What became of the spans that left the queue.
#[derive(Debug, Default)]
struct Sent {
    exported: AtomicU64,
    failed: AtomicU64,
}

#[derive(Debug)]
enum Message {
    Span(Box<SpanData>),
    Flush(oneshot::Sender<()>),
}

impl Export {
    /// Starts the thread; `make` is called on its runtime, where the exporter's connections will live.
    pub(crate) fn start<E, Error>(
        config: &TraceConfig,
        make: impl FnOnce() -> Result<E, Error>,
    ) -> Result<Self, Error>
    where
        E: SpanExporter + 'static,
        Error: From<io::Error>,
    {
        // A runtime that outlasts the program's own: the last spans are sent while that shuts down.
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let mut exporter = {
            let _entered = runtime.enter();
            make()?
        };
        exporter.set_resource(&resource(config));
        let (queue, waiting) = mpsc::channel(QUEUE);
        let sent = Arc::<Sent>::default();
        let counts = Arc::clone(&sent);
        thread::Builder::new()
            .name(format!("export-{}", config.service))
            .spawn(move || runtime.block_on(run(exporter, waiting, &counts)))?;
        Ok(Self {
            queue,
            dropped: AtomicU64::new(0),
            sent,
        })
    }

    pub(crate) fn send(&self, span: SpanData) {
        if self.queue.try_send(Message::Span(Box::new(span))).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) async fn flush(&self, deadline: Duration) -> Result<(), FlushError> {
        let (done, flushed) = oneshot::channel();
        let flush = async {
            self.queue
                .send(Message::Flush(done))
                .await
                .map_err(|_| FlushError)?;
            flushed.await.map_err(|_| FlushError)
        };
        time::timeout(deadline, flush)
            .await
            .map_err(|_| FlushError)?
    }

    /// Returns how many spans were exported, failed to be, and were dropped because the queue was full.
    pub(crate) fn counts(&self) -> [u64; 3] {
        [&self.sent.exported, &self.sent.failed, &self.dropped]
            .map(|count| count.load(Ordering::Relaxed))
    }
}

/// Sends batches until every sender is gone and the queue is empty.
async fn run<E: SpanExporter>(exporter: E, mut queue: mpsc::Receiver<Message>, sent: &Sent) {
    let mut messages = Vec::with_capacity(BATCH);
    let mut failing = false;
    while queue.recv_many(&mut messages, BATCH).await > 0 {
        // A batch waits for company, unless someone waits for it.
        let full = time::sleep(DELAY);
        tokio::pin!(full);
        while messages.len() < BATCH
            && !messages
                .iter()
                .any(|message| matches!(message, Message::Flush(_)))
        {
            let room = BATCH - messages.len();
            tokio::select! {
                () = &mut full => break,
                more = queue.recv_many(&mut messages, room) => if more == 0 { break },
            }
        }
        let mut batch = Vec::with_capacity(messages.len());
        let mut flushes = Vec::new();
        for message in messages.drain(..) {
            match message {
                Message::Span(span) => batch.push(*span),
                Message::Flush(done) => flushes.push(done),
            }
        }
        if !batch.is_empty() {
            let spans = batch.len() as u64;
            let failure = match time::timeout(TIMEOUT, exporter.export(batch)).await {
                Ok(Ok(())) => None,
                Ok(Err(error)) => Some(error.to_string()),
                Err(_) => Some("it took too long".to_owned()),
            };
            let count = if failure.is_none() {
                &sent.exported
            } else {
                &sent.failed
            };
            count.fetch_add(spans, Ordering::Relaxed);
            // Once for each time that it breaks: the counts tell the rest.
            if let Some(error) = failure.as_deref().filter(|_| !failing) {
                tracing::warn!(%error, "spans cannot be exported");
            }
            failing = failure.is_some();
        }
        for done in flushes {
            // Whoever asked may have stopped waiting.
            let _ = done.send(());
        }
    }
    // The process is ending; an exporter that cannot close has nobody to tell.
    let _ = exporter.shutdown();
}

/// Names the service; `OTEL_RESOURCE_ATTRIBUTES` adds what the operator wants to add.
fn resource(config: &TraceConfig) -> Resource {
    let version = config
        .version
        .as_deref()
        .map(|version| KeyValue::new("service.version", version.to_owned()));
    Resource::builder()
        .with_service_name(config.service.to_string())
        .with_attributes(version)
        .build()
}
