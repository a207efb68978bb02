//! The loop: commands in, reports out, until the link ends.

use crate::files::Files;
use crate::launch::{Defaults, launch};
use crate::system::{Tried, Trouble, child_signals, drain_signals, new_fd, poll, poll_entry};
use crate::tree::{self, Tree};
use crate::{dial, empty, listen, mounts, namespaces, pause, rights, sample};
use std::io::{Error, Result};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use twiceproof_shim::link::{self, Receiver, Wait};
use twiceproof_shim::{Command, Host, Launch, NAMES_MAX, Report, Setup};

/// How often connections on their way are looked at.
const DIAL_LOOK_MS: i32 = 5;

/// Serves the link on standard input, in namespaces of our own.
pub(crate) fn on_host() -> Result<()> {
    // SAFETY: plain calls; the copy is ours alone.
    let link = unsafe {
        libc::setsid();
        let link = new_fd(libc::fcntl(0, libc::F_DUPFD_CLOEXEC, 3))?;
        let null = libc::open(c"/dev/null".as_ptr(), libc::O_RDWR);
        libc::dup2(null, 0);
        libc::close(null);
        link
    };
    let mut receiver = Receiver::default();
    let (setup, joined) = first_message(&mut receiver, &link)?;
    let sockets = mounts::host_sockets();
    let link = match namespaces::enter(&setup, &joined, link) {
        Ok(link) => link,
        Err((trouble, link)) => return refuse(&link, trouble),
    };
    if let Err(trouble) =
        mounts::arrange(&setup, &sockets).and_then(|()| namespaces::settle(&setup))
    {
        return refuse(&link, trouble);
    }
    serve(link, receiver, setup, Defaults::default())
}

/// Serves the link at a path, in the container that we are the first process of.
pub(crate) fn in_container(socket: &str, own: &[&str]) -> Result<()> {
    let link = link::connect(socket)?;
    let mut receiver = Receiver::default();
    let (setup, _) = first_message(&mut receiver, &link)?;
    let defaults = Defaults {
        env: std::env::vars().collect(),
        argv: own.iter().map(|word| (*word).to_owned()).collect(),
    };
    serve(link, receiver, setup, defaults)
}

/// Returns what the sandbox must be, and the descriptors that came along.
fn first_message(receiver: &mut Receiver, link: &OwnedFd) -> Result<(Setup, Vec<OwnedFd>)> {
    let (message, fds) = receiver.receive(link, Wait::Forever)?;
    match Command::decode(message) {
        Ok(Command::Setup(setup)) => Ok((setup, fds)),
        Ok(_) => Err(Error::other("the first message is no setup")),
        Err(malformed) => Err(Error::other(malformed)),
    }
}

fn refuse(link: &OwnedFd, trouble: Trouble) -> Result<()> {
    let report = Report::Refused {
        tried: trouble.tried,
        errno: trouble.errno,
    };
    tell(link, &report, &[])
}

fn tell(link: &OwnedFd, report: &Report, fds: &[BorrowedFd<'_>]) -> Result<()> {
    let bytes = report.encode().map_err(Error::other)?;
    link::send(link, &bytes, fds, Wait::Forever)
}

/// The state of the loop.
struct Service {
    link: OwnedFd,
    signals: OwnedFd,
    private: empty::Private,
    fresh: bool,
    host: Host,
    used: bool,
    defaults: Defaults,
    tree: Tree,
    /// Kept to the very end: calls that are held must not go on while we go.
    files: Files,
    dials: Vec<dial::Pending>,
}

fn serve(link: OwnedFd, mut receiver: Receiver, setup: Setup, defaults: Defaults) -> Result<()> {
    if setup.host == Host::Joined {
        rights::inherit_orphans()?;
    } else {
        rights::must_be_first()?;
    }
    tree::set_host(setup.host);
    rights::hide_shim()?;
    let signals = child_signals()?;
    match listen::bind_all(&setup.listen).and_then(|made| Ok((made, listen::diagnosis()?))) {
        Err(trouble) => return refuse(&link, trouble),
        Ok((listeners, diagnosis)) => {
            let listening = listeners.iter().map(Option::is_some).collect();
            let made = listeners.iter().flatten().map(AsFd::as_fd);
            let fds: Vec<_> = [diagnosis.as_fd()].into_iter().chain(made).collect();
            tell(&link, &Report::Ready { listening }, &fds)?;
        }
    }
    let mut service = Service {
        link,
        signals,
        private: empty::Private::before_starts(setup.place),
        fresh: setup.fresh,
        host: setup.host,
        used: false,
        defaults,
        tree: Tree::default(),
        files: Files::default(),
        dials: Vec::new(),
    };
    // Whatever ends the loop, nothing outlives it.
    let ended = service.run(&mut receiver);
    tree::end_all();
    if service.host == Host::First {
        // The folders of a host that several share are the lab's: nothing stays in them.
        service.private.empty();
    }
    ended
}

impl Service {
    fn run(&mut self, receiver: &mut Receiver) -> Result<()> {
        loop {
            let wait = (!self.dials.is_empty()).then_some(DIAL_LOOK_MS);
            let mut entries = vec![
                poll_entry(self.link.as_fd(), libc::POLLIN),
                poll_entry(self.signals.as_fd(), libc::POLLIN),
            ];
            let listeners = self.files.listeners();
            entries.extend(listeners.map(|listener| poll_entry(listener, libc::POLLIN)));
            poll(&mut entries, wait)?;
            if entries[1].revents != 0 {
                drain_signals(self.signals.as_fd());
                self.look_around()?;
            }
            if entries[2..].iter().any(|entry| entry.revents != 0) {
                let reports = self.files.take(&mut self.tree)?;
                self.tell_all(reports)?;
            }
            self.finish_dials()?;
            if entries[0].revents != 0 {
                let (message, fds) = receiver.receive(&self.link, Wait::Forever)?;
                if message.is_empty() {
                    return Ok(());
                }
                let command = Command::decode(message).map_err(Error::other)?;
                self.obey(command, fds)?;
            }
        }
    }

    /// Takes in what happened to processes and to calls behind which they stopped.
    fn look_around(&mut self) -> Result<()> {
        let reports = self.tree.reap();
        let results = self.files.results(&mut self.tree);
        if !self.tree.lives() {
            self.files.clear();
        }
        self.tell_all(results)?;
        self.tell_all(reports)
    }

    /// Tells what there is to tell of calls: that comes before a look at their threads.
    fn take_in_calls(&mut self) -> Result<()> {
        self.look_around()?;
        let called = self.files.take(&mut self.tree)?;
        self.tell_all(called)?;
        let lost = self.files.lost();
        self.tell_all(lost)
    }

    fn start(&mut self, what: Launch, fds: Vec<OwnedFd>) -> std::result::Result<(), Trouble> {
        if self.host == Host::Own {
            self.refresh();
        }
        self.used = true;
        let (start, tapped) = (what.start, what.tapped.clone());
        let launched = launch(&self.defaults, what, fds)?;
        self.tree.add(start, launched.process);
        if let Some(listener) = launched.listener {
            self.files.add(listener, &tapped);
        }
        Ok(())
    }

    fn tell_all(&self, reports: Vec<Report>) -> Result<()> {
        reports
            .iter()
            .try_for_each(|report| tell(&self.link, report, &[]))
    }

    fn obey(&mut self, command: Command, fds: Vec<OwnedFd>) -> Result<()> {
        let (request, done) = match command {
            Command::Setup(_) => return Err(Error::other("a second setup")),
            Command::Start { request, launch } => (request, self.start(launch, fds)),
            Command::Answer { call, verdict } => {
                let report = self.files.answer(call, verdict, &mut self.tree);
                return self.tell_all(report.into_iter().collect());
            }
            Command::Signal {
                request,
                start,
                signal,
            } => {
                let sent = self.tree.signal(start, signal);
                (request, sent.tried("send a signal"))
            }
            Command::Pause { request } => {
                let stopped = pause::pause(&mut self.tree, self.signals.as_fd());
                let told = stopped.tried("stop every thread");
                let told = told.map(|reports| self.tell_all(reports)).map(drop);
                self.look_around()?;
                (request, told)
            }
            Command::Resume { request } => {
                self.tree.tracer.resume();
                (request, Ok(()))
            }
            Command::Sample { request } => {
                self.take_in_calls()?;
                let tasks = sample::sample();
                return tell(&self.link, &Report::Sampled { request, tasks }, &[]);
            }
            Command::Names { request } => {
                let names = tree::names(NAMES_MAX);
                return tell(&self.link, &Report::Named { request, names }, &[]);
            }
            Command::Connect { request, to } => match dial::begin(request, &to) {
                Ok(pending) => {
                    self.dials.push(pending);
                    return self.finish_dials();
                }
                Err(error) => (request, Err(error).tried("connect")),
            },
            Command::Clean { request } => {
                let killed = self.tree.kill_all(self.signals.as_fd());
                self.files.clear();
                let told = killed.tried("kill every process");
                let told = told.map(|reports| self.tell_all(reports)).map(drop);
                self.refresh();
                (request, told)
            }
        };
        let report = match done {
            Ok(()) => Report::Done { request },
            Err(Trouble { tried, errno }) => Report::Failed {
                request,
                tried,
                errno,
            },
        };
        tell(&self.link, &report, &[])
    }

    /// Removes what earlier starts left, unless one still runs.
    fn refresh(&mut self) {
        // On a host that others share, they may have left something.
        let used = self.used || self.host != Host::Own;
        if self.fresh && used && !self.tree.lives() {
            self.private.empty();
            self.used = false;
        }
    }

    fn finish_dials(&mut self) -> Result<()> {
        for pending in std::mem::take(&mut self.dials) {
            let request = pending.request;
            match pending.outcome() {
                None => self.dials.push(pending),
                Some(Ok(())) => {
                    tell(
                        &self.link,
                        &Report::Done { request },
                        &[pending.socket.as_fd()],
                    )?;
                }
                Some(Err(error)) => {
                    let errno = error.raw_os_error().unwrap_or(libc::EIO);
                    let tried = "connect".to_owned();
                    tell(
                        &self.link,
                        &Report::Failed {
                            request,
                            tried,
                            errno,
                        },
                        &[],
                    )?;
                }
            }
        }
        Ok(())
    }
}
