use crate::sample;
use twiceproof_model::scenario::Expect;
use twiceproof_report::escape::columns;
use twiceproof_report::terminal::{Look, findings, scenario, summary};
use twiceproof_report::view::{KnownState, Outcome, ScenarioView};
use twiceproof_report::{Palette, terminal};

fn text(view: &ScenarioView, width: usize) -> String {
    scenario(
        view,
        Look {
            width,
            ..Look::default()
        },
    )
}

#[test]
fn failure_in_two_columns() {
    insta::assert_snapshot!(text(&sample::failed(), 120));
}

#[test]
fn failure_in_one_column() {
    insta::assert_snapshot!(text(&sample::failed(), 80));
}

#[test]
fn failure_in_a_log_prints_the_schedule() {
    let look = Look {
        schedule_text: true,
        output: false,
        ..Look::default()
    };
    insta::assert_snapshot!(scenario(&sample::failed(), look));
}

#[test]
fn replays_that_differ_are_told() {
    let mut view = sample::failed();
    view.findings[0].replayed = (3, 5);
    view.findings[0].diverged = Some("line 2: wanted pg \"SELECT\" 1, offered nothing".into());
    let text = text(&view, 120);
    insta::assert_snapshot!(text.lines().take(4).collect::<Vec<_>>().join("\n"));
}

#[test]
fn long_schedules_are_folded() {
    insta::assert_snapshot!(text(&sample::long(), 100));
}

#[test]
fn hostile_text_stays_inert_at_every_width() {
    let view = sample::hostile();
    insta::assert_snapshot!(text(&view, 120));
    for width in [20, 60, 99, 100, 120, 500] {
        for line in text(&view, width).lines() {
            assert!(columns(line) <= 120, "{width}: {line}");
            assert!(
                !line.chars().any(|c| c.is_control() || c == '\u{202e}'),
                "{line:?}"
            );
        }
    }
}

#[test]
fn colours_change_no_text() {
    let palette = Palette::COLOURED;
    for view in [sample::failed(), sample::passed(), sample::hostile()] {
        let coloured = scenario(
            &view,
            Look {
                palette,
                ..Look::default()
            },
        );
        let mut plain = String::new();
        for (index, part) in coloured.split('\u{1b}').enumerate() {
            plain.push_str(if index == 0 {
                part
            } else {
                part.split_once('m').unwrap().1
            });
        }
        assert_eq!(plain, text(&view, 120));
    }
}

#[test]
fn pass_states_its_bounds() {
    insta::assert_snapshot!(text(&sample::passed(), 120));
}

#[test]
fn known_findings_are_told_apart() {
    let id = sample::failed().findings[0].finding.id.clone();
    let state = |state| vec![sample::known(&id, state)];
    let known = ScenarioView {
        outcome: Outcome::Pass,
        known: state(KnownState::Found),
        ..sample::failed()
    };
    let expired = ScenarioView {
        known: state(KnownState::Expired),
        ..sample::failed()
    };
    let mut other = sample::failed().findings.remove(0);
    other.finding.id = "99999999".into();
    let both = ScenarioView {
        known: state(KnownState::Found),
        findings: vec![other, sample::failed().findings.remove(0)],
        ..sample::failed()
    };
    let gone = ScenarioView {
        known: state(KnownState::NotFound),
        ..sample::passed()
    };
    let heads = [known, expired, both, gone].map(|view| {
        let text = text(&view, 100);
        let is_about = |line: &&str| {
            line.contains("nown") || line.starts_with(|c: char| c.is_ascii_uppercase())
        };
        let lines: Vec<&str> = text.lines().collect();
        let about = lines.iter().enumerate().filter(|(at, line)| {
            let before = at.checked_sub(1).map(|at| lines[at]);
            is_about(line) || before.is_some_and(|before| is_about(&before))
        });
        about
            .map(|(_, line)| format!("{line}\n"))
            .collect::<String>()
    });
    insta::assert_snapshot!(heads.join("---\n"));
}

#[test]
fn expected_violation_is_a_pass() {
    let view = ScenarioView {
        expect: Expect::Violation,
        outcome: Outcome::Pass,
        ..sample::failed()
    };
    insta::assert_snapshot!(text(&view, 120));
    assert!(findings(&view, Look::default()).starts_with("FOUND"));
}

#[test]
fn expected_violation_that_is_missing_fails() {
    let view = ScenarioView {
        expect: Expect::Violation,
        outcome: Outcome::Fail,
        ..sample::passed()
    };
    insta::assert_snapshot!(text(&view, 120));
}

#[test]
fn every_other_end_gives_its_reason_and_help() {
    let end = |outcome, code: &str, reason: &str, hint: &str| {
        let reasons = vec![(code.to_owned(), reason.to_owned())];
        let (stages, masks) = (Vec::new(), Vec::new());
        let bare = ScenarioView {
            stages,
            masks,
            counts: Vec::new(),
            ..sample::passed()
        };
        let bare = ScenarioView {
            stages_absent: Vec::new(),
            unseen: Vec::new(),
            ..bare
        };
        text(
            &ScenarioView {
                outcome,
                reasons,
                hint: hint.to_owned(),
                ..bare
            },
            100,
        )
    };
    let all = [
        end(
            Outcome::Inconclusive,
            "TP-I01",
            "budget of 2m cut stage crash at 31 of 54",
            "raise `search.budget`",
        ),
        end(
            Outcome::Baseline,
            "TP-E",
            "clean run 1: exit code 1\nlast words:\n  KeyError: 'DATABASE_URL'",
            "",
        ),
        end(
            Outcome::Environment,
            "TP-E",
            "service pg: no binaries of PostgreSQL found",
            "install them",
        ),
        end(
            Outcome::Usage,
            "TP-E",
            "cannot start nojob: no such file",
            "look at `command` in the target file",
        ),
        end(Outcome::Interrupted, "", "SIGINT in stage crash", ""),
        end(
            Outcome::Harness,
            "",
            "the dispatcher lost its place",
            "please report it with the record",
        ),
    ];
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn summary_counts_every_end() {
    let mut run = sample::run(vec![sample::passed(), sample::failed()], 1);
    run.interrupted = Some("SIGINT".into());
    insta::assert_snapshot!(summary(&run, Look::default()));
    assert!(terminal::run(&run, Look::default()).ends_with(&summary(&run, Look::default())));
}
