use crate::sample;
use twiceproof_report::{FORMATS, json, markdown, registry};

#[test]
fn names_are_unique_and_documented() {
    for (index, format) in FORMATS.iter().enumerate() {
        assert!(!format.doc.is_empty());
        assert!(
            FORMATS[..index]
                .iter()
                .all(|other| other.name != format.name)
        );
        assert!(registry::find(format.name).is_some());
    }
}

#[test]
fn every_format_escapes_hostile_bytes() {
    let run = sample::run(vec![sample::hostile()], 1);
    for format in FORMATS {
        let text = (format.render)(&run);
        assert_eq!(text, (format.render)(&run));
        let ours = |c: char| c == '\n' || !c.is_control();
        assert!(
            text.chars().all(ours),
            "{}: a control character came through",
            format.name
        );
    }
}

#[test]
fn run_json() {
    let run = sample::run(vec![sample::failed()], 1);
    insta::assert_snapshot!(json::to_text(&json::run(&run)));
}

#[test]
fn events() {
    let fields = serde_json::json!({ "scenario": "a/b", "trials": 3 });
    let event = json::event(7, 1034, "scenario-end", fields);
    let line = r#"{"event":"scenario-end","ms":1034,"scenario":"a/b","seq":7,"trials":3,"v":2}"#;
    assert_eq!(event.to_string(), line);
}

#[test]
fn failure_md() {
    let scenario = sample::failed();
    insta::assert_snapshot!(markdown::finding(&scenario, &scenario.findings[0]));
}

#[test]
fn hostile_markdown_cannot_leave_its_fence() {
    let scenario = sample::hostile();
    let text = markdown::finding(&scenario, &scenario.findings[0]);
    let outside = text.split("````").step_by(2).collect::<String>();
    assert!(!outside.replace("\\<", "").contains("<img"), "{outside}");
}
