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
        .routes(routes!(analyze::analyze_conversation))
        .routes(routes!(analyze::demonstrate_segmentation))
        .routes(routes!(cohorts::create_cohorts, cohorts::newest_cohorts))
        .routes(routes!(cohorts::cohort_of_user))
        .routes(routes!(status::segmentation_status))
        .routes(routes!(status::configure_segmentation))
        .with_state(segmentation)
}
