//! `shrink`: a stored finding, made smaller.

use super::run::{BenchArgs, shown, utc_now};
use crate::args::{self, Global};
use crate::campaign::{self, Session, Settings};
use crate::events::Events;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::regressions;
use crate::regressions::Kept;
use crate::screen::{Progress, Screen};
use crate::signals::Signals;
use crate::stored::{self, Opened};
use clap::Args;
use std::time::Duration;
use twiceproof_explore::campaign::{Regression, Shrinking};
use twiceproof_lab::store::RunFolder;
use twiceproof_report::terminal::{self, Look};
use twiceproof_report::view::{FindingView, ScenarioView};

/// Make the schedule of a stored finding smaller
///
/// Fewer faults, instances and lines are tried, as `run` does, but with more tries. Each smaller
/// schedule is stored before the next one is tried, also in the place of the one that
/// `scenarios/regressions/` keeps.
#[derive(Clone, Debug, Args)]
pub(crate) struct ShrinkArgs {
    /// A finding as reports name it, SCENARIO/ID or ID, or a schedule file of one
    pub(crate) what: String,
    /// The scenario that a file's schedule belongs to
    #[arg(long, value_name = "NAME")]
    pub(crate) scenario: Option<String>,
    /// The most smaller schedules to try
    #[arg(long, value_name = "N", default_value_t = 400,
          value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) tries: u32,
    #[command(flatten)]
    pub(crate) bench: BenchArgs,
}

/// Runs the command.
pub(crate) fn run(args: &ShrinkArgs, global: &Global) -> Result<Exit, Failure> {
    let runs_dir = args.bench.runs_dir.as_deref();
    let opened = stored::open(&args.what, args.scenario.as_deref(), runs_dir, global)?;
    let Opened {
        project,
        runs,
        found,
        schedule,
        scenario,
    } = opened;
    let Some(finding) = found.finding else {
        return Err(Failure::usage(
            format!("{} is the schedule of no finding", found.path.display()),
            "only what shows a finding can be made smaller: `twiceproof list findings`",
        ));
    };
    let settings = Settings {
        shrink: Shrinking::Only(finding.clone()),
        tries: args.tries,
        replays: REPLAYS,
        budget: Some(Duration::MAX),
        ..args.bench.settings(args.bench.cells())
    };
    let mut spec = settings.spec(&scenario);
    let mode = regressions::mode(&schedule, &crate::world::hash_of(&scenario.target));
    let seed = schedule.seed;
    spec.regressions = vec![Regression {
        finding: finding.clone(),
        schedule,
        mode,
    }];
    spec.only_regressions = true;
    let signals = Signals::listen()?;
    let run = RunFolder::create(&runs, &utc_now(), seed)?;
    let shown = shown(&project, &run.path);
    let mut screen = Screen::new(Progress::Lines, &verbose(global));
    let mut events = Events::open(&[&run.path.join("events.ndjson")])?;
    let mut session = Session {
        project: &project,
        settings: &settings,
        run: &run,
        shown: &shown,
        signals: &signals,
        screen: &mut screen,
        events: &mut events,
    };
    let view = campaign::perform(&mut session, &scenario, &spec, &Kept::default())?;
    screen.close();
    let look = Look {
        width: args::width(),
        palette: screen.palette(),
        schedule_text: true,
        output: false,
    };
    let shown_again = (view.findings.iter()).find(|view| view.finding.id == finding);
    let Some(shown_again) = shown_again else {
        return Ok(gone(&view, &finding, look, &screen, &signals));
    };
    screen.verdict(&terminal::failure(&view, shown_again, look));
    screen.verdict(&format!("\n{}\n", sentence(shown_again)));
    let signal = signals.which().map(|(_, exit)| exit);
    Ok(signal.unwrap_or(Exit::Ok))
}

/// How often the finding is replayed before it is made smaller, and afterwards.
const REPLAYS: u32 = 5;

/// Each smaller schedule is a line.
fn verbose(global: &Global) -> Global {
    Global {
        verbose: !global.quiet,
        ..global.clone()
    }
}

/// Says that the finding did not show again.
fn gone(
    view: &ScenarioView,
    finding: &str,
    look: Look,
    screen: &Screen,
    signals: &Signals,
) -> Exit {
    screen.verdict(&terminal::scenario(view, look));
    screen.verdict(&format!("\nfinding {finding} did not show again\n"));
    let ended = match Exit::of(view.outcome) {
        Exit::Ok | Exit::Fail => Exit::Inconclusive,
        other => other,
    };
    signals.which().map_or(ended, |(_, exit)| exit)
}

/// Returns what came of it, in a sentence.
fn sentence(view: &FindingView) -> String {
    match (view.replayed, view.shrunk) {
        ((same, tried), _) if same < tried => {
            format!("it showed in {same} of {tried} replays: too seldom to tell what it needs")
        }
        (_, Some((steps, faults, tries))) => {
            format!(
                "smaller than before, which had {steps} steps and {faults} faults; {tries} tried"
            )
        }
        _ => "no smaller schedule shows it".to_owned(),
    }
}
