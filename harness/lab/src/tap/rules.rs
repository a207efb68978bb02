//! Rules: what faults do to the bytes of links. A table of them is swapped as a whole; pumps read
//! it when they next turn, and nobody waits for a pump.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;
use tokio::sync::watch;
use twiceproof_model::event::LinkEnd;
use twiceproof_model::{Fault, LinkId};
use twiceproof_wire::Side;

/// What a rule lets one direction of a link do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allow {
    /// At most so many bytes may go now.
    Pass(usize),
    /// Nothing may go before this time.
    Wait(Instant),
    /// Nothing may go before the rule is healed.
    Hold,
    /// The next bytes, so many, are thrown away.
    Discard(usize),
    /// The link ends.
    End(LinkEnd),
}

/// One rule on one direction of one link. It sees bytes by their offset and changes none.
pub trait Shape: Send {
    /// Notes that bytes before the offset `end` have arrived; `whole`: a message ends there.
    fn arrive(&mut self, _now: Instant, _end: u64, _whole: bool) {}

    /// Returns what may be done with the bytes from offset `at`, of which `ready` wait to go; none
    /// where only the end of the link is asked for.
    fn next(&mut self, now: Instant, at: u64, ready: usize) -> Allow;

    /// Notes that so many bytes went.
    fn sent(&mut self, _now: Instant, _count: usize) {}

    /// Returns how the link ends as the rule is healed, where it does.
    fn heal(&mut self) -> Option<LinkEnd> {
        None
    }
}

/// Counts what a fault strikes.
#[derive(Clone, Debug, Default)]
pub struct Effect(Arc<AtomicU64>);

impl Effect {
    /// Counts so many more.
    pub fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    /// Returns the count so far.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What makes the shape of one direction.
#[derive(Clone, Copy, Debug)]
pub struct Lane {
    /// Whose bytes are shaped.
    pub from: Side,
    /// Offset of the first byte that has not gone.
    pub at: u64,
    /// Seed of its dice: of seed, link, direction and rule, so that no other link changes it.
    pub seed: u64,
}

/// Makes the shape of one direction of one link, where that is shaped.
pub type Make = Box<dyn Fn(Lane) -> Option<Box<dyn Shape>> + Send + Sync>;

/// One rule of the table.
pub struct Rule {
    /// The fault that it belongs to; it names whose links are shaped.
    pub fault: Fault,
    /// The links that it is confined to; empty: all that the fault names, later ones too.
    pub only: Vec<LinkId>,
    /// Whose bytes are shaped; `None`: those of both.
    pub from: Option<Side>,
    /// Whether nothing passes before it is healed.
    pub stops: bool,
    /// Seed of the trial.
    pub seed: u64,
    /// Makes the shape of one direction of one link, where that is shaped.
    pub make: Make,
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rule of {}", self.fault)
    }
}

impl Rule {
    /// Returns whether it shapes the link.
    pub fn is_about(&self, link: &LinkId) -> bool {
        let named = self.fault.is_between(link.instance, &link.service);
        named && (self.only.is_empty() || self.only.contains(link))
    }

    /// Returns whether it stops what this side sends.
    pub fn stops_from(&self, side: Side) -> bool {
        self.stops && self.from.is_none_or(|from| from == side)
    }
}

/// The rules in force.
pub type Rules = Arc<Vec<Arc<Rule>>>;

/// The table of rules, held by whoever injects.
#[derive(Debug)]
pub struct RuleTable(watch::Sender<Rules>);

impl Default for RuleTable {
    fn default() -> Self {
        Self(watch::Sender::new(Rules::default()))
    }
}

impl RuleTable {
    /// Adds a rule. It is in force when this returns: pumps look before they next write.
    pub fn add(&self, rule: Arc<Rule>) {
        self.0.send_modify(|rules| {
            let mut list = Vec::clone(rules);
            list.push(rule);
            *rules = Arc::new(list);
        });
    }

    /// Takes the rules of a fault out; returns whether there were any.
    pub fn remove(&self, fault: &Fault) -> bool {
        self.0.send_if_modified(|rules| {
            let kept = rules.iter().filter(|rule| rule.fault != *fault);
            let kept: Vec<Arc<Rule>> = kept.cloned().collect();
            let is_less = kept.len() < rules.len();
            *rules = Arc::new(kept);
            is_less
        })
    }

    /// Returns the rules in force.
    pub fn get(&self) -> Rules {
        Arc::clone(&self.0.borrow())
    }

    /// Returns what the pump of a link reads the table by.
    pub fn reader(&self, link: LinkId) -> LinkRules {
        let mut table = self.0.subscribe();
        table.mark_changed();
        LinkRules { table, link }
    }
}

/// The table as the pump of one link reads it.
#[derive(Debug)]
pub struct LinkRules {
    pub(super) table: watch::Receiver<Rules>,
    pub(super) link: LinkId,
}

/// Dice that nobody else throws: an equal seed gives equal numbers on every machine.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// Returns the dice of this seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns the next number, evenly drawn (the generator splitmix64).
    pub fn throw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Returns the next number below the bound, 0 where there is none.
    pub fn below(&mut self, bound: u64) -> u64 {
        let wide = u128::from(self.throw()) * u128::from(bound);
        u64::try_from(wide >> 64).unwrap_or_default()
    }
}
