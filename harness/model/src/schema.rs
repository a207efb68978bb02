//! JSON Schema (draft-07, what editors read) and reference of the files that people write, derived
//! from the tables that parsing uses and the registries.

mod reference;

pub use reference::reference;

use crate::file::{ENTRIES_MAX, Form, Format, Section, TEXT_BYTES_MAX};
use crate::kind::{Key, KeyType, Kind, Kinds, NAME_BYTES_MAX};
use serde_json::{Map, Value, json};

/// What a name looks like; tests hold it to [`crate::kind::is_name`].
const NAME: &str = "^[a-z][a-z0-9_-]*$";
/// What a duration looks like: numbers with units.
const DURATION: &str = "^\\s*([0-9]+(\\.[0-9]+)?\\s*[a-zA-Zµ]+\\s*)+$";

/// Returns the JSON Schema of target files.
pub fn target(kinds: &Kinds<'_>) -> Value {
    file(&crate::target::FORMAT, kinds)
}

/// Returns the JSON Schema of scenario files.
pub fn scenario(kinds: &Kinds<'_>) -> Value {
    file(&crate::scenario::FORMAT, kinds)
}

fn file(format: &Format, kinds: &Kinds<'_>) -> Value {
    let mut schema = object(format.keys.iter(), kinds, None);
    for section in format.sections {
        let table = table(section, kinds);
        let value = match section.form {
            Form::One => table,
            Form::Named => json!({
                "type": "object",
                "maxProperties": ENTRIES_MAX,
                "propertyNames": { "pattern": NAME, "maxLength": NAME_BYTES_MAX },
                "additionalProperties": table,
            }),
            Form::List => json!({ "type": "array", "maxItems": ENTRIES_MAX, "items": table }),
        };
        schema["properties"][section.name] = described(value, section.doc);
    }
    schema["$schema"] = json!("http://json-schema.org/draft-07/schema#");
    schema["title"] = json!(format.name);
    described(schema, format.doc)
}

/// Returns the schema of one table of a section. Where it has kinds there is one schema for each,
/// as draft-07 cannot add keys to a closed table.
fn table(section: &Section, kinds: &Kinds<'_>) -> Value {
    let Some((kind_key, family)) = section.kind() else {
        return object(section.keys.iter(), kinds, None);
    };
    let in_options = section.options().is_some();
    let cases = kinds.family(family).iter().map(|kind| {
        let beside: &[Key] = if in_options { &[] } else { kind.keys };
        let is_default = !kind_key.required && kind_key.default == kind.name;
        let required = if is_default {
            json!([])
        } else {
            json!([kind_key.name])
        };
        json!({
            "if": {
                "properties": { kind_key.name: { "const": kind.name } },
                "required": required,
            },
            "then": object(section.keys.iter().chain(beside), kinds, Some(kind)),
        })
    });
    let cases: Vec<Value> = cases.collect();
    let mut properties = Map::new();
    properties.insert(kind_key.name.to_owned(), key(kind_key, kinds, None));
    let mut schema = json!({ "type": "object", "properties": properties });
    if !cases.is_empty() {
        schema["allOf"] = Value::Array(cases);
    }
    if kind_key.required {
        schema["required"] = json!([kind_key.name]);
    }
    schema
}

/// Returns the schema of a closed table with these keys.
fn object<'k>(
    keys: impl Iterator<Item = &'k Key>,
    kinds: &Kinds<'_>,
    kind: Option<&Kind>,
) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for one in keys {
        properties.insert(
            one.name.to_owned(),
            described(key(one, kinds, kind), one.doc),
        );
        // A kind that needs an option of its own needs the table of options.
        let has_required = |kind: &Kind| kind.keys.iter().any(|key| key.required);
        if one.required || one.value == KeyType::Options && kind.is_some_and(has_required) {
            required.push(one.name);
        }
    }
    let mut schema = json!({
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
    });
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

/// Returns the schema of a key's value; `kind` is that of its table.
fn key(key: &Key, kinds: &Kinds<'_>, kind: Option<&Kind>) -> Value {
    let text = json!({ "type": "string", "maxLength": TEXT_BYTES_MAX });
    let path = json!({ "type": "string", "minLength": 1, "maxLength": TEXT_BYTES_MAX });
    let list = |items: Value| json!({ "type": "array", "maxItems": ENTRIES_MAX, "items": items });
    let names = |family| {
        let names: Vec<&str> = kinds.family(family).iter().map(|kind| kind.name).collect();
        json!({ "enum": names })
    };
    match key.value {
        KeyType::Text | KeyType::Moment => text,
        KeyType::Integer { min, max } => json!({
            "type": "integer", "minimum": min, "maximum": max,
        }),
        KeyType::Boolean => json!({ "type": "boolean" }),
        KeyType::Duration | KeyType::DurationOrZero => {
            json!({ "type": "string", "pattern": DURATION })
        }
        KeyType::Date => json!({ "type": "string", "format": "date" }),
        KeyType::OneOf(values) => json!({ "enum": values }),
        KeyType::TextList => list(text),
        KeyType::IntegerList => list(json!({
            "type": "integer", "minimum": i32::MIN, "maximum": i32::MAX,
        })),
        KeyType::PairList => list(json!({
            "type": "array", "minItems": 2, "maxItems": 2, "items": text,
        })),
        KeyType::TextTable => json!({
            "type": "object",
            "maxProperties": ENTRIES_MAX,
            "propertyNames": { "pattern": "^[^=]+$" },
            "additionalProperties": text,
        }),
        KeyType::Path => path,
        KeyType::PathList => list(path),
        KeyType::Name => json!({
            "type": "string", "pattern": NAME, "maxLength": NAME_BYTES_MAX,
        }),
        KeyType::Kind(family) => names(family),
        KeyType::KindList(family) => list(names(family)),
        KeyType::Options => match kind {
            Some(kind) => object(kind.keys.iter(), kinds, None),
            None => json!({ "type": "object" }),
        },
    }
}

/// Adds the description that editors show.
fn described(mut schema: Value, doc: &str) -> Value {
    schema["description"] = json!(doc);
    schema
}
