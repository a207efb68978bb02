//! A record as the predicates read it: runs, their operations in order, and how they ended.

use std::collections::BTreeMap;
use std::fmt;
use twiceproof_model::event::{Part, Peer};
use twiceproof_model::fault::{HOST_CRASH, KILL, Who};
use twiceproof_model::{
    Event, Exit, Fault, InstanceId, LinkId, Outcome, Reply, Request, RequestId, Step, TrialRecord,
};

/// One process of the job: an instance in one part of the trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Run {
    /// 0: the main part; else the number of the calm pass.
    part: u8,
    instance: InstanceId,
}

impl Run {
    /// Returns whose process it is.
    pub(super) fn instance(self) -> InstanceId {
        self.instance
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.part {
            0 => write!(f, "{}", self.instance),
            _ => write!(f, "the calm run afterwards"),
        }
    }
}

/// A request with what came of it.
pub(super) struct Op<'a> {
    pub(super) run: Run,
    pub(super) request: &'a Request,
    /// The reply; `None`: none was seen.
    pub(super) reply: Option<&'a Reply>,
    /// Place of the event that let it go, else of its arrival.
    pub(super) sent: usize,
    /// Place of its reply, else where it was sent.
    pub(super) at: usize,
}

impl Op<'_> {
    pub(super) fn text(&self) -> &str {
        &self.request.signature.text
    }

    /// Returns whether the service did what it was asked.
    pub(super) fn is_done(&self) -> bool {
        self.reply.is_some_and(|reply| reply.outcome == Outcome::Ok)
    }

    /// Returns whether it is known to have changed rows.
    pub(super) fn is_effective(&self) -> bool {
        self.reply.is_some_and(Reply::is_effective_write)
    }
}

/// How a run ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct End {
    pub(super) at: usize,
    pub(super) exit: Exit,
    /// Whether a fault ended it.
    pub(super) is_killed: bool,
}

/// The facts of a record.
pub(super) struct Facts<'a> {
    /// The operations in the order of their replies.
    pub(super) ops: Vec<Op<'a>>,
    /// Where each run started, in order of part and number.
    pub(super) starts: BTreeMap<Run, usize>,
    /// How those ended that did.
    pub(super) ends: BTreeMap<Run, End>,
    /// Links that the instance did not end itself, with the place at which they ended.
    pub(super) cuts: Vec<(Run, &'a LinkId, usize)>,
    /// Faults with the places at which they came into force.
    pub(super) faults: Vec<(&'a Fault, usize)>,
}

impl<'a> Facts<'a> {
    /// Reads the record.
    pub(super) fn of(record: &'a TrialRecord) -> Self {
        let mut reader = Reader {
            facts: Facts {
                ops: Vec::new(),
                starts: BTreeMap::new(),
                ends: BTreeMap::new(),
                cuts: Vec::new(),
                faults: Vec::new(),
            },
            part: 0,
            open: BTreeMap::new(),
            killed: BTreeMap::new(),
        };
        for (at, stamped) in record.trace.iter().enumerate() {
            reader.event(at, &stamped.event);
        }
        let mut facts = reader.facts;
        facts.ops.sort_by_key(|op| op.at);
        facts
    }

    /// Returns the runs of the main part.
    pub(super) fn starts_of_trigger(&self) -> impl Iterator<Item = Run> {
        self.starts.keys().copied().filter(|run| run.part == 0)
    }

    /// Returns the place at which the run ended; the end of all things where it did not.
    pub(super) fn end(&self, run: Run) -> usize {
        self.ends.get(&run).map_or(usize::MAX, |end| end.at)
    }

    /// Returns whether two runs of the main part lived at once.
    pub(super) fn overlap(&self) -> bool {
        let runs: Vec<Run> = self.starts_of_trigger().collect();
        runs.iter().enumerate().any(|(index, left)| {
            let mut others = runs[index + 1..].iter();
            others.any(|right| {
                self.starts[left] < self.end(*right) && self.starts[right] < self.end(*left)
            })
        })
    }
}

struct Reader<'a> {
    facts: Facts<'a>,
    part: u8,
    /// Places in `facts.ops` of the requests of this part.
    open: BTreeMap<RequestId, usize>,
    killed: BTreeMap<Run, usize>,
}

impl<'a> Reader<'a> {
    fn run(&self, instance: InstanceId) -> Run {
        Run {
            part: self.part,
            instance,
        }
    }

    fn event(&mut self, at: usize, event: &'a Event) {
        match event {
            Event::Begun(Part::Recovery(number)) => {
                self.part = *number;
                // Calm runs number their requests anew.
                self.open.clear();
            }
            Event::Started(instance) => {
                let run = self.run(*instance);
                self.facts.starts.entry(run).or_insert(at);
            }
            Event::Held(request) => {
                let run = self.run(request.id.instance);
                self.open.insert(request.id, self.facts.ops.len());
                self.facts.ops.push(Op {
                    run,
                    request,
                    reply: None,
                    sent: at,
                    at,
                });
            }
            Event::Forwarded(request) => self.update(*request, |op| (op.sent, op.at) = (at, at)),
            Event::Answered { request, reply } => {
                self.update(*request, |op| (op.reply, op.at) = (Some(reply), at));
            }
            Event::ReplyDropped(request) => {
                if let Some(place) = self.open.get(request) {
                    let op = &self.facts.ops[*place];
                    self.facts.cuts.push((op.run, &op.request.link, at));
                }
            }
            Event::Closed {
                link,
                by: Peer::Service,
                ..
            } => self.facts.cuts.push((self.run(link.instance), link, at)),
            Event::Taken(Step::Kill(instance)) => {
                self.killed.insert(self.run(*instance), at);
            }
            Event::Injected(fault) => self.injected(at, fault),
            Event::Exited { instance, exit } => {
                let run = self.run(*instance);
                let end = End {
                    at,
                    exit: *exit,
                    is_killed: self.killed.contains_key(&run),
                };
                self.facts.ends.entry(run).or_insert(end);
            }
            _ => {}
        }
    }

    fn injected(&mut self, at: usize, fault: &'a Fault) {
        self.facts.faults.push((fault, at));
        if (fault.kind == KILL || fault.kind == HOST_CRASH)
            && let Who::Instance(instance) = fault.who
        {
            self.killed.insert(self.run(instance), at);
        }
    }

    fn update(&mut self, request: RequestId, change: impl FnOnce(&mut Op<'a>)) {
        if let Some(place) = self.open.get(&request) {
            change(&mut self.facts.ops[*place]);
        }
    }
}
