//! Future types.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_util::future::Shared;
use pin_project_lite::pin_project;
use tokio::sync::oneshot;

use crate::{ErrorKind, QueryError, Rows, backend::BoxFuture, batch::UnderWay};

/// What comes of a query.
pub(crate) type Answer = Result<Rows, QueryError>;

/// Response future of [`Database`](crate::Database).
///
/// Boxed, since what it waits for depends on the database. Dropped before it is ready, the statement is given up;
/// whether it took effect is unknown.
#[must_use = "futures do nothing unless polled"]
pub struct Answering {
    inner: BoxFuture<'static, Answer>,
}

impl Answering {
    pub(crate) fn new(future: impl Future<Output = Answer> + Send + 'static) -> Self {
        Self {
            inner: Box::pin(future),
        }
    }
}

impl Future for Answering {
    type Output = Answer;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Answer> {
        self.inner.as_mut().poll(cx)
    }
}

impl fmt::Debug for Answering {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answering").finish_non_exhaustive()
    }
}

pin_project! {
    /// Response future of [`Deduplicate`](crate::Deduplicate).
    ///
    /// Dropped, it leaves the query to the others that wait for the same; the last one gives it up.
    #[must_use = "futures do nothing unless polled"]
    pub struct DeduplicateFuture<F> {
        #[pin]
        kind: Deduplicated<F>,
    }
}

pin_project! {
    #[project = DeduplicatedProj]
    enum Deduplicated<F> {
        Own { #[pin] inner: F },
        Shared { inner: Shared<BoxFuture<'static, Answer>> },
    }
}

impl<F> DeduplicateFuture<F> {
    pub(crate) fn own(inner: F) -> Self {
        Self {
            kind: Deduplicated::Own { inner },
        }
    }

    pub(crate) fn shared(inner: Shared<BoxFuture<'static, Answer>>) -> Self {
        Self {
            kind: Deduplicated::Shared { inner },
        }
    }
}

impl<F: Future<Output = Answer>> Future for DeduplicateFuture<F> {
    type Output = Answer;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Answer> {
        match self.project().kind.project() {
            DeduplicatedProj::Own { inner } => inner.poll(cx),
            DeduplicatedProj::Shared { inner } => Pin::new(inner).poll(cx),
        }
    }
}

impl<F> fmt::Debug for DeduplicateFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shared = matches!(self.kind, Deduplicated::Shared { .. });
        f.debug_struct("DeduplicateFuture")
            .field("shared", &shared)
            .finish()
    }
}

pin_project! {
    /// Response future of [`Gather`](crate::Gather).
    ///
    /// Dropped before its batch is sent, its key is not asked for.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct GatherFuture<F> {
        #[pin]
        kind: Gathered<F>,
    }
}

pin_project! {
    #[project = GatheredProj]
    #[derive(Debug)]
    enum Gathered<F> {
        Own { #[pin] inner: F },
        Waiting { answer: oneshot::Receiver<Answer> },
    }
}

impl<F> GatherFuture<F> {
    pub(crate) fn own(inner: F) -> Self {
        Self {
            kind: Gathered::Own { inner },
        }
    }

    pub(crate) fn waiting(answer: oneshot::Receiver<Answer>) -> Self {
        Self {
            kind: Gathered::Waiting { answer },
        }
    }
}

impl<F: Future<Output = Answer>> Future for GatherFuture<F> {
    type Output = Answer;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Answer> {
        match self.project().kind.project() {
            GatheredProj::Own { inner } => inner.poll(cx),
            GatheredProj::Waiting { answer } => poll_answer(answer, cx),
        }
    }
}

pin_project! {
    /// Response future of [`Batch`](crate::Batch).
    ///
    /// Dropped before its batch is sent, its statement is not sent at all; later, it takes effect with the others.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct BatchFuture<F> {
        #[pin]
        kind: InBatch<F>,
    }
}

pin_project! {
    #[project = InBatchProj]
    #[derive(Debug)]
    enum InBatch<F> {
        // Others may wait for its end.
        Own { #[pin] inner: F, under_way: Option<UnderWay> },
        Waiting { answer: oneshot::Receiver<Answer> },
    }
}

impl<F> BatchFuture<F> {
    pub(crate) fn own(inner: F) -> Self {
        let kind = InBatch::Own {
            inner,
            under_way: None,
        };
        Self { kind }
    }

    pub(crate) fn at_once(inner: F, under_way: UnderWay) -> Self {
        let kind = InBatch::Own {
            inner,
            under_way: Some(under_way),
        };
        Self { kind }
    }

    pub(crate) fn waiting(answer: oneshot::Receiver<Answer>) -> Self {
        Self {
            kind: InBatch::Waiting { answer },
        }
    }
}

impl<F: Future<Output = Answer>> Future for BatchFuture<F> {
    type Output = Answer;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Answer> {
        match self.project().kind.project() {
            InBatchProj::Own { inner, under_way } => {
                let answer = ready!(inner.poll(cx));
                *under_way = None;
                Poll::Ready(answer)
            }
            InBatchProj::Waiting { answer } => poll_answer(answer, cx),
        }
    }
}

fn poll_answer(answer: &mut oneshot::Receiver<Answer>, cx: &mut Context<'_>) -> Poll<Answer> {
    let answer = ready!(Pin::new(answer).poll(cx));
    // Its task is gone, such as with the runtime.
    let lost = |_| QueryError::new(ErrorKind::Connection, "the batch was given up");
    Poll::Ready(answer.map_err(lost).flatten())
}
