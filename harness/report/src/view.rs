//! What a report is made of: the facts of a run, gathered by the caller. Nothing here is computed
//! from them.

use twiceproof_model::TrialRecord;
use twiceproof_model::finding::Finding;
use twiceproof_model::scenario::Expect;

/// How a scenario ended, measured by what it expects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// As expected, within its stated bounds.
    Pass,
    /// A violation where a pass is expected, or a complete search without the expected violation.
    Fail,
    /// Could not tell.
    Inconclusive,
    /// A clean run failed, or clean runs differ.
    Baseline,
    /// A service, an image or the backend could not start.
    Environment,
    /// What the user wrote is wrong.
    Usage,
    /// A signal ended it.
    Interrupted,
    /// Twiceproof itself failed.
    Harness,
}

impl Outcome {
    /// Returns the word that stands in the first column.
    pub fn word(self) -> &'static str {
        match self {
            Outcome::Pass => "PASS",
            Outcome::Fail => "FAIL",
            Outcome::Inconclusive => "INCONCLUSIVE",
            Outcome::Baseline => "BASELINE",
            Outcome::Environment => "ENVIRONMENT",
            Outcome::Usage => "USAGE",
            Outcome::Interrupted => "INTERRUPTED",
            Outcome::Harness => "BUG",
        }
    }
}

/// One stage of a search and how far it came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StageView {
    /// Its name.
    pub name: String,
    /// Trials it ran.
    pub trials: u32,
    /// What it counts and how many of them it covered, of how many: `crash points`, 97, 97.
    pub covered: Option<(String, u64, u64)>,
    /// Whether it ran to its end.
    pub complete: bool,
}

/// Something in numbers that a search did beside its stages: `12 kills took effect`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count {
    /// How many.
    pub number: u64,
    /// Of what, in the singular: `hold`.
    pub noun: String,
    /// What of them; may be empty: `took effect`.
    pub rest: String,
}

/// Why it ran twice, or why the data broke: one cause that the trial shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CauseView {
    /// Its code: `T2`, `L5`, `D1`. Its first letter says which question it answers.
    pub code: String,
    /// Its name.
    pub title: String,
    /// Who did what, in which order.
    pub text: String,
    /// Whether the trial alone says so; else the trigger does, which is no guess.
    pub hypothesis: bool,
    /// What to do against it.
    pub remedy: String,
}

/// A finding with the trial that shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FindingView {
    /// The finding.
    pub finding: Finding,
    /// The trial that shows it first.
    pub record: TrialRecord,
    /// How often replays showed it again, and of how many.
    pub replayed: (u32, u32),
    /// The first replay that went another way: its step, in words.
    pub diverged: Option<String>,
    /// Its causes, as far as the trial shows them.
    pub causes: Vec<CauseView>,
    /// Orders of requests that alone show it, where all else runs lowest first: as lines of a
    /// schedule file.
    pub orders: Vec<String>,
    /// Steps and faults that it had before it was shrunk, and how many smaller cases were tried.
    pub shrunk: Option<(u32, u32, u32)>,
    /// How many trials show it.
    pub trials: u32,
    /// Folder with its files, below the run's; empty where nothing was stored.
    pub folder: String,
    /// The file that keeps its schedule for later runs; empty where none does.
    pub regression: String,
}

/// What came of replaying a schedule that an earlier run kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegressionEnd {
    /// It is still a violation.
    StillFails,
    /// It was followed to its end, and nothing objects.
    NoLongerFails,
    /// It could not be followed, so that nothing failed proves nothing.
    Diverged,
    /// Its trial proves nothing.
    Unclear,
    /// The search ended before it.
    NotReplayed,
    /// Its file cannot be read.
    Broken,
}

impl RegressionEnd {
    /// Returns it as people read it.
    pub fn words(self) -> &'static str {
        match self {
            RegressionEnd::StillFails => "still fails",
            RegressionEnd::NoLongerFails => "no longer fails",
            RegressionEnd::Diverged => "diverged",
            RegressionEnd::Unclear => "could not tell",
            RegressionEnd::NotReplayed => "not replayed",
            RegressionEnd::Broken => "has an error",
        }
    }
}

/// A schedule that an earlier run kept, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegressionView {
    /// Its finding.
    pub finding: String,
    /// Its file, below the project's folder.
    pub file: String,
    /// What came of it.
    pub end: RegressionEnd,
    /// What else to say: the line that could not be followed, the error; may be empty.
    pub note: String,
}

/// What became of an entry of the scenario's known findings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KnownState {
    /// It was found, and does not fail.
    Found,
    /// It was found, and its date has passed: it fails.
    Expired,
    /// It was not found.
    NotFound,
}

/// A finding that the scenario's file says is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownView {
    /// Its id.
    pub finding: String,
    /// The last day on which it does not fail.
    pub until: String,
    /// The first day on which it fails again.
    pub since: String,
    /// Where it is dealt with.
    pub ticket: String,
    /// Why it can wait.
    pub reason: String,
    /// What became of it.
    pub state: KnownState,
}

/// One scenario, run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScenarioView {
    /// Its name: path below `scenarios/`.
    pub name: String,
    /// Its title.
    pub title: String,
    /// Its file, below the project's folder.
    pub path: String,
    /// What it expects.
    pub expect: Expect,
    /// How it ended.
    pub outcome: Outcome,
    /// Trials, the baseline's not counted.
    pub trials: u32,
    /// How long it took.
    pub elapsed_ms: u64,
    /// Seed of the campaign.
    pub seed: u64,
    /// Stages that ran, in order.
    pub stages: Vec<StageView>,
    /// Stages that exist in the design of the search and did not run.
    pub stages_absent: Vec<String>,
    /// Which interleavings were all tried; empty where no search for all of them ended.
    pub interleavings: String,
    /// What was done, in numbers.
    pub counts: Vec<Count>,
    /// Columns left out of the comparison, with the reason.
    pub masks: Vec<(String, String)>,
    /// What could not be seen: opaque links, file operations.
    pub unseen: Vec<String>,
    /// How far a pass reaches, `exhaustive`, `sampled` or `best-effort`, and on what that rests;
    /// empty where it is none.
    pub claim: (String, Vec<String>),
    /// Why it is not a plain pass: code and text. For an error: what was tried, what came of it.
    pub reasons: Vec<(String, String)>,
    /// What to do; may be empty.
    pub hint: String,
    /// Why several runs were started: the code of the cause and what starts them; empty where they
    /// are meant.
    pub why_twice: (String, String),
    /// Schedules that earlier runs kept, in the order of their names.
    pub regressions: Vec<RegressionView>,
    /// Findings that are known, in the order of the file.
    pub known: Vec<KnownView>,
    /// The findings, the most telling first.
    pub findings: Vec<FindingView>,
}

impl ScenarioView {
    /// Returns what the scenario's file says of a finding, where it does.
    pub fn known(&self, finding: &str) -> Option<&KnownView> {
        self.known.iter().find(|known| known.finding == finding)
    }

    /// Returns whether the finding is known and does not fail.
    pub fn is_known(&self, view: &FindingView) -> bool {
        let known = self.known(&view.finding.id);
        known.is_some_and(|known| known.state == KnownState::Found)
    }
}

/// One run over scenarios.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunView {
    /// Its id: UTC date-time and seed.
    pub id: String,
    /// Version of the program.
    pub version: String,
    /// Its folder, as the user can open it.
    pub folder: String,
    /// Name of the backend.
    pub backend: String,
    /// How many cells.
    pub cells: u32,
    /// Environment variables that decided something, with their values.
    pub environment: Vec<(String, String)>,
    /// How long it took.
    pub elapsed_ms: u64,
    /// The exit code.
    pub exit: u8,
    /// The signal that ended it early.
    pub interrupted: Option<String>,
    /// The scenarios, in order.
    pub scenarios: Vec<ScenarioView>,
}
