//! Prints schedules: one form for each, so that equal schedules are equal files.

use super::{Directive, OrderedRequest, Schedule, Until};
use crate::fault::HEAL;
use crate::moment::WithoutPhase;
use crate::token::Word;
use crate::version;
use std::fmt;

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", version::SCHEDULE)?;
        writeln!(f, "seed  {:x}", self.seed)?;
        if let Some((name, hash)) = &self.target {
            writeln!(f, "target {} {hash}", Word(name))?;
        }
        for (name, kind, version) in &self.services {
            writeln!(f, "service {} {} {}", Word(name), Word(kind), Word(version))?;
        }
        self.body
            .iter()
            .try_for_each(|directive| writeln!(f, "{directive}"))?;
        for order in &self.orders {
            let requests: Vec<String> = order.iter().map(ToString::to_string).collect();
            writeln!(f, "order {}", requests.join(" < "))?;
        }
        Ok(())
    }
}

impl fmt::Display for Directive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Directive::Start(instance) => write!(f, "start {instance}"),
            Directive::Run(instance, until) => write!(f, "run   {instance} {until}"),
            Directive::Fault(fault) => write!(f, "fault {fault}"),
            Directive::Heal(fault) => write!(f, "fault {HEAL} {fault}"),
        }
    }
}

impl fmt::Display for OrderedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.instance, WithoutPhase(&self.request))
    }
}

impl fmt::Display for Until {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Until::Request(request) => write!(f, "until {request}"),
            Until::Exit => f.write_str("to exit"),
            Until::Blocked => f.write_str("to blocked"),
        }
    }
}
