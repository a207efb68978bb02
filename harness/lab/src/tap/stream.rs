//! The two kinds of socket that a tap joins, behind one face.

use crate::service::ServiceStream;
use rustix::net::sockopt;
use socket2::{SockFilter, SockRef};
use std::io;
use std::os::fd::AsFd;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, ReadBuf};
use twiceproof_model::event::LinkEnd;

/// A classic filter of one instruction: of each packet, keep no byte.
const DROP_ALL: &[SockFilter] = &[SockFilter::new(RETURN, 0, 0, 0)];
/// The instruction that returns how many bytes are kept.
const RETURN: u16 = 0x06;

/// Drops every packet that a socket is sent, or no longer: as where a cable is pulled, the peer's
/// kernel gets no answer. Needs CAP_NET_ADMIN over the socket's network namespace.
pub(crate) fn deafen(socket: &impl AsFd, is_deaf: bool) -> io::Result<()> {
    let socket = SockRef::from(socket);
    match is_deaf {
        true => socket.attach_filter(DROP_ALL),
        false => socket.detach_filter(),
    }
}

impl ServiceStream {
    /// Reads when there is something. A read that does not fill the buffer is known to have emptied
    /// the socket, and saves the next one.
    pub(crate) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        bytes: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let mut buffer = ReadBuf::new(bytes);
        let read = match self {
            ServiceStream::Tcp(stream) => Pin::new(stream).poll_read(cx, &mut buffer),
            ServiceStream::Unix(stream) => Pin::new(stream).poll_read(cx, &mut buffer),
        };
        read.map_ok(|()| buffer.filled().len())
    }

    /// Is ready when writing may take something.
    pub(crate) fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            ServiceStream::Tcp(stream) => stream.poll_write_ready(cx),
            ServiceStream::Unix(stream) => stream.poll_write_ready(cx),
        }
    }

    /// Writes without waiting.
    pub(crate) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            ServiceStream::Tcp(stream) => stream.try_write(bytes),
            ServiceStream::Unix(stream) => stream.try_write(bytes),
        }
    }

    /// Drops every packet that comes from the peer, or no longer. Only a TCP socket has any.
    pub(crate) fn deafen(&self, is_deaf: bool) -> io::Result<()> {
        match self {
            ServiceStream::Tcp(stream) => deafen(stream, is_deaf),
            ServiceStream::Unix(_) => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    /// Ends our direction in order; the other one stays open.
    pub(crate) fn shut_write(&self) {
        // A peer that is gone already has ended it for us.
        let _ = match self {
            ServiceStream::Tcp(stream) => {
                rustix::net::shutdown(stream, rustix::net::Shutdown::Write)
            }
            ServiceStream::Unix(stream) => {
                rustix::net::shutdown(stream, rustix::net::Shutdown::Write)
            }
        };
    }

    /// Ends the connection now, both ways, though we hold the socket on.
    pub(crate) fn cut(&self, how: LinkEnd) {
        match (self, how) {
            // Dissolving the association is what sends an RST; where it cannot, the close does.
            (ServiceStream::Tcp(stream), LinkEnd::Reset) => {
                self.close_as(how);
                let _ = rustix::net::connect_unspec(stream);
            }
            _ => self.shut_write(),
        }
    }

    /// Arranges that closing it sends what the other peer saw: a FIN, or an RST.
    pub(crate) fn close_as(&self, how: LinkEnd) {
        if let (ServiceStream::Tcp(stream), LinkEnd::Reset) = (self, how) {
            // Linger zero turns the close into an RST. A socket that is gone needs none.
            let _ = sockopt::set_socket_linger(stream, Some(Duration::ZERO));
        }
    }
}
