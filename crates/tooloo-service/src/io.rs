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
    time::{Sleep, sleep, sleep_until},
};
use tooloo_clock::Instant;

use crate::{exchange::Exchanges, unparsed};

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
    patience: Patience,
    exchanges: Arc<Exchanges>,
    head: Head,
    // Set for the head when its first byte comes. Whatever else it is found to wait for, is decided
    // when it goes off: setting it anew for each state would cost every request.
    reading: Pin<Box<Sleep>>,
    writing: Option<Pin<Box<Sleep>>>,
    lingering: Option<usize>,
    refusal: Option<Refusal>,
}

/// An answer that goes out in place of hyper's own.
#[derive(Debug)]
struct Refusal {
    bytes: Vec<u8>,
    sent: usize,
}

/// The head that is arriving, or that arrived last.
#[derive(Clone, Copy, Debug)]
struct Head {
    /// How many exchanges had begun before it: it has arrived once there are more.
    after: usize,
    due: Instant,
}

impl<T> PatientIo<T> {
    pub(crate) fn new(inner: T, patience: Patience, exchanges: Arc<Exchanges>) -> Self {
        let due = tooloo_clock::now() + patience.head;
        Self {
            inner,
            patience,
            exchanges,
            head: Head { after: 0, due },
            reading: Box::pin(sleep_until(due)),
            writing: None,
            lingering: None,
            refusal: None,
        }
    }

    /// Bytes have come: between exchanges, they begin a head.
    fn heard(&mut self) {
        self.exchanges.heard();
        let after = self.exchanges.begun();
        if self.head.after != after && !self.exchanges.is_busy() {
            let due = tooloo_clock::now() + self.patience.head;
            self.head = Head { after, due };
            self.reading.as_mut().reset(due);
        }
    }

    /// Ready once the client has let us wait too long.
    fn poll_patience(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            ready!(self.reading.as_mut().poll(cx));
            let now = tooloo_clock::now();
            let due = match self.exchanges.ended() {
                _ if self.exchanges.is_busy() => now + self.patience.idle,
                Some(ended) if self.head.after != self.exchanges.begun() => {
                    ended + self.patience.idle
                }
                _ => self.head.due,
            };
            if due <= now {
                return Poll::Ready(());
            }
            self.reading.as_mut().reset(due);
        }
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
        let writing = self
            .writing
            .get_or_insert_with(|| Box::pin(sleep(patience)));
        ready!(writing.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<T: AsyncWrite + Unpin> PatientIo<T> {
    /// Sends a problem where hyper is about to refuse, by itself, a head that it cannot parse.
    fn poll_refusal(
        &mut self,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.refusal.is_none() {
            self.refusal = unparsed::exchange(bufs).map(|bytes| {
                // The rest of that head is not read: see `poll_shutdown`.
                self.exchanges.leave_unread();
                Refusal { bytes, sent: 0 }
            });
        }
        while let Some(refusal) = self.refusal.as_mut() {
            let left = &refusal.bytes[refusal.sent..];
            if left.is_empty() {
                self.refusal = None;
                return Poll::Ready(Ok(bufs.iter().map(|buf| buf.len()).sum()));
            }
            let written = Pin::new(&mut self.inner).poll_write(cx, left);
            let sent = ready!(self.bounded(cx, written))?;
            if let Some(refusal) = self.refusal.as_mut() {
                refusal.sent += sent;
            }
        }
        let written = Pin::new(&mut self.inner).poll_write_vectored(cx, bufs);
        self.bounded(cx, written)
    }

    /// Says whether a head is arriving: whatever is sent now was not made by a handler.
    fn is_within_head(&self) -> bool {
        self.head.after == self.exchanges.begun() && !self.exchanges.is_busy()
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for PatientIo<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        if Pin::new(&mut self.inner).poll_read(cx, buf)?.is_ready() {
            if buf.filled().len() > before {
                self.heard();
            }
            return Poll::Ready(Ok(()));
        }
        ready!(self.poll_patience(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncWrite for PatientIo<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.is_within_head() {
            return self.poll_refusal(cx, &[IoSlice::new(buf)]);
        }
        let written = Pin::new(&mut self.inner).poll_write(cx, buf);
        self.bounded(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.is_within_head() {
            return self.poll_refusal(cx, bufs);
        }
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
        if self.lingering.is_none() {
            self.reading.as_mut().reset(tooloo_clock::now() + LINGER);
        }
        let mut left = self.lingering.unwrap_or(LINGER_BYTES);
        let mut scrap = [0; 8 * 1024];
        while left > 0 {
            let mut buf = ReadBuf::new(&mut scrap);
            match Pin::new(&mut self.inner).poll_read(cx, &mut buf) {
                Poll::Ready(Ok(())) if !buf.filled().is_empty() => {
                    left = left.saturating_sub(buf.filled().len());
                }
                Poll::Ready(_) => break,
                Poll::Pending => {
                    self.lingering = Some(left);
                    return self.reading.as_mut().poll(cx).map(Ok);
                }
            }
        }
        Poll::Ready(Ok(()))
    }
}
