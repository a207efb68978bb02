//! Scenarios: one experiment on a target, validated. Files are read by [`parse()`].

mod checks;
mod faults;
mod keys;
mod known;
mod parse;
mod unmatched;

pub use checks::SQL_KINDS;
pub use keys::{
    ALLOW, ANSWER, AT_MOST_ONCE, ATTEMPTS, CODES, COLUMN, FORMAT, GRACE, LOCK, NAME, SERVICE, SQL,
    TIMEOUT,
};
pub use parse::parse;
pub use unmatched::unmatched;

use crate::date::Date;
use crate::diag::Diag;
use crate::fault::Fault;
use crate::moment::Moment;
use crate::name::ServiceName;
use crate::target::Target;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

/// What the starts owe (RULINGS of the design, restated in `docs/glossary.md`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Contract {
    /// All starts serve the same slot: the state equals one clean run, however many started.
    Once,
    /// Every start serves its own slot: the state equals some serial order of the slots, and a
    /// start that overlaps another may skip without effects.
    EachSlot,
    /// Critical sections never overlap, and the state equals some serial order of the runs.
    Exclusion,
    /// Several share the work on purpose: the state equals one clean run of the whole work.
    Workers,
}

/// Where the instances run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hosts {
    /// All on one: they share process ids, `/tmp` and `/run`.
    One,
    /// Each on its own.
    Each,
}

/// What a scenario expects to end in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// No violation.
    Pass,
    /// A violation: a lesson, or a broken variant.
    Violation,
}

/// Why a scenario's target cannot be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoTarget {
    /// There is none of this name; these there are.
    Unknown(Vec<String>),
    /// Its file has these errors.
    Invalid(Vec<Diag>),
}

/// What starts runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TriggerSpec {
    /// Name of its kind in the registry.
    pub kind: String,
    /// How many instances run at once.
    pub instances: u8,
    /// How many starts there are in all, where the kind restarts or retries and the file says.
    pub attempts: Option<u8>,
    /// Where the instances run, where the file says.
    pub hosts: Option<Hosts>,
    /// How long an attempt may run before the next one starts.
    pub timeout: Option<Duration>,
    /// How long a replaced process lives on.
    pub grace: Option<Duration>,
    /// The file that it was imported from, as the scenario names it.
    pub from: Option<String>,
}

/// What is taken for granted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Assumptions {
    /// The longest pause that a run can meet; `None`: any.
    pub pause_max: Option<Duration>,
}

/// What is searched, and how far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchSpec {
    /// Stages by name; `None`: all.
    pub stages: Option<Vec<String>>,
    /// Trials of the sample stage.
    pub samples: u32,
    /// Preemptions up to which the exhaustive stage tries every order.
    pub preemptions: u32,
    /// Longest duration of the whole search.
    pub budget: Duration,
    /// Seed of the campaign.
    pub seed: u64,
}

/// A fault of a scenario: what is injected, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultSpec {
    /// What is injected.
    pub fault: Fault,
    /// When; `None`: the search places it.
    pub at: Option<Moment>,
    /// When it is healed; `None`: when no run can go on without, or at the end.
    pub until: Option<Moment>,
    /// At how many requests in a row that `at` matches it strikes in a trial.
    pub times: u32,
    /// Where its table stands in the file.
    pub span: Range<usize>,
    /// Where `at` stands in the file, or the table.
    pub at_span: Range<usize>,
    /// Where `until` stands in the file, or the table.
    pub until_span: Range<usize>,
}

/// One extra check, or a default one switched off.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckSpec {
    /// Name of its oracle in the registry.
    pub kind: String,
    /// Whether it is switched off.
    pub off: bool,
    /// Exit codes that the check allows, where it has the key [`CODES`].
    pub codes: Vec<i32>,
    /// The service that it looks at, where it has the key [`SERVICE`].
    pub service: Option<ServiceName>,
    /// Columns that name one effect, where it has the key [`AT_MOST_ONCE`]; empty: the default.
    pub columns: Vec<String>,
    /// What it is called, where it has the key [`NAME`].
    pub name: String,
    /// The query that it asks, where it has the key [`SQL`].
    pub sql: Option<String>,
    /// Whether the query must return rows; else it must return none.
    pub wants_rows: bool,
    /// The column that it is about, where it has the key [`COLUMN`]: `table.column`.
    pub column: Option<String>,
    /// What may become what, where it has the key [`ALLOW`].
    pub allow: Vec<(String, String)>,
    /// The lock that it is about, where it has the key [`LOCK`]; `None`: every lock.
    pub lock: Option<String>,
}

/// A finding that is known, and does not fail until a date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownSpec {
    /// Its id: 8 hex digits.
    pub finding: String,
    /// The last day on which it does not fail.
    pub until: Date,
    /// Where it is dealt with.
    pub ticket: String,
    /// Why it can wait.
    pub reason: String,
}

impl KnownSpec {
    /// Returns whether it does not fail on this day.
    pub fn holds_on(&self, day: Date) -> bool {
        day <= self.until
    }
}

/// One experiment on a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// Path below `scenarios/` without its ending: `points/double-start`.
    pub name: String,
    /// The file.
    pub path: PathBuf,
    /// One line on what it shows.
    pub title: String,
    /// The lesson of a demo.
    pub teaches: String,
    /// For `run --tag`.
    pub tags: Vec<String>,
    /// The target, with the scenario's `args` and `env` applied.
    pub target: Target,
    /// What the starts owe, where the file says; else the trigger's kind does.
    pub contract: Option<Contract>,
    /// What it should end in.
    pub expect: Expect,
    /// Codes of causes that a violation must show.
    pub causes: Vec<String>,
    /// What starts runs.
    pub trigger: TriggerSpec,
    /// What is taken for granted.
    pub assume: Assumptions,
    /// What is searched.
    pub search: SearchSpec,
    /// Faults that trials inject.
    pub faults: Vec<FaultSpec>,
    /// Checks beside the default ones.
    pub checks: Vec<CheckSpec>,
    /// Findings that are known.
    pub known: Vec<KnownSpec>,
}

/// Values of the placeholders in arguments and environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placeholders {
    /// `{instance}`: number of the instance, from 1.
    pub instance: u8,
    /// `{count}`: how many instances there are.
    pub count: u8,
    /// `{slot}`: the slot that the start serves.
    pub slot: String,
}

impl Placeholders {
    /// Returns the text with every placeholder replaced; nothing else is substituted.
    pub fn fill(&self, text: &str) -> String {
        text.replace("{instance}", &self.instance.to_string())
            .replace("{count}", &self.count.to_string())
            .replace("{slot}", &self.slot)
    }

    /// Returns the environment with every placeholder in its values replaced.
    pub fn fill_all(&self, env: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        let filled = env
            .iter()
            .map(|(name, value)| (name.clone(), self.fill(value)));
        filled.collect()
    }
}
