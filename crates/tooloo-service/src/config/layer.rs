//! One layer of settings: a file, the environment, or the command line.

use std::{collections::BTreeSet, fs, io, path::Path, sync::Arc};

use super::{
    error::{ConfigError, Source},
    kit::KitConfig,
    tree::{self, Leaf, Node, Table},
};
use crate::directory;

const PREFIX: &str = "TOOLOO_";

/// Names the configuration file; it is no setting itself.
pub(super) const FILE_VARIABLE: &str = "TOOLOO_CONFIG";

/// Reads the file at `path`.
pub(super) fn file(path: &Path) -> Result<Table, ConfigError> {
    let shown = path.display();
    let text = fs::read_to_string(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => ConfigError::new(format!("{shown}: no such file")),
        _ => ConfigError::new(format!("{shown}: {error}")),
    })?;
    let table: toml::Table = toml::from_str(&text).map_err(|error| {
        // The line itself is not repeated: it may hold a secret.
        let before = error.span().and_then(|span| text.get(..span.start));
        let line = before.unwrap_or_default().matches('\n').count() + 1;
        ConfigError::new(format!("{shown}: line {line}: {}", error.message()))
    })?;
    let source = Source::File(Arc::new(path.to_owned()));
    let mut settings = Table::new();
    for (key, value) in table {
        let is_table = directory::tables().any(|table| table == key);
        if is_table && !value.is_table() {
            let why = format!("expected a table, as in [{key}]");
            return Err(ConfigError::at(&key, Some(&source), why));
        }
        if !is_table && !KitConfig::keys().contains(&key.as_str()) {
            return Err(ConfigError::at(&key, Some(&source), unknown(&key)));
        }
        settings.insert(key, Node::from_toml(value, &source));
    }
    Ok(settings)
}

/// Reads the variables that begin with `TOOLOO_`.
pub(super) fn environment(
    variables: impl IntoIterator<Item = (String, String)>,
) -> Result<Table, ConfigError> {
    let mut settings = Table::new();
    let variables: BTreeSet<_> = variables.into_iter().collect();
    for (name, value) in variables {
        let Some(rest) = name.strip_prefix(PREFIX).filter(|_| name != FILE_VARIABLE) else {
            continue;
        };
        let source = Source::Variable(name.clone());
        let rest = rest.to_ascii_lowercase();
        let mut path: Vec<String> = rest.split("__").map(str::to_owned).collect();
        if let Some((table, key)) = in_table(&path[0]) {
            let key = key.to_owned();
            path.splice(..1, [table.to_owned(), key]);
        } else if !KitConfig::keys().contains(&path[0].as_str()) {
            return Err(ConfigError::at(&path[0], Some(&source), unknown(&path[0])));
        }
        if path.iter().any(String::is_empty) {
            return Err(ConfigError::at(&rest, Some(&source), "no key is named"));
        }
        tree::insert(&mut settings, &path, Node::Leaf(Leaf::Text(value), source));
    }
    Ok(settings)
}

/// Reads the variables that every OpenTelemetry program knows; an empty one counts as not set.
pub(super) fn standard(variables: &[(String, String)]) -> Table {
    let known = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "endpoint"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "protocol"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "headers"),
    ];
    let mut settings = Table::new();
    for (name, value) in variables.iter().filter(|(_, value)| !value.is_empty()) {
        if let Some((_, key)) = known.iter().find(|(known, _)| known == name) {
            let leaf = Node::Leaf(Leaf::Text(value.clone()), Source::Variable(name.clone()));
            tree::insert(&mut settings, &["otlp".to_owned(), (*key).to_owned()], leaf);
        }
    }
    settings
}

/// Reads flags given as a key (`log_level`, `training.port`) and its value.
pub(super) fn flags(
    flags: impl IntoIterator<Item = (String, String)>,
) -> Result<Table, ConfigError> {
    let mut settings = Table::new();
    for (key, value) in flags {
        let path: Vec<String> = key.split('.').map(str::to_owned).collect();
        let flag = path.last().map(|name| name.replace('_', "-"));
        let source = Source::Flag(format!("--{}", flag.unwrap_or_default()));
        let known = KitConfig::keys().contains(&path[0].as_str())
            || directory::tables().any(|table| table == path[0]);
        if !known {
            return Err(ConfigError::at(&key, Some(&source), unknown(&path[0])));
        }
        tree::insert(&mut settings, &path, Node::Leaf(Leaf::Text(value), source));
    }
    Ok(settings)
}

/// Parts `training_port` into table and key.
fn in_table(name: &str) -> Option<(&'static str, &str)> {
    directory::tables().find_map(|table| {
        let key = name.strip_prefix(table)?;
        match key.strip_prefix('_') {
            Some(key) => Some((table, key)),
            None => key.is_empty().then_some((table, "")),
        }
    })
}

fn unknown(key: &str) -> String {
    let known = directory::tables().chain(KitConfig::keys().iter().copied());
    let nearest = known
        .map(|known| (distance(key, known), known))
        .min()
        .filter(|(distance, known)| *distance <= (known.len() / 3).max(2));
    match nearest {
        Some((_, known)) => format!("unknown setting `{key}`; did you mean `{known}`?"),
        None => format!(
            "unknown setting `{key}`; expected a table of a service ({}) or one of {}",
            directory::tables().collect::<Vec<_>>().join(", "),
            KitConfig::keys().join(", "),
        ),
    }
}

/// Levenshtein's edit distance.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, a) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in b.chars().enumerate() {
            let replaced = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.chars().count()]
}
