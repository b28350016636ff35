//! What the service answers.

mod analyze;
mod cohorts;
mod status;

use std::sync::Arc;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{SegmentationConfig, jobs::Jobs, store::Records};

/// What the handlers share.
#[derive(Debug)]
pub(crate) struct Segmentation {
    pub(crate) records: Records,
    pub(crate) jobs: Jobs,
    pub(crate) config: SegmentationConfig,
}

pub(crate) fn routes(segmentation: Arc<Segmentation>) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(analyze::analyze))
        .routes(routes!(analyze::demo))
        .routes(routes!(cohorts::group_users, cohorts::cohorts))
        .routes(routes!(cohorts::user_cohort))
        .routes(routes!(status::status))
        .routes(routes!(status::configure))
        .with_state(segmentation)
}
