//! Sinks: services inside the harness that take what is sent and answer, a session a connection.

use crate::service::ServiceStream;
use rustix::io::Errno;
use rustix::net::{RecvFlags, recv};
use std::io;
use std::sync::{Arc, Mutex, Weak};
use tokio::io::Interest;
use tokio::net::UnixStream;
use tokio::task::AbortHandle;

/// One session with a sink, as bytes in and bytes out.
pub(super) trait Session: Send + 'static {
    /// What the sink says first.
    const GREETING: &'static [u8];

    /// Takes bytes and appends what to answer. An error ends the connection.
    fn feed(&mut self, bytes: &[u8], replies: &mut Vec<u8>) -> io::Result<()>;

    /// Returns whether the session took leave.
    fn is_closed(&self) -> bool;
}

/// One connection, from the sink's side.
struct Connection<S> {
    stream: UnixStream,
    state: Mutex<State<S>>,
}

struct State<S> {
    session: S,
    /// Whether the peer has said all.
    has_ended: bool,
}

impl<S: Session> Connection<S> {
    /// Reads all that has come; returns what to answer, or `None` at the end of the stream. Would
    /// block if nothing has come.
    ///
    /// Asks the socket itself and not the runtime, so that a capture can take in what a job sent as
    /// its last act.
    fn take_in(&self) -> io::Result<Option<Vec<u8>>> {
        let mut state = self.state.lock().expect("no holder of this lock panics");
        let mut buffer = [0; 16 << 10];
        let mut replies = Vec::new();
        let mut something = false;
        loop {
            if state.has_ended {
                return Ok(something.then_some(replies));
            }
            match recv(&self.stream, &mut buffer, RecvFlags::DONTWAIT) {
                Ok((0, _)) => state.has_ended = true,
                Ok((count, _)) => {
                    something = true;
                    state.session.feed(&buffer[..count], &mut replies)?;
                }
                Err(Errno::AGAIN) if something => return Ok(Some(replies)),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Answers until either side takes leave.
    async fn serve(self: Arc<Self>) -> io::Result<()> {
        self.write(S::GREETING).await?;
        loop {
            let taken = self
                .stream
                .async_io(Interest::READABLE, || self.take_in())
                .await?;
            let Some(replies) = taken else { return Ok(()) };
            self.write(&replies).await?;
            let state = self.state.lock().expect("no holder of this lock panics");
            if state.session.is_closed() {
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

/// The open connections of a sink. They end when this is dropped.
pub(super) struct Connections<S> {
    open: Vec<(Weak<Connection<S>>, AbortHandle)>,
}

impl<S> Default for Connections<S> {
    fn default() -> Self {
        Self { open: Vec::new() }
    }
}

impl<S: Session> Connections<S> {
    /// Opens a connection with this session; returns the other end of it.
    pub(super) fn open(&mut self, session: S) -> io::Result<ServiceStream> {
        let (theirs, stream) = UnixStream::pair()?;
        let connection = Arc::new(Connection {
            stream,
            state: Mutex::new(State {
                session,
                has_ended: false,
            }),
        });
        let kept = Arc::downgrade(&connection);
        let task = tokio::spawn(async move {
            // A link that breaks is the job's business, and ends the session.
            let _ = connection.serve().await;
        });
        self.open
            .retain(|(connection, _)| connection.strong_count() > 0);
        self.open.push((kept, task.abort_handle()));
        Ok(ServiceStream::Unix(theirs))
    }

    /// Takes in what was sent and not read yet, on every connection.
    pub(super) fn take_in(&self) {
        for connection in self.open.iter().filter_map(|(weak, _)| weak.upgrade()) {
            // An error is told to the link's own task as well. Who has said its last word hardly
            // waits for an answer, so what does not fit now is not sent.
            if let Ok(Some(replies)) = connection.take_in() {
                let _ = connection.stream.try_write(&replies);
            }
        }
    }
}

impl<S> Connections<S> {
    /// Ends every connection.
    pub(super) fn hang_up(&mut self) {
        for (_, task) in self.open.drain(..) {
            task.abort();
        }
    }
}

impl<S> Drop for Connections<S> {
    fn drop(&mut self) {
        self.hang_up();
    }
}
