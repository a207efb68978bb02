//! The shape of a file: its sections and their keys, as const tables.

use crate::kind::{Family, Key, KeyType};

/// A format of files: all that parsing, schema and reference are derived from.
#[derive(Clone, Copy, Debug)]
pub struct Format {
    /// What such a file is called: `target file`.
    pub name: &'static str,
    /// One sentence: what it describes.
    pub doc: &'static str,
    /// The keys outside all sections.
    pub keys: &'static [Key],
    /// The sections, in the order in which the reference tells of them.
    pub sections: &'static [Section],
}

/// A table of a file.
#[derive(Clone, Copy, Debug)]
pub struct Section {
    /// Its name in the file.
    pub name: &'static str,
    /// How it stands in the file.
    pub form: Form,
    /// One sentence: what it describes.
    pub doc: &'static str,
    /// Its keys. A key of type `Kind` also brings the own keys of the kind: in the table of type
    /// `Options` where there is one, else beside it.
    pub keys: &'static [Key],
}

/// How a section stands in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Once: `[search]`.
    One,
    /// Under names of the user's choice: `[service.pg]`.
    Named,
    /// Any number of times: `[[check]]`.
    List,
}

impl Section {
    /// Returns the key that names the kind, and the family of kinds, where there is one.
    pub fn kind(&self) -> Option<(&'static Key, Family)> {
        self.keys.iter().find_map(|key| match key.value {
            KeyType::Kind(family) => Some((key, family)),
            _ => None,
        })
    }

    /// Returns the key whose table holds the own keys of the kind, where there is one.
    pub fn options(&self) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.value == KeyType::Options)
    }
}
