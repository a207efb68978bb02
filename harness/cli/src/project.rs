//! A project: a folder with `targets/` and `scenarios/`, and the files in them.

use crate::args;
use crate::environment;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::registries::Registries;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use twiceproof_model::diag::{Diag, code};
use twiceproof_model::scenario::NoTarget;
use twiceproof_model::{Scenario, Target, file, scenario, target};

/// The most scenario files that a project may have.
const SCENARIOS_MAX: usize = 10_000;
/// How deep folders of scenarios may lie.
const DEPTH_MAX: usize = 8;

/// A project, found.
#[derive(Clone, Debug)]
pub(crate) struct Project {
    /// Its folder, absolute.
    pub(crate) root: PathBuf,
    /// What its files can name.
    pub(crate) registries: Registries,
}

/// Errors in files, drawn.
#[derive(Clone, Debug, Default)]
pub(crate) struct Flaws {
    diags: Vec<Diag>,
}

impl Project {
    /// Finds the project that the folder lies in.
    pub(crate) fn find(folder: Option<&Path>) -> Result<Self, Failure> {
        let start = match folder {
            Some(folder) => folder.to_owned(),
            None => environment::current_folder(),
        };
        let start =
            fs::canonicalize(&start).map_err(|error| Failure::unreadable(&start, &error))?;
        let is_root =
            |folder: &&Path| folder.join("targets").is_dir() && folder.join("scenarios").is_dir();
        match start.ancestors().find(is_root) {
            Some(root) => Ok(Self::at(root)),
            None => Err(Failure::usage(
                format!("no project in {} or above it", start.display()),
                "a project is a folder with `targets/` and `scenarios/`; name it with -C DIR, \
                 or see one run with `twiceproof demo`",
            )),
        }
    }

    /// Returns the project in this folder, which is one.
    pub(crate) fn at(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            registries: Registries::all(),
        }
    }

    /// Returns where runs are stored.
    pub(crate) fn runs(&self, asked: Option<&Path>) -> PathBuf {
        match asked {
            Some(folder) => folder.to_owned(),
            None => self.root.join("reports").join("runs"),
        }
    }

    /// Returns the names of all scenarios, in order.
    pub(crate) fn scenario_names(&self) -> Result<Vec<String>, Failure> {
        let mut names = Vec::new();
        collect(&self.root.join("scenarios"), "", 0, &mut names)?;
        names.sort();
        Ok(names)
    }

    /// Returns the names of all targets, in order.
    pub(crate) fn target_names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.root.join("targets"))
            .into_iter()
            .flatten()
            .flatten();
        let mut names: Vec<String> = entries
            .filter(|entry| entry.path().join("target.toml").exists())
            .filter_map(|entry| entry.file_name().into_string().ok())
            .collect();
        names.sort();
        names
    }

    /// Reads one scenario with its target.
    pub(crate) fn scenario(&self, name: &str) -> Result<Scenario, Flaws> {
        self.scenario_on(name, args::BACKEND)
    }

    /// Reads one scenario with its target, as it would run on this backend.
    pub(crate) fn scenario_on(&self, name: &str, backend: &str) -> Result<Scenario, Flaws> {
        let path = Path::new("scenarios").join(format!("{name}.toml"));
        let text = self.text(&path).map_err(Flaws::from)?;
        let target_of = |name: &str| self.target_of(name);
        let kinds = self.registries.kinds();
        let parsed = scenario::parse(&text, &path, name, &target_of, &kinds);
        let parsed = parsed.map_err(|diags| Flaws { diags })?;
        let mut diags = self.missing_files(&parsed.target);
        diags.extend(unfit_faults(&parsed, backend));
        if diags.is_empty() {
            Ok(parsed)
        } else {
            Err(Flaws { diags })
        }
    }

    /// Reads one target.
    pub(crate) fn target(&self, name: &str) -> Result<Target, Flaws> {
        let path = Path::new("targets").join(name).join("target.toml");
        let text = self.text(&path).map_err(Flaws::from)?;
        let folder = self.root.join("targets").join(name);
        let kinds = self.registries.kinds();
        let parsed = target::parse(&text, &path, &folder, name, &kinds);
        let parsed = parsed.map_err(|diags| Flaws { diags })?;
        let missing = self.missing_files(&parsed);
        if missing.is_empty() {
            Ok(parsed)
        } else {
            Err(Flaws { diags: missing })
        }
    }

    /// Returns whether this text of a target or scenario file has no error.
    pub(crate) fn accepts(&self, file: &Path, text: &str) -> bool {
        let kinds = self.registries.kinds();
        let name = |start: &str, end: &str| {
            let below = file.strip_prefix(start).ok()?.to_str()?;
            below.strip_suffix(end).map(str::to_owned)
        };
        if let Some(name) = name("targets", "/target.toml") {
            let folder = self.root.join("targets").join(&name);
            return target::parse(text, file, &folder, &name, &kinds).is_ok();
        }
        name("scenarios", ".toml").is_some_and(|name| {
            let target_of = |name: &str| self.target_of(name);
            scenario::parse(text, file, &name, &target_of, &kinds).is_ok()
        })
    }

    fn target_of(&self, name: &str) -> Result<Target, NoTarget> {
        let known = self.target_names();
        if !known.iter().any(|known| known == name) {
            return Err(NoTarget::Unknown(known));
        }
        self.target(name)
            .map_err(|flaws| NoTarget::Invalid(flaws.diags))
    }

    fn text(&self, path: &Path) -> Result<String, Diag> {
        let bytes = fs::read(self.root.join(path)).map_err(|error| Diag {
            code: "TP-S06",
            message: format!("cannot read the file: {error}"),
            file: path.to_owned(),
            span: None,
            help: String::new(),
        })?;
        file::text(&bytes, path).map(str::to_owned)
    }

    /// Returns the failure for errors in files, each drawn with its line.
    pub(crate) fn draw(&self, flaws: &[Flaws], width: usize) -> Failure {
        let diags = flaws.iter().flat_map(|flaws| &flaws.diags);
        let (body, count) = self.drawing(diags, width);
        let count = twiceproof_report::escape::count(count, "error");
        let mut failure = Failure::new(Exit::Usage, format!("{count} in files"), "");
        failure.body = body;
        failure
    }

    /// Returns the diagnostics, each once, drawn with their lines; and how many they are.
    pub(crate) fn drawing<'d>(
        &self,
        diags: impl Iterator<Item = &'d Diag>,
        width: usize,
    ) -> (String, u64) {
        let mut texts: BTreeMap<PathBuf, String> = BTreeMap::new();
        let mut body = String::new();
        let mut seen: Vec<&Diag> = Vec::new();
        for diag in diags {
            if seen.contains(&diag) {
                continue;
            }
            let text = texts.entry(diag.file.clone()).or_insert_with(|| {
                let bytes = fs::read(self.root.join(&diag.file)).unwrap_or_default();
                String::from_utf8_lossy(&bytes).into_owned()
            });
            body.push_str(diag.render(text, width).trim_end());
            body.push_str("\n\n");
            seen.push(diag);
        }
        (body, seen.len() as u64)
    }

    /// Returns the files and folders that the target names and that cannot be read, and the errors
    /// in those that its services read.
    fn missing_files(&self, target: &Target) -> Vec<Diag> {
        let mut diags = missing_files(target);
        for spec in &target.services {
            diags.extend(crate::world::flaws(spec).into_iter().map(|diag| {
                let file = diag.file.strip_prefix(&self.root);
                let file = file.map_or_else(|_| diag.file.clone(), Path::to_owned);
                Diag { file, ..diag }
            }));
        }
        diags
    }
}

impl From<Diag> for Flaws {
    fn from(diag: Diag) -> Self {
        Self { diags: vec![diag] }
    }
}

/// Returns the faults of the scenario that cannot be injected as they are written, on this backend.
fn unfit_faults(scenario: &Scenario, backend: &str) -> Vec<Diag> {
    let unfit = scenario.faults.iter().filter_map(|spec| {
        let unfit = crate::world::unfit(&spec.fault, &scenario.target, backend)?;
        Some(Diag {
            code: code::UNFIT,
            message: unfit.what,
            file: scenario.path.clone(),
            span: Some(spec.span.clone()),
            help: unfit.hint,
        })
    });
    unfit.collect()
}

/// Returns the files and folders that the target names and that cannot be read.
fn missing_files(target: &Target) -> Vec<Diag> {
    let file = Path::new("targets").join(&target.name).join("target.toml");
    let diag = |message: String, help: &str| Diag {
        code: "TP-S06",
        message,
        file: file.clone(),
        span: None,
        help: help.to_owned(),
    };
    let mut diags = Vec::new();
    if !target.workdir.is_dir() {
        let workdir = target.workdir.display();
        diags.push(diag(
            format!("workdir {workdir} is no folder"),
            "paths are relative to the file",
        ));
    }
    for service in &target.services {
        for seed in &service.seed {
            if let Err(error) = fs::metadata(seed) {
                let seed = seed.display();
                let message = format!(
                    "cannot read seed {seed} of service {}: {error}",
                    service.name
                );
                diags.push(diag(message, "paths are relative to the file"));
            }
        }
    }
    diags
}

fn collect(
    folder: &Path,
    prefix: &str,
    depth: usize,
    names: &mut Vec<String>,
) -> Result<(), Failure> {
    let entries = fs::read_dir(folder).map_err(|error| Failure::unreadable(folder, &error))?;
    for entry in entries {
        let entry = entry.map_err(|error| Failure::unreadable(folder, &error))?;
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        let path = entry.path();
        if path.is_dir() {
            if depth < DEPTH_MAX {
                collect(&path, &format!("{prefix}{name}/"), depth + 1, names)?;
            }
        } else if let Some(stem) = name.strip_suffix(".toml") {
            names.push(format!("{prefix}{stem}"));
        }
        if names.len() > SCENARIOS_MAX {
            let hint = "split the project";
            return Err(Failure::usage(
                format!("more than {SCENARIOS_MAX} scenarios"),
                hint,
            ));
        }
    }
    Ok(())
}
