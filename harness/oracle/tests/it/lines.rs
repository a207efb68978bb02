//! Events in a few words.

use crate::common::job;
use std::collections::BTreeMap;
use twiceproof_model::event::{LinkEnd, Part, Peer};
use twiceproof_model::{
    Event, Exit, Fault, InstanceId, LinkId, Outcome, Reply, Request, RequestId, Signature, Step,
    Tag,
};

/// Events in a few words, one a line: `1 pg/2 TEXT => UPDATE 1` is a write of job#1 over its second
/// connection, `->` a read, `=> !40001` an error; `1 start`, `1 kill`, `1 exit 3`, `1 cut pg/2`,
/// `calm`, and `fault ..` as in schedules.
pub(crate) fn events(lines: &str) -> Vec<Event> {
    let mut ordinals: BTreeMap<InstanceId, u32> = BTreeMap::new();
    let mut seen: BTreeMap<(InstanceId, String), u32> = BTreeMap::new();
    let mut events = Vec::new();
    for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if line == "calm" {
            events.push(Event::Begun(Part::Recovery(1)));
            (ordinals, seen) = Default::default();
            continue;
        }
        if let Some(fault) = line.strip_prefix("fault ") {
            let fault: Fault = fault.parse().expect("a fault of the tests");
            events.push(Event::Injected(fault));
            continue;
        }
        let (number, rest) = line.split_once(' ').expect("a number and more");
        let who = job(number.parse().expect("a number"));
        let (word, rest) = rest.split_once(' ').unwrap_or((rest, ""));
        match word {
            "start" => events.push(Event::Started(who)),
            "kill" => {
                events.push(Event::Taken(Step::Kill(who)));
                events.push(exited(who, Exit::Signal(9)));
            }
            "exit" => events.push(exited(who, Exit::Code(rest.parse().expect("a code")))),
            "cut" => events.push(Event::Closed {
                link: link(who, rest),
                by: Peer::Service,
                how: LinkEnd::Fin,
            }),
            link_name => {
                let ordinal = ordinals.entry(who).or_default();
                *ordinal += 1;
                let id = RequestId {
                    instance: who,
                    ordinal: *ordinal,
                };
                let (text, reply) = asked(rest);
                let nth = seen.entry((who, text.to_owned())).or_default();
                *nth += 1;
                let link = link(who, link_name);
                let signature = Signature {
                    service: link.service.clone(),
                    text: text.to_owned(),
                    nth: *nth,
                };
                events.push(Event::Held(Request {
                    id,
                    link,
                    signature,
                }));
                events.push(Event::Forwarded(id));
                events.push(Event::Answered { request: id, reply });
            }
        }
    }
    events
}

fn exited(instance: InstanceId, exit: Exit) -> Event {
    Event::Exited { instance, exit }
}

fn link(instance: InstanceId, name: &str) -> LinkId {
    let (service, ordinal) = name.split_once('/').unwrap_or((name, "1"));
    LinkId {
        instance,
        service: service.into(),
        ordinal: ordinal.parse().expect("a number"),
    }
}

fn asked(line: &str) -> (&str, Reply) {
    let (text, told, writes) = match line.split_once(" => ") {
        Some((text, told)) => (text, told, true),
        None => {
            let (text, told) = line.split_once(" -> ").expect("a reply");
            (text, told, false)
        }
    };
    if let Some(error) = told.strip_prefix('!') {
        let outcome = Outcome::Error(error.to_owned());
        let reply = Reply {
            outcome,
            tags: Vec::new(),
            writes,
            frees_locks: false,
        };
        return (text, reply);
    }
    let (command, rows) = match told.split_once(' ') {
        Some((command, rows)) => (command, Some(rows.parse().expect("a number of rows"))),
        None => (told, None),
    };
    let tag = Tag {
        command: command.to_owned(),
        rows,
    };
    let reply = Reply {
        outcome: Outcome::Ok,
        tags: vec![tag],
        writes,
        frees_locks: false,
    };
    (text, reply)
}
