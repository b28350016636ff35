//! Lets only administrators through.

use std::sync::Arc;

use axum::{
    extract::FromRequestParts,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, header, request::Parts};

use crate::{Problem, Secret};

/// The caller has shown the configured token, as `Authorization: Bearer …`.
///
/// As an extractor it refuses everyone else with 401, and everyone where no token is configured
/// with 403. Put it before the body, so that nothing of a stranger's is read.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Admin;

/// The token that the kit's layers hand to [`Admin`].
#[derive(Clone, Debug)]
pub(crate) struct AdminToken(pub(crate) Arc<Option<Secret>>);

/// Why a caller is no administrator.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct NotAdmin {
    closed: bool,
}

impl<S: Send + Sync> FromRequestParts<S> for Admin {
    type Rejection = NotAdmin;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, NotAdmin> {
        let token = parts.extensions.get::<AdminToken>();
        let Some(token) = token.and_then(|AdminToken(token)| token.as_ref().as_ref()) else {
            return Err(NotAdmin { closed: true });
        };
        let shown = parts.headers.get(header::AUTHORIZATION);
        let shown = shown.and_then(|value| value.to_str().ok()).and_then(bearer);
        if shown.is_some_and(|shown| token.matches(shown)) {
            Ok(Self)
        } else {
            Err(NotAdmin { closed: false })
        }
    }
}

/// Takes the token out of a credential; the scheme's case does not matter.
fn bearer(credential: &str) -> Option<&str> {
    let (scheme, token) = credential.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

impl IntoResponse for NotAdmin {
    fn into_response(self) -> Response {
        if self.closed {
            let detail = "administrative operations are closed: no admin_token is configured";
            return Problem::forbidden("admin_closed", detail).into_response();
        }
        let detail = "expected `authorization: Bearer` with the admin token";
        let mut response = Problem::unauthorized("not_admin", detail).into_response();
        let challenge = HeaderValue::from_static("Bearer realm=\"admin\"");
        response
            .headers_mut()
            .insert(header::WWW_AUTHENTICATE, challenge);
        response
    }
}
