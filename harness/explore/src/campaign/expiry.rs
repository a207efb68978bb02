//! What rests on the end of a lease is repeated with a true pause: a lease that ends at once
//! accuses a run that watches its own clock and stops itself. The end of a session is no matter of
//! time.

use super::result::CampaignFinding;
use super::run::Campaign;
use super::verify::{self, Rerun};
use crate::lab::Assignment;
use crate::lease::{self, ended_by};
use crate::replay::{Mode, Replay};
use std::time::Duration;
use twiceproof_model::fault::{PAUSE, RESUME};
use twiceproof_model::schedule::Directive;
use twiceproof_model::{Event, Fault, InstanceId, Schedule, TrialRecord, Verdict, Who};
use twiceproof_oracle::{holder_of_expired, judge};

/// The key of the fault that says whether the lease's own time passes, and its value then.
const MODE: (&str, &str) = ("mode", "wait");

/// What a finding by the end of a lease is worth.
pub(super) enum Standing {
    /// It rests on no lease that ended at once, or a pause shows it too.
    Stands,
    /// A pause does not show it, or could not be tried, for this reason.
    Unconfirmed(String),
}

/// Returns whether the schedule ends a lease without letting its time pass.
pub(super) fn ends_lease(schedule: &Schedule) -> bool {
    schedule
        .body
        .iter()
        .any(|directive| lease_end(directive).is_some())
}

/// Returns the fault with which the directive ends a lease at once.
fn lease_end(directive: &Directive) -> Option<&Fault> {
    match directive {
        Directive::Fault(fault) if fault.key(MODE.0) != Some(MODE.1) => {
            ended_by(fault).map(|_| fault)
        }
        _ => None,
    }
}

/// Returns the schedule in which each holder pauses until its lease has ended by itself, and goes
/// on when the schedule next names it.
fn with_pauses(
    schedule: &Schedule,
    holder: impl Fn(&Fault) -> Option<InstanceId>,
) -> Option<Schedule> {
    let mut body = Vec::new();
    let mut paused: Option<Who> = None;
    for directive in &schedule.body {
        let named = match directive {
            Directive::Start(who) | Directive::Run(who, _) => Who::Instance(*who),
            Directive::Fault(fault) | Directive::Heal(fault) => fault.who.clone(),
        };
        if let Some(who) = paused.take_if(|who| *who == named) {
            body.push(Directive::Fault(Fault::new(RESUME, who)));
        }
        let Some(fault) = lease_end(directive) else {
            body.push(directive.clone());
            continue;
        };
        let who = Who::Instance(holder(fault)?);
        let mut waits = fault.clone();
        waits.keys.insert(MODE.0.to_owned(), MODE.1.to_owned());
        let pause = Fault::new(PAUSE, who.clone());
        body.extend([Directive::Fault(pause), Directive::Fault(waits)]);
        paused = Some(who);
    }
    body.extend(paused.map(|who| Directive::Fault(Fault::new(RESUME, who))));
    Some(Schedule {
        body,
        ..schedule.clone()
    })
}

impl Campaign<'_, '_> {
    /// Returns what the finding is worth, after a trial with a pause where it rests on a lease.
    pub(super) fn standing(&mut self, found: &CampaignFinding) -> Standing {
        let leases = found.schedule.body.iter().filter_map(lease_end);
        if leases.into_iter().all(|fault| self.ends_session(fault)) {
            return Standing::Stands;
        }
        let holder = |fault: &Fault| {
            let (service, key) = ended_by(fault)?;
            holder_of_expired(&self.baseline, &found.record, service, key)
        };
        let Some(schedule) = with_pauses(&found.schedule, holder) else {
            return Standing::Unconfirmed("nobody had the lease".to_owned());
        };
        self.trials += 1;
        self.coverage.replays += 1;
        let assignment = self.paused_assignment(found, &schedule);
        let mut records: Vec<TrialRecord> = self
            .lab
            .run_batch(vec![assignment])
            .into_iter()
            .flatten()
            .collect();
        self.contents.share(records.iter_mut());
        let Some(mut record) = records.pop() else {
            return Standing::Unconfirmed("the trial with a pause did not run".to_owned());
        };
        let Some(lasted) = lasted(&record) else {
            let text = "the lease did not end by itself within 60 s";
            return Standing::Unconfirmed(text.to_owned());
        };
        let shown = format!("{:.1} s", lasted.as_secs_f64());
        if !self.spec.settings.can_last(lasted) {
            let text = format!("it takes a pause of {shown}, longer than `assume.pause_max`");
            return Standing::Unconfirmed(text);
        }
        // It is judged as the trial that it repeats.
        record.stage.clone_from(&found.record.stage);
        let shows = match judge(&self.baseline, &record, &self.checks) {
            Verdict::Violation(findings) => findings.iter().any(|other| {
                other.code == found.finding.code && other.objects == found.finding.objects
            }),
            _ => false,
        };
        if shows {
            return Standing::Stands;
        }
        Standing::Unconfirmed(format!("a pause of {shown} does not show it"))
    }

    /// Returns whether the fault ends a session that has a lock.
    fn ends_session(&self, fault: &Fault) -> bool {
        let mut leases = self.baseline.leases.iter();
        leases.any(|lease| {
            lease.session.is_some() && ended_by(fault) == Some((&lease.service, lease.key.as_str()))
        })
    }

    fn paused_assignment(&self, found: &CampaignFinding, schedule: &Schedule) -> Assignment {
        let rerun = Rerun {
            trial: self.trials,
            stage: "replay",
            seed: found.record.seed,
            instances: found.record.instances,
            schedule,
            recovers: verify::recovers(&found.record.stage),
            replay: Replay::new(schedule, Mode::Lenient),
        };
        verify::assignment(&self.spec, &self.baseline, rerun)
    }
}

/// Returns how long the leases of the trial took to end by themselves, the longest of them; `None`:
/// one did not.
fn lasted(record: &TrialRecord) -> Option<Duration> {
    let ends = record
        .trace
        .iter()
        .filter_map(|stamped| match &stamped.event {
            Event::Healed { fault, effect } if fault.kind == lease::EXPIRE => Some(*effect),
            _ => None,
        });
    let longest = ends.fold(None, |longest: Option<u64>, effect| match longest {
        Some(0) => Some(0),
        _ if effect == 0 => Some(0),
        longest => longest.max(Some(effect)),
    });
    longest.filter(|ms| *ms > 0).map(Duration::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_holder_pauses_while_its_lease_ends() {
        let text = "twiceproof schedule 1\n\
            seed 1\n\
            run   job#1 until pg \"UPDATE\" 1 held\n\
            fault expire redis lease=l\n\
            run   job#2 to exit\n\
            run   job#1 to exit\n";
        let schedule = Schedule::parse(text).unwrap();
        let holder = InstanceId::first(1).next();
        let paused = with_pauses(&schedule, |_| holder).unwrap();
        let body: Vec<String> = paused
            .to_string()
            .lines()
            .skip(2)
            .map(str::to_owned)
            .collect();
        assert_eq!(
            body,
            [
                "run   job#1 until pg \"UPDATE\" 1 held",
                "fault pause job#1",
                "fault expire redis lease=l mode=wait",
                "run   job#2 to exit",
                "fault resume job#1",
                "run   job#1 to exit",
            ]
        );
        assert!(ends_lease(&schedule) && !ends_lease(&paused));
        assert!(with_pauses(&schedule, |_| None).is_none());
    }
}
