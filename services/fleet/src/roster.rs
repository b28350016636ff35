//! Which services the fleet has, and where each of them listens.

use std::{env, net::SocketAddr};

use http::Uri;
use serde::Deserialize;
use tooloo_service::{ConfigError, ConfigSource, Definition, KitConfig, StartError, directory};

use crate::args::Place;

/// How far the last port lies from the base port.
pub(crate) const SPAN: u16 = 10;

/// Whoever calls others stands before those it calls: they drain in this order.
const FLEET: [Definition; 9] = [
    web::SERVICE,
    capabilities::SERVICE,
    reports::SERVICE,
    coach::SERVICE,
    meta::SERVICE,
    segmentation::SERVICE,
    budget::SERVICE,
    training::SERVICE,
    budget::SIMULATOR,
];

/// The services that a command has to do with, and their settings.
#[derive(Debug)]
pub(crate) struct Roster {
    pub(crate) source: ConfigSource,
    pub(crate) members: Vec<Member>,
}

/// One service of the fleet.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) definition: Definition,
    pub(crate) config: KitConfig,
}

/// The fleet adds no settings to those that every service has.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

impl Roster {
    /// Reads every layer of settings, and checks all of them, also those of services left out.
    pub(crate) fn read(place: &Place, flags: Vec<(String, String)>) -> Result<Self, StartError> {
        let chosen = chosen(&place.only)?;
        let own = [
            ("host", place.host.clone()),
            ("base_port", place.base_port.map(|port| port.to_string())),
        ];
        let own = own
            .into_iter()
            .filter_map(|(key, value)| Some((key.to_owned(), value?)));
        // A variable that is not Unicode is none of ours.
        let environment = env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        let source = ConfigSource::load(place.config.as_deref(), environment, own.chain(flags))?;
        source.check(&FLEET)?;
        let members = chosen.into_iter().map(|definition| {
            let config = source.raw(&definition).kit()?;
            Ok(Member { definition, config })
        });
        let members = members.collect::<Result<_, ConfigError>>()?;
        Ok(Self { source, members })
    }

    /// Returns the settings of the process itself: those for all, and the table `[fleet]`.
    pub(crate) fn own(&self) -> Result<KitConfig, ConfigError> {
        let own = self.source.section("fleet").settings::<Nothing>()?;
        Ok(own.kit)
    }

    /// Returns the members in the order that people look for them: by port.
    pub(crate) fn by_port(&self) -> Vec<&Member> {
        let mut members: Vec<_> = self.members.iter().collect();
        members.sort_by_key(|member| member.definition.port);
        members
    }
}

impl Member {
    pub(crate) fn name(&self) -> &'static str {
        self.definition.name
    }

    /// Returns what it listens on.
    pub(crate) fn socket(&self) -> SocketAddr {
        SocketAddr::new(self.config.host, self.config.port)
    }

    /// Returns where it is reached from this machine, without a slash at the end.
    pub(crate) fn url(&self) -> String {
        let url: Uri = directory::address(self.config.host, self.config.port);
        url.to_string().trim_end_matches('/').to_owned()
    }
}

fn chosen(only: &[String]) -> Result<Vec<Definition>, StartError> {
    let names = FLEET.map(|definition| definition.name);
    if let Some(unknown) = only.iter().find(|name| !names.contains(&name.as_str())) {
        let names = names.join(", ");
        return Err(StartError::new(format!(
            "--only: there is no service `{unknown}`; there are {names}"
        )));
    }
    let chosen = |name: &str| only.is_empty() || only.iter().any(|only| only == name);
    // Budget's default provider comes with it.
    let wanted = |definition: &Definition| {
        chosen(definition.name)
            || (definition.name == budget::SIMULATOR.name && chosen(budget::SERVICE.name))
    };
    Ok(FLEET.into_iter().filter(wanted).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_fleet_fits_its_span_of_ports() {
        for definition in FLEET {
            let offset = definition.port.checked_sub(directory::BASE_PORT);
            assert!(
                offset.is_some_and(|offset| offset <= SPAN),
                "{}",
                definition.name
            );
        }
    }

    #[test]
    fn callers_stand_before_those_they_call() {
        let order: Vec<_> = directory::SERVICES.iter().map(|entry| entry.name).collect();
        assert_eq!(
            FLEET.map(|definition| definition.name)[..order.len()],
            order
        );
        for entry in directory::SERVICES {
            let definition = FLEET
                .iter()
                .find(|definition| definition.name == entry.name)
                .unwrap();
            assert_eq!(definition.port, entry.port, "{}", entry.name);
        }
    }

    #[test]
    fn an_unknown_service_is_named_beside_those_there_are() {
        let error = chosen(&["web".to_owned(), "wed".to_owned()])
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("`wed`") && error.contains("training"),
            "{error}"
        );
    }

    #[test]
    fn budget_brings_its_default_provider() {
        let names = |only: &[&str]| {
            let only: Vec<_> = only.iter().map(ToString::to_string).collect();
            let chosen = chosen(&only).unwrap().into_iter();
            chosen.map(|definition| definition.name).collect::<Vec<_>>()
        };
        assert_eq!(names(&["training", "web"]), ["web", "training"]);
        assert_eq!(names(&["budget"]), ["budget", "simulator"]);
        assert_eq!(names(&["simulator"]), ["simulator"]);
        assert_eq!(names(&[]).len(), FLEET.len());
    }
}
