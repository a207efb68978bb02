//! Shrinking: over the bank's findings, and over schedules alone.

use crate::common::{campaign, observed, spec};
use std::collections::BTreeSet;
use twiceproof_explore::campaign::{CampaignFinding, Regression, Shrinking};
use twiceproof_explore::shrink::{Case, TRIES_MAX, shrink};
use twiceproof_explore::{Mode, Progress};
use twiceproof_model::Schedule;
use twiceproof_model::schedule::Directive;
use twiceproof_testkit::{BANK, ToyLab, entry};

fn faults(found: &CampaignFinding) -> u32 {
    let is_fault = |line: &&Directive| matches!(line, Directive::Fault(_));
    let count = found.schedule.body.iter().filter(is_fault).count();
    u32::try_from(count).expect("schedules are short")
}

fn median(mut numbers: Vec<u32>) -> u32 {
    numbers.sort_unstable();
    numbers[numbers.len() / 2]
}

#[test]
fn findings_of_the_bank_become_small_and_stay_the_same() {
    let (mut all_switches, mut all_faults) = (Vec::new(), Vec::new());
    for entry in BANK {
        let mut asked = spec(entry, 1);
        let small = campaign(&asked, &mut ToyLab::new(entry.program));
        asked.shrink = Shrinking::Off;
        let large = campaign(&asked, &mut ToyLab::new(entry.program));
        assert_eq!(small.findings.len(), large.findings.len(), "{}", entry.name);
        for (small, large) in small.findings.iter().zip(&large.findings) {
            let name = format!("{} {}\n{}", entry.name, small.label, small.schedule);
            assert_eq!(small.finding.id, large.finding.id, "{name}");
            assert_eq!(small.replays.same, small.replays.tried, "{name}");
            assert!(large.shrunk.is_none(), "{name}");
            let size = |found: &CampaignFinding| (faults(found), found.schedule.body.len());
            assert!(size(small) <= size(large), "{name}");
            if let Some(shrunk) = small.shrunk {
                assert!(shrunk.tries <= TRIES_MAX, "{name}");
                all_switches.push(small.switches);
                all_faults.push(faults(small));
            }
        }
    }
    assert!(all_switches.len() >= 5, "few were shrunk: {all_switches:?}");
    assert!(median(all_switches.clone()) <= 2, "{all_switches:?}");
    assert!(median(all_faults.clone()) <= 1, "{all_faults:?}");
}

#[test]
fn each_smaller_case_is_told_before_the_next_is_tried() {
    let entry = entry("check-then-create");
    let mut sizes: Vec<(String, usize)> = Vec::new();
    let mut observe = |progress: &Progress<'_>| {
        if let Progress::Shrunk(found) = progress {
            sizes.push((found.finding.id.clone(), found.schedule.body.len()));
        }
    };
    let result = observed(
        &spec(entry, 1),
        &mut ToyLab::new(entry.program),
        &mut observe,
    );
    for found in result
        .findings
        .iter()
        .filter(|found| found.shrunk.is_some())
    {
        let told = sizes.iter().filter(|(id, _)| *id == found.finding.id);
        let told: Vec<usize> = told.map(|(_, lines)| *lines).collect();
        assert_eq!(told.last(), Some(&found.schedule.body.len()), "{told:?}");
    }
    assert!(sizes.len() > result.findings.len(), "{sizes:?}");
}

#[test]
fn what_repeats_too_seldom_is_left_as_it_is() {
    let entry = entry("no-lock");
    let mut asked = spec(entry, 1);
    asked.replays = 2;
    let result = campaign(&asked, &mut ToyLab::new(entry.program));
    assert!(result.findings.iter().all(|found| found.shrunk.is_none()));
}

/// A schedule of so many lines, no two of them equal.
fn lines(count: usize) -> Schedule {
    let mut text = "twiceproof schedule 1\n".to_owned();
    for line in 1..=count {
        let who = line % 2 + 1;
        text += &format!("run   job#{who} until pg \"UPDATE members\" {line} held\n");
    }
    Schedule::parse(&text).expect("the lines are right")
}

#[test]
fn lines_that_matter_alone_are_left() {
    for (count, first, second) in [(2, 0, 1), (9, 3, 4), (16, 0, 15), (31, 7, 22), (60, 58, 59)] {
        let start = Case {
            schedule: lines(count),
            instances: 2,
        };
        let body = start.schedule.body.clone();
        let matter = [&body[first], &body[second]];
        let mut tried = BTreeSet::new();
        let (small, tries) = shrink(start, TRIES_MAX, &mut |case| {
            assert!(
                tried.insert((case.instances, case.schedule.to_string())),
                "tried twice"
            );
            let body = &case.schedule.body;
            let shows = matter.iter().all(|line| body.contains(line));
            shows.then(|| case.clone())
        });
        let left: Vec<&Directive> = small.schedule.body.iter().collect();
        assert_eq!(usize::try_from(tries).ok(), Some(tried.len()));
        assert!(tries <= TRIES_MAX);
        // With tries for all of it, nothing else is left.
        if tries < TRIES_MAX {
            assert_eq!(left, matter, "{count} lines");
        } else {
            assert!(left.len() < count / 2, "{count} lines: {left:?}");
        }
    }
}

#[test]
fn a_fault_goes_with_its_end_and_a_kill_becomes_a_pause() {
    let text = "twiceproof schedule 1\nfault pause job#1\nrun   job#2 to exit\n\
                fault resume job#1\nfault kill job#2\nrun   job#1 to exit\n";
    let start = Case {
        schedule: Schedule::parse(text).expect("the lines are right"),
        instances: 2,
    };
    let mut seen = Vec::new();
    let (small, _) = shrink(start, TRIES_MAX, &mut |case| {
        seen.push(case.schedule.to_string());
        let is_of_two = case.schedule.to_string().contains("job#2\n");
        is_of_two.then(|| case.clone())
    });
    let text = small.schedule.to_string();
    assert!(text.contains("fault pause job#2\n"), "{text}");
    assert_eq!(small.schedule.body.len(), 1, "{text}");
    let orphan = |text: &&String| text.contains("resume job#1") && !text.contains("pause job#1");
    let by_lines = seen
        .iter()
        .filter(|text| text.contains("kill job#2"))
        .find(orphan);
    assert_eq!(by_lines, None, "the end of a pause stays alone");
}

#[test]
fn a_kept_finding_is_made_smaller_where_it_is_asked_for() {
    let entry = entry("check-then-create");
    let mut asked = spec(entry, 1);
    asked.shrink = Shrinking::Off;
    asked.stages = Some(vec!["sample".to_owned()]);
    let large = campaign(&asked, &mut ToyLab::new(entry.program));
    let at = large.findings.iter().position(|found| !found.repetition);
    let large = &large.findings[at.expect("runs that overlap break it")];
    let id = large.finding.id.clone();
    asked.only_regressions = true;
    asked.shrink = Shrinking::Only(id.clone());
    asked.regressions = vec![Regression {
        finding: id.clone(),
        schedule: Schedule::parse(&large.record.schedule).expect("a record has its schedule"),
        mode: Mode::Strict,
    }];
    let small = campaign(&asked, &mut ToyLab::new(entry.program));
    let found = small.findings.iter().find(|found| found.finding.id == id);
    let found = found.expect("it shows again");
    assert!(found.shrunk.is_some());
    assert!(found.schedule.body.len() <= large.schedule.body.len());
    asked.tries = 1;
    let less = campaign(&asked, &mut ToyLab::new(entry.program));
    let found = less.findings.iter().find(|found| found.finding.id == id);
    let tries = found
        .and_then(|found| found.shrunk)
        .map(|shrunk| shrunk.tries);
    assert!(tries.is_none_or(|tries| tries <= 1), "{tries:?}");
}
