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
        Doubt::Unanswered(_) => "TP-I06",
        Doubt::ServiceDied(_) => "TP-E",
        Doubt::CutShort(_) | Doubt::Bound(_) => "TP-I01",
    }
}

fn doubt_text(doubt: &Doubt) -> String {
    match doubt {
        Doubt::FaultWithoutEffect(text)
        | Doubt::OpaqueLink(text)
        | Doubt::BestEffort(text)
        | Doubt::Unanswered(text)
        | Doubt::ServiceDied(text)
        | Doubt::CutShort(text)
        | Doubt::Bound(text) => text.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::StateRules;
    use std::collections::BTreeMap;
    use twiceproof_model::event::fingerprint;
    use twiceproof_model::kind::Kind;
    use twiceproof_model::record::{Drive, Timings};
    use twiceproof_model::scenario::Contract;
    use twiceproof_model::{Exit, InstanceId, Snapshot};

    const BROKEN: Oracle = Oracle {
        kind: Kind {
            name: "state",
            doc: "Fails.",
            keys: &[],
            port: None,
        },
        codes: &["TP-V01"],
        default: |_| true,
        check: |_, _, _| panic!("a bug of ours"),
    };

    fn record() -> TrialRecord {
        let exits = InstanceId::first(1).map(|instance| (instance, Exit::Code(0)));
        TrialRecord {
            trial: 1,
            stage: "sample".to_owned(),
            seed: 1,
            instances: 1,
            drive: Drive::Steps,
            schedule: String::new(),
            trace: Vec::new(),
            fingerprint: fingerprint(&[]),
            exits: exits.collect(),
            recoveries: Vec::new(),
            before_recovery: None,
            after_first_recovery: None,
            snapshot: Snapshot::default(),
            divergence: None,
            doubts: Vec::new(),
            answers: BTreeMap::new(),
            changes: Vec::new(),
            outputs: BTreeMap::new(),
            timings: Timings::default(),
        }
    }

    #[test]
    fn an_oracle_that_panics_makes_a_pass_inconclusive() {
        let record = record();
        let baseline = Baseline::new(
            Snapshot::default(),
            &[&record],
            StateRules::default(),
            Vec::new(),
            Contract::Once,
        );
        let checks = Checks::new(Contract::Once, &[]);
        assert_eq!(judge(&baseline, &record, &checks), Verdict::Pass);
        let verdict = judge_with(&[BROKEN], &baseline, &record, &checks);
        let text = "the check `state` failed inside Twiceproof".to_owned();
        assert_eq!(
            verdict,
            Verdict::Inconclusive(vec![("TP-E".to_owned(), text)])
        );
    }
}
