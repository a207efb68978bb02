//! How many trials a second, and where a trial's time goes.

use crate::by_hand::ByHand;
use crate::report::{Section, Table, Target};
use crate::stats::Sample;
use crate::world::Folder;
use crate::{Asked, Failure, machine, world};
use serde_json::{Value, json};
use std::cell::Cell;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use twiceproof_explore::campaign::BATCH;
use twiceproof_explore::{
    Assignment, CampaignSpec, Control, Lab, LabError, Outcome, Progress, run,
};
use twiceproof_lab::backend::{self, Backend};
use twiceproof_lab::janitor::RunFolder;
use twiceproof_lab::plan::{Expectation, target_hash};
use twiceproof_lab::store::{Redactor, Store};
use twiceproof_lab::{LabOptions, Plan, RealLab};
use twiceproof_model::digest::Digest;
use twiceproof_model::{Event, Scenario, Snapshot, TrialRecord};

/// Trials that run before the clock does: cells open, files are read for the first time.
const WARM: u32 = 2 * BATCH as u32;
/// The target of this section.
const TARGET: &str = "points-pg";
/// Trials a second that each backend must reach with two cells.
const BOUNDS: [(&str, f64); 2] = [("local", 50.0), ("docker", 40.0)];

/// Parts of a trial, in the order of the table.
const PARTS: [&str; 10] = [
    "reset, sandboxes cleaned",
    "start of the first to the first request held",
    "first request held to the last exit",
    "of both: waiting for quiet",
    "of both: asking who is blocked",
    "calm runs",
    "capture and hash",
    "write the record",
    "judge, and write the verdict",
    "the rest of a cell's time",
];

/// What a trial costs, part by part, in microseconds.
#[derive(Default)]
pub(crate) struct Costs {
    parts: [Sample; 10],
    steps: Sample,
    step: Sample,
}

/// What one window of one variant gave.
#[derive(Default)]
struct Window {
    trials: u32,
    elapsed: Duration,
    schedules: BTreeSet<Digest>,
}

/// A way to run trials.
pub(crate) struct Way {
    pub(crate) scenario: Scenario,
    pub(crate) backend: &'static dyn Backend,
    pub(crate) cells: u32,
    pub(crate) seed: u64,
    /// Most samples, and the longest time after the warm-up.
    pub(crate) samples: u32,
    pub(crate) window: Duration,
    /// Whether nothing of a trial is kept here: the memory of this process is looked at.
    pub(crate) lean: bool,
}

/// A lab that times what the search asks of it.
struct TimedLab<'a> {
    lab: RealLab,
    /// When the last batch came back.
    returned: &'a Cell<Option<Instant>>,
    /// What the search needed between two batches, a trial.
    judged_us: &'a Cell<f64>,
}

impl Lab for TimedLab<'_> {
    fn run_batch(&mut self, batch: Vec<Assignment>) -> Vec<Result<TrialRecord, LabError>> {
        if let Some(returned) = self.returned.get() {
            self.judged_us
                .set(micros(returned.elapsed()) / BATCH as f64);
        }
        let records = self.lab.run_batch(batch);
        self.returned.set(Some(Instant::now()));
        records
    }

    fn seed_state(&mut self) -> Result<Snapshot, LabError> {
        self.lab.seed_state()
    }
}

fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

/// Runs the sample stage of a campaign, everything included that the program does but its screen.
/// `seen` is told of each trial after the warm-up.
pub(crate) fn sample(
    way: &Way,
    records: &Path,
    costs: Option<&mut Costs>,
    seen: &mut dyn FnMut(u32),
) -> Result<(u32, Duration, BTreeSet<Digest>), Failure> {
    let store = Store::open(records).map_err(|error| error.to_string())?;
    let store = Arc::new(store);
    let temporary = RunFolder::create().map_err(|error| format!("no folder: {error}"))?;
    let written = Arc::new(Mutex::new(Sample::default()));
    let plan = Plan {
        hosts: twiceproof_model::scenario::Hosts::Each,
        scenario: way.scenario.clone(),
        backend: way.backend,
        folder: temporary.path().to_owned(),
        target_hash: target_hash(&way.scenario.target),
        expectation: Expectation::default(),
    };
    let options = LabOptions {
        cells: way.cells,
        keep: keeper(&store, way, &written),
        observer: None,
        interrupted: Arc::new(|| false),
    };
    let (returned, judged_us) = (Cell::new(None), Cell::new(0.0));
    let mut lab = TimedLab {
        lab: RealLab::new(plan, options),
        returned: &returned,
        judged_us: &judged_us,
    };
    let mut spec = CampaignSpec::from(&way.scenario);
    spec.stages = Some(vec!["sample".to_owned()]);
    (spec.samples, spec.seed, spec.budget) = (way.samples, way.seed, way.window);
    let begun: Cell<Option<Instant>> = Cell::new(None);
    let elapsed = || begun.get().map_or(Duration::ZERO, |begun| begun.elapsed());
    let mut window = Window::default();
    let mut records = Vec::new();
    let mut ran = 0;
    let mut observer = |progress: &Progress<'_>| {
        let Progress::Trial { line, record, .. } = progress else {
            return;
        };
        ran += 1;
        // What cannot be written shows in the verdict below: the disk is full for records as well.
        let _ = store.put_verdict(record, line);
        if ran == WARM {
            begun.set(Some(Instant::now()));
        }
        if ran > WARM {
            window.trials += 1;
            window.elapsed = elapsed();
            if !way.lean {
                window.schedules.insert(line.schedule);
            }
            if costs.is_some() {
                records.push((parts_of(record), judged_us.get()));
            }
            seen(ran);
        }
    };
    let control = Control {
        elapsed: &elapsed,
        interrupted: &|| false,
        observer: &mut observer,
    };
    let result = run(&spec, &mut lab, control);
    drop(lab);
    match result.outcome {
        Outcome::Passed | Outcome::Inconclusive => {}
        other => return Err(format!("trials of a sound job ended in {other:?}")),
    }
    if let Some(costs) = costs {
        let written = written.lock().unwrap_or_else(PoisonError::into_inner);
        costs.add(records, written.median(), &window, way.cells);
    }
    Ok((window.trials, window.elapsed, window.schedules))
}

fn keeper(
    store: &Arc<Store>,
    way: &Way,
    written: &Arc<Mutex<Sample>>,
) -> twiceproof_lab::real_lab::Keep {
    let redactor = Redactor::new(&way.scenario.target, way.scenario.trigger.instances);
    let (store, written) = (Arc::clone(store), Arc::clone(written));
    let lean = way.lean;
    Arc::new(move |record: &TrialRecord| {
        let begun = Instant::now();
        let mut record = record.clone();
        for output in record.outputs.values_mut() {
            redactor.output(output);
        }
        store.put_trial(&record)?;
        let mut written = written.lock().unwrap_or_else(PoisonError::into_inner);
        if !lean {
            written.push(micros(begun.elapsed()));
        }
        Ok(())
    })
}

/// Returns the parts that the record tells, and its number of steps.
fn parts_of(record: &TrialRecord) -> ([f64; 7], f64) {
    let timings = &record.timings;
    let held = record.trace.iter();
    let mut held = held.filter(|stamped| matches!(stamped.event, Event::Held(_)));
    let started = held.next().map_or(0, |stamped| stamped.at_us);
    let taken = |event: &Event| matches!(event, Event::Taken(_));
    let steps = record.trace.iter().filter(|stamped| taken(&stamped.event));
    let parts = [
        timings.reset_us,
        started,
        timings.steps_us.saturating_sub(started),
        timings.quiesce_us,
        timings.blocked_us,
        timings.recovery_us,
        timings.capture_us,
    ];
    (parts.map(|part| part as f64), steps.count() as f64)
}

impl Costs {
    fn add(
        &mut self,
        records: Vec<(([f64; 7], f64), f64)>,
        written: f64,
        window: &Window,
        cells: u32,
    ) {
        let whole = micros(window.elapsed) * f64::from(cells) / f64::from(window.trials.max(1));
        for ((parts, steps), judged) in records {
            for (sample, part) in self.parts.iter_mut().zip(parts) {
                sample.push(part);
            }
            // The search judges while all cells wait.
            let judged = judged * f64::from(cells);
            let known = parts[0] + parts[1] + parts[2] + parts[5] + parts[6] + written + judged;
            self.parts[7].push(written);
            self.parts[8].push(judged);
            self.parts[9].push(whole - known);
            self.steps.push(steps);
            self.step.push((parts[1] + parts[2]) / steps.max(1.0));
        }
    }

    fn table(&self) -> Table {
        let show = |sample: &Sample| format!("{:.2}", sample.median() / 1000.0);
        let rows = PARTS.iter().zip(&self.parts);
        let rows = rows.map(|(name, sample)| vec![(*name).to_owned(), show(sample)]);
        Table {
            head: vec!["part of a trial, local, 1 cell", "ms, median"],
            rows: rows.collect(),
        }
    }

    fn json(&self) -> Value {
        let parts = PARTS.iter().zip(&self.parts);
        let parts = parts.map(|(name, sample)| json!({ "part": name, "us": sample.json() }));
        let parts: Vec<Value> = parts.collect();
        json!({ "parts": parts, "steps": self.steps.json(), "us_a_step": self.step.json() })
    }
}

/// One row of the table.
struct Variant {
    name: String,
    backend: &'static dyn Backend,
    cells: u32,
    rate: Sample,
    ratio: Sample,
}

/// Returns the variants that this machine can run, and why others cannot.
fn variants() -> Result<(Vec<Variant>, Vec<String>), Failure> {
    let (mut variants, mut notes) = (Vec::new(), Vec::new());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start: {error}"))?;
    for (name, _) in BOUNDS {
        let Some(backend) = backend::find(name) else {
            continue;
        };
        let local = tokio::task::LocalSet::new();
        if let Err(error) = local.block_on(&runtime, backend.available()) {
            notes.push(format!("{name} skipped: {error}"));
            continue;
        }
        variants.extend([1, 2].map(|cells| Variant {
            name: format!("{name}, {cells} cell{}", if cells == 1 { "" } else { "s" }),
            backend,
            cells,
            rate: Sample::default(),
            ratio: Sample::default(),
        }));
    }
    Ok((variants, notes))
}

/// Measures the section.
pub(crate) fn measure(asked: &Asked, folder: &Folder) -> Result<Section, Failure> {
    let scenario = world::scenario(TARGET)?;
    let (mut variants, mut notes) = variants()?;
    let by_hand = ByHand::find(&scenario);
    if let Err(reason) = &by_hand {
        notes.push(format!("by hand skipped: {reason}"));
    }
    let by_hand = by_hand.ok();
    let (mut hand, mut costs) = (Sample::default(), Costs::default());
    let (mut trials, mut distinct, mut busy) = (0, 0, 0);
    let load = machine::load();
    let records = folder.path().join("records");
    for round in 0..asked.rounds as usize {
        let mut rates = vec![0.0; variants.len()];
        let turns = variants.len() + usize::from(by_hand.is_some());
        let mut hand_rate = None;
        for turn in 0..turns {
            let place = (turn + round) % turns;
            busy += u32::from(!machine::wait_for_quiet());
            let Some(variant) = variants.get(place) else {
                hand_rate = by_hand
                    .as_ref()
                    .map(|hand| hand.rate(asked.window))
                    .transpose()?;
                continue;
            };
            let way = Way {
                scenario: scenario.clone(),
                backend: variant.backend,
                cells: variant.cells,
                seed: (round * turns + place) as u64 + 1,
                samples: 1_000_000,
                window: asked.window,
                lean: false,
            };
            let detailed = variant.backend.name() == "local" && variant.cells == 1;
            let costs = detailed.then_some(&mut costs);
            let (ran, elapsed, schedules) = sample(&way, &records, costs, &mut |_| {})?;
            trials += ran;
            distinct += schedules.len();
            rates[place] = f64::from(ran) / elapsed.as_secs_f64();
            std::fs::remove_dir_all(&records).map_err(|error| error.to_string())?;
        }
        for (variant, rate) in variants.iter_mut().zip(&rates) {
            variant.rate.push(*rate);
            variant.ratio.extend(hand_rate.map(|hand| rate / hand));
        }
        hand.extend(hand_rate);
    }
    let samples = asked.rounds as usize * (variants.len() + usize::from(by_hand.is_some()));
    notes.push(format!(
        "{trials} trials, {distinct} distinct schedules; {:.0} steps a trial, {:.0} us a step.",
        costs.steps.median(),
        costs.step.median(),
    ));
    let samples = u32::try_from(samples).unwrap_or(u32::MAX);
    notes.push(machine::remark(load, busy, samples));
    Ok(section(asked, &variants, &hand, &costs, notes, load, busy))
}

fn section(
    asked: &Asked,
    variants: &[Variant],
    hand: &Sample,
    costs: &Costs,
    notes: Vec<String>,
    load: f64,
    busy: u32,
) -> Section {
    let row = |name: &str, rate: &Sample, ratio: &Sample| {
        vec![
            name.to_owned(),
            rate.show(2),
            ratio.show(1),
            rate.len().to_string(),
        ]
    };
    let rows = variants.iter();
    let mut rows: Vec<_> = rows
        .map(|variant| row(&variant.name, &variant.rate, &variant.ratio))
        .collect();
    if hand.len() > 0 {
        rows.push(row("by hand", hand, &Sample::default()));
    }
    let mut targets = Vec::new();
    for (name, bound) in BOUNDS {
        let found = variants.iter();
        let mut found =
            found.filter(|variant| variant.backend.name() == name && variant.cells == 2);
        if let Some(variant) = found.next() {
            targets.push(Target {
                name: format!("trials a second, {}", variant.name),
                value: variant.rate.median(),
                at_least: true,
                bound,
                unit: "",
                is_ratio: false,
            });
        }
    }
    let data = variants.iter();
    let data = data.map(|variant| {
        json!({
            "variant": variant.name, "per_second": variant.rate.json(),
            "to_by_hand": variant.ratio.json(),
        })
    });
    let data: Vec<Value> = data.collect();
    Section {
        title: "Trials".to_owned(),
        intro: format!(
            "PostgreSQL, the compiled points job, two instances of about 20 statements, a random \
             walk of its own each trial, one\nstep at a time; reset, capture, the record on disk, \
             and judgement included. By hand: a fresh PostgreSQL container, a\nproxy that copies, \
             and two job containers a trial, on the host's network, released at once. Rounds: {}.",
            asked.rounds
        ),
        tables: vec![
            Table {
                head: vec!["way", "trials a second", "to by hand", "rounds"],
                rows,
            },
            costs.table(),
        ],
        targets,
        notes,
        data: json!({
            "rounds": asked.rounds, "load": load, "busy": busy, "variants": data,
            "by_hand_per_second": hand.json(), "costs": costs.json(),
        }),
    }
}
