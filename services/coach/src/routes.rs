//! The HTTP interface.

mod control;
mod status;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::coach::Coach;

/// Collects the routes.
pub(crate) fn router(coach: Coach) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(control::start))
        .routes(routes!(control::stop))
        .routes(routes!(control::boost))
        .routes(routes!(control::fast_lane))
        .routes(routes!(status::status))
        .routes(routes!(status::settings, control::change_settings))
        .with_state(coach)
}
