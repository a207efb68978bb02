//! Which checks run on a scenario.

use crate::registry::ORACLES;
use std::collections::BTreeSet;
use twiceproof_model::ServiceName;
use twiceproof_model::scenario::{CheckSpec, Contract};

/// The checks of one scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checks {
    /// Names of the oracles that run.
    pub on: BTreeSet<&'static str>,
    /// Exit codes that every instance must end with, where the scenario demands some.
    pub exit_codes: Option<Vec<i32>>,
    /// The effects that are counted.
    pub effects: Vec<EffectRule>,
    /// What must hold of the services' answers at the end.
    pub invariants: Vec<InvariantRule>,
    /// What cells may become.
    pub transitions: Vec<TransitionRule>,
    /// The locks whose sections are held apart; empty: all that the target declares.
    pub locks: BTreeSet<String>,
}

/// What a query of the scenario must return.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvariantRule {
    /// What reports call it.
    pub name: String,
    /// The service asked.
    pub service: ServiceName,
    /// The query.
    pub sql: String,
    /// Whether it must return rows; else it must return none.
    pub wants_rows: bool,
}

/// Effects of one service that may happen once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EffectRule {
    /// The service.
    pub service: ServiceName,
    /// The columns that name one effect; empty: its key, else its content.
    pub columns: Vec<String>,
}

/// What the cells of a column may become.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransitionRule {
    /// The service.
    pub service: ServiceName,
    /// The column, as a `table.column` pattern.
    pub column: String,
    /// What may become what.
    pub allow: Vec<(String, String)>,
}

impl Checks {
    /// Returns the default checks of the contract, with the scenario's own put on or off.
    pub fn new(contract: Contract, specs: &[CheckSpec]) -> Self {
        let defaults = ORACLES.iter().filter(|oracle| (oracle.default)(contract));
        let mut checks = Self {
            on: defaults.map(|oracle| oracle.kind.name).collect(),
            exit_codes: None,
            effects: Vec::new(),
            invariants: Vec::new(),
            transitions: Vec::new(),
            locks: BTreeSet::new(),
        };
        for spec in specs {
            let Some(oracle) = ORACLES.iter().find(|oracle| oracle.kind.name == spec.kind) else {
                continue;
            };
            match spec.off {
                // One that is not on by default is off without its table.
                true if (oracle.default)(contract) => {
                    checks.on.remove(oracle.kind.name);
                }
                true => {}
                false => {
                    checks.on.insert(oracle.kind.name);
                    checks.add(oracle.kind.name, spec);
                }
            }
        }
        checks
    }

    /// Adds what a check's own keys say.
    fn add(&mut self, kind: &str, spec: &CheckSpec) {
        match (kind, &spec.service, &spec.sql) {
            ("effect", Some(service), _) => self.effects.push(EffectRule {
                service: service.clone(),
                columns: spec.columns.clone(),
            }),
            ("invariant", Some(service), Some(sql)) => self.invariants.push(InvariantRule {
                name: spec.name.clone(),
                service: service.clone(),
                sql: sql.clone(),
                wants_rows: spec.wants_rows,
            }),
            ("transition", Some(service), _) => {
                let rule = spec.column.clone().map(|column| TransitionRule {
                    service: service.clone(),
                    column,
                    allow: spec.allow.clone(),
                });
                self.transitions.extend(rule);
            }
            ("mutual-exclusion", ..) => self.locks.extend(spec.lock.clone()),
            ("exit", ..) => {
                let codes = spec.codes.clone();
                self.exit_codes = Some(if codes.is_empty() { vec![0] } else { codes });
            }
            _ => {}
        }
    }
}
