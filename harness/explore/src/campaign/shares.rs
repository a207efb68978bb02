//! Which stage hands out the next trial.

use super::run::BATCH;
use crate::strategy::{Strategy, Work};
use std::collections::BTreeSet;

/// A stage in the search.
pub(super) struct Running {
    pub(super) name: &'static str,
    /// Its part of the trials while stages take turns.
    pub(super) share: u32,
    pub(super) strategy: Box<dyn Strategy>,
    pub(super) handed_out: u32,
    pub(super) is_done: bool,
}

/// Returns the next trials: of the stages in turn, by their shares, or as many as there are of the
/// first stage that has any.
pub(super) fn next_batch(stages: &mut [Running], in_turn: bool) -> Vec<(usize, Work)> {
    let mut batch = Vec::new();
    // Stages that have nothing before they have learnt from what they handed out.
    let mut waiting = BTreeSet::new();
    while batch.len() < BATCH {
        let mut open = stages
            .iter()
            .enumerate()
            .filter(|(place, stage)| !stage.is_done && !waiting.contains(place));
        let next = match in_turn {
            true => open.min_by_key(|(place, stage)| (turn(stage), *place)),
            false => open.next(),
        };
        let Some((place, _)) = next else { break };
        let stage = &mut stages[place];
        match stage.strategy.next() {
            Some(work) => {
                stage.handed_out += 1;
                batch.push((place, work));
            }
            None if stage.strategy.waits() => {
                waiting.insert(place);
            }
            None => stage.is_done = true,
        }
    }
    batch
}

/// Returns when it is the stage's turn: the lower, the sooner. Counted in trials, so that neither
/// speed nor the number of cells enters.
fn turn(stage: &Running) -> u64 {
    /// What all shares divide, so that no turn is rounded much.
    const WHOLE: u64 = 60_000;
    u64::from(stage.handed_out) * WHOLE / u64::from(stage.share.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::Scheduler;
    use crate::script::Script;
    use crate::strategy::Point;
    use twiceproof_model::record::Drive;

    struct Trials(u32);

    impl Strategy for Trials {
        fn next(&mut self) -> Option<Work> {
            self.0 = self.0.checked_sub(1)?;
            let scheduler: Box<dyn Scheduler> = Box::new(Script::in_order());
            Some(Work {
                label: String::new(),
                instances: 2,
                drive: Drive::Steps,
                seed: 1,
                recovers: true,
                point: Point::Other,
                menu: Vec::new(),
                scheduler,
            })
        }

        fn planned(&self) -> u32 {
            self.0
        }
    }

    /// Returns how many trials each stage has handed out after each batch.
    fn handed_out(stages: &[(u32, u32)], in_turn: bool, batches: usize) -> Vec<Vec<u32>> {
        let stages = stages.iter().map(|(share, trials)| Running {
            name: "",
            share: *share,
            strategy: Box::new(Trials(*trials)),
            handed_out: 0,
            is_done: false,
        });
        let mut stages: Vec<Running> = stages.collect();
        let batches = (0..batches).map(|_| {
            next_batch(&mut stages, in_turn);
            stages.iter().map(|stage| stage.handed_out).collect()
        });
        batches.collect()
    }

    #[test]
    fn trials_are_dealt_by_shares() {
        let dealt = handed_out(&[(2, 999), (3, 999), (3, 999)], true, 5);
        assert_eq!(
            dealt,
            [
                [4, 6, 6],
                [8, 12, 12],
                [12, 18, 18],
                [16, 24, 24],
                [20, 30, 30]
            ]
        );
    }

    #[test]
    fn a_stage_that_ends_leaves_its_share_to_the_others() {
        let dealt = handed_out(&[(2, 3), (1, 999), (1, 999)], true, 2);
        assert_eq!(dealt, [[3, 7, 6], [3, 15, 14]]);
    }

    #[test]
    fn out_of_turn_each_stage_runs_to_its_end() {
        let dealt = handed_out(&[(1, 20), (9, 6), (9, 99)], false, 3);
        assert_eq!(dealt, [[16, 0, 0], [20, 6, 6], [20, 6, 22]]);
    }

    #[test]
    fn nothing_is_left() {
        assert_eq!(handed_out(&[(1, 0), (0, 1)], true, 2), [[0, 1], [0, 1]]);
    }
}
