//! Cells in normal form.

use twiceproof_model::digest::{Digest, Hasher};

/// One cell as it is compared. An enum, so that no hostile value can pose as a mask.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cell {
    /// Null.
    Null,
    /// A value that counts.
    Value(String),
    /// A key that the service made in this trial: only its row's content counts.
    Surrogate,
    /// A reference to a row that was made in this trial, by that row's content.
    Reference(Digest),
    /// A reference to such a row, before colours are known, or to a row that is not there.
    Nowhere,
    /// A masked cell that holds what the seed holds in this row.
    MaskedSeed,
    /// A masked cell with a fresh time.
    MaskedTime,
    /// A masked cell with another fresh value.
    MaskedRandom,
}

impl Cell {
    /// Adds the cell to a hash.
    pub(crate) fn hash(&self, hasher: &mut Hasher) {
        match self {
            Cell::Null => hasher.field("null"),
            Cell::Value(value) => {
                hasher.field("value");
                hasher.field(value);
            }
            Cell::Surrogate => hasher.field("surrogate"),
            Cell::Reference(colour) => {
                hasher.field("reference");
                hasher.field(&colour.to_string());
            }
            Cell::Nowhere => hasher.field("nowhere"),
            Cell::MaskedSeed => hasher.field("seed"),
            Cell::MaskedTime => hasher.field("time"),
            Cell::MaskedRandom => hasher.field("random"),
        }
    }

    /// Returns the cell as people read it.
    pub(crate) fn text(&self) -> String {
        match self {
            Cell::Null => "null".to_owned(),
            Cell::Value(value) => value.clone(),
            Cell::Surrogate => "·".to_owned(),
            Cell::Reference(colour) => format!("·{}", &colour.short()[..4]),
            Cell::Nowhere => "(no such row)".to_owned(),
            Cell::MaskedSeed => "(as seeded)".to_owned(),
            Cell::MaskedTime => "(time of the run)".to_owned(),
            Cell::MaskedRandom => "(fresh value)".to_owned(),
        }
    }
}
