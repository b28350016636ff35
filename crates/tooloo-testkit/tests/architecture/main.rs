//! Keeps the workspace built the way docs/architecture.md says it is.
//!
//! Each rule is a plain function from what the workspace holds to the breaches it finds, with
//! tests of its own on a made-up workspace that breaks it.

mod graph;
mod names;
mod sources;
mod workspace;

use self::workspace::Workspace;

fn assert_kept(rule: &str, breaches: &[String]) {
    assert!(breaches.is_empty(), "{rule}:\n  {}", breaches.join("\n  "));
}

#[test]
fn dependencies_point_one_way() {
    assert_kept(
        "dependencies point one way",
        &graph::direction(&Workspace::read().packages),
    );
}

#[test]
fn axum_stays_in_services_and_the_kit() {
    assert_kept(
        "axum stays outside of the layers",
        &graph::axum(&Workspace::read().packages),
    );
}

#[test]
fn packages_stand_in_folders_of_their_name() {
    assert_kept(
        "a package's folder has its name",
        &names::folders(&Workspace::read().packages),
    );
}

#[test]
fn every_package_inherits_the_lints() {
    assert_kept(
        "every package inherits the workspace's lints",
        &names::lints(&Workspace::read().packages),
    );
}

#[test]
fn no_name_says_nothing() {
    let workspace = Workspace::read();
    assert_kept(
        "no package says nothing by its name",
        &names::packages(&workspace.packages),
    );
    assert_kept(
        "no module says nothing by its name",
        &names::modules(&workspace.sources),
    );
}

#[test]
fn nothing_else_stands_at_the_top() {
    assert_kept(
        "the top level is kept clear",
        &names::top_level(&Workspace::read().top_level),
    );
}

#[test]
fn files_are_short() {
    assert_kept(
        "a file is short before its tests",
        &sources::length(&Workspace::read().sources),
    );
}

#[test]
fn every_module_says_its_job() {
    assert_kept(
        "a file's first line says its job",
        &sources::job(&Workspace::read().sources),
    );
}

#[test]
fn only_tests_unwrap() {
    assert_kept(
        "nothing but a test unwraps",
        &sources::unwraps(&Workspace::read().sources),
    );
}

#[test]
fn the_whole_workspace_is_looked_at() {
    let workspace = Workspace::read();
    let names: Vec<_> = workspace
        .packages
        .iter()
        .map(|package| package.name.as_str())
        .collect();
    assert!(
        names.contains(&"tooloo-trace") && names.contains(&"fleet"),
        "{names:?}"
    );
    let own = |path: &str| {
        workspace
            .sources
            .iter()
            .any(|source| source.path.ends_with(path))
    };
    assert!(own("tooloo-testkit/src/contract/inner.rs") && own("tests/architecture/main.rs"));
}
