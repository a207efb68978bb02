//! A Redis server in a sandbox of its own: found, started, stopped.

use crate::sandbox::{
    Host, Occupant, Sandbox, SandboxError, SandboxEvent, SandboxSpec, Scope, StartId, StartSpec,
};
use crate::service::output::{Tail, one_line};
use crate::service::{Halt, ServiceContext, ServiceError};
use rustix::process::Signal;
use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use twiceproof_model::Exit;

/// Where the server listens inside its sandbox.
pub(super) const PORT: u16 = 6379;

/// Where a service's sandbox has its tmpfs.
const DATA: &str = "/twiceproof/data";

/// Image of the docker backend, if the target names none.
const IMAGE: &str = "redis:7";

/// Oldest major version: the first with functions, and with what RESET and CONFIG are asked here.
const MAJOR_MIN: u32 = 7;

/// Longest time from the start of the server to its first answer.
const READY_WAIT_MAX: Duration = Duration::from_secs(30);

/// How often a connection is tried until then.
const READY_POLL: Duration = Duration::from_millis(1);

/// Longest time that a stop may take.
const STOP_WAIT_MAX: Duration = Duration::from_secs(10);

/// Longest wait for the news that a server is dead, once its connection broke.
const DEATH_WAIT_MAX: Duration = Duration::from_millis(200);

/// How the server is configured beside its defaults: nothing is kept on a disk.
const SETTINGS: &[&str] = &[
    "--bind",
    "127.0.0.1",
    "--save",
    "",
    "--appendonly",
    "no",
    "--daemonize",
    "no",
    "--databases",
    "16",
    "--dir",
    DATA,
];

/// A server, or what is left of one.
pub(super) struct Server {
    service: String,
    sandbox: Sandbox,
    version: String,
    password: String,
    running: Option<StartId>,
    log: Option<Tail>,
    exits: BTreeMap<StartId, Exit>,
    lost: Option<String>,
}

impl Server {
    /// Opens the sandbox and asks the program for its version.
    pub(super) async fn open(
        context: &ServiceContext<'_>,
        password: String,
    ) -> Result<Self, ServiceError> {
        let service = context.spec.name.as_str().to_owned();
        let spec = SandboxSpec {
            name: format!("{service}-{}", context.cell),
            occupant: Occupant::Service,
            host: Host::Own,
            listen: Vec::new(),
            hosts: Vec::new(),
            folders: Vec::new(),
            image: Some(context.spec.image.as_deref().unwrap_or(IMAGE).to_owned()),
            fresh: false,
        };
        let opened = context.backend.open(spec).await;
        let sandbox = opened.map_err(|source| sandbox_error(&service, source))?;
        let mut server = Self {
            service,
            sandbox,
            version: String::new(),
            password,
            running: None,
            log: None,
            exits: BTreeMap::new(),
            lost: None,
        };
        server.find().await?;
        Ok(server)
    }

    /// Returns name and version: `Redis 7.0.15`.
    pub(super) fn version(&self) -> &str {
        &self.version
    }

    /// Starts a server without any data, in place of the one that runs.
    pub(super) async fn start_fresh(&mut self) -> Result<(), ServiceError> {
        self.stop().await?;
        self.launch().await
    }

    /// Starts a server.
    pub(super) async fn launch(&mut self) -> Result<(), ServiceError> {
        let (log, output) = Tail::open().map_err(|error| self.no_pipe(&error))?;
        let port = PORT.to_string();
        let mut words = vec!["redis-server", "--port", &port];
        words.extend(SETTINGS);
        if !self.password.is_empty() {
            words.extend(["--requirepass", &self.password]);
        }
        let argv = words.into_iter().map(str::to_owned).collect();
        self.running = Some(self.spawn(argv, output).await?);
        self.log = Some(log);
        Ok(())
    }

    /// Opens a connection to a server that is starting.
    pub(super) async fn first_dial(&mut self) -> Result<TcpStream, ServiceError> {
        let since = Instant::now();
        loop {
            if let Some(stream) = self.try_dial().await? {
                return Ok(stream);
            }
            let pause = tokio::time::sleep(READY_POLL);
            tokio::select! {
                biased;
                () = Self::gone(&mut self.sandbox, &mut self.exits, &mut self.lost, self.running) => {
                    let words = self.words().await;
                    return Err(self.environment(format!("the server does not start: {words}"), START_HINT));
                }
                () = pause => {}
            }
            if since.elapsed() > READY_WAIT_MAX {
                let words = self.words().await;
                let message = format!("the server is not ready after {READY_WAIT_MAX:?}: {words}");
                return Err(self.environment(message, START_HINT));
            }
        }
    }

    /// Opens a connection to a server that is up.
    pub(super) async fn dial(&mut self) -> Result<TcpStream, ServiceError> {
        match self.try_dial().await? {
            Some(stream) => Ok(stream),
            None => Err(self.death_or("it refuses connections").await),
        }
    }

    /// Opens a connection; `None` while the server does not listen.
    async fn try_dial(&mut self) -> Result<Option<TcpStream>, ServiceError> {
        match self.sandbox.dial(PORT).await {
            Ok(stream) => {
                let stream = TcpStream::from_std(stream);
                stream.map(Some).map_err(|error| self.no_pipe(&error))
            }
            Err(SandboxError::Lost { reason, .. }) => {
                self.lost.get_or_insert(reason);
                Err(self.died_saying(&self.words_now()))
            }
            Err(_) => Ok(None),
        }
    }

    /// Resolves when the server is gone without having been asked to; never before.
    pub(super) async fn died(&mut self) -> ServiceError {
        Self::gone(
            &mut self.sandbox,
            &mut self.exits,
            &mut self.lost,
            self.running,
        )
        .await;
        let words = self.words().await;
        self.died_saying(&words)
    }

    /// Returns the error of a connection that broke: the server's death if it is dead or dies at
    /// once, else this.
    pub(super) async fn death_or(&mut self, message: &str) -> ServiceError {
        let gone = Self::gone(
            &mut self.sandbox,
            &mut self.exits,
            &mut self.lost,
            self.running,
        );
        match tokio::time::timeout(DEATH_WAIT_MAX, gone).await {
            Ok(()) => self.died_saying(&self.words_now()),
            Err(_) => self.environment(message.to_owned(), "the server's log may say more"),
        }
    }

    /// Runs the program for its version: `Redis server v=7.0.15 sha=00000000:0 ...`.
    async fn find(&mut self) -> Result<(), ServiceError> {
        let hint = "install Redis 7 or later, so that `redis-server` is in PATH";
        let said = match self.run(&["redis-server", "--version"]).await {
            Ok((Exit::Code(0), said)) => said,
            Ok((exit, said)) => {
                let words = one_line(&said);
                let message = format!("`redis-server --version` ended with {exit}: {words}");
                return Err(self.environment(message, hint));
            }
            Err(ServiceError::Sandbox {
                source: SandboxError::Start { reason, .. },
                ..
            }) => {
                let message = format!("cannot start redis-server: {reason}");
                return Err(self.environment(message, hint));
            }
            Err(error) => return Err(error),
        };
        let number = said
            .split_whitespace()
            .find_map(|word| word.strip_prefix("v="));
        let number = number.unwrap_or("of unknown version");
        self.version = format!("Redis {}", one_line(number));
        let major: String = number.chars().take_while(char::is_ascii_digit).collect();
        match major.parse::<u32>() {
            Ok(major) if major < MAJOR_MIN => {
                Err(self.environment(format!("{} is too old", self.version), hint))
            }
            _ => Ok(()),
        }
    }

    /// Stops the server, if one runs. It keeps nothing, so it is killed.
    async fn stop(&mut self) -> Result<(), ServiceError> {
        self.end_by(Signal::KILL).await
    }

    /// Stops the server. What it has is lost: it writes nothing to a disk.
    pub(super) async fn halt(&mut self, halt: Halt) -> Result<(), ServiceError> {
        match halt {
            Halt::InOrder => self.end_by(Signal::TERM).await,
            Halt::Kill => self.end_by(Signal::KILL).await,
        }
    }

    async fn end_by(&mut self, signal: Signal) -> Result<(), ServiceError> {
        let Some(start) = self.running.take() else {
            return Ok(());
        };
        let sent = self.sandbox.signal(start, Scope::Process, signal.as_raw());
        let killed = sent.await;
        killed.map_err(|source| sandbox_error(&self.service, source))?;
        let gone = Self::gone(
            &mut self.sandbox,
            &mut self.exits,
            &mut self.lost,
            Some(start),
        );
        match tokio::time::timeout(STOP_WAIT_MAX, gone).await {
            Ok(()) => Ok(()),
            Err(_) => Err(self.environment("the server does not stop".to_owned(), START_HINT)),
        }
    }

    /// Runs a program to its end. Returns how it ended and the last of what it said.
    async fn run(&mut self, argv: &[&str]) -> Result<(Exit, String), ServiceError> {
        let (mut tail, output) = Tail::open().map_err(|error| self.no_pipe(&error))?;
        let argv = argv.iter().map(|word| (*word).to_owned()).collect();
        let start = self.spawn(argv, output).await?;
        Self::gone(
            &mut self.sandbox,
            &mut self.exits,
            &mut self.lost,
            Some(start),
        )
        .await;
        match self.exits.remove(&start) {
            Some(exit) => {
                tail.ended().await;
                Ok((exit, tail.text()))
            }
            None => Err(self.died_saying("it did not end")),
        }
    }

    async fn spawn(&mut self, argv: Vec<String>, output: OwnedFd) -> Result<StartId, ServiceError> {
        let spec = StartSpec {
            argv,
            env: BTreeMap::from([("LC_ALL".to_owned(), "C".to_owned())]),
            workdir: PathBuf::from(DATA),
            stdin: None,
            output,
            tapped: twiceproof_shim::Tapped::NOTHING,
        };
        let started = self.sandbox.start(spec).await;
        started.map_err(|source| sandbox_error(&self.service, source))
    }

    /// Waits until the start is gone. Cancel-safe, as the sandbox's events are.
    async fn gone(
        sandbox: &mut Sandbox,
        exits: &mut BTreeMap<StartId, Exit>,
        lost: &mut Option<String>,
        start: Option<StartId>,
    ) {
        while lost.is_none() && !start.is_some_and(|start| exits.contains_key(&start)) {
            match sandbox.next_event().await {
                SandboxEvent::Exited { start, exit } => {
                    exits.insert(start, exit);
                }
                SandboxEvent::Lost(reason) => {
                    lost.get_or_insert(reason);
                }
                _ => {}
            }
        }
    }

    fn died_saying(&self, words: &str) -> ServiceError {
        let exit = self.running.and_then(|start| self.exits.get(&start));
        let how = match (exit, &self.lost) {
            (Some(exit), _) => exit.to_string(),
            (None, Some(reason)) => format!("its sandbox is gone, {reason}"),
            (None, None) => "it does not answer".to_owned(),
        };
        ServiceError::Died {
            service: self.service.clone(),
            message: format!("{how}: {words}"),
        }
    }

    /// Returns the last words of a server that is gone, once they have all come.
    async fn words(&mut self) -> String {
        if let Some(log) = &mut self.log {
            // What it left behind may hold the pipe a little longer.
            let _ = tokio::time::timeout(DEATH_WAIT_MAX, log.ended()).await;
        }
        self.words_now()
    }

    fn words_now(&self) -> String {
        let said = self.log.as_ref().map(|log| log.last_lines(5));
        said.filter(|said| !said.is_empty())
            .unwrap_or_else(|| "it said nothing".to_owned())
    }

    pub(super) fn environment(&self, message: String, hint: &str) -> ServiceError {
        ServiceError::Environment {
            service: self.service.clone(),
            message,
            hint: hint.to_owned(),
        }
    }

    pub(super) fn input(&self, message: String) -> ServiceError {
        ServiceError::Input {
            service: self.service.clone(),
            message,
        }
    }

    fn no_pipe(&self, error: &std::io::Error) -> ServiceError {
        self.environment(
            format!("cannot make a pipe: {error}"),
            "are there too many open files?",
        )
    }
}

const START_HINT: &str = "its last words stand above; do the options and the version fit?";

fn sandbox_error(service: &str, source: SandboxError) -> ServiceError {
    ServiceError::Sandbox {
        service: service.to_owned(),
        source,
    }
}
