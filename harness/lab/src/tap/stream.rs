//! The two kinds of socket that a tap joins, behind one face.

use crate::service::ServiceStream;
use rustix::net::sockopt;
use std::io;
use std::time::Duration;
use twiceproof_model::event::LinkEnd;

impl ServiceStream {
    /// Resolves when reading may yield something.
    pub(crate) async fn readable(&self) -> io::Result<()> {
        match self {
            ServiceStream::Tcp(stream) => stream.readable().await,
            ServiceStream::Unix(stream) => stream.readable().await,
        }
    }

    /// Resolves when writing may take something.
    pub(crate) async fn writable(&self) -> io::Result<()> {
        match self {
            ServiceStream::Tcp(stream) => stream.writable().await,
            ServiceStream::Unix(stream) => stream.writable().await,
        }
    }

    /// Reads without waiting.
    pub(crate) fn try_read(&self, bytes: &mut [u8]) -> io::Result<usize> {
        match self {
            ServiceStream::Tcp(stream) => stream.try_read(bytes),
            ServiceStream::Unix(stream) => stream.try_read(bytes),
        }
    }

    /// Writes without waiting.
    pub(crate) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            ServiceStream::Tcp(stream) => stream.try_write(bytes),
            ServiceStream::Unix(stream) => stream.try_write(bytes),
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
