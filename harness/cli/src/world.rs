//! The one place where the real lab is put together.

use crate::campaign::Settings;
use twiceproof_explore::{Assignment, Blame, Lab, LabError};
use twiceproof_lab::backend::{self, BACKENDS, Backend};
use twiceproof_lab::fault::Unfit;
use twiceproof_lab::janitor::RunFolder;
use twiceproof_lab::plan::{Expectation, Plan, target_hash};
use twiceproof_lab::real_lab::{LabOptions, RealLab};
use twiceproof_lab::service::{SERVICES, ServiceKind};
use twiceproof_model::diag::Diag;
use twiceproof_model::kind::Kind;
use twiceproof_model::target::ServiceSpec;
use twiceproof_model::{Fault, Scenario, Snapshot, Target, TrialRecord};

pub(crate) use twiceproof_lab::dispatcher::Interrupted;
pub(crate) use twiceproof_lab::real_lab::Keep;

/// Returns every kind of service.
pub(crate) fn services() -> &'static [&'static dyn ServiceKind] {
    SERVICES
}

/// Returns every backend.
pub(crate) fn backends() -> &'static [&'static dyn Backend] {
    BACKENDS
}

/// Returns every kind of fault.
pub(crate) fn faults() -> Vec<Kind> {
    twiceproof_lab::fault::kinds()
}

/// Returns why the fault cannot be injected as it is written, into this target, on this backend,
/// where it cannot.
pub(crate) fn unfit(fault: &Fault, target: &Target, backend: &str) -> Option<Unfit> {
    let backend = backend::find(backend)?;
    twiceproof_lab::fault::unfit(fault, target, backend)
}

/// Returns the errors in the files that the service's options name.
pub(crate) fn flaws(spec: &ServiceSpec) -> Vec<Diag> {
    let kind = twiceproof_lab::service::find(&spec.kind);
    kind.map_or_else(Vec::new, |kind| kind.flaws(spec))
}

/// Returns the hash over what the target is made of, as schedules of its runs name it.
pub(crate) fn hash_of(target: &Target) -> String {
    target_hash(target)
}

/// Returns every wire protocol with its sentence.
pub(crate) fn protocols() -> Vec<(&'static str, &'static str)> {
    let protocols = twiceproof_wire::registry::PROTOCOLS.iter();
    protocols
        .map(|protocol| (protocol.name(), protocol.doc()))
        .collect()
}

/// Returns the executable of the demo's job.
pub(crate) fn points_job() -> &'static [u8] {
    twiceproof_lab::embed::points_job()
}

/// Removes the containers of runs that are gone, and returns their names.
pub(crate) fn remove_containers() -> Result<Vec<String>, String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    let removed = runtime.block_on(backend::docker::remove_leftovers());
    removed.map_err(|error| error.to_string())
}

/// A lab with the folder that it works in; the folder goes last.
pub(crate) struct World {
    lab: RealLab,
    _folder: RunFolder,
}

/// Returns a lab for the scenario.
pub(crate) fn lab(
    scenario: &Scenario,
    settings: &Settings,
    keep: Keep,
    interrupted: Interrupted,
) -> Result<World, LabError> {
    let backend = backend::find(&settings.backend).ok_or_else(|| LabError {
        blame: Blame::Harness,
        message: format!("no backend {}", settings.backend),
        hint: String::new(),
    })?;
    let folder = RunFolder::create().map_err(|error| LabError {
        blame: Blame::Environment,
        message: format!("cannot make a folder for temporary files: {error}"),
        hint: "make room in the folder that TMPDIR names, or name another".to_owned(),
    })?;
    let trigger = twiceproof_explore::trigger::find(&scenario.trigger.kind);
    let plan = Plan {
        scenario: scenario.clone(),
        hosts: scenario.trigger.hosts.unwrap_or(trigger.hosts),
        backend,
        folder: folder.path().to_owned(),
        target_hash: target_hash(&scenario.target),
        expectation: Expectation::default(),
    };
    let cells = settings.cells;
    let lab = RealLab::new(
        plan,
        LabOptions {
            cells,
            keep,
            observer: None,
            interrupted,
        },
    );
    Ok(World {
        lab,
        _folder: folder,
    })
}

impl Lab for World {
    fn run_batch(&mut self, batch: Vec<Assignment>) -> Vec<Result<TrialRecord, LabError>> {
        self.lab.run_batch(batch)
    }

    fn seed_state(&mut self) -> Result<Snapshot, LabError> {
        self.lab.seed_state()
    }
}
