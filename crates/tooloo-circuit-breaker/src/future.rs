//! Future types.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use pin_project_lite::pin_project;

use crate::{CircuitBreakerError, Classify, Permit, Refused};

pin_project! {
    /// Response future of [`CircuitBreakerService`](crate::CircuitBreakerService).
    ///
    /// Dropped before it is ready, it gives its permit back.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<F, C> {
        #[pin]
        kind: Kind<F, C>,
    }
}

pin_project! {
    #[project = KindProj]
    #[derive(Debug)]
    enum Kind<F, C> {
        Admitted {
            #[pin]
            inner: F,
            // There where a breaker watches the call.
            permit: Option<Permit>,
            classify: C,
        },
        Refused { refusal: Refused },
    }
}

impl<F, C> ResponseFuture<F, C> {
    #[inline]
    pub(crate) fn admitted(inner: F, permit: Option<Permit>, classify: C) -> Self {
        Self {
            kind: Kind::Admitted {
                inner,
                permit,
                classify,
            },
        }
    }

    #[inline]
    pub(crate) fn refused(refusal: Refused) -> Self {
        Self {
            kind: Kind::Refused { refusal },
        }
    }
}

impl<F, C, T, E> Future for ResponseFuture<F, C>
where
    F: Future<Output = Result<T, E>>,
    C: Classify<T, E>,
{
    type Output = Result<T, CircuitBreakerError<E>>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().kind.project() {
            KindProj::Admitted {
                inner,
                permit,
                classify,
            } => {
                let result = ready!(inner.poll(cx));
                if let Some(permit) = permit {
                    permit.record_in_place(classify.classify(&result));
                }
                Poll::Ready(result.map_err(CircuitBreakerError::Inner))
            }
            KindProj::Refused { refusal } => Poll::Ready(Err((*refusal).into())),
        }
    }
}
