//! A mail sink inside the harness: accepts every mail, delivers none; the mails are its state.

mod session;

use crate::service::{
    KnownContents, Service, ServiceContext, ServiceError, ServiceKind, ServiceStream,
};
use crate::source::is_compared;
use crate::source::mail::{self, Mail};
use futures_util::future::{LocalBoxFuture, ready};
use rustix::io::Errno;
use rustix::net::{RecvFlags, recv};
use session::{GREETING, Session};
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, Weak};
use tokio::io::Interest;
use tokio::net::UnixStream;
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

/// Name of the one object.
const MAILS: &str = "(mails)";

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
        let name = ObjectName::new(&context.spec.name, MAILS);
        let started: Result<Box<dyn Service>, _> = match context.spec.seed.is_empty() {
            false => Err(ServiceError::Input {
                service: context.spec.name.as_str().to_owned(),
                message: "a mail sink begins empty; it takes no seed".to_owned(),
            }),
            true => Ok(Box::new(Running {
                is_compared: is_compared(&context.state.tables, MAILS),
                name,
                mailbox: Arc::default(),
                connections: Vec::new(),
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

/// One connection, from the sink's side.
struct Connection {
    stream: UnixStream,
    session: Mutex<Session>,
    mailbox: Arc<Mutex<Mailbox>>,
}

impl Connection {
    /// Reads all that has come; returns what to answer, or `None` at the end of the stream. Would
    /// block if nothing has come.
    ///
    /// Asks the socket itself and not the runtime, so that a capture can take in what a job sent as
    /// its last act.
    fn take_in(&self) -> io::Result<Option<Vec<u8>>> {
        let mut session = self.session.lock().expect("no holder of this lock panics");
        let mut mailbox = self.mailbox.lock().expect("no holder of this lock panics");
        let mut buffer = [0; 16 << 10];
        let mut replies = Vec::new();
        let mut something = false;
        loop {
            let count = match recv(&self.stream, &mut buffer, RecvFlags::DONTWAIT) {
                Ok((0, _)) => return Ok(None),
                Ok((count, _)) => count,
                Err(Errno::AGAIN) if something => return Ok(Some(replies)),
                Err(Errno::INTR) => continue,
                Err(error) => return Err(error.into()),
            };
            something = true;
            let mut mails = Vec::new();
            session.feed(&buffer[..count], &mut replies, &mut mails);
            for mail in mails {
                mailbox.bytes += mail.data.len();
                if mailbox.mails.len() >= MAILS_MAX || mailbox.bytes > BYTES_MAX {
                    return Err(io::Error::other("the mailbox is full"));
                }
                mailbox.mails.push(mail);
            }
        }
    }

    /// Answers until either side takes leave.
    async fn serve(self: Arc<Self>) -> io::Result<()> {
        self.write(GREETING).await?;
        loop {
            let Some(replies) = self
                .stream
                .async_io(Interest::READABLE, || self.take_in())
                .await?
            else {
                return Ok(());
            };
            self.write(&replies).await?;
            if self
                .session
                .lock()
                .expect("no holder of this lock panics")
                .is_closed()
            {
                return Ok(());
            }
        }
    }

    async fn write(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            self.stream.writable().await?;
            match self.stream.try_write(bytes) {
                Ok(count) => bytes = &bytes[count..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// A running sink.
struct Running {
    name: ObjectName,
    is_compared: bool,
    mailbox: Arc<Mutex<Mailbox>>,
    connections: Vec<(Weak<Connection>, tokio::task::AbortHandle)>,
}

impl Running {
    fn hang_up(&mut self) {
        for (_, task) in self.connections.drain(..) {
            task.abort();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.hang_up();
    }
}

impl Service for Running {
    fn version(&self) -> String {
        "sink".to_owned()
    }

    fn dial(&mut self) -> LocalBoxFuture<'_, Result<ServiceStream, ServiceError>> {
        let dialed = UnixStream::pair().map(|(theirs, stream)| {
            let connection = Arc::new(Connection {
                stream,
                session: Mutex::default(),
                mailbox: self.mailbox.clone(),
            });
            let kept = Arc::downgrade(&connection);
            let task = tokio::spawn(async move {
                // A link that breaks is the job's business, and ends the session.
                let _ = connection.serve().await;
            });
            self.connections
                .retain(|(connection, _)| connection.strong_count() > 0);
            self.connections.push((kept, task.abort_handle()));
            ServiceStream::Unix(theirs)
        });
        Box::pin(ready(dialed.map_err(|error| ServiceError::Environment {
            service: self.name.service.as_str().to_owned(),
            message: format!("cannot make a socket: {error}"),
            hint: "are there too many open files?".to_owned(),
        })))
    }

    fn reset(&mut self) -> LocalBoxFuture<'_, Result<(), ServiceError>> {
        self.hang_up();
        // Another mailbox, so that what a former link still says is lost.
        self.mailbox = Arc::default();
        Box::pin(ready(Ok(())))
    }

    fn capture<'a>(
        &'a mut self,
        known: &'a mut KnownContents,
    ) -> LocalBoxFuture<'a, Result<BTreeMap<ObjectName, Object>, ServiceError>> {
        Box::pin(async move {
            for connection in self
                .connections
                .iter()
                .filter_map(|(weak, _)| weak.upgrade())
            {
                // An error is told to the link's own task as well.
                if let Ok(Some(replies)) = connection.take_in() {
                    let _ = connection.write(&replies).await;
                }
            }
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
