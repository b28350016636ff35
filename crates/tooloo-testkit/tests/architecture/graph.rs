//! Which package may depend on which.

use crate::workspace::{Dependency, Package};

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Part {
    Vocabulary,
    Layer,
    Kit,
    Testkit,
    Facade,
    Service,
    /// What the services share: what stands around their calls to each other, and their databases.
    Ground,
    Fleet,
    /// Examples and benches.
    Showcase,
}

/// Where one package may lean on another although their parts may not.
const EXCEPTIONS: [(&str, &str); 2] = [
    // A query runs on a pooled connection.
    ("tooloo-query", "tooloo-pool"),
    // The kit starts telemetry and puts trace ids into problem responses.
    ("tooloo-service", "tooloo-trace"),
];

/// Finds dependencies that point the wrong way.
pub(crate) fn direction(packages: &[Package]) -> Vec<String> {
    let mut breaches = Vec::new();
    for (package, to) in house_dependencies(packages) {
        let (from, to_part) = (part(package), part(to));
        let excepted = EXCEPTIONS.contains(&(package.name.as_str(), to.name.as_str()));
        if !allowed(from, to_part) && !excepted {
            let names = format!(
                "{} ({from:?}) depends on {} ({to_part:?})",
                package.name, to.name
            );
            breaches.push(names);
        }
    }
    breaches
}

/// Finds axum where it has no business: a layer may offer it behind a feature of that name only.
pub(crate) fn axum(packages: &[Package]) -> Vec<String> {
    let mut breaches = Vec::new();
    for package in packages {
        let at_home = matches!(
            part(package),
            Part::Kit | Part::Service | Part::Ground | Part::Fleet | Part::Showcase
        );
        for dependency in package
            .dependencies
            .iter()
            .filter(|dependency| is_axum(dependency))
        {
            let offered =
                dependency.optional && package.features.iter().any(|feature| feature == "axum");
            if !at_home && !offered {
                breaches.push(format!("{} depends on {}", package.name, dependency.name));
            }
        }
    }
    breaches
}

fn allowed(from: Part, to: Part) -> bool {
    use Part::{Facade, Fleet, Ground, Kit, Layer, Service, Showcase, Testkit, Vocabulary};

    match from {
        Vocabulary | Testkit => false,
        Layer | Kit => to == Vocabulary,
        Facade => matches!(to, Layer | Vocabulary),
        Service => matches!(to, Ground | Kit | Layer | Vocabulary),
        Ground => matches!(to, Kit | Layer | Vocabulary),
        Fleet => matches!(to, Service | Kit | Layer | Vocabulary),
        Showcase => matches!(to, Facade | Kit | Layer | Vocabulary),
    }
}

fn part(package: &Package) -> Part {
    let house = package
        .folder
        .iter()
        .next()
        .and_then(|house| house.to_str());
    match (house, package.name.as_str()) {
        (Some("services"), "fleet") => Part::Fleet,
        (Some("services"), "database" | "upstream") => Part::Ground,
        (Some("services"), _) => Part::Service,
        (Some("crates"), "tooloo") => Part::Facade,
        (Some("crates"), "tooloo-service") => Part::Kit,
        (Some("crates"), "tooloo-testkit") => Part::Testkit,
        (Some("crates"), "tooloo-key" | "tooloo-clock" | "tooloo-hub") => Part::Vocabulary,
        (Some("crates"), _) => Part::Layer,
        _ => Part::Showcase,
    }
}

fn is_axum(dependency: &Dependency) -> bool {
    dependency.name.split('-').any(|word| word == "axum")
}

fn house_dependencies(packages: &[Package]) -> impl Iterator<Item = (&Package, &Package)> {
    packages.iter().flat_map(move |package| {
        let dependencies = package.dependencies.iter();
        dependencies.filter_map(move |dependency| {
            let to = packages.iter().find(|to| to.name == dependency.name)?;
            Some((package, to))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(folder: &str, dependencies: &[&str]) -> Package {
        let name = folder.rsplit('/').next().unwrap().to_owned();
        let dependencies = dependencies.iter().map(|name| Dependency {
            name: (*name).to_owned(),
            optional: false,
        });
        Package {
            name,
            folder: folder.into(),
            manifest: String::new(),
            dependencies: dependencies.collect(),
            features: Vec::new(),
        }
    }

    /// The parts of a house, all of them leaning on nothing.
    fn house() -> Vec<Package> {
        let folders = [
            "crates/tooloo-key",
            "crates/tooloo-clock",
            "crates/tooloo-trace",
            "crates/tooloo-cache",
            "crates/tooloo-pool",
            "crates/tooloo-query",
            "crates/tooloo-service",
            "crates/tooloo-testkit",
            "crates/tooloo",
            "services/training",
            "services/database",
            "services/upstream",
            "services/meta",
            "services/fleet",
            "examples",
        ];
        folders.map(|folder| package(folder, &[])).into()
    }

    fn with(from: &str, to: &str) -> Vec<Package> {
        let mut packages = house();
        let from = packages
            .iter_mut()
            .find(|package| package.name == from)
            .unwrap();
        from.dependencies.push(Dependency {
            name: to.to_owned(),
            optional: false,
        });
        packages
    }

    #[test]
    fn dependencies_that_point_down_pass() {
        for (from, to) in [
            ("tooloo-cache", "tooloo-clock"),
            ("tooloo-query", "tooloo-pool"),
            ("tooloo-service", "tooloo-trace"),
            ("tooloo-service", "tooloo-key"),
            ("tooloo", "tooloo-cache"),
            ("training", "tooloo-service"),
            ("training", "tooloo-cache"),
            ("training", "upstream"),
            ("training", "database"),
            ("upstream", "tooloo-service"),
            ("database", "tooloo-query"),
            ("fleet", "training"),
            ("examples", "tooloo-trace"),
            ("tooloo-cache", "serde"),
        ] {
            assert_eq!(
                direction(&with(from, to)),
                Vec::<String>::new(),
                "{from} -> {to}"
            );
        }
    }

    #[test]
    fn dependencies_that_point_up_or_across_are_found() {
        for (from, to) in [
            ("tooloo-clock", "tooloo-key"),
            ("tooloo-key", "tooloo-trace"),
            ("tooloo-cache", "tooloo-trace"),
            ("tooloo-pool", "tooloo-query"),
            ("tooloo-cache", "tooloo-service"),
            ("tooloo-trace", "tooloo-service"),
            ("tooloo-service", "tooloo-cache"),
            ("tooloo-service", "training"),
            ("training", "meta"),
            ("training", "fleet"),
            ("upstream", "training"),
            ("database", "upstream"),
            ("tooloo-service", "upstream"),
            ("training", "tooloo"),
            ("training", "tooloo-testkit"),
            ("fleet", "tooloo-testkit"),
            ("tooloo", "tooloo-service"),
            ("tooloo-testkit", "tooloo-service"),
            ("examples", "training"),
        ] {
            assert_eq!(direction(&with(from, to)).len(), 1, "{from} -> {to}");
        }
    }

    #[test]
    fn axum_in_a_layer_is_found_unless_it_is_offered_as_a_feature() {
        for name in ["axum", "axum-core", "utoipa-axum"] {
            assert_eq!(axum(&with("tooloo-cache", name)).len(), 1, "{name}");
            assert_eq!(axum(&with("training", name)).len(), 0, "{name}");
            assert_eq!(axum(&with("tooloo-service", name)).len(), 0, "{name}");
            assert_eq!(axum(&with("tooloo-testkit", name)).len(), 1, "{name}");
        }
        let mut offered = package("crates/tooloo-cache", &["axum"]);
        offered.dependencies[0].optional = true;
        assert_eq!(axum(std::slice::from_ref(&offered)).len(), 1);
        offered.features.push("axum".to_owned());
        assert_eq!(axum(&[offered]).len(), 0);
    }
}
