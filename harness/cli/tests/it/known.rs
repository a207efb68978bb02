//! Findings that the scenario file says are known.

use crate::kit::{CRASH, Project};

fn scenario(known: &str) -> String {
    format!(
        "schema = 1\ntitle = \"points are granted once\"\ntarget = \"points-demo\"\n\
         args = [\"--guard\", \"check\"]\n{CRASH}{known}"
    )
}

/// Returns an entry for each finding.
fn known(ids: &[String], until: &str) -> String {
    let tables = ids.iter().map(|id| {
        format!(
            "[[known]]\nfinding = \"{id}\"\nuntil = {until}\nticket = \"OPS-12\"\n\
             reason = \"the job is replaced in spring\"\n"
        )
    });
    tables.collect()
}

#[test]
fn what_is_known_fails_only_after_its_date() {
    let project = Project::demo();
    let args = [
        "run",
        "known",
        "--progress",
        "lines",
        "--regressions",
        "skip",
    ];
    project.write("scenarios/known.toml", &scenario(""));
    let ran = project.run(&args);
    assert_eq!(ran.code, 1, "{}\n{}", ran.out, ran.err);
    let report = project.report();
    let findings = report["scenarios"][0]["findings"].as_array().unwrap();
    let ids = findings
        .iter()
        .map(|one| one["finding"]["id"].as_str().unwrap());
    let ids: Vec<String> = ids.map(str::to_owned).collect();
    let state = || project.report()["scenarios"][0]["known"][0]["state"].clone();

    project.write(
        "scenarios/known.toml",
        &scenario(&known(&ids, "2999-12-31")),
    );
    let ran = project.run(&args);
    assert_eq!(ran.code, 0, "{}\n{}", ran.out, ran.err);
    assert_eq!(state(), "known");
    for told in [
        "no violation but",
        "until 2999-12-31 (OPS-12: the job is replaced in",
    ] {
        assert!(ran.out.contains(told), "{told}: {}", ran.out);
    }

    project.write(
        "scenarios/known.toml",
        &scenario(&known(&ids, "2020-02-29")),
    );
    let ran = project.run(&args);
    assert_eq!(ran.code, 1, "{}\n{}", ran.out, ran.err);
    assert_eq!(state(), "expired");
    assert!(
        ran.out.contains("fails again since 2020-03-01"),
        "{}",
        ran.out
    );

    let fixed =
        scenario(&known(&ids, "2999-12-31")).replace("\"check\"", "\"flock\", \"--idempotent\"");
    project.write("scenarios/known.toml", &fixed);
    let ran = project.run(&args);
    assert_eq!(ran.code, 0, "{}\n{}", ran.out, ran.err);
    assert_eq!(state(), "not-found");
    assert!(ran.out.contains("was not found"), "{}", ran.out);
}
