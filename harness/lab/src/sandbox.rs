//! One sandbox: where an instance or a service runs, and the only handle on it.
//!
//! A sandbox is a shim process (see `twiceproof_shim`) in namespaces or a container of its own. It
//! stays warm: the target is started in it again and again.

mod handle;
mod link;

pub(crate) use handle::END_MAX;
pub use handle::Sandbox;
pub(crate) use link::{Link, register};

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use twiceproof_model::{Exit, ServiceName};
use twiceproof_shim::{FileCall, Tapped};

/// A folder of the host that a sandbox sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    /// Absolute path on the host.
    pub host: PathBuf,
    /// Absolute path inside.
    pub inside: PathBuf,
    /// Whether it can be written to.
    pub writable: bool,
}

/// Who runs in a sandbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occupant {
    /// An instance of the target.
    Instance,
    /// A service with a tmpfs of its own at `/twiceproof/data`, never running as real root: a lab
    /// that is root drops to an ordinary user first, and a passwd entry names the mapped user.
    Service,
}

/// Whose machine a sandbox stands for.
#[derive(Clone, Debug)]
pub enum Host {
    /// Its own.
    Own,
    /// One that others can join: see [`Sandbox::neighbour`].
    First,
    /// That of another sandbox, whose process ids it shares.
    Beside(Neighbour),
}

/// What another sandbox of the same host needs of the first one.
#[derive(Clone, Debug)]
pub enum Neighbour {
    /// Its namespaces: of the user, and of process ids.
    Namespaces(Arc<[OwnedFd; 2]>),
    /// Its container, by id.
    Container(String),
}

/// What a sandbox must be.
#[derive(Clone, Debug)]
pub struct SandboxSpec {
    /// Host name inside, unique within the run: `job-1`.
    pub name: String,
    /// Who runs in it.
    pub occupant: Occupant,
    /// Whose machine it stands for.
    pub host: Host,
    /// The addresses to listen on, by service; the listening sockets come back in
    /// [`Sandbox::listeners`].
    pub listen: Vec<(ServiceName, SocketAddr)>,
    /// Lines of the hosts file beside `localhost`.
    pub hosts: Vec<(std::net::IpAddr, String)>,
    /// Folders to bind in.
    pub folders: Vec<Folder>,
    /// Docker backend: the image, with overrides applied. Absent for the local backend.
    pub image: Option<String>,
    /// Whether what earlier starts left in `/tmp` and the like is gone at each start.
    pub fresh: bool,
}

/// One start of a program.
#[derive(Debug)]
pub struct StartSpec {
    /// Program, looked up in PATH inside, and arguments. For a container image: empty means its own
    /// command.
    pub argv: Vec<String>,
    /// Whole environment, but for PATH and HOME, which the shim sets unless given.
    pub env: BTreeMap<String, String>,
    /// Working folder inside; empty: where the image says, or `/`.
    pub workdir: PathBuf,
    /// Standard input; absent: `/dev/null`.
    pub stdin: Option<OwnedFd>,
    /// Standard output and error.
    pub output: OwnedFd,
    /// The folders whose calls are tapped; [`Tapped::NOTHING`]: none.
    pub tapped: Tapped,
}

/// Names one start within a sandbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct StartId(pub u32);

/// What a sandbox reports by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SandboxEvent {
    /// The first process of a start ended.
    Exited {
        /// Which start.
        start: StartId,
        /// How.
        exit: Exit,
    },
    /// No process of any start is left.
    TreeGone,
    /// A call on a file in a tapped folder; it waits where the start says [`Gate::Hold`].
    ///
    /// [`Gate::Hold`]: twiceproof_shim::Gate::Hold
    Called(FileCall),
    /// Such a call came to its end.
    Returned {
        /// Which call.
        call: u64,
        /// What the kernel answered; see [`twiceproof_shim::Report::Returned`].
        result: i64,
        /// Whether what it would create was there before.
        existed: bool,
    },
    /// The sandbox itself is gone: nothing in it runs any more.
    Lost(String),
}

/// One thread inside, as sampled.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TaskSample {
    /// Process id inside.
    pub pid: i32,
    /// Thread id inside.
    pub tid: i32,
    /// State letter of `/proc/PID/task/TID/stat`: R, S, D, T, t, Z.
    pub state: u8,
    /// Number of the system call it waits in; `None`: it runs, or waits outside any call.
    pub call: Option<i64>,
    /// The call's arguments.
    pub arguments: [u64; 6],
    /// Voluntary and involuntary context switches so far.
    pub switches: (u64, u64),
}

/// How far a signal reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The first process of the start.
    Process,
    /// Every process in the sandbox but the shim.
    Tree,
}

/// Why a sandbox failed.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The system refuses what sandboxes need.
    #[error("cannot {tried}: {reason}")]
    Refused {
        /// What was tried.
        tried: String,
        /// What the system said.
        reason: String,
        /// What the user can do.
        hint: String,
    },
    /// The program could not be started.
    #[error("cannot start {program}: {reason}")]
    Start {
        /// First word of the command.
        program: String,
        /// What the system said.
        reason: String,
    },
    /// The shim or the engine broke the protocol between us, or is gone.
    #[error("lost the sandbox {name}: {reason}")]
    Lost {
        /// Which sandbox.
        name: String,
        /// What was seen.
        reason: String,
    },
}

/// Longest wait for a sandbox to stand; an engine may have to start a container first.
pub const READY_MAX: Duration = Duration::from_secs(60);

/// Longest wait for the shim's answer to a command.
pub const ANSWER_MAX: Duration = Duration::from_secs(20);
