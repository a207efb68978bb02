//! What the environment decides: only what differs from machine to machine.

use std::env;
use std::path::PathBuf;

/// The backend.
pub(crate) const BACKEND: &str = "TWICEPROOF_BACKEND";
/// How many cells.
pub(crate) const CELLS: &str = "TWICEPROOF_CELLS";
/// Where runs are stored.
pub(crate) const RUNS_DIR: &str = "TWICEPROOF_RUNS_DIR";
/// Images that stand for others.
pub(crate) const IMAGE_MAP: &str = "TWICEPROOF_IMAGE_MAP";

/// Returns the variables that are set, with their values: reports repeat them.
pub(crate) fn echo() -> Vec<(String, String)> {
    let names = [BACKEND, CELLS, RUNS_DIR, IMAGE_MAP];
    let set = names
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), env::var(name).ok()?)));
    set.collect()
}

/// Returns whether this is a machine that nobody watches.
pub(crate) fn is_ci() -> bool {
    env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false")
}

/// Returns how many cells run where nobody says: one per core.
pub(crate) fn cores() -> u32 {
    std::thread::available_parallelism().map_or(1, |cores| u32::try_from(cores.get()).unwrap_or(1))
}

/// Returns the folder that the program was started in.
pub(crate) fn current_folder() -> PathBuf {
    env::current_dir().unwrap_or_else(|_| PathBuf::from("."))
}
