//! `demo`: a job that breaks when it starts twice, and its fixed variant; needs nothing installed.

use super::run::{self, BenchArgs, RunArgs, TargetOutput};
use crate::args::{self, Format, Global};
use crate::environment;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::project::Project;
use crate::regressions::When;
use crate::screen::{Progress, Screen};
use crate::signals::Signals;
use clap::Args;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use twiceproof_model::Scenario;
use twiceproof_report::Outcome;
use twiceproof_report::escape::count;
use twiceproof_report::terminal::{self, Look};
use twiceproof_report::view::RunView;

/// See a job break when it starts twice, and its fixed variant pass; needs nothing installed
#[derive(Clone, Debug, Args)]
pub(crate) struct DemoArgs {
    /// How progress is shown
    #[arg(long, value_enum, default_value_t = Progress::Auto)]
    progress: Progress,
    /// Where runs are stored; by default `reports/runs` of the project, or a new temporary folder
    #[arg(long, value_name = "DIR", env = environment::RUNS_DIR)]
    runs_dir: Option<PathBuf>,
}

const BROKEN: &str = "demo/points-broken";
/// Random orders that the demo tries.
const SAMPLES: u32 = 20;
const FIXED: &str = "demo/points-fixed";

/// The files of the demo's project, below its folder.
const FILES: &[(&str, &[u8])] = &[
    (
        "targets/points-demo/target.toml",
        include_bytes!("../../../../targets/points-demo/target.toml"),
    ),
    (
        "targets/points-demo/data/points.db",
        include_bytes!("../../../../targets/points-demo/data/points.db"),
    ),
    (
        "scenarios/demo/points-broken.toml",
        include_bytes!("../../../../scenarios/demo/points-broken.toml"),
    ),
    (
        "scenarios/demo/points-fixed.toml",
        include_bytes!("../../../../scenarios/demo/points-fixed.toml"),
    ),
];

/// Runs the command.
pub(crate) fn run(args: &DemoArgs, global: &Global) -> Result<Exit, Failure> {
    let folder = tempfile::Builder::new()
        .prefix("twiceproof-demo-")
        .tempdir();
    let folder = folder.map_err(|error| {
        Failure::environment(format!("cannot make a temporary folder: {error}"), "")
    })?;
    write_project(folder.path())?;
    let project = Project::at(folder.path());
    let runs = runs_folder(args, global)?;
    let signals = Signals::listen()?;
    let read = |name: &str| {
        let scenario = project.scenario(name);
        scenario.map_err(|flaws| project.draw(&[flaws], args::width()))
    };
    let (mut broken, mut fixed) = (read(BROKEN)?, read(FIXED)?);
    for scenario in [&mut broken, &mut fixed] {
        shorten(scenario);
    }
    let screen = Screen::new(Progress::None, global);
    let plain = |text: &str| screen.verdict(text);
    plain(&introduction(&broken));
    let scenarios = [broken, fixed];
    let asked = run_args(args, runs);
    let (view, _) = run::perform(&project, &scenarios, &asked, global, &signals)?;
    let exit = run::exit_of(&view, &signals);
    let look = Look {
        width: args::width(),
        palette: screen.palette(),
        ..Look::default()
    };
    plain(&conclusion(&view, look));
    Ok(exit)
}

/// Writes the demo's project: what a user has in a repository.
fn write_project(root: &Path) -> Result<(), Failure> {
    let job = (
        "targets/points-demo/bin/points-job",
        crate::world::points_job(),
    );
    for (name, bytes) in FILES.iter().copied().chain([job]) {
        let path = root.join(name);
        let folder = path
            .parent()
            .expect("every file of the demo lies in a folder");
        let written = fs::create_dir_all(folder).and_then(|()| fs::write(&path, bytes));
        let written = written.and_then(|()| match name.contains("/bin/") {
            true => fs::set_permissions(&path, fs::Permissions::from_mode(0o755)),
            false => Ok(()),
        });
        written.map_err(|error| {
            let message = format!("cannot write {}: {error}", path.display());
            Failure::environment(message, "make room in the folder that TMPDIR names")
        })?;
    }
    // The sandbox runs as another user than the one whose folder this is.
    let open = fs::set_permissions(root, fs::Permissions::from_mode(0o755));
    open.map_err(|error| {
        Failure::environment(format!("cannot open {}: {error}", root.display()), "")
    })
}

fn runs_folder(args: &DemoArgs, global: &Global) -> Result<PathBuf, Failure> {
    if let Some(folder) = &args.runs_dir {
        return Ok(folder.clone());
    }
    if let Ok(project) = Project::find(global.folder.as_deref()) {
        return Ok(project.runs(None));
    }
    let kept = tempfile::Builder::new()
        .prefix("demo-of-twiceproof-")
        .tempdir();
    let kept = kept.map_err(|error| {
        Failure::environment(format!("cannot make a temporary folder: {error}"), "")
    })?;
    Ok(kept.keep())
}

fn run_args(args: &DemoArgs, runs: PathBuf) -> RunArgs {
    RunArgs {
        filter: Vec::new(),
        tag: Vec::new(),
        bench: BenchArgs {
            backend: "local".to_owned(),
            cells: None,
            runs_dir: Some(runs),
        },
        budget: None,
        seed: None,
        fail_fast: false,
        replays: 5,
        no_shrink: false,
        regressions: When::Skip,
        dry_run: false,
        progress: args.progress,
        target_output: TargetOutput::OnFail,
        events: None,
        format: Format::Human,
        allow_empty: false,
    }
}

/// Keeps the demo short: what it leaves out is printed with the result.
fn shorten(scenario: &mut Scenario) {
    let stages = ["serial", "crash", "preempt", "sample"];
    scenario.search.stages = Some(stages.map(str::to_owned).to_vec());
    scenario.search.samples = SAMPLES;
}

fn introduction(broken: &Scenario) -> String {
    format!(
        "A nightly job grants points to members: SQLite in a shared folder, a lock file, mails.\n\
         First {}: {}.\n\
         Each trial starts the job twice, in sandboxes whose only way out is held step by step,\n\
         and compares what is left with what one clean run leaves.\n\n",
        broken.name, broken.title
    )
}

/// Returns the failure that the demo is about, in full, and what the fixed variant showed.
fn conclusion(view: &RunView, look: Look) -> String {
    let find = |name: &str| view.scenarios.iter().find(|one| one.name == name);
    let (Some(broken), Some(fixed)) = (find(BROKEN), find(FIXED)) else {
        return String::new();
    };
    let mut text = String::new();
    let overlap = broken
        .findings
        .iter()
        .find(|found| found.finding.code == "TP-V01");
    if let Some(found) = overlap.or(broken.findings.first()) {
        let look = Look {
            schedule_text: true,
            ..look
        };
        text.push_str(&format!(
            "\nThe double run in full\n\n{}",
            terminal::failure(broken, found, look)
        ));
    }
    if fixed.outcome == Outcome::Pass {
        let trials = count(u64::from(fixed.trials), "trial");
        text.push_str(&format!(
            "\nThe fixed variant passed {trials}: flock, a guarded update, mails from the ledger.\n"
        ));
    }
    text.push_str(
        "Not seen as steps: single reads and writes of files. The job was stopped at its mails, and where\n\
         it looks for, creates or removes its lock file, and where SQLite locks, syncs or commits.\n",
    );
    text
}
