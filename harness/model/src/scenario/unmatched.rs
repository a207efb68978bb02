//! Moments of a scenario held against a recorded clean run.

use super::Scenario;
use crate::diag::{Diag, code};
use crate::file::choices;
use crate::moment::Moment;
use crate::operation::Signature;
use std::ops::Range;

/// Returns a warning for each moment that names a request which the clean run does not send.
///
/// A request can come only beside another run, or after a fault: a warning is no error. `clean`
/// are the signatures of the clean run's requests, `run` names where it is recorded.
pub fn unmatched(scenario: &Scenario, clean: &[Signature], run: &str) -> Vec<Diag> {
    let moments = scenario.faults.iter().flat_map(|spec| {
        let at = spec.at.as_ref().map(|at| ("at", at, &spec.at_span));
        let until = spec.until.as_ref();
        let until = until.map(|until| ("until", until, &spec.until_span));
        at.into_iter().chain(until)
    });
    let warnings = moments.filter_map(|(key, moment, span)| {
        let (message, help) = miss(key, moment, clean)?;
        Some(warning(scenario, span, message, &help, run))
    });
    warnings.collect()
}

fn warning(
    scenario: &Scenario,
    span: &Range<usize>,
    message: String,
    help: &str,
    run: &str,
) -> Diag {
    Diag {
        code: code::NO_MATCH,
        message,
        file: scenario.path.clone(),
        span: Some(span.clone()),
        help: format!(
            "{help}   recorded in {run}; a request that comes only beside another run is not in it"
        ),
    }
}

/// Returns what is amiss and what there is, where the clean run does not send the request.
fn miss(key: &str, moment: &Moment, clean: &[Signature]) -> Option<(String, String)> {
    let Moment::Request(_, request) = moment else {
        return None;
    };
    let of_service = clean
        .iter()
        .filter(|signature| signature.service == request.service);
    let texts: Vec<&str> = of_service
        .map(|signature| signature.text.as_str())
        .collect();
    let found = texts.iter().filter(|text| request.matches(text)).count();
    if found >= request.nth as usize {
        return None;
    }
    if found > 0 {
        let message = format!(
            "`{key}` names request {} of {found} in a clean run",
            request.nth
        );
        return Some((message, format!("1 to {found} match")));
    }
    let mut starts: Vec<&str> = Vec::new();
    for text in texts {
        let start = start_of(text);
        if !starts.contains(&start) {
            starts.push(start);
        }
    }
    let message = format!("`{key}` matches no request of a clean run");
    let what = format!("requests to {}", request.service);
    Some((message, choices(&request.pattern, &what, &starts)))
}

/// Longest start of a request that a help text shows.
const START_CHARS_MAX: usize = 32;

fn start_of(text: &str) -> &str {
    let end = text.char_indices().nth(START_CHARS_MAX);
    &text[..end.map_or(text.len(), |(index, _)| index)]
}
