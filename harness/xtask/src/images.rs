//! `cargo xtask images`: the container images that scenarios and tests use.
//!
//! Each carries the hash of its recipe as a label; one whose recipe is unchanged is left alone.

use crate::shell::{Failure, command, finish, read, root, run, target_folder};
use crate::{Task, jobs};
use std::fs::{self, File};
use std::path::Path;
use std::process::Stdio;

/// The chore.
pub(crate) const TASK: Task = Task {
    name: "images",
    doc: "build the container images of scenarios and tests, where their recipe changed",
    run: build,
};

/// Holds the compiled targets, and nothing else.
const SCRATCH: &str = "twiceproof/scratch:1";

/// Holds bash, Python, Alembic, and PostgreSQL and Redis with their tools.
const DEBIAN: &str = "twiceproof/debian:12";

/// The same image, as the stand-in for `postgres` images.
const POSTGRES: &str = "twiceproof/postgres:15";

/// The same image, as the stand-in for `redis` images.
const REDIS: &str = "twiceproof/redis:7";

/// What `TWICEPROOF_IMAGE_MAP` must say for the scenarios of the repository.
pub(crate) const IMAGE_MAP: &str = "postgres:17=twiceproof/postgres:15,redis:7=twiceproof/redis:7";

/// The label that holds the hash of the recipe.
const LABEL: &str = "twiceproof.recipe";

/// How the Debian image is made; the output file and the mirror are mmdebstrap's business.
const BOOTSTRAP: &[&str] = &[
    "mmdebstrap",
    "--quiet",
    "--variant=minbase",
    "--include=alembic,bash,postgresql-15,postgresql-client-15,python3",
    "--include=python3-psycopg,python3-psycopg2,python3-redis,redis-server",
    "--dpkgopt=path-exclude=/usr/share/doc/*",
    "--dpkgopt=path-exclude=/usr/share/locale/*",
    "--dpkgopt=path-exclude=/usr/share/man/*",
    // A cluster made here would be the same in every container, down to its system identifier.
    "--customize-hook=rm -rf \"$1\"/var/lib/postgresql/15",
    "bookworm",
];

/// Builds every image whose recipe changed.
fn build() -> Result<(), Failure> {
    (jobs::TASK.run)()?;
    scratch()?;
    let recipe = hash(BOOTSTRAP.join("\n").as_bytes());
    if is_built(DEBIAN, &recipe) {
        println!("{DEBIAN} is up to date");
    } else {
        let archive = target_folder().join("debian.tar");
        let mut words = BOOTSTRAP.to_vec();
        words.push(utf8(&archive)?);
        run(&words)?;
        import(DEBIAN, &recipe, &archive)?;
    }
    run(&["docker", "tag", DEBIAN, POSTGRES])?;
    run(&["docker", "tag", DEBIAN, REDIS])
}

/// Builds the image that holds the compiled targets alone.
fn scratch() -> Result<(), Failure> {
    let folder = target_folder().join("scratch");
    let failed = |error| Failure(format!("cannot make {}: {error}", folder.display()));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(folder.join("bin")).map_err(failed)?;
    fs::create_dir(folder.join("tmp")).map_err(failed)?;
    let mut content = Vec::new();
    for job in jobs::paths() {
        let name = job.file_name().expect("a job is a file");
        fs::copy(&job, folder.join("bin").join(name)).map_err(failed)?;
        content.extend(fs::read(&job).map_err(failed)?);
    }
    let recipe = hash(&content);
    if is_built(SCRATCH, &recipe) {
        println!("{SCRATCH} is up to date");
        return Ok(());
    }
    let archive = target_folder().join("scratch.tar");
    run(&[
        "tar",
        "-C",
        utf8(&folder)?,
        "--owner=0",
        "--group=0",
        "-cf",
        utf8(&archive)?,
        ".",
    ])?;
    import(SCRATCH, &recipe, &archive)
}

/// Makes an archive of a file system an image, and removes the archive.
fn import(image: &str, recipe: &str, archive: &Path) -> Result<(), Failure> {
    let failed = |error| Failure(format!("cannot read {}: {error}", archive.display()));
    let label = format!("LABEL {LABEL}={recipe}");
    let mut docker = command(&["docker", "import", "--change", &label, "-", image]);
    docker.stdin(Stdio::from(File::open(archive).map_err(failed)?));
    finish(&mut docker, &format!("docker import of {image}"))?;
    fs::remove_file(archive).map_err(failed)
}

/// Returns whether the engine has the image, made by this recipe.
fn is_built(image: &str, recipe: &str) -> bool {
    let format = format!("{{{{index .Config.Labels \"{LABEL}\"}}}}");
    let found = read(&["docker", "image", "inspect", "--format", &format, image]);
    found.as_deref() == Some(recipe)
}

/// Returns a hash that differs where recipes differ (FNV-1a, 64 bits).
fn hash(bytes: &[u8]) -> String {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in bytes {
        hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    format!("{hash:016x}")
}

fn utf8(path: &Path) -> Result<&str, Failure> {
    let odd = || Failure(format!("the path {} is no text", path.display()));
    path.strip_prefix(root())
        .unwrap_or(path)
        .to_str()
        .ok_or_else(odd)
}
