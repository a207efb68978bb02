//! The handle on one sandbox.

use super::{
    ANSWER_MAX, Host, Link, Neighbour, READY_MAX, SandboxError, SandboxEvent, SandboxSpec, Scope,
    StartId, StartSpec, TaskSample,
};
use std::any::Any;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::net::TcpListener;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::timeout;
use twiceproof_model::{Exit, ServiceName};
use twiceproof_shim::{Command, Dial, Folder, Launch, Occupant, Place, Report, Setup, Verdict};

/// Most events kept while an answer is awaited; a shim that sends more is broken.
const EVENTS_MAX: usize = 65_536;

/// One sandbox that stands. Dropping it ends it, with everything that runs in it.
pub struct Sandbox {
    /// The listening sockets of [`SandboxSpec::listen`], not blocking. One of `::1` is absent where
    /// the sandbox has no IPv6.
    pub listeners: Vec<(ServiceName, TcpListener)>,
    /// A `NETLINK_SOCK_DIAG` socket of the sandbox's network; see [`crate::sockdiag`].
    pub diag: OwnedFd,
    /// What others need to join its host, where the backend was asked for it.
    pub(crate) neighbour: Option<Neighbour>,
    name: String,
    link: Link,
    events: VecDeque<SandboxEvent>,
    request_last: u32,
    start_last: u32,
    /// Whether the link has ended; then nothing inside lives.
    ended: bool,
    /// Ends what the backend started, when dropped. Behind the link, whose end it waits for.
    _keeper: Box<dyn Any>,
}

impl std::fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sandbox")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// How a command came out, with the descriptors of its answer.
type Answer = (Result<Report, (String, i32)>, Vec<OwnedFd>);

impl Sandbox {
    /// Tells a shim at the other end of the link what to be, and waits until it is.
    pub(crate) async fn set_up(
        spec: &SandboxSpec,
        place: Place,
        mut link: Link,
        keeper: Box<dyn Any>,
    ) -> Result<Self, SandboxError> {
        let joined: Vec<BorrowedFd<'_>> = match &spec.host {
            Host::Beside(Neighbour::Namespaces(namespaces)) => {
                namespaces.iter().map(AsFd::as_fd).collect()
            }
            _ => Vec::new(),
        };
        link.send(&Command::Setup(setup_of(spec, place)?), &joined)
            .await?;
        let received = timeout(READY_MAX, link.receive()).await;
        let (report, fds) = received.map_err(|_| link.lost("not ready in time"))??;
        let listening = match report {
            Report::Ready { listening } => listening,
            Report::Refused { tried, errno } => return Err(refused(tried, errno)),
            other => return Err(link.lost(format!("{other:?} in place of ready"))),
        };
        let mut fds = fds.into_iter();
        let diag = fds.next().ok_or_else(|| link.lost("no diagnosis socket"))?;
        let had = spec.listen.iter().zip(listening).filter(|(_, had)| *had);
        let services: Vec<_> = had.map(|((service, _), _)| service.clone()).collect();
        if fds.len() != services.len() {
            return Err(link.lost("another number of listeners than announced"));
        }
        Ok(Self {
            listeners: services
                .into_iter()
                .zip(fds.map(TcpListener::from))
                .collect(),
            diag,
            neighbour: None,
            name: spec.name.clone(),
            link,
            events: VecDeque::new(),
            request_last: 0,
            start_last: 0,
            ended: false,
            _keeper: keeper,
        })
    }

    /// Returns what another sandbox needs to join its host, where it is the first there.
    pub fn neighbour(&self) -> Option<&Neighbour> {
        self.neighbour.as_ref()
    }

    /// Returns the host name inside.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Starts a program; it runs when this returns.
    pub async fn start(&mut self, spec: StartSpec) -> Result<StartId, SandboxError> {
        self.start_last += 1;
        let start = StartId(self.start_last);
        let program = spec
            .argv
            .first()
            .map_or("the image's own command", String::as_str);
        let program = program.to_owned();
        let failed = |reason: String| SandboxError::Start {
            program: program.clone(),
            reason,
        };
        let workdir = spec.workdir.into_os_string().into_string();
        let launch = Launch {
            start: start.0,
            argv: spec.argv,
            env: spec.env.into_iter().collect(),
            workdir: workdir.map_err(|_| failed("the working folder is no text".into()))?,
            has_stdin: spec.stdin.is_some(),
            tapped: spec.tapped,
        };
        let request = self.next_request();
        let command = Command::Start { request, launch };
        if command.encode().is_err() || !is_well_formed(&command) {
            let bound = twiceproof_shim::MESSAGE_MAX / 1024;
            return Err(failed(format!(
                "command, environment and folder must be below {bound} KiB, without zero bytes, \
                 the folder absolute"
            )));
        }
        let fds: Vec<_> = [&spec.output]
            .into_iter()
            .chain(&spec.stdin)
            .map(AsFd::as_fd)
            .collect();
        match self.ask(request, &command, &fds).await?.0 {
            Ok(_) => Ok(start),
            Err((tried, errno)) => {
                let error = std::io::Error::from_raw_os_error(errno);
                Err(failed(match errno {
                    libc_errno::ENOENT if tried.starts_with("execute") => "not found".into(),
                    _ => format!("cannot {tried}: {}", plain(&error)),
                }))
            }
        }
    }

    /// Sends a signal; returns whether there was anybody to get it.
    pub async fn signal(
        &mut self,
        start: StartId,
        scope: Scope,
        signal: i32,
    ) -> Result<bool, SandboxError> {
        let request = self.next_request();
        let start = (scope == Scope::Process).then_some(start.0);
        let command = Command::Signal {
            request,
            start,
            signal,
        };
        match self.ask(request, &command, &[]).await?.0 {
            Ok(_) => Ok(true),
            Err((_, libc_errno::ESRCH)) => Ok(false),
            Err(trouble) => Err(self.failed(trouble)),
        }
    }

    /// Says what becomes of a call that is held; its result comes as an event.
    pub async fn answer(&mut self, call: u64, verdict: Verdict) -> Result<(), SandboxError> {
        let command = Command::Answer { call, verdict };
        let sent = timeout(ANSWER_MAX, self.link.send(&command, &[])).await;
        sent.unwrap_or_else(|_| Err(self.link.lost("it takes no commands")))
    }

    /// Stops every thread of every process; all stand still when this returns.
    pub async fn pause(&mut self) -> Result<(), SandboxError> {
        let request = self.next_request();
        self.done(request, &Command::Pause { request })
            .await
            .map(drop)
    }

    /// Lets every thread go on.
    pub async fn resume(&mut self) -> Result<(), SandboxError> {
        let request = self.next_request();
        self.done(request, &Command::Resume { request })
            .await
            .map(drop)
    }

    /// Returns what every thread does at this moment.
    ///
    /// Of more threads than [`twiceproof_shim::TASKS_MAX`] the rest stands as task 0, running.
    pub async fn sample(&mut self) -> Result<Vec<TaskSample>, SandboxError> {
        let request = self.next_request();
        match self.done(request, &Command::Sample { request }).await? {
            (Report::Sampled { tasks, .. }, _) => Ok(tasks.into_iter().map(sample_of).collect()),
            (other, _) => Err(self.link.lost(format!("{other:?} in place of a sample"))),
        }
    }

    /// Connects to `127.0.0.1` at this port inside. The socket does not block.
    pub async fn dial(&mut self, port: u16) -> Result<std::net::TcpStream, SandboxError> {
        Ok(self.connect(Dial::Port(port)).await?.into())
    }

    /// Connects to a unix socket at this path inside. The socket does not block.
    pub async fn dial_path(
        &mut self,
        path: &str,
    ) -> Result<std::os::unix::net::UnixStream, SandboxError> {
        Ok(self.connect(Dial::Path(path.to_owned())).await?.into())
    }

    async fn connect(&mut self, to: Dial) -> Result<OwnedFd, SandboxError> {
        let request = self.next_request();
        let (_, fds) = self
            .done(request, &Command::Connect { request, to })
            .await?;
        let socket = fds.into_iter().next();
        socket.ok_or_else(|| self.link.lost("no socket came along"))
    }

    /// Returns the names of the processes that run, in order of process id.
    pub async fn left_over(&mut self) -> Result<Vec<String>, SandboxError> {
        let request = self.next_request();
        match self.done(request, &Command::Names { request }).await? {
            (Report::Named { names, .. }, _) => Ok(names),
            (other, _) => Err(self.link.lost(format!("{other:?} in place of names"))),
        }
    }

    /// Kills everything and waits until it is gone; where the sandbox is fresh, removes what it
    /// left. Forgets events that were not fetched.
    pub async fn clean(&mut self) -> Result<(), SandboxError> {
        let request = self.next_request();
        self.done(request, &Command::Clean { request }).await?;
        self.events.clear();
        Ok(())
    }

    /// Returns whether reports of the sandbox wait to be fetched.
    pub(crate) fn has_events(&self) -> bool {
        !self.events.is_empty()
    }

    /// Waits for what the sandbox reports by itself. Dropping the future loses nothing.
    pub async fn next_event(&mut self) -> SandboxEvent {
        poll_fn(|context| self.poll_event(context)).await
    }

    /// Returns what the sandbox reports by itself, or wakes the task once it does.
    pub fn poll_event(&mut self, context: &mut Context<'_>) -> Poll<SandboxEvent> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Poll::Ready(event);
            }
            if self.ended {
                return Poll::Pending;
            }
            match ready!(self.link.poll_receive(context)) {
                Ok((report, _)) => self.note(report),
                Err(error) => self.end(error.to_string()),
            }
        }
    }

    fn end(&mut self, reason: String) {
        if !std::mem::replace(&mut self.ended, true) {
            self.events.push_back(SandboxEvent::Lost(reason));
        }
    }

    /// Keeps an event; an answer that nobody awaits any more is forgotten.
    fn note(&mut self, report: Report) {
        let event = match report {
            Report::Exited { start, status } => SandboxEvent::Exited {
                start: StartId(start),
                exit: exit_of(status),
            },
            Report::TreeGone => SandboxEvent::TreeGone,
            Report::Called(call) => SandboxEvent::Called(call),
            Report::Returned {
                call,
                result,
                existed,
            } => SandboxEvent::Returned {
                call,
                result,
                existed,
            },
            _ => return,
        };
        if self.events.len() < EVENTS_MAX {
            self.events.push_back(event);
        } else {
            self.end("more events than any start can have".to_owned());
        }
    }

    fn next_request(&mut self) -> u32 {
        self.request_last = self.request_last.wrapping_add(1);
        self.request_last
    }

    async fn done(
        &mut self,
        request: u32,
        command: &Command,
    ) -> Result<(Report, Vec<OwnedFd>), SandboxError> {
        let (outcome, fds) = self.ask(request, command, &[]).await?;
        match outcome {
            Ok(report) => Ok((report, fds)),
            Err(trouble) => Err(self.failed(trouble)),
        }
    }

    /// Sends a command and waits for its answer, keeping the events that come before it.
    async fn ask(
        &mut self,
        request: u32,
        command: &Command,
        fds: &[BorrowedFd<'_>],
    ) -> Result<Answer, SandboxError> {
        if self.ended {
            return Err(self.link.lost("it has ended"));
        }
        let asked = timeout(ANSWER_MAX, self.exchange(request, command, fds)).await;
        let answer = asked.unwrap_or_else(|_| Err(self.link.lost("no answer in time")));
        if let Err(error) = &answer {
            self.end(error.to_string());
        }
        answer
    }

    async fn exchange(
        &mut self,
        expect: u32,
        command: &Command,
        fds: &[BorrowedFd<'_>],
    ) -> Result<Answer, SandboxError> {
        self.link.send(command, fds).await?;
        loop {
            let (report, fds) = self.link.receive().await?;
            match report {
                Report::Failed {
                    request,
                    tried,
                    errno,
                } if request == expect => {
                    return Ok((Err((tried, errno)), fds));
                }
                Report::Done { request }
                | Report::Sampled { request, .. }
                | Report::Named { request, .. }
                    if request == expect =>
                {
                    return Ok((Ok(report), fds));
                }
                other => self.note(other),
            }
        }
    }

    fn failed(&self, (tried, errno): (String, i32)) -> SandboxError {
        let error = std::io::Error::from_raw_os_error(errno);
        SandboxError::Refused {
            tried: format!("{tried} in {}", self.name),
            reason: plain(&error),
            hint: String::new(),
        }
    }
}

/// Error numbers that have a meaning of their own here.
mod libc_errno {
    pub(super) const ENOENT: i32 = rustix::io::Errno::NOENT.raw_os_error();
    pub(super) const ESRCH: i32 = rustix::io::Errno::SRCH.raw_os_error();
}

/// Returns the system's words without the number that Rust adds.
fn plain(error: &std::io::Error) -> String {
    let text = error.to_string();
    let words = text.split(" (os error").next().unwrap_or(&text);
    words.to_lowercase()
}

/// Returns the error of a system that refuses a sandbox.
pub(crate) fn refused(tried: String, errno: i32) -> SandboxError {
    let reason = plain(&std::io::Error::from_raw_os_error(errno));
    let hint = if tried.contains("user namespace") {
        "allow user namespaces (sysctl kernel.unprivileged_userns_clone=1, \
         kernel.apparmor_restrict_unprivileged_userns=0, user.max_user_namespaces above 0), \
         or use --backend docker"
    } else if tried.contains("mount") || tried.contains("bind") {
        "inside a container the local backend needs seccomp=unconfined and \
         systempaths=unconfined; a folder must be readable by the user who runs"
    } else {
        ""
    };
    SandboxError::Refused {
        tried,
        reason,
        hint: hint.to_owned(),
    }
}

fn exit_of(status: i32) -> Exit {
    let status = ExitStatus::from_raw(status);
    match (status.code(), status.signal()) {
        (Some(code), _) => Exit::Code(code),
        (None, signal) => Exit::Signal(signal.unwrap_or(0)),
    }
}

fn sample_of(task: twiceproof_shim::Task) -> TaskSample {
    TaskSample {
        pid: task.pid,
        tid: task.tid,
        state: task.state,
        call: task.call,
        arguments: task.arguments,
        switches: task.switches,
    }
}

fn is_well_formed(command: &Command) -> bool {
    command
        .encode()
        .is_ok_and(|bytes| Command::decode(&bytes).is_ok())
}

/// Returns the setup in the shim's terms, checked as the shim checks it.
fn setup_of(spec: &SandboxSpec, place: Place) -> Result<Setup, SandboxError> {
    let refused = |reason: &str| SandboxError::Refused {
        tried: format!("set up the sandbox {}", spec.name),
        reason: reason.to_owned(),
        hint: String::new(),
    };
    let mut folders = Vec::new();
    for folder in &spec.folders {
        let text = |path: &std::path::Path| path.to_str().map(str::to_owned);
        let (Some(host), Some(inside)) = (text(&folder.host), text(&folder.inside)) else {
            return Err(refused("a folder's path is no text"));
        };
        folders.push(Folder {
            host,
            inside,
            writable: folder.writable,
        });
    }
    let setup = Setup {
        place,
        occupant: match spec.occupant {
            super::Occupant::Instance => Occupant::Instance,
            super::Occupant::Service => Occupant::Service,
        },
        host: match spec.host {
            Host::Own => twiceproof_shim::Host::Own,
            Host::First => twiceproof_shim::Host::First,
            Host::Beside(_) => twiceproof_shim::Host::Joined,
        },
        name: spec.name.clone(),
        listen: spec.listen.iter().map(|(_, address)| *address).collect(),
        hosts: spec.hosts.clone(),
        folders,
        fresh: spec.fresh,
    };
    if is_well_formed(&Command::Setup(setup.clone())) {
        Ok(setup)
    } else {
        Err(refused(
            "a host name, path or number of services is out of its bounds",
        ))
    }
}

/// How long a backend waits, when a sandbox is dropped, for its processes to be gone.
pub(crate) const END_MAX: Duration = Duration::from_secs(5);
