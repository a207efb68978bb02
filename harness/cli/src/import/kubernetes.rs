//! CronJobs and Jobs of Kubernetes to scenarios.

use super::cron::{self, Flaw};
use super::skeleton::{File, Scenario, Target, name_of, quoted};
use super::{Wanted, ZONE_HELP, schedule_notes};
use serde_json::{Map, Value};
use twiceproof_model::name::INSTANCES_MAX;

/// What a Job does if it says nothing (batch/v1).
const BACKOFF_LIMIT: u64 = 6;
const GRACE_SECONDS: u64 = 30;
/// Most documents of a file.
const DOCUMENTS_MAX: usize = 100;
/// Most keys of the manifest that a comment names.
const DROPPED_SHOWN_MAX: usize = 8;

/// Turns a manifest into files.
pub(super) fn read(text: &str, wanted: &Wanted) -> Result<Vec<File>, Vec<Flaw>> {
    let documents: Vec<Value> = serde_saphyr::from_multiple(text).map_err(|error| {
        let line = error.location().map_or(0, |location| location.line());
        let lines = error.without_snippet().to_string();
        vec![Flaw {
            message: format!("no YAML: {}", lines.lines().next().unwrap_or_default()),
            span: line_span(text, line),
            help: "the file is read as Kubernetes would read it".to_owned(),
        }]
    })?;
    let mut files = Vec::new();
    for document in documents.iter().take(DOCUMENTS_MAX) {
        let manifest = Manifest { text, wanted };
        match document["kind"].as_str() {
            Some("CronJob") => files.extend(manifest.cron_job(document)?),
            Some("Job") => files.extend(manifest.job(document)?),
            // A manifest may hold other things beside.
            _ => {}
        }
    }
    if files.is_empty() {
        return Err(vec![Flaw {
            message: "neither a CronJob nor a Job".to_owned(),
            span: key_span(text, "kind"),
            help: "name a manifest of batch/v1".to_owned(),
        }]);
    }
    Ok(files)
}

/// Returns the place of a line, which is counted from 1.
fn line_span(text: &str, line: u64) -> std::ops::Range<usize> {
    let line = usize::try_from(line).unwrap_or(0).saturating_sub(1);
    let start: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
    let length = text[start..].lines().next().unwrap_or_default().len();
    start..start + length
}

/// Returns the place of the first value that stands under this key.
fn key_span(text: &str, key: &str) -> std::ops::Range<usize> {
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        let inner = line.trim_start().trim_start_matches("- ").trim_start();
        if let Some(value) = inner
            .strip_prefix(key)
            .and_then(|rest| rest.strip_prefix(':'))
        {
            let end = offset + line.trim_end().len();
            let value = value.trim().len();
            let start = if value == 0 {
                end - inner.trim_end().len()
            } else {
                end - value
            };
            return start..end;
        }
        offset += line.len();
    }
    0..0
}

/// A manifest that is being read.
struct Manifest<'a> {
    text: &'a str,
    wanted: &'a Wanted,
}

/// What a Job owes, from its `spec`.
struct Job {
    attempts: u64,
    grace: u64,
    parallelism: u64,
    deadline: Option<u64>,
    restart_policy: String,
    kept: Vec<String>,
    dropped: Vec<String>,
}

impl Manifest<'_> {
    fn flaw(&self, key: &str, message: String, help: &str) -> Vec<Flaw> {
        vec![Flaw {
            message,
            span: key_span(self.text, key),
            help: help.to_owned(),
        }]
    }

    fn text_of<'v>(&self, table: &'v Value, key: &str) -> Result<Option<&'v str>, Vec<Flaw>> {
        match &table[key] {
            Value::Null => Ok(None),
            Value::String(text) => Ok(Some(text)),
            _ => Err(self.flaw(key, format!("`{key}` is no text"), "put it in quotes")),
        }
    }

    fn number(&self, table: &Value, key: &str) -> Result<Option<u64>, Vec<Flaw>> {
        match &table[key] {
            Value::Null => Ok(None),
            Value::Number(number) if number.is_u64() => Ok(number.as_u64()),
            _ => {
                let message = format!("`{key}` is no whole number from 0");
                Err(self.flaw(key, message, "write it as Kubernetes takes it"))
            }
        }
    }

    fn table<'v>(&self, table: &'v Value, key: &str) -> Result<&'v Value, Vec<Flaw>> {
        match &table[key] {
            found @ Value::Object(_) => Ok(found),
            Value::Null => Err(self.flaw("kind", format!("no `{key}`"), "batch/v1 needs it")),
            _ => Err(self.flaw(key, format!("`{key}` is no table"), "batch/v1 needs one")),
        }
    }

    /// Returns the name of what the document describes.
    fn name(&self, document: &Value) -> Result<String, Vec<Flaw>> {
        let name = self.text_of(&document["metadata"], "name")?;
        let name = name.or(document["metadata"]["generateName"].as_str());
        Ok(name.unwrap_or("job").to_owned())
    }

    fn cron_job(&self, document: &Value) -> Result<Vec<File>, Vec<Flaw>> {
        let spec = self.table(document, "spec")?;
        let template = self.table(self.table(spec, "jobTemplate")?, "spec")?;
        let name = self.name(document)?;
        let mut job = self.job_spec(template)?;
        let Some(time) = self.text_of(spec, "schedule")? else {
            return Err(self.flaw("kind", "no `schedule`".to_owned(), "a CronJob needs one"));
        };
        let (inner_zone, fields) = zone_in(time);
        let schedule = cron::parse(fields).map_err(|flaw| {
            let start = self.text.find(fields).unwrap_or(0);
            let span = start + flaw.span.start..start + flaw.span.end;
            vec![Flaw { span, ..flaw }]
        })?;
        let zone = self.text_of(spec, "timeZone")?.or(inner_zone);
        let policy = self.text_of(spec, "concurrencyPolicy")?.unwrap_or("Allow");
        job.kept.insert(0, format!("schedule {fields:?}"));
        if let Some(zone) = zone {
            job.kept.insert(1, format!("timeZone {zone}"));
        }
        job.kept.push(format!("concurrencyPolicy {policy}"));
        let known = ["schedule", "timeZone", "concurrencyPolicy", "jobTemplate"];
        job.dropped.extend(others(spec, &known));
        let zone = zone.or(self.wanted.zone.as_deref());
        let slots = schedule_notes(&schedule, zone, self.wanted.now)
            .map_err(|message| self.flaw("timeZone", message, ZONE_HELP))?;
        let mut files = self.files(&name, "CronJob", &job, template);
        let mut notes = job.notes();
        notes.extend(slots);
        if policy == "Allow" {
            notes.push("reason:  Allow starts a slot while the one before runs".to_owned());
        } else {
            notes.push(format!(
                "reason:  {policy} looks at the Jobs that the controller knows of; it lowers \
                 the chance of an overlap and does not rule it out"
            ));
        }
        let title = format!("CronJob {name}: a slot starts while the one before still runs");
        let trigger = vec![
            ("kind", quoted("cron-overlap")),
            ("instances", "2".to_owned()),
        ];
        files.push(self.scenario(&name, "slots-overlap", notes, title, trigger));
        Ok(files)
    }

    fn job(&self, document: &Value) -> Result<Vec<File>, Vec<Flaw>> {
        let spec = self.table(document, "spec")?;
        let name = self.name(document)?;
        let job = self.job_spec(spec)?;
        Ok(self.files(&name, "Job", &job, spec))
    }

    fn job_spec(&self, spec: &Value) -> Result<Job, Vec<Flaw>> {
        let pod = self.table(self.table(spec, "template")?, "spec")?;
        let backoff_limit = self.number(spec, "backoffLimit")?;
        let grace = self.number(pod, "terminationGracePeriodSeconds")?;
        let parallelism = self.number(spec, "parallelism")?;
        let deadline = self.number(spec, "activeDeadlineSeconds")?;
        let limit = backoff_limit.unwrap_or(BACKOFF_LIMIT);
        let attempts = limit.saturating_add(1);
        let restart_policy = self.text_of(pod, "restartPolicy")?.unwrap_or("Always");
        let mut kept = vec![
            format!("backoffLimit {limit} (attempts = {attempts})"),
            format!("restartPolicy {restart_policy}"),
            format!(
                "terminationGracePeriodSeconds {}",
                grace.unwrap_or(GRACE_SECONDS)
            ),
        ];
        kept.extend(deadline.map(|seconds| format!("activeDeadlineSeconds {seconds}")));
        kept.extend(parallelism.map(|number| format!("parallelism {number}")));
        let known = [
            "backoffLimit",
            "activeDeadlineSeconds",
            "parallelism",
            "template",
        ];
        let mut dropped = others(spec, &known);
        let known = [
            "terminationGracePeriodSeconds",
            "restartPolicy",
            "containers",
        ];
        dropped.extend(others(pod, &known));
        Ok(Job {
            attempts,
            grace: grace.unwrap_or(GRACE_SECONDS),
            parallelism: parallelism.unwrap_or(1),
            deadline,
            restart_policy: restart_policy.to_owned(),
            kept,
            dropped,
        })
    }

    /// Returns the files that any Job gives.
    fn files(&self, name: &str, kind: &str, job: &Job, spec: &Value) -> Vec<File> {
        let mut files = Vec::new();
        if self.wanted.target.is_none() {
            files.push(self.target(name, job, &spec["template"]["spec"]));
        }
        let mut notes = job.notes();
        notes.push("reason:  two Jobs may be made for one slot".to_owned());
        let title = format!("{kind} {name}: two Jobs for one slot");
        let trigger = vec![
            ("kind", quoted("double-start")),
            ("instances", "2".to_owned()),
        ];
        files.push(self.scenario(name, "two-jobs", notes, title, trigger));
        let attempts_max = u64::from(INSTANCES_MAX);
        let attempts = job.attempts.clamp(2, attempts_max);
        let mut notes = job.notes();
        if job.attempts != attempts {
            notes.push(format!("attempts: {} became {attempts}", job.attempts));
        }
        notes.push(format!(
            "reason:  {}",
            match job.restart_policy.as_str() {
                "OnFailure" =>
                    "a container that fails is started again in its Pod, and a Pod \
                                that is lost is replaced",
                _ => "a Pod that fails or is lost is replaced",
            }
        ));
        let title = format!("{kind} {name}: Pod replaced while its first process lives");
        let trigger = vec![
            ("kind", quoted("pod-restart")),
            ("attempts", attempts.to_string()),
            (
                "grace",
                quoted(&format!("{}s", job.grace.min(24 * 60 * 60))),
            ),
        ];
        files.push(self.scenario(name, "pod-replaced", notes, title, trigger));
        if job.parallelism > 1 {
            let instances = job.parallelism.min(attempts_max);
            let mut notes = job.notes();
            notes.push("reason:  parallelism starts several on purpose".to_owned());
            let title = format!("{kind} {name}: {instances} Pods share the work");
            let trigger = vec![
                ("kind", quoted("workers")),
                ("instances", instances.to_string()),
            ];
            files.push(self.scenario(name, "workers", notes, title, trigger));
        }
        files
    }

    fn scenario(
        &self,
        name: &str,
        file: &str,
        notes: Vec<String>,
        title: String,
        mut trigger: Vec<(&'static str, String)>,
    ) -> File {
        trigger.push(("from", quoted(&self.wanted.file)));
        let name = name_of(name);
        let scenario = Scenario {
            target: self.wanted.target.as_deref().unwrap_or(&name),
            name: format!("{name}/{file}"),
            command: &self.wanted.command,
            notes,
            title,
            trigger,
        };
        scenario.file()
    }

    fn target(&self, name: &str, job: &Job, pod: &Value) -> File {
        let containers = pod["containers"].as_array().map_or(&[][..], Vec::as_slice);
        let container = containers.first().unwrap_or(&Value::Null);
        let words = |key: &str| {
            let words = container[key].as_array().into_iter().flatten();
            let words = words.map(|word| match word {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            });
            words.collect::<Vec<_>>()
        };
        let mut notes = job.notes();
        let mut env = Vec::new();
        for variable in container["env"].as_array().into_iter().flatten() {
            let name = variable["name"].as_str().unwrap_or_default().to_owned();
            match &variable["value"] {
                Value::String(value) => env.push((name, value.clone())),
                _ => notes.push(format!("to do:   variable {name}, from elsewhere")),
            }
        }
        if containers.len() > 1 {
            notes.push("dropped: all containers but the first".to_owned());
        }
        let mut argv = words("command");
        let mut args = words("args");
        if argv.is_empty() {
            notes.push("to do:   `command`: the image's own is not known here".to_owned());
            argv = if args.is_empty() {
                vec!["true".to_owned()]
            } else {
                std::mem::take(&mut args)
            };
        }
        let name = name_of(name);
        let target = Target {
            name: &name,
            command: &self.wanted.command,
            notes,
            argv,
            args,
            env,
            image: container["image"].as_str().map(str::to_owned),
            timeout: job
                .deadline
                .map(|seconds| format!("{}s", seconds.clamp(1, 24 * 60 * 60))),
        };
        target.file()
    }
}

impl Job {
    fn notes(&self) -> Vec<String> {
        let mut notes = vec![format!("kept:    {}", self.kept.join(", "))];
        if !self.dropped.is_empty() {
            let mut shown = self.dropped.clone();
            if shown.len() > DROPPED_SHOWN_MAX {
                shown.truncate(DROPPED_SHOWN_MAX);
                shown.push("…".to_owned());
            }
            notes.push(format!("dropped: {}", shown.join(", ")));
        }
        notes
    }
}

/// Returns the names in a table beside those that are known.
fn others(table: &Value, known: &[&str]) -> Vec<String> {
    let empty = Map::new();
    let names = table.as_object().unwrap_or(&empty).keys();
    names
        .filter(|name| !known.contains(&name.as_str()))
        .cloned()
        .collect()
}

/// Returns the zone that a schedule begins with, an old way to name one, and the rest.
fn zone_in(schedule: &str) -> (Option<&str>, &str) {
    let rest = schedule
        .strip_prefix("CRON_TZ=")
        .or_else(|| schedule.strip_prefix("TZ="));
    match rest.and_then(|rest| rest.split_once(' ')) {
        Some((zone, fields)) => (Some(zone), fields.trim_start()),
        None => (None, schedule),
    }
}
