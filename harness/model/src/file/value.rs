//! Values: what a key's type makes of a TOML value.

use super::reader::Reader;
use super::suggest::choices;
use super::{ENTRIES_MAX, TEXT_BYTES_MAX};
use crate::date::Date;
use crate::diag::code;
use crate::kind::{Key, KeyType, is_name};
use crate::moment::Moment;
use std::ops::Range;
use std::time::Duration;
use toml_edit::{Array, Item, TableLike};

/// The shortest duration that a file can give.
pub(crate) const DURATION_MIN: Duration = Duration::from_millis(1);
/// The longest duration that a file can give.
pub(crate) const DURATION_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// A value with its place in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Spanned<T> {
    pub(crate) value: T,
    pub(crate) span: Range<usize>,
}

/// A value that is right for the type of its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Text(String),
    Integer(i64),
    Boolean(bool),
    Duration(Duration),
    Date(Date),
    Texts(Vec<Spanned<String>>),
    Integers(Vec<i64>),
    /// The entries of a table.
    Pairs(Vec<(String, String)>),
    /// The entries of a list of pairs.
    Couples(Vec<(String, String)>),
}

/// Returns the duration that a text such as `1h 30m` names, within the bounds.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    let duration = humantime::parse_duration(text).ok()?;
    (DURATION_MIN..=DURATION_MAX)
        .contains(&duration)
        .then_some(duration)
}

/// Returns the duration that a text names, within the bounds of the key.
fn duration_of(key: &Key, text: &str) -> Option<Duration> {
    let is_zero = || humantime::parse_duration(text).is_ok_and(|duration| duration.is_zero());
    if key.value == KeyType::DurationOrZero && is_zero() {
        return Some(Duration::ZERO);
    }
    duration(text)
}

/// Returns the bounds of a key's durations, as people read them.
fn bounds_of(key: &Key) -> &'static str {
    match key.value {
        KeyType::DurationOrZero => "from 1ms to 24h, nor 0s",
        _ => "from 1ms to 24h",
    }
}

/// Returns the value of an item for this key; what is wrong with it is told to the reader.
pub(super) fn read(reader: &mut Reader<'_>, key: &Key, entry: &Entry<'_>) -> Option<Value> {
    let Entry { name, item, span } = entry;
    let mut wrong = |expected: &str| {
        let message = format!("`{name}` is {}, expected {expected}", describe(item));
        reader.report(code::TYPE, message, span.clone(), help(key, item));
        None
    };
    match key.value {
        KeyType::Integer { min, max } => match item.as_integer() {
            None => wrong("an integer"),
            Some(number) if (min..=max).contains(&number) => Some(Value::Integer(number)),
            Some(number) => {
                let message = format!("`{name}` is {number}, out of its bounds");
                reader.report(code::TYPE, message, span.clone(), bounds(min, max));
                None
            }
        },
        KeyType::Boolean => match item.as_bool() {
            None => wrong("true or false"),
            Some(value) => Some(Value::Boolean(value)),
        },
        KeyType::Date => match date(item) {
            None => wrong("a day such as 2026-12-31"),
            Some(date) => Some(Value::Date(date)),
        },
        KeyType::TextList | KeyType::PathList | KeyType::KindList(_) => match item.as_array() {
            None => wrong("a list of strings"),
            Some(array) => texts(reader, key, entry, array).map(Value::Texts),
        },
        KeyType::IntegerList => match item.as_array() {
            None => wrong("a list of integers"),
            Some(array) => integers(reader, entry, array).map(Value::Integers),
        },
        KeyType::PairList => match item.as_array() {
            None => wrong("a list of pairs"),
            Some(array) => couples(reader, key, entry, array).map(Value::Couples),
        },
        KeyType::TextTable => match item.as_table_like() {
            None => wrong("a table of strings"),
            Some(table) => pairs(reader, entry, table).map(Value::Pairs),
        },
        KeyType::Options => match item.as_table_like() {
            None => wrong("a table"),
            // Its entries are read against the kind's own keys.
            Some(_) => Some(Value::Pairs(Vec::new())),
        },
        KeyType::Text | KeyType::Path | KeyType::Name | KeyType::Kind(_) | KeyType::Moment => {
            match item.as_str() {
                None => wrong("a string"),
                Some(text) => {
                    one(reader, key, entry, text, span).then(|| Value::Text(text.to_owned()))
                }
            }
        }
        KeyType::OneOf(names) => match item.as_str() {
            None => wrong(&format!("one of {}", names.join(", "))),
            Some(text) => one(reader, key, entry, text, span).then(|| Value::Text(text.to_owned())),
        },
        KeyType::Duration | KeyType::DurationOrZero => match item.as_str() {
            None => wrong("a duration such as \"90s\""),
            Some(text) => match duration_of(key, text) {
                Some(value) => Some(Value::Duration(value)),
                None => {
                    let message = format!("`{name}` is no duration {}", bounds_of(key));
                    let help = "write a number and a unit: \"500ms\", \"90s\", \"1h 30m\"";
                    reader.report(code::TYPE, message, span.clone(), help.to_owned());
                    None
                }
            },
        },
    }
}

/// Returns the help for an integer out of these bounds.
fn bounds(min: i64, max: i64) -> String {
    match max {
        _ if min == max => format!("expected {min}"),
        i64::MAX => format!("expected {min} or more"),
        _ => format!("expected {min} to {max}"),
    }
}

/// Returns the day that the item is, where it is one without a time.
fn date(item: &Item) -> Option<Date> {
    let written = item.as_datetime()?;
    let date = written
        .date
        .filter(|_| written.time.is_none() && written.offset.is_none())?;
    Date::new(date.year, date.month, date.day)
}

/// An entry of a table that is about to be read.
pub(super) struct Entry<'a> {
    /// Its key, as messages name it.
    pub(super) name: &'a str,
    /// Its value.
    pub(super) item: &'a Item,
    /// The place of the value.
    pub(super) span: Range<usize>,
}

/// Checks one string, standing alone or in a list, against what the key's type says of it.
fn one(
    reader: &mut Reader<'_>,
    key: &Key,
    entry: &Entry<'_>,
    text: &str,
    span: &Range<usize>,
) -> bool {
    let name = entry.name;
    let flaw = match key.value {
        _ if text.len() > TEXT_BYTES_MAX => {
            let message = format!("a string of {} bytes in `{name}`", text.len());
            Some((
                code::TYPE,
                message,
                format!("at most {TEXT_BYTES_MAX} bytes"),
            ))
        }
        _ if text.contains('\0') => {
            let message = format!("a NUL character in `{name}`");
            Some((
                code::TYPE,
                message,
                "no program can be given one".to_owned(),
            ))
        }
        KeyType::Path | KeyType::PathList if text.is_empty() => {
            let help = "paths are relative to the file's folder; `.` is the folder itself";
            Some((
                code::TYPE,
                format!("an empty path in `{name}`"),
                help.to_owned(),
            ))
        }
        KeyType::Name if !is_name(text) => {
            let message = format!("`{text}` is no name");
            Some((code::TYPE, message, super::table::NAME_HELP.to_owned()))
        }
        KeyType::OneOf(names) if !names.contains(&text) => {
            let message = format!("unknown value `{text}` of `{name}`");
            Some((
                code::UNKNOWN_NAME,
                message,
                choices(text, &format!("values of {name}"), names),
            ))
        }
        KeyType::Kind(family) | KeyType::KindList(family)
            if reader.kinds.find(family, text).is_none() =>
        {
            let noun = family.noun();
            let names: Vec<&str> = reader.kinds.family(family).iter().map(|k| k.name).collect();
            Some(match key.value {
                KeyType::Kind(_) => (
                    code::UNKNOWN_KIND,
                    format!("unknown kind `{text}` of {noun}"),
                    choices(text, &format!("kinds of {noun}"), &names),
                ),
                _ => (
                    code::UNKNOWN_NAME,
                    format!("unknown {noun} `{text}`"),
                    choices(text, &format!("{noun}s"), &names),
                ),
            })
        }
        KeyType::Moment => text.parse::<Moment>().err().map(|flaw| {
            (
                flaw.code,
                format!("no moment in `{name}`: {}", flaw.message),
                flaw.help,
            )
        }),
        _ => None,
    };
    let right = flaw.is_none();
    if let Some((code, message, help)) = flaw {
        reader.report(code, message, span.clone(), help);
    }
    right
}

/// Reads the strings of a list.
fn texts(
    reader: &mut Reader<'_>,
    key: &Key,
    entry: &Entry<'_>,
    array: &Array,
) -> Option<Vec<Spanned<String>>> {
    let mut right = few(reader, entry, array.len());
    let mut texts = Vec::new();
    for value in array.iter().take(ENTRIES_MAX) {
        let span = value.span().unwrap_or_else(|| entry.span.clone());
        let Some(text) = value.as_str() else {
            let item = Item::Value(value.clone());
            let message = format!(
                "`{}` holds {}, expected strings",
                entry.name,
                describe(&item)
            );
            reader.report(code::TYPE, message, span, quoted(&item));
            right = false;
            continue;
        };
        right &= one(reader, key, entry, text, &span);
        texts.push(Spanned {
            value: text.to_owned(),
            span,
        });
    }
    right.then_some(texts)
}

/// Reads the integers of a list.
fn integers(reader: &mut Reader<'_>, entry: &Entry<'_>, array: &Array) -> Option<Vec<i64>> {
    let mut right = few(reader, entry, array.len());
    let mut integers = Vec::new();
    for value in array.iter().take(ENTRIES_MAX) {
        let number = value.as_integer();
        let is_right = number.is_some_and(|number| i32::try_from(number).is_ok());
        if !is_right {
            let span = value.span().unwrap_or_else(|| entry.span.clone());
            let found = match number {
                Some(number) => number.to_string(),
                None => describe(&Item::Value(value.clone())).to_owned(),
            };
            let message = format!("`{}` holds {found}, expected integers", entry.name);
            let help = "an integer of 32 bits".to_owned();
            reader.report(code::TYPE, message, span, help);
            right = false;
        }
        integers.extend(number);
    }
    right.then_some(integers)
}

/// Reads the pairs of a list.
fn couples(
    reader: &mut Reader<'_>,
    key: &Key,
    entry: &Entry<'_>,
    array: &Array,
) -> Option<Vec<(String, String)>> {
    let mut right = few(reader, entry, array.len());
    let mut couples = Vec::new();
    for value in array.iter().take(ENTRIES_MAX) {
        let span = value.span().unwrap_or_else(|| entry.span.clone());
        let words = value.as_array().map(|pair| {
            let words = pair.iter().map(|word| word.as_str().map(str::to_owned));
            words.collect::<Option<Vec<String>>>()
        });
        match words.flatten().as_deref() {
            Some([left, right_word]) => {
                for word in [left, right_word] {
                    right &= one(reader, key, entry, word, &span);
                }
                couples.push((left.clone(), right_word.clone()));
            }
            _ => {
                let message = format!("`{}` holds something else than pairs", entry.name);
                let help = "each entry is a list of two strings: [[\"from\", \"to\"]]";
                reader.report(code::TYPE, message, span, help.to_owned());
                right = false;
            }
        }
    }
    right.then_some(couples)
}

/// Reads a table of strings. Its names are of the user's choice: names of variables.
fn pairs(
    reader: &mut Reader<'_>,
    entry: &Entry<'_>,
    table: &dyn TableLike,
) -> Option<Vec<(String, String)>> {
    let mut right = few(reader, entry, table.len());
    let mut pairs = Vec::new();
    for (name, item) in table.iter().take(ENTRIES_MAX) {
        let key_span = super::table::key_span(table, name).unwrap_or_else(|| entry.span.clone());
        let span = item.span().unwrap_or_else(|| key_span.clone());
        if name.is_empty() || name.contains(['=', '\0']) {
            let message = format!("`{name}` cannot name an entry of `{}`", entry.name);
            let help = "names are not empty and hold neither `=` nor NUL";
            reader.report(code::TYPE, message, key_span, help.to_owned());
            right = false;
        }
        let Some(text) = item.as_str() else {
            let message = format!("`{name}` is {}, expected a string", describe(item));
            reader.report(code::TYPE, message, span, quoted(item));
            right = false;
            continue;
        };
        let inner = Key {
            name: "",
            value: KeyType::Text,
            required: false,
            default: "",
            doc: "",
        };
        let place = span.clone();
        right &= one(reader, &inner, &Entry { name, item, span }, text, &place);
        pairs.push((name.to_owned(), text.to_owned()));
    }
    right.then_some(pairs)
}

/// Checks the number of entries of a list or table.
fn few(reader: &mut Reader<'_>, entry: &Entry<'_>, count: usize) -> bool {
    if count > ENTRIES_MAX {
        let message = format!("`{}` has {count} entries", entry.name);
        reader.report(
            code::TYPE,
            message,
            entry.span.clone(),
            format!("at most {ENTRIES_MAX}"),
        );
    }
    count <= ENTRIES_MAX
}

/// Returns what an item is, with its article.
pub(super) fn describe(item: &Item) -> &'static str {
    match item.type_name() {
        "string" => "a string",
        "integer" => "an integer",
        "float" => "a number with a point",
        "boolean" => "a boolean",
        "datetime" => "a date or time",
        "array" => "a list",
        "inline table" | "table" => "a table",
        "array of tables" => "a list of tables",
        _ => "nothing",
    }
}

/// Returns the help for a value of the wrong type.
fn help(key: &Key, item: &Item) -> String {
    match (key.value, item.as_str()) {
        (KeyType::TextList | KeyType::PathList | KeyType::KindList(_), Some(text))
            if text.len() < 40 =>
        {
            format!("write [{text:?}]   {}", key.doc)
        }
        (KeyType::Duration | KeyType::DurationOrZero, None) => match item.as_integer() {
            Some(number) if number > 0 => format!("write \"{number}s\"   {}", key.doc),
            _ => key.doc.to_owned(),
        },
        (KeyType::Date, Some(text)) if text.len() == 10 => {
            format!("write {text} without quotes   {}", key.doc)
        }
        (KeyType::Text | KeyType::Path, None) => match quoted(item) {
            quoted if quoted.is_empty() => key.doc.to_owned(),
            quoted => format!("{quoted}   {}", key.doc),
        },
        _ => key.doc.to_owned(),
    }
}

/// Returns the advice to quote a scalar, where it is one.
fn quoted(item: &Item) -> String {
    let text = item
        .as_integer()
        .map(|number| number.to_string())
        .or_else(|| item.as_bool().map(|value| value.to_string()));
    text.map(|text| format!("write \"{text}\""))
        .unwrap_or_default()
}
