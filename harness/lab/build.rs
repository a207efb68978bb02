//! Builds the executables that the lab carries: static, so that they run in any sandbox.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The one target that sandboxes are built for.
const TRIPLE: &str = "x86_64-unknown-linux-gnu";

/// What is asked of the linker beside being static: nothing that a sandbox needs is lost.
const FLAGS: &str = "-C target-feature=+crt-static -C strip=symbols -C panic=abort";

fn main() {
    let harness = PathBuf::from(env::var("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("..");
    let shim = harness.join("shim");
    build_static(
        &shim,
        "twiceproof-shim",
        &["--bin", "twiceproof-shim"],
        "twiceproof-shim",
    );
    let demo = harness.join("..").join("targets").join("points-job");
    build_static(&demo, "points-job", &["--bin", "points-job"], "points-job");
    // Only tests use the probe; it is no part of the binary.
    build_static(
        &shim,
        "twiceproof-shim",
        &["--example", "probe"],
        "examples/probe",
    );
}

/// Builds one executable of a package, and names it to the crate: `TWICEPROOF_SHIM` for the last
/// part of `product` in capitals, without the product's own name in front.
fn build_static(folder: &Path, package: &str, what: &[&str], product: &str) {
    println!("cargo::rerun-if-changed={}", folder.display());
    let out = PathBuf::from(env::var("OUT_DIR").expect("cargo sets it")).join("static");
    let mut cargo = Command::new(env::var("CARGO").expect("cargo sets it"));
    cargo.args([
        "build",
        "--release",
        "--quiet",
        "--target",
        TRIPLE,
        "--package",
        package,
    ]);
    cargo.args(what);
    cargo.arg("--manifest-path").arg(folder.join("Cargo.toml"));
    cargo.arg("--target-dir").arg(&out);
    // The outer build's wrappers and flags are not meant for this one.
    for name in [
        "RUSTC_WRAPPER",
        "RUSTC_WORKSPACE_WRAPPER",
        "CARGO_BUILD_RUSTC_WRAPPER",
        "CARGO_ENCODED_RUSTFLAGS",
        "CARGO_BUILD_TARGET",
        "CARGO_TARGET_DIR",
        "CARGO_BUILD_TARGET_DIR",
        "CARGO_MAKEFLAGS",
        "MAKEFLAGS",
        "RUSTFLAGS",
    ] {
        cargo.env_remove(name);
    }
    let output = cargo
        .env("RUSTFLAGS", FLAGS)
        .output()
        .expect("cargo runs, as it runs this");
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr);
        let hint = if words.contains("-lc") || words.contains("crt1.o") {
            "\nthe static C library is missing: install the package libc6-dev"
        } else {
            ""
        };
        panic!("cannot build {product} as a static executable{hint}\n{words}");
    }
    let built = out.join(TRIPLE).join("release").join(product);
    let name = product
        .rsplit('/')
        .next()
        .unwrap_or(product)
        .replace('-', "_")
        .to_uppercase();
    let name = name.trim_start_matches("TWICEPROOF_");
    println!("cargo::rustc-env=TWICEPROOF_{name}={}", built.display());
}
