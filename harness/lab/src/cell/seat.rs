//! A seat: the warm sandbox of one instance, with the listeners that it connects to.

use crate::sandbox::Sandbox;
use crate::tap::stream;
use std::cell::Cell;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::rc::Rc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// A warm sandbox for one instance.
pub(crate) struct Seat {
    pub(crate) sandbox: Sandbox,
    pub(super) accepting: Vec<JoinHandle<()>>,
    pub(super) doors: Vec<Door>,
}

/// A listener of a seat, which can be closed and opened again.
pub(super) struct Door {
    pub(super) service: usize,
    pub(super) listener: Rc<std::net::TcpListener>,
    /// Tells the task that accepts that it was opened again.
    pub(super) opened: Rc<Notify>,
    /// Whether its packets are dropped.
    pub(super) is_deaf: Cell<bool>,
}

/// Connections that may wait for us to accept them.
const BACKLOG: i32 = 4096;
/// How long accepting rests after an error, such as too many open files.
pub(super) const ACCEPT_REST: Duration = Duration::from_millis(50);

impl Seat {
    /// Refuses connections to the services at these places, or accepts them again.
    pub(crate) fn refuse(&self, services: &[usize], refuses: bool) -> std::io::Result<()> {
        for door in &self.doors {
            if !services.contains(&door.service) || self.is_refusing(door) == refuses {
                continue;
            }
            if refuses {
                rustix::net::shutdown(&*door.listener, rustix::net::Shutdown::Read)?;
            } else {
                rustix::net::listen(&*door.listener, BACKLOG)?;
                door.opened.notify_one();
            }
        }
        Ok(())
    }

    /// Leaves connects to the services at these places unanswered, or answers them again.
    pub(crate) fn deafen(&self, services: &[usize], is_deaf: bool) -> std::io::Result<()> {
        for door in &self.doors {
            if services.contains(&door.service) && door.is_deaf.replace(is_deaf) != is_deaf {
                stream::deafen(&*door.listener, is_deaf)?;
            }
        }
        Ok(())
    }

    fn is_refusing(&self, door: &Door) -> bool {
        !rustix::net::sockopt::socket_acceptconn(&*door.listener).unwrap_or(false)
    }

    /// Returns whether every service can be connected to.
    pub(crate) fn is_open(&self) -> bool {
        let is_shut = |door: &Door| self.is_refusing(door) || door.is_deaf.get();
        !self.doors.iter().any(is_shut)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        for task in &self.accepting {
            task.abort();
        }
    }
}

/// Returns the addresses inside the sandbox under which the service at this place answers.
pub(super) fn addresses_of(host: &str, place: usize) -> Vec<IpAddr> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return vec![address];
    }
    if host == "localhost" {
        return vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
    }
    let last = u8::try_from(place + 2).unwrap_or(u8::MAX);
    vec![Ipv4Addr::new(127, 0, 0, last).into()]
}
