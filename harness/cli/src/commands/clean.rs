//! `clean`: removes what runs that were killed left behind.

use crate::args::Global;
use crate::exit::Exit;
use crate::failure::Failure;
use clap::Args;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use twiceproof_report::escape::{count, escape};

/// Remove what runs that were killed left behind: temporary folders, containers
#[derive(Clone, Debug, Args)]
pub(crate) struct CleanArgs {
    /// Print what would be removed, and remove nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// The prefix of temporary folders.
const PREFIX: &str = "twiceproof-";
/// A younger folder may belong to a run that is about to start.
const AGE_MIN: Duration = Duration::from_secs(5);

/// Runs the command.
pub(crate) fn run(args: &CleanArgs, _global: &Global) -> Result<Exit, Failure> {
    let stale = stale_folders(&std::env::temp_dir());
    for folder in &stale {
        println!("{}", folder.display());
        if !args.dry_run {
            fs::remove_dir_all(folder).map_err(|error| {
                let message = format!("cannot remove {}: {error}", folder.display());
                Failure::environment(message, "remove it by hand")
            })?;
        }
    }
    let folders = count(stale.len() as u64, "folder");
    if args.dry_run {
        println!("{folders} would be removed; containers are not looked at in a dry run");
        return Ok(Exit::Ok);
    }
    match crate::world::remove_containers() {
        Ok(containers) => {
            containers
                .iter()
                .for_each(|container| println!("{}", escape(container)));
            println!(
                "{folders}, {} removed",
                count(containers.len() as u64, "container")
            );
        }
        // Without an engine there are no containers.
        Err(error) => println!("{folders} removed; no engine was asked: {}", escape(&error)),
    }
    Ok(Exit::Ok)
}

/// Returns our own user's folders of runs whose processes are gone.
fn stale_folders(temporary: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(temporary).into_iter().flatten().flatten();
    let own = rustix::process::getuid().as_raw();
    let commands = command_lines();
    let mut folders: Vec<PathBuf> = entries
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX))
        .filter(|entry| {
            // Not followed: a link is nobody's folder.
            entry.metadata().is_ok_and(|metadata| {
                metadata.is_dir() && metadata.uid() == own && is_old(&metadata)
            })
        })
        .map(|entry| entry.path())
        .filter(|path| !commands.iter().any(|command| mentions(command, path)))
        .collect();
    folders.sort();
    folders
}

fn is_old(metadata: &fs::Metadata) -> bool {
    let age = metadata
        .modified()
        .ok()
        .and_then(|time| SystemTime::now().duration_since(time).ok());
    age.is_some_and(|age| age >= AGE_MIN)
}

/// Returns the command lines of all processes: a run's janitor names the run's folder in its own.
fn command_lines() -> Vec<Vec<u8>> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| fs::read(entry.path().join("cmdline")).ok())
        .collect()
}

fn mentions(command: &[u8], path: &Path) -> bool {
    let path = path.as_os_str().as_encoded_bytes();
    command
        .split(|byte| *byte == 0)
        .any(|word| word.starts_with(path))
}
