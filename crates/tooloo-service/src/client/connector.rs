//! Connections that know whether they have served before.

use std::{
    future::Future,
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
};

use http::Uri;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::{
    client::legacy::connect::{Connected, Connection, HttpConnector},
    rt::TokioIo,
};
use pin_project_lite::pin_project;
use tokio::net::TcpStream;
use tower_service::Service;

/// Whether an answer has come over a connection; hyper-util hands it out with every answer.
#[derive(Clone, Debug, Default)]
pub(super) struct Uses(Arc<AtomicBool>);

/// Makes connections that carry [`Uses`].
#[derive(Clone, Debug)]
pub(super) struct CountingConnector {
    inner: HttpConnector,
}

pin_project! {
    /// Future of a [`CountingConnector`].
    pub(super) struct Connecting {
        #[pin]
        inner: <HttpConnector as Service<Uri>>::Future,
    }
}

/// A connection with its [`Uses`].
#[derive(Debug)]
pub(super) struct Counted {
    inner: TokioIo<TcpStream>,
    uses: Uses,
}

impl Uses {
    pub(super) fn answered(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(super) fn has_answered(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl CountingConnector {
    pub(super) fn new(inner: HttpConnector) -> Self {
        Self { inner }
    }
}

impl Service<Uri> for CountingConnector {
    type Response = Counted;
    type Error = <HttpConnector as Service<Uri>>::Error;
    type Future = Connecting;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, uri: Uri) -> Connecting {
        Connecting {
            inner: self.inner.call(uri),
        }
    }
}

impl Future for Connecting {
    type Output = Result<Counted, <HttpConnector as Service<Uri>>::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let inner = ready!(self.project().inner.poll(cx))?;
        let uses = Uses::default();
        Poll::Ready(Ok(Counted { inner, uses }))
    }
}

impl Connection for Counted {
    fn connected(&self) -> Connected {
        self.inner.connected().extra(self.uses.clone())
    }
}

impl Read for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buf)
    }
}

impl Write for Counted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(cx, bufs)
    }
}
