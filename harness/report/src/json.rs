//! A run as JSON for programs: `run.json`, and the events of `events.ndjson`. Readers ignore
//! unknown fields.

use crate::view::{FindingView, KnownState, KnownView, RegressionView, RunView, ScenarioView};
use serde_json::{Map, Value, json};
use twiceproof_model::scenario::Expect;
use twiceproof_model::version;

/// Version of the events; a new kind of event raises it.
pub const EVENTS_VERSION: u32 = 2;

/// Names of the events, a closed list.
pub const EVENTS: &[&str] = &[
    "run-start",
    "scenario-start",
    "baseline-end",
    "regression-end",
    "trial-end",
    "finding",
    "shrink-step",
    "scenario-end",
    "warning",
    "run-end",
];

/// Returns `run.json` of a run.
pub fn run(run: &RunView) -> Value {
    json!({
        "format": version::RUN,
        "id": run.id,
        "version": run.version,
        "backend": run.backend,
        "cells": run.cells,
        "environment": run.environment.iter().cloned().collect::<std::collections::BTreeMap<_, _>>(),
        "elapsed_ms": run.elapsed_ms,
        "exit": run.exit,
        "interrupted": run.interrupted,
        "scenarios": run.scenarios.iter().map(scenario).collect::<Vec<_>>(),
    })
}

/// Returns one scenario.
pub fn scenario(scenario: &ScenarioView) -> Value {
    let stages = scenario.stages.iter().map(|stage| {
        json!({
            "name": stage.name,
            "trials": stage.trials,
            "what": stage.covered.as_ref().map(|(what, _, _)| what),
            "covered": stage.covered.as_ref().map(|(_, done, _)| done),
            "of": stage.covered.as_ref().map(|(_, _, of)| of),
            "complete": stage.complete,
        })
    });
    let counts = scenario
        .counts
        .iter()
        .map(|one| json!({ "number": one.number, "noun": one.noun, "rest": one.rest }));
    let pairs = |list: &[(String, String)], left: &str, right: &str| {
        let pair = |(a, b): &(String, String)| json!({ left: a, right: b });
        list.iter().map(pair).collect::<Vec<_>>()
    };
    json!({
        "name": scenario.name,
        "title": scenario.title,
        "path": scenario.path,
        "expect": if scenario.expect == Expect::Pass { "pass" } else { "violation" },
        "outcome": scenario.outcome.word().to_lowercase(),
        "seed": scenario.seed,
        "trials": scenario.trials,
        "elapsed_ms": scenario.elapsed_ms,
        "stages": stages.collect::<Vec<_>>(),
        "stages_absent": scenario.stages_absent,
        "interleavings": scenario.interleavings,
        "counts": counts.collect::<Vec<_>>(),
        "masks": pairs(&scenario.masks, "column", "reason"),
        "unseen": scenario.unseen,
        "claim": (!scenario.claim.0.is_empty())
            .then(|| json!({ "word": scenario.claim.0, "because": scenario.claim.1 })),
        "reasons": pairs(&scenario.reasons, "code", "text"),
        "hint": scenario.hint,
        "cause": scenario.why_twice.0,
        "trigger": scenario.why_twice.1,
        "regressions": scenario.regressions.iter().map(regression).collect::<Vec<_>>(),
        "known": scenario.known.iter().map(known).collect::<Vec<_>>(),
        "findings": scenario.findings.iter().map(finding).collect::<Vec<_>>(),
    })
}

/// Returns one finding that the scenario's file says is known.
fn known(view: &KnownView) -> Value {
    let state = match view.state {
        KnownState::Found => "known",
        KnownState::Expired => "expired",
        KnownState::NotFound => "not-found",
    };
    json!({
        "finding": view.finding,
        "until": view.until,
        "ticket": view.ticket,
        "reason": view.reason,
        "state": state,
    })
}

/// Returns one schedule that an earlier run kept.
pub fn regression(view: &RegressionView) -> Value {
    json!({
        "finding": view.finding,
        "file": view.file,
        "end": view.end.words().replace(' ', "-"),
        "note": view.note,
    })
}

/// Returns one finding.
pub fn finding(view: &FindingView) -> Value {
    let mut told = json!(view.finding);
    told["causes"] = view
        .causes
        .iter()
        .map(|cause| cause.code.as_str())
        .collect();
    let shrunk = view.shrunk.map(|(steps, faults, tries)| {
        json!({ "from_steps": steps, "from_faults": faults, "tries": tries })
    });
    let causes = view.causes.iter().map(|cause| {
        json!({
            "code": cause.code,
            "title": cause.title,
            "text": cause.text,
            "basis": if cause.hypothesis { "hypothesis" } else { "trigger" },
        })
    });
    json!({
        "finding": told,
        "trial": view.record.trial,
        "stage": view.record.stage,
        "fingerprint": view.record.fingerprint,
        "replayed": view.replayed.0,
        "replays": view.replayed.1,
        "diverged": view.diverged,
        "why": causes.collect::<Vec<_>>(),
        "orders": view.orders,
        "shrunk": shrunk,
        "trials": view.trials,
        "folder": view.folder,
        "regression": view.regression,
        "schedule": view.record.schedule,
    })
}

/// Returns one event of the stream: version, number, milliseconds since the run began, name, and
/// its own fields.
pub fn event(seq: u64, ms: u64, name: &'static str, fields: Value) -> Value {
    debug_assert!(
        EVENTS.contains(&name),
        "the list of events is closed: {name}"
    );
    let mut object = Map::new();
    object.insert("v".into(), EVENTS_VERSION.into());
    object.insert("seq".into(), seq.into());
    object.insert("ms".into(), ms.into());
    object.insert("event".into(), name.into());
    if let Value::Object(fields) = fields {
        object.extend(fields);
    }
    Value::Object(object)
}

/// Returns the text of a value as it is stored: indented, a line end behind it.
pub fn to_text(value: &Value) -> String {
    // A `Value` with text keys always has a JSON form.
    serde_json::to_string_pretty(value).expect("a JSON value has a text") + "\n"
}
