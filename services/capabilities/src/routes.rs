//! What the service answers.

mod activation;
mod discovered;
mod history;
mod list;
mod status;

use std::sync::Arc;

use tooloo_service::Problem;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    CapabilitiesConfig,
    capability::{Capability, Known},
    refresh::Refresher,
    sources::Sources,
    store::Records,
};

/// What the handlers share.
#[derive(Debug)]
pub(crate) struct Capabilities {
    pub(crate) records: Records,
    pub(crate) sources: Arc<Sources>,
    pub(crate) refresher: Arc<Refresher>,
    pub(crate) config: CapabilitiesConfig,
}

pub(crate) fn routes(capabilities: Arc<Capabilities>) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(discovered::discovered))
        .routes(routes!(list::list))
        .routes(routes!(status::status))
        .routes(routes!(status::insights))
        .routes(routes!(history::history))
        .routes(routes!(activation::activate))
        .routes(routes!(activation::deactivate))
        .with_state(capabilities)
}

impl Capabilities {
    /// Returns every operation ever seen, after a look at the services now or earlier.
    async fn all(&self, refresh: bool) -> Result<Vec<Capability>, Problem> {
        self.look(refresh).await?;
        let known = self.records.all().await?;
        Ok(known.into_iter().map(|known| self.joined(known)).collect())
    }

    /// Looks at the services, unless that was done since the start and is not to be done again.
    async fn look(&self, again: bool) -> Result<(), Problem> {
        if again {
            self.refresher.refresh().await?;
        } else {
            self.refresher.refresh_once().await?;
        }
        Ok(())
    }

    /// Adds what is known of the operation's service right now.
    fn joined(&self, known: Known) -> Capability {
        let present = self.sources.present(&known.operation.service);
        Capability::new(known, &present)
    }

    /// Returns the names of the services.
    fn services(&self) -> Vec<&str> {
        self.sources
            .peers()
            .iter()
            .map(tooloo_service::Peer::name)
            .collect()
    }

    /// Refuses a service that is none of the fleet.
    fn check_service(&self, service: Option<&str>) -> Result<(), Problem> {
        let services = self.services();
        match service {
            Some(service) if !services.contains(&service) => {
                let detail = format!("`service` must be one of {}", services.join(", "));
                Err(Problem::unprocessable("unknown_service", detail))
            }
            _ => Ok(()),
        }
    }
}
