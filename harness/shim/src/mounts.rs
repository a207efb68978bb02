//! What a local sandbox sees of the host's files: all of it read-only, but for private folders and
//! those declared.

use crate::system::{Tried, Trouble, c_text, check, new_fd};
use std::ffi::CString;
use std::fmt::Write as _;
use std::fs;
use std::io::Result;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use twiceproof_shim::{Folder, Occupant, Setup};

/// Folders that are the sandbox's own, and their modes. A host's sockets stay out of sight there.
pub(crate) const PRIVATE: &[(&str, u32)] = &[
    ("/tmp", 0o1777),
    ("/run", 0o755),
    ("/home", 0o755),
    ("/root", 0o700),
    ("/dev/shm", 0o1777),
    ("/var/tmp", 0o1777),
    ("/var/run", 0o755),
    ("/var/lock", 0o1777),
];

/// Where a service keeps its data.
pub(crate) const DATA: &str = "/twiceproof/data";

/// Home folder where the environment names none.
pub(crate) const HOME: &str = "/home";

/// Devices that take nothing and tell nothing.
const DEVICES: &[&str] = &["null", "zero", "full", "random", "urandom", "tty"];

/// Where the new root grows before it becomes one.
const NEW_ROOT: &str = "/tmp";

/// Bound of the memory behind the private folders.
const PRIVATE_SIZE: &str = "size=1g";

/// Bound of the memory behind a service's data.
const DATA_SIZE: &str = "size=4g";

const READ_ONLY: u64 = libc::MOUNT_ATTR_RDONLY;
const HARMLESS: u64 = libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NODEV;

/// Replaces the root folder.
pub(crate) fn arrange(setup: &Setup, sockets: &[String]) -> std::result::Result<(), Trouble> {
    mount("none", "/", "none", libc::MS_REC | libc::MS_PRIVATE, "").tried("make mounts private")?;
    // Everything of the host is taken hold of before the new root covers part of it.
    let mut folders = Vec::new();
    for folder in &setup.folders {
        let tree = take_tree(&folder.host).tried(format!("bind {}", folder.host))?;
        folders.push((folder, tree));
    }
    let devices = DEVICES
        .iter()
        .map(|name| Ok((*name, take_tree(&format!("/dev/{name}"))?)));
    let devices = devices.collect::<Result<Vec<_>>>().tried("bind devices")?;
    let host = host_entries().tried("read the root folder")?;

    let flags = libc::MS_NOSUID | libc::MS_NODEV;
    mount("tmpfs", NEW_ROOT, "tmpfs", flags, "mode=0755,size=16m").tried("mount a root folder")?;
    attach_host(host).tried("bind the host's folders")?;
    make_devices(devices).tried("make device files")?;
    make_private().tried("make private folders")?;
    cover_sockets(sockets).tried("cover the host's sockets")?;
    let flags = libc::MS_NOSUID | libc::MS_NODEV | libc::MS_NOEXEC | libc::MS_RDONLY;
    make_folder("/proc").tried("make /proc")?;
    mount("proc", &inside("/proc"), "proc", flags, "").tried("mount /proc")?;
    if setup.occupant == Occupant::Service {
        make_data().tried("mount a data folder")?;
    }
    write_names(setup).tried("write the hosts file")?;
    for (folder, tree) in folders {
        attach_folder(folder, &tree).tried(format!("bind {} at {}", folder.host, folder.inside))?;
    }
    set_attributes(None, NEW_ROOT, READ_ONLY, 0).tried("make the root folder read-only")?;
    become_root().tried("change the root folder")
}

fn inside(path: &str) -> String {
    format!("{NEW_ROOT}{path}")
}

fn make_folder(path: &str) -> Result<()> {
    match fs::create_dir_all(inside(path)) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

fn mount(source: &str, target: &str, kind: &str, flags: u64, options: &str) -> Result<()> {
    let (source, target, kind) = (c_text(source)?, c_text(target)?, c_text(kind)?);
    let options = c_text(options)?;
    // SAFETY: the texts outlive the call.
    let result = unsafe {
        let options = options.as_ptr().cast();
        libc::mount(
            source.as_ptr(),
            target.as_ptr(),
            kind.as_ptr(),
            flags,
            options,
        )
    };
    check(result).map(drop)
}

/// Returns a copy of what is mounted at the path and below it, attached nowhere.
fn take_tree(path: &str) -> Result<OwnedFd> {
    let path = c_text(path)?;
    let flags = libc::OPEN_TREE_CLONE | libc::OPEN_TREE_CLOEXEC | libc::AT_RECURSIVE as u32;
    // SAFETY: the text outlives the call.
    new_fd(unsafe { libc::syscall(libc::SYS_open_tree, libc::AT_FDCWD, path.as_ptr(), flags) })
}

/// Attaches a taken tree at a path of the new root.
fn attach(tree: &OwnedFd, path: &str) -> Result<()> {
    const MOVE_MOUNT_F_EMPTY_PATH: u32 = 4;
    let target = c_text(&inside(path))?;
    // SAFETY: the texts outlive the call.
    check(unsafe {
        libc::syscall(
            libc::SYS_move_mount,
            tree.as_raw_fd(),
            c"".as_ptr(),
            libc::AT_FDCWD,
            target.as_ptr(),
            MOVE_MOUNT_F_EMPTY_PATH,
        )
    })
    .map(drop)
}

fn set_attributes(tree: Option<&OwnedFd>, path: &str, attributes: u64, flags: i32) -> Result<()> {
    // SAFETY: all-zero changes nothing; text and attributes outlive the call.
    unsafe {
        let mut change: libc::mount_attr = std::mem::zeroed();
        change.attr_set = attributes;
        let path: CString = c_text(path)?;
        let folder = tree.map_or(libc::AT_FDCWD, AsRawFd::as_raw_fd);
        let size = size_of_val(&change);
        let change = &raw const change;
        check(libc::syscall(
            libc::SYS_mount_setattr,
            folder,
            path.as_ptr(),
            flags,
            change,
            size,
        ))?;
    }
    Ok(())
}

fn restrict(tree: &OwnedFd, attributes: u64) -> Result<()> {
    set_attributes(
        Some(tree),
        "",
        attributes,
        libc::AT_EMPTY_PATH | libc::AT_RECURSIVE,
    )
}

/// Returns the paths of the host's unix sockets; to be asked before leaving its network.
pub(crate) fn host_sockets() -> Vec<String> {
    let list = fs::read("/proc/net/unix").unwrap_or_default();
    let list = String::from_utf8_lossy(&list);
    let path = |line: &str| Some(line[line.find(" /")? + 1..].to_owned());
    list.lines().filter_map(path).collect()
}

/// Binds an empty file over each socket that is still in sight: a socket can be connected to even
/// where nothing can be written.
fn cover_sockets(sockets: &[String]) -> Result<()> {
    use std::os::unix::fs::FileTypeExt;
    let nothing = inside("/twiceproof/nothing");
    make_folder("/twiceproof")?;
    fs::write(&nothing, "")?;
    fs::set_permissions(&nothing, fs::Permissions::from_mode(0o000))?;
    for path in sockets.iter().map(|path| inside(path)) {
        let is_socket = |found: fs::Metadata| found.file_type().is_socket();
        if fs::metadata(&path).is_ok_and(is_socket) {
            // One that is gone meanwhile needs no cover.
            if let Err(error) = mount(&nothing, &path, "none", libc::MS_BIND, "")
                && error.kind() != std::io::ErrorKind::NotFound
            {
                return Err(error);
            }
        }
    }
    Ok(())
}

/// One entry of the host's root folder.
enum HostEntry {
    Folder(String, OwnedFd),
    Link(String, std::path::PathBuf),
}

fn host_entries() -> Result<Vec<HostEntry>> {
    let replaced = ["/proc", "/dev", "/twiceproof"];
    let mut entries = Vec::new();
    for entry in fs::read_dir("/")? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        let path = format!("/{name}");
        let private = PRIVATE.iter().any(|(folder, _)| *folder == path);
        if private || replaced.contains(&path.as_str()) {
            continue;
        }
        let kind = entry.file_type()?;
        if kind.is_dir() {
            let tree = take_tree(&path)?;
            restrict(&tree, READ_ONLY | HARMLESS)?;
            entries.push(HostEntry::Folder(path, tree));
        } else if kind.is_symlink() {
            entries.push(HostEntry::Link(path.clone(), fs::read_link(&path)?));
        }
    }
    Ok(entries)
}

fn attach_host(entries: Vec<HostEntry>) -> Result<()> {
    for entry in entries {
        match entry {
            HostEntry::Folder(path, tree) => {
                make_folder(&path)?;
                attach(&tree, &path)?;
            }
            HostEntry::Link(path, target) => symlink(target, inside(&path))?,
        }
    }
    Ok(())
}

fn make_devices(devices: Vec<(&str, OwnedFd)>) -> Result<()> {
    make_folder("/dev/pts")?;
    for (name, tree) in devices {
        let path = format!("/dev/{name}");
        fs::write(inside(&path), "")?;
        attach(&tree, &path)?;
    }
    let options = "newinstance,ptmxmode=0666,mode=620";
    let flags = libc::MS_NOSUID | libc::MS_NOEXEC;
    mount("devpts", &inside("/dev/pts"), "devpts", flags, options)?;
    make_folder("/dev/mqueue")?;
    let flags = libc::MS_NOSUID | libc::MS_NODEV | libc::MS_NOEXEC;
    mount("mqueue", &inside("/dev/mqueue"), "mqueue", flags, "")?;
    for (name, target) in [
        ("ptmx", "pts/ptmx"),
        ("fd", "/proc/self/fd"),
        ("stdin", "/proc/self/fd/0"),
        ("stdout", "/proc/self/fd/1"),
        ("stderr", "/proc/self/fd/2"),
    ] {
        symlink(target, inside(&format!("/dev/{name}")))?;
    }
    Ok(())
}

/// Mounts one tmpfs, and binds a folder of it at each private place that the host has.
fn make_private() -> Result<()> {
    const STORE: &str = "/twiceproof/private";
    make_folder(STORE)?;
    let flags = libc::MS_NOSUID | libc::MS_NODEV;
    let store = inside(STORE);
    mount(
        "tmpfs",
        &store,
        "tmpfs",
        flags,
        &format!("mode=0755,{PRIVATE_SIZE}"),
    )?;
    for (index, (path, mode)) in PRIVATE.iter().enumerate() {
        let below_var = path.starts_with("/var/");
        let there = fs::symlink_metadata(inside(path)).is_ok_and(|found| found.is_dir());
        if below_var && !there {
            continue;
        }
        let folder = format!("{store}/{index}");
        fs::create_dir(&folder)?;
        fs::set_permissions(&folder, fs::Permissions::from_mode(*mode))?;
        make_folder(path)?;
        mount(&folder, &inside(path), "none", libc::MS_BIND, "")?;
    }
    let store = c_text(&store)?;
    // SAFETY: the text outlives the call.
    check(unsafe { libc::umount2(store.as_ptr(), libc::MNT_DETACH) }).map(drop)
}

fn make_data() -> Result<()> {
    make_folder(DATA)?;
    let flags = libc::MS_NOSUID | libc::MS_NODEV;
    mount(
        "tmpfs",
        &inside(DATA),
        "tmpfs",
        flags,
        &format!("mode=0700,{DATA_SIZE}"),
    )
}

/// Binds our own hosts, resolver and, for a service, user files over the host's.
fn write_names(setup: &Setup) -> Result<()> {
    let mut hosts = format!(
        "127.0.0.1 localhost\n::1 localhost\n127.0.0.1 {}\n",
        setup.name
    );
    for (address, name) in &setup.hosts {
        writeln!(hosts, "{address} {name}").expect("a text can grow");
    }
    make_folder("/twiceproof/etc")?;
    cover("/etc/hosts", &hosts)?;
    if Path::new(&inside("/etc/resolv.conf")).is_file() {
        cover("/etc/resolv.conf", "# The sandbox has no resolver.\n")?;
    }
    if setup.occupant == Occupant::Service {
        // SAFETY: plain calls.
        let (user, group) = unsafe { (libc::geteuid(), libc::getegid()) };
        let line = format!("service:x:{user}:{group}:service:{HOME}:/bin/sh\n");
        cover("/etc/passwd", &line)?;
        cover("/etc/group", &format!("service:x:{group}:\n"))?;
    }
    Ok(())
}

fn cover(path: &str, content: &str) -> Result<()> {
    let source = inside(&format!("/twiceproof{path}"));
    fs::write(&source, content)?;
    fs::set_permissions(&source, fs::Permissions::from_mode(0o644))?;
    mount(&source, &inside(path), "none", libc::MS_BIND, "")?;
    let flags =
        libc::MS_BIND | libc::MS_REMOUNT | libc::MS_RDONLY | libc::MS_NOSUID | libc::MS_NODEV;
    mount("none", &inside(path), "none", flags, "")
}

fn attach_folder(folder: &Folder, tree: &OwnedFd) -> Result<()> {
    let target = inside(&folder.inside);
    if !Path::new(&target).exists() {
        if fs::metadata(format!("/proc/self/fd/{}", tree.as_raw_fd()))?.is_dir() {
            make_folder(&folder.inside)?;
        } else {
            if let Some(parent) = Path::new(&target).parent() {
                fs::create_dir_all(parent)?;
            }
            fs::write(&target, "")?;
        }
    }
    let read_only = if folder.writable { 0 } else { READ_ONLY };
    restrict(tree, HARMLESS | read_only)?;
    attach(tree, &folder.inside)
}

fn become_root() -> Result<()> {
    std::env::set_current_dir(NEW_ROOT)?;
    // SAFETY: constant texts.
    unsafe {
        let here = c".".as_ptr();
        check(libc::syscall(libc::SYS_pivot_root, here, here))?;
        check(libc::umount2(here, libc::MNT_DETACH))?;
    }
    std::env::set_current_dir("/")
}
