//! Steps: the choices that change the world.

use crate::fault::Fault;
use crate::name::{InstanceId, RequestId};
use crate::operation::Request;
use serde::{Deserialize, Serialize};
use std::fmt;

/// One choice that changes the world. A fault is a step like any other.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// Starts the instance.
    Start(InstanceId),
    /// Forwards the held request, reads its reply, delivers it and waits until the instance is
    /// quiet again.
    Release(RequestId),
    /// Forwards the held request and holds its reply.
    Forward(RequestId),
    /// Delivers the held reply.
    Deliver(RequestId),
    /// Throws the held reply away and resets the instance's side of the link: the ambiguous commit.
    DropReply(RequestId),
    /// Lets a sleeping instance sleep to its end, in real time.
    Wake(InstanceId),
    /// Kills the instance's whole process tree with SIGKILL.
    Kill(InstanceId),
    /// Stops every thread of the instance, unseen by it.
    Pause(InstanceId),
    /// Lets a paused instance go on.
    Resume(InstanceId),
    /// Injects a fault that has no step of its own above.
    Inject(Fault),
    /// Heals a fault that was injected. Where the fault names how long it lasts, so much time
    /// passes first.
    Heal(Fault),
}

impl Step {
    /// Returns the instance that the step is about, where it is about one.
    pub fn instance(&self) -> Option<InstanceId> {
        match self {
            Step::Start(instance)
            | Step::Wake(instance)
            | Step::Kill(instance)
            | Step::Pause(instance)
            | Step::Resume(instance) => Some(*instance),
            Step::Release(request)
            | Step::Forward(request)
            | Step::Deliver(request)
            | Step::DropReply(request) => Some(request.instance),
            Step::Inject(fault) | Step::Heal(fault) => fault.instance(),
        }
    }

    /// Returns whether the step injects a fault, rather than letting the instances go on.
    pub fn is_fault(&self) -> bool {
        matches!(
            self,
            Step::DropReply(_)
                | Step::Kill(_)
                | Step::Pause(_)
                | Step::Resume(_)
                | Step::Inject(_)
                | Step::Heal(_)
        )
    }

    /// Returns whether the step takes a fault back, after which others may go on.
    pub fn heals(&self) -> bool {
        matches!(self, Step::Resume(_) | Step::Heal(_))
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Start(instance) => write!(f, "start {instance}"),
            Step::Release(request) => write!(f, "release {request}"),
            Step::Forward(request) => write!(f, "forward {request}"),
            Step::Deliver(request) => write!(f, "deliver {request}"),
            Step::DropReply(request) => write!(f, "drop-reply {request}"),
            Step::Wake(instance) => write!(f, "wake {instance}"),
            Step::Kill(instance) => write!(f, "kill {instance}"),
            Step::Pause(instance) => write!(f, "pause {instance}"),
            Step::Resume(instance) => write!(f, "resume {instance}"),
            Step::Inject(fault) => write!(f, "inject {fault}"),
            Step::Heal(fault) => write!(f, "heal {fault}"),
        }
    }
}

/// A step that can be taken now.
///
/// The dispatcher offers, in this order: for each instance by number its `Start`, or `Wake`, or for
/// each held request by ordinal `Release` and `Forward`, and for each held reply `Deliver` and
/// `DropReply`; then for each instance by number `Kill`, `Pause`, `Resume` as they apply; then for
/// each fault of the trial's menu, in its order, `Inject` where it can be injected now, and `Heal`
/// where it is active. An instance that is blocked in a service, or polls in vain, has no entry of
/// the first kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enabled {
    /// The step.
    pub step: Step,
    /// The request that the step is about, where it is about one.
    pub request: Option<Request>,
}
