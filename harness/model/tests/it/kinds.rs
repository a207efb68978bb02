//! Kinds as the registries have them, for tests.

use twiceproof_model::kind::{Key, KeyType, Kind, Kinds};
use twiceproof_model::scenario::{
    ALLOW, ANSWER, AT_MOST_ONCE, CODES, COLUMN, LOCK, NAME, SERVICE, SQL,
};

const fn text(name: &'static str, default: &'static str, doc: &'static str) -> Key {
    Key {
        name,
        value: KeyType::Text,
        required: false,
        default,
        doc,
    }
}

const fn kind(name: &'static str, doc: &'static str, keys: &'static [Key]) -> Kind {
    Kind {
        name,
        doc,
        keys,
        port: None,
    }
}

/// A set of kinds that has every shape of them.
pub(crate) const KINDS: Kinds<'static> = Kinds {
    services: &[
        Kind {
            name: "postgres",
            doc: "A PostgreSQL server.",
            keys: &[
                text("database", "postgres", "Name of the database."),
                text("user", "postgres", "Superuser and owner of the database."),
                Key {
                    name: "bin",
                    value: KeyType::Path,
                    required: false,
                    default: "found",
                    doc: "Folder of the server's programs.",
                },
                Key {
                    name: "connections",
                    value: KeyType::Integer { min: 1, max: 1000 },
                    required: false,
                    default: "100",
                    doc: "Most connections.",
                },
                Key {
                    name: "fsync",
                    value: KeyType::Boolean,
                    required: false,
                    default: "false",
                    doc: "Whether data reaches the disk.",
                },
            ],
            port: Some(5432),
        },
        Kind {
            name: "files",
            doc: "A folder that all instances share.",
            keys: &[Key {
                name: "path",
                value: KeyType::Text,
                required: true,
                default: "",
                doc: "Where the job sees it.",
            }],
            port: None,
        },
        Kind {
            name: "smtp",
            doc: "A sink for mails.",
            keys: &[],
            port: Some(25),
        },
    ],
    triggers: &[kind("double-start", "Two starts for one slot.", &[])],
    checks: &[
        kind("state", "Equal to what the contract accepts.", &[]),
        kind("exit", "Exit codes.", &[CODES]),
        kind("effect", "At most once.", &[SERVICE, AT_MOST_ONCE]),
        kind("invariant", "A query.", &[NAME, SERVICE, SQL, ANSWER]),
        kind("transition", "Changes.", &[SERVICE, COLUMN, ALLOW]),
        kind("mutual-exclusion", "Sections.", &[LOCK]),
    ],
    stages: &[
        kind("serial", "One after the other.", &[]),
        kind("crash", "Killed after each write.", &[]),
        kind("preempt", "Held at each request.", &[]),
        kind("sample", "Random walks.", &[]),
    ],
    faults: &[
        kind(
            "kill",
            "Kills the process tree.",
            &[Key {
                name: "scope",
                value: KeyType::OneOf(&["tree", "process"]),
                required: false,
                default: "tree",
                doc: "What is killed.",
            }],
        ),
        kind("pause", "Stops every thread.", &[]),
        kind("lost-reply", "Throws the reply away.", &[]),
    ],
    causes: &[
        kind("L1", "there is no lock", &[]),
        kind("D1", "relative update", &[]),
    ],
};
