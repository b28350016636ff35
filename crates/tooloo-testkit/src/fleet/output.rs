//! What a child process prints, read as it comes so that it never blocks.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt},
    process::Child,
    sync::watch,
    time::timeout,
};

/// How much of each stream is kept.
const KEPT: usize = 16 << 20;
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(super) struct Output {
    stdout: Arc<Mutex<Vec<u8>>>,
    stderr: Arc<Mutex<Vec<u8>>>,
    // Every reader holds a sender: the channel closes when the last stream ends.
    closed: watch::Receiver<()>,
}

impl Output {
    pub(super) fn of(child: &mut Child) -> Self {
        let (open, closed) = watch::channel(());
        let open = Arc::new(open);
        let stdout = child.stdout.take().expect("standard output is piped");
        let stderr = child.stderr.take().expect("standard error is piped");
        Self {
            stdout: read(stdout, Arc::clone(&open)),
            stderr: read(stderr, open),
            closed,
        }
    }

    pub(super) fn stdout(&self) -> String {
        text(&self.stdout)
    }

    pub(super) fn stderr(&self) -> String {
        text(&self.stderr)
    }

    /// Waits until both streams have ended.
    pub(super) async fn closed(&self) {
        let mut closed = self.closed.clone();
        while closed.changed().await.is_ok() {}
    }

    /// Waits for the rest of what an exited process printed.
    pub(super) async fn finish(&self) {
        // A grandchild may keep the streams open; what it prints is not waited for.
        drop(timeout(PATIENCE, self.closed()).await);
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "--- stdout\n{}--- stderr\n{}",
            self.stdout(),
            self.stderr()
        )
    }
}

fn read(
    mut stream: impl AsyncRead + Send + Unpin + 'static,
    open: Arc<watch::Sender<()>>,
) -> Arc<Mutex<Vec<u8>>> {
    let kept = Arc::new(Mutex::new(Vec::new()));
    let reader = Arc::clone(&kept);
    tokio::spawn(async move {
        let mut chunk = vec![0; 8192];
        while let Ok(length @ 1..) = stream.read(&mut chunk).await {
            let mut kept = reader.lock().unwrap_or_else(PoisonError::into_inner);
            let room = KEPT.saturating_sub(kept.len()).min(length);
            kept.extend_from_slice(&chunk[..room]);
        }
        drop(open);
    });
    kept
}

fn text(kept: &Mutex<Vec<u8>>) -> String {
    String::from_utf8_lossy(&kept.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
}
