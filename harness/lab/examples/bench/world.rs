//! The repository as benchmarks see it: its targets, and the folder that a run leaves.

use crate::Failure;
use std::path::{Path, PathBuf};
use twiceproof_lab::service::SERVICES;
use twiceproof_model::kind::{Kind, Kinds};
use twiceproof_model::{Scenario, scenario, target};

/// Returns the folder of the repository.
pub(crate) fn root() -> PathBuf {
    let lab = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = lab.ancestors().nth(2);
    root.expect("the crate lies two folders below the root")
        .to_owned()
}

/// The folder of one run.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn create() -> Result<Self, Failure> {
        let time = jiff::Timestamp::now().strftime("%Y%m%d-%H%M%S").to_string();
        let path = root().join("reports/runs").join(format!("bench-{time}"));
        let made = std::fs::create_dir_all(&path);
        made.map_err(|error| format!("cannot make {}: {error}", path.display()))?;
        Ok(Self(path))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn put(&self, name: &str, text: &str) -> Result<(), Failure> {
        let path = self.0.join(name);
        let written = std::fs::write(&path, text);
        written.map_err(|error| format!("cannot write {}: {error}", path.display()))
    }
}

/// Returns the double start of this target, as its file says it.
pub(crate) fn scenario(name: &str) -> Result<Scenario, Failure> {
    let services: Vec<Kind> = SERVICES.iter().map(|service| *service.kind()).collect();
    let (triggers, stages) = (
        twiceproof_explore::trigger_kinds(),
        twiceproof_explore::stage_kinds(),
    );
    let checks = twiceproof_oracle::registry::kinds();
    let kinds = Kinds {
        services: &services,
        triggers: &triggers,
        checks: &checks,
        stages: &stages,
        faults: &[],
        causes: &[],
    };
    let words = |diags: Vec<twiceproof_model::diag::Diag>| {
        let words: Vec<String> = diags.into_iter().map(|diag| diag.message).collect();
        words.join("; ")
    };
    let folder = root().join("targets").join(name);
    let file = folder.join("target.toml");
    let text = std::fs::read_to_string(&file)
        .map_err(|error| format!("cannot read {}: {error}", file.display()))?;
    let parsed = target::parse(&text, &file, &folder, name, &kinds).map_err(words)?;
    let text = format!(
        "schema = 1\ntitle = \"double start\"\ntarget = \"{name}\"\nexpect = \"pass\"\n\
         trigger = {{ kind = \"double-start\", instances = 2 }}\n"
    );
    let target_of = |_: &str| Ok(parsed.clone());
    let file = Path::new("bench.toml");
    scenario::parse(&text, file, "bench", &target_of, &kinds).map_err(words)
}
