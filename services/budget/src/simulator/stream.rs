//! An answer in pieces, as server-sent events.

use std::convert::Infallible;

use axum::response::sse::{Event, Sse};
use futures_util::stream::{self, Stream};

use super::{
    routes::Draft,
    text,
    wire::{ChunkChoice, Completion, Delta},
};

/// Sends a role, a piece for each token, the reason for the end, perhaps the usage, and `[DONE]`.
pub(super) fn respond(
    draft: Draft,
    include_usage: bool,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let chunk = |choices, usage| Completion {
        id: draft.id.clone(),
        object: "chat.completion.chunk",
        created: draft.created,
        model: draft.model.clone(),
        choices,
        usage,
    };
    let piece = |delta, finish_reason| {
        let choice = ChunkChoice {
            index: 0,
            delta,
            finish_reason,
        };
        chunk(vec![choice], None)
    };
    let role = Delta {
        role: Some("assistant"),
        content: Some(String::new()),
    };
    let mut chunks = vec![piece(role, None)];
    chunks.extend(text::tokens(&draft.text).into_iter().map(|token| {
        let delta = Delta {
            role: None,
            content: Some(token.to_owned()),
        };
        piece(delta, None)
    }));
    chunks.push(piece(Delta::default(), Some(draft.finish_reason)));
    if include_usage {
        chunks.push(chunk(Vec::new(), Some(draft.usage)));
    }
    // The request is under way until the last piece is out.
    let in_flight = draft.in_flight;
    let events = chunks
        .iter()
        .map(data)
        .chain([Event::default().data("[DONE]")]);
    let events: Vec<_> = events.collect();
    let unfolding = stream::unfold((events.into_iter(), in_flight), |(mut rest, guard)| async {
        let event = rest.next()?;
        Some((Ok(event), (rest, guard)))
    });
    Sse::new(unfolding)
}

fn data(chunk: &Completion<ChunkChoice>) -> Event {
    let json = serde_json::to_string(chunk).expect("strings and numbers serialize");
    Event::default().data(json)
}
