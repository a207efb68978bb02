//! What waits in the queues of one connection inside a sandbox, asked of the kernel.

use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, recv, send};
use std::io::{Error, ErrorKind, Result};
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsFd;

/// Message type of a question about sockets, and of its answer.
const SOCK_DIAG_BY_FAMILY: u16 = 20;

/// Message type of an error in place of an answer.
const NLMSG_ERROR: u16 = 2;

/// Flag of a question.
const NLM_F_REQUEST: u16 = 1;

/// Bytes of a question: 16 of the message's head, 56 of the question.
const QUESTION: usize = 72;

/// Stale answers that are skipped at most.
const ANSWERS_MAX: usize = 16;

/// The queues of one end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Queues {
    /// Bytes that arrived and were not read.
    pub unread: u32,
    /// Bytes that were written and not yet taken by the peer's kernel.
    pub unsent: u32,
}

/// Returns the queues of the socket that is bound to `own` and connected to `peer`, in the network
/// namespace where `diag` was opened. A connection that is gone is an error of kind `NotFound`.
pub fn queues(diag: impl AsFd, own: SocketAddr, peer: SocketAddr) -> Result<Queues> {
    let question = question(own, peer)?;
    let sent = send(&diag, &question, SendFlags::empty())?;
    if sent != question.len() {
        return Err(Error::from(ErrorKind::WriteZero));
    }
    let mut answer = [0u8; 1024];
    for _ in 0..ANSWERS_MAX {
        // The kernel answers within the send, so the answer is there.
        let (_, count) = recv(&diag, &mut answer, RecvFlags::DONTWAIT)?;
        if let Some(queues) = read(answer.get(..count).unwrap_or(&answer), own, peer) {
            return queues;
        }
    }
    Err(Error::from(ErrorKind::InvalidData))
}

/// Bytes of the question, in order: length, type, flags, sequence, port; family, protocol, two
/// unused, states; ports and addresses in network order, interface, cookie.
fn question(own: SocketAddr, peer: SocketAddr) -> Result<Vec<u8>> {
    let family: u8 = match (own, peer) {
        (SocketAddr::V4(_), SocketAddr::V4(_)) => 2,
        (SocketAddr::V6(_), SocketAddr::V6(_)) => 10,
        _ => return Err(Error::from(ErrorKind::InvalidInput)),
    };
    const TCP: u8 = 6;
    let mut bytes = Vec::with_capacity(QUESTION);
    bytes.extend((QUESTION as u32).to_ne_bytes());
    bytes.extend(SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    bytes.extend(NLM_F_REQUEST.to_ne_bytes());
    bytes.extend([0; 8]);
    bytes.extend([family, TCP, 0, 0]);
    bytes.extend(u32::MAX.to_ne_bytes());
    bytes.extend(own.port().to_be_bytes());
    bytes.extend(peer.port().to_be_bytes());
    bytes.extend(wide(own.ip()));
    bytes.extend(wide(peer.ip()));
    bytes.extend([0; 4]);
    bytes.extend([0xff; 8]);
    debug_assert_eq!(bytes.len(), QUESTION, "the layout above is whole");
    Ok(bytes)
}

fn wide(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V6(address) => address.octets(),
        IpAddr::V4(address) => {
            let mut wide = [0; 16];
            wide[..4].copy_from_slice(&address.octets());
            wide
        }
    }
}

/// Returns what an answer says, or nothing if it answers another question.
fn read(answer: &[u8], own: SocketAddr, peer: SocketAddr) -> Option<Result<Queues>> {
    let at = |from: usize| -> Option<[u8; 4]> { answer.get(from..from + 4)?.try_into().ok() };
    let kind = u16::from_ne_bytes(answer.get(4..6)?.try_into().ok()?);
    if kind == NLMSG_ERROR {
        let errno = i32::from_ne_bytes(at(16)?).wrapping_neg();
        return Some(Err(match Errno::from_raw_os_error(errno) {
            Errno::NOENT => Error::from(ErrorKind::NotFound),
            other => other.into(),
        }));
    }
    let ports = [own.port().to_be_bytes(), peer.port().to_be_bytes()].concat();
    if kind != SOCK_DIAG_BY_FAMILY || answer.get(20..24)? != ports {
        return None;
    }
    let unread = u32::from_ne_bytes(at(72)?);
    let unsent = u32::from_ne_bytes(at(76)?);
    Some(Ok(Queues { unread, unsent }))
}
