//! The JSON Schema accepts what parsing accepts and refuses what editors can be told to refuse.

use crate::examples::{SCENARIO, SCENARIO_LEAST, TARGET, TARGET_LEAST};
use crate::files::hostile::mutated;
use crate::files::{parse_scenario, parse_target};
use crate::kinds::KINDS;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::sync::LazyLock;
use twiceproof_model::kind::{Key, KeyType, Kind, is_name};
use twiceproof_model::{replies, scenario, schema, target};

fn json_of(text: &str) -> Value {
    table_to_json(toml_edit::Document::parse(text).unwrap().as_table())
}

fn table_to_json(table: &dyn toml_edit::TableLike) -> Value {
    table
        .iter()
        .map(|(key, item)| (key.to_owned(), item_to_json(item)))
        .collect()
}

fn item_to_json(item: &toml_edit::Item) -> Value {
    match item {
        toml_edit::Item::None => Value::Null,
        toml_edit::Item::Value(value) => value_to_json(value),
        toml_edit::Item::Table(table) => table_to_json(table),
        toml_edit::Item::ArrayOfTables(tables) => {
            tables.iter().map(|table| table_to_json(table)).collect()
        }
    }
}

fn value_to_json(value: &toml_edit::Value) -> Value {
    match value {
        toml_edit::Value::String(text) => json!(text.value()),
        toml_edit::Value::Integer(number) => json!(number.value()),
        toml_edit::Value::Float(number) => json!(number.value()),
        toml_edit::Value::Boolean(value) => json!(value.value()),
        toml_edit::Value::Datetime(time) => json!(time.value().to_string()),
        toml_edit::Value::Array(array) => array.iter().map(value_to_json).collect(),
        toml_edit::Value::InlineTable(table) => table_to_json(table),
    }
}

fn check(schema: &Value, text: &str, is_parsed: bool, expect: bool) {
    let validator = jsonschema::draft7::new(schema).unwrap();
    let value = json_of(text);
    let errors: Vec<String> = validator
        .iter_errors(&value)
        .map(|e| e.to_string())
        .collect();
    assert_eq!(is_parsed, expect, "parsing\n{text}");
    assert_eq!(errors.is_empty(), expect, "the schema\n{text}\n{errors:#?}");
}

#[test]
fn both_are_schemas() {
    for schema in [schema::target(&KINDS), schema::scenario(&KINDS)] {
        assert!(jsonschema::draft7::meta::is_valid(&schema), "{schema:#}");
        assert_eq!(schema["additionalProperties"], false);
    }
}

#[test]
fn targets() {
    let schema = schema::target(&KINDS);
    for text in [TARGET, TARGET_LEAST] {
        check(&schema, text, parse_target(text).is_ok(), true);
    }
    let ends = [
        ("timeout = \"1h 30m\"", true),
        ("[service.pg]\nkind = \"postgres\"", true),
        ("[service.f]\nkind = \"files\"\noptions.path = \"/d\"", true),
        ("tiemout = \"90s\"", false),
        ("timeout = 90", false),
        ("timeout = \"soon\"", false),
        ("schem = 1", false),
        ("[service.pg]\nhost = \"db\"", false),
        ("[service.pg]\nkind = \"postgress\"", false),
        ("[service.PG]\nkind = \"postgres\"", false),
        ("[service.pg]\nkind = \"postgres\"\nport = 0", false),
        ("[service.pg]\nkind = \"postgres\"\nuser = \"app\"", false),
        (
            "[service.pg]\nkind = \"postgres\"\noptions.path = \"/d\"",
            false,
        ),
        (
            "[service.pg]\nkind = \"postgres\"\noptions.connections = 0",
            false,
        ),
        ("[service.f]\nkind = \"files\"", false),
        ("[service.f]\nkind = \"files\"\noptions = {}", false),
        ("[state.pg]\nmasks = []", false),
        ("[lock.l]\nservice = \"pg\"", false),
        ("env = { A = 1 }", false),
        ("env = { \"A=\" = \"1\" }", false),
    ];
    for (end, expect) in ends {
        let text = format!("{TARGET_LEAST}{end}\n");
        check(&schema, &text, parse_target(&text).is_ok(), expect);
    }
    check(&schema, "schema = 2\ncommand = [\"a\"]\n", false, false);
    check(&schema, "schema = 1\n", false, false);
}

#[test]
fn scenarios() {
    let schema = schema::scenario(&KINDS);
    for text in [SCENARIO, SCENARIO_LEAST] {
        check(&schema, text, parse_scenario(text).is_ok(), true);
    }
    let ends = [
        ("trigger = { instances = 32 }", true),
        ("[[check]]\nkind = \"exit\"\ncodes = [1]", true),
        ("[[check]]\nkind = \"state\"\ncodes = [1]", false),
        ("[[check]]\noff = true", false),
        ("trigger = { instances = 33 }", false),
        ("trigger = { attempts = 2 }", false),
        ("trigger = { kind = \"cron-overlap\" }", false),
        ("search = { stages = [\"serail\"] }", false),
        ("search = { preemptions = 2 }", true),
        ("search = { preemptions = 10 }", false),
        ("search = { depth = 2 }", false),
        ("contract = \"each-slot\"", true),
        ("contract = \"twice\"", false),
        ("assume = { pause_max = \"5s\" }", true),
        ("trigger = { hosts = \"one\" }", true),
        ("expect = true", false),
        ("expect = \"violation\"\ncauses = [\"L1\", \"D1\"]", true),
        ("expect = \"violation\"\ncauses = [\"L99\"]", false),
        ("[[fault]]\nkind = \"pause\"", false),
        ("[[fault]]\nkind = \"pause\"\nwho = \"job#1\"", true),
        (
            "[[fault]]\nkind = \"pause\"\nwho = \"job#1\"\ntimes = 0",
            false,
        ),
        (
            "[[fault]]\nkind = \"pause\"\nwho = \"job#1\"\nrate = 1",
            false,
        ),
        (
            "[[known]]\nfinding = \"4f2a91c3\"\nuntil = 2026-12-31\nticket = \"T\"\nreason = \"r\"",
            true,
        ),
        ("[[known]]\nfinding = \"4f2a91c3\"", false),
        ("[[known]]\nuntil = 5", false),
        (
            "search = { stages = [] }\n[[fault]]\nkind = \"pause\"\nwho = \"any\"",
            true,
        ),
    ];
    for (end, expect) in ends {
        let text = format!("{SCENARIO_LEAST}{end}\n");
        check(&schema, &text, parse_scenario(&text).is_ok(), expect);
    }
}

/// Returns whether the schema takes what parsing takes; it may take more.
fn is_wider(schema: &'static LazyLock<jsonschema::Validator>, text: &str) -> bool {
    schema.is_valid(&json_of(text))
}

static TARGETS: LazyLock<jsonschema::Validator> =
    LazyLock::new(|| jsonschema::draft7::new(&schema::target(&KINDS)).unwrap());
static SCENARIOS: LazyLock<jsonschema::Validator> =
    LazyLock::new(|| jsonschema::draft7::new(&schema::scenario(&KINDS)).unwrap());

proptest! {
    #[test]
    fn a_sound_target_is_never_refused(text in mutated(TARGET)) {
        prop_assert!(parse_target(&text).is_err() || is_wider(&TARGETS, &text), "{text}");
    }

    #[test]
    fn a_sound_scenario_is_never_refused(text in mutated(SCENARIO)) {
        prop_assert!(parse_scenario(&text).is_err() || is_wider(&SCENARIOS, &text), "{text}");
    }

    #[test]
    fn a_duration_is_never_refused(
        number in "[0-9]{0,3}(\\.[0-9]{1,2})? ?",
        unit in "ms|s|m|h|min|days?|us|µs|[a-zµ]{1,2}",
        rest in "( [0-9]{1,2}[smh])?",
    ) {
        let text = format!("{TARGET_LEAST}timeout = \"{number}{unit}{rest}\"\n");
        prop_assert!(parse_target(&text).is_err() || is_wider(&TARGETS, &text), "{text}");
    }
}

#[test]
fn schemas_and_reference_as_published() {
    insta::assert_snapshot!("target", format!("{:#}", schema::target(&KINDS)));
    insta::assert_snapshot!("scenario", format!("{:#}", schema::scenario(&KINDS)));
    insta::assert_snapshot!("reference", schema::reference(&KINDS));
}

/// Checks what every table of keys owes: unique names, a sentence each, defaults of their type.
fn check_keys<'k>(place: &str, keys: impl Iterator<Item = &'k Key>) {
    let mut names = std::collections::BTreeSet::new();
    for key in keys {
        let name = format!("{place}.{}", key.name);
        assert!(names.insert(key.name), "{name} stands twice");
        assert!(key.doc.ends_with('.'), "{name}: {}", key.doc);
        assert_eq!(
            key.required,
            key.default.is_empty(),
            "{name} has a default or is required"
        );
        let right = match key.value {
            // Some defaults are told in words.
            _ if key.required || key.default.contains(' ') => true,
            KeyType::Integer { min, max } => key
                .default
                .parse()
                .is_ok_and(|number| (min..=max).contains(&number)),
            KeyType::Boolean => ["true", "false"].contains(&key.default),
            KeyType::Duration | KeyType::DurationOrZero => {
                humantime::parse_duration(key.default).is_ok()
            }
            KeyType::OneOf(values) => values.contains(&key.default),
            _ => true,
        };
        assert!(right, "{name}: default {}", key.default);
    }
}

#[test]
fn tables_of_keys_are_sound() {
    for format in [target::FORMAT, scenario::FORMAT, replies::FORMAT] {
        check_keys(format.name, format.keys.iter());
        let mut names: Vec<&str> = format.keys.iter().map(|key| key.name).collect();
        for section in format.sections {
            check_keys(section.name, section.keys.iter());
            assert!(
                !names.contains(&section.name),
                "{} stands twice",
                section.name
            );
            names.push(section.name);
            assert!(section.doc.ends_with('.'), "{}", section.doc);
            let kinds = section
                .kind()
                .map(|(_, family)| KINDS.family(family))
                .unwrap_or_default();
            for Kind { name, keys, .. } in kinds {
                let beside = if section.options().is_some() {
                    &[][..]
                } else {
                    section.keys
                };
                check_keys(
                    &format!("{} {name}", section.name),
                    beside.iter().chain(*keys),
                );
            }
        }
    }
}

#[test]
fn names() {
    let long = "a".repeat(64);
    let cases = [
        ("a", true),
        ("pg", true),
        ("points-grant", true),
        ("a_1", true),
        ("", false),
        ("1a", false),
        ("-a", false),
        ("A", false),
        ("a.b", false),
        ("a/b", false),
        ("ä", false),
        ("a b", false),
        (&long[..63], true),
        (&long, false),
    ];
    let pattern = json!({ "type": "string", "pattern": "^[a-z][a-z0-9_-]*$", "maxLength": 63 });
    let validator = jsonschema::draft7::new(&pattern).unwrap();
    for (name, expect) in cases {
        assert_eq!(is_name(name), expect, "{name:?}");
        assert_eq!(validator.is_valid(&json!(name)), expect, "{name:?}");
    }
}
