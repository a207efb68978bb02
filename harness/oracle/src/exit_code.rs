//! TP-V07: an exit code that the scenario does not allow.

use crate::baseline::Baseline;
use crate::checks::Checks;
use crate::finding;
use crate::registry::Oracle;
use std::collections::BTreeSet;
use twiceproof_model::event::Part;
use twiceproof_model::kind::Kind;
use twiceproof_model::{Event, Exit, Finding, Step, TrialRecord};

/// The oracle.
pub const EXIT_CODE: Oracle = Oracle {
    kind: Kind {
        name: "exit",
        doc: "Every instance that nobody killed ends with one of these exit codes.",
        keys: &[twiceproof_model::scenario::CODES],
        port: None,
    },
    codes: &["TP-V07"],
    default: |_| false,
    check,
};

fn check(baseline: &Baseline, record: &TrialRecord, checks: &Checks) -> Vec<Finding> {
    let Some(allowed) = &checks.exit_codes else {
        return Vec::new();
    };
    let mut killed = BTreeSet::new();
    let mut wrong = Vec::new();
    let mut words = BTreeSet::new();
    for (index, stamped) in record.trace.iter().enumerate() {
        match &stamped.event {
            Event::Begun(Part::Recovery(_)) => break,
            Event::Taken(Step::Kill(instance)) | Event::TimedOut(instance) => {
                killed.insert(*instance);
            }
            Event::Exited { instance, exit } if !killed.contains(instance) => {
                let is_allowed = matches!(exit, Exit::Code(code) if allowed.contains(code));
                if !is_allowed {
                    wrong.push(finding::place(index));
                    words.insert(exit.to_string());
                }
            }
            _ => {}
        }
    }
    if wrong.is_empty() {
        return Vec::new();
    }
    let words: Vec<String> = words.into_iter().collect();
    let message = format!("a run ends with {}, which is not allowed", words.join(", "));
    vec![finding::of_events(baseline, "TP-V07", "", message, wrong)]
}
