//! Request bodies with a bound on their length and on how long they may pause.

use std::{
    error, fmt,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::BoxError;
use bytes::{Buf, Bytes};
use http::StatusCode;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tokio::time::{Sleep, sleep};

use crate::Problem;

pin_project! {
    /// Fails where more bytes come than allowed, or none for too long.
    pub(crate) struct BoundedBody<B> {
        #[pin]
        inner: B,
        #[pin]
        pause: Option<Sleep>,
        timeout: Duration,
        limit: usize,
        left: usize,
        fate: Fate,
    }

    impl<B> PinnedDrop for BoundedBody<B> {
        fn drop(this: Pin<&mut Self>) {
            this.fate.move_on();
        }
    }
}

/// Tells how it goes with a [`BoundedBody`], and why it was refused also after it was dropped.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fate(Arc<Mutex<State>>);

#[derive(Clone, Copy, Debug, Default)]
enum State {
    /// Nobody asks for more, or there is no more.
    #[default]
    Idle,
    Awaited,
    Refused(BodyRefused),
}

/// Why a body could not be read to its end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum BodyRefused {
    TooLarge { limit: usize },
    TooSlow,
}

impl<B> BoundedBody<B> {
    /// Wraps `inner`, and returns what tells of its fate.
    pub(crate) fn new(inner: B, limit: usize, timeout: Duration) -> (Self, Fate) {
        let fate = Fate::default();
        let body = Self {
            inner,
            pause: None,
            timeout,
            limit,
            left: limit,
            fate: fate.clone(),
        };
        (body, fate)
    }
}

impl Fate {
    /// Says whether a reader waits for the client to send more.
    pub(crate) fn is_awaited(&self) -> bool {
        matches!(*self.lock(), State::Awaited)
    }

    /// Returns why the body was refused.
    pub(crate) fn refused(&self) -> Option<BodyRefused> {
        match *self.lock() {
            State::Refused(refused) => Some(refused),
            State::Idle | State::Awaited => None,
        }
    }

    fn wait(&self) {
        *self.lock() = State::Awaited;
    }

    fn move_on(&self) {
        let mut state = self.lock();
        if let State::Awaited = *state {
            *state = State::Idle;
        }
    }

    fn refuse(&self, refused: BodyRefused) -> BoxError {
        *self.lock() = State::Refused(refused);
        refused.into()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<B> Body for BoundedBody<B>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let mut this = self.project();
        let Poll::Ready(frame) = this.inner.poll_frame(cx) else {
            if this.pause.is_none() {
                this.pause.set(Some(sleep(*this.timeout)));
                this.fate.wait();
            }
            ready!(this.pause.as_pin_mut().expect("just set").poll(cx));
            return Poll::Ready(Some(Err(this.fate.refuse(BodyRefused::TooSlow))));
        };
        if this.pause.is_some() {
            this.pause.set(None);
            this.fate.move_on();
        }
        let Some(frame) = frame else {
            return Poll::Ready(None);
        };
        let frame = frame.map_err(Into::into)?;
        if let Some(data) = frame.data_ref() {
            let Some(left) = this.left.checked_sub(data.remaining()) else {
                let limit = *this.limit;
                return Poll::Ready(Some(Err(this.fate.refuse(BodyRefused::TooLarge { limit }))));
            };
            *this.left = left;
        }
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl BodyRefused {
    pub(crate) fn problem(self) -> Problem {
        let (status, code) = match self {
            Self::TooLarge { .. } => (StatusCode::PAYLOAD_TOO_LARGE, "body_too_large"),
            Self::TooSlow => (StatusCode::REQUEST_TIMEOUT, "body_too_slow"),
        };
        Problem::new(status, code, self.to_string())
    }
}

impl fmt::Display for BodyRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge { limit } => {
                write!(f, "the body is larger than the allowed {limit} bytes")
            }
            Self::TooSlow => f.write_str("the body did not arrive in time"),
        }
    }
}

impl error::Error for BodyRefused {}

/// Turns a failure to read a request's body into what the client is told.
pub(crate) fn refusal(error: &(dyn error::Error + 'static)) -> Problem {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(refused) = error.downcast_ref::<BodyRefused>() {
            return refused.problem();
        }
        cause = error.source();
    }
    Problem::bad_request("incomplete_body", "the body could not be read to its end")
}
