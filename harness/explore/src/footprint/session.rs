//! What the requests of a trial touch, all in all, in the order in which they were answered: here
//! a footprint may be too large, and never too small.

use super::schema::Schema;
use super::transaction::Session;
use super::{Access, Footprint, Touched, mail, redis, text_bytes_max};
use std::collections::BTreeMap;
use std::sync::Arc;
use twiceproof_model::snapshot::{Content, ObjectName};
use twiceproof_model::{InstanceId, LinkId, Outcome, Reply, Request, ServiceName};

/// The name of the object that a database's schema is.
const SCHEMA: &str = "(schema)";

/// What is known of the services before a trial begins.
#[derive(Clone, Debug, Default)]
pub struct Services {
    /// The kind of each.
    kinds: BTreeMap<ServiceName, String>,
    /// What is known of databases.
    schemas: BTreeMap<ServiceName, Schema>,
    /// Whether an instance may touch anything at any time, unseen.
    is_blind: bool,
}

impl Services {
    /// Reads what the state says that every trial begins with; `rows` returns the rows of one of
    /// its objects.
    pub fn new(
        kinds: &BTreeMap<ServiceName, String>,
        rows: &dyn Fn(&ObjectName) -> Option<Arc<Content>>,
        is_blind: bool,
    ) -> Self {
        let schema = |service: &ServiceName| {
            let content = rows(&ObjectName::new(service, SCHEMA))?;
            Schema::of(&content)
        };
        let databases = kinds.iter().filter(|(_, kind)| *kind == "postgres");
        Self {
            schemas: databases
                .filter_map(|(service, _)| Some((service.clone(), schema(service)?)))
                .collect(),
            kinds: kinds.clone(),
            is_blind,
        }
    }

    /// Returns what an instance touches that sends no request.
    pub(crate) fn silent(&self) -> Footprint {
        if self.is_blind {
            Footprint::Unknown
        } else {
            Footprint::nothing()
        }
    }
}

/// The sessions of one trial.
pub(crate) struct Sessions {
    services: Arc<Services>,
    links: BTreeMap<LinkId, Session>,
}

impl Sessions {
    pub(crate) fn new(services: &Arc<Services>) -> Self {
        Self {
            services: Arc::clone(services),
            links: BTreeMap::new(),
        }
    }

    /// Returns what a request touches that was answered.
    pub(crate) fn answered(&mut self, request: &Request, reply: &Reply) -> Footprint {
        let mut touched = self.read(request, reply);
        // What became of a request whose link ended first, nobody knows.
        if reply.outcome == Outcome::Unknown {
            self.links.entry(request.link.clone()).or_default().lose();
            touched = None;
        }
        self.footprint(&request.link.service, touched)
    }

    /// Returns what a request touches that waits in the service.
    pub(crate) fn waits(&mut self, request: &Request) -> Footprint {
        let before = self.links.get(&request.link).cloned();
        let mut reply = Reply::unknown();
        let kind = self.services.kinds.get(&request.link.service);
        // No reply says yet whether a query writes: one without a bracket calls nothing.
        reply.writes =
            kind.is_none_or(|kind| kind != "postgres") || request.signature.text.contains('(');
        let touched = self.read(request, &reply);
        match before {
            Some(before) => self.links.insert(request.link.clone(), before),
            None => self.links.remove(&request.link),
        };
        self.footprint(&request.link.service, touched)
    }

    /// Returns what the end of a link touches.
    pub(crate) fn closed(&mut self, link: &LinkId) -> Footprint {
        match self.links.remove(link) {
            Some(mut session) => self.footprint(&link.service, session.close()),
            None => self.services.silent(),
        }
    }

    /// Returns what the end of an instance touches: that of its links.
    pub(crate) fn exited(&mut self, who: InstanceId) -> Footprint {
        let links = self.links.keys().filter(|link| link.instance == who);
        let links: Vec<LinkId> = links.cloned().collect();
        let mut all = self.services.silent();
        for link in links {
            all.join(self.closed(&link));
        }
        all
    }

    fn read(&mut self, request: &Request, reply: &Reply) -> Touched {
        let service = &request.link.service;
        let text = &request.signature.text;
        let kind = self.services.kinds.get(service)?;
        let is_whole = text.len() <= text_bytes_max(kind);
        match kind.as_str() {
            "postgres" => {
                let schema = self.services.schemas.get(service);
                let session = self.links.entry(request.link.clone()).or_default();
                if !is_whole {
                    session.lose();
                    return None;
                }
                session.request(schema, text, reply)
            }
            "redis" if is_whole && redis::tells_all(text) => redis::read(text, reply),
            "smtp" if is_whole => mail::read(text, reply),
            // A program may stand behind a path of HTTP, and data of files is read and written
            // unseen.
            _ => None,
        }
    }

    fn footprint(&self, service: &ServiceName, touched: Touched) -> Footprint {
        match touched.filter(|_| !self.services.is_blind) {
            None => Footprint::Unknown,
            Some(touched) => {
                let touched = touched.into_iter();
                let object = |(object, access): (String, Access)| (service.clone(), object, access);
                Footprint::Known(touched.map(object).collect())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{reply, request};
    use super::*;

    fn services(kind: &str, is_blind: bool) -> Arc<Services> {
        let kinds = BTreeMap::from([("db".into(), kind.to_owned())]);
        Arc::new(Services::new(&kinds, &|_| None, is_blind))
    }

    #[track_caller]
    fn check(kind: &str, text: &str, is_known: bool) {
        let mut sessions = Sessions::new(&services(kind, false));
        let found = sessions.answered(&request("db", text), &reply(true));
        assert_eq!(found != Footprint::Unknown, is_known, "{kind} {text}");
        let mut sessions = Sessions::new(&services(kind, true));
        let found = sessions.answered(&request("db", text), &reply(true));
        assert_eq!(found, Footprint::Unknown, "{kind} {text}");
    }

    #[test]
    fn only_what_is_told_whole_is_known() {
        check("redis", "SET lock ?", true);
        check("redis", "EVAL 63143b6f 1 lock ?", false);
        check("redis", "CLIENT LIST", false);
        check("smtp", "DATA", true);
        check("postgres", "BEGIN", true);
        check("postgres", "UPDATE t SET a = ?", false);
        check("http", "GET /jobs", false);
        check("files", "create-new a.lock", false);
        check("tcp", "burst", false);
    }

    #[test]
    fn a_request_that_waits_changes_nothing_of_its_session() {
        let mut sessions = Sessions::new(&services("postgres", false));
        let begin = request("db", "BEGIN");
        assert_eq!(sessions.waits(&begin), Footprint::nothing());
        assert!(sessions.links.is_empty());
        let mut unknown = Reply::unknown();
        unknown.writes = false;
        assert_eq!(sessions.answered(&begin, &unknown), Footprint::Unknown);
        // What became of it, nobody knows: so its end may be that of a transaction.
        assert_eq!(sessions.exited(begin.id.instance), Footprint::Unknown);
        assert_eq!(sessions.exited(begin.id.instance), Footprint::nothing());
    }
}
