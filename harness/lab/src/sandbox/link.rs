//! The lab's end of the link to a shim.

use crate::sandbox::SandboxError;
use rustix::io::Errno;
use std::future::poll_fn;
use std::io::{Error, ErrorKind};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::task::{Context, Poll, ready};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use twiceproof_shim::link::{Receiver, Wait, send};
use twiceproof_shim::{Command, Report};

/// Sends commands, receives reports.
#[derive(Debug)]
pub(crate) struct Link {
    /// The sandbox at the other end, for errors.
    name: String,
    socket: AsyncFd<OwnedFd>,
    receiver: Receiver,
}

impl Link {
    /// Wraps a connected `SOCK_SEQPACKET` socket. Must be called within a runtime.
    pub(crate) fn new(name: &str, socket: OwnedFd) -> Result<Self, SandboxError> {
        let lost = |error: Error| SandboxError::Lost {
            name: name.to_owned(),
            reason: error.to_string(),
        };
        rustix::io::ioctl_fionbio(&socket, true).map_err(|errno| lost(errno.into()))?;
        let interest = Interest::READABLE | Interest::WRITABLE;
        #[expect(
            deprecated,
            reason = "an owned descriptor keeps what the unsafe one asks for"
        )]
        let socket = AsyncFd::with_interest(socket, interest).map_err(lost)?;
        Ok(Self {
            name: name.to_owned(),
            socket,
            receiver: Receiver::default(),
        })
    }

    /// Returns the error of a sandbox that is gone or talks nonsense.
    pub(crate) fn lost(&self, reason: impl ToString) -> SandboxError {
        SandboxError::Lost {
            name: self.name.clone(),
            reason: reason.to_string(),
        }
    }

    /// Sends a command with its descriptors.
    pub(crate) async fn send(
        &self,
        command: &Command,
        fds: &[BorrowedFd<'_>],
    ) -> Result<(), SandboxError> {
        let message = command.encode().map_err(|malformed| self.lost(malformed))?;
        let one = |socket: &OwnedFd| send(socket, &message, fds, Wait::No);
        let sent = self.socket.async_io(Interest::WRITABLE, one).await;
        sent.map_err(|error| self.lost(reason(&error)))
    }

    /// Receives the next report. Dropping the future loses nothing.
    pub(crate) async fn receive(&mut self) -> Result<(Report, Vec<OwnedFd>), SandboxError> {
        poll_fn(|context| self.poll_receive(context)).await
    }

    /// Returns the next report, or wakes the task once it is there.
    pub(crate) fn poll_receive(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Result<(Report, Vec<OwnedFd>), SandboxError>> {
        loop {
            let mut guard = match ready!(self.socket.poll_read_ready(context)) {
                Ok(guard) => guard,
                Err(error) => return Poll::Ready(Err(self.lost(error))),
            };
            let receiver = &mut self.receiver;
            let one = |socket: &AsyncFd<OwnedFd>| receive_one(receiver, socket.get_ref());
            if let Ok(received) = guard.try_io(one) {
                return Poll::Ready(received.map_err(|error| self.lost(reason(&error))));
            }
        }
    }
}

/// Returns why a link broke. It breaks too where a descriptor that came along finds no place.
fn reason(error: &Error) -> String {
    match Errno::from_io_error(error) {
        Some(Errno::MFILE | Errno::NFILE) => {
            "no file descriptors are left: each connection of a job takes two; raise the limit \
             (`ulimit -n`), or use fewer cells (`--cells 1`)"
                .to_owned()
        }
        _ => error.to_string(),
    }
}

/// Has the runtime watch a socket that does not block.
pub(crate) fn register(socket: OwnedFd) -> std::io::Result<AsyncFd<OwnedFd>> {
    let interest = Interest::READABLE | Interest::WRITABLE;
    #[expect(
        deprecated,
        reason = "an owned descriptor keeps what the unsafe one asks for"
    )]
    AsyncFd::with_interest(socket, interest)
}

fn receive_one(
    receiver: &mut Receiver,
    socket: &OwnedFd,
) -> std::io::Result<(Report, Vec<OwnedFd>)> {
    let (message, fds) = receiver.receive(socket, Wait::No)?;
    if message.is_empty() {
        return Err(Error::new(ErrorKind::UnexpectedEof, "the shim ended"));
    }
    let report = Report::decode(message);
    report.map(|report| (report, fds)).map_err(Error::other)
}
