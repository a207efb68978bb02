//! Reading the list of enabled steps.

use std::collections::BTreeMap;
use twiceproof_model::{Enabled, InstanceId, Step};

/// Returns whether the step lets its instance go on, whole: no fault, and no reply held back.
pub fn is_ordinary(step: &Step) -> bool {
    matches!(
        step,
        Step::Start(_) | Step::Wake(_) | Step::Release(_) | Step::Deliver(_)
    )
}

/// Returns the place of the instance's next ordinary step: its start, its wake, or its oldest
/// request or reply.
pub fn own_step(enabled: &[Enabled], instance: InstanceId) -> Option<usize> {
    let own = enabled.iter().enumerate().filter(|(_, enabled)| {
        enabled.step.instance() == Some(instance) && is_ordinary(&enabled.step)
    });
    own.min_by_key(|(_, enabled)| match &enabled.step {
        Step::Release(request) | Step::Deliver(request) => request.ordinal,
        _ => 0,
    })
    .map(|(index, _)| index)
}

/// Returns the next ordinary step of each instance that has one, lowest first, by its place. One
/// pass over the list: how long it takes for an instance does not depend on how many there are.
pub fn own_steps(enabled: &[Enabled]) -> Vec<(InstanceId, usize)> {
    let mut own: BTreeMap<InstanceId, (u32, usize)> = BTreeMap::new();
    for (place, offer) in enabled.iter().enumerate() {
        let Some(who) = offer.step.instance().filter(|_| is_ordinary(&offer.step)) else {
            continue;
        };
        let ordinal = match &offer.step {
            Step::Release(request) | Step::Deliver(request) => request.ordinal,
            _ => 0,
        };
        let oldest = own.entry(who).or_insert((ordinal, place));
        *oldest = (*oldest).min((ordinal, place));
    }
    own.into_iter()
        .map(|(who, (_, place))| (who, place))
        .collect()
}

/// Returns the place of this very step.
pub fn place_of(enabled: &[Enabled], step: &Step) -> Option<usize> {
    enabled.iter().position(|enabled| enabled.step == *step)
}

/// Returns the place of the step with which all run to their ends, lowest first; where none can,
/// a fault is healed.
pub fn run_out(enabled: &[Enabled]) -> Option<usize> {
    let own = own_steps(enabled).first().map(|(_, place)| *place);
    own.or_else(|| {
        let mut steps = enabled.iter();
        steps.position(|enabled| enabled.step.heals())
    })
}

/// Returns whether the instance has started and lives, as far as the offers tell: it can be killed.
pub fn is_alive(enabled: &[Enabled], instance: InstanceId) -> bool {
    place_of(enabled, &Step::Kill(instance)).is_some()
}

/// Returns a step as people read it, with its request.
pub fn describe(enabled: &Enabled) -> String {
    match &enabled.request {
        Some(request) => format!(
            "{} {} \"{}\" {}",
            enabled.step,
            request.signature.service,
            short(&request.signature.text),
            request.signature.nth
        ),
        None => enabled.step.to_string(),
    }
}

/// The most characters shown of a request's text.
const TEXT_CHARS_MAX: usize = 60;

/// Returns a request's text cut to what is shown of it.
pub fn short(text: &str) -> String {
    match text.char_indices().nth(TEXT_CHARS_MAX) {
        Some((cut, _)) => format!("{}…", &text[..cut]),
        None => text.to_owned(),
    }
}
