//! The body of an answer that went by a cache.

use std::{
    error, fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tokio::sync::oneshot;

use crate::progress::{End, Reader};

pin_project! {
    /// A body from the store, from the service, or from the service through the store.
    #[derive(Debug)]
    pub struct CacheBody<B: Body> {
        #[pin]
        kind: Kind<B>,
    }
}

pin_project! {
    #[project = KindProj]
    #[derive(Debug)]
    enum Kind<B: Body> {
        Whole { bytes: Bytes },
        Passed { #[pin] inner: B },
        Following { #[pin] reader: Reader, left: Option<u64> },
        Leading {
            #[pin]
            reader: Reader,
            left: Option<u64>,
            // What its fill leaves to its first reader alone.
            #[pin]
            rest: oneshot::Receiver<Rest<B>>,
        },
        Rest { rest: Option<Rest<B>> },
    }
}

/// What comes of a body after that which is stored.
pub(crate) enum Rest<B: Body> {
    /// It failed.
    Failed(B::Error),
    /// Frames that came, and whatever follows them.
    Body(Option<Frame<B::Data>>, Pin<Box<B>>),
}

/// Why a body broke off.
#[derive(Debug)]
pub enum CacheBodyError<E> {
    /// The response that another request was fetching broke off.
    Broken,
    /// The service's body failed with this error.
    Inner(E),
}

impl<B: Body> CacheBody<B> {
    pub(crate) fn whole(bytes: Bytes) -> Self {
        Self {
            kind: Kind::Whole { bytes },
        }
    }

    pub(crate) fn passed(inner: B) -> Self {
        Self {
            kind: Kind::Passed { inner },
        }
    }

    pub(crate) fn following(reader: Reader, left: Option<u64>) -> Self {
        Self {
            kind: Kind::Following { reader, left },
        }
    }

    pub(crate) fn leading(
        reader: Reader,
        left: Option<u64>,
        rest: oneshot::Receiver<Rest<B>>,
    ) -> Self {
        Self {
            kind: Kind::Leading { reader, left, rest },
        }
    }
}

impl<B: Body<Data = Bytes>> Body for CacheBody<B> {
    type Data = Bytes;
    type Error = CacheBodyError<B::Error>;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let mut kind = self.project().kind;
        loop {
            match kind.as_mut().project() {
                KindProj::Whole { bytes } => {
                    let bytes = std::mem::take(bytes);
                    let frame = (!bytes.is_empty()).then(|| Ok(Frame::data(bytes)));
                    return Poll::Ready(frame);
                }
                KindProj::Passed { inner } => {
                    let frame = ready!(inner.poll_frame(cx));
                    return Poll::Ready(frame.map(|frame| frame.map_err(CacheBodyError::Inner)));
                }
                KindProj::Following { reader, left } => {
                    return Poll::Ready(match ready!(reader.poll_chunk(cx)) {
                        Ok(chunk) => Some(Ok(counted(chunk, left))),
                        Err(End::Clean | End::Trailers) => None,
                        Err(End::Broken) => Some(Err(CacheBodyError::Broken)),
                    });
                }
                KindProj::Leading { reader, left, rest } => {
                    match ready!(reader.poll_chunk(cx)) {
                        Ok(chunk) => return Poll::Ready(Some(Ok(counted(chunk, left)))),
                        Err(End::Clean) => return Poll::Ready(None),
                        Err(End::Trailers | End::Broken) => {}
                    }
                    let rest = ready!(rest.poll(cx)).ok();
                    kind.set(Kind::Rest { rest });
                }
                KindProj::Rest { rest } => return poll_rest(rest, cx),
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Whole { bytes } => bytes.is_empty(),
            Kind::Passed { inner } => inner.is_end_stream(),
            _ => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Whole { bytes } => SizeHint::with_exact(bytes.len() as u64),
            Kind::Passed { inner } => inner.size_hint(),
            Kind::Following { left, .. } | Kind::Leading { left, .. } => {
                left.map_or_else(SizeHint::default, SizeHint::with_exact)
            }
            Kind::Rest { .. } => SizeHint::default(),
        }
    }
}

fn counted(chunk: Bytes, left: &mut Option<u64>) -> Frame<Bytes> {
    if let Some(left) = left {
        *left = left.saturating_sub(chunk.len() as u64);
    }
    Frame::data(chunk)
}

type Polled<E> = Poll<Option<Result<Frame<Bytes>, CacheBodyError<E>>>>;

fn poll_rest<B: Body<Data = Bytes>>(
    rest: &mut Option<Rest<B>>,
    cx: &mut Context<'_>,
) -> Polled<B::Error> {
    match rest {
        Some(Rest::Body(frame, inner)) => {
            if let Some(frame) = frame.take() {
                return Poll::Ready(Some(Ok(frame)));
            }
            let frame = ready!(inner.as_mut().poll_frame(cx));
            Poll::Ready(frame.map(|frame| frame.map_err(CacheBodyError::Inner)))
        }
        // Its fill is gone without a word, or it was told so before.
        None => Poll::Ready(Some(Err(CacheBodyError::Broken))),
        Some(Rest::Failed(_)) => {
            let Some(Rest::Failed(error)) = rest.take() else {
                return Poll::Ready(None);
            };
            Poll::Ready(Some(Err(CacheBodyError::Inner(error))))
        }
    }
}

impl<B: Body> From<Bytes> for CacheBody<B> {
    fn from(bytes: Bytes) -> Self {
        Self::whole(bytes)
    }
}

impl<B: Body> Default for CacheBody<B> {
    fn default() -> Self {
        Self::whole(Bytes::new())
    }
}

impl<B: Body> fmt::Debug for Rest<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Failed(_) => "Failed",
            Self::Body(..) => "Body",
        })
    }
}

impl<E: fmt::Display> fmt::Display for CacheBodyError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Broken => f.write_str("the response broke off while another request fetched it"),
            Self::Inner(error) => error.fmt(f),
        }
    }
}

impl<E: error::Error + 'static> error::Error for CacheBodyError<E> {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Broken => None,
            Self::Inner(error) => Some(error),
        }
    }
}
