//! Each stage finds the bugs that it is there for, and nothing else.

use crate::common::{campaign, observed, settings, spec};
use std::collections::BTreeMap;
use twiceproof_explore::{Outcome, Progress, STAGES};
use twiceproof_model::Verdict;
use twiceproof_testkit::{BANK, Entry, ToyLab, entry};

/// Trial of first hit by code, when this stage runs alone.
fn first_hits(entry: &Entry, stage: &str, seed: u64) -> BTreeMap<String, u32> {
    let mut spec = spec(entry, seed);
    spec.stages = Some(vec![stage.to_owned()]);
    spec.replays = 0;
    let mut hits = BTreeMap::new();
    let mut trials = 0;
    let mut observe = |progress: &Progress<'_>| {
        if let Progress::Trial { line, verdict, .. } = progress
            && line.stage == stage
        {
            trials += 1;
            if let Verdict::Violation(findings) = verdict {
                for finding in findings {
                    hits.entry(finding.code.clone()).or_insert(trials);
                }
            }
        }
    };
    observed(&spec, &mut ToyLab::new(entry.program), &mut observe);
    hits
}

#[test]
fn each_bug_is_found_within_its_trials() {
    for entry in BANK {
        for (stage, code, trials_max) in entry.found {
            for seed in 1..=5 {
                let hits = first_hits(entry, stage, seed);
                let hit = hits.get(*code).copied();
                assert!(
                    hit.is_some_and(|trial| trial <= *trials_max),
                    "{} in {stage}, seed {seed}: {hits:?}",
                    entry.name
                );
            }
        }
    }
}

#[test]
fn matrix_of_bugs_and_stages() {
    let mut table = String::new();
    for entry in BANK {
        for stage in STAGES {
            let hits = first_hits(entry, stage.kind.name, 1);
            if !hits.is_empty() {
                let hits: Vec<String> = hits.iter().map(|(c, t)| format!("{c} at {t}")).collect();
                table += &format!(
                    "{:20} {:8} {}\n",
                    entry.name,
                    stage.kind.name,
                    hits.join(", ")
                );
            }
        }
    }
    insta::assert_snapshot!(table);
}

#[test]
fn sound_jobs_pass_every_stage() {
    for entry in BANK.iter().filter(|entry| entry.found.is_empty()) {
        for seed in 1..=10 {
            let result = campaign(&spec(entry, seed), &mut ToyLab::new(entry.program));
            let findings: Vec<_> = result
                .findings
                .iter()
                .map(|f| (&f.finding, &f.label))
                .collect();
            assert_eq!(
                result.outcome,
                Outcome::Passed,
                "{} seed {seed}: {findings:#?} {:?}",
                entry.name,
                result.reasons
            );
            assert_eq!(
                result.coverage.crash_points.covered,
                result.coverage.crash_points.total
            );
        }
    }
}

#[test]
fn sound_jobs_pass_with_three_instances() {
    for entry in BANK.iter().filter(|entry| entry.found.is_empty()) {
        let mut spec = spec(entry, 3);
        spec.settings = settings(3);
        let result = campaign(&spec, &mut ToyLab::new(entry.program));
        assert_eq!(
            result.outcome,
            Outcome::Passed,
            "{}: {:?}",
            entry.name,
            result.findings
        );
    }
}

#[test]
fn a_job_that_is_only_not_repeatable_has_one_finding() {
    let entry = entry("not-repeatable");
    let result = campaign(&spec(entry, 1), &mut ToyLab::new(entry.program));
    assert_eq!(result.outcome, Outcome::Violated);
    let found: Vec<_> = result
        .findings
        .iter()
        .map(|f| (f.repetition, &f.label))
        .collect();
    assert_eq!(found, [(true, &"job#1, then job#2".to_owned())]);
}
