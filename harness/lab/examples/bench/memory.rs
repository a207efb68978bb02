//! How much memory the harness holds, and how much more after many trials.

use crate::report::{Section, Table, Target};
use crate::trials::{self, Way};
use crate::world::{self, Folder};
use crate::{Asked, Failure, machine};
use serde_json::{Value, json};
use std::process::{Command, Stdio};
use std::time::Duration;
use twiceproof_lab::backend;

/// First word of the arguments of the process that is measured: it does nothing else.
pub(crate) const CHILD: &str = "memory-of";
/// Growth is told from this trial on.
const FROM: u32 = 1000;
/// Trials whose measurements make one figure.
const WINDOW: u32 = 100;
const TARGET: &str = "points-pg";

/// Measures the section.
pub(crate) fn measure(asked: &Asked, folder: &Folder) -> Result<Section, Failure> {
    let load = machine::load();
    let trials = asked.memory_trials.max(FROM + 2 * WINDOW);
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut child = Command::new(program);
    child
        .args([CHILD, &trials.to_string()])
        .current_dir(folder.path());
    child.stdin(Stdio::null()).stderr(Stdio::inherit());
    let output = child.output();
    let output = output.map_err(|error| format!("cannot start ourselves: {error}"))?;
    if !output.status.success() {
        return Err(format!(
            "trials of the memory section ended with {}",
            output.status
        ));
    }
    let seen: Value = serde_json::from_slice(&output.stdout)
        .map_err(|error| format!("trials of the memory section said nothing: {error}"))?;
    let figure = |name: &str| seen[name].as_f64().unwrap_or(f64::NAN) / 1024.0;
    let (first, last, peak) = (figure("first"), figure("last"), figure("peak"));
    let target = |name: &str, value: f64, bound: f64| Target {
        name: name.to_owned(),
        value,
        at_least: false,
        bound,
        unit: " MB",
        is_ratio: false,
    };
    let row = |name: String, value: f64| vec![name, format!("{value:.2}")];
    Ok(Section {
        title: "Memory".to_owned(),
        intro: "Resident memory of the harness alone, the section above in a process of its own, \
                2 cells, local."
            .to_owned(),
        tables: vec![Table {
            head: vec!["when", "MB"],
            rows: vec![
                row(format!("after trial {FROM}"), first),
                row(format!("after trial {trials}"), last),
                row("peak".to_owned(), peak),
            ],
        }],
        targets: vec![
            target("peak", peak, 100.0),
            target(
                &format!("growth from trial {FROM} to trial {trials}"),
                last - first,
                1.0,
            ),
        ],
        notes: vec![format!(
            "Load before: {load:.1}. Medians of {WINDOW} trials each."
        )],
        data: json!({ "trials": trials, "load": load, "kilobytes": seen }),
    })
}

/// Runs the trials, and prints what they took.
pub(crate) fn child(trials: &str) -> Result<(), Failure> {
    let trials: u32 = trials
        .parse()
        .map_err(|_| "no number of trials".to_owned())?;
    let folder = std::env::current_dir().map_err(|error| error.to_string())?;
    let way = Way {
        scenario: world::scenario(TARGET)?,
        backend: backend::find("local").ok_or("no local backend")?,
        cells: 2,
        seed: 1,
        samples: trials,
        window: Duration::from_secs(3600),
        lean: true,
    };
    let (mut first, mut last) = (Vec::new(), Vec::new());
    let records = folder.join("memory");
    trials::sample(&way, &records, None, &mut |ran| {
        if (FROM..FROM + WINDOW).contains(&ran) {
            first.push(status("VmRSS:"));
        } else if ran > trials - WINDOW {
            last.push(status("VmRSS:"));
        }
    })?;
    std::fs::remove_dir_all(&records).map_err(|error| error.to_string())?;
    for values in [&mut first, &mut last] {
        values.sort_unstable();
    }
    let middle = |values: &[u64]| values.get(values.len() / 2).copied();
    let seen = json!({
        "first": middle(&first), "last": middle(&last), "peak": status("VmHWM:"),
    });
    println!("{seen}");
    Ok(())
}

/// Returns this line of our own status, in kilobytes.
fn status(name: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    number.unwrap_or(0)
}
