//! Limits and words that no compiler checks.

use crate::repository::{assert_none, files, root, text};

/// Most lines of a source file, its unit tests left out.
const LINES_MAX: usize = 500;

/// Most columns of a comment. Code is laid out by rustfmt, to the same width.
const COMMENT_COLUMNS_MAX: usize = 100;

/// Most columns of any line: rustfmt breaks no strings, and some SQL reads better whole.
const COLUMNS_MAX: usize = 120;

/// What no source file says; written in halves, so that this file does not say it either.
const UNFINISHED: &[(&str, &str)] = &[
    ("todo", "!("),
    ("unimplemented", "!("),
    ("dbg", "!("),
    ("#[ign", "ore"),
    ("#[should", "_panic"),
    ("FIX", "ME"),
    ("XX", "X"),
];

/// What no file at all says: places of one machine, and talk about how the work was done.
const FOREIGN: &[(&str, &str)] = &[
    ("/wo", "rk/"),
    ("/home", "/user"),
    ("/far", "m/"),
    ("this se", "ssion of"),
    ("sub-", "agent"),
    ("sub", "agent"),
    ("crates-io.pro", "xy"),
];

/// Every registry, and its page below `docs/extending`.
const REGISTRIES: &[(&str, &str)] = &[
    ("PROTOCOLS", "protocol"),
    ("SERVICES", "service"),
    ("BACKENDS", "backend"),
    ("STAGES", "strategy"),
    ("TRIGGERS", "trigger"),
    ("ORACLES", "oracle"),
    ("FAULTS", "fault"),
    ("FORMATS", "report"),
];

#[test]
fn files_and_lines_are_short() {
    let mut complaints = Vec::new();
    for path in files(".rs") {
        let text = text(&path).expect("source is text");
        let count = text
            .lines()
            .take_while(|line| *line != "#[cfg(test)]")
            .count();
        if count > LINES_MAX {
            complaints.push(format!("{path}: {count} lines, {LINES_MAX} are allowed"));
        }
        for (number, line) in (1..).zip(text.lines()) {
            let columns = line.chars().count();
            let is_comment = line.trim_start().starts_with("//");
            let columns_max = if is_comment {
                COMMENT_COLUMNS_MAX
            } else {
                COLUMNS_MAX
            };
            if columns > columns_max {
                complaints.push(format!("{path}:{number}: {columns} columns"));
            }
        }
    }
    assert_none(&complaints);
}

#[test]
fn nothing_is_left_unfinished() {
    complain_about(UNFINISHED, &files(".rs"));
}

#[test]
fn files_speak_of_the_product_alone() {
    complain_about(FOREIGN, &files(""));
}

#[test]
fn every_test_file_is_part_of_its_binary() {
    let mut complaints = Vec::new();
    for path in files(".rs") {
        let Some((folder, file)) = path.split_once("/tests/it/") else {
            continue;
        };
        let name = file.strip_suffix(".rs").unwrap_or(file);
        if name == "main" || name.contains('/') {
            continue;
        }
        let main = text(&format!("{folder}/tests/it/main.rs")).expect("source is text");
        if !main.lines().any(|line| line == format!("mod {name};")) {
            complaints.push(format!("{path} is not in its main.rs"));
        }
    }
    assert_none(&complaints);
}

#[test]
fn exceptions_for_unsafety_stay_in_the_shim_and_one_file_of_the_lab() {
    // Everywhere else the lint of the workspace forbids it; this watches the exceptions to the
    // lint.
    let lint = format!("{}_code", "unsafe");
    let says = |path: &String| text(path).is_some_and(|text| text.contains(&lint));
    let places: Vec<_> = files(".rs").into_iter().filter(says).collect();
    let outside: Vec<_> = places
        .iter()
        .filter(|path| !path.starts_with("harness/shim/"))
        .collect();
    let in_lab = outside
        .iter()
        .all(|path| path.starts_with("harness/lab/src/"));
    assert!(in_lab && outside.len() <= 1, "unsafe code in {outside:?}");
}

#[test]
fn every_registry_has_a_page_on_how_to_extend_it() {
    let sources: Vec<_> = files(".rs")
        .into_iter()
        .filter_map(|path| text(&path))
        .collect();
    let mut complaints = Vec::new();
    for (registry, page) in REGISTRIES {
        let line = format!("pub const {registry}: &[");
        if !sources.iter().any(|source| source.contains(&line)) {
            complaints.push(format!("there is no registry {registry}"));
        }
        if !root().join(format!("docs/extending/{page}.md")).exists() {
            complaints.push(format!("{registry} has no page docs/extending/{page}.md"));
        }
    }
    assert_none(&complaints);
}

/// Fails with every place where one of the files says one of the words.
#[track_caller]
fn complain_about(words: &[(&str, &str)], paths: &[String]) {
    let words: Vec<_> = words
        .iter()
        .map(|(left, right)| format!("{left}{right}"))
        .collect();
    let mut complaints = Vec::new();
    for path in paths.iter().filter(|path| *path != "Cargo.lock") {
        let text = text(path).unwrap_or_default();
        for (number, line) in (1..).zip(text.lines()) {
            for word in words.iter().filter(|word| line.contains(word.as_str())) {
                complaints.push(format!("{path}:{number}: says {word}"));
            }
        }
    }
    assert_none(&complaints);
}
