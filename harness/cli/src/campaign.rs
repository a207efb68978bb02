//! Runs one scenario: lab, search, records, and the facts for reports.

use crate::events::{Events, milliseconds};
use crate::failure::Failure;
use crate::project::Project;
use crate::regressions::{self, Kept, When};
use crate::screen::Screen;
use crate::signals::Signals;
use crate::{args, environment, view, world};
use serde_json::json;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use twiceproof_explore::campaign::{CampaignFinding, Shrinking};
use twiceproof_explore::trigger::Settings as TriggerSettings;
use twiceproof_explore::{CampaignResult, CampaignSpec, Control, LabError, Outcome, Progress};
use twiceproof_lab::store::{Redactor, RunFolder, Store, StoreError};
use twiceproof_model::scenario::Expect;
use twiceproof_model::{Date, Scenario, TrialRecord};
use twiceproof_report::progress;
use twiceproof_report::view::ScenarioView;
use twiceproof_report::{json as report_json, markdown};

/// What flags and environment say of every scenario of a run.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) backend: String,
    pub(crate) cells: u32,
    pub(crate) budget: Option<Duration>,
    pub(crate) seed: Option<u64>,
    pub(crate) replays: u32,
    pub(crate) shrink: Shrinking,
    pub(crate) tries: u32,
    pub(crate) fail_fast: bool,
    pub(crate) regressions: When,
    /// The day, in UTC: what is known holds until one.
    pub(crate) today: Date,
}

impl Settings {
    /// Returns what the search of this scenario is asked.
    pub(crate) fn spec(&self, scenario: &Scenario) -> CampaignSpec {
        let mut spec = CampaignSpec::from(scenario);
        spec.budget = self.budget.unwrap_or(spec.budget);
        spec.seed = self.seed.unwrap_or(spec.seed);
        spec.replays = self.replays;
        spec.shrink = self.shrink.clone();
        spec.tries = self.tries;
        spec.fail_fast = self.fail_fast;
        let known = scenario.known.iter();
        let known = known.filter(|known| known.holds_on(self.today));
        spec.known = known.map(|known| known.finding.clone()).collect();
        spec
    }
}

/// What one run shares among its scenarios.
pub(crate) struct Session<'a> {
    pub(crate) project: &'a Project,
    pub(crate) settings: &'a Settings,
    pub(crate) run: &'a RunFolder,
    /// The run's folder, as the user can open it.
    pub(crate) shown: &'a Path,
    pub(crate) signals: &'a Signals,
    pub(crate) screen: &'a mut Screen,
    pub(crate) events: &'a mut Events,
}

/// Runs one scenario to its end. What the lab cannot do is part of the result; an error is ours or
/// the disk's.
pub(crate) fn run(session: &mut Session<'_>, scenario: &Scenario) -> Result<ScenarioView, Failure> {
    let mut spec = session.settings.spec(scenario);
    let kept = kept(session, scenario);
    spec.regressions.clone_from(&kept.regressions);
    spec.only_regressions = session.settings.regressions == When::Only;
    perform(session, scenario, &spec, &kept)
}

/// Runs one scenario as the spec says.
pub(crate) fn perform(
    session: &mut Session<'_>,
    scenario: &Scenario,
    spec: &CampaignSpec,
    kept: &Kept,
) -> Result<ScenarioView, Failure> {
    let begun = Instant::now();
    let store = Arc::new(session.run.scenario(&scenario.name)?);
    let redactor = Redactor::new(&scenario.target, TriggerSettings::of(scenario).attempts);
    let keep = keeper(&store, &redactor);
    let interrupted = interrupted(session.signals);
    let mut lab = match world::lab(scenario, session.settings, keep, interrupted) {
        Ok(lab) => lab,
        Err(error) => return Ok(view::broken(scenario, &error)),
    };
    let (project, settings) = (session.project, session.settings);
    let improves = matches!(spec.shrink, Shrinking::Only(_)) && !environment::is_ci();
    let shown = session.shown.join(&scenario.name);
    let signals = session.signals.clone();
    let mut watcher = Watcher {
        scenario,
        store: &store,
        redactor: &redactor,
        shown: &shown,
        screen: session.screen,
        events: session.events,
        begun,
        improves: improves.then_some(project),
        failed: None,
    };
    let elapsed = || begun.elapsed();
    let interrupted = || signals.came();
    let mut observer = |progress: &Progress<'_>| watcher.see(progress);
    let control = Control {
        elapsed: &elapsed,
        interrupted: &interrupted,
        observer: &mut observer,
    };
    let mut result = twiceproof_explore::run(spec, &mut lab, control);
    for found in &result.findings {
        watcher.keep_finding(found);
    }
    if settings.regressions != When::Skip {
        watcher.keep_regressions(project, &result);
    }
    if let Some(error) = watcher.failed.take() {
        result.outcome = Outcome::LabFailed(error.into());
    }
    let elapsed_ms = milliseconds(begun);
    let mut view = view::scenario(scenario, &result, elapsed_ms, &shown, &redactor);
    view.seed = spec.seed;
    view::add_regressions(&mut view, project, &result, kept);
    view::add_known(&mut view, scenario, settings.today);
    put_baseline(&store, &result)?;
    Ok(view)
}

/// Reads the regressions of a scenario, and tells of those that have an error.
fn kept(session: &mut Session<'_>, scenario: &Scenario) -> Kept {
    if session.settings.regressions == When::Skip {
        return Kept::default();
    }
    let kept = regressions::read(session.project, scenario);
    for broken in &kept.broken {
        let drawn = broken.diag.render(&broken.text, args::width());
        session.screen.line(drawn.trim_end());
        let mut fields = report_json::regression(&view::broken_regression(broken));
        fields["scenario"] = scenario.name.clone().into();
        session.events.tell("regression-end", fields);
    }
    kept
}

/// Returns what stores records: those of clean runs apart.
pub(crate) fn keeper(store: &Arc<Store>, redactor: &Redactor) -> world::Keep {
    let (store, redactor) = (Arc::clone(store), redactor.clone());
    Arc::new(move |record: &TrialRecord| {
        let mut record = record.clone();
        record
            .outputs
            .values_mut()
            .for_each(|output| redactor.output(output));
        let kept = if record.stage == "baseline" {
            store.put_clean_run(&format!("clean-{}", record.trial), &record)
        } else {
            store.put_trial(&record)
        };
        kept.map_err(LabError::from)
    })
}

/// Returns what asks whether a signal came.
pub(crate) fn interrupted(signals: &Signals) -> world::Interrupted {
    let signals = signals.clone();
    Arc::new(move || signals.came())
}

/// Stores what the clean runs showed, for readers.
fn put_baseline(store: &Store, result: &CampaignResult) -> Result<(), StoreError> {
    let Some(baseline) = &result.baseline else {
        return Ok(());
    };
    let strings = |items: Vec<String>| items;
    let value = json!({
        "exit": baseline.exit,
        "requests": baseline.requests,
        "writes": baseline.writes,
        "masks": baseline.masks,
        "lock_objects": strings(baseline.lock_objects.iter().map(ToString::to_string).collect()),
        "notes": baseline.notes,
        "state": baseline.record.snapshot.digest(),
        "fingerprint": baseline.record.fingerprint,
    });
    store.put_baseline(&value)
}

/// Sees a campaign go on: stores, shows, tells.
struct Watcher<'a> {
    scenario: &'a Scenario,
    store: &'a Store,
    redactor: &'a Redactor,
    shown: &'a Path,
    screen: &'a mut Screen,
    events: &'a mut Events,
    begun: Instant,
    /// The project whose regressions are made smaller, where that is asked for.
    improves: Option<&'a Project>,
    /// The first thing that could not be stored.
    failed: Option<StoreError>,
}

impl Watcher<'_> {
    fn see(&mut self, progress: &Progress<'_>) {
        match progress {
            Progress::Baseline(summary) => {
                let services = self.scenario.target.services.iter();
                let services: Vec<_> = services
                    .map(|one| format!("{} {}", one.name, one.kind))
                    .collect();
                let requests = u64::from(summary.requests);
                let line = progress::baseline(
                    &self.scenario.name,
                    requests,
                    milliseconds(self.begun),
                    &services,
                );
                self.screen.line(&line);
                self.tell(
                    "baseline-end",
                    json!({ "requests": requests, "notes": summary.notes }),
                );
            }
            Progress::Trial {
                line,
                record,
                coverage,
                ..
            } => {
                self.note(|watcher| watcher.store.put_verdict(record, line));
                self.screen.trial(&line.stage, coverage.trials);
                self.screen.detail(|| {
                    let codes = line.codes.join(" ");
                    let (trial, stage) = (line.trial, &line.stage);
                    format!(
                        "  trial {trial} {stage} {}: {} {codes}",
                        line.label, line.verdict
                    )
                });
                self.tell("trial-end", json!({ "trial": line }));
            }
            Progress::Regression(replayed) => {
                let one = view::regression(&self.scenario.name, replayed);
                self.screen
                    .line(&progress::regression(&self.scenario.name, &one));
                self.tell("regression-end", report_json::regression(&one));
            }
            Progress::Masks(masks) => {
                let masks: Vec<_> = masks.iter().map(ToString::to_string).collect();
                let text = format!(
                    "volatile after all, masked from now on: {}",
                    masks.join(", ")
                );
                self.warn(&text);
            }
            Progress::Finding(found) => {
                self.keep_finding(found);
                let view = view::finding(found, self.shown, self.redactor);
                self.tell("finding", report_json::finding(&view));
            }
            Progress::Shrunk(found) => self.shrunk(found),
        }
    }

    fn shrunk(&mut self, found: &CampaignFinding) {
        self.keep_finding(found);
        self.improve(found);
        let view = view::finding(found, self.shown, self.redactor);
        let rows = twiceproof_report::rows::rows(&view.record, &view.finding.events);
        let id = &view.finding.id;
        let (steps, faults) = (rows.steps, rows.faults);
        let Some((was_steps, was_faults, _)) = view.shrunk else {
            return;
        };
        self.screen.detail(|| {
            format!("  shrink {id}: {was_steps} → {steps} steps, {was_faults} → {faults} faults")
        });
        let fields = json!({ "finding": id, "steps": steps, "faults": faults });
        self.tell("shrink-step", fields);
    }

    /// Keeps the schedules of what was found for later runs. A lesson always fails, so nothing is
    /// kept of it. What cannot be kept is told, and loses nothing: the run has it all.
    fn keep_regressions(&mut self, project: &Project, result: &CampaignResult) {
        if self.scenario.expect != Expect::Pass || result.findings.is_empty() {
            return;
        }
        if environment::is_ci() {
            let text = "CI is set, so schedules of findings are not stored as regressions";
            self.warn(&format!("{}: {text}", self.scenario.name));
            return;
        }
        for found in &result.findings {
            if let Err(error) = regressions::put(project, self.scenario, found) {
                self.warn(&format!("no regression stored: {error}"));
            }
        }
    }

    /// Puts a smaller schedule in the place of the one that is kept, where the user asked for it.
    fn improve(&mut self, found: &CampaignFinding) {
        let Some(project) = self.improves else {
            return;
        };
        if let Err(error) = regressions::improve(project, self.scenario, found) {
            self.warn(&format!("the regression stays as it is: {error}"));
        }
    }

    fn warn(&mut self, text: &str) {
        self.screen.line(text);
        self.tell("warning", json!({ "message": text }));
    }

    fn tell(&mut self, name: &'static str, mut fields: serde_json::Value) {
        if let Some(fields) = fields.as_object_mut() {
            fields.insert("scenario".to_owned(), self.scenario.name.clone().into());
        }
        self.events.tell(name, fields);
        self.failed = self.failed.take().or(self.events.take_error());
    }

    fn note(&mut self, act: impl FnOnce(&Self) -> Result<(), StoreError>) {
        if self.failed.is_none() {
            self.failed = act(self).err();
        }
    }

    fn keep_finding(&mut self, found: &CampaignFinding) {
        self.note(|watcher| {
            let view = view::finding(found, watcher.shown, watcher.redactor);
            let scenario = view::empty(watcher.scenario, twiceproof_report::Outcome::Fail);
            let diff = report_json::to_text(&report_json::finding(&view));
            let markdown = markdown::finding(&scenario, &view);
            let mut files = vec![
                (
                    "finding.schedule".to_owned(),
                    view.record.schedule.clone().into_bytes(),
                ),
                ("diff.json".to_owned(), diff.into_bytes()),
                ("failure.md".to_owned(), markdown.into_bytes()),
            ];
            for (instance, output) in &view.record.outputs {
                let text = twiceproof_lab::store::log_text(output);
                files.push((format!("{instance}.log"), text.into_bytes()));
            }
            let files: Vec<_> = files
                .iter()
                .map(|(name, bytes)| (&**name, &**bytes))
                .collect();
            watcher
                .store
                .put_finding(&view.finding.id, &files)
                .map(drop)
        });
    }
}
