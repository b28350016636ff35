//! The request's connection as an axum extractor, and refusals as axum's responses.

use std::{error, fmt};

use axum::{
    extract::FromRequestParts,
    response::{IntoResponse, Response},
};
use http::{StatusCode, request::Parts};

use crate::{Connection, PoolError, RequestConnection};

/// A handler wants a connection, and no [`PoolLayer`](crate::PoolLayer) of its kind is around it.
#[derive(Clone, Copy, Debug)]
pub struct NoPoolLayer(());

impl<S, C> FromRequestParts<S> for RequestConnection<C>
where
    S: Sync,
    C: Connection,
{
    type Rejection = NoPoolLayer;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, NoPoolLayer> {
        parts.extensions.get().cloned().ok_or(NoPoolLayer(()))
    }
}

impl fmt::Display for NoPoolLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no pool layer is around the handler")
    }
}

impl error::Error for NoPoolLayer {}

impl IntoResponse for NoPoolLayer {
    fn into_response(self) -> Response {
        (StatusCode::INTERNAL_SERVER_ERROR, self.to_string()).into_response()
    }
}

impl IntoResponse for PoolError {
    fn into_response(self) -> Response {
        self.to_response()
    }
}
