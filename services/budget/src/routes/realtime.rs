//! `GET /api/v1/providers/realtime`: the figures once a second, as server-sent events.

use std::convert::Infallible;

use axum::{
    extract::State,
    response::sse::{Event, Sse},
};
use futures_util::stream::{self, Stream};
use tooloo_service::Problem;

use super::Budget;
use crate::realtime::Figures;

#[utoipa::path(
    get, path = "/api/v1/providers/realtime", tag = "budget",
    summary = "Sends the providers' figures once a second, as server-sent events",
    responses(
        (status = 200, body = Figures, content_type = "text/event-stream"),
        (status = 503, description = "Too many listen already"),
    )
)]
pub(super) async fn providers_realtime(
    State(budget): State<Budget>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let listener = budget.realtime.listen().ok_or_else(|| {
        Problem::unavailable(
            "too_many_listeners",
            "too many listen to these figures already",
        )
    })?;
    // It ends by itself when the service drains.
    let events = stream::unfold(listener, |mut listener| async move {
        let json = listener.next().await?;
        let event = Event::default().event("providers").data(json.as_ref());
        Some((Ok(event), listener))
    });
    Ok(Sse::new(events))
}
