//! The reference of both files, as Markdown.

use crate::file::{Form, Format, Section};
use crate::kind::{Key, KeyType, Kinds};
use std::fmt::Write as _;

/// Returns the page that lists every key of the files that people write.
pub fn reference(kinds: &Kinds<'_>) -> String {
    let mut page = "# Target and scenario files\n\nGenerated from the tables that read them. \
        Files are TOML 1.0; paths are relative to the file's folder; durations are numbers with \
        units, such as `\"90s\"` or `\"1h 30m\"`, from 1ms to 24h. Unknown keys are errors.\n"
        .to_owned();
    for format in [
        &crate::target::FORMAT,
        &crate::scenario::FORMAT,
        &crate::replies::FORMAT,
    ] {
        write_format(&mut page, format, kinds);
    }
    page
}

fn write_format(page: &mut String, format: &Format, kinds: &Kinds<'_>) {
    *page += &format!("\n## Keys of a {}\n\n{}\n", format.name, format.doc);
    if !format.keys.is_empty() {
        write_keys(page, "", format.keys.iter(), kinds);
    }
    for section in format.sections {
        let prefix = match section.form {
            Form::One => section.name.to_owned(),
            Form::Named => format!("{}.NAME", section.name),
            Form::List => section.name.to_owned(),
        };
        let header = match section.form {
            Form::List => format!("[[{prefix}]]"),
            _ => format!("[{prefix}]"),
        };
        *page += &format!("\n### `{header}`\n\n{}\n", section.doc);
        write_keys(page, &format!("{prefix}."), section.keys.iter(), kinds);
        write_kinds(page, section, &prefix, kinds);
    }
}

/// Lists the kinds of a section with their own keys.
fn write_kinds(page: &mut String, section: &Section, prefix: &str, kinds: &Kinds<'_>) {
    let Some((_, family)) = section.kind() else {
        return;
    };
    for kind in kinds.family(family) {
        *page += &format!("\n`kind = \"{}\"`: {}\n", kind.name, kind.doc);
        if !kind.keys.is_empty() {
            let own = match section.options() {
                Some(options) => format!("{prefix}.{}.", options.name),
                None => format!("{prefix}."),
            };
            write_keys(page, &own, kind.keys.iter(), kinds);
        }
    }
}

fn write_keys<'k>(
    page: &mut String,
    prefix: &str,
    keys: impl Iterator<Item = &'k Key>,
    kinds: &Kinds<'_>,
) {
    *page += "\n| key | type | default | meaning |\n|---|---|---|---|\n";
    for key in keys {
        let default = match (key.required, key.default) {
            (true, _) => "required".to_owned(),
            (false, prose) if prose.contains(' ') || prose.is_empty() => cell(prose),
            (false, value) => format!("`{}`", cell(value)),
        };
        let (value, doc) = (describe(key, kinds), cell(key.doc));
        // Writing to a string cannot fail.
        let _ = writeln!(
            page,
            "| `{prefix}{}` | {value} | {default} | {doc} |",
            key.name
        );
    }
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn describe(key: &Key, kinds: &Kinds<'_>) -> String {
    let names = |family| {
        let names = kinds
            .family(family)
            .iter()
            .map(|kind| format!("`{}`", kind.name));
        names.collect::<Vec<_>>().join(", ")
    };
    match key.value {
        KeyType::Text => "string".to_owned(),
        KeyType::Integer { min, max } if min == max => format!("`{min}`"),
        KeyType::Integer { min, max: i64::MAX } => format!("integer from {min}"),
        KeyType::Integer { min, max } => format!("integer, {min} to {max}"),
        KeyType::Boolean => "boolean".to_owned(),
        KeyType::Duration => "duration".to_owned(),
        KeyType::DurationOrZero => "duration or `0s`".to_owned(),
        KeyType::Date => "date".to_owned(),
        KeyType::OneOf(values) => {
            let values = values.iter().map(|value| format!("`{value}`"));
            format!("one of {}", values.collect::<Vec<_>>().join(", "))
        }
        KeyType::TextList => "list of strings".to_owned(),
        KeyType::IntegerList => "list of integers".to_owned(),
        KeyType::PairList => "list of pairs of strings".to_owned(),
        KeyType::TextTable => "table of strings".to_owned(),
        KeyType::Path => "path".to_owned(),
        KeyType::PathList => "list of paths".to_owned(),
        KeyType::Moment => "moment".to_owned(),
        KeyType::Name => "name".to_owned(),
        KeyType::Kind(family) => format!("one of {}", names(family)),
        KeyType::KindList(family) => format!("list of {}", names(family)),
        KeyType::Options => "table".to_owned(),
    }
}
