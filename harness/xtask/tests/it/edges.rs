//! Who may depend on whom.

use crate::repository::{assert_none, metadata};
use cargo_metadata::{DependencyKind, Metadata, PackageId};
use std::collections::BTreeSet;

/// For each crate of the harness, which others it may use. Development dependencies are free.
const EDGES: &[(&str, &[&str])] = &[
    ("twiceproof-model", &[]),
    ("twiceproof-wire", &["model"]),
    ("twiceproof-oracle", &["model"]),
    ("twiceproof-report", &["model"]),
    ("twiceproof-explore", &["model", "oracle"]),
    ("twiceproof-shim", &[]),
    ("twiceproof-lab", &["model", "wire", "explore", "shim"]),
    (
        "twiceproof",
        &[
            "model", "wire", "oracle", "explore", "report", "lab", "shim",
        ],
    ),
    (
        "twiceproof-testkit",
        &["model", "wire", "oracle", "explore", "report"],
    ),
    (
        "twiceproof-xtask",
        &["model", "wire", "oracle", "explore", "report", "lab"],
    ),
];

/// The crates that decide. They reach nothing of the world, not even through others.
const PURE: &[&str] = &["model", "wire", "oracle", "explore", "report"];

/// What would let a pure crate reach the world: runtimes, sockets, processes, clients.
///
/// Not `libc` and `getrandom`: cargo lists optional parts that other crates of the workspace asked
/// for, and with them `rand` has both.
const REACHING: &[&str] = &[
    "bollard",
    "hyper",
    "mio",
    "nix",
    "reqwest",
    "rusqlite",
    "rustix",
    "signal-hook",
    "socket2",
    "tempfile",
    "testcontainers",
    "tokio",
    "tokio-postgres",
];

#[test]
fn crates_use_only_those_below_them() {
    let metadata = metadata();
    let mut complaints = Vec::new();
    for package in metadata.workspace_packages() {
        let name = package.name.as_str();
        let allowed = EDGES.iter().find(|(crate_name, _)| *crate_name == name);
        let allowed = allowed.map_or(&[][..], |(_, allowed)| allowed);
        for dependency in &package.dependencies {
            let is_normal = dependency.kind == DependencyKind::Normal;
            let Some(used) = dependency.name.strip_prefix("twiceproof-") else {
                continue;
            };
            if is_normal && !allowed.contains(&used) {
                complaints.push(format!("{name} must not use twiceproof-{used}"));
            }
        }
    }
    assert_none(&complaints);
}

#[test]
fn every_crate_of_the_harness_has_its_row() {
    let metadata = metadata();
    let harness = metadata.workspace_root.join("harness");
    let packages = metadata.workspace_packages().into_iter();
    let inside = packages.filter(|package| package.manifest_path.starts_with(&harness));
    let found: BTreeSet<_> = inside.map(|package| package.name.as_str()).collect();
    let rows: BTreeSet<_> = EDGES.iter().map(|(name, _)| *name).collect();
    assert_eq!(found, rows);
}

#[test]
fn pure_crates_cannot_reach_the_world() {
    let metadata = metadata();
    let mut complaints = Vec::new();
    for package in metadata.workspace_packages() {
        let short = package.name.trim_start_matches("twiceproof-");
        if !PURE.contains(&short) {
            continue;
        }
        for used in all_dependencies(&metadata, &package.id) {
            let used = metadata[used].name.as_str();
            if REACHING.contains(&used) {
                complaints.push(format!(
                    "{} must not use {used}, not even through others",
                    package.name
                ));
            }
        }
    }
    assert_none(&complaints);
}

/// Returns every package that ends up in a build of this one.
fn all_dependencies<'a>(metadata: &'a Metadata, from: &'a PackageId) -> BTreeSet<&'a PackageId> {
    let resolve = metadata
        .resolve
        .as_ref()
        .expect("dependencies were asked for");
    let mut found = BTreeSet::new();
    let mut open = vec![from];
    while let Some(next) = open.pop() {
        let node = resolve.nodes.iter().find(|node| node.id == *next);
        for dependency in &node.expect("every package has a node").deps {
            let mut kinds = dependency.dep_kinds.iter();
            let is_normal = kinds.any(|kind| kind.kind == DependencyKind::Normal);
            if is_normal && found.insert(&dependency.pkg) {
                open.push(&dependency.pkg);
            }
        }
    }
    found
}
