//! Faults: what is injected into a trial, and the one text form that files print and parse.

use crate::diag::{Flaw, code};
use crate::escape::escape_cut;
use crate::file::choices;
use crate::kind::{Family, Kinds};
use crate::name::{InstanceId, ServiceName};
use crate::step::Step;
use crate::token::{Quoted, Tokens, Word};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// Kills an instance's whole tree: the plain form of it is [`Step::Kill`].
pub const KILL: &str = "kill";
/// Kills an instance's whole tree, and its services do not hear of it.
pub const HOST_CRASH: &str = "host-crash";
/// Stops an instance: the plain form of it is [`Step::Pause`].
pub const PAUSE: &str = "pause";
/// Ends a plain pause; known without a registry.
pub const RESUME: &str = "resume";
/// Throws a reply away: taken as [`Step::Forward`] and [`Step::DropReply`].
pub const LOST_REPLY: &str = "lost-reply";
/// Gives a request to its service twice.
pub const DUPLICATE: &str = "duplicate";
/// Answers a request with an error.
pub const ERROR_REPLY: &str = "error-reply";
/// The word that ends a fault in schedule files; no kind has this name.
pub(crate) const HEAL: &str = "heal";
/// Whom a fault strikes that strikes every instance.
const ANY: &str = "any";
/// The key that names the service at the other end.
const LINK: &str = "link";
/// The key that says how long it lasts.
const FOR: &str = "for";

/// Whom a fault strikes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Who {
    /// One instance.
    Instance(InstanceId),
    /// Every instance; a fault that strikes one request or process strikes the one at its moment.
    Any,
    /// A service.
    Service(ServiceName),
}

/// One fault: a kind of the registry, with its address and its own keys.
///
/// As text: `partition job#1 link=pg for=4s mode=hold`. Keys that the kind has by default may be
/// absent.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fault {
    /// Name of its kind in the registry.
    pub kind: String,
    /// Whom it strikes.
    pub who: Who,
    /// The service at the other end of the links that it strikes; `None`: all of them.
    pub link: Option<ServiceName>,
    /// How long it lasts at least: its heal waits, in real time, until so much has passed.
    pub lasts: Option<Duration>,
    /// The kind's own keys, as text.
    pub keys: BTreeMap<String, String>,
}

impl Fault {
    /// Returns the fault of this kind without any key.
    pub fn new(kind: &str, who: Who) -> Self {
        Self {
            kind: kind.to_owned(),
            who,
            link: None,
            lasts: None,
            keys: BTreeMap::new(),
        }
    }

    /// Returns the text of an own key, if it is given.
    pub fn key(&self, name: &str) -> Option<&str> {
        self.keys.get(name).map(String::as_str)
    }

    /// Returns the instance that it strikes, where it strikes one.
    pub fn instance(&self) -> Option<InstanceId> {
        match self.who {
            Who::Instance(instance) => Some(instance),
            Who::Any | Who::Service(_) => None,
        }
    }

    /// Returns whether it strikes links between this instance and this service.
    pub fn is_between(&self, instance: InstanceId, service: &ServiceName) -> bool {
        let strikes = match &self.who {
            Who::Instance(one) => *one == instance,
            Who::Any => true,
            Who::Service(name) => name == service,
        };
        strikes && self.link.as_ref().is_none_or(|link| link == service)
    }

    /// Returns the step that injects it. Plain kills and pauses have steps of their own.
    pub fn inject(&self) -> Step {
        match (self.kind.as_str(), self.plain_instance()) {
            (KILL, Some(instance)) => Step::Kill(instance),
            (PAUSE, Some(instance)) => Step::Pause(instance),
            _ => Step::Inject(self.clone()),
        }
    }

    /// Returns the step that heals it.
    pub fn heal(&self) -> Step {
        match (self.kind.as_str(), self.plain_instance()) {
            (PAUSE, Some(instance)) => Step::Resume(instance),
            _ => Step::Heal(self.clone()),
        }
    }

    /// Returns whether other steps than `Inject` stand for it: a lost reply, the end of a pause.
    pub fn is_reserved(&self) -> bool {
        self.kind == LOST_REPLY || self.kind == RESUME
    }

    /// Returns the instance, where nothing but kind and instance is given.
    fn plain_instance(&self) -> Option<InstanceId> {
        let is_plain = self.link.is_none() && self.lasts.is_none() && self.keys.is_empty();
        self.instance().filter(|_| is_plain)
    }

    /// Reads a fault; where the kinds are given it must be among them, and its keys right.
    pub(crate) fn read(tokens: &mut Tokens<'_>, kinds: Option<&Kinds<'_>>) -> Result<Self, Flaw> {
        let (place, kind) = (tokens.next_span(), tokens.word("a kind of fault")?);
        let known = kinds.and_then(|kinds| kinds.find(Family::Faults, &kind));
        if let Some(kinds) = kinds.filter(|_| known.is_none() && kind != RESUME) {
            let mut names: Vec<&str> = kinds.faults.iter().map(|kind| kind.name).collect();
            names.extend((!names.contains(&RESUME)).then_some(RESUME));
            return Err(Flaw {
                code: code::UNKNOWN_KIND,
                message: format!("unknown kind `{}` of fault", escape_cut(&kind, 40)),
                span: place,
                help: choices(&kind, "faults", &names),
            });
        }
        let mut fault = Self::new(&kind, read_who(tokens)?);
        while !tokens.is_end() {
            let (mut place, name) = (tokens.next_span(), tokens.word("KEY=VALUE")?);
            place.end = tokens.position();
            if !tokens.follows('=') {
                return Err(tokens.expected("`=` and a value"));
            }
            let own = known.map_or(&[][..], |kind| kind.keys);
            let key = own.iter().find(|own| own.name == name);
            let is_common = name == LINK || name == FOR;
            if kinds.is_some() && key.is_none() && !is_common {
                let mut names: Vec<&str> = own.iter().map(|key| key.name).collect();
                names.extend([LINK, FOR]);
                return Err(Flaw {
                    code: code::UNKNOWN_KEY,
                    message: format!("unknown key `{}` of fault {kind}", escape_cut(&name, 40)),
                    span: place,
                    help: choices(&name, &format!("keys of {kind}"), &names),
                });
            }
            let at = tokens.next_span();
            let value = tokens.word("a value")?;
            if let Some(Err(help)) = key.map(|key| key.check(&value)) {
                let value = escape_cut(&value, 40);
                return Err(Flaw {
                    code: code::TYPE,
                    message: format!("`{value}` is no value of `{name}`"),
                    span: at,
                    help,
                });
            }
            if !fault.give(&name, value, &at)? {
                return Err(Flaw {
                    code: code::SYNTAX,
                    message: "a key twice".to_owned(),
                    span: place,
                    help: "keep one".to_owned(),
                });
            }
        }
        Ok(fault)
    }

    /// Takes a key; returns whether it was not given before.
    fn give(
        &mut self,
        name: &str,
        value: String,
        place: &std::ops::Range<usize>,
    ) -> Result<bool, Flaw> {
        match name {
            LINK => Ok(self.link.replace(value.as_str().into()).is_none()),
            FOR => {
                let lasts = crate::file::duration(&value).ok_or_else(|| Flaw {
                    code: code::TYPE,
                    message: format!("`{}` is no duration", escape_cut(&value, 40)),
                    span: place.clone(),
                    help: "a number and a unit, from 1ms to 24h: 4s".to_owned(),
                })?;
                Ok(self.lasts.replace(lasts).is_none())
            }
            _ => Ok(self.keys.insert(name.to_owned(), value).is_none()),
        }
    }
}

/// Reads whom a fault strikes.
fn read_who(tokens: &mut Tokens<'_>) -> Result<Who, Flaw> {
    let mut quoted = tokens.clone();
    if let Ok((name, _)) = quoted.string("a service") {
        *tokens = quoted;
        return Ok(Who::Service(name.as_str().into()));
    }
    if tokens.take(ANY) {
        return Ok(Who::Any);
    }
    let text = tokens.peek();
    if text.contains('#') || text.is_empty() {
        return tokens.instance().map(Who::Instance);
    }
    let name = tokens.word("an instance, `any` or a service")?;
    Ok(Who::Service(name.as_str().into()))
}

impl Who {
    /// Reads whom a fault strikes: `job#1`, `any`, or a service's name.
    pub fn parse(text: &str) -> Result<Self, Flaw> {
        let mut tokens = Tokens::new(text, 0);
        let who = read_who(&mut tokens)?;
        tokens.end()?;
        Ok(who)
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Who::Instance(instance) => write!(f, "{instance}"),
            Who::Any => f.write_str(ANY),
            // Bare, this would say that it strikes every instance.
            Who::Service(name) if name.as_str() == ANY => write!(f, "{}", Quoted(ANY)),
            Who::Service(name) => write!(f, "{}", Word(name.as_str())),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind.as_str() {
            // Bare, this would say that a fault ends.
            HEAL => write!(f, "{} {}", Quoted(HEAL), self.who)?,
            kind => write!(f, "{} {}", Word(kind), self.who)?,
        }
        if let Some(link) = &self.link {
            write!(f, " {LINK}={}", Word(link.as_str()))?;
        }
        if let Some(lasts) = self.lasts {
            let lasts = humantime::format_duration(lasts).to_string();
            write!(f, " {FOR}={}", Word(&lasts))?;
        }
        let mut keys = self.keys.iter();
        keys.try_for_each(|(key, value)| write!(f, " {}={}", Word(key), Word(value)))
    }
}

impl FromStr for Fault {
    type Err = Flaw;

    fn from_str(text: &str) -> Result<Self, Flaw> {
        Fault::read(&mut Tokens::new(text, 0), None)
    }
}

impl TryFrom<String> for Fault {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse().map_err(|flaw: Flaw| flaw.message)
    }
}

impl From<Fault> for String {
    fn from(fault: Fault) -> String {
        fault.to_string()
    }
}
