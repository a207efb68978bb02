//! TP-V07: an exit code that the scenario does not allow, or another one of a run alone and
//! undisturbed than the clean run's.

use crate::baseline::Baseline;
use crate::checks::Checks;
use crate::finding;
use crate::registry::Oracle;
use std::collections::BTreeSet;
use twiceproof_model::event::Part;
use twiceproof_model::kind::Kind;
use twiceproof_model::{Event, Exit, Finding, InstanceId, Step, TrialRecord};

/// The oracle.
pub const EXIT_CODE: Oracle = Oracle {
    kind: Kind {
        name: "exit",
        doc: "A lone, undisturbed run ends as the clean run does; with codes, all not killed end with one.",
        keys: &[twiceproof_model::scenario::CODES],
        port: None,
    },
    codes: &["TP-V07"],
    default: |_| true,
    check,
};

fn check(baseline: &Baseline, record: &TrialRecord, checks: &Checks) -> Vec<Finding> {
    let Some(allowed) = &checks.exit_codes else {
        return alone(baseline, record);
    };
    let mut struck = BTreeSet::new();
    let mut wrong = Vec::new();
    let mut words = BTreeSet::new();
    for (index, stamped) in record.trace.iter().enumerate() {
        match &stamped.event {
            Event::Begun(Part::Recovery(_)) => break,
            Event::Taken(Step::Kill(instance)) | Event::TimedOut(instance) => {
                struck.insert(*instance);
            }
            // Whoever is struck by a fault may end as it likes: the state decides.
            Event::Taken(Step::DropReply(request)) => {
                struck.insert(request.instance);
            }
            Event::Taken(Step::Inject(fault)) => match fault.instance() {
                Some(instance) => {
                    struck.insert(instance);
                }
                None => struck.extend(InstanceId::first(record.instances)),
            },
            Event::Exited { instance, exit } if !struck.contains(instance) => {
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

/// Returns the finding about a first run that met neither another one nor a fault, and yet ended
/// otherwise than the clean run. With contention or a fault any end is right, as the state decides.
fn alone(baseline: &Baseline, record: &TrialRecord) -> Vec<Finding> {
    let mut first = None;
    for (index, stamped) in record.trace.iter().enumerate() {
        match &stamped.event {
            Event::Begun(Part::Recovery(_)) | Event::TimedOut(_) => break,
            Event::Taken(step) if step.is_fault() => break,
            Event::Started(_) if first.is_some() => break,
            Event::Started(instance) => first = Some(*instance),
            Event::Exited { instance, exit } if first == Some(*instance) => {
                if *exit == baseline.exit {
                    break;
                }
                let message = format!(
                    "a run alone ends with {exit}, where the clean run ends with {}",
                    baseline.exit
                );
                let events = vec![finding::place(index)];
                return vec![finding::of_events(
                    baseline, "TP-V07", "alone", message, events,
                )];
            }
            _ => {}
        }
    }
    Vec::new()
}
