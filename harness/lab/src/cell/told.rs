//! What services tell when a trial is over: their state, answers to queries, and changes of rows.

use super::Cell;
use crate::fail::service_failed;
use crate::service::Changes;
use std::collections::BTreeMap;
use std::sync::Arc;
use twiceproof_explore::LabError;
use twiceproof_model::record::CHANGES_MAX;
use twiceproof_model::{Answer, Doubt, ServiceName, Snapshot};

/// What services told for checks when the trial was over.
pub(crate) struct Told {
    /// Answers to queries, by name of the check.
    pub(crate) answers: BTreeMap<String, Answer>,
    /// What became of cells.
    pub(crate) changes: Changes,
}

impl Told {
    /// Returns what services could not tell.
    pub(crate) fn doubts(&self) -> Vec<Doubt> {
        let answers = self.answers.iter();
        let failed = answers.filter_map(|(check, answer)| Some((check, answer.error.as_ref()?)));
        let failed = failed.map(|(check, error)| format!("check `{check}`: {error}"));
        let tables = self.changes.without_old.iter();
        let tables = tables.map(|table| {
            format!("changes in {table} cannot be followed: the job makes that table itself")
        });
        let mut doubts: Vec<Doubt> = failed.chain(tables).map(Doubt::Unanswered).collect();
        if self.changes.is_cut {
            let text = format!("only the first {CHANGES_MAX} changes of rows were kept");
            doubts.push(Doubt::Bound(text));
        }
        doubts
    }
}

impl Cell {
    /// Captures the state of all services.
    pub(super) async fn capture(&mut self) -> Result<Snapshot, LabError> {
        let mut snapshot = Snapshot::default();
        for running in &mut self.services {
            let captured = running.service.capture(&mut self.known).await;
            snapshot.objects.extend(captured.map_err(service_failed)?);
        }
        Ok(snapshot)
    }

    /// Returns what the checks of the scenario need to know, of the state as it is.
    pub(super) async fn told(&mut self) -> Result<Told, LabError> {
        Ok(Told {
            answers: self.answers().await?,
            changes: self.changes().await?,
        })
    }

    /// Asks the queries of the scenario's checks on the state as it is.
    async fn answers(&mut self) -> Result<BTreeMap<String, Answer>, LabError> {
        let plan = Arc::clone(&self.plan);
        let mut answers = BTreeMap::new();
        for check in plan.scenario.checks.iter().filter(|check| !check.off) {
            let (Some(service), Some(sql)) = (&check.service, &check.sql) else {
                continue;
            };
            let mut services = self.services.iter_mut();
            if let Some(running) = services.find(|running| running.name == *service) {
                let answer = running.service.ask(sql).await.map_err(service_failed)?;
                answers.insert(check.name.clone(), answer);
            }
        }
        Ok(answers)
    }

    /// Returns the columns of the service whose changes checks follow.
    pub(super) fn followed(&self, service: &ServiceName) -> Vec<String> {
        let checks = self.plan.scenario.checks.iter();
        let own = checks.filter(|check| !check.off && check.service.as_ref() == Some(service));
        own.filter_map(|check| check.column.clone()).collect()
    }

    /// Returns what became of the cells that checks follow.
    async fn changes(&mut self) -> Result<Changes, LabError> {
        let mut all = Changes::default();
        for place in 0..self.services.len() {
            let columns = self.followed(&self.services[place].name);
            if columns.is_empty() {
                continue;
            }
            let service = &mut self.services[place].service;
            let changes = service.changes(&columns).await.map_err(service_failed)?;
            all.cells.extend(changes.cells);
            all.without_old.extend(changes.without_old);
            all.is_cut |= changes.is_cut;
        }
        Ok(all)
    }
}
