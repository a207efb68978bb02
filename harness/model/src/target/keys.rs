//! The keys of target files.

use crate::file::{Form, Format, Section};
use crate::kind::{Family, Key, KeyType};
use crate::version;

pub(crate) const SCHEMA: Key = Key {
    name: "schema",
    value: KeyType::Integer {
        min: version::FILES,
        max: version::FILES,
    },
    required: true,
    default: "",
    doc: "Version of the file format.",
};
pub(super) const COMMAND: Key = Key {
    name: "command",
    value: KeyType::TextList,
    required: true,
    default: "",
    doc: "Program and first arguments; no shell is involved.",
};
pub(crate) const ARGS: Key = Key {
    name: "args",
    value: KeyType::TextList,
    required: false,
    default: "[]",
    doc: "Further arguments; `{instance}`, `{count}` and `{slot}` are filled in. \
          A scenario's list replaces the target's.",
};
pub(crate) const ENV: Key = Key {
    name: "env",
    value: KeyType::TextTable,
    required: false,
    default: "{}",
    doc: "Whole environment beside PATH and HOME; placeholders as in `args`. \
          A scenario's table adds to the target's.",
};
pub(super) const WORKDIR: Key = Key {
    name: "workdir",
    value: KeyType::Path,
    required: false,
    default: "the file's folder",
    doc: "Folder in which the job starts, seen read-only. \
          A container whose target names none starts where its image says.",
};
pub(super) const IMAGE: Key = Key {
    name: "image",
    value: KeyType::Text,
    required: false,
    default: "none",
    doc: "Image that the docker backend runs.",
};
pub(super) const REUSE: Key = Key {
    name: "reuse",
    value: KeyType::Boolean,
    required: false,
    default: "true",
    doc: "Whether a sandbox stays warm between trials.",
};
pub(super) const TIMEOUT: Key = Key {
    name: "timeout",
    value: KeyType::Duration,
    required: false,
    default: "60s",
    doc: "Longest life of an instance; time in which it is held or paused does not count.",
};
pub(super) const GRACE: Key = Key {
    name: "grace",
    value: KeyType::Duration,
    required: false,
    default: "2s",
    doc: "How long processes may outlive the first one before they are killed and named.",
};
pub(super) const SECRETS: Key = Key {
    name: "secrets",
    value: KeyType::TextList,
    required: false,
    default: "[]",
    doc: "Variables whose values never reach a record, beside `*PASSWORD*`, `*TOKEN*` and \
          `*SECRET*`.",
};

pub(super) const SERVICE_KIND: Key = Key {
    name: "kind",
    value: KeyType::Kind(Family::Services),
    required: true,
    default: "",
    doc: "What the service is.",
};
pub(super) const HOST: Key = Key {
    name: "host",
    value: KeyType::Text,
    required: false,
    default: "the service's name",
    doc: "Host name that the job connects to; `localhost` is allowed.",
};
pub(super) const PORT: Key = Key {
    name: "port",
    value: KeyType::Integer { min: 1, max: 65535 },
    required: false,
    default: "the kind's usual one",
    doc: "Port that the job connects to.",
};
pub(super) const SERVICE_IMAGE: Key = Key {
    name: "image",
    value: KeyType::Text,
    required: false,
    default: "the kind's",
    doc: "Image that the docker backend runs.",
};
pub(super) const SEED: Key = Key {
    name: "seed",
    value: KeyType::PathList,
    required: false,
    default: "[]",
    doc: "Files loaded before each trial, in this order.",
};
pub(super) const OPTIONS: Key = Key {
    name: "options",
    value: KeyType::Options,
    required: false,
    default: "{}",
    doc: "The kind's own keys.",
};

pub(super) const TABLES: Key = Key {
    name: "tables",
    value: KeyType::TextList,
    required: false,
    default: "all",
    doc: "Tables or files compared; `*` stands for any characters.",
};
pub(super) const MASK: Key = Key {
    name: "mask",
    value: KeyType::TextList,
    required: false,
    default: "[]",
    doc: "Columns left out, as `table.column` with `*`, beside those that clean runs show as \
          volatile.",
};
pub(super) const SURROGATE: Key = Key {
    name: "surrogate",
    value: KeyType::TextList,
    required: false,
    default: "[]",
    doc: "Columns compared by content, as `table.column` with `*`, beside those whose values \
          the service makes.",
};
pub(super) const PER_RUN: Key = Key {
    name: "per_run",
    value: KeyType::TextList,
    required: false,
    default: "[]",
    doc: "Tables that log runs: at most one row a start, the rest of the row masked.",
};

pub(super) const LOCK_SERVICE: Key = Key {
    name: "service",
    value: KeyType::Name,
    required: true,
    default: "",
    doc: "Name of the service that keeps the lock.",
};
pub(super) const ACQUIRE: Key = Key {
    name: "acquire",
    value: KeyType::Text,
    required: true,
    default: "",
    doc: "Pattern with `*` of the request that takes the lock.",
};
pub(super) const RELEASE: Key = Key {
    name: "release",
    value: KeyType::Text,
    required: false,
    default: "the session's end",
    doc: "Pattern with `*` of the request that gives the lock back.",
};

pub(super) const SERVICE: Section = Section {
    name: "service",
    form: Form::Named,
    doc: "Something that the job talks to.",
    keys: &[SERVICE_KIND, HOST, PORT, SERVICE_IMAGE, SEED, OPTIONS],
};
pub(super) const STATE: Section = Section {
    name: "state",
    form: Form::Named,
    doc: "What of the state of the service of this name counts.",
    keys: &[TABLES, MASK, SURROGATE, PER_RUN],
};
pub(super) const LOCK: Section = Section {
    name: "lock",
    form: Form::Named,
    doc: "A lock by which the job excludes other runs.",
    keys: &[LOCK_SERVICE, ACQUIRE, RELEASE],
};

/// The format of target files.
pub const FORMAT: Format = Format {
    name: "target file",
    doc: "The batch job under test: `targets/NAME/target.toml`.",
    keys: &[
        SCHEMA, COMMAND, ARGS, ENV, WORKDIR, IMAGE, REUSE, TIMEOUT, GRACE, SECRETS,
    ],
    sections: &[SERVICE, STATE, LOCK],
};
