//! The values of one table, by key.

use super::value::{Spanned, Value, duration};
use crate::date::Date;
use crate::kind::{Key, Kind};
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What one table holds. Every value is right for its key; wrong ones are absent.
#[derive(Debug, Default)]
pub(crate) struct Fields<'a> {
    /// Where the table stands: its header or its name.
    pub(crate) span: Option<Range<usize>>,
    /// Where the keys stand that are there.
    pub(crate) keys: BTreeMap<&'static str, Range<usize>>,
    /// The kind that the table names, or that it has by default.
    pub(crate) kind: Option<&'a Kind>,
    /// The values of the section's keys.
    pub(super) values: BTreeMap<&'static str, Spanned<Value>>,
    /// The values of the kind's own keys.
    pub(super) own: BTreeMap<&'static str, (&'a Key, Spanned<Value>)>,
}

impl Fields<'_> {
    /// Returns the text of a key.
    pub(crate) fn text(&self, key: &Key) -> Option<&str> {
        match self.value(key)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the text of a key, or an empty one where the file is wrong or says nothing.
    pub(crate) fn text_or_empty(&self, key: &Key) -> String {
        self.text(key).unwrap_or_default().to_owned()
    }

    /// Returns the text of a key, or its default.
    pub(crate) fn text_or_default(&self, key: &Key) -> String {
        self.text(key).unwrap_or(key.default).to_owned()
    }

    /// Returns the integer of a key, if it is there and fits.
    pub(crate) fn integer<T: TryFrom<i64>>(&self, key: &Key) -> Option<T> {
        match self.value(key)? {
            Value::Integer(number) => T::try_from(*number).ok(),
            _ => None,
        }
    }

    /// Returns the integer of a key, or its default.
    pub(crate) fn integer_or_default<T: TryFrom<i64>>(&self, key: &Key) -> T {
        let fallback = || T::try_from(key.default.parse().ok()?).ok();
        self.integer(key)
            .or_else(fallback)
            .expect("a test holds defaults to their types")
    }

    /// Returns the boolean of a key, or its default.
    pub(crate) fn boolean_or_default(&self, key: &Key) -> bool {
        match self.value(key) {
            Some(Value::Boolean(value)) => *value,
            _ => key.default == "true",
        }
    }

    /// Returns the duration of a key, or its default.
    pub(crate) fn duration_or_default(&self, key: &Key) -> Duration {
        match self.value(key) {
            Some(Value::Duration(value)) => *value,
            _ => duration(key.default).expect("a test holds defaults to their types"),
        }
    }

    /// Returns the duration of a key, if it is there.
    pub(crate) fn duration(&self, key: &Key) -> Option<Duration> {
        match self.value(key)? {
            Value::Duration(value) => Some(*value),
            _ => None,
        }
    }

    /// Returns the day of a key.
    pub(crate) fn date(&self, key: &Key) -> Option<Date> {
        match self.value(key)? {
            Value::Date(value) => Some(*value),
            _ => None,
        }
    }

    /// Returns the strings of a list with their places.
    pub(crate) fn list(&self, key: &Key) -> Option<&[Spanned<String>]> {
        match self.value(key)? {
            Value::Texts(texts) => Some(texts),
            _ => None,
        }
    }

    /// Returns the strings of a list; an absent one is empty.
    pub(crate) fn texts(&self, key: &Key) -> Vec<String> {
        let texts = self.list(key).unwrap_or_default();
        texts.iter().map(|text| text.value.clone()).collect()
    }

    /// Returns the entries of a table of strings; an absent one is empty.
    pub(crate) fn pairs(&self, key: &Key) -> BTreeMap<String, String> {
        match self.value(key) {
            Some(Value::Pairs(pairs)) => pairs.iter().cloned().collect(),
            _ => BTreeMap::new(),
        }
    }

    /// Returns the integer of an own key of the kind, if it is there and fits.
    pub(crate) fn own_integer<T: TryFrom<i64>>(&self, key: &Key) -> Option<T> {
        match &self.own.get(key.name)?.1.value {
            Value::Integer(number) => T::try_from(*number).ok(),
            _ => None,
        }
    }

    /// Returns the duration of an own key of the kind, if it is there.
    pub(crate) fn own_duration(&self, key: &Key) -> Option<Duration> {
        match &self.own.get(key.name)?.1.value {
            Value::Duration(value) => Some(*value),
            _ => None,
        }
    }

    /// Returns the integers of an own key of the kind; an absent list is empty.
    pub(crate) fn own_integers(&self, name: &str) -> Vec<i32> {
        match self.own.get(name) {
            Some((
                _,
                Spanned {
                    value: Value::Integers(numbers),
                    ..
                },
            )) => numbers
                .iter()
                .filter_map(|number| i32::try_from(*number).ok())
                .collect(),
            _ => Vec::new(),
        }
    }

    /// Returns the text of an own key of the kind, where it is there.
    pub(crate) fn own_text(&self, name: &str) -> Option<Spanned<&str>> {
        match self.own.get(name) {
            Some((_, spanned)) => match &spanned.value {
                Value::Text(text) => Some(Spanned {
                    value: text,
                    span: spanned.span.clone(),
                }),
                _ => None,
            },
            None => None,
        }
    }

    /// Returns the strings of an own key of the kind, where it is there.
    pub(crate) fn own_list(&self, name: &str) -> Option<&[Spanned<String>]> {
        match self.own.get(name) {
            Some((_, spanned)) => match &spanned.value {
                Value::Texts(texts) => Some(texts),
                _ => None,
            },
            None => None,
        }
    }

    /// Returns the pairs of an own key of the kind; an absent list is empty.
    pub(crate) fn own_couples(&self, name: &str) -> Vec<(String, String)> {
        match self.own.get(name).map(|(_, spanned)| &spanned.value) {
            Some(Value::Couples(couples)) => couples.clone(),
            _ => Vec::new(),
        }
    }

    /// Returns the kind's own values as text: paths below `folder`, lists a line an entry.
    pub(crate) fn own_texts(&self, folder: &Path) -> BTreeMap<String, String> {
        let texts = self.own.iter().map(|(name, (key, value))| {
            let text = match &value.value {
                Value::Text(text) if key.value == crate::kind::KeyType::Path => {
                    below(folder, text).to_string_lossy().into_owned()
                }
                Value::Text(text) => text.clone(),
                Value::Integer(number) => number.to_string(),
                Value::Boolean(value) => value.to_string(),
                Value::Duration(value) => humantime::format_duration(*value).to_string(),
                Value::Date(value) => value.to_string(),
                Value::Texts(texts) => texts
                    .iter()
                    .map(|text| text.value.as_str())
                    .collect::<Vec<_>>()
                    .join("\n"),
                Value::Integers(numbers) => numbers
                    .iter()
                    .map(i64::to_string)
                    .collect::<Vec<_>>()
                    .join("\n"),
                Value::Pairs(pairs) | Value::Couples(pairs) => {
                    let lines = pairs.iter().map(|(name, value)| format!("{name}={value}"));
                    lines.collect::<Vec<_>>().join("\n")
                }
            };
            ((*name).to_owned(), text)
        });
        texts.collect()
    }

    /// Returns where the value of a key stands, or its key, or its table.
    pub(crate) fn place(&self, key: &Key) -> Range<usize> {
        let value = self.values.get(key.name).map(|value| value.span.clone());
        let key = || self.keys.get(key.name).cloned();
        value
            .or_else(key)
            .or_else(|| self.span.clone())
            .unwrap_or(0..0)
    }

    fn value(&self, key: &Key) -> Option<&Value> {
        self.values.get(key.name).map(|value| &value.value)
    }
}

/// Returns the path below the folder, without `.` and with every `..` taken as text says.
pub(crate) fn below(folder: &Path, path: &str) -> PathBuf {
    use std::path::Component;
    let mut joined = PathBuf::new();
    for component in folder.join(path).components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                joined.pop();
            }
            other => joined.push(other),
        }
    }
    joined
}
