//! Kinds: registry entries as data, so that files, help, schema and reference are derived from the
//! registries.

/// The type of a key's value in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyType {
    /// A string.
    Text,
    /// An integer within these bounds.
    Integer {
        /// Smallest value allowed.
        min: i64,
        /// Largest value allowed.
        max: i64,
    },
    /// A boolean.
    Boolean,
    /// A string such as `"90s"` or `"1h 30m"`.
    Duration,
    /// Such a string, or `"0s"`.
    DurationOrZero,
    /// One of these strings.
    OneOf(&'static [&'static str]),
    /// A day, as TOML writes it: `2026-12-31`.
    Date,
    /// A list of strings.
    TextList,
    /// A list of integers.
    IntegerList,
    /// A list of lists of two strings each.
    PairList,
    /// A table of strings.
    TextTable,
    /// A path, relative to the file's folder.
    Path,
    /// A list of such paths.
    PathList,
    /// A moment: see [`crate::moment`].
    Moment,
    /// A name of our own: see [`is_name`].
    Name,
    /// The name of a kind of this family.
    Kind(Family),
    /// A list of such names.
    KindList(Family),
    /// A table with the own keys of the kind that stands beside it.
    Options,
}

/// The families of kinds, one for each field of [`Kinds`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Kinds of services.
    Services,
    /// Kinds of triggers.
    Triggers,
    /// Kinds of checks.
    Checks,
    /// Stages of a search.
    Stages,
    /// Kinds of faults.
    Faults,
    /// Causes of findings.
    Causes,
}

impl Family {
    /// Returns the word for one of them.
    pub fn noun(self) -> &'static str {
        match self {
            Family::Services => "service",
            Family::Triggers => "trigger",
            Family::Checks => "check",
            Family::Stages => "stage",
            Family::Faults => "fault",
            Family::Causes => "cause",
        }
    }
}

/// The longest name that a file can give.
pub const NAME_BYTES_MAX: usize = 63;

/// Returns whether the text is a name: a lowercase letter, then lowercase letters, digits, `_` and
/// `-`.
pub fn is_name(text: &str) -> bool {
    let rest = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_' || byte == b'-'
    };
    text.len() <= NAME_BYTES_MAX
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.bytes().all(rest)
}

/// One key that a kind understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// Its name in the file.
    pub name: &'static str,
    /// The type of its value.
    pub value: KeyType,
    /// Whether it must be there.
    pub required: bool,
    /// Its default, as the reference prints it.
    pub default: &'static str,
    /// One sentence: what it means.
    pub doc: &'static str,
}

impl Key {
    /// Checks a value that is given as text, as schedule files do; returns what is allowed.
    pub fn check(&self, text: &str) -> Result<(), String> {
        let (is_right, allowed) = match self.value {
            KeyType::Integer { min, max } => {
                let number = text.parse::<i64>();
                let fits = number.is_ok_and(|number| (min..=max).contains(&number));
                (fits, format!("an integer, {min} to {max}"))
            }
            KeyType::Boolean => (text == "true" || text == "false", "true or false".into()),
            KeyType::Duration => {
                let fits = crate::file::duration(text).is_some();
                (fits, "a number and a unit, from 1ms to 24h: 4s".into())
            }
            KeyType::OneOf(values) => (values.contains(&text), values.join(", ")),
            _ => (true, String::new()),
        };
        if is_right { Ok(()) } else { Err(allowed) }
    }
}

/// A registry entry on itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// The name that files use: `kind = "postgres"`.
    pub name: &'static str,
    /// One sentence: what it is.
    pub doc: &'static str,
    /// Its own keys, beside those common to its family. For a service these are the keys of
    /// `options`.
    pub keys: &'static [Key],
    /// For a service that is connected to: the port that clients expect.
    pub port: Option<u16>,
}

/// All kinds that files can name, by family. The binary gathers them from the registries.
#[derive(Clone, Copy, Debug)]
pub struct Kinds<'a> {
    /// `service.NAME.kind`.
    pub services: &'a [Kind],
    /// `trigger.kind`.
    pub triggers: &'a [Kind],
    /// `check.kind`.
    pub checks: &'a [Kind],
    /// Names allowed in `search.stages`.
    pub stages: &'a [Kind],
    /// `fault.kind`, and the names allowed in schedule files after `fault`.
    pub faults: &'a [Kind],
    /// Codes allowed in `causes`.
    pub causes: &'a [Kind],
}

impl<'a> Kinds<'a> {
    /// Returns the kinds of this family.
    pub fn family(&self, family: Family) -> &'a [Kind] {
        match family {
            Family::Services => self.services,
            Family::Triggers => self.triggers,
            Family::Checks => self.checks,
            Family::Stages => self.stages,
            Family::Faults => self.faults,
            Family::Causes => self.causes,
        }
    }

    /// Returns the kind of this family with this name.
    pub fn find(&self, family: Family, name: &str) -> Option<&'a Kind> {
        self.family(family).iter().find(|kind| kind.name == name)
    }
}
