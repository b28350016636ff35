//! What things are called, and where they stand.

use std::path::Path;

use crate::workspace::{Package, Source};

/// Names that fit everything and so say nothing.
const SAY_NOTHING: [&str; 10] = [
    "common", "core", "util", "utils", "helper", "helpers", "shared", "misc", "type", "types",
];

const TOP_LEVEL: [&str; 17] = [
    ".ci",
    ".config",
    ".gitignore",
    "CHANGELOG.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "benches",
    "clippy.toml",
    "crates",
    "deny.toml",
    "docs",
    "examples",
    "justfile",
    "rustfmt.toml",
    "services",
];

/// What git does not keep: itself, builds, and the fleet's data.
const UNKEPT: [&str; 3] = [".git", "data", "target"];

/// Finds what stands at the top of the workspace and should not.
pub(crate) fn top_level(entries: &[String]) -> Vec<String> {
    let known =
        |entry: &&String| !TOP_LEVEL.contains(&entry.as_str()) && !UNKEPT.contains(&entry.as_str());
    entries.iter().filter(known).cloned().collect()
}

/// Finds packages in a folder that has another name, or outside of `crates` and `services`.
pub(crate) fn folders(packages: &[Package]) -> Vec<String> {
    let mut breaches = Vec::new();
    for package in packages {
        let folder = package.folder.to_string_lossy();
        let at_home = match folder.split_once('/') {
            Some(("crates", name)) => {
                name == package.name && (name == "tooloo" || name.starts_with("tooloo-"))
            }
            Some(("services", name)) => name == package.name,
            _ => matches!(&*folder, "examples" | "benches"),
        };
        if !at_home {
            breaches.push(format!("{} stands in {folder}", package.name));
        }
    }
    breaches
}

/// Finds packages that do not inherit the workspace's lints.
pub(crate) fn lints(packages: &[Package]) -> Vec<String> {
    let inherits = |package: &&Package| {
        let manifest: toml::Table = package.manifest.parse().expect("cargo has parsed it");
        let lints = manifest
            .get("lints")
            .and_then(|lints| lints.get("workspace"));
        lints.and_then(toml::Value::as_bool) == Some(true)
    };
    packages
        .iter()
        .filter(|package| !inherits(package))
        .map(|package| package.name.clone())
        .collect()
}

/// Finds packages whose name says nothing.
pub(crate) fn packages(packages: &[Package]) -> Vec<String> {
    let names = packages.iter().map(|package| package.name.clone());
    names
        .filter(|name| says_nothing(name.strip_prefix("tooloo-").unwrap_or(name)))
        .collect()
}

/// Finds modules whose name says nothing: files, folders, and those written inline.
pub(crate) fn modules(sources: &[Source]) -> Vec<String> {
    let mut breaches = Vec::new();
    for source in sources {
        let shown = source.path.display();
        if module_path(&source.path).any(|name| says_nothing(&name)) {
            breaches.push(shown.to_string());
        }
        for name in source
            .text
            .lines()
            .filter_map(inline_module)
            .filter(|name| says_nothing(name))
        {
            breaches.push(format!("{shown}: mod {name}"));
        }
    }
    breaches
}

fn module_path(path: &Path) -> impl Iterator<Item = String> {
    path.with_extension("")
        .iter()
        .map(|name| name.to_string_lossy().into_owned())
        .collect::<Vec<_>>()
        .into_iter()
}

fn inline_module(line: &str) -> Option<&str> {
    let line = line.trim().strip_suffix('{')?;
    let (visibility, name) = line.split_once("mod ")?;
    let visibility = visibility.trim();
    (visibility.is_empty() || visibility.starts_with("pub")).then(|| name.trim())
}

fn says_nothing(name: &str) -> bool {
    SAY_NOTHING.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, folder: &str, manifest: &str) -> Package {
        Package {
            name: name.to_owned(),
            folder: folder.into(),
            manifest: manifest.to_owned(),
            dependencies: Vec::new(),
            features: Vec::new(),
        }
    }

    #[test]
    fn a_stray_file_at_the_top_is_found() {
        let entries = ["crates", "target", "TODO.md", "scripts"].map(str::to_owned);
        assert_eq!(top_level(&entries), ["TODO.md", "scripts"]);
    }

    #[test]
    fn a_package_in_a_strange_folder_is_found() {
        let of = |name: &str, folder: &str| folders(&[package(name, folder, "")]).len();
        assert_eq!(of("tooloo-trace", "crates/tooloo-trace"), 0);
        assert_eq!(of("tooloo", "crates/tooloo"), 0);
        assert_eq!(of("training", "services/training"), 0);
        assert_eq!(of("tooloo-examples", "examples"), 0);
        assert_eq!(of("tooloo-trace", "crates/trace"), 1);
        assert_eq!(of("trace", "crates/trace"), 1);
        assert_eq!(of("coach", "services/training"), 1);
        assert_eq!(of("tools", "tools"), 1);
        assert_eq!(of("tooloo-trace", "crates/layers/tooloo-trace"), 1);
    }

    #[test]
    fn a_package_without_the_lints_is_found() {
        let of = |manifest| lints(&[package("a", "crates/a", manifest)]).len();
        assert_eq!(of("[lints]\nworkspace = true"), 0);
        assert_eq!(of("lints.workspace = true"), 0);
        assert_eq!(of("[lints]\nworkspace = false"), 1);
        assert_eq!(of("# [lints]\n# workspace = true"), 1);
        assert_eq!(of("[lints.rust]\nunsafe_code = 'forbid'"), 1);
    }

    #[test]
    fn a_package_that_says_nothing_is_found() {
        let of = |name| packages(&[package(name, "", "")]).len();
        assert_eq!(
            (
                of("tooloo-core"),
                of("utils"),
                of("tooloo-trace"),
                of("tooloo-score")
            ),
            (1, 1, 0, 0)
        );
    }

    #[test]
    fn a_module_that_says_nothing_is_found() {
        let of = |path: &str, text: &str| {
            modules(&[Source {
                path: path.into(),
                text: text.to_owned(),
            }])
            .len()
        };
        assert_eq!(of("crates/a/src/state.rs", "mod score {"), 0);
        assert_eq!(of("crates/a/src/utils.rs", ""), 1);
        assert_eq!(of("crates/a/tests/common/mod.rs", ""), 1);
        assert_eq!(of("crates/a/src/misc/clock.rs", ""), 1);
        assert_eq!(of("crates/a/src/lib.rs", "pub(crate) mod helpers {"), 1);
        assert_eq!(of("crates/a/src/lib.rs", "    mod types {\n"), 1);
        assert_eq!(of("crates/a/src/lib.rs", "/// The mod shared {"), 0);
    }
}
