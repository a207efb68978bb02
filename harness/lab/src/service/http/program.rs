//! A real web service in a sandbox of its own, behind relays that write down what it takes.

use super::book::Book;
use super::recorder::Recorder;
use crate::sandbox::{
    Folder, Host, Occupant, Sandbox, SandboxError, SandboxEvent, SandboxSpec, StartId, StartSpec,
};
use crate::service::output::{Tail, one_line};
use crate::service::{ServiceContext, ServiceError, ServiceStream};
use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::task::JoinHandle;
use twiceproof_model::Exit;

/// Longest time from the start of a program to the first connection.
const READY_WAIT_MAX: Duration = Duration::from_secs(30);
/// How often a connection is tried until then.
const READY_POLL: Duration = Duration::from_millis(2);
/// Longest time in which a program must answer those who have said their last word.
const SETTLE_WAIT_MAX: Duration = Duration::from_secs(5);
/// How often relays are looked at until then.
const SETTLE_POLL: Duration = Duration::from_millis(1);
/// How long a program that refuses a connection may take to end.
const DEATH_WAIT_MAX: Duration = Duration::from_millis(200);

/// A program, and the relays to it.
pub(super) struct Program {
    service: String,
    sandbox: Sandbox,
    spec: ProgramSpec,
    start: StartId,
    log: Tail,
    exit: Option<Exit>,
    lost: Option<String>,
    relays: Vec<Relay>,
    /// Whether anybody connected since the start.
    is_used: bool,
}

struct ProgramSpec {
    argv: Vec<String>,
    env: BTreeMap<String, String>,
    workdir: PathBuf,
    port: u16,
}

struct Relay {
    task: JoinHandle<()>,
    /// Whether the link has said its last word.
    is_asked_last: Arc<AtomicBool>,
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Program {
    /// Opens a sandbox, starts the program in it, and waits until it can be connected to.
    pub(super) async fn open(context: &ServiceContext<'_>) -> Result<Self, ServiceError> {
        let service = context.spec.name.as_str().to_owned();
        let options = &context.spec.options;
        let text = |name: &str| options.get(name).map_or("", String::as_str);
        let folder = options.get("folder").map(PathBuf::from);
        let port: Option<u16> = text("listen").parse().ok();
        let port = port.unwrap_or_else(|| super::PORT.parse().expect("the default is a port"));
        let pairs = text("env").lines().filter_map(|line| line.split_once('='));
        let mut env: BTreeMap<String, String> = pairs
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        env.insert("PORT".to_owned(), port.to_string());
        let spec = ProgramSpec {
            argv: text("command").lines().map(str::to_owned).collect(),
            env,
            workdir: folder.clone().unwrap_or_else(|| PathBuf::from("/")),
            port,
        };
        let opened = context.backend.open(SandboxSpec {
            name: format!("{service}-{}", context.cell),
            occupant: Occupant::Service,
            host: Host::Own,
            listen: Vec::new(),
            hosts: Vec::new(),
            folders: folder
                .into_iter()
                .map(|folder| Folder {
                    host: folder.clone(),
                    inside: folder,
                    writable: false,
                })
                .collect(),
            image: context.spec.image.clone(),
            fresh: true,
        });
        let failed = |source| ServiceError::Sandbox {
            service: service.clone(),
            source,
        };
        let mut sandbox = opened.await.map_err(failed)?;
        let (start, log) = launch(&mut sandbox, &spec, &service).await?;
        let mut program = Self {
            service,
            sandbox,
            spec,
            start,
            log,
            exit: None,
            lost: None,
            relays: Vec::new(),
            is_used: false,
        };
        program.await_ready().await?;
        Ok(program)
    }

    /// Returns the name of the program.
    pub(super) fn name(&self) -> &str {
        self.spec.argv.first().map_or("program", String::as_str)
    }

    /// Starts the program anew, if anybody has connected to it.
    pub(super) async fn renew(&mut self) -> Result<(), ServiceError> {
        self.relays.clear();
        if !std::mem::take(&mut self.is_used) {
            return Ok(());
        }
        let cleaned = self.sandbox.clean().await;
        cleaned.map_err(|source| self.failed(source))?;
        self.exit = None;
        (self.start, self.log) = launch(&mut self.sandbox, &self.spec, &self.service).await?;
        self.await_ready().await
    }

    /// Opens a connection whose requests are written into this book.
    pub(super) async fn dial(
        &mut self,
        book: Arc<Mutex<Book>>,
    ) -> Result<ServiceStream, ServiceError> {
        self.is_used = true;
        let server = match self.try_dial().await? {
            Some(server) => server,
            None => {
                let ended = tokio::time::timeout(DEATH_WAIT_MAX, self.ended()).await;
                return Err(match ended {
                    Ok(()) => self.death().await,
                    Err(_) => self.environment("it refuses connections"),
                });
            }
        };
        let pair = UnixStream::pair();
        let (theirs, link) = pair.map_err(|error| {
            let message = format!("cannot make a socket: {error}");
            self.environment(&message)
        })?;
        let is_asked_last = Arc::new(AtomicBool::new(false));
        let last = is_asked_last.clone();
        let task = tokio::spawn(async move {
            // A link that breaks is the job's business.
            let _ = relay(link, server, Recorder::new(book), &last).await;
            last.store(true, Ordering::Relaxed);
        });
        self.relays.retain(|relay| !relay.task.is_finished());
        self.relays.push(Relay {
            task,
            is_asked_last,
        });
        Ok(ServiceStream::Unix(theirs))
    }

    /// Waits until the program has answered those who have said their last word.
    pub(super) async fn settle(&mut self) {
        let since = Instant::now();
        // Relays first read what links have left for them.
        tokio::time::sleep(SETTLE_POLL).await;
        while since.elapsed() < SETTLE_WAIT_MAX {
            let waits = |relay: &Relay| {
                !relay.task.is_finished() && relay.is_asked_last.load(Ordering::Relaxed)
            };
            if !self.relays.iter().any(waits) {
                return;
            }
            tokio::time::sleep(SETTLE_POLL).await;
        }
    }

    /// Resolves when the program is gone without having been asked to; never before.
    pub(super) async fn died(&mut self) -> ServiceError {
        self.ended().await;
        self.death().await
    }

    async fn await_ready(&mut self) -> Result<(), ServiceError> {
        let since = Instant::now();
        loop {
            if self.try_dial().await?.is_some() {
                return Ok(());
            }
            let ended = tokio::time::timeout(READY_POLL, self.ended()).await;
            let port = self.spec.port;
            if ended.is_ok() {
                let words = self.words().await;
                let message = format!("{} ended before it listened: {words}", self.name());
                return Err(self.environment(&message));
            }
            if since.elapsed() > READY_WAIT_MAX {
                let words = self.log.last_lines(5);
                let message = format!(
                    "{} does not listen on port {port} after {READY_WAIT_MAX:?}: {words}",
                    self.name()
                );
                return Err(self.environment(&message));
            }
        }
    }

    async fn try_dial(&mut self) -> Result<Option<TcpStream>, ServiceError> {
        match self.sandbox.dial(self.spec.port).await {
            Ok(stream) => {
                let stream = TcpStream::from_std(stream);
                let stream = stream.map_err(|error| self.environment(&error.to_string()))?;
                let _ = stream.set_nodelay(true);
                Ok(Some(stream))
            }
            Err(SandboxError::Lost { reason, .. }) => {
                self.lost.get_or_insert(reason);
                Err(self.death().await)
            }
            Err(_) => Ok(None),
        }
    }

    /// Resolves once the program is gone. Cancel-safe.
    async fn ended(&mut self) {
        while self.exit.is_none() && self.lost.is_none() {
            match self.sandbox.next_event().await {
                SandboxEvent::Exited { start, exit } if start == self.start => {
                    self.exit = Some(exit);
                }
                SandboxEvent::Lost(reason) => self.lost = Some(reason),
                _ => {}
            }
        }
    }

    async fn death(&mut self) -> ServiceError {
        let how = match (self.exit, &self.lost) {
            (Some(exit), _) => exit.to_string(),
            (None, Some(reason)) => format!("its sandbox is gone, {reason}"),
            (None, None) => "it does not answer".to_owned(),
        };
        let words = self.words().await;
        ServiceError::Died {
            service: self.service.clone(),
            message: format!("{how}: {words}"),
        }
    }

    /// Returns the last words of a program that is gone, once they have all come.
    async fn words(&mut self) -> String {
        // Children may hold the pipe a little longer.
        let _ = tokio::time::timeout(DEATH_WAIT_MAX, self.log.ended()).await;
        match self.log.last_lines(5) {
            said if said.is_empty() => "it said nothing".to_owned(),
            said => said,
        }
    }

    fn failed(&self, source: SandboxError) -> ServiceError {
        ServiceError::Sandbox {
            service: self.service.clone(),
            source,
        }
    }

    fn environment(&self, message: &str) -> ServiceError {
        environment(&self.service, message)
    }
}

fn environment(service: &str, message: &str) -> ServiceError {
    ServiceError::Environment {
        service: service.to_owned(),
        message: one_line(message),
        hint: "do the options `command`, `folder` and `listen` fit?".to_owned(),
    }
}

async fn launch(
    sandbox: &mut Sandbox,
    spec: &ProgramSpec,
    service: &str,
) -> Result<(StartId, Tail), ServiceError> {
    let piped = Tail::open();
    let (log, output) = piped.map_err(|error| environment(service, &error.to_string()))?;
    let started = sandbox.start(StartSpec {
        argv: spec.argv.clone(),
        env: spec.env.clone(),
        workdir: spec.workdir.clone(),
        stdin: None,
        output,
        tapped: twiceproof_shim::Tapped::NOTHING,
    });
    let start = started.await.map_err(|source| ServiceError::Sandbox {
        service: service.to_owned(),
        source,
    })?;
    Ok((start, log))
}

/// Copies both ways until both have ended.
async fn relay(
    link: UnixStream,
    server: TcpStream,
    recorder: Recorder,
    is_asked_last: &AtomicBool,
) -> io::Result<()> {
    let recorder = Mutex::new(recorder);
    let record = |note: &dyn Fn(&mut Recorder)| {
        note(&mut recorder.lock().expect("no holder of this lock panics"));
    };
    let (mut from_link, mut to_link) = link.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let up = async {
        let mut bytes = vec![0; 64 << 10];
        while let count @ 1.. = from_link.read(&mut bytes).await? {
            record(&|recorder| recorder.asked(&bytes[..count]));
            to_server.write_all(&bytes[..count]).await?;
        }
        is_asked_last.store(true, Ordering::Relaxed);
        to_server.shutdown().await
    };
    let down = async {
        let mut bytes = vec![0; 64 << 10];
        while let count @ 1.. = from_server.read(&mut bytes).await? {
            record(&|recorder| recorder.answered(&bytes[..count]));
            to_link.write_all(&bytes[..count]).await?;
        }
        record(&|recorder| recorder.end());
        to_link.shutdown().await
    };
    let (up, down) = tokio::join!(up, down);
    up.and(down)
}
