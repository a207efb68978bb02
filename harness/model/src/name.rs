//! Names of the things in a trial.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// The most instances a trial can have.
pub const INSTANCES_MAX: u8 = 32;

/// Names one running copy of the target, in start order from 1: `job#1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct InstanceId(u8);

/// Why a text names no instance.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` names no instance: instances are job#1 to job#{INSTANCES_MAX}")]
pub struct NotAnInstance(pub String);

impl InstanceId {
    /// Returns the instance with this number, counted from 1, if there can be one.
    pub fn new(number: u8) -> Option<Self> {
        (1..=INSTANCES_MAX)
            .contains(&number)
            .then_some(Self(number))
    }

    /// Returns the number, counted from 1.
    pub fn number(self) -> u8 {
        self.0
    }

    /// Returns the place in a list of all instances, counted from 0.
    pub fn index(self) -> usize {
        usize::from(self.0) - 1
    }

    /// Returns the first `count` instances, at most [`INSTANCES_MAX`].
    pub fn first(count: u8) -> impl Iterator<Item = Self> {
        (1..=count.min(INSTANCES_MAX)).map(Self)
    }
}

impl fmt::Display for InstanceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "job#{}", self.0)
    }
}

impl FromStr for InstanceId {
    type Err = NotAnInstance;

    fn from_str(text: &str) -> Result<Self, NotAnInstance> {
        let number = text.strip_prefix("job#").filter(|digits| {
            digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0')
        });
        number
            .and_then(|digits| digits.parse().ok())
            .and_then(Self::new)
            .ok_or_else(|| NotAnInstance(text.to_owned()))
    }
}

impl TryFrom<String> for InstanceId {
    type Error = NotAnInstance;

    fn try_from(text: String) -> Result<Self, NotAnInstance> {
        text.parse()
    }
}

impl From<InstanceId> for String {
    fn from(instance: InstanceId) -> String {
        instance.to_string()
    }
}

/// Names one service of the target as its file does: `pg`. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ServiceName(Arc<str>);

impl ServiceName {
    /// Returns the name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for ServiceName {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for ServiceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Names one proxied connection: the `ordinal`th, from 1, that the instance opened to the service
/// since its start.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LinkId {
    /// Who connected.
    pub instance: InstanceId,
    /// To what.
    pub service: ServiceName,
    /// Which of its connections there, from 1.
    pub ordinal: u32,
}

impl fmt::Display for LinkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.instance, self.service, self.ordinal)
    }
}

/// Names one request within a trial: the `ordinal`th, from 1, of the instance since its start, over
/// all links.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RequestId {
    /// Who asked.
    pub instance: InstanceId,
    /// Which of its requests, from 1.
    pub ordinal: u32,
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.instance, self.ordinal)
    }
}
