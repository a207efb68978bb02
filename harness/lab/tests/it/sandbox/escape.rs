//! From inside there is no way out.

use super::bench_of::{Bench, say};
use std::net::{TcpListener, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::sync::atomic::{AtomicU32, Ordering};

/// What is tried, and the words for it if it works.
#[derive(Default)]
struct Ways(Vec<(Vec<String>, &'static str)>);

impl Ways {
    fn add(&mut self, words: &[&str], why: &'static str) {
        let words = words.iter().map(|word| (*word).to_owned());
        self.0.push((words.collect(), why));
    }
}

/// A file that goes with the test.
struct Gone(std::path::PathBuf);

impl Drop for Gone {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Unix sockets of the host, by path and by name; they listen as long as what is returned lives.
fn unix_sockets(ways: &mut Ways) -> Vec<(UnixListener, Gone)> {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let name = format!("door-{}-{number}", std::process::id());
    let mut listeners = Vec::new();
    for (folder, why) in [
        ("/tmp", "a socket in /tmp"),
        ("/run", "a socket in /run"),
        ("/dev/shm", "a socket in /dev/shm"),
        // In sight from inside, unless the build's folder is in a private one.
        (env!("CARGO_TARGET_TMPDIR"), "a socket in sight"),
    ] {
        let path = std::path::Path::new(folder).join(&name);
        ways.add(&["unix", path.to_str().unwrap()], why);
        // An ordinary user cannot put one everywhere.
        listeners.extend(UnixListener::bind(&path).map(|listener| (listener, Gone(path))));
    }
    assert!(listeners.len() >= 2);
    for engine in [
        "/var/run/docker.sock",
        "/run/docker.sock",
        "/run/podman/podman.sock",
    ] {
        ways.add(&["unix", engine], "the engine's socket");
    }
    let address = SocketAddr::from_abstract_name(&name).unwrap();
    let listener = UnixListener::bind_addr(&address).unwrap();
    listeners.push((listener, Gone(std::path::PathBuf::new())));
    ways.add(&["abstract", &name], "an abstract socket");
    listeners
}

/// The host's network, and what lies behind it.
fn network(ways: &mut Ways) -> (Vec<TcpListener>, UdpSocket) {
    let addresses = ["127.0.0.1:0", "127.0.0.9:0", "0.0.0.0:0", "[::1]:0"];
    let listeners: Vec<_> = addresses.iter().flat_map(TcpListener::bind).collect();
    assert!(listeners.len() >= 3);
    for listener in &listeners {
        let address = listener.local_addr().unwrap().to_string();
        ways.add(
            &["connect", &address.replace("0.0.0.0", "127.0.0.1")],
            "the host's loopback",
        );
    }
    let datagrams = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = datagrams.local_addr().unwrap().to_string();
    ways.add(&["udp", &address], "the host's loopback by UDP");
    for address in ["192.0.2.1:53", "[2001:db8::1]:53", "10.0.0.1:53"] {
        ways.add(&["connect", address], "another host");
        ways.add(&["udp", address], "another host by UDP");
    }
    (listeners, datagrams)
}

pub(super) async fn no_way_out(bench: &mut Bench) {
    let mut ways = Ways::default();
    // They listen before the sandbox is made: some are hidden when it is.
    let _listening = (unix_sockets(&mut ways), network(&mut ways));
    let own = std::process::id().to_string();
    ways.add(&["kill", &own], "a process of the host");
    let environment = format!("/proc/{own}/environ");
    ways.add(&["read", &environment], "a process of the host");
    ways.add(&["read", "/proc/1/environ"], "the shim's memory");
    ways.add(&["write", "/proc/1/mem"], "the shim's memory");
    for device in [
        "/dev/mem",
        "/dev/sda",
        "/dev/vda",
        "/dev/loop0",
        "/dev/fuse",
    ] {
        ways.add(&["read", device], "a device");
    }
    let mut sandbox = bench.open().await;
    for (words, why) in ways.0 {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let said = say(&mut sandbox, &words).await;
        assert!(
            said.starts_with("refused: "),
            "{why}: {words:?} said {said}"
        );
    }
}

pub(super) async fn nothing_outside_can_be_changed(bench: &mut Bench) {
    let mut sandbox = bench.open().await;
    for path in [
        "/file",
        "/etc/hosts",
        "/etc/passwd",
        "/etc/file",
        "/usr/file",
        "/usr/bin/file",
        "/var/file",
        "/probe/file",
        "/probe/probe",
        "/twiceproof/file",
        "/sys/kernel/mm/ksm/run",
        "/proc/sys/kernel/panic",
        "/proc/sys/vm/swappiness",
        "/proc/sysrq-trigger",
    ] {
        let said = say(&mut sandbox, &["write", path]).await;
        assert!(said.starts_with("refused: "), "{path}: {said}");
    }
    for path in [
        "/tmp/file",
        "/run/file",
        "/dev/shm/file",
        "/share/file",
        "/dev/null",
    ] {
        assert_eq!(
            say(&mut sandbox, &["write", path]).await,
            "written",
            "{path}"
        );
    }
    // An engine's own folder of devices can be written to, but keeps nothing.
    let expect = if bench.is_local() {
        "refused"
    } else {
        "written"
    };
    let said = say(&mut sandbox, &["write", "/dev/file"]).await;
    assert!(said.starts_with(expect), "/dev/file: {said}");
    let said = say(&mut sandbox, &["read", "/dev/file"]).await;
    assert!(
        said.starts_with("refused: No such file"),
        "/dev/file: {said}"
    );
    // What the host keeps in its private places is not seen.
    for place in ["/tmp", "/run"] {
        assert_eq!(say(&mut sandbox, &["list", place]).await, "", "{place}");
    }
}
