//! The local backend: namespaces of the host's own kernel, without root and without a daemon.

use super::Backend;
use crate::embed::{self, InMemory};
use crate::sandbox::{END_MAX, Host, Link, Neighbour, Sandbox, SandboxError, SandboxSpec};
use futures_util::future::LocalBoxFuture;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, OnceLock};
use twiceproof_shim::Place;

/// Sandboxes as processes of this machine.
pub struct Local;

impl Backend for Local {
    fn name(&self) -> &'static str {
        "local"
    }

    fn doc(&self) -> &'static str {
        "Linux namespaces on this machine: no root, no daemon."
    }

    fn drops_packets(&self) -> bool {
        // Who makes a namespace may do anything in it.
        true
    }

    fn available(&self) -> LocalBoxFuture<'_, Result<(), SandboxError>> {
        Box::pin(async {
            let spec = SandboxSpec {
                name: "available".to_owned(),
                occupant: crate::sandbox::Occupant::Instance,
                host: Host::Own,
                listen: Vec::new(),
                hosts: Vec::new(),
                folders: Vec::new(),
                image: None,
                fresh: false,
            };
            self.open(spec).await.map(drop)
        })
    }

    fn open(&self, spec: SandboxSpec) -> LocalBoxFuture<'_, Result<Sandbox, SandboxError>> {
        Box::pin(async move {
            let (ours, process) = spawn().map_err(|error| SandboxError::Refused {
                tried: format!("start the shim of {}", spec.name),
                reason: error.to_string(),
                hint: String::new(),
            })?;
            let link = Link::new(&spec.name, ours)?;
            let pid = process.0.id();
            let mut sandbox = Sandbox::set_up(&spec, Place::Host, link, Box::new(process)).await?;
            if matches!(spec.host, Host::First) {
                sandbox.neighbour =
                    Some(namespaces_of(pid).map_err(|error| SandboxError::Refused {
                        tried: format!("open the namespaces of {}", spec.name),
                        reason: error.to_string(),
                        hint: String::new(),
                    })?);
            }
            Ok(sandbox)
        })
    }
}

/// Returns the namespaces that the shim's outer process made: its own of the user, and that of
/// process ids which its children are in.
fn namespaces_of(pid: u32) -> std::io::Result<Neighbour> {
    let open = |name: &str| std::fs::File::open(format!("/proc/{pid}/ns/{name}"));
    let namespaces = [open("user")?.into(), open("pid_for_children")?.into()];
    Ok(Neighbour::Namespaces(Arc::new(namespaces)))
}

/// The shim's outer process. It ends by itself when the link does.
struct Process(Child);

fn shim() -> std::io::Result<&'static InMemory> {
    static SHIM: OnceLock<InMemory> = OnceLock::new();
    if let Some(shim) = SHIM.get() {
        return Ok(shim);
    }
    let made = embed::SHIM.in_memory()?;
    Ok(SHIM.get_or_init(|| made))
}

fn spawn() -> std::io::Result<(std::os::fd::OwnedFd, Process)> {
    let kind = SocketType::SEQPACKET;
    let (ours, theirs) = socketpair(AddressFamily::UNIX, kind, SocketFlags::CLOEXEC, None)?;
    let mut command = Command::new(shim()?.path());
    command
        .arg0("twiceproof-shim")
        .arg("local")
        .env_clear()
        .current_dir("/");
    command
        .stdin(theirs)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    Ok((ours, Process(command.spawn()?)))
}

impl Drop for Process {
    fn drop(&mut self) {
        // The link is closed by now, so the wait is for killed processes alone: about 1 ms.
        let Some(pid) = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw) else {
            return;
        };
        let Ok(handle) = pidfd_open(pid, PidfdFlags::empty()) else {
            return;
        };
        let wait = Timespec::try_from(END_MAX).ok();
        if matches!(
            poll(&mut [PollFd::new(&handle, PollFlags::IN)], wait.as_ref()),
            Ok(0)
        ) {
            // Stuck in the kernel: the shim's own end still kills it all, later.
            return;
        }
        let _ = self.0.wait();
    }
}
