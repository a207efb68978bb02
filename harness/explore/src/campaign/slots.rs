//! The orders of the slots: what starts that serve a slot each may leave is known from runs that
//! follow each other, in every order.

use super::clean::{BaselineFailure, NoBaseline};
use super::spec::CampaignSpec;
use crate::lab::{Assignment, Lab, LabError};
use crate::script::{Act, Script};
use std::sync::Arc;
use twiceproof_model::record::Drive;
use twiceproof_model::scenario::Contract;
use twiceproof_model::{InstanceId, TrialRecord};
use twiceproof_oracle::{Baseline, SerialOutcome};

/// Most starts with a slot each: three have 15 orders, four 64.
const SLOTS_MAX: u8 = 3;

/// Returns how many runs the orders of the slots take.
pub(super) fn count(spec: &CampaignSpec) -> u32 {
    let starts = spec.settings.attempts;
    if spec.contract != Contract::EachSlot || starts > SLOTS_MAX {
        return 0;
    }
    u32::try_from(orders(starts).len()).unwrap_or(u32::MAX)
}

/// Runs every order of every choice of slots, where each start has its own, and accepts what they
/// leave.
pub(super) fn run_orders(
    spec: &CampaignSpec,
    baseline: &mut Baseline,
    lab: &mut dyn Lab,
    first_trial: u32,
) -> Result<(), NoBaseline> {
    let starts = spec.settings.attempts;
    if spec.contract != Contract::EachSlot {
        return Ok(());
    }
    if starts > SLOTS_MAX {
        return Err(NoBaseline::Failure(BaselineFailure {
            message: format!(
                "the contract `each-slot` needs a run of every order of the slots, which is done \
                 for at most {SLOTS_MAX} starts, not {starts}"
            ),
            output: String::new(),
            hint: format!("set `trigger.instances` to at most {SLOTS_MAX}"),
        }));
    }
    let orders = orders(starts);
    let batch = orders.iter().zip(first_trial..);
    let batch = batch.map(|(order, trial)| assignment(spec, baseline, order, trial));
    let records: Vec<TrialRecord> = lab
        .run_batch(batch.collect())
        .into_iter()
        .collect::<Result<_, LabError>>()
        .map_err(NoBaseline::Lab)?;
    for (order, record) in orders.iter().zip(records) {
        baseline.serial.push(SerialOutcome {
            runs: u8::try_from(order.len()).unwrap_or(u8::MAX),
            starts: order.iter().copied().collect(),
            snapshot: record.snapshot,
        });
    }
    Ok(())
}

fn assignment(
    spec: &CampaignSpec,
    baseline: &Baseline,
    order: &[InstanceId],
    trial: u32,
) -> Assignment {
    let starts = spec.starts(spec.settings.attempts, baseline.exit);
    Assignment {
        trial,
        stage: "baseline",
        seed: spec.seed,
        instances: spec.settings.attempts,
        starts: starts.in_any_order().only(order),
        drive: Drive::Steps,
        disguise: 0,
        menu: Vec::new(),
        clean_exit: None,
        leases: Vec::new(),
        accepts: Arc::new(|_| true),
        scheduler: Box::new(Script::new(
            order.iter().copied().map(Act::RunOut).collect(),
        )),
    }
}

/// Returns every order of every choice among so many starts, but the first alone: that is the clean
/// run.
fn orders(starts: u8) -> Vec<Vec<InstanceId>> {
    let mut orders: Vec<Vec<InstanceId>> = vec![Vec::new()];
    let mut from = 0;
    for _ in 0..starts {
        let longest = from..orders.len();
        from = orders.len();
        for place in longest {
            for next in InstanceId::first(starts) {
                if !orders[place].contains(&next) {
                    let order = orders[place].iter().copied().chain([next]);
                    orders.push(order.collect());
                }
            }
        }
    }
    let is_clean =
        |order: &Vec<InstanceId>| matches!(order.as_slice(), [only] if only.number() == 1);
    orders.retain(|order| !order.is_empty() && !is_clean(order));
    orders
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_those_of_every_choice() {
        let words = |starts| -> Vec<String> {
            let orders = orders(starts).into_iter();
            let word = |order: Vec<InstanceId>| {
                let numbers = order.iter().map(|id| id.number().to_string());
                numbers.collect::<String>()
            };
            orders.map(word).collect()
        };
        assert_eq!(words(1), Vec::<String>::new());
        assert_eq!(words(2), ["2", "12", "21"]);
        assert_eq!(words(3).len(), 14);
        assert!(words(3).contains(&"312".to_owned()));
    }
}
