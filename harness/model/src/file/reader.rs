//! Walks a file's document along its format and gathers every error on the way.

use super::fields::Fields;
use super::section::{Form, Format, Section};
use super::suggest::{choices, closest};
use super::value::{Entry, Spanned, describe, read};
use super::{ENTRIES_MAX, syntax};
use crate::diag::{Diag, Flaw, code};
use crate::kind::{Key, KeyType, Kind, Kinds, is_name};
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use toml_edit::{Item, TableLike};

/// What a name is, for people.
pub(super) const NAME_HELP: &str =
    "a name is a lowercase letter, then lowercase letters, digits, `_` and `-`, 63 at most";

/// Reads one file and keeps what is wrong with it.
pub(crate) struct Reader<'a> {
    /// The kinds that the file can name.
    pub(crate) kinds: &'a Kinds<'a>,
    file: PathBuf,
    diags: Vec<Diag>,
}

/// A file's content by sections. What is wrong is absent, and has been reported.
#[derive(Debug, Default)]
pub(crate) struct Content<'a> {
    /// The keys outside all sections.
    pub(crate) root: Fields<'a>,
    sections: BTreeMap<&'static str, Vec<(Spanned<String>, Fields<'a>)>>,
}

impl<'a> Content<'a> {
    /// Returns the tables of a section in the order of the file, each with its name.
    pub(crate) fn all(&self, section: &Section) -> &[(Spanned<String>, Fields<'a>)] {
        self.sections.get(section.name).map_or(&[], Vec::as_slice)
    }

    /// Returns the table of a section that stands at most once.
    pub(crate) fn one(&self, section: &Section) -> Option<&Fields<'a>> {
        self.all(section).first().map(|(_, fields)| fields)
    }
}

/// A table that is about to be read.
struct Place<'t> {
    table: &'t dyn TableLike,
    /// Where it stands in the text, if it does.
    span: Option<Range<usize>>,
    /// Its name in messages.
    name: String,
}

impl<'a> Reader<'a> {
    /// Makes a reader for this file.
    pub(crate) fn new(file: &Path, kinds: &'a Kinds<'a>) -> Self {
        Self {
            kinds,
            file: file.to_owned(),
            diags: Vec::new(),
        }
    }

    /// Keeps an error at this place.
    pub(crate) fn report(
        &mut self,
        code: &'static str,
        message: String,
        span: Range<usize>,
        help: String,
    ) {
        self.diags.push(
            Flaw {
                code,
                message,
                span,
                help,
            }
            .in_file(&self.file),
        );
    }

    /// Keeps an error about the whole file.
    fn report_whole(&mut self, code: &'static str, message: String, help: String) {
        let file = self.file.clone();
        self.diags.push(Diag {
            code,
            message,
            file,
            span: None,
            help,
        });
    }

    /// Keeps errors about another file.
    pub(crate) fn adopt(&mut self, diags: Vec<Diag>) {
        self.diags.extend(diags);
    }

    /// Returns the value if nothing was wrong, else all errors: the whole file's, then by place.
    pub(crate) fn finish<T>(mut self, value: T) -> Result<T, Vec<Diag>> {
        if self.diags.is_empty() {
            return Ok(value);
        }
        let start = |diag: &Diag| diag.span.as_ref().map(|span| span.start);
        self.diags
            .sort_by_key(|diag| (diag.file != self.file, start(diag)));
        Err(self.diags)
    }

    /// Reads a file of this format.
    pub(crate) fn content(&mut self, format: &'static Format, text: &str) -> Content<'a> {
        let document = match syntax::parse(text) {
            Ok(document) => document,
            Err(flaws) => {
                let diags = flaws.into_iter().map(|flaw| flaw.in_file(&self.file));
                self.diags.extend(diags);
                return Content::default();
            }
        };
        let mut content = Content::default();
        let table = document.as_table();
        let place = Place {
            table,
            span: None,
            name: format!("a {}", format.name),
        };
        let mut fields = Fields::default();
        for (name, item) in table.iter() {
            let span = key_span(table, name).unwrap_or(0..0);
            if let Some(key) = format.keys.iter().find(|key| key.name == name) {
                self.field(key, item, span, &mut fields);
            } else if let Some(section) = format.sections.iter().find(|s| s.name == name) {
                let tables = self.section(section, item, &span);
                content.sections.insert(section.name, tables);
            } else {
                let mut known: Vec<&str> = format.keys.iter().map(|key| key.name).collect();
                known.extend(format.sections.iter().map(|section| section.name));
                let inner = format.sections.iter().find(|section| {
                    section.form == Form::One && section.keys.iter().any(|key| key.name == name)
                });
                let help = inner.map(|s| format!("`{name}` is a key of [{}]", s.name));
                self.unknown(name, span, &place.name, &known, help);
            }
        }
        self.missing(format.keys, &place);
        content.root = fields;
        content
    }

    /// Reads all tables of a section.
    fn section(
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
                    vec![(nameless(span), self.table(section, &place))]
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
                        (nameless(&span), self.table(section, &place))
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
            let fields = self.table(section, &place);
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
    fn table(&mut self, section: &'static Section, place: &Place<'_>) -> Fields<'a> {
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
        self.missing(section.keys, place);
        self.missing(own, place);
        if let (Some(key), Some((_, family)), Some(kind)) = (options, kind, fields.kind) {
            let given = place.table.get_key_value(key.name);
            let table = given.and_then(|(_, item)| item.as_table_like());
            let span = key_span(place.table, key.name).or(place.span.clone());
            let name = format!("the options of a {} {}", kind.name, family.noun());
            self.options(
                kind,
                table,
                Place {
                    table: &toml_edit::Table::new(),
                    span,
                    name,
                },
                &mut fields,
            );
        }
        fields
    }

    /// Reads the table of a kind's own keys.
    fn options(
        &mut self,
        kind: &'a Kind,
        table: Option<&dyn TableLike>,
        absent: Place<'_>,
        fields: &mut Fields<'a>,
    ) {
        let place = Place {
            table: table.unwrap_or(absent.table),
            ..absent
        };
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
        self.missing(kind.keys, &place);
    }

    fn field(&mut self, key: &'static Key, item: &Item, span: Range<usize>, into: &mut Fields<'a>) {
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

    fn unknown(
        &mut self,
        name: &str,
        span: Range<usize>,
        place: &str,
        known: &[&str],
        help: Option<String>,
    ) {
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

    fn missing(&mut self, keys: &[Key], place: &Place<'_>) {
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
        KeyType::Integer { .. } => "…",
        KeyType::Boolean => "true",
        KeyType::TextList | KeyType::PathList | KeyType::KindList(_) => "[\"…\"]",
        KeyType::IntegerList => "[…]",
        KeyType::TextTable | KeyType::Options => "{ … }",
        KeyType::Duration => "\"90s\"",
        _ => "\"…\"",
    }
}

/// Returns where the key of this name stands.
pub(super) fn key_span(table: &dyn TableLike, name: &str) -> Option<Range<usize>> {
    table.get_key_value(name).and_then(|(key, _)| key.span())
}
