//! What happens in a trial. The enums are closed: every reader handles every kind.

use crate::digest::{Digest, Hasher};
use crate::fault::Fault;
use crate::name::{InstanceId, LinkId, RequestId, ServiceName};
use crate::operation::{Outcome, Reply, Request};
use crate::step::Step;
use serde::{Deserialize, Serialize};
use std::fmt;

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Exit {
    /// With this exit code.
    Code(i32),
    /// By this signal.
    Signal(i32),
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Exit::Code(code) => write!(f, "exit code {code}"),
            Exit::Signal(signal) => write!(f, "signal {signal}"),
        }
    }
}

/// The part of a trial that an event belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// The steps that the scheduler chooses.
    Main,
    /// The nth calm run after it, from 1.
    Recovery(u8),
}

/// Which peer of a link did something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Peer {
    /// The instance.
    Instance,
    /// The service.
    Service,
}

/// How one direction of a link ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LinkEnd {
    /// In order (FIN).
    Fin,
    /// By a reset (RST).
    Reset,
}

/// Something that happened in a trial.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Event {
    /// A part of the trial begins.
    Begun(Part),
    /// The scheduler chose this step; what it changes comes after this event.
    Taken(Step),
    /// An instance's process runs.
    Started(InstanceId),
    /// An instance connected to a service.
    Opened(LinkId),
    /// A peer ended its direction of a link.
    Closed {
        /// The link.
        link: LinkId,
        /// Who ended it.
        by: Peer,
        /// How.
        how: LinkEnd,
    },
    /// A request is complete and waits to be forwarded; on a link that is not gated, it was seen to
    /// pass.
    Held(Request),
    /// A request was forwarded.
    Forwarded(RequestId),
    /// The service's reply is complete.
    Answered {
        /// The request.
        request: RequestId,
        /// What the service said.
        reply: Reply,
    },
    /// A reply reached the instance.
    Delivered(RequestId),
    /// A reply was thrown away, and the instance's side of the link reset.
    ReplyDropped(RequestId),
    /// The service sent a message outside any reply.
    Pushed {
        /// The link.
        link: LinkId,
        /// What kind of message.
        text: String,
    },
    /// An instance waits inside a service for others.
    Blocked {
        /// Who waits.
        instance: InstanceId,
        /// For whom; empty where the service cannot tell.
        by: Vec<InstanceId>,
    },
    /// An instance no longer waits inside the service.
    Unblocked(InstanceId),
    /// Instances wait for each other in a cycle inside a service.
    WaitCycle(Vec<InstanceId>),
    /// An instance sleeps until a time of its own.
    Asleep(InstanceId),
    /// An instance repeats one request and gets one answer; it is offered again after somebody else
    /// wrote.
    Polling(InstanceId),
    /// Every thread of the instance stands still.
    Paused(InstanceId),
    /// A paused instance goes on.
    Resumed(InstanceId),
    /// A fault is in force.
    Injected(Fault),
    /// A fault is over: healed, or spent at once.
    Healed {
        /// Which.
        fault: Fault,
        /// What it struck, counted as its kind counts; 0: nothing.
        effect: u64,
    },
    /// The instance's first process ended.
    Exited {
        /// Who.
        instance: InstanceId,
        /// How.
        exit: Exit,
    },
    /// Processes of the instance outlived its first one, and the grace, and were killed.
    LeftOver {
        /// Whose.
        instance: InstanceId,
        /// Their names, in order of process id.
        processes: Vec<String>,
    },
    /// The instance used up its time; its tree was killed.
    TimedOut(InstanceId),
    /// A link cannot be read, for this reason.
    Opaque {
        /// The link.
        link: LinkId,
        /// Why.
        reason: String,
    },
    /// Whether an instance is quiet could only be guessed, for this reason: the trial is
    /// best-effort.
    BestEffort {
        /// Who.
        instance: InstanceId,
        /// Why.
        reason: String,
    },
    /// A service ended by itself.
    ServiceDied {
        /// Which.
        service: ServiceName,
        /// How.
        exit: Exit,
    },
}

/// An event with its place and time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamped {
    /// Microseconds since the trial began. No verdict and no fingerprint depends on it.
    pub at_us: u64,
    /// What happened.
    pub event: Event,
}

/// The events of one trial, in the one order in which the dispatcher logged them.
pub type Trace = Vec<Stamped>;

/// Returns the fingerprint of a trace: the steps of its main part in order, each request step with
/// its instance, service, masked text, N, and the summary of its reply.
///
/// No bytes, process ids, ports or times enter it, so equal runs have equal fingerprints on every
/// machine. What different instances are told after one step has no order: a commit that frees a
/// lock answers two of them at once.
pub fn fingerprint(trace: &[Stamped]) -> Digest {
    let mut hasher = Hasher::new("trace 1");
    let mut requests = std::collections::BTreeMap::new();
    let mut outcomes: Vec<(InstanceId, Vec<String>)> = Vec::new();
    let settle = |outcomes: &mut Vec<(InstanceId, Vec<String>)>, hasher: &mut Hasher| {
        outcomes.sort_by_key(|(instance, _)| *instance);
        for field in outcomes.drain(..).flat_map(|(_, fields)| fields) {
            hasher.field(&field);
        }
    };
    for Stamped { event, .. } in trace {
        match event {
            Event::Begun(Part::Recovery(_)) => break,
            Event::Held(request) => {
                requests.insert(request.id, request);
            }
            Event::Taken(step) => {
                settle(&mut outcomes, &mut hasher);
                hasher.field(&step.to_string());
                let request = match step {
                    Step::Release(id)
                    | Step::Forward(id)
                    | Step::Deliver(id)
                    | Step::DropReply(id) => requests.get(id),
                    _ => None,
                };
                if let Some(request) = request {
                    let signature = &request.signature;
                    hasher.field(signature.service.as_str());
                    hasher.field(&signature.text);
                    hasher.field(&signature.nth.to_string());
                }
            }
            Event::Answered { request, reply } => {
                let outcome = match reply.outcome {
                    Outcome::Ok => "ok",
                    Outcome::Error(_) => "error",
                    Outcome::Unknown => "unknown",
                };
                let fields = vec![request.to_string(), outcome.to_owned(), reply.summary()];
                outcomes.push((request.instance, fields));
            }
            Event::Exited { instance, exit } => {
                outcomes.push((*instance, vec![format!("{instance} {exit}")]));
            }
            _ => {}
        }
    }
    settle(&mut outcomes, &mut hasher);
    hasher.finish()
}
