//! The layers around every route, in order.

use axum::{Router, extract::DefaultBodyLimit};

use crate::{KitConfig, Problem};

pub(crate) fn compose(domain: Router, system: Router, _config: &KitConfig) -> Router {
    domain
        .fallback(|| async { Problem::not_found("unknown_route", "no such route") })
        .layer(DefaultBodyLimit::disable())
        .merge(system)
}
