//! Why a search without a finding does not add up to a pass.

use super::coverage::StageCoverage;
use super::run::{Campaign, Stop};
use crate::crash::CRASH;
use crate::exhaustive::EXHAUSTIVE;

impl Campaign<'_, '_> {
    /// Returns why the search does not add up to a pass.
    pub(super) fn reasons(&self) -> Vec<(String, String)> {
        let mut reasons = self.regression_reasons();
        if matches!(self.stop, Some(Stop::Budget)) {
            let cut = self.coverage.stages.iter();
            let cut = cut.filter(|stage| stage.owed && stage.run < stage.planned);
            let cut: Vec<&str> = cut.map(|stage| stage.name.as_str()).collect();
            if !cut.is_empty() {
                let text = format!("the budget cut short: {}", cut.join(", "));
                reasons.push(("TP-I01".to_owned(), text));
            }
        }
        reasons.extend(self.interleavings_owed());
        if self.summary.requests == 0 {
            let text = "the clean run sends no request that can be held".to_owned();
            reasons.push(("TP-I04".to_owned(), text));
        }
        let crash = self
            .coverage
            .stages
            .iter()
            .find(|stage| stage.name == CRASH.kind.name);
        let points = self.coverage.crash_points;
        let all_ran = crash.is_some_and(|crash| crash.run == crash.planned);
        if all_ran && points.covered < points.total && self.doubts.is_empty() {
            let missed = points.total - points.covered;
            reasons.push((
                "TP-I02".to_owned(),
                format!("{missed} kills struck nothing"),
            ));
        }
        for (code, (text, trials)) in &self.doubts {
            let text = match trials {
                1 => text.clone(),
                _ => format!("{text} (and {} more trials)", trials - 1),
            };
            reasons.push((code.clone(), text));
        }
        reasons
    }

    /// Returns why the orders that a pass owes were not all tried, although there was time.
    fn interleavings_owed(&self) -> Option<(String, String)> {
        let interleavings = self.coverage.interleavings.as_ref()?;
        let is_owed = |stage: &&StageCoverage| {
            stage.owed && stage.name == EXHAUSTIVE.kind.name && stage.run < stage.planned
        };
        let stage = self.coverage.stages.iter().find(is_owed)?;
        let text = format!(
            "{} trials do not cover every order with at most {}",
            stage.run,
            interleavings.words(interleavings.bound)
        );
        self.stop.is_none().then(|| ("TP-I01".to_owned(), text))
    }
}
