//! A mail sink inside the harness: accepts every mail, delivers none; the mails are its state.

mod session;

use crate::service::sink::{self, Connections};
use crate::service::{
    KnownContents, Service, ServiceContext, ServiceError, ServiceKind, ServiceStream,
};
use crate::source::is_compared;
use crate::source::mail::{self, Mail};
use futures_util::future::{LocalBoxFuture, ready};
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};
use twiceproof_model::effect::MAILS;
use twiceproof_model::kind::Kind;
use twiceproof_model::snapshot::{Object, ObjectName};

/// The registry entry.
pub(super) struct Smtp;

const KIND: Kind = Kind {
    name: "smtp",
    doc: "A mail sink: accepts every mail and delivers none; the mails are compared.",
    keys: &[],
    port: Some(25),
};

/// Most mails, and bytes of mails, that a trial can send before the sink refuses more.
const MAILS_MAX: usize = 10_000;
const BYTES_MAX: usize = 64 << 20;

impl ServiceKind for Smtp {
    fn kind(&self) -> &'static Kind {
        &KIND
    }

    fn protocol(&self) -> Option<&'static str> {
        Some("smtp")
    }

    fn start<'a>(
        &'a self,
        context: ServiceContext<'a>,
    ) -> LocalBoxFuture<'a, Result<Box<dyn Service>, ServiceError>> {
        let name = ObjectName::new(&context.spec.name, MAILS.object);
        let started: Result<Box<dyn Service>, _> = match context.spec.seed.is_empty() {
            false => Err(ServiceError::Input {
                service: context.spec.name.as_str().to_owned(),
                message: "a mail sink begins empty; it takes no seed".to_owned(),
            }),
            true => Ok(Box::new(Running {
                is_compared: is_compared(&context.state.tables, MAILS.object),
                name,
                mailbox: Arc::default(),
                connections: Connections::default(),
            })),
        };
        Box::pin(ready(started))
    }
}

/// What was accepted.
#[derive(Default)]
struct Mailbox {
    mails: Vec<Mail>,
    bytes: usize,
}

/// A session and where its mails go.
struct Mailing {
    session: session::Session,
    mailbox: Arc<Mutex<Mailbox>>,
}

impl sink::Session for Mailing {
    const GREETING: &'static [u8] = session::GREETING;

    fn feed(&mut self, bytes: &[u8], replies: &mut Vec<u8>) -> io::Result<()> {
        let mut mails = Vec::new();
        self.session.feed(bytes, replies, &mut mails);
        let mut mailbox = self.mailbox.lock().expect("no holder of this lock panics");
        for mail in mails {
            mailbox.bytes += mail.data.len();
            if mailbox.mails.len() >= MAILS_MAX || mailbox.bytes > BYTES_MAX {
                return Err(io::Error::other("the mailbox is full"));
            }
            mailbox.mails.push(mail);
        }
        Ok(())
    }

    fn is_closed(&self) -> bool {
        self.session.is_closed()
    }
}

/// A running sink.
struct Running {
    name: ObjectName,
    is_compared: bool,
    mailbox: Arc<Mutex<Mailbox>>,
    connections: Connections<Mailing>,
}

impl Service for Running {
    fn version(&self) -> String {
        "sink".to_owned()
    }

    fn dial(&mut self) -> LocalBoxFuture<'_, Result<ServiceStream, ServiceError>> {
        let dialed = self.connections.open(Mailing {
            session: session::Session::default(),
            mailbox: self.mailbox.clone(),
        });
        Box::pin(ready(dialed.map_err(|error| ServiceError::Environment {
            service: self.name.service.as_str().to_owned(),
            message: format!("cannot make a socket: {error}"),
            hint: "are there too many open files?".to_owned(),
        })))
    }

    fn reset(&mut self) -> LocalBoxFuture<'_, Result<(), ServiceError>> {
        self.connections.hang_up();
        // Another mailbox, so that what a former link still says is lost.
        self.mailbox = Arc::default();
        Box::pin(ready(Ok(())))
    }

    fn capture<'a>(
        &'a mut self,
        known: &'a mut KnownContents,
    ) -> LocalBoxFuture<'a, Result<BTreeMap<ObjectName, Object>, ServiceError>> {
        Box::pin(async move {
            self.connections.take_in();
            let mailbox = self.mailbox.lock().expect("no holder of this lock panics");
            let mut objects = BTreeMap::new();
            if self.is_compared {
                let object = mail::object(&mailbox.mails, self.name.clone(), known);
                objects.insert(self.name.clone(), object);
            }
            Ok(objects)
        })
    }

    fn blocked<'a>(
        &'a mut self,
        _sessions: &'a [i32],
    ) -> LocalBoxFuture<'a, Result<BTreeMap<i32, Vec<i32>>, ServiceError>> {
        Box::pin(ready(Ok(BTreeMap::new())))
    }

    fn died(&mut self) -> LocalBoxFuture<'_, ServiceError> {
        Box::pin(std::future::pending())
    }
}
