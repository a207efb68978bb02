//! What the checks need beside the Rust toolchain, as packages of Debian.

use crate::shell::{Failure, read, run};

/// A package, and what in the checks needs it.
struct Package {
    name: &'static str,
    why: &'static str,
}

/// Every package, by name.
const PACKAGES: &[Package] = &[
    Package {
        name: "alembic",
        why: "target alembic-upgrade",
    },
    Package {
        name: "curl",
        why: "byte-for-byte test of HTTP",
    },
    Package {
        name: "default-jdk-headless",
        why: "byte-for-byte tests of JDBC and HTTP",
    },
    Package {
        name: "docker.io",
        why: "docker backend",
    },
    Package {
        name: "gcc",
        why: "linker, and SQLite's source",
    },
    Package {
        name: "git",
        why: "comparison of generated files",
    },
    Package {
        name: "libc6-dev",
        why: "static C library of the shim",
    },
    Package {
        name: "libhikaricp-java",
        why: "target check-then-insert",
    },
    Package {
        name: "libpostgresql-jdbc-java",
        why: "byte-for-byte test of JDBC, target check-then-insert",
    },
    Package {
        name: "mmdebstrap",
        why: "Debian image",
    },
    Package {
        name: "node-redis",
        why: "byte-for-byte test of node-redis",
    },
    Package {
        name: "postgresql",
        why: "service postgres, pgbench, psql",
    },
    Package {
        name: "python3-psycopg",
        why: "targets in Python",
    },
    Package {
        name: "python3-psycopg2",
        why: "targets in Python",
    },
    Package {
        name: "python3-redis",
        why: "targets in Python, and the tests of their locks",
    },
    Package {
        name: "python3-requests",
        why: "byte-for-byte test of HTTP",
    },
    Package {
        name: "python3-sqlalchemy",
        why: "targets in Python",
    },
    Package {
        name: "redis-server",
        why: "service redis, redis-cli, redis-benchmark",
    },
];

/// Installs the packages that are missing; without the means to do so, names them.
pub(super) fn install() -> Result<(), Failure> {
    let missing: Vec<_> = PACKAGES
        .iter()
        .filter(|package| !is_installed(package.name))
        .collect();
    if missing.is_empty() {
        println!("all {} packages are installed", PACKAGES.len());
        return Ok(());
    }
    for package in &missing {
        println!("missing: {:24} for {}", package.name, package.why);
    }
    let names = missing.iter().map(|package| package.name);
    if read(&["id", "-u"]).as_deref() != Some("0") {
        let names = names.collect::<Vec<_>>().join(" ");
        return Err(Failure(format!("as root, run: apt-get install {names}")));
    }
    run(&["apt-get", "-qq", "update"])?;
    let mut words = vec!["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq"];
    words.extend(["--no-install-recommends", "-y", "install"]);
    words.extend(names);
    run(&words)
}

fn is_installed(package: &str) -> bool {
    let status = read(&[
        "dpkg-query",
        "--show",
        "--showformat",
        "${db:Status-Status}",
        package,
    ]);
    status.as_deref() == Some("installed")
}
