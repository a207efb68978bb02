//! What the bodies work with: sandboxes of one backend, and the probe inside.

use std::collections::BTreeMap;
use std::io::Read;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use twiceproof_lab::backend::Backend;
use twiceproof_lab::sandbox::{
    Folder, Host, Occupant, Sandbox, SandboxEvent, SandboxSpec, StartId, StartSpec,
};
use twiceproof_model::Exit;
use twiceproof_shim::Tapped;

const PROBE: &[u8] = include_bytes!(env!("TWICEPROOF_PROBE"));

/// The bench of one test.
pub(crate) struct Bench {
    backend: &'static dyn Backend,
    image: Option<&'static str>,
    folder: TempDir,
    /// Whether each sandbox joins the host of another one.
    is_beside: bool,
    first: tokio::sync::OnceCell<Sandbox>,
}

impl Bench {
    pub(crate) fn new(backend: &'static dyn Backend, image: Option<&'static str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let open = |path: &Path| {
            std::fs::set_permissions(path, PermissionsExt::from_mode(0o755)).unwrap();
        };
        open(folder.path());
        let bin = folder.path().join("bin");
        std::fs::create_dir(&bin).unwrap();
        std::fs::write(bin.join("probe"), PROBE).unwrap();
        open(&bin.join("probe"));
        std::fs::create_dir(folder.path().join("share")).unwrap();
        std::fs::create_dir(folder.path().join("tmp")).unwrap();
        std::fs::set_permissions(folder.path().join("tmp"), PermissionsExt::from_mode(0o1777))
            .unwrap();
        Self {
            backend,
            image,
            folder,
            is_beside: false,
            first: tokio::sync::OnceCell::new(),
        }
    }

    /// Has every sandbox join the host of another one.
    pub(crate) fn beside(mut self) -> Self {
        self.is_beside = true;
        self
    }

    /// The folder that sandboxes of one host share as `/tmp`, on the host.
    pub(crate) fn host_tmp(&self) -> PathBuf {
        self.folder.path().join("tmp")
    }

    /// The folder that the host and the sandbox share, on the host.
    pub(crate) fn share(&self) -> PathBuf {
        self.folder.path().join("share")
    }

    pub(crate) fn is_local(&self) -> bool {
        self.backend.name() == "local"
    }

    /// A specification with the probe at `/probe` and the shared folder at `/share`.
    pub(crate) fn spec(&self) -> SandboxSpec {
        let folder = |name: &str, inside: &str, writable| Folder {
            host: self.folder.path().join(name),
            inside: inside.into(),
            writable,
        };
        SandboxSpec {
            name: "job-1".to_owned(),
            occupant: Occupant::Instance,
            host: Host::Own,
            listen: Vec::new(),
            hosts: Vec::new(),
            folders: vec![
                folder("bin", "/probe", false),
                folder("share", "/share", true),
            ],
            image: self.image.map(str::to_owned),
            fresh: true,
        }
    }

    pub(crate) async fn open(&self) -> Sandbox {
        self.open_with(self.spec()).await
    }

    pub(crate) async fn open_with(&self, mut spec: SandboxSpec) -> Sandbox {
        if self.is_beside {
            let mut first = self.spec();
            (first.name, first.host) = ("first".to_owned(), Host::First);
            let first = self
                .first
                .get_or_init(async || self.backend.open(first).await.unwrap());
            let neighbour = first.await.neighbour().unwrap().clone();
            spec.host = Host::Beside(neighbour);
        }
        self.backend.open(spec).await.unwrap()
    }

    pub(crate) async fn open_listening(&self, at: &[(&str, SocketAddr, &str)]) -> Sandbox {
        let mut spec = self.spec();
        for (service, address, host) in at {
            spec.listen.push(((*service).into(), *address));
            spec.hosts.push((address.ip(), (*host).to_owned()));
        }
        self.open_with(spec).await
    }
}

/// One start of the probe.
pub(crate) struct Run {
    pub(crate) start: StartId,
    output: std::io::PipeReader,
}

/// The specification of a start of the probe, and its output.
pub(crate) fn probe(words: &[&str]) -> (StartSpec, std::io::PipeReader) {
    let (output, inner) = std::io::pipe().unwrap();
    let argv = ["/probe/probe"]
        .iter()
        .chain(words)
        .map(|word| (*word).to_owned());
    let spec = StartSpec {
        argv: argv.collect(),
        env: BTreeMap::new(),
        workdir: PathBuf::new(),
        stdin: None,
        output: OwnedFd::from(inner),
        tapped: Tapped::NOTHING,
    };
    (spec, output)
}

pub(crate) async fn begin(sandbox: &mut Sandbox, words: &[&str]) -> Run {
    let (spec, output) = probe(words);
    let start = sandbox.start(spec).await.unwrap();
    Run { start, output }
}

/// Starts the probe behind the file tap.
pub(crate) async fn begin_tapped(sandbox: &mut Sandbox, words: &[&str], tapped: Tapped) -> Run {
    let (mut spec, output) = probe(words);
    spec.tapped = tapped;
    let start = sandbox.start(spec).await.unwrap();
    Run { start, output }
}

impl Run {
    /// Reads the next line of output.
    pub(crate) fn line(&mut self) -> String {
        let mut text = Vec::new();
        let mut byte = [0];
        while self.output.read(&mut byte).unwrap() == 1 && byte[0] != b'\n' {
            text.push(byte[0]);
        }
        String::from_utf8(text).unwrap()
    }

    /// Waits for the end of the first process, and returns how it came.
    pub(crate) async fn exit(&self, sandbox: &mut Sandbox) -> Exit {
        loop {
            match sandbox.next_event().await {
                SandboxEvent::Exited { start, exit } if start == self.start => return exit,
                SandboxEvent::Lost(reason) => panic!("{reason}"),
                _ => {}
            }
        }
    }

    /// Waits for the end, and returns how it came and what was printed.
    pub(crate) async fn end(mut self, sandbox: &mut Sandbox) -> (Exit, String) {
        let exit = self.exit(sandbox).await;
        let mut text = String::new();
        self.output.read_to_string(&mut text).unwrap();
        (exit, text.trim_end().to_owned())
    }
}

/// Runs the probe to its end.
pub(crate) async fn run(sandbox: &mut Sandbox, words: &[&str]) -> (Exit, String) {
    begin(sandbox, words).await.end(sandbox).await
}

/// Runs the probe to its end, and returns what it printed.
pub(crate) async fn say(sandbox: &mut Sandbox, words: &[&str]) -> String {
    run(sandbox, words).await.1
}
