//! Successful JSON answers, each with the id of its trace.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;

use crate::{Caching, Problem, telemetry};

/// A JSON object with `traceId` beside the members of `T`.
///
/// `T` must serialize to an object: a struct or a map.
#[derive(Clone, Copy, Debug)]
pub struct Answer<T>(pub T);

/// An [`Answer`] with another status than 200.
#[derive(Clone, Copy, Debug)]
pub struct AnswerWith<T>(StatusCode, T);

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Traced<T> {
    #[serde(flatten)]
    answer: T,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<String>,
}

impl<T> Answer<T> {
    /// Makes an answer with the status 201.
    pub fn created(answer: T) -> AnswerWith<T> {
        Self::with_status(StatusCode::CREATED, answer)
    }

    /// Makes an answer with the status 202.
    pub fn accepted(answer: T) -> AnswerWith<T> {
        Self::with_status(StatusCode::ACCEPTED, answer)
    }

    /// Says what caches may do with it.
    pub fn cacheable(self, caching: Caching) -> (Caching, Self) {
        (caching, self)
    }

    /// Makes an answer with any status.
    pub fn with_status(status: StatusCode, answer: T) -> AnswerWith<T> {
        AnswerWith(status, answer)
    }
}

impl<T: Serialize> IntoResponse for Answer<T> {
    fn into_response(self) -> Response {
        AnswerWith(StatusCode::OK, self.0).into_response()
    }
}

impl<T: Serialize> IntoResponse for AnswerWith<T> {
    fn into_response(self) -> Response {
        let Self(status, answer) = self;
        let trace_id = telemetry::trace_id();
        match serde_json::to_vec(&Traced { answer, trace_id }) {
            Ok(body) => {
                let json = HeaderValue::from_static("application/json");
                (status, [(header::CONTENT_TYPE, json)], body).into_response()
            }
            Err(error) => {
                tracing::error!(%error, "an answer could not be serialized");
                Problem::internal("unserializable_answer", "the answer could not be written")
                    .into_response()
            }
        }
    }
}

impl<T> From<T> for Answer<T> {
    fn from(answer: T) -> Self {
        Self(answer)
    }
}
