//! A PostgreSQL server in a sandbox of its own: found, initialised, started, seeded, stopped.

mod locate;
mod settings;

use crate::sandbox::{
    Folder, Host, Occupant, Sandbox, SandboxError, SandboxEvent, SandboxSpec, Scope, StartId,
    StartSpec,
};
use crate::service::ServiceError;
use crate::service::output::{Tail, one_line};
use rustix::process::Signal;
use std::collections::BTreeMap;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use twiceproof_model::Exit;
use twiceproof_model::escape::escape_cut;

/// Where the server listens inside its sandbox.
pub(super) const PORT: u16 = 5432;

/// Where a service's sandbox has its tmpfs.
const DATA: &str = "/twiceproof/data";

/// Image of the docker backend, if the target names none.
const IMAGE: &str = "postgres:17";

/// Longest time from the start of the server to the first session.
const READY_WAIT_MAX: Duration = Duration::from_secs(30);

/// How often a session is tried until then.
pub(super) const READY_POLL: Duration = Duration::from_millis(1);

/// Longest time that an orderly stop may take.
const STOP_WAIT_MAX: Duration = Duration::from_secs(10);

/// A server, or what is left of one.
pub(super) struct Server {
    service: String,
    sandbox: Sandbox,
    /// Folder of the binaries inside; empty: PATH has them.
    bin: String,
    version: String,
    user: String,
    /// How many clusters there were; each has a folder of its own.
    cluster: u32,
    postmaster: Option<StartId>,
    log: Option<Tail>,
    /// Whether it keeps a history of rows.
    pub(super) history: bool,
    exits: BTreeMap<StartId, Exit>,
    lost: Option<String>,
}

impl Server {
    /// Opens the sandbox and finds the binaries.
    pub(super) async fn open(
        context: &crate::service::ServiceContext<'_>,
        user: &str,
    ) -> Result<Self, ServiceError> {
        let service = context.spec.name.as_str().to_owned();
        let bin = context.spec.options.get("bin").map(PathBuf::from);
        let spec = SandboxSpec {
            name: format!("{service}-{}", context.cell),
            occupant: Occupant::Service,
            host: Host::Own,
            listen: Vec::new(),
            hosts: Vec::new(),
            folders: bin.as_deref().and_then(installation).into_iter().collect(),
            image: Some(context.spec.image.as_deref().unwrap_or(IMAGE).to_owned()),
            fresh: false,
        };
        let opened = context.backend.open(spec).await;
        let sandbox = opened.map_err(|source| sandbox_error(&service, source))?;
        let mut server = Self {
            service,
            sandbox,
            bin: String::new(),
            version: String::new(),
            user: user.to_owned(),
            cluster: 0,
            postmaster: None,
            log: None,
            history: context.history,
            exits: BTreeMap::new(),
            lost: None,
        };
        server.find(bin.as_deref()).await?;
        Ok(server)
    }

    /// Returns name and version: `PostgreSQL 15.18`.
    pub(super) fn version(&self) -> &str {
        &self.version
    }

    /// Makes a new cluster, throwing away any former one, and starts a server on it.
    pub(super) async fn start_fresh(&mut self) -> Result<(), ServiceError> {
        self.stop().await?;
        if self.cluster > 0 {
            let former = self.cluster_folder();
            self.run(&["rm", "-rf", &former], None).await?;
        }
        self.cluster += 1;
        let folder = self.cluster_folder();
        let initdb = self.binary("initdb");
        let user = self.user.clone();
        let command = [
            &initdb,
            "--pgdata",
            &folder,
            "--username",
            &user,
            "--auth=trust",
            "--no-sync",
            "--no-locale",
            "--encoding=UTF8",
            "--no-instructions",
        ];
        let (exit, said) = self.run(&command, None).await?;
        if exit != Exit::Code(0) {
            return Err(self.environment(
                format!("initdb ended with {exit}: {}", last_words(&said)),
                "the server's data lives in memory: is there enough?",
            ));
        }
        let mut command = vec![self.binary("postgres"), "-D".to_owned(), folder];
        for setting in settings::of(self.history) {
            command.extend(["-c".to_owned(), setting.to_owned()]);
        }
        let (log, output) = Tail::open().map_err(|error| self.no_pipe(&error))?;
        self.postmaster = Some(self.spawn(command, None, output).await?);
        self.log = Some(log);
        Ok(())
    }

    /// Opens a connection to the server; `None` while it does not listen yet.
    pub(super) async fn try_dial(&mut self) -> Result<Option<TcpStream>, ServiceError> {
        match self.sandbox.dial(PORT).await {
            Ok(stream) => {
                let stream = TcpStream::from_std(stream);
                stream.map(Some).map_err(|error| self.no_pipe(&error))
            }
            Err(SandboxError::Lost { reason, .. }) => {
                self.lost.get_or_insert(reason);
                Err(self.death())
            }
            Err(_) => Ok(None),
        }
    }

    /// Opens a connection to a server that is up.
    pub(super) async fn dial(&mut self) -> Result<TcpStream, ServiceError> {
        match self.try_dial().await? {
            Some(stream) => Ok(stream),
            None => Err(self.death_or("it refuses connections").await),
        }
    }

    /// Waits a moment for the server to get ready, unless it ended or the time is over. Returns its
    /// last words then.
    pub(super) async fn await_ready(&mut self, since: Instant) -> Result<(), ServiceError> {
        let pause = tokio::time::sleep(READY_POLL);
        tokio::select! {
            biased;
            () = Self::postmaster_gone(
                &mut self.sandbox, &mut self.exits, &mut self.lost, self.postmaster,
            ) => {
                let words = self.words().await;
                Err(self.environment(format!("the server does not start: {words}"), START_HINT))
            }
            () = pause => {
                if since.elapsed() < READY_WAIT_MAX {
                    return Ok(());
                }
                let words = self.words().await;
                let message = format!("the server is not ready after {READY_WAIT_MAX:?}: {words}");
                Err(self.environment(message, START_HINT))
            }
        }
    }

    /// Loads a file of SQL.
    pub(super) async fn load(&mut self, path: &Path, database: &str) -> Result<(), ServiceError> {
        let opened = File::open(path);
        let file = opened.map_err(|error| {
            self.input(format!("cannot read seed file {}: {error}", path.display()))
        })?;
        let psql = self.binary("psql");
        let port = PORT.to_string();
        let user = self.user.clone();
        let command = [
            &psql,
            "-X",
            "-q",
            "-v",
            "ON_ERROR_STOP=1",
            "-h",
            "127.0.0.1",
            "-p",
            &port,
            "-U",
            &user,
            "-d",
            database,
            "-f",
            "-",
        ];
        let (exit, said) = self.run(&command, Some(OwnedFd::from(file))).await?;
        if exit == Exit::Code(0) {
            return Ok(());
        }
        Err(self.input(seed_error(path, exit, &said)))
    }

    /// Resolves when the server is gone without having been asked to; never before.
    pub(super) async fn died(&mut self) -> ServiceError {
        Self::postmaster_gone(
            &mut self.sandbox,
            &mut self.exits,
            &mut self.lost,
            self.postmaster,
        )
        .await;
        let words = self.words().await;
        self.died_saying(&words)
    }

    /// Returns the error of a session that broke: the server's death if it is dead or dies at once,
    /// else this.
    pub(super) async fn death_or(&mut self, message: &str) -> ServiceError {
        let gone = Self::postmaster_gone(
            &mut self.sandbox,
            &mut self.exits,
            &mut self.lost,
            self.postmaster,
        );
        match tokio::time::timeout(Duration::from_millis(200), gone).await {
            Ok(()) => self.died_saying(&self.words_now()),
            Err(_) => self.environment(message.to_owned(), "the server's log may say more"),
        }
    }

    /// Stops the server, if one runs.
    async fn stop(&mut self) -> Result<(), ServiceError> {
        let Some(start) = self.postmaster.take() else {
            return Ok(());
        };
        // A postmaster that is asked to stop at once leaves no children.
        for signal in [Signal::QUIT, Signal::KILL] {
            let sent = self
                .sandbox
                .signal(start, Scope::Process, signal.as_raw())
                .await;
            sent.map_err(|source| sandbox_error(&self.service, source))?;
            let gone = Self::postmaster_gone(
                &mut self.sandbox,
                &mut self.exits,
                &mut self.lost,
                Some(start),
            );
            if tokio::time::timeout(STOP_WAIT_MAX, gone).await.is_ok() {
                return Ok(());
            }
        }
        Err(self.environment("the server does not stop".to_owned(), START_HINT))
    }

    fn binary(&self, name: &str) -> String {
        match self.bin.as_str() {
            "" => name.to_owned(),
            folder => format!("{folder}/{name}"),
        }
    }

    fn cluster_folder(&self) -> String {
        format!("{DATA}/cluster-{}", self.cluster)
    }

    /// Runs a program to its end. Returns how it ended and the last of what it said.
    async fn run(
        &mut self,
        argv: &[&str],
        stdin: Option<OwnedFd>,
    ) -> Result<(Exit, String), ServiceError> {
        let (mut tail, output) = Tail::open().map_err(|error| self.no_pipe(&error))?;
        let argv = argv.iter().map(|word| (*word).to_owned()).collect();
        let start = self.spawn(argv, stdin, output).await?;
        loop {
            if let Some(exit) = self.exits.remove(&start) {
                tail.ended().await;
                return Ok((exit, tail.text()));
            }
            if self.lost.is_some() {
                return Err(self.death());
            }
            let event = self.sandbox.next_event().await;
            note(&mut self.exits, &mut self.lost, event);
        }
    }

    async fn spawn(
        &mut self,
        argv: Vec<String>,
        stdin: Option<OwnedFd>,
        output: OwnedFd,
    ) -> Result<StartId, ServiceError> {
        let spec = StartSpec {
            argv,
            env: BTreeMap::from([("LC_ALL".to_owned(), "C".to_owned())]),
            workdir: PathBuf::from(DATA),
            stdin,
            output,
            tapped: twiceproof_shim::Tapped::NOTHING,
        };
        let started = self.sandbox.start(spec).await;
        started.map_err(|source| sandbox_error(&self.service, source))
    }

    /// Waits until the postmaster is gone. Cancel-safe, as the sandbox's events are.
    async fn postmaster_gone(
        sandbox: &mut Sandbox,
        exits: &mut BTreeMap<StartId, Exit>,
        lost: &mut Option<String>,
        postmaster: Option<StartId>,
    ) {
        loop {
            if lost.is_some() || postmaster.is_some_and(|start| exits.contains_key(&start)) {
                return;
            }
            let event = sandbox.next_event().await;
            note(exits, lost, event);
        }
    }

    fn death(&self) -> ServiceError {
        self.died_saying(&self.words_now())
    }

    fn died_saying(&self, words: &str) -> ServiceError {
        let exit = self.postmaster.and_then(|start| self.exits.get(&start));
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
            // Children of a killed server may hold the pipe a little longer.
            let _ = tokio::time::timeout(Duration::from_millis(200), log.ended()).await;
        }
        self.words_now()
    }

    fn words_now(&self) -> String {
        let said = self
            .log
            .as_ref()
            .map(|log| log.last_lines(5))
            .unwrap_or_default();
        match said.as_str() {
            "" => "it said nothing".to_owned(),
            _ => said,
        }
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

fn note(exits: &mut BTreeMap<StartId, Exit>, lost: &mut Option<String>, event: SandboxEvent) {
    match event {
        SandboxEvent::Exited { start, exit } => {
            exits.insert(start, exit);
        }
        SandboxEvent::Lost(reason) => {
            lost.get_or_insert(reason);
        }
        _ => {}
    }
}

fn sandbox_error(service: &str, source: SandboxError) -> ServiceError {
    ServiceError::Sandbox {
        service: service.to_owned(),
        source,
    }
}

/// Returns the folder of an installation of one's own, so that its libraries are seen inside too,
/// wherever it lies.
fn installation(bin: &Path) -> Option<Folder> {
    let folder = bin
        .parent()
        .filter(|folder| folder.parent().is_some() && bin.is_dir())?;
    let system = ["/usr", "/bin", "/lib", "/opt"]
        .iter()
        .any(|root| bin.starts_with(root));
    (!system).then(|| Folder {
        host: folder.to_owned(),
        inside: folder.to_owned(),
        writable: false,
    })
}

/// Returns what went wrong in a seed file, by the first error that psql tells: `psql:<stdin>:12:
/// ERROR: ...`.
fn seed_error(path: &Path, exit: Exit, said: &str) -> String {
    let lines: Vec<&str> = said.lines().collect();
    let place = lines
        .iter()
        .position(|line| line.contains("ERROR:") || line.contains("FATAL:"));
    let Some(first) = place else {
        let words = last_words(said);
        return format!(
            "seed file {}: psql ended with {exit}: {words}",
            path.display()
        );
    };
    let from_stdin = lines[first].strip_prefix("psql:<stdin>:");
    let (line, words) = match from_stdin.and_then(|rest| rest.split_once(": ")) {
        Some((number, words)) => (format!(", line {number}"), words),
        None => (String::new(), lines[first]),
    };
    // The server repeats the statement and points into it.
    let mut text = format!("seed file {}{line}: {}", path.display(), one_line(words));
    for more in lines.iter().skip(first + 1).take(SEED_ERROR_LINES_MAX) {
        text.push_str("\n  ");
        text.push_str(&escape_cut(more, SEED_ERROR_CHARS_MAX));
    }
    text
}

/// The most lines, and characters of a line, that follow a seed file's error.
const SEED_ERROR_LINES_MAX: usize = 4;
const SEED_ERROR_CHARS_MAX: usize = 200;

fn last_words(said: &str) -> String {
    let last = said.lines().rev().find(|line| !line.trim().is_empty());
    last.map_or_else(|| "it said nothing".to_owned(), one_line)
}
