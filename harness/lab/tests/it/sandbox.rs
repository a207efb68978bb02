//! Conformance of sandboxes: the same bodies on every backend.

use std::collections::BTreeMap;
use std::io::Read;
use std::os::fd::OwnedFd;
use twiceproof_lab::backend::{Backend, local::Local};
use twiceproof_lab::sandbox::*;
use twiceproof_model::Exit;

fn spec(name: &str) -> SandboxSpec {
    SandboxSpec {
        name: name.to_owned(),
        occupant: Occupant::Instance,
        listen: Vec::new(),
        hosts: Vec::new(),
        folders: Vec::new(),
        image: None,
        fresh: true,
    }
}

fn run<T>(body: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(body)
}

#[test]
fn starts() {
    run(async {
        let mut sandbox = Local.open(spec("job-1")).await.unwrap();
        let (mut output, inner) = std::io::pipe().unwrap();
        let start = StartSpec {
            argv: [
                "/bin/sh",
                "-c",
                "id; ls -la / /dev; cat /etc/hosts /proc/self/status; mount; env; ps ax; exit 7",
            ]
            .map(String::from)
            .into(),
            env: BTreeMap::new(),
            workdir: "/".into(),
            stdin: None,
            output: OwnedFd::from(inner),
        };
        let start = sandbox.start(start).await.unwrap();
        let exited = sandbox.next_event().await;
        assert_eq!(sandbox.next_event().await, SandboxEvent::TreeGone);
        let mut text = String::new();
        output.read_to_string(&mut text).unwrap();
        println!("{text}");
        assert_eq!(
            exited,
            SandboxEvent::Exited {
                start,
                exit: Exit::Code(7)
            }
        );
    });
}
