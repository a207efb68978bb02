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
}

/// Effects of one service that may happen once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EffectRule {
    /// The service.
    pub service: ServiceName,
    /// The columns that name one effect; empty: its key, else its content.
    pub columns: Vec<String>,
}

impl Checks {
    /// Returns the default checks of the contract, with the scenario's own put on or off.
    pub fn new(contract: Contract, specs: &[CheckSpec]) -> Self {
        let defaults = ORACLES.iter().filter(|oracle| (oracle.default)(contract));
        let mut on: BTreeSet<&'static str> = defaults.map(|oracle| oracle.kind.name).collect();
        let mut exit_codes = None;
        let mut effects = Vec::new();
        for spec in specs {
            let Some(oracle) = ORACLES.iter().find(|oracle| oracle.kind.name == spec.kind) else {
                continue;
            };
            if spec.off {
                on.remove(oracle.kind.name);
                continue;
            }
            on.insert(oracle.kind.name);
            if let Some(service) = &spec.service
                && oracle.kind.name == "effect"
            {
                effects.push(EffectRule {
                    service: service.clone(),
                    columns: spec.columns.clone(),
                });
            }
            if oracle.kind.name == "exit" {
                let codes = spec.codes.clone();
                exit_codes = Some(if codes.is_empty() { vec![0] } else { codes });
            }
        }
        Self {
            on,
            exit_codes,
            effects,
        }
    }
}
