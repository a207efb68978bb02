//! Reads the checks of a scenario.

use super::{CheckSpec, keys};
use crate::diag::code;
use crate::effect;
use crate::file::{Content, Fields, Reader, Spanned, choices};
use crate::target::Target;

/// Kinds of services that answer SQL and tell the changes of their rows; a test of the lab holds
/// its services to it.
pub const SQL_KINDS: &[&str] = &["postgres"];

/// Returns the checks of the file; what is wrong with them is told to the reader.
pub(super) fn read(
    reader: &mut Reader<'_>,
    content: &Content<'_>,
    target: Option<&Target>,
) -> Vec<CheckSpec> {
    let mut checks: Vec<CheckSpec> = Vec::new();
    for (_, fields) in content.all(&keys::CHECK) {
        let check = check(fields);
        if let Some(target) = target {
            check_service(reader, fields, target);
            check_lock(reader, fields, target);
        }
        check_text(reader, fields, keys::NAME.name);
        check_text(reader, fields, keys::SQL.name);
        check_column(reader, fields);
        let is_same = |other: &CheckSpec| {
            let about =
                |one: &CheckSpec| (one.service.clone(), one.lock.clone(), one.column.clone());
            other.kind == check.kind
                && other.name == check.name
                && (!check.name.is_empty() || about(other) == about(&check))
        };
        if fields.kind.is_some() && checks.iter().any(is_same) {
            let (message, help) = twice(&check);
            reader.report(code::TYPE, message, fields.place(&keys::CHECK_KIND), help);
        }
        checks.push(check);
    }
    checks
}

fn check(fields: &Fields<'_>) -> CheckSpec {
    let text = |name| fields.own_text(name).map(|text| text.value.to_owned());
    let columns = fields.own_list(keys::AT_MOST_ONCE.name).unwrap_or_default();
    CheckSpec {
        kind: fields.text_or_empty(&keys::CHECK_KIND),
        off: fields.boolean_or_default(&keys::OFF),
        codes: fields.own_integers(keys::CODES.name),
        service: text(keys::SERVICE.name).map(|service| service.as_str().into()),
        columns: columns.iter().map(|column| column.value.clone()).collect(),
        name: text(keys::NAME.name).unwrap_or_default(),
        sql: text(keys::SQL.name),
        wants_rows: text(keys::ANSWER.name).as_deref() == Some(keys::ROWS),
        column: text(keys::COLUMN.name),
        allow: fields.own_couples(keys::ALLOW.name),
        lock: text(keys::LOCK.name),
    }
}

/// Returns what to say of a check that stands twice.
fn twice(check: &CheckSpec) -> (String, String) {
    let kind = &check.kind;
    if check.name.is_empty() {
        let help = "keep one table for each kind of check and what it is about";
        return (format!("check `{kind}` stands twice"), help.to_owned());
    }
    let message = format!("check `{kind}` named `{}` stands twice", check.name);
    (message, "give each a name of its own".to_owned())
}

/// Reports a text that names or asks nothing.
fn check_text(reader: &mut Reader<'_>, fields: &Fields<'_>, key: &str) {
    let Some(text) = fields.own_text(key) else {
        return;
    };
    let is_name = key == keys::NAME.name;
    if is_name && (text.value.trim().is_empty() || text.value.contains(['\n', '\r'])) {
        let help = keys::NAME.doc.to_owned();
        let message = format!("`{key}` is not one line of text");
        reader.report(code::TYPE, message, text.span, help);
    } else if text.value.trim().is_empty() {
        let help = keys::SQL.doc.to_owned();
        reader.report(code::TYPE, format!("`{key}` is empty"), text.span, help);
    }
}

/// Reports a column without its table.
fn check_column(reader: &mut Reader<'_>, fields: &Fields<'_>) {
    let Some(column) = fields.own_text(keys::COLUMN.name) else {
        return;
    };
    let parts = column.value.rsplit_once('.');
    if parts.is_none_or(|(table, name)| table.is_empty() || name.is_empty()) {
        let message = format!("`{}` is no column of a table", column.value);
        let help = keys::COLUMN.doc.to_owned();
        reader.report(code::TYPE, message, column.span, help);
    }
}

/// Reports a service that the target has not, or that is not of a kind that the check can look at.
fn check_service(reader: &mut Reader<'_>, fields: &Fields<'_>, target: &Target) {
    let Some(service) = fields.own_text(keys::SERVICE.name) else {
        return;
    };
    let own = fields.kind.map_or(&[][..], |kind| kind.keys);
    let asks = |name: &str| own.iter().any(|key| key.name == name);
    if asks(keys::AT_MOST_ONCE.name) {
        let columns = fields.own_list(keys::AT_MOST_ONCE.name).unwrap_or_default();
        check_effects(reader, &service, columns, target);
    } else if asks(keys::SQL.name) || asks(keys::COLUMN.name) {
        let fits = |kind: &str| SQL_KINDS.contains(&kind);
        let flaw = match asks(keys::SQL.name) {
            true => ("answers no SQL", "services that answer SQL"),
            false => ("tells no changes of rows", "services that tell them"),
        };
        check_kind(reader, &service, target, &fits, flaw);
    }
}

/// Reports a service that the target has not or that does not fit, and says why; returns the kind
/// of one that does.
fn check_kind<'t>(
    reader: &mut Reader<'_>,
    service: &Spanned<&str>,
    target: &'t Target,
    fits: &dyn Fn(&str) -> bool,
    (flaw, what): (&str, &str),
) -> Option<&'t str> {
    let services = target.services.iter();
    let names: Vec<&str> = services
        .filter(|spec| fits(&spec.kind))
        .map(|spec| spec.name.as_str())
        .collect();
    let mut services = target.services.iter();
    let found = services.find(|spec| spec.name.as_str() == service.value);
    if let Some(spec) = found.filter(|spec| fits(&spec.kind)) {
        return Some(&spec.kind);
    }
    let message = match found {
        Some(spec) => format!("a {} service {flaw}", spec.kind),
        None => format!("unknown service `{}`", service.value),
    };
    let help = choices(service.value, what, &names);
    reader.report(code::UNKNOWN_NAME, message, service.span.clone(), help);
    None
}

/// Reports a service that has no effects, and columns that its effects have not.
fn check_effects(
    reader: &mut Reader<'_>,
    service: &Spanned<&str>,
    columns: &[Spanned<String>],
    target: &Target,
) {
    let fits = |kind: &str| effect::of_kind(kind).is_some();
    let flaw = ("has no effects to count", "services with effects");
    let kind = check_kind(reader, service, target, &fits, flaw);
    let Some(effects) = kind.and_then(effect::of_kind) else {
        return;
    };
    for column in columns {
        if !effects.columns.contains(&column.value.as_str()) {
            let message = format!("unknown column `{}`", column.value);
            let help = choices(&column.value, "columns", effects.columns);
            reader.report(code::UNKNOWN_NAME, message, column.span.clone(), help);
        }
    }
}

/// Reports a lock that the target does not declare.
fn check_lock(reader: &mut Reader<'_>, fields: &Fields<'_>, target: &Target) {
    let Some(lock) = fields.own_text(keys::LOCK.name) else {
        return;
    };
    let names: Vec<&str> = target.locks.iter().map(|lock| lock.name.as_str()).collect();
    if !names.contains(&lock.value) {
        let message = format!("unknown lock `{}`", lock.value);
        let help = choices(lock.value, "locks that the target declares", &names);
        reader.report(code::UNKNOWN_NAME, message, lock.span, help);
    }
}
