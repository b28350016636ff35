//! A body that is coming, read by several at once while it is gathered.

use std::{
    fmt,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use tokio::sync::Notify;

/// What has come of a body, and who reads it.
pub(crate) struct Progress {
    state: Mutex<State>,
    deserted: Notify,
}

#[derive(Default)]
struct State {
    chunks: Vec<Bytes>,
    bytes: usize,
    end: Option<End>,
    readers: usize,
    waiting: Vec<(usize, Waker)>,
    next_reader: usize,
}

/// How a body ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum End {
    /// As it should.
    Clean,
    /// As it should, but for trailers, which are the first reader's only.
    Trailers,
    /// Before it should; what comes, if anything, is the first reader's only.
    Broken,
}

/// Reads a body from its beginning.
pub(crate) struct Reader {
    progress: Arc<Progress>,
    id: usize,
    read: usize,
}

impl Progress {
    /// Begins with what is there already.
    pub(crate) fn new(chunks: Vec<Bytes>) -> Arc<Self> {
        let state = State {
            bytes: chunks.iter().map(Bytes::len).sum(),
            chunks,
            ..State::default()
        };
        Arc::new(Self {
            state: Mutex::new(state),
            deserted: Notify::new(),
        })
    }

    pub(crate) fn reader(self: &Arc<Self>) -> Reader {
        let mut state = self.lock();
        state.readers += 1;
        state.next_reader += 1;
        Reader {
            progress: Arc::clone(self),
            id: state.next_reader,
            read: 0,
        }
    }

    /// Adds what came, and returns how many bytes there are.
    pub(crate) fn push(&self, chunk: Bytes) -> usize {
        let (bytes, waiting) = {
            let mut state = self.lock();
            state.bytes += chunk.len();
            state.chunks.push(chunk);
            (state.bytes, std::mem::take(&mut state.waiting))
        };
        wake(waiting);
        bytes
    }

    /// Ends it; only the first end counts.
    pub(crate) fn end(&self, end: End) {
        let waiting = {
            let mut state = self.lock();
            state.end.get_or_insert(end);
            std::mem::take(&mut state.waiting)
        };
        wake(waiting);
    }

    pub(crate) fn bytes(&self) -> usize {
        self.lock().bytes
    }

    /// Returns all that has come in one piece.
    pub(crate) fn joined(&self) -> Bytes {
        join(&self.lock().chunks)
    }

    /// Waits until nobody reads it.
    pub(crate) async fn deserted(&self) {
        loop {
            let notified = self.deserted.notified();
            if self.lock().readers == 0 {
                return;
            }
            notified.await;
        }
    }

    pub(crate) fn is_read(&self) -> bool {
        self.lock().readers > 0
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reader {
    /// Returns the next chunk, or how the body ended.
    pub(crate) fn poll_chunk(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Bytes, End>> {
        let this = self.get_mut();
        let mut state = this.progress.lock();
        if let Some(chunk) = state.chunks.get(this.read) {
            this.read += 1;
            return Poll::Ready(Ok(chunk.clone()));
        }
        if let Some(end) = state.end {
            return Poll::Ready(Err(end));
        }
        match state.waiting.iter_mut().find(|(id, _)| *id == this.id) {
            Some((_, waker)) => waker.clone_from(cx.waker()),
            None => state.waiting.push((this.id, cx.waker().clone())),
        }
        Poll::Pending
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let deserted = {
            let mut state = self.progress.lock();
            state.readers -= 1;
            state.waiting.retain(|(id, _)| *id != self.id);
            state.readers == 0
        };
        if deserted {
            self.progress.deserted.notify_one();
        }
    }
}

/// Makes one piece of many.
pub(crate) fn join(chunks: &[Bytes]) -> Bytes {
    match chunks {
        [] => Bytes::new(),
        [chunk] => chunk.clone(),
        chunks => chunks.concat().into(),
    }
}

fn wake(waiting: Vec<(usize, Waker)>) {
    for (_, waker) in waiting {
        waker.wake();
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.lock();
        f.debug_struct("Progress")
            .field("bytes", &state.bytes)
            .field("end", &state.end)
            .field("readers", &state.readers)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").finish_non_exhaustive()
    }
}
