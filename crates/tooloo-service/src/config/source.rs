//! Where settings come from: loads every layer once, for one service or for all.

use std::{
    collections::BTreeMap,
    env,
    ffi::OsString,
    path::{Path, PathBuf},
};

use http::Uri;

use super::{
    error::ConfigError,
    kit::KitConfig,
    layer,
    raw::RawSettings,
    tree::{self, Node, Table},
};
use crate::{
    Definition,
    directory::{self, BASE_PORT},
};

/// The file that is read where none is named.
const DEFAULT_FILE: &str = "tooloo.toml";

/// Every layer of settings above the defaults, for all services.
#[derive(Clone, Debug, Default)]
pub struct ConfigSource {
    /// Lowest first: file, standard variables, our own variables, flags.
    layers: Vec<Table>,
}

impl ConfigSource {
    /// Loads the file, the `TOOLOO_*` variables among `environment` and the standard ones of
    /// OpenTelemetry's exporter, and flags.
    ///
    /// `file` must exist where it is named, by the caller or by `TOOLOO_CONFIG`; otherwise
    /// `./tooloo.toml` is read if it is there. Flags are keys as in the file (`log_level`, or
    /// `training.port` for one service) with their values.
    ///
    /// # Errors
    ///
    /// Returns a [`ConfigError`] that names an unreadable file or an unknown key with its source.
    pub fn load(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
        flags: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let environment: Vec<_> = environment.into_iter().collect();
        let named = file.map(Path::to_owned).or_else(|| {
            let (_, path) = environment
                .iter()
                .find(|(name, _)| name == layer::FILE_VARIABLE)?;
            Some(PathBuf::from(path))
        });
        let file = match named {
            Some(path) => layer::file(&path)?,
            None if Path::new(DEFAULT_FILE).is_file() => layer::file(Path::new(DEFAULT_FILE))?,
            None => Table::new(),
        };
        let standard = layer::standard(&environment);
        let environment = layer::environment(environment)?;
        let layers = vec![file, standard, environment, layer::flags(flags)?];
        Ok(Self { layers })
    }

    /// Does what [`load`](Self::load) does, with this process's environment.
    pub fn of_process(
        file: Option<&Path>,
        flags: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let text = |text: OsString| text.to_string_lossy().into_owned();
        let environment = env::vars_os().map(|(name, value)| (text(name), text(value)));
        Self::load(file, environment, flags)
    }

    /// Lays one more setting over all others, as a flag would.
    pub fn set(&mut self, key: &str, value: &str) -> Result<(), ConfigError> {
        let flag = layer::flags([(key.to_owned(), value.to_owned())])?;
        self.layers.push(flag);
        Ok(())
    }

    /// Returns what is set for the service of `definition`.
    pub fn raw(&self, definition: &Definition) -> RawSettings {
        let rate = Node::default(definition.sampling_rate);
        let default_port = definition.port;
        let mut raw = self.table(definition.name, default_port);
        raw.kit.entry("sampling_rate".to_owned()).or_insert(rate);
        raw.peers = self.addresses();
        raw
    }

    /// Returns what is set in a table that belongs to no server, such as `[fleet]`.
    pub fn section(&self, name: &'static str) -> RawSettings {
        self.table(name, BASE_PORT)
    }

    /// Checks every service's settings, also of those that will not run.
    pub fn check(&self, definitions: &[Definition]) -> Result<(), ConfigError> {
        definitions
            .iter()
            .try_for_each(|definition| (definition.check)(&self.raw(definition)))
    }

    /// Merges the layers: in each, a service's own table goes above the settings for all.
    fn table(&self, name: &'static str, default_port: u16) -> RawSettings {
        let mut merged = Table::new();
        for layer in &self.layers {
            let (own, general) = layer.iter().fold(
                (Table::new(), Table::new()),
                |(mut own, mut general), (key, node)| {
                    match node {
                        Node::Table(table) if key == name => own.clone_from(table),
                        _ if directory::tables().any(|table| table == key) => {}
                        _ => {
                            general.insert(key.clone(), node.clone());
                        }
                    }
                    (own, general)
                },
            );
            tree::overlay(&mut merged, general);
            tree::overlay(&mut merged, own);
        }
        let (mut kit, domain): (Table, Table) = merged
            .into_iter()
            .partition(|(key, _)| KitConfig::keys().contains(&key.as_str()));
        if !kit.contains_key("port") {
            let base = base_port(&kit).unwrap_or(BASE_PORT);
            let port = shifted(default_port, base);
            kit.insert("port".to_owned(), Node::default(i64::from(port)));
        }
        RawSettings {
            name,
            kit,
            domain,
            peers: BTreeMap::new(),
        }
    }

    /// What is left of these settings for services other than the one that is asked about: a port
    /// in no table can only be meant for that one.
    fn others(&self) -> Self {
        let mut others = self.clone();
        for layer in &mut others.layers {
            layer.remove("port");
        }
        others
    }

    /// Where each service of the fleet is, as far as these settings tell.
    fn addresses(&self) -> BTreeMap<String, Uri> {
        let others = self.others();
        let services = directory::SERVICES.iter().filter_map(|entry| {
            let kit: KitConfig = others.table(entry.name, entry.port).kit().ok()?;
            let address = directory::address(kit.host, kit.port);
            Some((entry.name.to_owned(), address))
        });
        services.collect()
    }
}

fn base_port(kit: &Table) -> Option<u16> {
    let node = kit.get("base_port")?.clone();
    let table = Table::from([("base_port".to_owned(), node)]);
    let kit: KitConfig = tree::read(table, "").ok()?;
    Some(kit.base_port)
}

/// Counts a default port from `base` instead of the usual base port; past the last port, it stays.
fn shifted(port: u16, base: u16) -> u16 {
    port.checked_sub(BASE_PORT)
        .and_then(|offset| base.checked_add(offset))
        .unwrap_or(port)
}
