//! What a campaign has to say, as the facts that reports are made of.

use crate::project::Project;
use crate::regressions::{self, Broken, Kept};
use std::path::Path;
use twiceproof_explore::campaign::{
    BaselineFailure, CampaignFinding, Coverage, Interleavings, Points, RegressionEnd,
    ReplayedRegression, StageCoverage,
};
use twiceproof_explore::{Blame, CampaignResult, LabError, Outcome as Ended};
use twiceproof_explore::{Mode, trigger};
use twiceproof_lab::store::Redactor;
use twiceproof_model::{Date, Divergence, Scenario};
use twiceproof_oracle::{Cause, Mask, MaskOrigin, Side};
use twiceproof_report::view::{
    CauseView, Count, FindingView, KnownState, KnownView, Outcome, RegressionEnd as EndView,
    RegressionView, ScenarioView, StageView,
};

/// Lines of a failed clean run's output that are shown.
const LAST_LINES_MAX: usize = 12;

/// Returns a scenario that has not run, for the caller to fill in.
pub(crate) fn empty(scenario: &Scenario, outcome: Outcome) -> ScenarioView {
    ScenarioView {
        name: scenario.name.clone(),
        title: scenario.title.clone(),
        path: scenario.path.display().to_string(),
        expect: scenario.expect,
        outcome,
        trials: 0,
        elapsed_ms: 0,
        seed: scenario.search.seed,
        stages: Vec::new(),
        stages_absent: Vec::new(),
        interleavings: String::new(),
        counts: Vec::new(),
        masks: Vec::new(),
        unseen: Vec::new(),
        claim: (String::new(), Vec::new()),
        reasons: Vec::new(),
        hint: String::new(),
        why_twice: why_twice(scenario),
        regressions: Vec::new(),
        known: Vec::new(),
        findings: Vec::new(),
    }
}

/// Returns the cause for which the scenario's trigger stands, and what the trigger does.
fn why_twice(scenario: &Scenario) -> (String, String) {
    let trigger = trigger::find(&scenario.trigger.kind);
    let text = format!("{}: {}", trigger.kind.name, trigger.kind.doc);
    (trigger.cause.to_owned(), text)
}

/// Returns what the scenario takes for granted, as a limit of what a pass covers.
fn assumed(scenario: &Scenario) -> Option<String> {
    let words = |time| humantime::format_duration(time).to_string();
    let longest = scenario.assume.pause_max?;
    let mut text = format!(
        "what needs a pause longer than {} (assume.pause_max)",
        words(longest)
    );
    let settings = trigger::Settings::of(scenario);
    if let Some(timeout) = settings.timeout
        && !settings.can_last(timeout)
    {
        text += &format!(
            ", so no attempt outlives its time-out of {}",
            words(timeout)
        );
    }
    Some(text)
}

/// Returns the facts of a campaign. `folder` is where its records lie, as the user can open it.
pub(crate) fn scenario(
    scenario: &Scenario,
    result: &CampaignResult,
    elapsed_ms: u64,
    folder: &Path,
    redactor: &Redactor,
) -> ScenarioView {
    let (outcome, mut reasons, hint) = end_of(&result.outcome);
    reasons.extend(result.reasons.iter().cloned());
    let findings = result
        .findings
        .iter()
        .map(|found| finding(found, folder, redactor));
    let coverage = &result.coverage;
    ScenarioView {
        trials: coverage.trials,
        elapsed_ms,
        stages: coverage
            .stages
            .iter()
            .map(|one| stage(one, coverage))
            .collect(),
        stages_absent: coverage.stages_absent.clone(),
        interleavings: (coverage.interleavings.as_ref())
            .and_then(Interleavings::covered)
            .unwrap_or_default(),
        counts: counts(coverage),
        masks: masks(result),
        unseen: unseen(scenario, result),
        claim: result
            .claim()
            .map(|claim| (claim.word.to_owned(), claim.because))
            .unwrap_or_default(),
        reasons,
        hint,
        findings: findings.collect(),
        ..empty(scenario, outcome)
    }
}

/// Returns the facts of a scenario that the lab could not run.
pub(crate) fn broken(scenario: &Scenario, error: &LabError) -> ScenarioView {
    let (outcome, reasons, hint) = lab_error(error);
    ScenarioView {
        reasons,
        hint,
        ..empty(scenario, outcome)
    }
}

type End = (Outcome, Vec<(String, String)>, String);

fn end_of(ended: &Ended) -> End {
    let outcome = match ended {
        Ended::Passed | Ended::ViolatedAsExpected => Outcome::Pass,
        Ended::Violated | Ended::ViolationMissing => Outcome::Fail,
        Ended::CausesMissing(codes) => {
            let text = format!("no finding shows {}, as `causes` demands", codes.join(", "));
            return (Outcome::Fail, vec![(String::new(), text)], String::new());
        }
        Ended::Inconclusive => Outcome::Inconclusive,
        Ended::Interrupted => {
            let text = "ended early by a signal; what was found so far is kept";
            return (
                Outcome::Interrupted,
                vec![(String::new(), text.to_owned())],
                String::new(),
            );
        }
        Ended::BaselineFailed(failure) => return baseline_error(failure),
        Ended::LabFailed(error) => return lab_error(error),
    };
    (outcome, Vec::new(), String::new())
}

fn baseline_error(failure: &BaselineFailure) -> End {
    let mut text = failure.message.clone();
    let lines: Vec<_> = failure.output.lines().collect();
    for line in &lines[lines.len().saturating_sub(LAST_LINES_MAX)..] {
        text.push('\n');
        text.push_str(line);
    }
    (
        Outcome::Baseline,
        vec![(String::new(), text)],
        failure.hint.clone(),
    )
}

fn lab_error(error: &LabError) -> End {
    let (outcome, code) = match error.blame {
        Blame::Environment => (Outcome::Environment, "TP-E"),
        Blame::Input => (Outcome::Usage, ""),
        Blame::Interrupted => (Outcome::Interrupted, ""),
        Blame::Harness => (Outcome::Harness, ""),
    };
    (
        outcome,
        vec![(code.to_owned(), error.message.clone())],
        error.hint.clone(),
    )
}

fn stage(stage: &StageCoverage, coverage: &Coverage) -> StageView {
    let points = match stage.name.as_str() {
        "crash" => Some(("crash points", coverage.crash_points)),
        "preempt" => Some(("hold points", coverage.preemptions)),
        "exhaustive" => coverage.interleavings.as_ref().map(|all| {
            let (covered, total) = (all.ran, all.ran);
            ("classes of orders", Points { covered, total })
        }),
        "sample" => Some(("random orders", coverage.samples)),
        _ => None,
    };
    let covered = points.map(|(what, points)| {
        (
            what.to_owned(),
            u64::from(points.covered),
            u64::from(points.total),
        )
    });
    StageView {
        name: stage.name.clone(),
        trials: stage.run,
        covered,
        complete: stage.run >= stage.planned,
    }
}

fn counts(coverage: &Coverage) -> Vec<Count> {
    let count = |number: u64, noun: &str, rest: &str| Count {
        number,
        noun: noun.to_owned(),
        rest: rest.to_owned(),
    };
    vec![
        count(
            coverage.requests.into(),
            "request",
            &format!("in a clean run, {} of them writes", coverage.writes),
        ),
        count(coverage.holds, "hold", "while another instance took a step"),
        count(coverage.kills.into(), "kill", "that took effect"),
        count(
            coverage.overlapping.into(),
            "trial",
            "in which two instances had a request open",
        ),
        count(coverage.distinct.into(), "distinct order", ""),
        count(coverage.clean_runs.into(), "clean run", ""),
        count(coverage.replays.into(), "replay", ""),
    ]
}

fn masks(result: &CampaignResult) -> Vec<(String, String)> {
    let Some(baseline) = &result.baseline else {
        return Vec::new();
    };
    let masks = baseline
        .masks
        .iter()
        .map(|mask| (mask.to_string(), why(mask).to_owned()));
    let locks = baseline.lock_objects.iter();
    let locks = locks.map(|object| {
        (
            object.to_string(),
            "serves as a lock, not compared".to_owned(),
        )
    });
    masks.chain(locks).collect()
}

fn why(mask: &Mask) -> &'static str {
    match (mask.origin, mask.time) {
        (MaskOrigin::File, _) => "by the target file",
        (MaskOrigin::Learnt, true) => "time: clean runs differ in it",
        (MaskOrigin::Learnt, false) => "clean runs differ in it",
    }
}

fn unseen(scenario: &Scenario, result: &CampaignResult) -> Vec<String> {
    let mut unseen = Vec::new();
    let coverage = &result.coverage;
    if !coverage.stages_left_out.is_empty() {
        let left_out = coverage.stages_left_out.join(" ");
        let by = if coverage.only_regressions {
            "--regressions only"
        } else {
            "the scenario"
        };
        unseen.push(format!("stages left out by {by}: {left_out}"));
    }
    unseen.extend(coverage.interleavings.iter().flat_map(Interleavings::gaps));
    unseen.extend(assumed(scenario));
    for (code, trials) in &coverage.inconclusive {
        unseen.push(format!("{trials} trials proved nothing ({code})"));
    }
    for service in scenario
        .target
        .services
        .iter()
        .filter(|service| service.kind == "files")
    {
        unseen.push(format!(
            "data read and written in files of service {}: compared at the end, not seen as steps",
            service.name
        ));
    }
    unseen.extend(
        result
            .baseline
            .iter()
            .flat_map(|baseline| baseline.notes.iter().cloned()),
    );
    unseen
}

/// Adds what came of the scenario's regressions, and which of them keep its findings. A file with
/// an error is an error of what the user wrote, where nothing worse was found.
pub(crate) fn add_regressions(
    view: &mut ScenarioView,
    project: &Project,
    result: &CampaignResult,
    kept: &Kept,
) {
    let replayed = result.regressions.iter();
    let replayed = replayed.map(|one| regression(&view.name, one));
    let broken = kept.broken.iter();
    let broken = broken.map(broken_regression);
    view.regressions = replayed.chain(broken).collect();
    view.regressions.sort_by(|a, b| a.finding.cmp(&b.finding));
    for one in &mut view.findings {
        let file = regressions::file(&view.name, &one.finding.id);
        if project.root.join(&file).is_file() {
            one.regression = file.display().to_string();
        }
    }
    for broken in &kept.broken {
        let text = broken.diag.plain(&broken.text);
        view.reasons.push((String::new(), text));
    }
    if !kept.broken.is_empty() && view.outcome == Outcome::Pass {
        view.outcome = Outcome::Usage;
        "mend the file, or remove it: what was fixed is not looked for any more then"
            .clone_into(&mut view.hint);
    }
    if kept.beyond > 0 {
        let text = format!("{} more regressions than are replayed", kept.beyond);
        view.unseen.push(text);
    }
}

/// Adds what the scenario's file says is known, and what became of it.
pub(crate) fn add_known(view: &mut ScenarioView, scenario: &Scenario, today: Date) {
    let known = scenario.known.iter().map(|known| {
        let mut findings = view.findings.iter();
        let state = match findings.any(|one| one.finding.id == known.finding) {
            false => KnownState::NotFound,
            true if known.holds_on(today) => KnownState::Found,
            true => KnownState::Expired,
        };
        KnownView {
            finding: known.finding.clone(),
            until: known.until.to_string(),
            since: known.until.next().to_string(),
            ticket: known.ticket.clone(),
            reason: known.reason.clone(),
            state,
        }
    });
    view.known = known.collect();
}

/// Returns what came of a regression.
pub(crate) fn regression(scenario: &str, replayed: &ReplayedRegression) -> RegressionView {
    let (end, note) = match &replayed.end {
        RegressionEnd::StillFails => (EndView::StillFails, String::new()),
        RegressionEnd::FailsOtherwise(ids) => {
            let others = ids.join(", ");
            (EndView::StillFails, format!("as finding {others}"))
        }
        RegressionEnd::NoLongerFails if replayed.mode == Mode::Strict => {
            let note = "though the target is the same".to_owned();
            (EndView::NoLongerFails, note)
        }
        RegressionEnd::NoLongerFails => (EndView::NoLongerFails, String::new()),
        RegressionEnd::Diverged => (EndView::Diverged, String::new()),
        RegressionEnd::Doubtful(code, text) => (EndView::Unclear, format!("{code} {text}")),
        RegressionEnd::NotReplayed => (EndView::NotReplayed, String::new()),
    };
    let diverged = replayed.divergence.as_ref().map(words_of);
    let notes: Vec<String> = [note].into_iter().chain(diverged).collect();
    let notes = notes.iter().map(String::as_str);
    let notes: Vec<&str> = notes.filter(|note| !note.is_empty()).collect();
    RegressionView {
        finding: replayed.finding.clone(),
        file: file_of(scenario, &replayed.finding),
        end,
        note: notes.join("; "),
    }
}

/// Returns what there is to say of a file that cannot be replayed.
pub(crate) fn broken_regression(broken: &Broken) -> RegressionView {
    RegressionView {
        finding: broken.finding.clone(),
        file: broken.diag.file.display().to_string(),
        end: EndView::Broken,
        note: broken.diag.plain(&broken.text),
    }
}

fn file_of(scenario: &str, finding: &str) -> String {
    regressions::file(scenario, finding).display().to_string()
}

/// Returns where a replay left its schedule.
fn words_of(divergence: &Divergence) -> String {
    let offered = divergence.offered.join(", ");
    let (line, wanted) = (divergence.line, &divergence.wanted);
    format!("line {line}: wanted {wanted}, offered {offered}")
}

/// Returns the facts of one finding.
pub(crate) fn finding(found: &CampaignFinding, folder: &Path, redactor: &Redactor) -> FindingView {
    let mut record = found.record.clone();
    record
        .outputs
        .values_mut()
        .for_each(|output| redactor.output(output));
    let divergence = found.replays.divergence.as_ref();
    let diverged = divergence.map(words_of);
    let note = Some(&found.replays.note)
        .filter(|note| !note.is_empty())
        .cloned();
    FindingView {
        finding: found.finding.clone(),
        record,
        replayed: (found.replays.same, found.replays.tried),
        diverged: diverged.or(note),
        causes: causes(&found.causes),
        orders: orders(found),
        shrunk: found
            .shrunk
            .map(|was| (was.from_steps, was.from_faults, was.tries)),
        trials: found.trials,
        folder: folder.join(&found.finding.id).display().to_string(),
        regression: String::new(),
    }
}

/// Returns the orders that a finding takes, as its schedule file would say them.
fn orders(found: &CampaignFinding) -> Vec<String> {
    let orders = found.orders.iter().map(|order| {
        let requests: Vec<String> = order.iter().map(ToString::to_string).collect();
        requests.join(" < ")
    });
    orders.collect()
}

/// Returns causes as reports show them.
pub(crate) fn causes(causes: &[Cause]) -> Vec<CauseView> {
    let views = causes.iter().filter_map(|shown| {
        let kind = twiceproof_oracle::cause(shown.code)?;
        Some(CauseView {
            code: kind.code.to_owned(),
            title: kind.title.to_owned(),
            text: shown.text.clone(),
            hypothesis: kind.side != Side::Trigger,
            remedy: kind.remedy.to_owned(),
        })
    });
    views.collect()
}

/// Returns the facts of a scenario of which only the end is known: a replay's, a clean run's.
pub(crate) fn replayed(scenario: &Scenario, ended: &Ended, elapsed_ms: u64) -> ScenarioView {
    let (outcome, reasons, hint) = end_of(ended);
    ScenarioView {
        reasons,
        hint,
        elapsed_ms,
        ..empty(scenario, outcome)
    }
}
