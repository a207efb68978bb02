//! A PostgreSQL server in a sandbox of its own: found, initialised, started, seeded, stopped.

mod locate;
mod said;
mod settings;

use crate::sandbox::{
    Folder, Host, Occupant, Sandbox, SandboxError, SandboxEvent, SandboxSpec, Scope, StartId,
    StartSpec,
};
use crate::service::output::Tail;
use crate::service::{Halt, ServiceError};
use rustix::process::Signal;
use said::{last_words, seed_error};
use std::collections::BTreeMap;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use twiceproof_model::Exit;

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
        self.launch().await
    }

    /// Starts a server on the cluster that is there.
    pub(super) async fn launch(&mut self) -> Result<(), ServiceError> {
        let folder = self.cluster_folder();
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
        // A postmaster that is asked to stop at once leaves no children.
        let at_once = (Signal::QUIT, Scope::Process);
        self.end_by(&[at_once, (Signal::KILL, Scope::Process)])
            .await
    }

    /// Stops the server so that its cluster can be used again.
    pub(super) async fn halt(&mut self, halt: Halt) -> Result<(), ServiceError> {
        match halt {
            // Its fast mode: sessions are ended, and nothing is left to recover.
            Halt::InOrder => self.end_by(&[(Signal::INT, Scope::Process)]).await,
            Halt::Kill => self.end_by(&[(Signal::KILL, Scope::Tree)]).await,
        }
    }

    /// Sends these signals, the next one only where the one before did not end the server in time.
    async fn end_by(&mut self, signals: &[(Signal, Scope)]) -> Result<(), ServiceError> {
        let Some(start) = self.postmaster.take() else {
            return Ok(());
        };
        for (signal, scope) in signals {
            let sent = self.sandbox.signal(start, *scope, signal.as_raw()).await;
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
