//! What the rules look at, read from `cargo metadata` and the source tree.

use std::{
    fs,
    path::{Path, PathBuf},
};

use cargo_metadata::{DependencyKind, MetadataCommand};

/// The folders that hold packages.
const HOUSES: [&str; 4] = ["crates", "services", "examples", "benches"];

#[derive(Debug)]
pub(crate) struct Workspace {
    pub(crate) packages: Vec<Package>,
    pub(crate) sources: Vec<Source>,
    pub(crate) top_level: Vec<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct Package {
    pub(crate) name: String,
    /// Its folder, relative to the workspace.
    pub(crate) folder: PathBuf,
    pub(crate) manifest: String,
    pub(crate) dependencies: Vec<Dependency>,
    /// The names of its features.
    pub(crate) features: Vec<String>,
}

/// A dependency of what ships; those of tests are nobody's concern.
#[derive(Clone, Debug)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    pub(crate) optional: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Source {
    /// Relative to the workspace.
    pub(crate) path: PathBuf,
    pub(crate) text: String,
}

impl Workspace {
    pub(crate) fn read() -> Self {
        let metadata = MetadataCommand::new()
            .no_deps()
            .exec()
            .expect("cargo describes the workspace");
        let root = metadata.workspace_root.as_std_path();
        let packages = metadata.workspace_packages().into_iter().map(|package| {
            let manifest = package.manifest_path.as_std_path();
            let folder = manifest.parent().expect("a manifest lies in a folder");
            Package {
                name: package.name.to_string(),
                folder: relative(folder, root),
                manifest: fs::read_to_string(manifest).expect("cargo has just read it"),
                dependencies: package
                    .dependencies
                    .iter()
                    .filter(|dependency| dependency.kind != DependencyKind::Development)
                    .map(|dependency| Dependency {
                        name: dependency.name.clone(),
                        optional: dependency.optional,
                    })
                    .collect(),
                features: package.features.keys().cloned().collect(),
            }
        });
        let packages = packages.collect();
        let mut sources = Vec::new();
        for house in HOUSES {
            collect(&root.join(house), root, &mut sources);
        }
        let top_level = fs::read_dir(root).expect("the workspace can be listed");
        let top_level = top_level.map(|entry| {
            entry
                .expect("the workspace can be listed")
                .file_name()
                .to_string_lossy()
                .into_owned()
        });
        Self {
            packages,
            sources,
            top_level: top_level.collect(),
        }
    }
}

fn collect(folder: &Path, root: &Path, sources: &mut Vec<Source>) {
    // A house may have nothing in it yet.
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries {
        let path = entry.expect("a folder can be listed").path();
        if path.is_dir() && path.ends_with("target") {
            // What fuzzing builds beside a crate is not the crate's.
        } else if path.is_dir() {
            collect(&path, root, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).expect("a source is UTF-8");
            sources.push(Source {
                path: relative(&path, root),
                text,
            });
        }
    }
}

fn relative(path: &Path, root: &Path) -> PathBuf {
    path.strip_prefix(root)
        .expect("members lie in the workspace")
        .to_owned()
}
