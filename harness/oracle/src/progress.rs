//! TP-V08: no progress. A run hangs, or runs wait for each other in a cycle and the accepted state
//! is missed.

use crate::baseline::Baseline;
use crate::checks::Checks;
use crate::finding;
use crate::registry::Oracle;
use crate::state::verdict_comparison;
use twiceproof_model::event::Part;
use twiceproof_model::kind::Kind;
use twiceproof_model::{Event, Finding, TrialRecord};

/// The oracle.
pub const PROGRESS: Oracle = Oracle {
    kind: Kind {
        name: "progress",
        doc: "No run hangs, and no cycle of waits costs the accepted state.",
        keys: &[],
        port: None,
    },
    codes: &["TP-V08"],
    default: |_| true,
    check,
};

fn check(baseline: &Baseline, record: &TrialRecord, _: &Checks) -> Vec<Finding> {
    let mut hung = Vec::new();
    let mut calm_hung = Vec::new();
    let mut cycles = Vec::new();
    let mut is_calm = false;
    for (index, stamped) in record.trace.iter().enumerate() {
        match &stamped.event {
            Event::Begun(part) => is_calm = matches!(part, Part::Recovery(_)),
            Event::TimedOut(_) if is_calm => calm_hung.push(finding::place(index)),
            Event::TimedOut(_) => hung.push(finding::place(index)),
            Event::WaitCycle(_) => cycles.push(finding::place(index)),
            _ => {}
        }
    }
    let make = |aspect: &str, message: &str, events: Vec<u32>| {
        vec![finding::of_events(
            baseline,
            "TP-V08",
            aspect,
            message.to_owned(),
            events,
        )]
    };
    if !hung.is_empty() {
        hung.extend(cycles);
        return make(
            "hang",
            "a run hangs: it used up its time and was killed",
            hung,
        );
    }
    if !calm_hung.is_empty() {
        return make("calm hang", "a calm run afterwards hangs", calm_hung);
    }
    if !cycles.is_empty() && verdict_comparison(baseline, record).total > 0 {
        return make(
            "cycle",
            "runs wait for each other in a cycle, and work is lost",
            cycles,
        );
    }
    Vec::new()
}
