//! Moments: points in a run that a file can name.

mod pattern;

pub use pattern::{PATTERN_BYTES_MAX, is_match, shortest_unique_prefix};

use crate::diag::{Flaw, code};
use crate::name::{InstanceId, ServiceName};
use crate::operation::Signature;
use crate::token::{Quoted, Tokens, Word};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The moment at which an instance starts.
const START: &str = "start";
/// The moment at which an instance has ended.
const EXIT: &str = "exit";

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
    /// Prefix of the masked text, with `*` for any run of characters: see [`is_match`].
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

impl RequestMoment {
    /// Returns whether a request with this masked text is meant, wherever it stands.
    pub fn matches(&self, masked_text: &str) -> bool {
        is_match(&self.pattern, masked_text)
    }

    /// Returns the moment of the request with this signature and of no other: its pattern ends in
    /// a mark of the whole text, so that N counts the same requests as the signature does.
    pub fn exact(signature: &Signature, phase: Phase) -> Self {
        Self {
            service: signature.service.clone(),
            pattern: pattern::marked(&signature.text),
            nth: signature.nth,
            phase,
        }
    }

    /// Reads the part of a moment after its instance.
    pub(crate) fn read(tokens: &mut Tokens<'_>) -> Result<Self, Flaw> {
        let request = Self::read_replied(tokens)?;
        let phase = tokens.one_of(&[
            ("held", Phase::Held),
            ("answered", Phase::Answered),
            ("replied", Phase::Replied),
        ])?;
        Ok(Self { phase, ..request })
    }

    /// Reads the same without a phase, as orders name requests: they are over then.
    pub(crate) fn read_replied(tokens: &mut Tokens<'_>) -> Result<Self, Flaw> {
        let service = tokens.word("a service")?;
        let (pattern, span) = tokens.string("the start of a request in double quotes")?;
        if pattern.is_empty() || pattern.len() > PATTERN_BYTES_MAX {
            let message = format!("a request pattern of {} bytes", pattern.len());
            let help = format!("1 to {PATTERN_BYTES_MAX} bytes");
            return Err(Flaw {
                code: code::TYPE,
                message,
                span,
                help,
            });
        }
        Ok(Self {
            service: service.as_str().into(),
            pattern,
            nth: tokens.number("a number from 1")?,
            phase: Phase::Replied,
        })
    }
}

impl fmt::Display for RequestMoment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", WithoutPhase(self), self.phase)
    }
}

/// The request of a moment, as orders name it.
pub(crate) struct WithoutPhase<'a>(pub(crate) &'a RequestMoment);

impl fmt::Display for WithoutPhase<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let request = self.0;
        match request.service.as_str() {
            // Bare, these would say that the instance starts or ends.
            service @ (START | EXIT) => write!(f, "{}", Quoted(service))?,
            service => write!(f, "{}", Word(service))?,
        }
        write!(f, " {} {}", Quoted(&request.pattern), request.nth)
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Moment::Start(instance) => write!(f, "{instance} {START}"),
            Moment::Exit(instance) => write!(f, "{instance} {EXIT}"),
            Moment::Request(instance, request) => write!(f, "{instance} {request}"),
        }
    }
}

impl FromStr for Moment {
    type Err = Flaw;

    fn from_str(text: &str) -> Result<Self, Flaw> {
        let mut tokens = Tokens::new(text, 0);
        let instance = tokens.instance()?;
        let moment = if tokens.take(START) {
            Moment::Start(instance)
        } else if tokens.take(EXIT) {
            Moment::Exit(instance)
        } else {
            Moment::Request(instance, RequestMoment::read(&mut tokens)?)
        };
        tokens.end()?;
        Ok(moment)
    }
}
