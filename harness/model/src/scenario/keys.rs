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
pub(super) const EACH_SLOT: &str = "each-slot";
pub(super) const EXCLUSION: &str = "exclusion";
pub(super) const WORKERS: &str = "workers";
pub(super) const CONTRACT: Key = Key {
    name: "contract",
    value: KeyType::OneOf(&[ONCE, EACH_SLOT, EXCLUSION, WORKERS]),
    required: false,
    default: "by the trigger",
    doc: "What the starts owe: `once`, the state of one clean run however many start; \
          `each-slot`, the state of some serial order of the slots, where a start that overlaps \
          another may skip; `exclusion`, critical sections that never overlap, and the state of \
          some serial order; `workers`, the state of one clean run of the whole work, by any split.",
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
pub(super) const CAUSES: Key = Key {
    name: "causes",
    value: KeyType::KindList(Family::Causes),
    required: false,
    default: "[]",
    doc: "With `expect = \"violation\"`: codes of causes that the findings must show.",
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
pub(super) const ONE: &str = "one";
pub(super) const EACH: &str = "each";
pub(super) const HOSTS: Key = Key {
    name: "hosts",
    value: KeyType::OneOf(&[ONE, EACH]),
    required: false,
    default: "by the kind",
    doc: "`one`: all instances share process ids, `/tmp` and `/run`, as on one machine; `each`: \
          each has its own.",
};
pub(super) const FROM: Key = Key {
    name: "from",
    value: KeyType::Path,
    required: false,
    default: "none",
    doc: "The file that the trigger was imported from; nothing reads it again.",
};
/// Own key of triggers that restart or retry.
pub const ATTEMPTS: Key = Key {
    name: "attempts",
    value: KeyType::Integer {
        min: 1,
        max: crate::name::INSTANCES_MAX as i64,
    },
    required: false,
    default: "2",
    doc: "How many starts there are in all.",
};
/// Own key of triggers that give a run up after a time.
pub const TIMEOUT: Key = Key {
    name: "timeout",
    value: KeyType::Duration,
    required: false,
    default: "any time",
    doc: "How long an attempt may run before the next one starts; without it, it may start at \
          any time while the attempt runs.",
};
/// Own key of triggers that replace a run.
pub const GRACE: Key = Key {
    name: "grace",
    value: KeyType::DurationOrZero,
    required: false,
    default: "30s",
    doc: "How long a replaced process lives on; with `0s` its replacement starts only when it is \
          gone.",
};

pub(super) const PAUSE_MAX: Key = Key {
    name: "pause_max",
    value: KeyType::Duration,
    required: false,
    default: "no bound",
    doc: "The longest pause of a run that can happen. What needs a longer one is a limit that the \
          pass names, not a violation.",
};

pub(super) const STAGES: Key = Key {
    name: "stages",
    value: KeyType::KindList(Family::Stages),
    required: false,
    default: "all",
    doc: "Stages of the search; an empty list with faults: the faults at their moments alone.",
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
pub(super) const PREEMPTIONS: Key = Key {
    name: "preemptions",
    value: KeyType::Integer { min: 0, max: 9 },
    required: false,
    default: "1",
    doc: "Interruptions of a run that could go on, up to which the exhaustive stage tries every \
          order; beyond, it tries half as many orders as there are samples.",
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

pub(super) const FAULT_KIND: Key = Key {
    name: "kind",
    value: KeyType::Kind(Family::Faults),
    required: true,
    default: "",
    doc: "What is injected.",
};
pub(super) const WHO: Key = Key {
    name: "who",
    value: KeyType::Text,
    required: true,
    default: "",
    doc: "Whom it strikes: an instance such as `job#1`, `any` of them, or a service by its name.",
};
pub(super) const LINK: Key = Key {
    name: "link",
    value: KeyType::Name,
    required: false,
    default: "all links",
    doc: "The service at the other end of the links that it strikes.",
};
pub(super) const AT: Key = Key {
    name: "at",
    value: KeyType::Moment,
    required: false,
    default: "each request",
    doc: "When it begins; without it, the search places it at each request in turn.",
};
pub(super) const FOR: Key = Key {
    name: "for",
    value: KeyType::Duration,
    required: false,
    default: "no time",
    doc: "How long it lasts at least; it is healed then, when no run can go on without.",
};
pub(super) const UNTIL: Key = Key {
    name: "until",
    value: KeyType::Moment,
    required: false,
    default: "the end",
    doc: "When it is healed; at the latest when no run can go on without.",
};
/// The most times that one fault strikes in a trial.
const TIMES_MAX: i64 = 1000;
pub(super) const TIMES: Key = Key {
    name: "times",
    value: KeyType::Integer {
        min: 1,
        max: TIMES_MAX,
    },
    required: false,
    default: "1",
    doc: "At how many requests in a row that `at` matches it strikes in a trial.",
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
/// Own key of checks that look at one service.
pub const SERVICE: Key = Key {
    name: "service",
    value: KeyType::Name,
    required: true,
    default: "",
    doc: "Service that the check looks at.",
};
/// Own key of checks that count effects.
pub const AT_MOST_ONCE: Key = Key {
    name: "at-most-once",
    value: KeyType::TextList,
    required: false,
    default: "the key that the effect was given, else its content",
    doc: "Columns that name one effect: of mails `message_id`, `from`, `to`, `subject`, \
          `body_hash`, `body`; of requests `key`, `method`, `path`, `query`, `headers`, \
          `body_hash`, `body`.",
};

/// Own key of checks that stand several times: tells them apart.
pub const NAME: Key = Key {
    name: "name",
    value: KeyType::Text,
    required: true,
    default: "",
    doc: "What reports call it: a line of text, such as `balance equals ledger`.",
};
/// Own key of checks that ask a service.
pub const SQL: Key = Key {
    name: "sql",
    value: KeyType::Text,
    required: true,
    default: "",
    doc: "One query, run by the service in a read-only transaction when the trial is over.",
};
pub(super) const NO_ROWS: &str = "no-rows";
pub(super) const ROWS: &str = "rows";
/// Own key of checks that ask a service: what the answer must be.
pub const ANSWER: Key = Key {
    name: "expect",
    value: KeyType::OneOf(&[NO_ROWS, ROWS]),
    required: false,
    default: NO_ROWS,
    doc: "`no-rows`: the query returns what is wrong; `rows`: it returns what must be there.",
};
/// Own key of checks on a lock.
pub const LOCK: Key = Key {
    name: "lock",
    value: KeyType::Name,
    required: false,
    default: "all",
    doc: "The lock of the target that the check is about.",
};

/// Own key of checks on one column.
pub const COLUMN: Key = Key {
    name: "column",
    value: KeyType::Text,
    required: true,
    default: "",
    doc: "The column, as `table.column`; `*` stands for any run of characters.",
};
/// Own key of checks on what a value may become.
pub const ALLOW: Key = Key {
    name: "allow",
    value: KeyType::PairList,
    required: true,
    default: "",
    doc: "What may become what, as `[[\"from\", \"to\"]]`; `null` stands for no value.",
};
pub(super) const FINDING: Key = Key {
    name: "finding",
    value: KeyType::Text,
    required: true,
    default: "",
    doc: "Id of the finding, as reports name it: 8 hex digits.",
};
pub(super) const KNOWN_UNTIL: Key = Key {
    name: "until",
    value: KeyType::Date,
    required: true,
    default: "",
    doc: "The last day, in UTC, on which it does not fail: a date without quotes.",
};
pub(super) const TICKET: Key = Key {
    name: "ticket",
    value: KeyType::Text,
    required: true,
    default: "",
    doc: "Where it is dealt with.",
};
pub(super) const REASON: Key = Key {
    name: "reason",
    value: KeyType::Text,
    required: true,
    default: "",
    doc: "Why it can wait until then.",
};

pub(super) const TRIGGER: Section = Section {
    name: "trigger",
    form: Form::One,
    doc: "What starts runs.",
    keys: &[TRIGGER_KIND, INSTANCES, HOSTS, FROM],
};
pub(super) const ASSUME: Section = Section {
    name: "assume",
    form: Form::One,
    doc: "What is taken for granted; a pass names it.",
    keys: &[PAUSE_MAX],
};
pub(super) const SEARCH: Section = Section {
    name: "search",
    form: Form::One,
    doc: "What is searched, and how far.",
    keys: &[STAGES, SAMPLES, PREEMPTIONS, BUDGET, SEED],
};
pub(super) const FAULT: Section = Section {
    name: "fault",
    form: Form::List,
    doc: "A fault that every trial injects at its moment, the serial ones aside.",
    keys: &[FAULT_KIND, WHO, LINK, AT, FOR, UNTIL, TIMES],
};
pub(super) const CHECK: Section = Section {
    name: "check",
    form: Form::List,
    doc: "A check beside the default ones, or a default one switched off.",
    keys: &[CHECK_KIND, OFF],
};

pub(super) const KNOWN: Section = Section {
    name: "known",
    form: Form::List,
    doc: "A finding that is known: it is reported, and does not fail until a date.",
    keys: &[FINDING, KNOWN_UNTIL, TICKET, REASON],
};

/// The format of scenario files.
pub const FORMAT: Format = Format {
    name: "scenario file",
    doc: "One experiment on a target: `scenarios/**/*.toml`.",
    keys: &[
        SCHEMA, TITLE, TARGET, TEACHES, ARGS, ENV, TAGS, CONTRACT, EXPECT, CAUSES,
    ],
    sections: &[TRIGGER, ASSUME, SEARCH, FAULT, CHECK, KNOWN],
};
