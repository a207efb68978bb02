//! `run`: clean runs, search, replays, report.

use crate::args::{self, Format, Global, Seed};
use crate::campaign::{self, Session, Settings};
use crate::environment;
use crate::events::{Events, milliseconds};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::project::{Flaws, Project};
use crate::regressions::{self, When};
use crate::screen::{Progress, Screen};
use crate::signals::Signals;
use clap::{Args, ValueEnum};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use twiceproof_explore::campaign::Shrinking;
use twiceproof_explore::shrink::TRIES_MAX;
use twiceproof_lab::store::RunFolder;
use twiceproof_model::{Date, Scenario};
use twiceproof_report::terminal::{self, Look};
use twiceproof_report::view::{RunView, ScenarioView};
use twiceproof_report::{FORMATS, Outcome, json as report_json, progress};

/// Search scenarios for ways in which the job breaks when it runs twice
#[derive(Clone, Debug, Args)]
pub(crate) struct RunArgs {
    /// Run scenarios whose name contains one of these; none: all
    pub(crate) filter: Vec<String>,
    /// Run scenarios with one of these tags
    #[arg(long, value_name = "TAG")]
    pub(crate) tag: Vec<String>,
    #[command(flatten)]
    pub(crate) bench: BenchArgs,
    /// Longest duration of each scenario's search, in place of its file's
    #[arg(long, value_name = "DURATION", value_parser = args::duration)]
    pub(crate) budget: Option<Duration>,
    /// Seed of every choice, in place of the files': a number, or `random`
    #[arg(long, value_name = "N", value_parser = args::seed)]
    pub(crate) seed: Option<Seed>,
    /// Stop at the first scenario that does not end as it expects, and each search at its first
    /// finding
    #[arg(long)]
    pub(crate) fail_fast: bool,
    /// How often a finding is replayed before it is reported
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub(crate) replays: u32,
    /// Report findings as they were found: with as many steps and faults
    #[arg(long)]
    pub(crate) no_shrink: bool,
    /// When schedules of earlier findings, in `scenarios/regressions/`, are replayed
    #[arg(long, value_enum, default_value_t = When::First)]
    pub(crate) regressions: When,
    /// Print what would run, and start nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// How progress is shown
    #[arg(long, value_enum, default_value_t = Progress::Auto)]
    pub(crate) progress: Progress,
    /// When the last lines that instances wrote are printed
    #[arg(long, value_enum, default_value_t = TargetOutput::OnFail)]
    pub(crate) target_output: TargetOutput,
    /// Write events there too, one JSON object a line
    #[arg(long, value_name = "FILE")]
    pub(crate) events: Option<PathBuf>,
    /// How the result is printed
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(crate) format: Format,
    /// End well where no scenario was selected
    #[arg(long)]
    pub(crate) allow_empty: bool,
}

/// Where trials run and where they are stored.
#[derive(Clone, Debug, Args)]
pub(crate) struct BenchArgs {
    /// What sandboxes are made of
    #[arg(long, env = environment::BACKEND, default_value = args::BACKEND, value_parser = args::backend)]
    pub(crate) backend: String,
    /// How many trials run side by side; by default one per core
    #[arg(long, value_name = "N", env = environment::CELLS,
          value_parser = clap::value_parser!(u32).range(1..=256))]
    pub(crate) cells: Option<u32>,
    /// Where runs are stored, in place of `reports/runs`
    #[arg(long, value_name = "DIR", env = environment::RUNS_DIR)]
    pub(crate) runs_dir: Option<PathBuf>,
}

/// When the last lines that instances wrote are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TargetOutput {
    /// With each finding
    OnFail,
    /// With each finding, also an expected one
    Always,
    /// Never
    Never,
}

impl BenchArgs {
    /// Returns the number of cells.
    pub(crate) fn cells(&self) -> u32 {
        self.cells.unwrap_or_else(environment::cores)
    }

    /// Returns what a run of one schedule needs.
    pub(crate) fn settings(&self, cells: u32) -> Settings {
        Settings {
            backend: self.backend.clone(),
            cells,
            budget: None,
            seed: None,
            replays: 0,
            shrink: Shrinking::Off,
            tries: TRIES_MAX,
            fail_fast: false,
            regressions: When::Skip,
            today: today(),
        }
    }
}

/// Runs the command.
pub(crate) fn run(args: &RunArgs, global: &Global) -> Result<Exit, Failure> {
    let project = Project::find(global.folder.as_deref())?;
    let scenarios = select(&project, args)?;
    if scenarios.is_empty() {
        return nothing(&project, args);
    }
    if args.dry_run {
        dry_run(args, &scenarios);
        return Ok(Exit::Ok);
    }
    let signals = Signals::listen()?;
    let run = perform(&project, &scenarios, args, global, &signals)?;
    Ok(exit_of(&run.0, &signals))
}

/// Runs the scenarios, prints them, stores the reports.
pub(crate) fn perform(
    project: &Project,
    scenarios: &[Scenario],
    args: &RunArgs,
    global: &Global,
    signals: &Signals,
) -> Result<(RunView, PathBuf), Failure> {
    let begun = Instant::now();
    let settings = Settings {
        budget: args.budget,
        seed: args.seed.map(|seed| seed.0),
        replays: args.replays,
        shrink: match args.no_shrink {
            true => Shrinking::Off,
            false => Shrinking::New,
        },
        fail_fast: args.fail_fast,
        regressions: args.regressions,
        ..args.bench.settings(args.bench.cells())
    };
    let seed = settings.seed.unwrap_or(scenarios[0].search.seed);
    let runs = project.runs(args.bench.runs_dir.as_deref());
    let run = RunFolder::create(&runs, &utc_now(), seed)?;
    let shown = shown(project, &run.path);
    let mut screen = Screen::new(args.progress, global);
    let own = run.path.join("events.ndjson");
    let mut paths: Vec<&Path> = vec![&own];
    paths.extend(args.events.as_deref());
    let mut events = Events::open(&paths)?;
    let mut view = empty(&run, &shown, &settings);
    let (version, folder) = (&view.version, &view.folder);
    let head = progress::head(version, seed, &settings.backend, settings.cells, folder);
    screen.line(&head);
    for (name, value) in &view.environment {
        screen.line(&format!(
            "   {name}={}",
            twiceproof_report::escape::value(value)
        ));
    }
    let selected = scenarios.len();
    events.tell(
        "run-start",
        json!({ "id": run.id, "seed": seed, "scenarios": selected }),
    );
    let session = Session {
        project,
        settings: &settings,
        run: &run,
        shown: &shown,
        signals,
        screen: &mut screen,
        events: &mut events,
    };
    each(session, scenarios, args, &mut view)?;
    view.elapsed_ms = milliseconds(begun);
    view.interrupted = signals.which().map(|(name, _)| name.to_owned());
    view.exit = exit_of(&view, signals).code();
    events.tell(
        "run-end",
        json!({ "exit": view.exit, "elapsed_ms": view.elapsed_ms }),
    );
    screen.close();
    for format in FORMATS.iter().filter(|format| !format.file.is_empty()) {
        run.put(format.file, (format.render)(&view).as_bytes())?;
    }
    match args.format {
        Format::Human => screen.verdict(&terminal::summary(&view, look(args, &screen))),
        Format::Json => screen.verdict(&report_json::to_text(&report_json::run(&view))),
    }
    Ok((view, run.path))
}

/// Returns the facts of a run that has not begun.
fn empty(run: &RunFolder, shown: &Path, settings: &Settings) -> RunView {
    RunView {
        id: run.id.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        folder: shown.display().to_string(),
        backend: settings.backend.clone(),
        cells: settings.cells,
        environment: environment::echo(),
        elapsed_ms: 0,
        exit: 0,
        interrupted: None,
        scenarios: Vec::new(),
    }
}

fn each(
    mut session: Session<'_>,
    scenarios: &[Scenario],
    args: &RunArgs,
    view: &mut RunView,
) -> Result<(), Failure> {
    let of = u32::try_from(scenarios.len()).unwrap_or(u32::MAX);
    for (number, scenario) in (1..).zip(scenarios) {
        session.screen.begin(number, of, &scenario.name);
        session
            .events
            .tell("scenario-start", json!({ "scenario": scenario.name }));
        let one = campaign::run(&mut session, scenario)?;
        session
            .events
            .tell("scenario-end", report_json::scenario(&one));
        if let Some(error) = session.events.take_error() {
            return Err(error.into());
        }
        session.screen.end(&one);
        if args.format == Format::Human {
            let look = look(args, session.screen);
            session
                .screen
                .verdict(&format!("{}\n", text(&one, args, look)));
        }
        let stop = args.fail_fast && one.outcome != Outcome::Pass;
        view.scenarios.push(one);
        if stop || session.signals.came() {
            break;
        }
    }
    Ok(())
}

fn text(one: &ScenarioView, args: &RunArgs, look: Look) -> String {
    let expected = one.outcome == Outcome::Pass && !one.findings.is_empty();
    if expected && args.target_output == TargetOutput::Always {
        return terminal::findings(one, look);
    }
    terminal::scenario(one, look)
}

fn look(args: &RunArgs, screen: &Screen) -> Look {
    Look {
        width: args::width(),
        palette: screen.palette(),
        schedule_text: environment::is_ci(),
        output: args.target_output != TargetOutput::Never,
    }
}

/// Returns the exit of a run: that of the scenario whose exit wins.
pub(crate) fn exit_of(view: &RunView, signals: &Signals) -> Exit {
    let signal = signals.which().map(|(_, exit)| exit);
    let ends = view
        .scenarios
        .iter()
        .map(|one| Exit::of(one.outcome))
        .chain(signal);
    let ends = ends.filter(|exit| *exit != Exit::Interrupted || signal == Some(*exit));
    ends.min().unwrap_or(Exit::Ok)
}

/// Reads the scenarios that the arguments select; errors in any selected file end the run before it
/// starts.
fn select(project: &Project, args: &RunArgs) -> Result<Vec<Scenario>, Failure> {
    let names = project.scenario_names()?;
    let chosen = names.iter().filter(|name| {
        args.filter.is_empty()
            || args
                .filter
                .iter()
                .any(|filter| name.contains(filter.as_str()))
    });
    let mut scenarios = Vec::new();
    let mut flaws: Vec<Flaws> = Vec::new();
    for name in chosen {
        match project.scenario_on(name, &args.bench.backend) {
            Ok(scenario) => scenarios.push(scenario),
            Err(flaw) => flaws.push(flaw),
        }
    }
    if !flaws.is_empty() {
        return Err(project.draw(&flaws, args::width()));
    }
    let tagged = |scenario: &Scenario| scenario.tags.iter().any(|tag| args.tag.contains(tag));
    scenarios.retain(|scenario| args.tag.is_empty() || tagged(scenario));
    if args.regressions == When::Only {
        scenarios.retain(|scenario| !regressions::files(project, &scenario.name).is_empty());
    }
    Ok(scenarios)
}

fn nothing(project: &Project, args: &RunArgs) -> Result<Exit, Failure> {
    if args.allow_empty {
        return Ok(Exit::Ok);
    }
    let names = project.scenario_names()?;
    let hint = match names.len() {
        _ if args.regressions == When::Only => {
            "a run stores the schedules of what it finds in `scenarios/regressions/`; none that was \
             selected has any"
                .to_owned()
        }
        0 => "write one below `scenarios/`".to_owned(),
        count => format!("`twiceproof list scenarios` prints all {count}"),
    };
    Err(Failure::new(
        Exit::Nothing,
        "no scenario was selected",
        hint,
    ))
}

fn dry_run(args: &RunArgs, scenarios: &[Scenario]) {
    for scenario in scenarios {
        let search = &scenario.search;
        let faults = twiceproof_explore::faults::FAULTS.kind.name;
        let is_asked = |name: &str| match &search.stages {
            _ if name == faults => !scenario.faults.is_empty(),
            None => true,
            Some(stages) => stages.iter().any(|stage| stage == name),
        };
        let stages = twiceproof_explore::STAGES
            .iter()
            .map(|stage| stage.kind.name);
        let stages: Vec<&str> = stages.filter(|name| is_asked(name)).collect();
        let budget = humantime::format_duration(args.budget.unwrap_or(search.budget));
        let seed = args.seed.map_or(search.seed, |seed| seed.0);
        println!("{}", twiceproof_report::escape::show(&scenario.name, 80));
        println!(
            "  target {}, {} instances, backend {}, {} cells",
            scenario.target.name,
            twiceproof_explore::trigger::Settings::of(scenario).attempts,
            args.bench.backend,
            args.bench.cells()
        );
        println!(
            "  stages {}; at most {budget}; seed {seed}",
            stages.join(" ")
        );
    }
}

/// Returns a run's folder as the user can open it: below the folder it was started in where it is.
pub(crate) fn shown(project: &Project, folder: &Path) -> PathBuf {
    let current = environment::current_folder();
    let below = folder
        .strip_prefix(&current)
        .or_else(|_| folder.strip_prefix(&project.root));
    match below {
        Ok(below) if current.starts_with(&project.root) || folder.starts_with(&current) => {
            below.to_owned()
        }
        _ => folder.to_owned(),
    }
}

/// Returns the day in UTC.
fn today() -> Date {
    let now = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC);
    args::day(now.date()).expect("the clock tells days of our era")
}

/// Returns the time as it stands in the name of a run.
pub(crate) fn utc_now() -> String {
    jiff::Timestamp::now().strftime("%Y%m%d-%H%M%S").to_string()
}
