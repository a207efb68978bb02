//! `check`: reads every file, starts nothing.

use crate::args::{self, Global};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::project::{Flaws, Project};
use clap::Args;
use std::path::{Path, PathBuf};
use twiceproof_report::escape::count;

/// Read targets and scenarios, and report every error in them; starts nothing
#[derive(Clone, Debug, Args)]
pub(crate) struct CheckArgs {
    /// Scenario or target files; none: all of the project
    pub(crate) file: Vec<PathBuf>,
}

/// Runs the command.
pub(crate) fn run(args: &CheckArgs, global: &Global) -> Result<Exit, Failure> {
    let project = Project::find(global.folder.as_deref())?;
    let (targets, scenarios) = match args.file.as_slice() {
        [] => (project.target_names(), project.scenario_names()?),
        files => names(&project, global, files)?,
    };
    let targets_read = targets.iter().map(|name| project.target(name).map(drop));
    let scenarios_read = scenarios
        .iter()
        .map(|name| project.scenario(name).map(drop));
    let flaws: Vec<Flaws> = targets_read
        .chain(scenarios_read)
        .filter_map(Result::err)
        .collect();
    if !flaws.is_empty() {
        return Err(project.draw(&flaws, args::width()));
    }
    if !global.quiet {
        let targets = count(targets.len() as u64, "target");
        println!(
            "{targets} and {}: no errors",
            count(scenarios.len() as u64, "scenario")
        );
    }
    Ok(Exit::Ok)
}

/// Returns the names of the targets and scenarios that these files are.
fn names(
    project: &Project,
    global: &Global,
    files: &[PathBuf],
) -> Result<(Vec<String>, Vec<String>), Failure> {
    let (mut targets, mut scenarios) = (Vec::new(), Vec::new());
    for file in files {
        let base = global.folder.as_deref().unwrap_or(Path::new("."));
        let path = base.join(file);
        let path =
            std::fs::canonicalize(&path).map_err(|error| Failure::unreadable(file, &error))?;
        let below = path.strip_prefix(&project.root).unwrap_or(&path);
        let text = below.to_str().unwrap_or_default();
        let target = text
            .strip_prefix("targets/")
            .and_then(|rest| rest.strip_suffix("/target.toml"));
        let scenario = text
            .strip_prefix("scenarios/")
            .and_then(|rest| rest.strip_suffix(".toml"));
        match (target, scenario) {
            (Some(name), _) => targets.push(name.to_owned()),
            (_, Some(name)) => scenarios.push(name.to_owned()),
            _ => {
                let message = format!("{} is neither a target nor a scenario", file.display());
                let hint =
                    "targets lie at targets/NAME/target.toml, scenarios at scenarios/**/*.toml";
                return Err(Failure::usage(message, hint));
            }
        }
    }
    Ok((targets, scenarios))
}
