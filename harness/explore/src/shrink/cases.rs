//! Smaller cases of a case.

use super::Case;
use twiceproof_model::fault::{KILL, PAUSE, RESUME};
use twiceproof_model::schedule::Directive;
use twiceproof_model::{Fault, InstanceId};

/// Returns whether the line begins a fault.
pub(super) fn begins_fault(directive: &Directive) -> bool {
    matches!(directive, Directive::Fault(fault) if fault.kind != RESUME)
}

/// Returns whether the line ends this fault.
fn ends(directive: &Directive, fault: &Fault) -> bool {
    match directive {
        Directive::Heal(healed) => healed == fault,
        Directive::Fault(resume) if resume.kind == RESUME => {
            fault.kind == PAUSE && resume.who == fault.who
        }
        _ => false,
    }
}

/// Returns the case without the faults at these places among its faults, and without their ends.
pub(super) fn without_faults(case: &Case, drops: impl Fn(usize) -> bool) -> Case {
    let body = &case.schedule.body;
    let mut dropped = vec![false; body.len()];
    let faults = (0..body.len()).filter(|line| begins_fault(&body[*line]));
    for (_, line) in faults.enumerate().filter(|(nth, _)| drops(*nth)) {
        dropped[line] = true;
        let Directive::Fault(fault) = &body[line] else {
            continue;
        };
        let mut after = line + 1..body.len();
        if let Some(end) = after.find(|place| !dropped[*place] && ends(&body[*place], fault)) {
            dropped[end] = true;
        }
    }
    let kept = body.iter().zip(&dropped).filter(|(_, dropped)| !**dropped);
    case.with_body(kept.map(|(directive, _)| directive.clone()).collect())
}

/// Returns the case without these lines.
pub(super) fn without_lines(case: &Case, from: usize, count: usize) -> Case {
    let body = case.schedule.body.iter().enumerate();
    let kept = body.filter(|(line, _)| !(from..from + count).contains(line));
    case.with_body(kept.map(|(_, directive)| directive.clone()).collect())
}

/// Returns the case without the request at this place of this order; an order of one request is
/// none.
pub(super) fn without_ordered(case: &Case, order: usize, place: usize) -> Case {
    let mut fewer = case.clone();
    let orders = &mut fewer.schedule.orders;
    orders[order].remove(place);
    orders.retain(|order| order.len() > 1);
    fewer
}

/// Returns whom the line is about.
fn who(directive: &Directive) -> Option<InstanceId> {
    match directive {
        Directive::Start(who) | Directive::Run(who, _) => Some(*who),
        Directive::Fault(fault) | Directive::Heal(fault) => fault.instance(),
    }
}

/// Returns the case without its last instance; `None` where it has only one.
pub(super) fn fewer_instances(case: &Case) -> Option<Case> {
    let last = InstanceId::new(case.instances).filter(|last| last.number() > 1)?;
    let body = case.schedule.body.iter();
    let kept = body.filter(|directive| who(directive) != Some(last));
    let mut fewer = case.with_body(kept.cloned().collect());
    for order in &mut fewer.schedule.orders {
        order.retain(|request| request.instance != last);
    }
    fewer.schedule.orders.retain(|order| order.len() > 1);
    fewer.instances = last.number() - 1;
    Some(fewer)
}

/// Returns the case with its first plain kill made a pause: the process stands still until nobody
/// else can go on.
pub(super) fn weaker_fault(case: &Case) -> Option<Case> {
    let mut body = case.schedule.body.clone();
    let kill = body.iter_mut().find_map(|directive| match directive {
        Directive::Fault(fault) if fault.kind == KILL && fault.keys.is_empty() => Some(fault),
        _ => None,
    })?;
    PAUSE.clone_into(&mut kill.kind);
    Some(case.with_body(body))
}
