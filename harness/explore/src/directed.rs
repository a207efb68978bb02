//! Stage `directed`: where the clean run reads an object and writes it later, an instance is held
//! at the write, and then two are, of which the first goes on into its next window before the
//! second does.
//!
//! The windows are those that [`crate::footprint`] shows. One of each pair of texts comes first,
//! for windows of one pair are alike; then the shorter before the longer. Every other trial is a
//! uniform random walk: where there are many windows, the one that matters may stand far behind.

use crate::footprint::{self, Access, Footprint};
use crate::registry::Stage;
use crate::sample::{Walk, draw_seed};
use crate::script::{Act, Script};
use crate::strategy::{Plan, Point, Strategy, Work};
use std::collections::BTreeSet;
use twiceproof_model::InstanceId;
use twiceproof_model::kind::Kind;
use twiceproof_model::record::Drive;

/// The stage.
pub const DIRECTED: Stage = Stage {
    kind: Kind {
        name: "directed",
        doc: "One run, then two, are held between a read and a write of one object; random orders in between.",
        keys: &[],
        port: None,
    },
    owed: true,
    share: 3,
    make: |plan| Box::new(Directed::new(plan)),
};

/// Most windows that are tried.
const WINDOWS_MAX: usize = 50;
/// The stream of the first walk's seed: far behind those of the sample stage.
const FIRST_STREAM: u64 = 1 << 32;

/// A read of an object, and the same run's next write of it, as ordinals of the clean run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Window {
    /// The request that reads.
    read: u32,
    /// The request that writes.
    write: u32,
    /// The write of the first window that opens behind it; the request behind it where none does.
    /// Two that both passed the check of a lock do harm only if they overlap there.
    next: u32,
}

/// Returns the windows of the clean run in the order in which they are tried.
fn windows(plan: &Plan) -> Vec<Window> {
    let requests = plan.requests.iter();
    let footprints: Vec<Footprint> = requests
        .map(|clean| footprint::of(&plan.kinds, &clean.request, &clean.reply))
        .collect();
    let mut found = BTreeSet::new();
    for (at, reading) in footprints.iter().enumerate() {
        for object in reading.objects(Access::Read) {
            let mut behind = footprints.iter().enumerate().skip(at + 1);
            let next = behind.find(|(_, other)| other.objects(Access::Write).contains(&object));
            if let Some((next, _)) = next {
                found.insert((at, next));
            }
        }
    }
    let opens_behind = |write: usize| {
        let mut windows = found.iter();
        windows.find_map(|(read, next)| (*read > write).then_some(*next))
    };
    let text = |place: usize| &plan.requests[place].request.signature.text;
    let mut pairs = BTreeSet::new();
    let mut ordered: Vec<(bool, usize, usize)> = Vec::new();
    for (read, write) in &found {
        let (read, write) = (*read, *write);
        let is_new = pairs.insert((text(read), text(write)));
        ordered.push((!is_new, write - read, read));
    }
    ordered.sort_unstable();
    let ordinal = |place: usize| plan.requests[place].request.id.ordinal;
    let ordered = ordered.into_iter();
    ordered
        .map(|(_, length, read)| {
            let write = read + length;
            Window {
                read: ordinal(read),
                write: ordinal(write),
                next: opens_behind(write).map_or(ordinal(write) + 1, ordinal),
            }
        })
        .take(WINDOWS_MAX)
        .collect()
}

/// How many instances are held in a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Single,
    Pair,
}

struct Directed {
    plan: Plan,
    trials: Vec<(Window, Form)>,
    /// Trials handed out, walks too.
    next: usize,
}

impl Directed {
    fn new(plan: &Plan) -> Self {
        let windows = match plan.instances {
            0 | 1 => Vec::new(),
            _ => windows(plan),
        };
        let forms = |window| [(window, Form::Single), (window, Form::Pair)];
        Self {
            plan: plan.clone(),
            trials: windows.into_iter().flat_map(forms).collect(),
            next: 0,
        }
    }

    fn window(&self, window: Window, form: Form) -> Work {
        let mut instances = InstanceId::first(self.plan.instances);
        let (one, other) = (instances.next(), instances.next());
        let held = match form {
            Form::Single => [one, None],
            Form::Pair => [one, other],
        };
        let held: Vec<InstanceId> = held.into_iter().flatten().collect();
        let mut acts: Vec<Act> = (held.iter())
            .map(|who| Act::RunUntilHeld(*who, window.write))
            .collect();
        acts.extend(match form {
            Form::Single => self.plan.others(held[0]).map(Act::RunOut).collect(),
            Form::Pair => vec![
                Act::RunUntilHeld(held[0], window.next),
                Act::RunOut(held[1]),
            ],
        });
        acts.push(Act::RunOut(held[0]));
        let names: Vec<String> = held.iter().map(ToString::to_string).collect();
        Work {
            label: format!(
                "{} held between request {} and {}",
                names.join(" and "),
                window.read,
                window.write
            ),
            instances: self.plan.instances,
            drive: Drive::Steps,
            seed: self.plan.seed,
            recovers: true,
            point: Point::Window,
            menu: Vec::new(),
            scheduler: Box::new(Script::new(acts)),
        }
    }

    fn walk(&self, nth: usize) -> Work {
        let nth = u64::try_from(nth).unwrap_or(u64::MAX);
        let seed = draw_seed(self.plan.seed, FIRST_STREAM.saturating_add(nth));
        let events = u64::try_from(self.plan.requests.len()).unwrap_or(u64::MAX);
        Work {
            label: format!("random order {}", nth + 1),
            instances: self.plan.instances,
            drive: Drive::Steps,
            seed,
            recovers: true,
            point: Point::Walk,
            menu: Vec::new(),
            scheduler: Box::new(Walk::new(seed, events)),
        }
    }
}

impl Strategy for Directed {
    fn next(&mut self) -> Option<Work> {
        let (window, form) = *self.trials.get(self.next / 2)?;
        let is_walk = self.next % 2 == 1;
        self.next += 1;
        Some(if is_walk {
            self.walk(self.next / 2 - 1)
        } else {
            self.window(window, form)
        })
    }

    fn planned(&self) -> u32 {
        self.points().saturating_mul(2)
    }

    fn points(&self) -> u32 {
        u32::try_from(self.trials.len()).unwrap_or(u32::MAX)
    }
}
