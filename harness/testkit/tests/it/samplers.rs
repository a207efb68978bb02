//! The sample stage mixes samplers, and each of them finds what an unlucky order breaks.

use crate::common::{observed, spec};
use std::collections::BTreeMap;
use twiceproof_explore::Progress;
use twiceproof_testkit::{ToyLab, entry};

/// Returns how many trials of each sampler there were, and how many of them showed a finding.
fn hits(job: &str, samples: u32) -> BTreeMap<String, (u32, u32)> {
    let entry = entry(job);
    let mut spec = spec(entry, 1);
    spec.stages = Some(vec!["sample".to_owned()]);
    spec.samples = samples;
    spec.replays = 0;
    let mut hits: BTreeMap<String, (u32, u32)> = BTreeMap::new();
    let mut observe = |progress: &Progress<'_>| {
        if let Progress::Trial { line, .. } = progress
            && let Some((_, sampler)) = line.label.split_once(", ")
            && line.stage == "sample"
        {
            let counts = hits.entry(sampler.to_owned()).or_default();
            counts.0 += 1;
            counts.1 += u32::from(line.verdict == "violation");
        }
    };
    observed(&spec, &mut ToyLab::new(entry.program), &mut observe);
    hits
}

#[test]
fn seven_of_ten_orders_are_walks() {
    let hits = hits("lost-update", 200);
    let trials: Vec<_> = (hits.iter())
        .map(|(sampler, (trials, _))| (sampler.as_str(), *trials))
        .collect();
    assert_eq!(
        trials,
        [
            ("2 falls", 20),
            ("3 falls", 10),
            ("partial order", 30),
            ("walk", 140)
        ]
    );
}

#[test]
fn each_sampler_finds_a_lost_update() {
    for (sampler, (trials, found)) in hits("lost-update", 400) {
        assert!(found > 0, "{sampler}: none of {trials}");
    }
}

#[test]
fn even_orders_pass_the_check_of_a_lock_twice_more_often_than_falls_do() {
    let hits = hits("check-then-create", 1000);
    let rate = |sampler: &str| {
        let (trials, found) = hits[sampler];
        f64::from(found) / f64::from(trials)
    };
    assert!(rate("walk") > 0.2, "{hits:?}");
    assert!(rate("partial order") > 0.1, "{hits:?}");
    assert!(rate("walk") > rate("2 falls"), "{hits:?}");
}
