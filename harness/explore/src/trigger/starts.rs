//! Which starts of a trial can come next, as the trigger has it.

use super::{Order, Trigger};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use twiceproof_model::scenario::{Contract, Placeholders, Scenario, TriggerSpec};
use twiceproof_model::{Exit, InstanceId};

/// What became of a start so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It has not come yet.
    Waiting,
    /// Its process lives. For so long, where the trial runs by the machine's clock; `None`: for as
    /// long as the schedule pleases, since what is held takes any time.
    Running(Option<Duration>),
    /// It ended.
    Ended(Exit),
}

/// What a scenario says of its trigger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How many instances run at once.
    pub instances: u8,
    /// How many starts there are in all.
    pub attempts: u8,
    /// How long an attempt may run before the next one starts; `None`: any time.
    pub timeout: Option<Duration>,
    /// How long a replaced process lives on.
    pub grace: Duration,
    /// The longest pause that a run can meet; `None`: any.
    pub pause_max: Option<Duration>,
}

impl Settings {
    /// Returns the settings of this scenario.
    pub fn of(scenario: &Scenario) -> Self {
        Self::new(&scenario.trigger, scenario.assume.pause_max)
    }

    /// Returns the settings that the trigger's table gives.
    pub fn new(spec: &TriggerSpec, pause_max: Option<Duration>) -> Self {
        let trigger = super::find(&spec.kind);
        let attempts = if trigger.restarts() {
            spec.attempts.unwrap_or(ATTEMPTS_DEFAULT)
        } else {
            spec.instances
        };
        Self {
            instances: spec.instances,
            attempts,
            timeout: spec.timeout,
            grace: spec.grace.unwrap_or(GRACE_DEFAULT),
            pause_max,
        }
    }

    /// Returns whether a run can last this long beside the work that it does: a schedule holds it,
    /// as a pause would.
    pub fn can_last(&self, time: Duration) -> bool {
        self.pause_max.is_none_or(|longest| longest >= time)
    }
}

/// Starts in all where the file does not say.
const ATTEMPTS_DEFAULT: u8 = 2;
/// How long a replaced process lives on where the file does not say.
const GRACE_DEFAULT: Duration = Duration::from_secs(30);

/// What a trigger is asked about a start: what became of the start before it.
#[derive(Clone, Copy, Debug)]
pub struct Past<'a> {
    /// What became of the start before it.
    pub previous: Fate,
    /// How the clean run ends.
    pub clean: Exit,
    /// What became of all starts, in order of number.
    pub fates: &'a [Fate],
}

impl Past<'_> {
    /// Returns whether the start before it lives.
    pub fn lives(&self) -> bool {
        matches!(self.previous, Fate::Running(_))
    }

    /// Returns whether the start before it ended otherwise than a clean run.
    pub fn failed(&self) -> bool {
        matches!(self.previous, Fate::Ended(exit) if exit != self.clean)
    }

    /// Returns whether the start before it has lived for this long, as far as the trial's clock
    /// tells.
    pub fn lasted(&self, time: Duration) -> bool {
        match self.previous {
            Fate::Running(Some(lived)) => lived >= time,
            Fate::Running(None) => true,
            Fate::Waiting | Fate::Ended(_) => false,
        }
    }
}

/// The starts of one trial: how many, which may come when, what each is told, and which are made
/// again calmly. The lab asks it and knows no trigger.
#[derive(Clone, Debug)]
pub struct Starts {
    count: u8,
    /// The only ones that come; `None`: all.
    only: Option<BTreeSet<InstanceId>>,
    /// What `{count}` stands for.
    told: u8,
    at_once: u8,
    rule: Rule,
    own_slots: bool,
    clean: Exit,
    calm: Calm,
}

/// Who says whether a start may come.
#[derive(Clone, Copy, Debug)]
enum Rule {
    /// Nobody: any may come at any time.
    Any,
    Trigger(Settings, Order, fn(&Settings, &Past<'_>) -> bool),
}

/// What a calm pass runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Calm {
    /// The first instance, once: all serve one slot.
    First,
    /// Each start that failed, in order: each has a slot or a share of its own.
    EachFailed,
}

impl Starts {
    /// Returns the starts of a clean run.
    pub fn alone() -> Self {
        Self::freely(1)
    }

    /// Returns so many starts of one slot, any of which may come at any time.
    pub fn freely(count: u8) -> Self {
        Self {
            count,
            only: None,
            told: count,
            at_once: count,
            rule: Rule::Any,
            own_slots: false,
            clean: Exit::Code(0),
            calm: Calm::First,
        }
    }

    /// Returns so many of the trigger's starts, under what they owe. `clean` is how the clean run
    /// ends.
    pub fn of(
        trigger: &Trigger,
        settings: &Settings,
        contract: Contract,
        clean: Exit,
        count: u8,
    ) -> Self {
        let calm = match contract {
            Contract::EachSlot | Contract::Workers => Calm::EachFailed,
            Contract::Once | Contract::Exclusion => Calm::First,
        };
        Self {
            count,
            only: None,
            told: if contract == Contract::Workers {
                settings.attempts
            } else {
                count
            },
            at_once: settings.instances,
            rule: Rule::Trigger(*settings, trigger.order, trigger.may_start),
            own_slots: trigger.own_slots,
            clean,
            calm,
        }
    }

    /// Returns the same starts, any of which may come at any time, in any order.
    pub fn in_any_order(mut self) -> Self {
        self.rule = Rule::Any;
        self.at_once = self.count;
        self
    }

    /// Returns the same starts, of which these alone come.
    pub fn only(mut self, starts: &[InstanceId]) -> Self {
        self.only = Some(starts.iter().copied().collect());
        self
    }

    /// Returns the starts of a replay: those that its schedule speaks of, when it says so.
    pub fn replayed(mut self, spoken_of: u8) -> Self {
        self.rule = Rule::Any;
        self.count = spoken_of;
        self.at_once = spoken_of;
        self
    }

    /// Returns how many starts there are at most.
    pub fn count(&self) -> u8 {
        self.count
    }

    /// Returns whether this start may come now. `fates` tells of every start in order of number.
    pub fn may(&self, id: InstanceId, fates: &[Fate]) -> bool {
        let place = id.index();
        let is_there = place < usize::from(self.count)
            && self.only.as_ref().is_none_or(|only| only.contains(&id));
        if !is_there || fates.get(place) != Some(&Fate::Waiting) {
            return false;
        }
        let Rule::Trigger(settings, order, may_start) = self.rule else {
            return true;
        };
        let alive = fates.iter().filter(|fate| matches!(fate, Fate::Running(_)));
        if alive.count() >= usize::from(self.at_once) {
            return false;
        }
        let Some(before) = place.checked_sub(1) else {
            return true;
        };
        let past = Past {
            previous: fates[before],
            clean: self.clean,
            fates,
        };
        match order {
            Order::Free => may_start(&settings, &past),
            Order::ByNumber => past.previous != Fate::Waiting && may_start(&settings, &past),
        }
    }

    /// Returns what a start is told.
    pub fn placeholders(&self, id: InstanceId) -> Placeholders {
        Placeholders {
            instance: id.number(),
            count: self.told,
            slot: self.slot(id),
        }
    }

    /// Returns the slot that a start serves.
    pub fn slot(&self, id: InstanceId) -> String {
        let slot = if self.own_slots { id.number() } else { 1 };
        slot.to_string()
    }

    /// Returns the starts that a calm pass makes again, one after the other, after starts that
    /// ended so.
    pub fn calm(&self, exits: &BTreeMap<InstanceId, Exit>) -> Vec<InstanceId> {
        match self.calm {
            Calm::First => InstanceId::first(1).collect(),
            Calm::EachFailed => {
                let failed = exits.iter().filter(|(_, exit)| **exit != self.clean);
                failed.map(|(instance, _)| *instance).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_those_that_the_reference_prints() {
        use twiceproof_model::scenario::{ATTEMPTS, GRACE};
        assert_eq!(ATTEMPTS.default, ATTEMPTS_DEFAULT.to_string());
        assert_eq!(GRACE.default, format!("{}s", GRACE_DEFAULT.as_secs()));
    }
}
