//! Reads the faults of a scenario.

use super::keys;
use super::{Assumptions, FaultSpec};
use crate::diag::code;
use crate::fault::{Fault, PAUSE, Who};
use crate::file::{Content, Fields, Reader, choices};
use crate::kind::Key;
use crate::moment::Moment;
use crate::name::{InstanceId, ServiceName};
use crate::target::Target;
use std::path::Path;
use std::time::Duration;

/// Returns the faults in the order of the file.
pub(super) fn read(
    reader: &mut Reader<'_>,
    content: &Content<'_>,
    instances: u8,
    assume: Assumptions,
    target: Option<&Target>,
) -> Vec<FaultSpec> {
    let mut context = Context {
        reader,
        instances,
        pause_max: assume.pause_max,
        services: target.map(|target| {
            let services = target.services.iter();
            services.map(|service| service.name.clone()).collect()
        }),
    };
    let tables = content.all(&keys::FAULT).iter();
    tables
        .filter_map(|(_, fields)| context.fault(fields))
        .collect()
}

/// What the names in a fault are held against.
struct Context<'r, 'k> {
    reader: &'r mut Reader<'k>,
    instances: u8,
    /// The longest pause that can happen.
    pause_max: Option<Duration>,
    /// `None` where the target cannot be read, which has been reported.
    services: Option<Vec<ServiceName>>,
}

impl Context<'_, '_> {
    fn fault(&mut self, fields: &Fields<'_>) -> Option<FaultSpec> {
        let who = self.who(fields)?;
        let link = fields.text(&keys::LINK).map(ServiceName::from);
        if let Some(link) = &link {
            self.service(link, &keys::LINK, fields);
            if let Who::Service(service) = &who {
                let message = format!("`link` beside the service `{service}`");
                let help = "a fault of a service strikes all links to it: leave `link` out";
                let place = fields.place(&keys::LINK);
                self.reader
                    .report(code::TYPE, message, place, help.to_owned());
            }
        }
        let at = self.moment(fields, &keys::AT);
        let until = self.moment(fields, &keys::UNTIL);
        let lasts = fields.duration(&keys::FOR);
        if until.is_some() && lasts.is_some() {
            let message = "both `for` and `until`".to_owned();
            let place = fields.place(&keys::UNTIL);
            let help = "keep one: a fault is healed after a time, or at a moment".to_owned();
            self.reader.report(code::TYPE, message, place, help);
        }
        self.pause(fields, lasts);
        let times = fields.integer_or_default(&keys::TIMES);
        if times > 1 && !matches!(at, Some(Moment::Request(..))) {
            let message = "`times` without a request in `at`".to_owned();
            let place = fields.place(&keys::TIMES);
            let help = "name the first of the requests in `at`".to_owned();
            self.reader.report(code::TYPE, message, place, help);
        }
        Some(FaultSpec {
            fault: Fault {
                kind: fields.text_or_empty(&keys::FAULT_KIND),
                who,
                link,
                lasts,
                keys: fields.own_texts(Path::new("")),
            },
            at,
            until,
            times,
            span: fields.span.clone().unwrap_or(0..0),
            at_span: fields.place(&keys::AT),
            until_span: fields.place(&keys::UNTIL),
        })
    }

    /// Reports a pause that the scenario says cannot happen: what it shows would be no violation.
    fn pause(&mut self, fields: &Fields<'_>, lasts: Option<Duration>) {
        let is_pause = fields.text(&keys::FAULT_KIND) == Some(PAUSE);
        let (Some(lasts), Some(longest)) = (lasts.filter(|_| is_pause), self.pause_max) else {
            return;
        };
        if lasts > longest {
            let [lasts, longest] = [lasts, longest].map(humantime::format_duration);
            let message = format!("a pause of {lasts} where none is longer than {longest}");
            let help = "shorten it, or raise `assume.pause_max`".to_owned();
            let place = fields.place(&keys::FOR);
            self.reader.report(code::TYPE, message, place, help);
        }
    }

    fn who(&mut self, fields: &Fields<'_>) -> Option<Who> {
        let text = fields.text(&keys::WHO)?;
        let place = fields.place(&keys::WHO);
        match Who::parse(text) {
            Ok(who) => {
                match &who {
                    Who::Instance(instance) => self.instance(*instance, &keys::WHO, fields),
                    Who::Any => {}
                    Who::Service(service) => self.service(service, &keys::WHO, fields),
                }
                Some(who)
            }
            Err(flaw) => {
                let message = format!("`who` strikes nobody: {}", flaw.message);
                self.reader.report(code::TYPE, message, place, flaw.help);
                None
            }
        }
    }

    fn moment(&mut self, fields: &Fields<'_>, key: &Key) -> Option<Moment> {
        // A text that is no moment has been reported where it was read.
        let moment: Moment = fields.text(key)?.parse().ok()?;
        let (Moment::Start(who) | Moment::Exit(who) | Moment::Request(who, _)) = &moment;
        self.instance(*who, key, fields);
        if let Moment::Request(_, request) = &moment {
            self.service(&request.service, key, fields);
        }
        Some(moment)
    }

    fn instance(&mut self, instance: InstanceId, key: &Key, fields: &Fields<'_>) {
        if instance.number() > self.instances {
            let (name, count) = (key.name, self.instances);
            let message = format!("`{name}` names {instance}, and {count} take part");
            let help = "instances are numbered from job#1; see trigger.instances".to_owned();
            let place = fields.place(key);
            self.reader.report(code::UNKNOWN_NAME, message, place, help);
        }
    }

    fn service(&mut self, service: &ServiceName, key: &Key, fields: &Fields<'_>) {
        let Some(services) = &self.services else {
            return;
        };
        if !services.contains(service) {
            let names: Vec<&str> = services.iter().map(ServiceName::as_str).collect();
            let message = format!("unknown service `{service}` in `{}`", key.name);
            let help = choices(service.as_str(), "services", &names);
            let place = fields.place(key);
            self.reader.report(code::UNKNOWN_NAME, message, place, help);
        }
    }
}
