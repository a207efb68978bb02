//! The keys of scenario files.

use crate::file::{Form, Format, Section};
use crate::kind::{Family, Key, KeyType};
use crate::target::{ARGS, ENV, SCHEMA};

pub(super) const TITLE: Key = Key {
    name: "title",
    value: KeyType::Text,
    required: true,
    default: "",
    doc: "One line on what the scenario shows.",
};
pub(super) const TARGET: Key = Key {
    name: "target",
    value: KeyType::Name,
    required: true,
    default: "",
    doc: "Name of a folder below `targets/`.",
};
pub(super) const TEACHES: Key = Key {
    name: "teaches",
    value: KeyType::Text,
    required: false,
    default: "none",
    doc: "The lesson of a demo.",
};
pub(super) const TAGS: Key = Key {
    name: "tags",
    value: KeyType::TextList,
    required: false,
    default: "[]",
    doc: "Words that scenarios can be selected by.",
};
pub(super) const ONCE: &str = "once";
pub(super) const EXCLUSION: &str = "exclusion";
pub(super) const CONTRACT: Key = Key {
    name: "contract",
    value: KeyType::OneOf(&[ONCE, EXCLUSION]),
    required: false,
    default: ONCE,
    doc: "What the starts owe: `once`, the state of one clean run however many start; \
          `exclusion`, critical sections that never overlap, and the state of some serial order.",
};
pub(super) const PASS: &str = "pass";
pub(super) const VIOLATION: &str = "violation";
pub(super) const EXPECT: Key = Key {
    name: "expect",
    value: KeyType::OneOf(&[PASS, VIOLATION]),
    required: false,
    default: PASS,
    doc: "What the scenario should end in.",
};

pub(super) const TRIGGER_KIND: Key = Key {
    name: "kind",
    value: KeyType::Kind(Family::Triggers),
    required: false,
    default: "double-start",
    doc: "What starts runs.",
};
pub(super) const INSTANCES: Key = Key {
    name: "instances",
    value: KeyType::Integer {
        min: 1,
        max: crate::name::INSTANCES_MAX as i64,
    },
    required: false,
    default: "2",
    doc: "How many instances run at once.",
};

pub(super) const STAGES: Key = Key {
    name: "stages",
    value: KeyType::KindList(Family::Stages),
    required: false,
    default: "all",
    doc: "Stages of the search.",
};
pub(super) const SAMPLES: Key = Key {
    name: "samples",
    value: KeyType::Integer {
        min: 0,
        max: 1_000_000,
    },
    required: false,
    default: "200",
    doc: "Trials of the sample stage.",
};
pub(super) const BUDGET: Key = Key {
    name: "budget",
    value: KeyType::Duration,
    required: false,
    default: "10m",
    doc: "Longest duration of the search; a pass that it cuts short is inconclusive.",
};
pub(super) const SEED: Key = Key {
    name: "seed",
    value: KeyType::Integer {
        min: 0,
        max: i64::MAX,
    },
    required: false,
    default: "1",
    doc: "Seed of every random choice.",
};

pub(super) const CHECK_KIND: Key = Key {
    name: "kind",
    value: KeyType::Kind(Family::Checks),
    required: true,
    default: "",
    doc: "What is checked.",
};
pub(super) const OFF: Key = Key {
    name: "off",
    value: KeyType::Boolean,
    required: false,
    default: "false",
    doc: "Whether a check that is on by default is switched off.",
};
/// Own key of checks that allow exit codes.
pub const CODES: Key = Key {
    name: "codes",
    value: KeyType::IntegerList,
    required: false,
    default: "[0]",
    doc: "Exit codes allowed, under contention too.",
};

pub(super) const TRIGGER: Section = Section {
    name: "trigger",
    form: Form::One,
    doc: "What starts runs.",
    keys: &[TRIGGER_KIND, INSTANCES],
};
pub(super) const SEARCH: Section = Section {
    name: "search",
    form: Form::One,
    doc: "What is searched, and how far.",
    keys: &[STAGES, SAMPLES, BUDGET, SEED],
};
pub(super) const CHECK: Section = Section {
    name: "check",
    form: Form::List,
    doc: "A check beside the default ones, or a default one switched off.",
    keys: &[CHECK_KIND, OFF],
};

/// The format of scenario files.
pub const FORMAT: Format = Format {
    name: "scenario file",
    doc: "One experiment on a target: `scenarios/**/*.toml`.",
    keys: &[
        SCHEMA, TITLE, TARGET, TEACHES, ARGS, ENV, TAGS, CONTRACT, EXPECT,
    ],
    sections: &[TRIGGER, SEARCH, CHECK],
};
