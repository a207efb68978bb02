//! Walks a file's document along its format and gathers every error on the way.

use super::fields::Fields;
use super::section::{Form, Format, Section};
use super::syntax;
use super::table::{Place, key_span};
use super::value::Spanned;
use crate::diag::{Diag, Flaw, code};
use crate::kind::Kinds;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// The most errors that are kept of one file.
const DIAGS_MAX: usize = 100;

/// Reads one file and keeps what is wrong with it.
pub(crate) struct Reader<'a> {
    /// The kinds that the file can name.
    pub(crate) kinds: &'a Kinds<'a>,
    file: PathBuf,
    diags: Vec<Diag>,
    /// How many errors were not kept.
    dropped: usize,
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

impl<'a> Reader<'a> {
    /// Makes a reader for this file.
    pub(crate) fn new(file: &Path, kinds: &'a Kinds<'a>) -> Self {
        Self {
            kinds,
            file: file.to_owned(),
            diags: Vec::new(),
            dropped: 0,
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
        let flaw = Flaw {
            code,
            message,
            span,
            help,
        };
        self.keep(flaw.in_file(&self.file));
    }

    /// Keeps an error about the whole file.
    pub(super) fn report_whole(&mut self, code: &'static str, message: String, help: String) {
        let file = self.file.clone();
        self.keep(Diag {
            code,
            message,
            file,
            span: None,
            help,
        });
    }

    /// Returns whether no further error is kept.
    pub(super) fn is_full(&self) -> bool {
        self.diags.len() >= DIAGS_MAX
    }

    fn keep(&mut self, diag: Diag) {
        match self.is_full() {
            true => self.dropped += 1,
            false => self.diags.push(diag),
        }
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
        if self.dropped > 0 {
            self.diags.push(Diag {
                code: code::TYPE,
                message: format!("{} more errors", self.dropped),
                file: self.file,
                span: None,
                help: format!("the first {DIAGS_MAX} are shown"),
            });
        }
        Err(self.diags)
    }

    /// Reads a file of this format.
    pub(crate) fn content(&mut self, format: &'static Format, text: &str) -> Content<'a> {
        let document = match syntax::parse(text) {
            Ok(document) => document,
            Err(flaws) => {
                for flaw in flaws {
                    self.keep(flaw.in_file(&self.file));
                }
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
}
