//! `check`: reads every file, starts nothing.

use crate::args::{self, Global};
use crate::environment;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::project::{Flaws, Project};
use crate::{recorded, regressions};
use clap::Args;
use std::path::{Path, PathBuf};
use twiceproof_report::escape::count;

/// Read targets and scenarios, and report every error in them; starts nothing
///
/// Where a clean run of the target is stored, moments that it does not have are warned of.
#[derive(Clone, Debug, Args)]
pub(crate) struct CheckArgs {
    /// Scenario or target files; none: all of the project
    pub(crate) file: Vec<PathBuf>,
    /// The backend that the scenarios are to run on
    #[arg(long, env = environment::BACKEND, default_value = args::BACKEND, value_parser = args::backend)]
    pub(crate) backend: String,
    /// Where runs are stored, in place of `reports/runs`
    #[arg(long, value_name = "DIR", env = environment::RUNS_DIR)]
    pub(crate) runs_dir: Option<PathBuf>,
}

/// Runs the command.
pub(crate) fn run(args: &CheckArgs, global: &Global) -> Result<Exit, Failure> {
    let project = Project::find(global.folder.as_deref())?;
    let (targets, scenarios) = match args.file.as_slice() {
        [] => (project.target_names(), project.scenario_names()?),
        files => names(&project, global, files)?,
    };
    let mut flaws: Vec<Flaws> = targets
        .iter()
        .filter_map(|name| project.target(name).err())
        .collect();
    let runs = project.runs(args.runs_dir.as_deref());
    let mut warnings = Vec::new();
    for name in &scenarios {
        match project.scenario_on(name, &args.backend) {
            Ok(scenario) => {
                warnings.extend(recorded::warnings(&scenario, &runs));
                let broken = regressions::read(&project, &scenario).broken.into_iter();
                flaws.extend(broken.map(|broken| Flaws::from(broken.diag)));
            }
            Err(flaw) => flaws.push(flaw),
        }
    }
    if !flaws.is_empty() {
        return Err(project.draw(&flaws, args::width()));
    }
    let (drawing, count_of_warnings) = project.drawing(warnings.iter(), args::width());
    if count_of_warnings > 0 {
        eprint!("{drawing}");
        eprintln!("{}", count(count_of_warnings, "warning"));
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
