//! What of each service's state counts, as the target file says.

use crate::glob;
use std::collections::BTreeMap;
use twiceproof_model::ServiceName;
use twiceproof_model::snapshot::ObjectName;
use twiceproof_model::target::StateSpec;

/// The state rules of a target, by service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StateRules(pub BTreeMap<ServiceName, StateSpec>);

impl StateRules {
    /// Returns whether the object is compared at all. Schemas always are.
    pub fn compares(&self, object: &ObjectName) -> bool {
        self.spec(object).is_none_or(|spec| {
            spec.tables.is_empty()
                || object.object.starts_with('(')
                || any_object(&spec.tables, object)
        })
    }

    /// Returns whether the object is a run-log table: at most one row a start.
    pub fn is_per_run(&self, object: &ObjectName) -> bool {
        self.spec(object)
            .is_some_and(|spec| any_object(&spec.per_run, object))
    }

    /// Returns whether the file asks to leave this column out.
    pub fn masks(&self, object: &ObjectName, column: &str) -> bool {
        self.spec(object)
            .is_some_and(|spec| any_column(&spec.mask, object, column))
    }

    /// Returns whether the file asks to compare this column by content.
    pub fn is_surrogate(&self, object: &ObjectName, column: &str) -> bool {
        self.spec(object)
            .is_some_and(|spec| any_column(&spec.surrogate, object, column))
    }

    fn spec(&self, object: &ObjectName) -> Option<&StateSpec> {
        self.0.get(&object.service)
    }
}

fn any_object(patterns: &[String], object: &ObjectName) -> bool {
    let mut patterns = patterns.iter();
    patterns.any(|pattern| glob::names_object(pattern, &object.object))
}

fn any_column(patterns: &[String], object: &ObjectName, column: &str) -> bool {
    let mut patterns = patterns.iter();
    patterns.any(|pattern| glob::names_column(pattern, &object.object, column))
}
