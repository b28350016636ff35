//! A socket that does not wait for ever: for a request's head, for the next request, for a reader.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

use crate::exchange::Exchanges;

/// How long a closed connection is read on, so that the client sees the answer and not a reset.
const LINGER: Duration = Duration::from_secs(2);

/// How much is read and thrown away meanwhile, in bytes.
const LINGER_BYTES: usize = 4 << 20;

/// How long a client may let us wait.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// For a whole head, from its first byte; also for the first byte of all.
    pub(crate) head: Duration,
    /// For the next request.
    pub(crate) idle: Duration,
    /// For taking any byte of an answer.
    pub(crate) write: Duration,
}

/// Fails with [`io::ErrorKind::TimedOut`] where a client is slower than allowed.
///
/// It watches the socket and not hyper's parser, because a client that never sends a byte, one that
/// sends one byte a minute and one that is between requests need different patience.
#[derive(Debug)]
pub(crate) struct PatientIo<T> {
    inner: T,
    reading: Pin<Box<Sleep>>,
    writing: Option<Pin<Box<Sleep>>>,
    waiting: Waiting,
    // The exchanges that had begun when `waiting` was last set.
    seen: usize,
    lingered: usize,
    patience: Patience,
    exchanges: Arc<Exchanges>,
}

/// What is being waited for on the reading side.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Waiting {
    Head,
    NextRequest,
    /// For nothing that has a bound here: an exchange is going on.
    Nothing,
    /// For the client to see that we are done.
    Close,
}

impl<T> PatientIo<T> {
    pub(crate) fn new(inner: T, patience: Patience, exchanges: Arc<Exchanges>) -> Self {
        Self {
            inner,
            reading: Box::pin(sleep(patience.head)),
            writing: None,
            waiting: Waiting::Head,
            seen: 0,
            lingered: 0,
            patience,
            exchanges,
        }
    }

    /// Sets the clock anew where something else is waited for than before.
    fn wait_for(&mut self, waiting: Waiting) {
        self.seen = self.exchanges.begun();
        if self.waiting == waiting {
            return;
        }
        self.waiting = waiting;
        let patience = match waiting {
            Waiting::Head => self.patience.head,
            Waiting::NextRequest => self.patience.idle,
            Waiting::Nothing => return,
            Waiting::Close => LINGER,
        };
        self.reading.as_mut().reset(tooloo_clock::now() + patience);
    }

    fn waits_in_vain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.waiting == Waiting::Nothing {
            return Poll::Pending;
        }
        ready!(self.reading.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }

    /// Bounds how long `written` stays pending.
    fn bounded<R>(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<R>>,
    ) -> Poll<io::Result<R>> {
        if written.is_ready() {
            self.writing = None;
            return written;
        }
        let patience = self.patience.write;
        let writing = self.writing.get_or_insert_with(|| Box::pin(sleep(patience)));
        ready!(writing.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for PatientIo<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.inner).poll_read(cx, buf)?;
        let busy = self.exchanges.is_busy();
        if read.is_ready() {
            if buf.filled().len() > before {
                self.exchanges.heard();
                if !busy {
                    self.wait_for(Waiting::Head);
                }
            }
            return Poll::Ready(Ok(()));
        }
        if busy {
            self.wait_for(Waiting::Nothing);
        } else if self.waiting == Waiting::Nothing || self.seen != self.exchanges.begun() {
            self.wait_for(Waiting::NextRequest);
        }
        self.waits_in_vain(cx)
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncWrite for PatientIo<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write(cx, buf);
        self.bounded(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write_vectored(cx, bufs);
        self.bounded(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.inner).poll_flush(cx);
        self.bounded(cx, flushed)
    }

    /// Closes our side; where the client is still sending, reads on for a while. Closing both sides
    /// at once would reset the connection, and the client would lose the answer that tells it why.
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let closed = Pin::new(&mut self.inner).poll_shutdown(cx);
        ready!(self.bounded(cx, closed))?;
        if !self.exchanges.left_unread() {
            return Poll::Ready(Ok(()));
        }
        self.wait_for(Waiting::Close);
        let mut scrap = [0; 8 * 1024];
        while self.lingered < LINGER_BYTES {
            let mut buf = ReadBuf::new(&mut scrap);
            match Pin::new(&mut self.inner).poll_read(cx, &mut buf) {
                Poll::Ready(Ok(())) if !buf.filled().is_empty() => {
                    self.lingered += buf.filled().len();
                }
                Poll::Ready(_) => break,
                Poll::Pending => {
                    let waited = self.waits_in_vain(cx);
                    return waited.map(|_| Ok(()));
                }
            }
        }
        Poll::Ready(Ok(()))
    }
}
