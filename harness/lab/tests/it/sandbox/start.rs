//! Starting, talking to, and starting again.

use super::bench_of::{Bench, begin, probe, run, say};
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use twiceproof_lab::sandbox::{Occupant, SandboxError, SandboxEvent};
use twiceproof_lab::sockdiag;
use twiceproof_model::Exit;

pub(super) async fn exit_codes_and_signals_are_told(bench: &mut Bench) {
    let mut sandbox = bench.open().await;
    for (words, expect) in [
        (["exit", "0"], Exit::Code(0)),
        (["exit", "7"], Exit::Code(7)),
        (["raise", "9"], Exit::Signal(9)),
        (["raise", "15"], Exit::Signal(15)),
    ] {
        assert_eq!(run(&mut sandbox, &words).await.0, expect, "{words:?}");
        assert_eq!(sandbox.next_event().await, SandboxEvent::TreeGone);
    }
}

pub(super) async fn failures_to_start_are_named(bench: &mut Bench) {
    let mut sandbox = bench.open().await;
    std::fs::write(bench.share().join("plain"), "#!/nowhere/sh\n").unwrap();
    let long = "x".repeat(200 * 1024);
    for (argv, workdir, expect) in [
        (
            "no-such-program",
            "/",
            "cannot start no-such-program: not found",
        ),
        (
            "/share/plain",
            "/",
            "cannot start /share/plain: cannot execute it: permission denied",
        ),
        (
            "/probe/probe",
            "/no/such",
            "cannot start /probe/probe: cannot enter the working folder: \
             no such file or directory",
        ),
        (
            "/probe/probe",
            "relative",
            "cannot start /probe/probe: command, environment and",
        ),
        ("a\0b", "/", "cannot start a\0b: command, environment and"),
        (&long, "/", "cannot start xxx"),
    ] {
        let (mut spec, _output) = probe(&[]);
        spec.argv = vec![argv.to_owned()];
        spec.workdir = workdir.into();
        let error = sandbox.start(spec).await.unwrap_err();
        assert!(matches!(error, SandboxError::Start { .. }), "{error}");
        assert!(error.to_string().starts_with(expect), "{error}");
    }
    // The sandbox is none the worse.
    assert_eq!(say(&mut sandbox, &["echo", "well"]).await, "well");
}

pub(super) async fn output_and_input_pass(bench: &mut Bench) {
    let mut sandbox = bench.open().await;
    let (mut spec, mut output) = probe(&["cat"]);
    let (input, mut outer) = std::io::pipe().unwrap();
    spec.stdin = Some(OwnedFd::from(input));
    sandbox.start(spec).await.unwrap();
    outer.write_all(b"in and out").unwrap();
    drop(outer);
    let mut text = String::new();
    output.read_to_string(&mut text).unwrap();
    assert_eq!(text, "in and out\n");
    assert_eq!(
        say(&mut sandbox, &["cat"]).await,
        "",
        "no input is an empty one"
    );
}

pub(super) async fn environment_is_what_was_asked_for(bench: &mut Bench) {
    let mut sandbox = bench.open().await;
    let (mut spec, mut output) = probe(&["env"]);
    spec.env
        .insert("GREETING".to_owned(), "hello world".to_owned());
    sandbox.start(spec).await.unwrap();
    let mut text = String::new();
    output.read_to_string(&mut text).unwrap();
    let has = |start: &str| text.lines().any(|line| line.starts_with(start));
    assert!(
        has("GREETING=hello world") && has("PATH=/") && has("HOME=/"),
        "{text}"
    );
    assert!(
        !has("CARGO"),
        "the lab's own environment is not passed on: {text}"
    );
    assert_eq!(say(&mut sandbox, &["where"]).await, "/");
    let (mut spec, mut output) = probe(&["where"]);
    spec.workdir = "/share".into();
    sandbox.start(spec).await.unwrap();
    text.clear();
    output.read_to_string(&mut text).unwrap();
    assert_eq!(text, "/share\n");
}

pub(super) async fn two_starts_run_side_by_side(bench: &mut Bench) {
    let mut sandbox = bench.open().await;
    let first = begin(&mut sandbox, &["sleep"]).await;
    let second = begin(&mut sandbox, &["echo", "second"]).await;
    let (second_start, first_start) = (second.start, first.start);
    assert_ne!(first_start, second_start);
    assert_eq!(
        second.end(&mut sandbox).await,
        (Exit::Code(0), "second".to_owned())
    );
    let scope = twiceproof_lab::sandbox::Scope::Process;
    assert!(sandbox.signal(first_start, scope, 9).await.unwrap());
    assert_eq!(first.end(&mut sandbox).await.0, Exit::Signal(9));
    assert_eq!(sandbox.next_event().await, SandboxEvent::TreeGone);
    assert!(
        !sandbox.signal(first_start, scope, 9).await.unwrap(),
        "it is gone"
    );
}

pub(super) async fn nothing_of_a_former_start_is_left(bench: &mut Bench) {
    let mut sandbox = bench.open().await;
    // A declared folder below a private one is not emptied with it.
    let mut spec = bench.spec();
    spec.folders[1].inside = "/tmp/below/share".into();
    let mut below = bench.open_with(spec).await;
    assert_eq!(
        say(&mut below, &["write", "/tmp/below/share/kept"]).await,
        "written"
    );
    say(&mut below, &["leave"]).await;
    below.clean().await.unwrap();
    assert_eq!(say(&mut below, &["list", "/tmp/below/share"]).await, "kept");

    for _ in 0..3 {
        assert_eq!(say(&mut sandbox, &["leave"]).await, "6 files, 4 objects");
        assert_eq!(say(&mut sandbox, &["left"]).await, "0 files, 0 objects");
        say(&mut sandbox, &["leave"]).await;
        let other = begin(&mut sandbox, &["sleep"]).await;
        say(&mut sandbox, &["leave"]).await;
        // While one runs, others find what it shares with them.
        assert_eq!(say(&mut sandbox, &["left"]).await, "6 files, 4 objects");
        drop(other);
        sandbox.clean().await.unwrap();
        assert_eq!(say(&mut sandbox, &["left"]).await, "0 files, 0 objects");
    }
}

pub(super) async fn declared_folders_are_shared(bench: &mut Bench) {
    let (mut one, mut two) = (bench.open().await, bench.open().await);
    assert_eq!(say(&mut one, &["write", "/share/file"]).await, "written");
    assert_eq!(say(&mut two, &["read", "/share/file"]).await, "probe");
    assert_eq!(std::fs::read(bench.share().join("file")).unwrap(), b"probe");
}

pub(super) async fn rights_are_given_up(bench: &mut Bench) {
    for occupant in [Occupant::Instance, Occupant::Service] {
        let mut spec = bench.spec();
        spec.occupant = occupant;
        let mut sandbox = bench.open_with(spec).await;
        let status = say(&mut sandbox, &["read", "/proc/self/status"]).await;
        let value = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap_or("none").trim().to_owned()
        };
        for name in [
            "CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:", "SigBlk:",
        ] {
            assert_eq!(value(name), "0000000000000000", "{name} of {occupant:?}");
        }
        // The probe's own runtime ignores a broken pipe.
        assert_eq!(value("SigIgn:"), "0000000000001000");
        assert_eq!(
            (value("NoNewPrivs:"), value("Umask:")),
            ("1".into(), "0022".into())
        );
        if occupant == Occupant::Service && bench.is_local() {
            assert_ne!(value("Uid:"), "0\t0\t0\t0", "a service is never root");
            let written = say(&mut sandbox, &["write", "/twiceproof/data/file"]).await;
            assert_eq!(written, "written");
            let user = say(&mut sandbox, &["read", "/etc/passwd"]).await;
            let id = value("Uid:")
                .split('\t')
                .next()
                .unwrap_or_default()
                .to_owned();
            assert!(user.starts_with(&format!("service:x:{id}:")), "{user}");
        }
    }
}

pub(super) async fn listeners_are_found_by_name(bench: &mut Bench) {
    let at = [
        ("pg", "127.0.0.2:5432".parse().unwrap(), "db"),
        ("mail", "127.0.0.3:25".parse().unwrap(), "mail.example"),
        ("here", "[::1]:5432".parse().unwrap(), "localhost"),
    ];
    let mut sandbox = bench.open_listening(&at).await;
    let listeners = std::mem::take(&mut sandbox.listeners);
    assert!(listeners.len() >= 2, "only ::1 may be missing");
    for (service, listener) in listeners {
        let host = match service.as_str() {
            "pg" => "db:5432",
            "mail" => "mail.example:25",
            _ => "[::1]:5432",
        };
        let start = begin(&mut sandbox, &["connect", host]).await;
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = stream.into_std().unwrap();
        stream.set_nonblocking(false).unwrap();
        let mut asked = [0; 4];
        stream.read_exact(&mut asked).unwrap();
        assert_eq!(&asked, b"ping");
        stream.write_all(b"pong").unwrap();
        assert_eq!(
            start.end(&mut sandbox).await,
            (Exit::Code(0), "pong".to_owned())
        );
        // A listener that is closed refuses; the shim kept no copy.
        drop(listener);
        let refused = say(&mut sandbox, &["connect", host]).await;
        assert!(
            refused.starts_with("refused: Connection refused"),
            "{refused}"
        );
    }
}

pub(super) async fn sockets_inside_can_be_dialled(bench: &mut Bench) {
    let mut sandbox = bench.open().await;
    let error = sandbox.dial(4000).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot connect in job-1: connection refused"
    );
    let answer = |mut stream: Box<dyn Read>| {
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    };
    let mut server = begin(&mut sandbox, &["serve", "4000"]).await;
    assert_eq!(server.line(), "ready");
    let stream = sandbox.dial(4000).await.unwrap();
    stream.set_nonblocking(false).unwrap();
    assert_eq!(answer(Box::new(stream)), "pong");
    server.end(&mut sandbox).await;

    let mut server = begin(&mut sandbox, &["serve-unix", "/tmp/door"]).await;
    assert_eq!(server.line(), "ready");
    let stream = sandbox.dial_path("/tmp/door").await.unwrap();
    stream.set_nonblocking(false).unwrap();
    assert_eq!(answer(Box::new(stream)), "pong");
    server.end(&mut sandbox).await;
}

pub(super) async fn queues_are_told(bench: &mut Bench) {
    let at = [
        ("pg", "127.0.0.2:5432".parse().unwrap(), "db"),
        ("here", "[::1]:5432".parse().unwrap(), "localhost"),
    ];
    let mut sandbox = bench.open_listening(&at).await;
    for (service, listener) in std::mem::take(&mut sandbox.listeners) {
        let host = if service.as_str() == "pg" {
            "db:5432"
        } else {
            "[::1]:5432"
        };
        let start = begin(&mut sandbox, &["connect", host]).await;
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        let (stream, peer) = listener.accept().await.unwrap();
        let mut stream = stream.into_std().unwrap();
        let ours = stream.local_addr().unwrap();
        let scope = twiceproof_lab::sandbox::Scope::Process;
        let queues = |sandbox: &twiceproof_lab::sandbox::Sandbox| {
            sockdiag::queues(&sandbox.diag, peer, ours).map(|queues| queues.unread)
        };
        assert_eq!(queues(&sandbox).unwrap(), 0);
        sandbox.pause().await.unwrap();
        stream.write_all(b"pon").unwrap();
        assert_eq!(queues(&sandbox).unwrap(), 3);
        sandbox.resume().await.unwrap();
        stream.write_all(b"g").unwrap();
        drop(stream);
        sandbox.signal(start.start, scope, 9).await.unwrap();
        start.end(&mut sandbox).await;
        let gone = queues(&sandbox).unwrap_err();
        assert_eq!(gone.kind(), std::io::ErrorKind::NotFound, "{service:?}");
    }
}
