//! The service run alone: it brings the simulated provider along.

use std::{io, net::Ipv4Addr};

use tokio::net::TcpListener;
use tooloo_service::{App, Settings, Shutdown, StartError, Stop};

use crate::{
    BudgetConfig, SIMULATOR,
    app::{self, simulator_port},
    simulator::{self, SimulatorConfig},
};

/// Builds the service, and starts the simulated provider where the settings want it here.
///
/// A port that is taken already is left alone: a fleet's simulated provider may be there.
///
/// # Errors
///
/// Returns a [`StartError`] where either cannot be built.
pub(crate) async fn app(settings: Settings<BudgetConfig>) -> Result<App, StartError> {
    let wanted = settings.domain.simulator && settings.domain.providers.wants_simulator();
    let elsewhere = settings.kit.peers.contains_key(SIMULATOR.name);
    if !wanted || elsewhere {
        return app::app(settings).await;
    }
    let port = simulator_port(&settings.kit);
    let listener = match TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
        Ok(listener) => listener,
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            tracing::info!(
                port,
                "the simulated provider's port is taken: using what is there"
            );
            return app::app(settings).await;
        }
        Err(error) => return Err(error.into()),
    };
    let mut kit = settings.kit.clone();
    kit.port = port;
    let simulator = simulator::assemble(&kit, SimulatorConfig::default())?;
    app::build(settings, |kit| {
        kit.task("simulator", |stop| serve(simulator, listener, stop));
    })
    .await
}

async fn serve(simulator: App, listener: TcpListener, stop: Stop) {
    let (trigger, shutdown) = Shutdown::manual();
    let serving = tooloo_service::serve(vec![(simulator, listener)], shutdown);
    let stopping = async {
        stop.requested().await;
        trigger.shut_down();
    };
    let (served, ()) = tokio::join!(serving, stopping);
    if let Err(error) = served {
        tracing::error!(%error, "the simulated provider failed");
    }
}
