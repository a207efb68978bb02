//! The schedule of a trial that has run: its steps as segments, named by instance and request.

use std::collections::{BTreeMap, BTreeSet};
use twiceproof_model::event::Part;
use twiceproof_model::fault::{KILL, LOST_REPLY, PAUSE, RESUME, Who};
use twiceproof_model::moment::RequestMoment;
use twiceproof_model::schedule::{Directive, Until};
use twiceproof_model::{
    Event, Fault, InstanceId, Phase, RequestId, Schedule, ServiceName, Signature, Stamped, Step,
};

/// Returns the schedule that repeats this trace's main part.
///
/// A trial in which nothing was held has no steps; its schedule then orders the requests as they
/// were seen to pass, which may or may not repeat it.
pub fn schedule_of(trace: &[Stamped], seed: u64) -> Schedule {
    let trace = main_part(trace);
    let names = Names::of(trace);
    let mut writer = Writer {
        names: &names,
        body: Vec::new(),
        open: None,
    };
    for taken in taken_steps(trace) {
        writer.step(taken);
    }
    writer.close();
    Schedule {
        seed,
        body: writer.body,
        ..Schedule::default()
    }
}

/// Returns the trace up to its first calm run.
pub fn main_part(trace: &[Stamped]) -> &[Stamped] {
    let mut events = trace.iter();
    let end = events.position(|stamped| matches!(stamped.event, Event::Begun(Part::Recovery(_))));
    &trace[..end.unwrap_or(trace.len())]
}

/// Returns how often the trace's steps go from one instance to another.
pub fn switches(trace: &[Stamped]) -> u32 {
    let steps = taken_steps(main_part(trace));
    let mut last = None;
    let mut count = 0;
    for instance in steps.iter().filter_map(|taken| taken.step.instance()) {
        if last.is_some_and(|last| last != instance) {
            count += 1;
        }
        last = Some(instance);
    }
    count
}

/// A step with what came of it before the next one.
struct Taken {
    step: Step,
    exited: bool,
    blocked: bool,
    answered: bool,
    /// The instance's first request that was held after it.
    held: Option<RequestId>,
}

/// Returns whether the trial was driven by steps: beyond the starts, which are logged in a free run
/// too.
pub(crate) fn is_driven(trace: &[Stamped]) -> bool {
    let is_step = |event: &Event| matches!(event, Event::Taken(step) if !is_start(step));
    trace.iter().any(|stamped| is_step(&stamped.event))
}

fn is_start(step: &Step) -> bool {
    matches!(step, Step::Start(_))
}

fn taken_steps(trace: &[Stamped]) -> Vec<Taken> {
    let has_steps = is_driven(trace);
    let forwards = trace.iter().any(|s| matches!(s.event, Event::Forwarded(_)));
    let mut steps: Vec<Taken> = Vec::new();
    let mut timed_out = BTreeSet::new();
    for stamped in trace {
        let passed = match &stamped.event {
            Event::Taken(step) if has_steps => Some(step.clone()),
            Event::Started(instance) if !has_steps => Some(Step::Start(*instance)),
            Event::Forwarded(request) if !has_steps => Some(Step::Release(*request)),
            Event::Held(request) if !has_steps && !forwards => Some(Step::Release(request.id)),
            _ => None,
        };
        if let Some(step) = passed {
            steps.push(Taken {
                step,
                exited: false,
                blocked: false,
                answered: false,
                held: None,
            });
            continue;
        }
        let Some(last) = steps.last_mut() else {
            continue;
        };
        let who = last.step.instance();
        match &stamped.event {
            Event::TimedOut(instance) => {
                timed_out.insert(*instance);
            }
            // One whose time ran out did not get there by its steps.
            Event::Exited { instance, .. } if Some(*instance) == who => {
                last.exited = !timed_out.contains(instance);
            }
            Event::Blocked { instance, .. } if Some(*instance) == who => last.blocked = true,
            Event::Answered { request, .. } if last.step == Step::Release(*request) => {
                last.answered = true;
            }
            Event::Held(request) if Some(request.id.instance) == who => {
                last.held.get_or_insert(request.id);
            }
            _ => {}
        }
    }
    steps
}

/// How requests are quoted: by the shortest start that no other text of the service has.
pub(crate) struct Names<'a> {
    signatures: BTreeMap<RequestId, &'a Signature>,
    texts: BTreeMap<&'a ServiceName, BTreeSet<&'a str>>,
}

/// Longest start quoted; longer ones end in a mark of the whole text.
const PREFIX_CHARS_MAX: usize = 60;
/// Shortest start quoted, so that people recognise it.
const PREFIX_CHARS_MIN: usize = 12;

impl<'a> Names<'a> {
    /// Returns the names of the trace's requests.
    pub(crate) fn of(trace: &'a [Stamped]) -> Self {
        let mut names = Self {
            signatures: BTreeMap::new(),
            texts: BTreeMap::new(),
        };
        for stamped in trace {
            if let Event::Held(request) = &stamped.event {
                let signature = &request.signature;
                names.signatures.insert(request.id, signature);
                names
                    .texts
                    .entry(&signature.service)
                    .or_default()
                    .insert(&signature.text);
            }
        }
        names
    }

    /// Returns the moment at which this request stands; `None` where the trace has none such.
    pub(crate) fn moment(&self, request: RequestId, phase: Phase) -> Option<RequestMoment> {
        let signature = self.signatures.get(&request)?;
        let texts = self.texts.get(&signature.service)?;
        let is_only = |moment: &RequestMoment| {
            texts
                .iter()
                .all(|text| moment.matches(text) == (*text == signature.text))
        };
        let candidates = starts(&signature.text).map(|start| RequestMoment {
            service: signature.service.clone(),
            pattern: start.to_owned(),
            nth: signature.nth,
            phase,
        });
        let shortest = candidates.into_iter().find(is_only);
        Some(shortest.unwrap_or_else(|| RequestMoment::exact(signature, phase)))
    }
}

/// Returns the starts of the text that end with a word, shortest first.
fn starts(text: &str) -> impl Iterator<Item = &str> {
    let mut ends: Vec<usize> = Vec::new();
    let mut chars = 0;
    for (at, c) in text.char_indices() {
        if c == ' ' && chars >= PREFIX_CHARS_MIN {
            ends.push(at);
        }
        chars += 1;
        if chars > PREFIX_CHARS_MAX {
            break;
        }
    }
    if chars <= PREFIX_CHARS_MAX && !text.is_empty() {
        ends.push(text.len());
    }
    // A longer pattern could be printed, but no file that holds it could be read.
    let is_readable = |start: &&str| start.len() <= twiceproof_model::moment::PATTERN_BYTES_MAX;
    ends.into_iter().map(|end| &text[..end]).filter(is_readable)
}

/// Steps of one instance in a row, of which only the last one matters.
struct Segment {
    instance: InstanceId,
    last: Taken,
    length: usize,
}

struct Writer<'a> {
    names: &'a Names<'a>,
    body: Vec<Directive>,
    open: Option<Segment>,
}

impl Writer<'_> {
    fn step(&mut self, taken: Taken) {
        match &taken.step {
            Step::Kill(instance) => self.plain(KILL, *instance),
            Step::Pause(instance) => self.plain(PAUSE, *instance),
            Step::Resume(instance) => self.plain(RESUME, *instance),
            Step::Inject(fault) => self.fault(Directive::Fault(fault.clone())),
            Step::Heal(fault) => self.fault(Directive::Heal(fault.clone())),
            Step::DropReply(request) => {
                let request = *request;
                self.lost_reply(request);
            }
            Step::Start(instance)
            | Step::Wake(instance)
            | Step::Release(RequestId { instance, .. })
            | Step::Deliver(RequestId { instance, .. })
            | Step::Forward(RequestId { instance, .. }) => {
                let instance = *instance;
                // A forward ends its segment: the run stops at the answer.
                let goes_on = self.open.as_ref().is_some_and(|open| {
                    open.instance == instance && !matches!(open.last.step, Step::Forward(_))
                });
                if !goes_on {
                    self.close();
                }
                let length = self.open.take().map_or(0, |open| open.length) + 1;
                self.open = Some(Segment {
                    instance,
                    last: taken,
                    length,
                });
            }
        }
    }

    fn plain(&mut self, kind: &str, who: InstanceId) {
        let fault = Fault::new(kind, Who::Instance(who));
        self.fault(Directive::Fault(fault));
    }

    fn fault(&mut self, directive: Directive) {
        self.close();
        self.body.push(directive);
    }

    /// The fault forwards the request itself, where the instance stands at it.
    fn lost_reply(&mut self, request: RequestId) {
        let is_own = |open: &Segment| open.last.step == Step::Forward(request);
        if let Some(open) = self.open.take_if(|open| is_own(open))
            && open.length > 1
        {
            let moment = self.names.moment(request, Phase::Held);
            let until = moment.map(Until::Request);
            self.body
                .extend(until.map(|until| Directive::Run(request.instance, until)));
        }
        self.plain(LOST_REPLY, request.instance);
    }

    fn close(&mut self) {
        let Some(Segment {
            instance,
            last,
            length,
        }) = self.open.take()
        else {
            return;
        };
        if length == 1 && matches!(last.step, Step::Start(_)) {
            self.body.push(Directive::Start(instance));
            return;
        }
        let at = |request, phase| self.names.moment(request, phase).map(Until::Request);
        let until = match &last.step {
            _ if last.exited => None,
            Step::Forward(request) => at(*request, Phase::Answered),
            Step::Release(_) if last.blocked && !last.answered => Some(Until::Blocked),
            Step::Release(request) | Step::Deliver(request) => at(*request, Phase::Replied),
            _ => match last.held {
                Some(request) => at(request, Phase::Held),
                None => Some(Until::Blocked),
            },
        };
        let until = until.unwrap_or(Until::Exit);
        self.body.push(Directive::Run(instance, until));
    }
}
