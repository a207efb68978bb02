//! Messages survive the way there and back; anything else is refused, never believed.

use std::net::SocketAddr;
use std::os::fd::AsFd;
use twiceproof_shim::link::{Receiver, Wait, send};
use twiceproof_shim::{
    Command, Dial, FileCall, Folder, Gate, Host, Launch, Lock, LockMode, MESSAGE_MAX, Malformed,
    Occupant, Place, Report, Setup, Tapped, Task, Verb, Verdict,
};

fn setup() -> Setup {
    Setup {
        place: Place::Container,
        occupant: Occupant::Service,
        host: Host::Joined,
        name: "job-1".to_owned(),
        listen: vec![
            "127.0.0.2:5432".parse().unwrap(),
            "[::1]:25".parse().unwrap(),
        ],
        hosts: vec![("127.0.0.2".parse().unwrap(), "db.example".to_owned())],
        folders: vec![Folder {
            host: "/srv/it's here".to_owned(),
            inside: "/share".to_owned(),
            writable: true,
        }],
        fresh: true,
    }
}

fn launch() -> Launch {
    Launch {
        start: 7,
        argv: vec!["/bin/sh".to_owned(), String::new(), "ü\n".to_owned()],
        env: vec![("A".to_owned(), "1".to_owned())],
        workdir: "/share".to_owned(),
        has_stdin: true,
        tapped: Tapped {
            folders: vec!["/shared".to_owned()],
            gate: Gate::Trace,
            looks: true,
        },
    }
}

fn call(verb: Verb) -> FileCall {
    FileCall {
        call: 3,
        task: 2,
        again: Some(1),
        verb,
        folder: 1,
        path: "points.lock".to_owned(),
        other: "ü".to_owned(),
        is_deleted: true,
        inode: 7,
        lock: Lock {
            mode: LockMode::Exclusive,
            waits: true,
            start: 1,
            last: u64::MAX,
        },
    }
}

fn commands() -> Vec<Command> {
    let (request, start) = (9, Some(7));
    vec![
        Command::Setup(setup()),
        Command::Start {
            request,
            launch: launch(),
        },
        Command::Start {
            request,
            launch: Launch {
                workdir: String::new(),
                ..launch()
            },
        },
        Command::Signal {
            request,
            start,
            signal: 9,
        },
        Command::Signal {
            request,
            start: None,
            signal: 0,
        },
        Command::Pause { request },
        Command::Resume { request },
        Command::Sample { request },
        Command::Connect {
            request,
            to: Dial::Port(5432),
        },
        Command::Connect {
            request,
            to: Dial::Path("/tmp/door".to_owned()),
        },
        Command::Names { request },
        Command::Answer {
            call: 3,
            verdict: Verdict::MakeAndHold,
        },
        Command::Answer {
            call: u64::MAX,
            verdict: Verdict::Fail(28),
        },
        Command::Clean { request: u32::MAX },
    ]
}

fn reports() -> Vec<Report> {
    let request = 9;
    let tried = "make a user namespace".to_owned();
    let task = Task {
        pid: 2,
        tid: 3,
        state: b'S',
        call: Some(-2),
        arguments: [0, 1, 2, 3, 4, u64::MAX],
        switches: (1, 2),
    };
    vec![
        Report::Ready {
            listening: vec![true, false],
        },
        Report::Refused {
            tried: tried.clone(),
            errno: 1,
        },
        Report::Done { request },
        Report::Failed {
            request,
            tried,
            errno: -1,
        },
        Report::Sampled {
            request,
            tasks: vec![task, Task { call: None, ..task }],
        },
        Report::Named {
            request,
            names: vec!["a) b".to_owned(), String::new()],
        },
        Report::Exited {
            start: 7,
            status: 0x8b,
        },
        Report::TreeGone,
        Report::Called(call(Verb::Exchange)),
        Report::Returned {
            call: 3,
            result: -17,
            existed: true,
        },
    ]
}

#[test]
fn every_verb_survives() {
    for verb in Verb::ALL {
        let report = Report::Called(call(verb));
        assert_eq!(Report::decode(&report.encode().unwrap()), Ok(report));
    }
    // A program never sees the kernel's own error numbers.
    for errno in [0, -1, 512] {
        let verdict = Verdict::Fail(errno);
        let message = Command::Answer { call: 1, verdict }.encode().unwrap();
        assert_eq!(Command::decode(&message), Err(Malformed::Field));
    }
}

#[test]
fn messages_survive() {
    for command in commands() {
        assert_eq!(Command::decode(&command.encode().unwrap()), Ok(command));
    }
    for report in reports() {
        assert_eq!(Report::decode(&report.encode().unwrap()), Ok(report));
    }
}

#[test]
fn no_prefix_is_a_message_and_nothing_may_follow() {
    let check = |bytes: &[u8], decode: &dyn Fn(&[u8]) -> Option<Malformed>| {
        for count in 0..bytes.len() {
            assert_eq!(
                decode(&bytes[..count]),
                Some(Malformed::Short),
                "{bytes:?} to {count}"
            );
        }
        assert_eq!(decode(&[bytes, &[0]].concat()), Some(Malformed::Long));
        assert_eq!(
            decode(&[&[2], &bytes[1..]].concat()),
            Some(Malformed::Version)
        );
        assert_eq!(
            decode(&[&[1, 99], &bytes[2..]].concat()),
            Some(Malformed::Unknown)
        );
    };
    for command in commands() {
        check(&command.encode().unwrap(), &|bytes| {
            Command::decode(bytes).err()
        });
    }
    for report in reports() {
        check(&report.encode().unwrap(), &|bytes| {
            Report::decode(bytes).err()
        });
    }
}

#[test]
fn fields_have_bounds() {
    let refused = |command: Command| {
        let bytes = command.encode();
        let refused = bytes.and_then(|bytes| Command::decode(&bytes)).err();
        assert_eq!(refused, Some(Malformed::Field), "{command:?}");
    };
    let (request, start) = (1, None);
    for signal in [-1, 65, i32::MIN] {
        refused(Command::Signal {
            request,
            start,
            signal,
        });
    }
    for path in [
        "",
        "relative",
        "/up/../and/away",
        "/zero\0",
        &format!("/{}", "x".repeat(5000)),
    ] {
        refused(Command::Connect {
            request,
            to: Dial::Path(path.to_owned()),
        });
        let mut setup = setup();
        setup.folders[0].inside = path.to_owned();
        refused(Command::Setup(setup));
    }
    for name in ["", "two words", "new\nline", "ümlaut", &"x".repeat(65)] {
        refused(Command::Setup(Setup {
            name: name.to_owned(),
            ..setup()
        }));
    }
    let address: SocketAddr = "127.0.0.1:1".parse().unwrap();
    refused(Command::Setup(Setup {
        listen: vec![address; 64],
        ..setup()
    }));
    let launched = |launch: Launch| Command::Start { request, launch };
    refused(launched(Launch {
        argv: vec!["a\0b".to_owned()],
        ..launch()
    }));
    refused(launched(Launch {
        argv: vec![String::new(); 5000],
        ..launch()
    }));
    refused(launched(Launch {
        argv: vec!["x".repeat(MESSAGE_MAX)],
        ..launch()
    }));
    let task = Task {
        pid: 1,
        tid: 1,
        state: 0,
        call: None,
        arguments: [0; 6],
        switches: (0, 0),
    };
    let many = Report::Sampled {
        request,
        tasks: vec![task; 1025],
    };
    assert_eq!(
        Report::decode(&many.encode().unwrap()),
        Err(Malformed::Field)
    );
}

/// A small generator: the same bytes on every machine.
fn noise(state: &mut u64) -> u8 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    (*state >> 32) as u8
}

#[test]
fn no_bytes_make_it_panic() {
    let mut state = 0x7457_1ce9_0000_0001;
    let commands = commands()
        .into_iter()
        .map(|command| command.encode().unwrap());
    let seeds: Vec<_> = commands
        .chain(reports().iter().map(|report| report.encode().unwrap()))
        .collect();
    for round in 0..100_000 {
        let mut bytes = seeds[round % seeds.len()].clone();
        for _ in 0..=noise(&mut state) % 4 {
            let at = usize::from(noise(&mut state)) % bytes.len();
            match noise(&mut state) % 3 {
                0 => bytes[at] = noise(&mut state),
                1 => bytes.truncate(at.max(1)),
                _ => bytes.insert(at, noise(&mut state)),
            }
        }
        if let Ok(command) = Command::decode(&bytes) {
            assert_eq!(Command::decode(&command.encode().unwrap()), Ok(command));
        }
        if let Ok(report) = Report::decode(&bytes) {
            assert_eq!(Report::decode(&report.encode().unwrap()), Ok(report));
        }
    }
}

#[test]
fn descriptors_travel() {
    let (one, other) = std::os::unix::net::UnixDatagram::pair().unwrap();
    let (reader, writer) = std::io::pipe().unwrap();
    send(
        &one,
        b"two",
        &[reader.as_fd(), writer.as_fd()],
        Wait::Forever,
    )
    .unwrap();
    send(&one, b"none", &[], Wait::Forever).unwrap();
    let mut receiver = Receiver::default();
    let (message, fds) = receiver.receive(&other, Wait::No).unwrap();
    assert_eq!((message, fds.len()), (&b"two"[..], 2));
    let (message, fds) = receiver.receive(&other, Wait::No).unwrap();
    assert_eq!((message, fds.len()), (&b"none"[..], 0));
    let blocked = receiver.receive(&other, Wait::No).unwrap_err();
    assert_eq!(blocked.kind(), std::io::ErrorKind::WouldBlock);
}
