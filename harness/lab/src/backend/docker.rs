//! The docker backend: containers without a network, the shim in front of the image's own command.
//!
//! Also for podman, by its compatible socket. The engine must run on this machine: sockets are
//! passed through a folder that both see.

mod engine;
mod image;

pub use engine::{remove_leftovers, run_label};
pub use image::overridden;

use super::Backend;
use crate::embed::SHIM;
use crate::janitor::RunFolder;
use crate::sandbox::{
    Folder, Host, Link, Neighbour, Occupant, READY_MAX, Sandbox, SandboxError, SandboxSpec,
};
use engine::{RUN_LABEL, SANDBOX_LABEL};
use futures_util::future::LocalBoxFuture;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use testcontainers::core::{AccessMode, Mount};
use testcontainers::runners::AsyncRunner;
use testcontainers::{ContainerAsync, ContainerRequest, GenericImage, ImageExt};
use tokio::time::{Instant, timeout};
use twiceproof_shim::Place;

/// Where the shim lies in a container.
const SHIM_INSIDE: &str = "/twiceproof/shim";

/// Where the folder with the link's socket lies in a container.
const LINK_INSIDE: &str = "/twiceproof/link";

/// Folders in memory, beside those that the engine makes.
const PRIVATE: &[(&str, &str)] = &[
    ("/tmp", "rw,nosuid,nodev,exec,mode=1777,size=1g"),
    ("/run", "rw,nosuid,nodev,exec,mode=755,size=1g"),
];

/// Where a service keeps its data.
const DATA: (&str, &str) = (
    "/twiceproof/data",
    "rw,nosuid,nodev,exec,mode=700,uid=65534,gid=65534,size=4g",
);

/// Who a service runs as: nobody, as everywhere.
const NOBODY: &str = "65534:65534";

/// Bytes of `/dev/shm`.
const SHARED_MEMORY: u64 = 1 << 30;

/// How often a container that has not connected yet is looked at.
const LOOK: Duration = Duration::from_millis(250);

/// Longest wait between the start of a container and the shim's connection.
const CONNECT_MAX: Duration = Duration::from_secs(20);

/// Sandboxes as containers.
pub struct Docker;

impl Backend for Docker {
    fn name(&self) -> &'static str {
        "docker"
    }

    fn doc(&self) -> &'static str {
        "Containers of a Docker or Podman engine on this machine."
    }

    fn runs_images(&self) -> bool {
        true
    }

    fn available(&self) -> LocalBoxFuture<'_, Result<(), SandboxError>> {
        Box::pin(async { engine::connect().await.map(drop) })
    }

    fn open(&self, spec: SandboxSpec) -> LocalBoxFuture<'_, Result<Sandbox, SandboxError>> {
        Box::pin(open(spec))
    }
}

/// The files that containers share with this process: one folder for all of them, and the shim.
struct Shared {
    folder: RunFolder,
    shim: PathBuf,
}

fn shared() -> std::io::Result<&'static Shared> {
    // Never dropped: its janitor removes the folder when this process ends.
    static SHARED: OnceLock<Shared> = OnceLock::new();
    if let Some(shared) = SHARED.get() {
        return Ok(shared);
    }
    let folder = RunFolder::create()?;
    let shim = SHIM.write_into(folder.path())?;
    Ok(SHARED.get_or_init(|| Shared { folder, shim }))
}

async fn open(spec: SandboxSpec) -> Result<Sandbox, SandboxError> {
    static NUMBER: AtomicU32 = AtomicU32::new(1);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let Some(image) = spec.image.as_deref().map(overridden) else {
        return Err(SandboxError::Refused {
            tried: format!("start a container for {}", spec.name),
            reason: "no image is named".to_owned(),
            hint: "set `image` in target.toml, or use --backend local".to_owned(),
        });
    };
    let refused = |tried: &str, reason: String| SandboxError::Refused {
        tried: format!("{tried} for {}", spec.name),
        reason,
        hint: String::new(),
    };
    let engine = engine::connect().await?;
    let own_command = image::own_command(&engine, &image).await?;

    let shared = shared().map_err(|error| refused("make a folder", error.to_string()))?;
    let door = Door::open(shared.folder.path().join(format!("link-{number}")));
    let door = door.map_err(|error| refused("listen for the shim", error.to_string()))?;
    let label = format!("{}-{number}", run_label());
    let request = request(&spec, &image, shared, &door, own_command, &label);
    let container = match request.start().await {
        Ok(container) => Container(Some(container)),
        Err(error) => {
            engine::remove(&engine, SANDBOX_LABEL, &label).await;
            return Err(refused(
                &format!("start a container of {image}"),
                chain(&error),
            ));
        }
    };
    let socket = door
        .accept(&container)
        .await
        .map_err(|reason| SandboxError::Refused {
            tried: format!("reach the shim in the container of {}", spec.name),
            reason,
            hint:
                "a remote engine, or one in a virtual machine, cannot pass sockets: use an engine \
               on this machine, or --backend local"
                    .to_owned(),
        })?;
    drop(door);
    let link = Link::new(&spec.name, socket)?;
    let id = container.id();
    let mut sandbox = Sandbox::set_up(&spec, Place::Container, link, Box::new(container)).await?;
    if matches!(spec.host, Host::First) {
        sandbox.neighbour = Some(Neighbour::Container(id));
    }
    Ok(sandbox)
}

fn request(
    spec: &SandboxSpec,
    image: &str,
    shared: &Shared,
    door: &Door,
    own_command: Vec<String>,
    label: &str,
) -> ContainerRequest<GenericImage> {
    let (name, tag) = image::split(image);
    let mut command = vec!["container".to_owned(), format!("{LINK_INSIDE}/{SOCKET}")];
    if !own_command.is_empty() {
        command.push("--".to_owned());
        command.extend(own_command);
    }
    let is_shared = |path: &str| {
        let mut folders = spec.folders.iter();
        folders.any(|folder| folder.inside == std::path::Path::new(path))
    };
    let private = PRIVATE.iter().filter(|(path, _)| !is_shared(path));
    let mut tmpfs: Vec<_> = private.copied().collect();
    if spec.occupant == Occupant::Service {
        tmpfs.push(DATA);
    }
    let hosts: Vec<_> = spec
        .hosts
        .iter()
        .map(|(address, name)| format!("{name}:{address}"))
        .collect();
    let processes = match &spec.host {
        Host::Beside(Neighbour::Container(id)) => Some(format!("container:{id}")),
        _ => None,
    };
    let mut request = GenericImage::new(name, tag)
        .with_entrypoint(SHIM_INSIDE)
        .with_cmd(command)
        .with_hostname(&spec.name)
        .with_labels([(RUN_LABEL, run_label()), (SANDBOX_LABEL, label.to_owned())])
        .with_cap_drop("ALL")
        .with_security_opt("no-new-privileges")
        .with_readonly_rootfs(true)
        .with_shm_size(SHARED_MEMORY)
        .with_startup_timeout(READY_MAX)
        .with_mount(bind(&shared.shim, SHIM_INSIDE, false))
        .with_mount(bind(&door.folder, LINK_INSIDE, false))
        .with_host_config_modifier(move |host| {
            host.network_mode = Some("none".to_owned());
            host.pid_mode.clone_from(&processes);
            host.publish_all_ports = None;
            host.port_bindings = None;
            // The container ends with its link, even if this process is killed.
            host.auto_remove = Some(true);
            host.extra_hosts = Some(hosts.clone());
            let owned =
                |(path, options): &(&str, &str)| ((*path).to_owned(), (*options).to_owned());
            host.tmpfs = Some(tmpfs.iter().map(owned).collect());
        });
    if spec.occupant == Occupant::Service {
        request = request.with_user(NOBODY);
    }
    for Folder {
        host,
        inside,
        writable,
    } in &spec.folders
    {
        request = request.with_mount(bind(host, &inside.to_string_lossy(), *writable));
    }
    request
}

fn bind(host: &std::path::Path, inside: &str, writable: bool) -> Mount {
    let mode = if writable {
        AccessMode::ReadWrite
    } else {
        AccessMode::ReadOnly
    };
    Mount::bind_mount(host.to_string_lossy(), inside).with_access_mode(mode)
}

/// Returns an error with those that caused it.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let words = error.to_string();
        if !text.contains(&words) {
            text = format!("{text}: {words}");
        }
        source = error.source();
    }
    text
}

/// Name of the socket in its folder.
const SOCKET: &str = "socket";

/// The socket that one shim connects to; gone, with its folder, when dropped.
struct Door {
    folder: PathBuf,
    socket: OwnedFd,
}

impl Door {
    fn open(folder: PathBuf) -> std::io::Result<Self> {
        use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
        use std::os::unix::fs::PermissionsExt;
        std::fs::create_dir(&folder)?;
        std::fs::set_permissions(&folder, PermissionsExt::from_mode(0o755))?;
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let kind = SocketType::SEQPACKET;
        let socket = rustix::net::socket_with(AddressFamily::UNIX, kind, flags, None)?;
        let path = folder.join(SOCKET);
        rustix::net::bind(&socket, &SocketAddrUnix::new(&path)?)?;
        // An image may run as anybody. The folder above keeps others of this machine out.
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o777))?;
        rustix::net::listen(&socket, 1)?;
        Ok(Self { folder, socket })
    }

    /// Waits for the shim, as long as its container runs.
    async fn accept(&self, container: &Container) -> Result<OwnedFd, String> {
        let socket = self.socket.try_clone().and_then(crate::sandbox::register);
        let socket = socket.map_err(|error| error.to_string())?;
        let begun = Instant::now();
        loop {
            let flags = rustix::net::SocketFlags::CLOEXEC;
            let one = |socket: &OwnedFd| Ok(rustix::net::accept_with(socket, flags)?);
            match timeout(LOOK, socket.async_io(tokio::io::Interest::READABLE, one)).await {
                Ok(accepted) => return accepted.map_err(|error| error.to_string()),
                Err(_) if begun.elapsed() > CONNECT_MAX => {
                    return Err("it did not connect in time".to_owned());
                }
                Err(_) if !container.is_running().await => {
                    return Err("it ended before it connected".to_owned());
                }
                Err(_) => {}
            }
        }
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        // The container keeps seeing the folder, empty.
        let _ = std::fs::remove_file(self.folder.join(SOCKET));
        let _ = std::fs::remove_dir(&self.folder);
    }
}

/// A container that is removed when this is dropped.
struct Container(Option<ContainerAsync<GenericImage>>);

impl Container {
    fn id(&self) -> String {
        let container = self.0.as_ref();
        container.map_or_else(String::new, |container| container.id().to_owned())
    }

    async fn is_running(&self) -> bool {
        match &self.0 {
            Some(container) => container.is_running().await.unwrap_or(false),
            None => false,
        }
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let container = self.0.take();
        if tokio::runtime::Handle::try_current().is_ok() {
            drop(container);
            return;
        }
        // The removal looks for a runtime around it.
        if let Ok(runtime) = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
        {
            let _inside = runtime.enter();
            drop(container);
        }
    }
}
