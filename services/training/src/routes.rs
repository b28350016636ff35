//! The HTTP interface.

mod history;
mod next;
mod overview;
mod practice;
mod progress;
mod session;
mod summary;
mod topics;

use std::sync::Arc;

use database::Store;
use tooloo_service::{Caching, Problem};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    TrainingConfig,
    caching::{self, Epoch, Revision},
    store::rounds::Terms,
    topic::TopicId,
};

/// What the handlers share.
#[derive(Clone)]
pub(crate) struct Training {
    store: Store,
    config: Arc<TrainingConfig>,
    epoch: Epoch,
}

/// Collects the routes.
pub(crate) fn router(training: Training) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(overview::overview))
        .routes(routes!(session::active))
        .routes(routes!(topics::deep_dive))
        .routes(routes!(progress::progress))
        .routes(routes!(history::history))
        .routes(routes!(topics::new_topic))
        .routes(routes!(session::start))
        .routes(routes!(practice::round))
        .routes(routes!(next::next_domain))
        .with_state(training)
}

impl Training {
    pub(crate) fn new(store: Store, config: TrainingConfig) -> Self {
        Self {
            store,
            config: Arc::new(config),
            epoch: Epoch::new(),
        }
    }

    fn threshold(&self) -> f64 {
        self.config.mastery_threshold.value()
    }

    /// Says what caches may do with an answer that follows from `revision` alone.
    fn caching(&self, revision: Revision) -> Caching {
        caching::usual().with_etag(self.epoch.etag(revision))
    }

    fn terms_now(&self) -> Terms {
        Terms {
            threshold: self.threshold(),
            idle: self.config.session_idle,
            now: database::now(),
        }
    }
}

/// Says that no topic has this id.
fn unknown_topic(id: &TopicId) -> Problem {
    Problem::not_found("unknown_topic", format!("there is no topic `{id}`"))
}

/// Says that there is nothing to choose from.
fn no_topics() -> Problem {
    Problem::not_found("no_topics", "there is no topic to practise")
}
