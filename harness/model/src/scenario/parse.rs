//! Reads scenario files.

use super::keys;
use super::{Assumptions, Contract, Expect, Hosts, NoTarget, Scenario, SearchSpec, TriggerSpec};
use crate::diag::{Diag, code};
use crate::file::{Content, Fields, Reader, choices};
use crate::kind::Kinds;
use crate::target::{ARGS, ENV, Target};
use std::path::Path;

/// Reads the text of a scenario file, or returns every error in it and in its target's file.
///
/// `file` is its name in diagnostics, `target_of` finds a target by name.
pub fn parse(
    text: &str,
    file: &Path,
    name: &str,
    target_of: &dyn Fn(&str) -> Result<Target, NoTarget>,
    kinds: &Kinds<'_>,
) -> Result<Scenario, Vec<Diag>> {
    let mut reader = Reader::new(file, kinds);
    let content = reader.content(&keys::FORMAT, text);
    let root = &content.root;
    let target = target(&mut reader, root, target_of);
    let contract = match root.text(&keys::CONTRACT) {
        Some(keys::ONCE) => Some(Contract::Once),
        Some(keys::EACH_SLOT) => Some(Contract::EachSlot),
        Some(keys::EXCLUSION) => Some(Contract::Exclusion),
        Some(keys::WORKERS) => Some(Contract::Workers),
        _ => None,
    };
    let expect = match root.text(&keys::EXPECT) {
        Some(keys::VIOLATION) => Expect::Violation,
        _ => Expect::Pass,
    };
    let causes = causes(&mut reader, root, expect);
    let (title, teaches) = (
        root.text_or_empty(&keys::TITLE),
        root.text_or_empty(&keys::TEACHES),
    );
    check_title(&mut reader, root);
    let tags = root.texts(&keys::TAGS);
    let trigger = trigger(&content);
    let assume = assume(&content);
    let search = search(&mut reader, &content);
    let starts = trigger
        .attempts
        .map_or(trigger.instances, |all| all.max(trigger.instances));
    let faults = super::faults::read(&mut reader, &content, starts, assume, target.as_ref());
    let checks = super::checks::read(&mut reader, &content, target.as_ref());
    let known = super::known::read(&mut reader, &content, expect);
    let target = reader
        .finish(target)?
        .expect("a target that is missing has been reported");
    Ok(Scenario {
        name: name.to_owned(),
        path: file.to_owned(),
        title,
        teaches,
        tags,
        target,
        contract,
        expect,
        causes,
        trigger,
        assume,
        search,
        faults,
        checks,
        known,
    })
}

/// Returns the target with the scenario's `args` and `env` applied; `None` has been reported.
fn target(
    reader: &mut Reader<'_>,
    root: &Fields<'_>,
    target_of: &dyn Fn(&str) -> Result<Target, NoTarget>,
) -> Option<Target> {
    let name = root.text(&keys::TARGET)?;
    match target_of(name) {
        Ok(mut target) => {
            if root.list(&ARGS).is_some() {
                target.args = root.texts(&ARGS);
            }
            target.env.extend(root.pairs(&ENV));
            Some(target)
        }
        Err(NoTarget::Unknown(known)) => {
            let names: Vec<&str> = known.iter().map(String::as_str).collect();
            let help = choices(name, "targets", &names);
            let message = format!("unknown target `{name}`");
            reader.report(code::UNKNOWN_NAME, message, root.place(&keys::TARGET), help);
            None
        }
        Err(NoTarget::Invalid(diags)) => {
            reader.adopt(diags);
            None
        }
    }
}

fn check_title(reader: &mut Reader<'_>, root: &Fields<'_>) {
    let Some(title) = root.text(&keys::TITLE) else {
        return;
    };
    if title.trim().is_empty() || title.contains(['\n', '\r']) {
        let message = "`title` is not one line of text".to_owned();
        let help = keys::TITLE.doc.to_owned();
        reader.report(code::TYPE, message, root.place(&keys::TITLE), help);
    }
}

/// Returns the codes that a violation must show.
fn causes(reader: &mut Reader<'_>, root: &Fields<'_>, expect: Expect) -> Vec<String> {
    let causes = root.texts(&keys::CAUSES);
    if !causes.is_empty() && expect == Expect::Pass {
        let message = "`causes` without a violation that could show them".to_owned();
        let help = "write `expect = \"violation\"`, or remove `causes`".to_owned();
        reader.report(code::TYPE, message, root.place(&keys::CAUSES), help);
    }
    causes
}

fn trigger(content: &Content<'_>) -> TriggerSpec {
    let absent = Fields::default();
    let fields = content.one(&keys::TRIGGER).unwrap_or(&absent);
    TriggerSpec {
        kind: fields.text_or_default(&keys::TRIGGER_KIND),
        instances: fields.integer_or_default(&keys::INSTANCES),
        attempts: fields.own_integer(&keys::ATTEMPTS),
        hosts: match fields.text(&keys::HOSTS) {
            Some(keys::ONE) => Some(Hosts::One),
            Some(keys::EACH) => Some(Hosts::Each),
            _ => None,
        },
        timeout: fields.own_duration(&keys::TIMEOUT),
        grace: fields.own_duration(&keys::GRACE),
        from: fields.text(&keys::FROM).map(str::to_owned),
    }
}

fn assume(content: &Content<'_>) -> Assumptions {
    let absent = Fields::default();
    let fields = content.one(&keys::ASSUME).unwrap_or(&absent);
    Assumptions {
        pause_max: fields.duration(&keys::PAUSE_MAX),
    }
}

fn search(reader: &mut Reader<'_>, content: &Content<'_>) -> SearchSpec {
    let absent = Fields::default();
    let fields = content.one(&keys::SEARCH).unwrap_or(&absent);
    let stages = fields.list(&keys::STAGES);
    let has_faults = !content.all(&keys::FAULT).is_empty();
    if stages.is_some_and(<[_]>::is_empty) && !has_faults {
        let message = "`stages` is empty, so nothing would be searched".to_owned();
        let help = "leave the key out for all stages, or write a [[fault]]".to_owned();
        reader.report(code::TYPE, message, fields.place(&keys::STAGES), help);
    }
    for (index, stage) in stages.unwrap_or_default().iter().enumerate() {
        if stages.unwrap_or_default()[..index]
            .iter()
            .any(|first| first.value == stage.value)
        {
            let message = format!("stage `{}` is named twice", stage.value);
            reader.report(
                code::TYPE,
                message,
                stage.span.clone(),
                "remove one".to_owned(),
            );
        }
    }
    SearchSpec {
        stages: stages.map(|_| fields.texts(&keys::STAGES)),
        samples: fields.integer_or_default(&keys::SAMPLES),
        preemptions: fields.integer_or_default(&keys::PREEMPTIONS),
        budget: fields.duration_or_default(&keys::BUDGET),
        seed: fields.integer_or_default(&keys::SEED),
    }
}
