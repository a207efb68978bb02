//! Services: what the target talks to. One file a kind, and a line in [`SERVICES`].

mod files;
mod http;
pub(crate) mod output;
mod postgres;
pub(crate) mod redis;
mod sink;
mod smtp;

use crate::backend::Backend;
use crate::sandbox::{Folder, SandboxError};
use futures_util::future::LocalBoxFuture;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpStream, UnixStream};
use twiceproof_model::diag::Diag;
use twiceproof_model::kind::Kind;
use twiceproof_model::snapshot::{Content, Object, ObjectName};
use twiceproof_model::target::{ServiceSpec, StateSpec};
use twiceproof_model::{Answer, CellChange};

/// Every kind of service, in the order in which the reference lists them.
pub const SERVICES: &[&dyn ServiceKind] = &[
    &postgres::Postgres,
    &redis::Redis,
    &files::Files,
    &smtp::Smtp,
    &http::Http,
];

/// Returns the kind of service with this name.
pub fn find(name: &str) -> Option<&'static dyn ServiceKind> {
    SERVICES
        .iter()
        .copied()
        .find(|service| service.kind().name == name)
}

/// The lab's end of a connection to a service.
#[derive(Debug)]
pub enum ServiceStream {
    /// To a server in a sandbox.
    Tcp(TcpStream),
    /// To a sink inside the harness.
    Unix(UnixStream),
}

/// What a service is started with. One service belongs to one cell.
pub struct ServiceContext<'a> {
    /// What the target's file says of it.
    pub spec: &'a ServiceSpec,
    /// What of its state counts.
    pub state: &'a StateSpec,
    /// Where sandboxes come from.
    pub backend: &'a dyn Backend,
    /// A folder of the cell, private to this service, that is gone after the run.
    pub folder: &'a Path,
    /// Number of the cell, from 1, for names.
    pub cell: u32,
    /// Whether a check asks for the changes of its rows.
    pub history: bool,
}

/// What became of cells in one trial.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// The cells that changed, in the order of commits.
    pub cells: Vec<CellChange>,
    /// Tables of which only new rows are told, since the job made them.
    pub without_old: BTreeSet<String>,
    /// Whether there were more than are kept.
    pub is_cut: bool,
}

/// Why a service failed.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// Its sandbox failed.
    #[error("service {service}: {source}")]
    Sandbox {
        /// Which service.
        service: String,
        /// Why.
        source: SandboxError,
    },
    /// What it needs is not installed, or does not start.
    #[error("service {service}: {message}")]
    Environment {
        /// Which service.
        service: String,
        /// What was tried and what came of it, with the server's last words.
        message: String,
        /// What the user can do.
        hint: String,
    },
    /// What the user gave it is wrong: seed SQL that fails, with file and line.
    #[error("service {service}: {message}")]
    Input {
        /// Which service.
        service: String,
        /// File, line, and what the server said.
        message: String,
    },
    /// It died by itself.
    #[error("service {service} died: {message}")]
    Died {
        /// Which service.
        service: String,
        /// How, with its last words.
        message: String,
    },
}

/// Contents already fetched, by object and hash, so that rows are fetched only where a hash is new.
///
/// Bounded: the oldest make room. A record that holds one keeps it alive.
#[derive(Debug, Default)]
pub struct KnownContents {
    contents: BTreeMap<(ObjectName, String), Arc<Content>>,
    /// What was inserted with its size, the oldest first.
    ages: VecDeque<(ObjectName, String, usize)>,
    bytes: usize,
}

/// The most bytes of contents that are known at a time.
const KNOWN_BYTES_MAX: usize = 24 << 20;

impl KnownContents {
    /// Returns the content of the object under this hash, if it was fetched before.
    pub fn get(&self, object: &ObjectName, hash: &str) -> Option<Arc<Content>> {
        self.contents
            .get(&(object.clone(), hash.to_owned()))
            .cloned()
    }

    /// Keeps a content.
    pub fn insert(&mut self, object: ObjectName, hash: String, content: Arc<Content>) {
        let bytes = hash.len() + crate::source::content_bytes(&content);
        let former = self
            .contents
            .insert((object.clone(), hash.clone()), content);
        if former.is_some() {
            return;
        }
        self.bytes += bytes;
        self.ages.push_back((object, hash, bytes));
        while self.bytes > KNOWN_BYTES_MAX
            && let Some((object, hash, bytes)) = self.ages.pop_front()
        {
            self.bytes -= bytes;
            self.contents.remove(&(object, hash));
        }
    }
}

/// A kind of service: an entry of [`SERVICES`].
pub trait ServiceKind: Sync {
    /// Returns the entry on itself: name, doc, keys of `options`, usual port.
    fn kind(&self) -> &'static Kind;

    /// Returns the name of the protocol that its links speak; `None` if it is not connected to.
    fn protocol(&self) -> Option<&'static str>;

    /// Returns whether it can be stopped and started again.
    fn restarts(&self) -> bool {
        false
    }

    /// Returns whether it keeps leases that the lab can end.
    fn has_leases(&self) -> bool {
        false
    }

    /// Returns the errors in the files that its options name, which its start would trip over.
    fn flaws(&self, spec: &ServiceSpec) -> Vec<Diag> {
        let _ = spec;
        Vec::new()
    }

    /// Starts it, seeds it, and waits until it is usable.
    fn start<'a>(
        &'a self,
        context: ServiceContext<'a>,
    ) -> LocalBoxFuture<'a, Result<Box<dyn Service>, ServiceError>>;
}

/// A running service, seeded. Owned by one cell and used on its thread alone.
pub trait Service {
    /// Returns name and version of what runs, for the record: `PostgreSQL 15.18`.
    fn version(&self) -> String;

    /// Returns the folders that every instance's sandbox must see.
    fn folders(&self) -> Vec<Folder> {
        Vec::new()
    }

    /// Opens a connection for a link. Fails only if the service is gone.
    fn dial(&mut self) -> LocalBoxFuture<'_, Result<ServiceStream, ServiceError>>;

    /// Returns the number of the session that a connection just dialled is, where that is known
    /// before the service says anything.
    fn session(&self, stream: &ServiceStream) -> Option<i32> {
        let _ = stream;
        None
    }

    /// Makes the state that every trial begins with. All links of the former trial are closed.
    fn reset(&mut self) -> LocalBoxFuture<'_, Result<(), ServiceError>>;

    /// Captures the state. All links are closed, or idle.
    ///
    /// An object whose hash `known` has gets its content from there; else it is fetched, within
    /// [`CONTENT_BYTES_MAX`], and added to `known`.
    fn capture<'a>(
        &'a mut self,
        known: &'a mut KnownContents,
    ) -> LocalBoxFuture<'a, Result<BTreeMap<ObjectName, Object>, ServiceError>>;

    /// Returns, for each of the sessions that waits for others inside the service, whom it waits
    /// for.
    ///
    /// `sessions` are the numbers that links of this service were told
    /// ([`twiceproof_wire::Meaning::Session`]), or have by [`Service::session`].
    fn blocked<'a>(
        &'a mut self,
        sessions: &'a [i32],
    ) -> LocalBoxFuture<'a, Result<BTreeMap<i32, Vec<i32>>, ServiceError>>;

    /// Ends a lease as the service would end it when its time is over; returns whether it was there
    /// and is gone. A service that knows no leases ends none.
    fn expire<'a>(&'a mut self, lease: &'a str) -> LocalBoxFuture<'a, Result<bool, ServiceError>> {
        let _ = lease;
        Box::pin(std::future::ready(Ok(false)))
    }

    /// Waits until a lease has ended by itself, and a tenth of its time more; returns how long that
    /// took. `None`: there is none, or it does not end within the bound. A service that knows no
    /// leases has none.
    fn outlive<'a>(
        &'a mut self,
        lease: &'a str,
        bound: Duration,
    ) -> LocalBoxFuture<'a, Result<Option<Duration>, ServiceError>> {
        let _ = (lease, bound);
        Box::pin(std::future::ready(Ok(None)))
    }

    /// Answers a query of a check on the state as it is, which it cannot change. What the service
    /// says against the query itself is part of the answer.
    ///
    /// Kinds of [`twiceproof_model::scenario::SQL_KINDS`] answer; others say that they do not.
    fn ask<'a>(&'a mut self, sql: &'a str) -> LocalBoxFuture<'a, Result<Answer, ServiceError>> {
        let _ = sql;
        let answer = Answer {
            error: Some("this kind of service answers no SQL".to_owned()),
            ..Answer::default()
        };
        Box::pin(std::future::ready(Ok(answer)))
    }

    /// Returns what updates since the last reset made of the cells of these `table.column`
    /// patterns. Told only where [`ServiceContext::history`] asked for it.
    fn changes<'a>(
        &'a mut self,
        columns: &'a [String],
    ) -> LocalBoxFuture<'a, Result<Changes, ServiceError>> {
        let _ = columns;
        Box::pin(std::future::ready(Ok(Changes::default())))
    }

    /// Stops it by our doing; its data stay. Returns whether it could be stopped.
    fn halt(&mut self, halt: Halt) -> LocalBoxFuture<'_, Result<bool, ServiceError>> {
        let _ = halt;
        Box::pin(std::future::ready(Ok(false)))
    }

    /// Starts it again on the data that it was stopped with, and waits until it is usable.
    fn start_again(&mut self) -> LocalBoxFuture<'_, Result<(), ServiceError>> {
        Box::pin(std::future::ready(Ok(())))
    }

    /// Resolves when the service died by itself; never resolves before. Cancel-safe.
    fn died(&mut self) -> LocalBoxFuture<'_, ServiceError>;
}

/// How a service is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Halt {
    /// As an operator does it: sessions are ended, and what was promised is written.
    InOrder,
    /// By SIGKILL, all its processes at once.
    Kill,
}

/// The most bytes of one object's content that are kept.
pub const CONTENT_BYTES_MAX: usize = 8 << 20;
