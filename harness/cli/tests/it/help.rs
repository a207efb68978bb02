use crate::kit::{finish, twiceproof};

#[test]
fn help_pages() {
    let commands = [
        "", "run", "replay", "shrink", "record", "review", "check", "list", "clean", "demo",
    ];
    let mut pages = String::new();
    for name in commands {
        let mut command = twiceproof();
        command.env("COLUMNS", "100");
        if !name.is_empty() {
            command.arg(name);
        }
        let ran = {
            command.arg("--help");
            finish(command, None)
        };
        assert_eq!(ran.code, 0, "{}", ran.err);
        pages.push_str(&format!("$ twiceproof {name} --help\n{}\n", ran.out));
    }
    insta::assert_snapshot!(pages);
}

#[test]
fn wrong_flags_are_usage_errors() {
    let cases: &[&[&str]] = &[
        &["run", "--cells", "0"],
        &["run", "--budget", "soon"],
        &["run", "--seed", "x"],
        &["run", "--backend", "vm"],
        &["list", "dragons"],
    ];
    let mut text = String::new();
    for args in cases {
        let mut command = twiceproof();
        command.args(*args);
        let ran = finish(command, None);
        assert_eq!(ran.code, 2, "{args:?}");
        text.push_str(&format!("$ twiceproof {}\n{}\n", args.join(" "), ran.err));
    }
    insta::assert_snapshot!(text);
}
