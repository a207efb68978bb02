//! A lab with a small job, a scheduler that follows wishes, and short texts of what happened.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex};
use tempfile::TempDir;
use twiceproof_explore::{Assignment, Lab, LabError, Scheduler, Starts};
use twiceproof_lab::backend;
use twiceproof_lab::janitor::RunFolder;
use twiceproof_lab::plan::{Expectation, Plan};
use twiceproof_lab::real_lab::{LabOptions, RealLab, TrialObserver};
use twiceproof_lab::service::SERVICES;
use twiceproof_model::kind::{Kind, Kinds};
use twiceproof_model::record::Drive;
use twiceproof_model::{
    Divergence, Enabled, Event, Exit, Fault, Scenario, TrialRecord, scenario, target,
};

/// A PostgreSQL with one table, as every job here expects it.
pub(crate) const POSTGRES: &str = "
[service.pg]
kind = \"postgres\"
host = \"db\"
seed = [\"seed.sql\"]
options = { database = \"app\", user = \"app\" }
";

/// What lets `psql` find that service.
pub(crate) const ENV: &str = "env = { PGHOST = \"db\", PGUSER = \"app\", PGDATABASE = \"app\" }\n";

/// Where a job that works in a folder starts.
const SHARED: &str = "workdir = \".\"\n";

/// A folder at `/shared`.
const SHARED_SERVICE: &str = "
[service.shared]
kind = \"files\"
options = { path = \"/shared\" }
";

const SEED: &str = "create table t (id int primary key, n int not null);
insert into t values (1, 0), (2, 0);";

/// Steps that were on offer, as texts, one list for each choice.
pub(crate) type Offers = Arc<Mutex<Vec<Vec<String>>>>;

/// Takes the wished steps in order; `run job#1`: its own steps as long as it has some. Then all run
/// to their ends.
struct Wishes {
    wishes: Vec<String>,
    at: usize,
    offers: Offers,
    divergence: Option<Divergence>,
}

impl Scheduler for Wishes {
    fn choose(&mut self, enabled: &[Enabled]) -> Option<usize> {
        let offered: Vec<String> = enabled.iter().map(|one| one.step.to_string()).collect();
        self.offers.lock().unwrap().push(offered.clone());
        let wish = self.wishes.get(self.at)?.clone();
        if let Some(whose) = wish.strip_prefix("run ") {
            let own = format!("release {whose}@");
            let own = offered.iter().position(|step| step.starts_with(&own));
            if own.is_some() {
                return own;
            }
            self.at += 1;
            self.offers.lock().unwrap().pop();
            return self.choose(enabled);
        }
        self.at += 1;
        let place = offered.iter().position(|step| *step == wish);
        if place.is_none() {
            self.at = self.wishes.len();
            let line = u32::try_from(self.at).unwrap();
            self.divergence = Some(Divergence {
                line,
                wanted: wish,
                offered,
            });
        }
        place
    }

    fn divergence(&self) -> Option<Divergence> {
        self.divergence.clone()
    }
}

/// A lab over one small target.
pub(crate) struct Small {
    lab: RealLab,
    trial: u32,
    _folder: RunFolder,
    _target: TempDir,
}

/// What a trial left.
pub(crate) struct Seen {
    pub(crate) record: TrialRecord,
    pub(crate) offers: Vec<Vec<String>>,
}

impl Seen {
    /// Returns whether an event of the main part or the calm runs holds.
    pub(crate) fn has(&self, holds: impl Fn(&Event) -> bool) -> bool {
        self.record
            .trace
            .iter()
            .any(|stamped| holds(&stamped.event))
    }

    /// Returns how the instances ended.
    pub(crate) fn exits(&self) -> Vec<Exit> {
        self.record.exits.values().copied().collect()
    }

    /// Returns the steps that were on offer at the nth choice, from 0.
    pub(crate) fn offered(&self, choice: usize) -> Vec<&str> {
        self.offers[choice].iter().map(String::as_str).collect()
    }

    /// Fails unless every wish was granted.
    #[track_caller]
    pub(crate) fn granted(self) -> Self {
        assert_eq!(self.record.divergence, None, "{:#?}", self.record.trace);
        self
    }
}

/// Returns the scenario of a target that is written out in a folder.
fn scenario_of(folder: &Path, text: &str, instances: u8) -> Scenario {
    std::fs::write(folder.join("seed.sql"), SEED).unwrap();
    let services: Vec<Kind> = SERVICES.iter().map(|service| *service.kind()).collect();
    let triggers = twiceproof_explore::trigger_kinds();
    let stages = twiceproof_explore::stage_kinds();
    let kinds = Kinds {
        services: &services,
        triggers: &triggers,
        checks: &[],
        stages: &stages,
        faults: &[],
        causes: &[],
    };
    let file = Path::new("target.toml");
    let parsed = target::parse(
        &format!("schema = 1\n{text}"),
        file,
        folder,
        "small",
        &kinds,
    );
    let parsed = parsed.unwrap_or_else(|diags| panic!("{diags:#?}"));
    let text = format!(
        "schema = 1\ntitle = \"small\"\ntarget = \"small\"\n\
         trigger = {{ kind = \"double-start\", instances = {instances} }}\n"
    );
    let file = Path::new("small.toml");
    let found = |_: &str| Ok(parsed.clone());
    scenario::parse(&text, file, "small", &found, &kinds)
        .unwrap_or_else(|diags| panic!("{diags:#?}"))
}

impl Small {
    /// Returns a lab over the target file without its first line.
    pub(crate) fn new(text: &str) -> Self {
        Self::observed(text, None)
    }

    /// Returns a lab whose events are seen.
    pub(crate) fn observed(text: &str, observer: Option<TrialObserver>) -> Self {
        let target = tempfile::tempdir().unwrap();
        Self::in_folder(target, text, "local", observer)
    }

    /// Returns a lab whose job makes these calls on files in `/shared`, up to one that fails.
    pub(crate) fn files(backend: &str, calls: &[&str]) -> Self {
        let target = tempfile::tempdir().unwrap();
        let probe = target.path().join("probe");
        std::fs::write(&probe, include_bytes!(env!("TWICEPROOF_PROBE"))).unwrap();
        for path in [target.path(), &probe] {
            std::fs::set_permissions(path, PermissionsExt::from_mode(0o755)).unwrap();
        }
        let calls = calls.join("\", \"");
        let text = format!(
            "command = [\"./probe\", \"job\", \"{calls}\"]\n{SHARED}\
             image = \"twiceproof/scratch:1\"\n{SHARED_SERVICE}"
        );
        Self::in_folder(target, &text, backend, None)
    }

    /// Returns a lab whose job is this Python script, with a shared folder at `/shared`.
    pub(crate) fn python(backend: &str, script: &str) -> Self {
        Self::python_with(backend, script, "")
    }

    /// The same with more lines of the target file.
    pub(crate) fn python_with(backend: &str, script: &str, more: &str) -> Self {
        let target = tempfile::tempdir().unwrap();
        std::fs::set_permissions(target.path(), PermissionsExt::from_mode(0o755)).unwrap();
        let text = format!(
            "command = [\"python3\", \"-c\", '''{script}''']\n{SHARED}{more}\
             image = \"twiceproof/debian:12\"\n{SHARED_SERVICE}"
        );
        Self::in_folder(target, &text, backend, None)
    }

    fn in_folder(
        target: TempDir,
        text: &str,
        backend: &str,
        observer: Option<TrialObserver>,
    ) -> Self {
        let folder = RunFolder::create().unwrap();
        let scenario = scenario_of(&target.path().canonicalize().unwrap(), text, 2);
        let plan = Plan {
            hosts: scenario
                .trigger
                .hosts
                .unwrap_or(twiceproof_model::scenario::Hosts::Each),
            scenario,
            backend: backend::find(backend).unwrap(),
            folder: folder.path().to_owned(),
            target_hash: "00000000".to_owned(),
            expectation: Expectation::default(),
        };
        let options = LabOptions {
            cells: 1,
            keep: Arc::new(|_| Ok(())),
            observer,
            interrupted: Arc::new(|| false),
        };
        Self {
            lab: RealLab::new(plan, options),
            trial: 0,
            _folder: folder,
            _target: target,
        }
    }

    /// Returns a lab whose job is this shell script, without services.
    pub(crate) fn shell(script: &str, more: &str) -> Self {
        Self::new(&format!(
            "command = [\"sh\", \"-c\", '''{script}''']\n{more}"
        ))
    }

    /// Returns a lab whose job is this shell script, with a PostgreSQL.
    pub(crate) fn psql(script: &str) -> Self {
        Self::new(&psql(script))
    }

    /// Returns the folder that cells work in.
    pub(crate) fn folder(&self) -> &Path {
        &self.lab.plan().folder
    }

    /// Runs the job once unhindered, which shows what it looks at before it changes it.
    pub(crate) fn learn_looks(&mut self) {
        let seen = self.run_driven(1, &[], Drive::Pump);
        seen.unwrap_or_else(|error| panic!("{error}: {}", error.hint));
    }

    /// Runs a trial of so many instances that takes these steps first.
    pub(crate) fn try_run(&mut self, instances: u8, wishes: &[&str]) -> Result<Seen, LabError> {
        self.run_driven(instances, wishes, Drive::Steps)
    }

    fn run_driven(
        &mut self,
        instances: u8,
        wishes: &[&str],
        drive: Drive,
    ) -> Result<Seen, LabError> {
        self.trial += 1;
        let offers = Offers::default();
        let assignment = Assignment {
            trial: self.trial,
            stage: "test",
            seed: 1,
            instances,
            starts: Starts::freely(instances),
            drive,
            disguise: 0,
            menu: menu_of(wishes),
            clean_exit: None,
            leases: Vec::new(),
            accepts: Arc::new(|_| true),
            scheduler: Box::new(Wishes {
                wishes: wishes.iter().map(|wish| (*wish).to_owned()).collect(),
                at: 0,
                offers: Arc::clone(&offers),
                divergence: None,
            }),
        };
        let mut results = self.lab.run_batch(vec![assignment]);
        let record = results.pop().unwrap()?;
        let offers = offers.lock().unwrap().clone();
        Ok(Seen { record, offers })
    }

    /// Runs a trial that must go through.
    #[track_caller]
    pub(crate) fn run(&mut self, instances: u8, wishes: &[&str]) -> Seen {
        self.try_run(instances, wishes)
            .unwrap_or_else(|error| panic!("{error}: {}", error.hint))
    }
}

/// Returns the faults that the wishes inject.
fn menu_of(wishes: &[&str]) -> Vec<Fault> {
    let faults = wishes
        .iter()
        .filter_map(|wish| wish.strip_prefix("inject "));
    faults.map(|fault| fault.parse().unwrap()).collect()
}

/// Returns the target of a shell script with a PostgreSQL.
pub(crate) fn psql(script: &str) -> String {
    format!("command = [\"sh\", \"-c\", '''{script}''']\n{ENV}{POSTGRES}")
}
