//! Moments: points in a run that a file can name.

use crate::name::{InstanceId, ServiceName};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Which side of an operation a moment stands at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// The request waits to be forwarded.
    Held,
    /// The reply waits to be delivered.
    Answered,
    /// The reply was delivered.
    Replied,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Phase::Held => "held",
            Phase::Answered => "answered",
            Phase::Replied => "replied",
        })
    }
}

/// The Nth request of an instance, since its start, whose masked text a pattern matches.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RequestMoment {
    /// The service asked.
    pub service: ServiceName,
    /// Prefix of the masked text, with `*` for any run of characters and `?` for one literal.
    pub pattern: String,
    /// Which such request, from 1.
    pub nth: u32,
    /// Which side of it.
    pub phase: Phase,
}

/// A point in a run: `job#1 start`, `job#1 exit`, `job#1 pg "UPDATE members" 1 held`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Moment {
    /// The instance starts.
    Start(InstanceId),
    /// The instance ended.
    Exit(InstanceId),
    /// The instance stands at a request.
    Request(InstanceId, RequestMoment),
}
