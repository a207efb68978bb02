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
    /// Steps and faults that it had before it was shrunk, and how many smaller cases were tried.
    pub shrunk: Option<(u32, u32, u32)>,
    /// How many trials show it.
    pub trials: u32,
    /// Folder with its files, below the run's; empty where nothing was stored.
    pub folder: String,
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
    /// The findings, the most telling first.
    pub findings: Vec<FindingView>,
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
