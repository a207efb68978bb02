//! The files of the repository, and its packages.

use cargo_metadata::{Metadata, MetadataCommand};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Returns the folder of the workspace.
pub(crate) fn root() -> PathBuf {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask
        .ancestors()
        .nth(2)
        .expect("the crate lies two folders below the root")
        .to_owned()
}

/// Returns the paths of every file that is, or could be, committed and ends in `ending`.
pub(crate) fn files(ending: &str) -> Vec<String> {
    let mut git = Command::new("git");
    git.args([
        "ls-files",
        "--cached",
        "--others",
        "--exclude-standard",
        "-z",
    ]);
    let output = git.current_dir(root()).output().expect("git runs");
    assert!(
        output.status.success(),
        "git ls-files ended with {}",
        output.status
    );
    let list = String::from_utf8(output.stdout).expect("our paths are text");
    let paths = list
        .split_terminator('\0')
        .filter(|path| path.ends_with(ending));
    let mut paths: Vec<_> = paths.map(str::to_owned).collect();
    paths.sort_unstable();
    paths.dedup();
    // A file that is deleted, but not yet from the index.
    paths.retain(|path| root().join(path).exists());
    assert!(!paths.is_empty(), "no file ends in {ending}");
    paths
}

/// Returns a file as text; `None` if it is none.
pub(crate) fn text(path: &str) -> Option<String> {
    let bytes = std::fs::read(root().join(path)).expect("a listed file can be read");
    String::from_utf8(bytes).ok()
}

/// Returns what cargo knows of the packages that are built for the one supported machine.
pub(crate) fn metadata() -> Metadata {
    let mut command = MetadataCommand::new();
    command.current_dir(root());
    command.other_options(
        ["--locked", "--filter-platform", "x86_64-unknown-linux-gnu"].map(String::from),
    );
    command.exec().expect("cargo metadata runs")
}

/// Fails with every complaint, one a line.
#[track_caller]
pub(crate) fn assert_none(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}
