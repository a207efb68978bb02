//! What the file tap costs: one call, without a filter, behind it, and held.

use crate::report::{Section, Table, Target};
use crate::stats::Sample;
use crate::world::Folder;
use crate::{Asked, Failure, machine};
use serde_json::json;
use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use twiceproof_lab::backend;
use twiceproof_lab::sandbox::{self, Occupant, Sandbox, SandboxEvent, SandboxSpec, StartSpec};
use twiceproof_shim::{Gate, Tapped, Verdict};

const PROBE: &[u8] = include_bytes!(env!("TWICEPROOF_PROBE"));

/// Calls of one figure where they are free, and where each is held.
const FREE_CALLS: u32 = 20_000;
const HELD_CALLS: u32 = 2_000;

/// The ways in which a call can go.
const WAYS: [(&str, Option<Gate>); 5] = [
    ("no filter", None),
    ("filter, other folder", Some(Gate::Hold)),
    ("told", Some(Gate::Note)),
    ("told with its result", Some(Gate::Trace)),
    ("held and answered", Some(Gate::Hold)),
];

/// The calls, and whether the filter lets them through by number and flags.
const CALLS: [(&str, bool); 5] = [
    ("getppid", true),
    ("fcntl", true),
    ("open", true),
    ("create", false),
    ("flock", false),
];

/// Most that a held call, and any other, may cost, in microseconds.
const HELD_US_MAX: f64 = 25.0;
const FREE_US_MAX: f64 = 0.5;

/// Measures the section.
pub(crate) fn measure(asked: &Asked, folder: &Folder) -> Result<Section, Failure> {
    let load = machine::load();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    let local = tokio::task::LocalSet::new();
    let mut samples = Samples::new();
    runtime.block_on(local.run_until(async {
        let mut bench = Bench::open(folder.path()).await?;
        for _ in 0..asked.rounds {
            for (call, (name, is_free)) in CALLS.iter().enumerate() {
                for (way, (_, gate)) in WAYS.iter().enumerate() {
                    let is_other = way == 1;
                    if *is_free && way > 1 {
                        continue;
                    }
                    let ns = bench.time(name, *gate, is_other).await?;
                    samples.entry((call, way)).or_default().push(ns / 1000.0);
                }
            }
        }
        Ok::<(), Failure>(())
    }))?;
    let figure = |call: usize, way: usize| {
        let sample = samples.get(&(call, way));
        sample.map_or_else(
            || "-".to_owned(),
            |sample| format!("{:.2}", sample.median()),
        )
    };
    let rows = CALLS.iter().enumerate().map(|(call, (name, _))| {
        let figures = (0..WAYS.len()).map(|way| figure(call, way));
        [(*name).to_owned()].into_iter().chain(figures).collect()
    });
    let mut head = vec!["call"];
    head.extend(WAYS.iter().map(|(name, _)| *name));
    let data = samples.iter().map(|((call, way), sample)| {
        json!({ "call": CALLS[*call].0, "way": WAYS[*way].0, "median_us": sample.median() })
    });
    let data: Vec<_> = data.collect();
    Ok(Section {
        title: "Calls on files".to_owned(),
        intro: format!(
            "Microseconds of one call, from inside, local, medians of {} rounds. `open` and `create` \
             close what they opened. Held: this program answers each at once.",
            asked.rounds
        ),
        tables: vec![Table {
            head,
            rows: rows.collect(),
        }],
        targets: targets(&samples),
        notes: vec![format!("Load before: {load:.1}.")],
        data: json!(data),
    })
}

/// A figure by call and way.
type Samples = BTreeMap<(usize, usize), Sample>;

fn targets(samples: &Samples) -> Vec<Target> {
    let median = |call: usize, way: usize| samples[&(call, way)].median();
    let target = |name: String, value: f64, bound: f64| Target {
        name,
        value,
        at_least: false,
        bound,
        unit: " us",
        is_ratio: false,
    };
    let mut targets = Vec::new();
    for (call, (name, is_free)) in CALLS.iter().enumerate() {
        targets.push(if *is_free {
            let added = median(call, 1) - median(call, 0);
            target(format!("added to `{name}`"), added, FREE_US_MAX)
        } else {
            let held = median(call, 4);
            target(format!("`{name}`, held and answered"), held, HELD_US_MAX)
        });
    }
    targets
}

/// A sandbox with the probe in it, and a folder that is tapped.
struct Bench {
    sandbox: Sandbox,
}

impl Bench {
    async fn open(folder: &Path) -> Result<Self, Failure> {
        let failed = |error: std::io::Error| format!("cannot write {}: {error}", folder.display());
        let (bin, share) = (folder.join("bin"), folder.join("share"));
        for path in [&bin, &share] {
            fs::create_dir_all(path).map_err(failed)?;
        }
        fs::write(bin.join("probe"), PROBE).map_err(failed)?;
        fs::write(share.join("file"), "").map_err(failed)?;
        for path in [&bin, &bin.join("probe"), &share] {
            fs::set_permissions(path, Permissions::from_mode(0o755)).map_err(failed)?;
        }
        let seen = |host: PathBuf, inside: &str, writable| sandbox::Folder {
            host,
            inside: inside.into(),
            writable,
        };
        let spec = SandboxSpec {
            name: "bench-1".to_owned(),
            occupant: Occupant::Instance,
            host: sandbox::Host::Own,
            listen: Vec::new(),
            hosts: Vec::new(),
            folders: vec![seen(bin, "/probe", false), seen(share, "/share", true)],
            image: None,
            fresh: true,
        };
        let local = backend::find("local").ok_or("no local backend")?;
        let sandbox = local.open(spec).await.map_err(|error| error.to_string())?;
        Ok(Self { sandbox })
    }

    /// Returns the nanoseconds of one call.
    async fn time(&mut self, call: &str, gate: Option<Gate>, other: bool) -> Result<f64, Failure> {
        let is_held = gate.is_some() && !other;
        let count = if is_held { HELD_CALLS } else { FREE_CALLS };
        let folder = if other { "/elsewhere" } else { "/share" };
        let tapped = gate.map_or(Tapped::NOTHING, |gate| Tapped {
            folders: vec![folder.to_owned()],
            gate,
            looks: false,
        });
        let (mut output, inner) = std::io::pipe().map_err(|error| error.to_string())?;
        let words = [
            "/probe/probe",
            "time",
            call,
            &count.to_string(),
            "/share/file",
        ];
        let spec = StartSpec {
            argv: words.iter().map(|word| (*word).to_owned()).collect(),
            env: BTreeMap::new(),
            workdir: PathBuf::new(),
            stdin: None,
            output: OwnedFd::from(inner),
            tapped,
        };
        let failed = |error: twiceproof_lab::sandbox::SandboxError| error.to_string();
        self.sandbox.start(spec).await.map_err(failed)?;
        loop {
            match self.sandbox.next_event().await {
                SandboxEvent::Called(call) if gate == Some(Gate::Hold) => {
                    let answered = self.sandbox.answer(call.call, Verdict::Make).await;
                    answered.map_err(failed)?;
                }
                SandboxEvent::TreeGone => break,
                SandboxEvent::Lost(reason) => return Err(reason),
                _ => {}
            }
        }
        let mut text = String::new();
        output
            .read_to_string(&mut text)
            .map_err(|error| error.to_string())?;
        text.trim()
            .parse()
            .map_err(|_| format!("the probe said {text:?}"))
    }
}
