//! From inside there is no way out.

use super::bench_of::{Bench, say};
use std::net::{TcpListener, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};

pub(super) async fn no_way_out(bench: &mut Bench) {
    let mut sandbox = bench.open().await;
    let own = std::process::id();
    let mut ways: Vec<(Vec<String>, &str)> = Vec::new();
    let mut add = |words: &[&str], why| {
        ways.push((words.iter().map(|word| (*word).to_owned()).collect(), why));
    };

    // Unix sockets of the host, by path and by name.
    let folder = tempfile::Builder::new()
        .prefix("door-")
        .tempdir_in("/tmp")
        .unwrap();
    let by_path = folder.path().join("socket");
    let _by_path = UnixListener::bind(&by_path).unwrap();
    add(&["unix", by_path.to_str().unwrap()], "a socket in /tmp");
    let run = std::path::PathBuf::from(format!("/run/door-{own}"));
    let _in_run = UnixListener::bind(&run).ok();
    add(&["unix", run.to_str().unwrap()], "a socket in /run");
    for engine in [
        "/var/run/docker.sock",
        "/run/docker.sock",
        "/run/podman/podman.sock",
    ] {
        add(&["unix", engine], "the engine's socket");
    }
    let name = format!("door-{own}");
    let _abstract =
        UnixListener::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
    add(&["abstract", &name], "an abstract socket");

    // The host's network.
    let addresses = ["127.0.0.1:0", "127.0.0.9:0", "0.0.0.0:0", "[::1]:0"];
    let listeners: Vec<_> = addresses.iter().flat_map(TcpListener::bind).collect();
    for listener in &listeners {
        let address = listener.local_addr().unwrap().to_string();
        add(
            &["connect", &address.replace("0.0.0.0", "127.0.0.1")],
            "the host's loopback",
        );
    }
    assert!(listeners.len() >= 3);
    let datagrams = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = datagrams.local_addr().unwrap().to_string();
    add(&["udp", &address], "the host's loopback by UDP");
    for address in ["192.0.2.1:53", "[2001:db8::1]:53", "10.0.0.1:53"] {
        add(&["connect", address], "another host");
        add(&["udp", address], "another host by UDP");
    }

    // The host's processes.
    let pid = own.to_string();
    add(&["kill", &pid], "a process of the host");
    add(
        &["read", &format!("/proc/{pid}/environ")],
        "a process of the host",
    );
    add(&["read", "/proc/1/environ"], "the shim's memory");
    add(&["write", "/proc/1/mem"], "the shim's memory");

    for device in [
        "/dev/mem",
        "/dev/sda",
        "/dev/vda",
        "/dev/loop0",
        "/dev/fuse",
    ] {
        add(&["read", device], "a device");
    }

    for (words, why) in ways {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let said = say(&mut sandbox, &words).await;
        assert!(
            said.starts_with("refused: "),
            "{why}: {words:?} said {said}"
        );
    }
    let _ = std::fs::remove_file(run);
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
