//! Settings as a tree that remembers where each value was set.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;

use super::{
    error::{ConfigError, Source},
    value::NodeDeserializer,
};

/// A table of settings, or one value with its origin.
#[derive(Clone, Debug)]
pub(super) enum Node {
    Table(Table),
    Leaf(Leaf, Source),
}

pub(super) type Table = BTreeMap<String, Node>;

/// A value as it was written.
#[derive(Clone, Debug)]
pub(super) enum Leaf {
    /// Typed, from a file or a default.
    Toml(toml::Value),
    /// Plain text, from a variable or a flag.
    Text(String),
}

impl Node {
    pub(super) fn from_toml(value: toml::Value, source: &Source) -> Self {
        match value {
            toml::Value::Table(table) => Self::Table(
                table
                    .into_iter()
                    .map(|(key, value)| (key, Self::from_toml(value, source)))
                    .collect(),
            ),
            value => Self::Leaf(Leaf::Toml(value), source.clone()),
        }
    }

    pub(super) fn default(value: impl Into<toml::Value>) -> Self {
        Self::Leaf(Leaf::Toml(value.into()), Source::Default)
    }

    fn into_table(self) -> Table {
        match self {
            Self::Table(table) => table,
            Self::Leaf(..) => Table::new(),
        }
    }

    fn source(&self) -> Option<&Source> {
        match self {
            Self::Leaf(_, source) => Some(source),
            Self::Table(table) => table.values().find_map(Self::source),
        }
    }
}

/// Sets the value at `path`, making the tables that lead there.
pub(super) fn insert(table: &mut Table, path: &[String], leaf: Node) {
    let Some((last, parents)) = path.split_last() else {
        return;
    };
    let mut table = table;
    for parent in parents {
        let node = table
            .entry(parent.clone())
            .or_insert_with(|| Node::Table(Table::new()));
        if let Node::Leaf(..) = node {
            *node = Node::Table(Table::new());
        }
        let Node::Table(next) = node else {
            unreachable!("a leaf was just replaced by a table");
        };
        table = next;
    }
    table.insert(last.clone(), leaf);
}

/// Lays `above` over `below`: tables merge, anything else is replaced.
pub(super) fn overlay(below: &mut Table, above: Table) {
    for (key, node) in above {
        match (below.get_mut(&key), node) {
            (Some(Node::Table(below)), Node::Table(above)) => overlay(below, above),
            (_, node) => {
                below.insert(key, node);
            }
        }
    }
}

/// Finds where the value at `path`, or what leads there, was set.
pub(super) fn source<'a>(table: &'a Table, path: &str) -> Option<&'a Source> {
    let mut table = table;
    let mut found = None;
    for part in path.split('.') {
        let node = table.get(part.split('[').next().unwrap_or(part))?;
        found = node.source();
        match node {
            Node::Table(next) => table = next,
            Node::Leaf(..) => break,
        }
    }
    found
}

/// Reads `table` into `T`; errors are told as of keys below `prefix`.
pub(super) fn read<T: DeserializeOwned>(table: Table, prefix: &str) -> Result<T, ConfigError> {
    let node = Node::Table(table);
    serde_path_to_error::deserialize(NodeDeserializer(&node)).map_err(|error| {
        let path = error.path().to_string();
        let found = source(&node.clone().into_table(), &path).cloned();
        let key = match (prefix, path.as_str()) {
            ("", path) => path.to_owned(),
            (prefix, ".") => prefix.to_owned(),
            (prefix, path) => format!("{prefix}.{path}"),
        };
        ConfigError::at(&key, found.as_ref(), error.inner().message())
    })
}
