//! A container engine for the time of the checks: the one that runs, or one of our own.

use crate::shell::{Failure, command, read, target_folder};
use std::fs::File;
use std::process::Child;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Longest wait for an engine to answer, or to end.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// Time between two looks at an engine that starts or ends.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// How an engine is tried to be started, first to last: as the machine has it set up, then with
/// what a container's kernel may refuse left out. Instances have no network anyway.
const WAYS: &[&[&str]] = &[
    &[],
    &["--storage-driver=vfs"],
    &["--storage-driver=vfs", "--iptables=false", "--bridge=none"],
];

/// An engine that answers. One that was started here ends on drop.
#[must_use = "the engine ends on drop"]
pub(super) struct Engine(Option<Child>);

/// Returns an engine that answers: the one that runs already, or one started here.
pub(super) fn ensure() -> Result<Engine, Failure> {
    if let Some(version) = version() {
        println!("engine {version} answers");
        return Ok(Engine(None));
    }
    let log_path = target_folder().join("dockerd.log");
    let failed = |error| Failure(format!("cannot start dockerd: {error}"));
    let no_settings = target_folder().join("dockerd.json");
    for way in WAYS {
        println!("starting dockerd {}", way.join(" "));
        let log = File::create(&log_path).map_err(failed)?;
        let mut engine = command(&["dockerd"]);
        if !way.is_empty() {
            // A flag that the machine's own settings have too would be refused.
            std::fs::write(&no_settings, "{}").map_err(failed)?;
            engine.arg("--config-file").arg(&no_settings).args(*way);
        }
        engine.stdout(log.try_clone().map_err(failed)?).stderr(log);
        let mut engine = Engine(Some(engine.spawn().map_err(failed)?));
        if engine.answers() {
            return Ok(engine);
        }
    }
    let log = std::fs::read_to_string(&log_path).unwrap_or_default();
    let tail: Vec<_> = log.lines().rev().take(20).collect();
    let tail: Vec<_> = tail.into_iter().rev().collect();
    Err(Failure(format!(
        "no container engine answers or can be started\n{}",
        tail.join("\n")
    )))
}

/// Returns the version of the engine that answers.
fn version() -> Option<String> {
    read(&["docker", "version", "--format", "{{.Server.Version}}"])
}

impl Engine {
    /// Waits until the engine answers; false if it ends instead, or takes too long.
    fn answers(&mut self) -> bool {
        let start = Instant::now();
        while start.elapsed() < WAIT_MAX {
            let child = self
                .0
                .as_mut()
                .expect("only a started engine is waited for");
            if !matches!(child.try_wait(), Ok(None)) {
                return false;
            }
            if version().is_some() {
                return true;
            }
            sleep(LOOK_EVERY);
        }
        false
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let Some(mut child) = self.0.take() else {
            return;
        };
        // Asked to end, an engine ends its containers and its own children first.
        // The shell's own `kill`, since a small system lacks the program.
        let _ = read(&["sh", "-c", &format!("kill -TERM {}", child.id())]);
        let start = Instant::now();
        while matches!(child.try_wait(), Ok(None)) && start.elapsed() < WAIT_MAX {
            sleep(LOOK_EVERY);
        }
        let _ = child.kill();
        let _ = child.wait();
    }
}
