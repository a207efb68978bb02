//! One record to one verdict.

use crate::baseline::Baseline;
use crate::checks::Checks;
use crate::registry::{ORACLES, Oracle};
use crate::state;
use std::panic::{AssertUnwindSafe, catch_unwind};
use twiceproof_model::{Doubt, Finding, TrialRecord, Verdict};

/// Judges one record: every finding of every check that is on, else why it proves nothing, else a
/// pass.
///
/// A violation outranks doubts, unless the trial was cut off or a service died: then its state
/// means nothing.
pub fn judge(baseline: &Baseline, record: &TrialRecord, checks: &Checks) -> Verdict {
    judge_with(ORACLES, baseline, record, checks)
}

fn judge_with(
    oracles: &[Oracle],
    baseline: &Baseline,
    record: &TrialRecord,
    checks: &Checks,
) -> Verdict {
    let mut doubts: Vec<(String, String)> = record
        .doubts
        .iter()
        .map(|doubt| (doubt_code(doubt).to_owned(), doubt_text(doubt)))
        .collect();
    if let Some(divergence) = &record.divergence {
        let offered = if divergence.offered.is_empty() {
            "nothing".to_owned()
        } else {
            divergence.offered.join(", ")
        };
        let text = format!(
            "line {}: wanted {}, had {offered}",
            divergence.line, divergence.wanted
        );
        doubts.push(("TP-I03".to_owned(), text));
    }
    let is_void = |doubt: &Doubt| matches!(doubt, Doubt::CutShort(_) | Doubt::ServiceDied(_));
    if record.doubts.iter().any(is_void) {
        return Verdict::Inconclusive(doubts);
    }
    let mut findings: Vec<Finding> = Vec::new();
    let mut attempt = |name: &str, check: &dyn Fn() -> Vec<Finding>| match catch_unwind(
        AssertUnwindSafe(check),
    ) {
        Ok(found) => findings.extend(found),
        Err(_) => doubts.push((
            "TP-E".to_owned(),
            format!("the check `{name}` failed inside Twiceproof"),
        )),
    };
    for oracle in oracles
        .iter()
        .filter(|oracle| checks.on.contains(oracle.kind.name))
    {
        attempt(oracle.kind.name, &|| {
            (oracle.check)(baseline, record, checks)
        });
    }
    if !findings.is_empty() {
        return Verdict::Violation(findings);
    }
    for object in state::unreadable(baseline, record) {
        let text = format!("{object} differs, and its rows were not kept");
        doubts.push(("TP-I01".to_owned(), text));
    }
    if doubts.is_empty() {
        Verdict::Pass
    } else {
        Verdict::Inconclusive(doubts)
    }
}

/// Returns the verdict code of a doubt.
pub fn doubt_code(doubt: &Doubt) -> &'static str {
    match doubt {
        Doubt::FaultWithoutEffect(_) => "TP-I02",
        Doubt::OpaqueLink(_) => "TP-I04",
        Doubt::BestEffort(_) => "TP-I05",
        Doubt::ServiceDied(_) => "TP-E",
        Doubt::CutShort(_) | Doubt::Bound(_) => "TP-I01",
    }
}

fn doubt_text(doubt: &Doubt) -> String {
    match doubt {
        Doubt::FaultWithoutEffect(text)
        | Doubt::OpaqueLink(text)
        | Doubt::BestEffort(text)
        | Doubt::ServiceDied(text)
        | Doubt::CutShort(text)
        | Doubt::Bound(text) => text.clone(),
    }
}
