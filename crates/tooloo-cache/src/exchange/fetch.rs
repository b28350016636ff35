//! Asking the service.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body::Body;
use tooloo_clock::Moment;
use tower_service::Service;

use super::{Ask, Exchange, turn::Turn};
use crate::{
    CacheBody, EntryOptions, StoredResponse,
    http::{Kind, condition, storable::Refusal},
};

/// When an answer came, and how long it took.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrival {
    pub(super) delay: Duration,
    pub(super) now: Moment,
    pub(super) wall: SystemTime,
}

impl<S, B, R> Exchange<S, B>
where
    S: Service<Request<B>, Response = Response<R>> + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
    B: Send + 'static,
    R: Body<Data = Bytes> + Send + 'static,
    R::Error: Send + 'static,
{
    /// Sends the request on, and makes the best of what comes back.
    pub(super) async fn fetch(self, turn: Turn) -> Result<Response<CacheBody<R>>, S::Error> {
        let Self {
            ask,
            mut service,
            mut request,
        } = self;
        ask.count(turn.outcome);
        if turn.right.claimed {
            ask.keep.want();
        }
        let validators = turn.head().map(|head| &head.validators);
        let validators = validators.filter(|validators| !validators.is_empty());
        let validates = validators.is_some();
        match validators {
            Some(validators) => validators.ask(request.headers_mut()),
            None if turn.right.claimed => condition::strip(request.headers_mut()),
            None => {}
        }
        let began = Moment::exact();
        let answered = service.call(request).await;
        let now = Moment::exact();
        let arrival = Arrival {
            delay: now.saturating_duration_since(began),
            now,
            wall: tooloo_clock::wall(),
        };
        let response = match answered {
            Ok(response) => response,
            Err(error) => return ask.excuse(turn, None, arrival).map_err(|_| error),
        };
        let status = response.status();
        if status == StatusCode::NOT_MODIFIED && validates {
            return Ok(ask.revalidated(turn, response, arrival).await);
        }
        if !is_failure(status) {
            return Ok(ask.take_in(turn, response, arrival).await);
        }
        match ask.excuse(turn, Some(status), arrival) {
            Ok(stale) => Ok(stale),
            Err(turn) => Ok(ask.take_in(*turn, response, arrival).await),
        }
    }
}

impl Ask {
    /// Answers with what is stored where the service failed, RFC 5861 §4; gives the turn back where
    /// that may not be.
    fn excuse<B: Body>(
        &self,
        turn: Turn,
        status: Option<StatusCode>,
        arrival: Arrival,
    ) -> Result<Response<CacheBody<B>>, Box<Turn>> {
        let excuse = turn.stale.as_ref().filter(|stale| stale.if_error);
        let Some(stale) = excuse else {
            return Err(Box::new(turn));
        };
        if turn.right.claimed {
            // Nobody who waits need ask a service that fails.
            let excused = StoredResponse(Kind::Excused(stale.whole.clone()));
            turn.right.lead.share(excused, EntryOptions::new().exact());
        }
        let mut handled = turn.handled;
        handled.forwarded_status = status;
        handled.detail = Some("stale-if-error");
        let age = stale.whole.head.aging.at(arrival.now);
        Ok(self.answer(&stale.whole, age, handled))
    }

    /// Stores an answer where it may be, and passes it on.
    async fn take_in<B>(
        &self,
        turn: Turn,
        response: Response<B>,
        arrival: Arrival,
    ) -> Response<CacheBody<B>>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Send + 'static,
    {
        if self.freshens(&response, &turn) {
            return self.revalidated(turn, response, arrival).await;
        }
        let (head, body) = response.into_parts();
        let response = Response::from_parts(head, ());
        let length = body.size_hint().exact();
        match self.admit(&response, length, arrival) {
            Ok(admitted) => self.fill(turn, admitted, response, body).await,
            Err(refusal) => {
                let stale = turn.stale.is_some();
                if stale && Self::is_outdated(response.status(), refusal) {
                    self.http.cache().remove(&turn.selection.key).await;
                }
                let handled = turn.handled.with_status(response.status()).refused(refusal);
                // A failure is no news of what is stored: the next one asks again.
                if !(stale && response.status().is_server_error()) {
                    turn.right.pass();
                }
                self.keep.let_go();
                self.pass_on(response.map(|()| CacheBody::passed(body)), handled)
            }
        }
    }

    /// Tells whether the answer to a HEAD is about the stored answer to a GET, RFC 9111 §4.3.5.
    fn freshens<B>(&self, response: &Response<B>, turn: &Turn) -> bool {
        let ok = self.method == Method::HEAD && response.status() == StatusCode::OK;
        let head = turn.head().filter(|head| head.status == StatusCode::OK);
        ok && head.is_some_and(|head| head.is_like(response.headers()))
    }

    /// Tells whether an answer that is not stored shows that what is stored is no longer good.
    fn is_outdated(status: StatusCode, refusal: Refusal) -> bool {
        let requests_own = matches!(refusal, Refusal::RequestNoStore | Refusal::Authorization);
        !requests_own && !status.is_server_error()
    }
}

/// The statuses that a stale response may stand in for, RFC 5861 §4.
fn is_failure(status: StatusCode) -> bool {
    matches!(status.as_u16(), 500 | 502..=504)
}
