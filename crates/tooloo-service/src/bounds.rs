//! Bounds on one exchange: the body's length and pauses, and the time until an answer begins.

use std::{pin::pin, time::Duration};

use axum::{
    body::Body,
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http_body::Body as _;

use crate::{
    KitConfig, Problem,
    body::{BodyRefused, BoundedBody, Fate},
};

#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    body: usize,
    pause: Duration,
    answer: Duration,
}

impl Bounds {
    pub(crate) fn new(config: &KitConfig) -> Self {
        Self {
            body: config.body_limit,
            pause: config.body_timeout,
            answer: config.request_timeout,
        }
    }
}

pub(crate) async fn keep(State(bounds): State<Bounds>, request: Request, next: Next) -> Response {
    let announced = request.body().size_hint().lower();
    if announced > bounds.body as u64 {
        let limit = bounds.body;
        return BodyRefused::TooLarge { limit }.problem().into_response();
    }
    let (request, fate) = if request.body().is_end_stream() {
        (request, None)
    } else {
        let (parts, body) = request.into_parts();
        let (body, fate) = BoundedBody::new(body, bounds.body, bounds.pause);
        (Request::from_parts(parts, Body::new(body)), Some(fate))
    };
    // Kept to the end: what the handler waits for is only known while it is there.
    let mut handler = pin!(next.run(request));
    let answered = tokio::time::timeout(bounds.answer, handler.as_mut()).await;
    // Whatever a handler makes of a body that was refused, the refusal is the reason.
    let refused = fate.as_ref().and_then(Fate::refused);
    match (answered, refused) {
        (Ok(response), Some(refused)) if !response.status().is_success() => {
            refused.problem().into_response()
        }
        (Ok(response), _) => response,
        (Err(_), _) if fate.as_ref().is_some_and(Fate::is_awaited) => {
            BodyRefused::TooSlow.problem().into_response()
        }
        (Err(_), _) => {
            let allowed = bounds.answer;
            Problem::unavailable(
                "handler_timeout",
                format!("no answer was ready within {allowed:?}"),
            )
            .into_response()
        }
    }
}
