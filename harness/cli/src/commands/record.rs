//! `record`: clean runs of a target, each request as a moment.

use super::run::{BenchArgs, utc_now};
use crate::args::{self, Global};
use crate::campaign;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::project::Project;
use crate::signals::Signals;
use crate::{view, world};
use clap::Args;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use twiceproof_explore::campaign::{BaselineSummary, clean_run};
use twiceproof_explore::{CampaignSpec, Outcome};
use twiceproof_lab::store::{Redactor, RunFolder};
use twiceproof_model::moment::RequestMoment;
use twiceproof_model::scenario::{Assumptions, Expect, SearchSpec, TriggerSpec};
use twiceproof_model::{Event, Moment, Phase, Scenario, Target};
use twiceproof_report::escape::{cut_middle, escape, pad, show};
use twiceproof_report::terminal::{self, Look};

/// Run a target alone, and print each of its requests as a moment
#[derive(Clone, Debug, Args)]
pub(crate) struct RecordArgs {
    /// The target, by the name of its folder below `targets/`
    pub(crate) target: String,
    #[command(flatten)]
    pub(crate) bench: BenchArgs,
}

/// Runs the command.
pub(crate) fn run(args: &RecordArgs, global: &Global) -> Result<Exit, Failure> {
    let project = Project::find(global.folder.as_deref())?;
    let known = project.target_names();
    if !known.contains(&args.target) {
        let hint = format!("targets: {}", known.join(", "));
        return Err(Failure::usage(format!("no target `{}`", args.target), hint));
    }
    let target = project.target(&args.target);
    let target = target.map_err(|flaws| project.draw(&[flaws], args::width()))?;
    let scenario = alone(target);
    let signals = Signals::listen()?;
    let runs = project.runs(args.bench.runs_dir.as_deref());
    let run = RunFolder::create(&runs, &utc_now(), scenario.search.seed)?;
    let store = Arc::new(run.scenario(&scenario.name)?);
    let redactor = Redactor::new(&scenario.target, 1);
    let keep = campaign::keeper(&store, &redactor);
    let settings = args.bench.settings(args.bench.cells.unwrap_or(1));
    let mut lab = world::lab(&scenario, &settings, keep, campaign::interrupted(&signals))?;
    match clean_run(&CampaignSpec::from(&scenario), &mut lab) {
        Ok((_, summary)) => {
            print!("{}", text(&summary));
            Ok(Exit::Ok)
        }
        Err(outcome) => Ok(failed(&scenario, &outcome, &signals)),
    }
}

fn failed(scenario: &Scenario, outcome: &Outcome, signals: &Signals) -> Exit {
    let view = view::replayed(scenario, outcome, 0);
    let look = Look {
        width: args::width(),
        ..Look::default()
    };
    print!("{}", terminal::scenario(&view, look));
    signals
        .which()
        .map_or(Exit::of(view.outcome), |(_, exit)| exit)
}

/// Returns a scenario that does no more than run the target alone.
fn alone(target: Target) -> Scenario {
    Scenario {
        name: format!("record/{}", target.name),
        path: PathBuf::from("targets")
            .join(&target.name)
            .join("target.toml"),
        title: "the target alone".to_owned(),
        teaches: String::new(),
        tags: Vec::new(),
        target,
        contract: None,
        expect: Expect::Pass,
        causes: Vec::new(),
        trigger: TriggerSpec {
            kind: "double-start".to_owned(),
            instances: 1,
            attempts: None,
            hosts: None,
            timeout: None,
            grace: None,
            from: None,
        },
        assume: Assumptions::default(),
        search: SearchSpec {
            stages: Some(Vec::new()),
            samples: 0,
            preemptions: 0,
            budget: Duration::from_secs(600),
            seed: 1,
        },
        faults: Vec::new(),
        checks: Vec::new(),
        known: Vec::new(),
    }
}

/// Returns the moments of the clean run with the replies, and what the clean runs showed.
fn text(summary: &BaselineSummary) -> String {
    let mut text = String::new();
    let mut replies = std::collections::BTreeMap::new();
    for stamped in &summary.record.trace {
        if let Event::Answered { request, reply } = &stamped.event {
            replies.insert(*request, reply.summary());
        }
    }
    for stamped in &summary.record.trace {
        let Event::Held(request) = &stamped.event else {
            continue;
        };
        let moment = RequestMoment::exact(&request.signature, Phase::Replied);
        let moment = Moment::Request(request.id.instance, moment).to_string();
        let moment = cut_middle(&escape(&moment), 96);
        let reply = replies.get(&request.id).map_or("no reply", String::as_str);
        text.push_str(&format!("{}  {}\n", pad(&moment, 96), show(reply, 20)));
    }
    let (requests, writes, exit) = (summary.requests, summary.writes, summary.exit);
    text.push_str(&format!(
        "\n{requests} requests, {writes} of them writes; {exit}\n"
    ));
    for mask in &summary.masks {
        text.push_str(&format!("volatile: {}\n", escape(&mask.to_string())));
    }
    for object in &summary.lock_objects {
        text.push_str(&format!(
            "serves as a lock: {}\n",
            escape(&object.to_string())
        ));
    }
    for note in &summary.notes {
        text.push_str(&format!("note: {}\n", escape(note)));
    }
    text
}
