//! What else the machine does, and what it is.

use std::fs;
use std::time::{Duration, Instant};

/// Longest wait for the others to be quiet.
const QUIET_WAIT_MAX: Duration = Duration::from_millis(600);
/// How much of the processors must be idle to count as quiet.
const IDLE_MIN: f64 = 0.8;

/// Waits a short while for the machine to be quiet; returns whether it was.
pub(crate) fn wait_for_quiet() -> bool {
    let begun = Instant::now();
    let mut before = times();
    while begun.elapsed() < QUIET_WAIT_MAX {
        std::thread::sleep(Duration::from_millis(100));
        let now = times();
        let (idle, all) = (now.0 - before.0, now.1 - before.1);
        if all > 0.0 && idle / all >= IDLE_MIN {
            return true;
        }
        before = now;
    }
    false
}

/// Returns idle and all ticks of all processors so far.
fn times() -> (f64, f64) {
    let text = fs::read_to_string("/proc/stat").unwrap_or_default();
    let first = text.lines().next().unwrap_or_default();
    let ticks = first.split_whitespace().skip(1);
    let ticks: Vec<f64> = ticks.filter_map(|word| word.parse().ok()).collect();
    let idle = ticks.iter().skip(3).take(2).sum();
    (idle, ticks.iter().take(8).sum())
}

/// Returns the load average of the last minute.
pub(crate) fn load() -> f64 {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let first = text.split_whitespace().next().unwrap_or_default();
    first.parse().unwrap_or(f64::NAN)
}

/// Returns what a reader must know of the machine's other work.
pub(crate) fn remark(load: f64, busy: u32, samples: u32) -> String {
    let warning = if busy * 2 > samples {
        " **The machine was busy: of these figures ratios alone tell something.**"
    } else {
        ""
    };
    format!("Load before: {load:.1}; {busy} of {samples} samples began on a busy machine.{warning}")
}

/// Returns one line on what the machine is.
pub(crate) fn describe() -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let memory = read("/proc/meminfo");
    let memory = memory.lines().next().unwrap_or_default();
    let kilobytes = memory.split_whitespace().nth(1);
    let kilobytes: f64 = kilobytes.and_then(|word| word.parse().ok()).unwrap_or(0.0);
    let gigabytes = kilobytes / f64::from(1 << 20);
    let model = read("/proc/cpuinfo");
    let model = model.lines().find(|line| line.starts_with("model name"));
    let model = model.and_then(|line| line.split(':').nth(1)).unwrap_or("");
    let kernel = read("/proc/sys/kernel/osrelease");
    let kernel: Vec<&str> = kernel.trim().split('.').take(2).collect();
    format!(
        "{cores} cores ({}), {gigabytes:.0} GiB, Linux {}",
        model.trim(),
        kernel.join(".")
    )
}
