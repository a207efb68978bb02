//! Every kind that files can name, gathered from the registries of the other crates.

use twiceproof_model::kind::{Kind, Kinds};

/// The kinds, owned.
#[derive(Clone, Debug)]
pub(crate) struct Registries {
    pub(crate) services: Vec<Kind>,
    pub(crate) triggers: Vec<Kind>,
    pub(crate) checks: Vec<Kind>,
    pub(crate) stages: Vec<Kind>,
    pub(crate) faults: Vec<Kind>,
    pub(crate) causes: Vec<Kind>,
}

impl Registries {
    /// Returns all of them.
    pub(crate) fn all() -> Self {
        let services = crate::world::services()
            .iter()
            .map(|service| *service.kind());
        Self {
            services: services.collect(),
            triggers: twiceproof_explore::trigger_kinds(),
            checks: twiceproof_oracle::registry::kinds(),
            stages: twiceproof_explore::stage_kinds(),
            faults: crate::world::faults(),
            causes: twiceproof_oracle::classify::kinds(),
        }
    }

    /// Returns them as parsers take them.
    pub(crate) fn kinds(&self) -> Kinds<'_> {
        Kinds {
            services: &self.services,
            triggers: &self.triggers,
            checks: &self.checks,
            stages: &self.stages,
            faults: &self.faults,
            causes: &self.causes,
        }
    }
}

/// Returns the names of the backends.
pub(crate) fn backends() -> Vec<&'static str> {
    crate::world::backends()
        .iter()
        .map(|backend| backend.name())
        .collect()
}
