//! Records made by hand: what a lab would have stored.

use std::collections::BTreeMap;
use twiceproof_model::event::{Exit, Part, Stamped, fingerprint};
use twiceproof_model::finding::{Difference, Finding};
use twiceproof_model::record::{Drive, Output, Timings};
use twiceproof_model::scenario::Expect;
use twiceproof_model::snapshot::ObjectName;
use twiceproof_model::{
    Event, InstanceId, LinkId, Outcome as Ended, Reply, Request, RequestId, ServiceName, Signature,
    Snapshot, Step, Tag, TrialRecord,
};
use twiceproof_report::view::{
    CauseView, Count, FindingView, KnownState, KnownView, Outcome, RegressionEnd, RegressionView,
    RunView, ScenarioView, StageView,
};

pub(crate) fn job(number: u8) -> InstanceId {
    InstanceId::new(number).expect("a small number")
}

/// Builds a trace step by step.
#[derive(Default)]
pub(crate) struct Tracer {
    events: Vec<Event>,
    asked: BTreeMap<u8, u32>,
}

impl Tracer {
    pub(crate) fn event(&mut self, event: Event) -> u32 {
        self.events.push(event);
        self.events.len() as u32 - 1
    }

    /// A request, released and answered. Returns the place of its answer.
    pub(crate) fn ask(&mut self, who: u8, service: &str, text: &str, tag: &str) -> u32 {
        let ordinal = self.asked.entry(who).or_default();
        *ordinal += 1;
        let id = RequestId {
            instance: job(who),
            ordinal: *ordinal,
        };
        let service = ServiceName::from(service);
        self.event(Event::Held(Request {
            id,
            link: LinkId {
                instance: job(who),
                service: service.clone(),
                ordinal: 1,
            },
            signature: Signature {
                service,
                text: text.to_owned(),
                nth: 1,
            },
        }));
        self.event(Event::Taken(Step::Release(id)));
        self.event(Event::Forwarded(id));
        let (command, rows) = match tag.rsplit_once(' ') {
            Some((command, rows)) => (command, rows.parse().ok()),
            None => (tag, None),
        };
        let writes = !matches!(command, "SELECT" | "BEGIN");
        let tags = vec![Tag {
            command: command.to_owned(),
            rows,
        }];
        let reply = Reply {
            outcome: Ended::Ok,
            tags,
            writes,
            frees_locks: false,
        };
        let place = self.event(Event::Answered { request: id, reply });
        self.event(Event::Delivered(id));
        place
    }

    pub(crate) fn record(self, instances: u8) -> TrialRecord {
        let stamp = |(index, event)| Stamped {
            at_us: index as u64 * 100,
            event,
        };
        let trace: Vec<_> = self.events.into_iter().enumerate().map(stamp).collect();
        TrialRecord {
            trial: 19,
            stage: "preempt".into(),
            seed: 1,
            instances,
            drive: Drive::Steps,
            schedule: "twiceproof schedule 1\nseed 1\nrun  job#1 until pg \"SELECT\" 1 replied\nrun  job#2 to exit\n"
                .into(),
            fingerprint: fingerprint(&trace),
            trace,
            exits: InstanceId::first(instances).map(|instance| (instance, Exit::Code(0))).collect(),
            recoveries: Vec::new(),
            before_recovery: None,
            after_first_recovery: None,
            snapshot: Snapshot::default(),
            divergence: None,
            doubts: Vec::new(),
            answers: BTreeMap::new(),
            changes: Vec::new(),
            outputs: BTreeMap::new(),
            timings: Timings::default(),
        }
    }
}

/// Two runs grant the same points: both read before either writes.
pub(crate) fn double_grant() -> (TrialRecord, Vec<u32>) {
    let mut trace = Tracer::default();
    trace.event(Event::Begun(Part::Main));
    trace.event(Event::Taken(Step::Start(job(1))));
    trace.ask(1, "pg", "BEGIN", "BEGIN");
    trace.ask(
        1,
        "pg",
        "SELECT id, mail FROM members WHERE granted = ?",
        "SELECT 2",
    );
    trace.event(Event::Taken(Step::Pause(job(1))));
    trace.event(Event::Taken(Step::Start(job(2))));
    trace.ask(
        2,
        "pg",
        "SELECT id, mail FROM members WHERE granted = ?",
        "SELECT 2",
    );
    let first = trace.ask(
        2,
        "pg",
        "UPDATE members SET balance = balance + ? WHERE id = ?",
        "UPDATE 1",
    );
    let second = trace.ask(2, "mail", "DATA end", "250");
    trace.event(Event::Exited {
        instance: job(2),
        exit: Exit::Code(0),
    });
    trace.event(Event::Taken(Step::Resume(job(1))));
    let third = trace.ask(
        1,
        "pg",
        "UPDATE members SET balance = balance + ? WHERE id = ?",
        "UPDATE 1",
    );
    trace.event(Event::Blocked {
        instance: job(1),
        by: vec![job(2)],
    });
    let fourth = trace.ask(1, "mail", "DATA end", "250");
    trace.event(Event::Exited {
        instance: job(1),
        exit: Exit::Code(3),
    });
    let mut record = trace.record(2);
    record.exits.insert(job(1), Exit::Code(3));
    record.recoveries = vec![Exit::Code(0)];
    let wrote = "granting 2 members\ndone\n";
    let output = Output {
        head: wrote.into(),
        tail: String::new(),
        bytes: wrote.len() as u64,
    };
    record.outputs.insert(job(1), output);
    (record, vec![first, second, third, fourth])
}

pub(crate) fn finding(events: Vec<u32>) -> Finding {
    let members = ObjectName::new(&"pg".into(), "public.members");
    let mails = ObjectName::new(&"mail".into(), "(mails)");
    Finding {
        code: "TP-V01".into(),
        id: "4f2a91c3".into(),
        message: "one member got the points twice, and one mail was sent twice".into(),
        objects: vec![members.clone(), mails.clone()],
        differences: vec![
            Difference {
                object: members,
                row: "id=7".into(),
                column: "balance".into(),
                expected: "1500".into(),
                found: "2500".into(),
            },
            Difference {
                object: mails,
                row: "to=a@x.test".into(),
                column: String::new(),
                expected: "1".into(),
                found: "2".into(),
            },
        ],
        differences_total: 2,
        events,
    }
}

fn causes() -> Vec<CauseView> {
    let cause = |code: &str, title: &str, text: &str, hypothesis| CauseView {
        code: code.into(),
        title: title.into(),
        text: text.into(),
        hypothesis,
        remedy: "do it once".into(),
    };
    vec![
        cause(
            "T2",
            "two runs for one slot",
            "double-start: two at once",
            false,
        ),
        cause("L1", "there is no lock", "job#1 and job#2 both work.", true),
        cause("D1", "relative update", "job#1 and job#2 both add.", true),
    ]
}

pub(crate) fn view(record: TrialRecord, finding: Finding) -> FindingView {
    FindingView {
        finding,
        record,
        replayed: (5, 5),
        diverged: None,
        causes: causes(),
        orders: vec!["job#2 pg \"SELECT id\" 1 < job#1 pg \"UPDATE members\" 1".into()],
        shrunk: Some((61, 2, 23)),
        trials: 7,
        folder: "reports/runs/latest/points/double-start/4f2a91c3".into(),
        regression: "scenarios/regressions/points/double-start/4f2a91c3.schedule".into(),
    }
}

pub(crate) fn passed() -> ScenarioView {
    let stage = |name: &str, trials, covered: Option<(&str, u64, u64)>, complete| StageView {
        name: name.into(),
        trials,
        covered: covered.map(|(what, done, of)| (what.to_owned(), done, of)),
        complete,
    };
    ScenarioView {
        name: "close/daily".into(),
        title: "the daily close may start twice".into(),
        path: "scenarios/close/daily.toml".into(),
        expect: Expect::Pass,
        outcome: Outcome::Pass,
        trials: 1412,
        elapsed_ms: 38_140,
        seed: 1,
        stages: vec![
            stage("serial", 2, Some(("orders", 2, 2)), true),
            stage("crash", 97, Some(("crash points", 97, 97)), true),
            stage("preempt", 41, Some(("hold points", 41, 41)), true),
            stage("sample", 1272, None, true),
        ],
        stages_absent: vec!["lost-reply".into(), "lease".into(), "clock".into()],
        interleavings: "all interleavings of 2 instances over 41 shared operations with at most 1 \
                 preemption (26 classes)"
            .into(),
        counts: vec![
            Count {
                number: 52,
                noun: "hold".into(),
                rest: String::new(),
            },
            Count {
                number: 1,
                noun: "kill".into(),
                rest: "took effect".into(),
            },
        ],
        masks: vec![(
            "pg/public.members.updated_at".into(),
            "time within the run".into(),
        )],
        unseen: vec!["link to cache: opaque".into()],
        claim: (
            "sampled".into(),
            vec![
                "the orders that were run are some of all that there are".into(),
                "3 of 3 schedules, run twice, took the same steps".into(),
            ],
        ),
        reasons: Vec::new(),
        hint: String::new(),
        why_twice: (
            "T2".into(),
            "double-start: The scheduler creates several runs for one slot.".into(),
        ),
        regressions: vec![regression(RegressionEnd::NoLongerFails, "")],
        known: Vec::new(),
        findings: Vec::new(),
    }
}

/// The sample's finding and another one, known.
pub(crate) fn known(id: &str, state: KnownState) -> KnownView {
    KnownView {
        finding: id.into(),
        until: "2026-12-31".into(),
        since: "2027-01-01".into(),
        ticket: "OPS-12".into(),
        reason: "the old cluster goes in January".into(),
        state,
    }
}

pub(crate) fn regression(end: RegressionEnd, note: &str) -> RegressionView {
    RegressionView {
        finding: "0b1c2d3e".into(),
        file: "scenarios/regressions/close/daily/0b1c2d3e.schedule".into(),
        end,
        note: note.into(),
    }
}

pub(crate) fn failed() -> ScenarioView {
    let (record, events) = double_grant();
    ScenarioView {
        name: "points/double-start".into(),
        title: "may start twice, may crash anywhere".into(),
        path: "scenarios/points/double-start.toml".into(),
        outcome: Outcome::Fail,
        trials: 23,
        elapsed_ms: 2_310,
        claim: (String::new(), Vec::new()),
        findings: vec![view(record, finding(events))],
        ..passed()
    }
}

/// Every text that a target or service controls is an attack.
pub(crate) fn hostile() -> ScenarioView {
    let evil = "\u{1b}]0;owned\u{7}\u{202e}txt.exe\0</script><img src=x onerror=alert(1)>]]>```\r\n| a | b |";
    let mut trace = Tracer::default();
    trace.event(Event::Begun(Part::Main));
    let place = trace.ask(1, "pg", &format!("UPDATE \"{evil}\" SET x = ?"), evil);
    trace.event(Event::LeftOver {
        instance: job(2),
        processes: vec![evil.into(), "x".repeat(500)],
    });
    let mut record = trace.record(2);
    record.outputs.insert(
        job(1),
        Output {
            head: format!("{evil}\n{}", "語".repeat(300)),
            tail: String::new(),
            bytes: 1 << 30,
        },
    );
    record.schedule = format!("twiceproof schedule 1\nrun job#1 until pg \"{evil}\" 1 held\n");
    let object = ObjectName::new(&"pg".into(), evil);
    let mut finding = finding(vec![place]);
    finding.message = evil.repeat(3);
    finding.objects = vec![object.clone()];
    finding.differences = (0..20)
        .map(|_| Difference {
            object: object.clone(),
            row: evil.into(),
            column: evil.into(),
            expected: evil.into(),
            found: "é".repeat(200),
        })
        .collect();
    finding.differences_total = 1_234_567;
    let mut scenario = failed();
    scenario.title = evil.into();
    scenario.masks = vec![(evil.into(), evil.into())];
    scenario.unseen = vec![evil.into()];
    scenario.known = vec![KnownView {
        ticket: evil.into(),
        reason: evil.into(),
        ..known("0b1c2d3e", KnownState::NotFound)
    }];
    scenario.regressions = vec![RegressionView {
        finding: evil.into(),
        file: evil.into(),
        end: RegressionEnd::Broken,
        note: evil.into(),
    }];
    let mut view = view(record, finding);
    view.diverged = Some(evil.into());
    scenario.findings = vec![view];
    scenario
}

/// A schedule too long to show whole.
pub(crate) fn long() -> ScenarioView {
    let mut trace = Tracer::default();
    trace.event(Event::Begun(Part::Main));
    let mut telling = Vec::new();
    for who in [1, 2] {
        trace.event(Event::Taken(Step::Start(job(who))));
        for round in 0..40 {
            trace.ask(who, "pg", "SELECT ? FROM members", "SELECT 1");
            if round % 20 == 0 {
                telling.push(trace.ask(who, "pg", "UPDATE members SET x = ?", "UPDATE 1"));
            }
        }
        trace.event(Event::Exited {
            instance: job(who),
            exit: Exit::Code(0),
        });
    }
    let record = trace.record(2);
    let mut scenario = failed();
    scenario.findings = vec![view(record, finding(telling))];
    scenario
}

pub(crate) fn run(scenarios: Vec<ScenarioView>, exit: u8) -> RunView {
    RunView {
        id: "20261122-210412-1".into(),
        version: "0.1.0".into(),
        folder: "reports/runs/20261122-210412-1".into(),
        backend: "local".into(),
        cells: 2,
        environment: vec![("TWICEPROOF_CELLS".into(), "2".into())],
        elapsed_ms: 40_450,
        exit,
        interrupted: None,
        scenarios,
    }
}
