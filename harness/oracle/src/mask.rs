//! Masks: columns that are compared by the class of their cells, not by value.

use serde::{Deserialize, Serialize};
use std::fmt;
use twiceproof_model::snapshot::ObjectName;

/// Why a column is masked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MaskOrigin {
    /// The clean runs differ in it.
    Learnt,
    /// The target file says so.
    File,
}

/// A column that is compared by class: null, the seed's value, or a fresh one. So "touched or not"
/// stays visible.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Mask {
    /// The object that has the column.
    pub object: ObjectName,
    /// The column.
    pub column: String,
    /// Why it is masked.
    pub origin: MaskOrigin,
    /// Whether fresh values are times, rather than random.
    pub time: bool,
}

impl fmt::Display for Mask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.object, self.column)
    }
}
