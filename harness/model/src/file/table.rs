//! Reads the tables of a document along the tables of keys.

use super::ENTRIES_MAX;
use super::fields::Fields;
use super::reader::Reader;
use super::section::{Form, Section};
use super::suggest::{choices, closest};
use super::value::{Entry, Spanned, describe, read};
use crate::diag::code;
use crate::kind::{Key, KeyType, Kind, is_name};
use std::ops::Range;
use toml_edit::{Item, TableLike};

/// What a name is, for people.
pub(super) const NAME_HELP: &str =
    "a name is a lowercase letter, then lowercase letters, digits, `_` and `-`, 63 at most";

/// A table that is about to be read.
pub(super) struct Place<'t> {
    pub(super) table: &'t dyn TableLike,
    /// Where it stands in the text, if it does.
    pub(super) span: Option<Range<usize>>,
    /// Its name in messages.
    pub(super) name: String,
}

impl<'a> Reader<'a> {
    /// Reads all tables of a section.
    pub(super) fn section(
        &mut self,
        section: &'static Section,
        item: &Item,
        span: &Range<usize>,
    ) -> Vec<(Spanned<String>, Fields<'a>)> {
        let nameless = |span: &Range<usize>| Spanned {
            value: String::new(),
            span: span.clone(),
        };
        match section.form {
            Form::One => match item.as_table_like() {
                None => self.misformed(section, item, span),
                Some(table) => {
                    let name = format!("[{}]", section.name);
                    let place = Place {
                        table,
                        span: Some(span.clone()),
                        name,
                    };
                    vec![(nameless(span), self.table(section, place))]
                }
            },
            Form::Named => match item.as_table_like() {
                None => self.misformed(section, item, span),
                Some(table) => self.named(section, table, span),
            },
            Form::List => {
                let Some(tables) = tables_of(item) else {
                    return self.misformed(section, item, span);
                };
                self.few(section, tables.len(), span);
                let read = tables
                    .into_iter()
                    .take(ENTRIES_MAX)
                    .map(|(table, own_span)| {
                        let span = own_span.unwrap_or_else(|| span.clone());
                        let name = format!("[[{}]]", section.name);
                        let place = Place {
                            table,
                            span: Some(span.clone()),
                            name,
                        };
                        (nameless(&span), self.table(section, place))
                    });
                read.collect()
            }
        }
    }

    /// Reads the tables of a section that stand under names.
    fn named(
        &mut self,
        section: &'static Section,
        table: &dyn TableLike,
        span: &Range<usize>,
    ) -> Vec<(Spanned<String>, Fields<'a>)> {
        self.few(section, table.len(), span);
        let mut tables = Vec::new();
        for (name, item) in table.iter().take(ENTRIES_MAX) {
            let span = key_span(table, name).unwrap_or_else(|| span.clone());
            if !is_name(name) {
                let message = format!("`{name}` is no name");
                self.report(code::TYPE, message, span.clone(), NAME_HELP.to_owned());
            }
            let Some(inner) = item.as_table_like() else {
                let message = format!(
                    "`{}.{name}` is {}, expected a table",
                    section.name,
                    describe(item)
                );
                let help = format!("write [{}.{name}] and its keys below", section.name);
                self.report(code::TYPE, message, span, help);
                continue;
            };
            let place = Place {
                table: inner,
                span: Some(span.clone()),
                name: format!("[{}.{name}]", section.name),
            };
            let fields = self.table(section, place);
            tables.push((
                Spanned {
                    value: name.to_owned(),
                    span,
                },
                fields,
            ));
        }
        tables
    }

    fn misformed(
        &mut self,
        section: &Section,
        item: &Item,
        span: &Range<usize>,
    ) -> Vec<(Spanned<String>, Fields<'a>)> {
        let (name, found) = (section.name, describe(item));
        let (expected, header) = match section.form {
            Form::One => ("a table", format!("[{name}]")),
            Form::Named => ("a table of tables", format!("[{name}.NAME]")),
            Form::List => ("a list of tables", format!("[[{name}]]")),
        };
        let message = format!("`{name}` is {found}, expected {expected}");
        self.report(
            code::TYPE,
            message,
            span.clone(),
            format!("write {header} and its keys below"),
        );
        Vec::new()
    }

    fn few(&mut self, section: &Section, count: usize, span: &Range<usize>) {
        if count > ENTRIES_MAX {
            let message = format!("`{}` has {count} tables", section.name);
            self.report(
                code::TYPE,
                message,
                span.clone(),
                format!("at most {ENTRIES_MAX}"),
            );
        }
    }

    /// Reads one table: the section's keys, and those of its kind where they stand beside.
    fn table(&mut self, section: &'static Section, mut place: Place<'_>) -> Fields<'a> {
        let mut fields = Fields {
            span: place.span.clone(),
            ..Fields::default()
        };
        let kind = section.kind();
        fields.kind = kind.and_then(|(key, family)| {
            let given = place.table.get(key.name).and_then(Item::as_str);
            let fallback = (!place.table.contains_key(key.name)).then_some(key.default);
            self.kinds.find(family, given.or(fallback)?)
        });
        let options = section.options();
        // Without a known kind nobody knows its keys: one error, about the kind, is enough.
        let own: &'a [Key] = match (options, fields.kind) {
            (None, Some(kind)) => kind.keys,
            _ => &[],
        };
        let is_open = options.is_none() && kind.is_some() && fields.kind.is_none();
        if let (None, Some((_, family)), Some(kind)) = (options, kind, fields.kind) {
            place.name = format!("{} `{}`", family.noun(), kind.name);
        }
        for (name, item) in place.table.iter() {
            let span = key_span(place.table, name).unwrap_or(0..0);
            if let Some(key) = section.keys.iter().find(|key| key.name == name) {
                self.field(key, item, span, &mut fields);
            } else if let Some(key) = own.iter().find(|key| key.name == name) {
                self.own_field(key, item, span, &mut fields);
            } else if !is_open {
                let known: Vec<&str> = section.keys.iter().chain(own).map(|key| key.name).collect();
                let help = self.belongs_to_options(name, options, fields.kind);
                self.unknown(name, span, &place.name, &known, help);
            }
        }
        self.missing(section.keys, &place);
        self.missing(own, &place);
        if let (Some(key), Some(kind)) = (options, fields.kind) {
            let given = place.table.get(key.name).and_then(Item::as_table_like);
            let empty = toml_edit::Table::new();
            let place = Place {
                table: given.unwrap_or(&empty),
                span: key_span(place.table, key.name).or(place.span),
                name: format!("the options of {}", kind.name),
            };
            self.options(kind, &place, &mut fields);
        }
        fields
    }

    /// Reads the table of a kind's own keys.
    fn options(&mut self, kind: &'a Kind, place: &Place<'_>, fields: &mut Fields<'a>) {
        for (name, item) in place.table.iter() {
            let span = key_span(place.table, name).unwrap_or(0..0);
            match kind.keys.iter().find(|key| key.name == name) {
                Some(key) => self.own_field(key, item, span, fields),
                None => {
                    let known: Vec<&str> = kind.keys.iter().map(|key| key.name).collect();
                    self.unknown(name, span, &place.name, &known, None);
                }
            }
        }
        self.missing(kind.keys, place);
    }

    pub(super) fn field(
        &mut self,
        key: &'static Key,
        item: &Item,
        span: Range<usize>,
        into: &mut Fields<'a>,
    ) {
        let place = item.span().unwrap_or_else(|| span.clone());
        let value = read(
            self,
            key,
            &Entry {
                name: key.name,
                item,
                span: place.clone(),
            },
        );
        into.keys.insert(key.name, span);
        into.values
            .extend(value.map(|value| (key.name, Spanned { value, span: place })));
    }

    fn own_field(&mut self, key: &'a Key, item: &Item, span: Range<usize>, into: &mut Fields<'a>) {
        let place = item.span().unwrap_or(span);
        let value = read(
            self,
            key,
            &Entry {
                name: key.name,
                item,
                span: place.clone(),
            },
        );
        into.own
            .extend(value.map(|value| (key.name, (key, Spanned { value, span: place }))));
    }

    /// Returns the help for a key that stands beside `options` but belongs into it.
    fn belongs_to_options(
        &self,
        name: &str,
        options: Option<&Key>,
        kind: Option<&Kind>,
    ) -> Option<String> {
        let kind = kind.filter(|kind| kind.keys.iter().any(|key| key.name == name))?;
        Some(format!(
            "write {} = {{ {name} = … }}: it is {}'s own key",
            options?.name, kind.name
        ))
    }

    pub(super) fn unknown(
        &mut self,
        name: &str,
        span: Range<usize>,
        place: &str,
        known: &[&str],
        help: Option<String>,
    ) {
        // Looking for what was meant takes time; nobody sees it once there are too many errors.
        if self.is_full() {
            return self.report(code::UNKNOWN_KEY, String::new(), span, String::new());
        }
        let listed = choices(name, &format!("keys of {place}"), known);
        let help = match help {
            Some(help) if closest(name, known).is_none() => format!("{help}   {listed}"),
            _ => listed,
        };
        self.report(
            code::UNKNOWN_KEY,
            format!("unknown key `{name}` in {place}"),
            span,
            help,
        );
    }

    pub(super) fn missing(&mut self, keys: &[Key], place: &Place<'_>) {
        for key in keys
            .iter()
            .filter(|key| key.required && !place.table.contains_key(key.name))
        {
            let message = format!("missing key `{}` in {}", key.name, place.name);
            let help = format!("write {} = {}   {}", key.name, example(key), key.doc);
            match &place.span {
                Some(span) => self.report(code::MISSING_KEY, message, span.clone(), help),
                None => self.report_whole(code::MISSING_KEY, message, help),
            }
        }
    }
}

/// A table of a list, with its place where it has one.
type ListedTable<'t> = (&'t dyn TableLike, Option<Range<usize>>);

/// Returns the tables of a list, however it is written, each with its place.
fn tables_of(item: &Item) -> Option<Vec<ListedTable<'_>>> {
    match item {
        Item::ArrayOfTables(tables) => {
            let tables = tables
                .iter()
                .map(|table| (table as &dyn TableLike, table.span()));
            Some(tables.collect())
        }
        Item::Value(toml_edit::Value::Array(array)) => {
            let tables = array.iter().map(|value| {
                let table = value.as_inline_table()?;
                Some((table as &dyn TableLike, table.span()))
            });
            tables.collect()
        }
        _ => None,
    }
}

/// Returns the form of a value for this key.
fn example(key: &Key) -> &'static str {
    match key.value {
        KeyType::Integer { min: 1, .. } => "1",
        KeyType::Integer { .. } => "…",
        KeyType::Boolean => "true",
        KeyType::TextList | KeyType::PathList | KeyType::KindList(_) => "[\"…\"]",
        KeyType::IntegerList => "[…]",
        KeyType::PairList => "[[\"…\", \"…\"]]",
        KeyType::TextTable | KeyType::Options => "{ … }",
        KeyType::Duration | KeyType::DurationOrZero => "\"90s\"",
        KeyType::Date => "2026-12-31",
        _ => "\"…\"",
    }
}

/// Returns where the key of this name stands.
pub(super) fn key_span(table: &dyn TableLike, name: &str) -> Option<Range<usize>> {
    table.get_key_value(name).and_then(|(key, _)| key.span())
}
