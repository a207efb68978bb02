//! Every diagnostic, as a person and as a log sees it.

use super::{parse_scenario, parse_target};
use crate::examples::{SCENARIO_LEAST, TARGET_LEAST};
use twiceproof_model::diag::Diag;

/// Width of the drawings.
const WIDTH: usize = 100;

fn draw(name: &str, text: &str, diags: &[Diag]) -> String {
    let mut drawn = format!("=== {name}\n");
    for diag in diags {
        // A scenario's diagnostics may be about its target, whose text is another one.
        let is_own = !(text.contains("\"broken\"") && diag.file.starts_with("targets"));
        let text = if is_own {
            text
        } else {
            "schema = 1\ncomand = []\n"
        };
        drawn += &diag.render(text, WIDTH);
        drawn += &format!("~ {}\n", diag.plain(text));
    }
    drawn
}

fn targets(cases: &[(&str, &str)]) -> String {
    let drawn = cases
        .iter()
        .map(|(name, text)| draw(name, text, &parse_target(text).expect_err(name)));
    drawn.collect()
}

/// As [`targets`], each text after the least target.
fn target_ends(cases: &[(&str, &str)]) -> String {
    let drawn = cases.iter().map(|(name, end)| {
        let text = format!("{TARGET_LEAST}{end}\n");
        draw(name, &text, &parse_target(&text).expect_err(name))
    });
    drawn.collect()
}

/// Each text after the least scenario.
pub(super) fn scenario_ends(cases: &[(&str, &str)]) -> String {
    let drawn = cases.iter().map(|(name, end)| {
        let text = format!("{SCENARIO_LEAST}{end}\n");
        draw(name, &text, &parse_scenario(&text).expect_err(name))
    });
    drawn.collect()
}

#[test]
fn syntax() {
    insta::assert_snapshot!(targets(&[
        ("no closing quote", "schema = 1\ncommand = [\"./job]\n"),
        ("no value", "schema = 1\ncommand =\n"),
        ("yaml", "schema: 1\n"),
        ("key twice", "schema = 1\ncommand = [\"a\"]\nschema = 1\n"),
        (
            "table twice",
            "schema = 1\ncommand = [\"a\"]\n[service]\n[service]\n"
        ),
        (
            "control character",
            "schema = 1\ncommand = [\"\u{1b}[31m\"]\n"
        ),
        (
            "inline table over lines",
            "schema = 1\ncommand = [\"a\"]\nenv = {\n  A = \"1\"\n}\n"
        ),
        (
            "inline table in inline table",
            "schema = 1\ncommand = [\"a\"]\n\
            service = { pg = { kind = \"postgres\", options = { user = \"a\",\n} } }\n"
        ),
        (
            "comma at the end",
            "schema = 1\ncommand = [\"a\"]\nenv = { A = \"1\", }\n"
        ),
        (
            "escapes of TOML 1.1",
            "schema = 1\ncommand = [\"a\\e\", \"\\x41\", \"\\\\e\", '\\e']\n"
        ),
        ("a date", "schema = 1\ncommand = [\"a\"]\ntimeout = 10:30\n"),
        (
            "deep",
            &format!("schema = 1\ncommand = {}\n", "[".repeat(200))
        ),
    ]));
}

#[test]
fn inline_tables_may_hold_lines_within_their_values() {
    let text = "[service]\npg = { kind = \"postgres\", seed = [\n \"a.sql\", # first\n] }\n";
    parse_target(&format!("{TARGET_LEAST}{text}")).unwrap();
}

#[test]
fn whole_files() {
    let large = format!("schema = 1\n#{}\n", " ".repeat(1 << 20));
    insta::assert_snapshot!(targets(&[
        ("empty", ""),
        ("no command", "schema = 1\n"),
        ("another version", "schema = 2\ncommand = [\"a\"]\n"),
        (
            "several errors",
            "schema = \"1\"\ncomand = [\"a\"]\ntimeout = 90\n[serivce.pg]\n"
        ),
    ]));
    insta::assert_snapshot!(
        "too_large",
        parse_target(&large).unwrap_err()[0].plain(&large)
    );
}

#[test]
fn unknown_keys_of_targets() {
    insta::assert_snapshot!(target_ends(&[
        ("close", "tiemout = \"90s\""),
        ("far", "zzz = 1"),
        ("absent feature", "clock = 2026-11-22T02:00:00+09:00"),
        ("quoted", "\"time out\" = \"90s\""),
        ("hostile", "\"\\u202etuoemit\\u0007\" = 1"),
        (
            "key of a section",
            "[service.pg]\nkind = \"postgres\"\ntables = [\"x\"]"
        ),
        (
            "option beside",
            "[service.pg]\nkind = \"postgres\"\nuser = \"app\""
        ),
        (
            "option of another kind",
            "[service.m]\nkind = \"smtp\"\noptions = { user = \"app\" }"
        ),
        (
            "close option",
            "[service.pg]\nkind = \"postgres\"\noptions = { databse = \"app\" }"
        ),
        ("section", "[services.pg]\nkind = \"postgres\""),
        (
            "state",
            "[service.pg]\nkind = \"postgres\"\n[state.pg]\nmasks = []"
        ),
        (
            "port of files",
            "[service.f]\nkind = \"files\"\nport = 1\noptions.path = \"/d\""
        ),
    ]));
}

#[test]
fn unknown_keys_of_scenarios() {
    insta::assert_snapshot!(scenario_ends(&[
        ("close", "tag = []"),
        ("key of search", "seed = 2"),
        (
            "fault",
            "[[fault]]\nkind = \"pause\"\nwho = \"job#1\"\nfro = \"4s\""
        ),
        (
            "key of another fault",
            "[[fault]]\nkind = \"pause\"\nwho = \"job#1\"\nscope = \"tree\""
        ),
        ("search", "[search]\ndepth = 2\nbuget = \"1m\""),
        (
            "trigger",
            "trigger = { kind = \"double-start\", instnces = 2 }"
        ),
        ("trigger by default", "trigger = { attempts = 2 }"),
        (
            "check",
            "[[check]]\nkind = \"state\"\ncodes = [0]\n[[check]]\nkind = \"exit\"\ncode = [0]"
        ),
    ]));
}

#[test]
fn faults() {
    let fault = |rest: &str| format!("[[fault]]\nkind = \"pause\"\n{rest}");
    let at = |moment: &str| fault(&format!("who = \"job#1\"\nat = '{moment}'"));
    let cases = [
        ("nobody", fault("")),
        ("no kind", "[[fault]]\nwho = \"job#1\"".to_owned()),
        (
            "unknown kind",
            "[[fault]]\nkind = \"pasue\"\nwho = \"job#1\"".to_owned(),
        ),
        ("no instance", fault("who = \"job#x\"")),
        ("too many", fault("who = \"job#3\"")),
        ("unknown service", fault("who = \"pgg\"")),
        ("unknown link", fault("who = \"any\"\nlink = \"pgg\"")),
        ("link of a service", fault("who = \"pg\"\nlink = \"mail\"")),
        ("no moment", at("job#1 pg COMMIT 1 held")),
        ("unknown phase", at("job#1 pg \"COMMIT\" 1 hold")),
        ("moment of nobody", at("job#3 start")),
        ("moment of no service", at("job#1 gp \"COMMIT\" 1 held")),
        (
            "for and until",
            fault("who = \"job#1\"\nfor = \"4s\"\nuntil = \"job#2 exit\""),
        ),
        ("no time", fault("who = \"job#1\"\nfor = \"0s\"")),
        (
            "times of a start",
            format!("{}\ntimes = 2", at("job#1 start")),
        ),
        (
            "negative",
            format!("{}\ntimes = -2", at("job#1 pg \"COMMIT\" 1 held")),
        ),
    ];
    let cases: Vec<(&str, &str)> = cases
        .iter()
        .map(|(name, text)| (*name, text.as_str()))
        .collect();
    insta::assert_snapshot!(scenario_ends(&cases));
}

#[test]
fn types_of_targets() {
    insta::assert_snapshot!(target_ends(&[
        ("list", "args = \"--all\""),
        ("list of others", "args = [\"-n\", 3, true, 1.5, []]"),
        (
            "env",
            "env = { A = 1, B = true, \"C=D\" = \"x\", \"\" = \"y\" }"
        ),
        ("env list", "env = [\"A=1\"]"),
        ("text", "image = 1.42"),
        ("empty image", "image = \"\""),
        (
            "image",
            "[service.pg]\nkind = \"postgres\"\nimage = \"postgres 17\""
        ),
        ("boolean", "reuse = \"yes\""),
        ("duration", "timeout = 90"),
        ("durations", "timeout = \"90\"\ngrace = \"25h\"\n"),
        ("no duration", "timeout = \"0s\"\ngrace = \"soon\""),
        ("path", "workdir = \"\""),
        ("NUL", "args = [\"a\\u0000b\"]"),
        ("secret", "secrets = [\"\"]"),
        ("service", "service = 3"),
        ("services", "[[service]]\nkind = \"postgres\""),
        ("service text", "[service]\npg = \"postgres\""),
        (
            "name",
            "[service.PG]\nkind = \"postgres\"\n[service.\"a b\"]\nkind = \"smtp\""
        ),
        (
            "host",
            "[service.pg]\nkind = \"postgres\"\nhost = \"db:5432\""
        ),
        ("port", "[service.pg]\nkind = \"postgres\"\nport = 65536"),
        (
            "options",
            "[service.pg]\nkind = \"postgres\"\noptions = \"user=app\""
        ),
        (
            "option values",
            "[service.pg]\nkind = \"postgres\"\n\
            options = { user = 1, connections = 0, fsync = \"on\" }"
        ),
        (
            "mask",
            "[service.pg]\nkind = \"postgres\"\n[state.pg]\nmask = [\"updated_at\", \".x\"]"
        ),
        (
            "lock",
            "[service.pg]\nkind = \"postgres\"\n[lock.l]\nservice = \"pg\"\nacquire = \"*\""
        ),
    ]));
    insta::assert_snapshot!(
        "no_program",
        targets(&[
            ("empty", "schema = 1\ncommand = []\n"),
            ("empty program", "schema = 1\ncommand = [\"\", \"a\"]\n"),
            ("text", "schema = 1\ncommand = \"./job --all\"\n"),
        ])
    );
    let many = format!("args = [{}]", "\"a\",".repeat(257));
    let long = format!("image = \"{}\"", "a".repeat(17_000));
    insta::assert_snapshot!("bounds", target_ends(&[("many", &many), ("long", &long)]));
}

#[test]
fn types_of_scenarios() {
    insta::assert_snapshot!(scenario_ends(&[
        ("contract", "contract = \"onse\""),
        ("contract type", "contract = 1"),
        ("expect", "expect = \"fail\""),
        ("causes", "causes = [\"L1\"]"),
        (
            "unknown cause",
            "expect = \"violation\"\ncauses = [\"L11\"]"
        ),
        ("instances", "trigger = { instances = 33 }"),
        ("instances", "trigger.instances = 0"),
        ("samples", "search = { samples = 1000001, seed = -1 }"),
        ("budget", "search = { budget = \"2 minuts\" }"),
        ("stages", "search = { stages = \"serial\" }"),
        ("no stages", "search = { stages = [] }"),
        (
            "stage twice",
            "search = { stages = [\"serial\", \"serial\"] }"
        ),
        ("search", "search = \"all\""),
        ("check", "[check]\nkind = \"exit\""),
        ("checks", "check = [\"exit\"]"),
        (
            "check twice",
            "[[check]]\nkind = \"exit\"\n[[check]]\nkind = \"exit\""
        ),
        (
            "codes",
            "[[check]]\nkind = \"exit\"\ncodes = [\"0\", 3000000000]"
        ),
    ]));
    let titles = [
        (
            "empty",
            "schema = 1\ntitle = \" \"\ntarget = \"points-grant\"\n",
        ),
        (
            "lines",
            "schema = 1\ntitle = \"\"\"a\nb\"\"\"\ntarget = \"points-grant\"\n",
        ),
    ];
    let drawn = titles.map(|(name, text)| draw(name, text, &parse_scenario(text).unwrap_err()));
    insta::assert_snapshot!("titles", drawn.concat());
}

#[test]
fn missing_keys() {
    insta::assert_snapshot!(target_ends(&[
        ("kind", "[service.pg]\nhost = \"db\""),
        ("kind of an inline table", "service = { pg = {} }"),
        ("option", "[service.f]\nkind = \"files\""),
        (
            "option in options",
            "[service.f]\nkind = \"files\"\noptions = {}"
        ),
        ("lock", "[lock.l]"),
    ]));
    let text = "schema = 1\n[[check]]\noff = true\n";
    let drawn = draw("scenario", text, &parse_scenario(text).unwrap_err());
    insta::assert_snapshot!("missing_keys_of_a_scenario", drawn);
}

#[test]
fn unknown_kinds_and_names() {
    insta::assert_snapshot!(target_ends(&[
        (
            "service",
            "[service.pg]\nkind = \"postgress\"\noptions = { x = 1 }"
        ),
        ("far", "[service.q]\nkind = \"kafka\""),
        (
            "state",
            "[service.pg]\nkind = \"postgres\"\n[state.gp]\ntables = []"
        ),
        ("state without services", "[state.pg]"),
        (
            "lock",
            "[service.pg]\nkind = \"postgres\"\n[lock.l]\nservice = \"redis\"\nacquire = \"S\""
        ),
        (
            "same address",
            "[service.a]\nkind = \"postgres\"\nhost = \"db\"\n\
            [service.b]\nkind = \"smtp\"\nhost = \"DB\"\nport = 5432"
        ),
        (
            "same host, usual port",
            "[service]\na = { kind = \"smtp\", host = \"localhost\" }\n\
            b = { kind = \"smtp\", host = \"127.0.0.1\" }"
        ),
    ]));
    insta::assert_snapshot!(
        "unknown_kinds_and_names_of_scenarios",
        scenario_ends(&[
            (
                "trigger",
                "trigger = { kind = \"cron-overlap\", attempts = 3 }"
            ),
            ("check", "[[check]]\nkind = \"exits\"\ncodes = [0]"),
            ("stage", "search = { stages = [\"serail\", \"directed\"] }"),
        ])
    );
    let targets = [
        (
            "close",
            "schema = 1\ntitle = \"t\"\ntarget = \"point-grant\"\n",
        ),
        (
            "no name",
            "schema = 1\ntitle = \"t\"\ntarget = \"../points\"\n",
        ),
        (
            "broken target",
            "schema = 1\ntitle = \"t\"\ntarget = \"broken\"\nexpect = \"x\"\n",
        ),
    ];
    let drawn = targets.map(|(name, text)| draw(name, text, &parse_scenario(text).unwrap_err()));
    insta::assert_snapshot!("unknown_targets", drawn.concat());
}

#[test]
fn a_pause_longer_than_any_that_is_assumed() {
    let end = "assume = { pause_max = \"2s\" }\n[[fault]]\nkind = \"pause\"\nwho = \"job#1\"\n\
        at = \"job#1 start\"\nfor = \"4s\"";
    insta::assert_snapshot!(scenario_ends(&[("pause", end)]));
    let fits = format!("{SCENARIO_LEAST}{}\n", end.replace("4s", "2s"));
    assert!(parse_scenario(&fits).is_ok());
}

#[test]
fn checks() {
    let invariant = |rest: &str| format!("[[check]]\nkind = \"invariant\"\n{rest}");
    let ask = |service: &str, rest: &str| {
        invariant(&format!(
            "name = \"n\"\nservice = \"{service}\"\nsql = \"select 1\"\n{rest}"
        ))
    };
    let twice = format!("{}{}", ask("pg", ""), ask("pg", ""));
    let transition = |rest: &str| format!("[[check]]\nkind = \"transition\"\n{rest}");
    let moves = |column: &str, allow: &str| {
        transition(&format!(
            "service = \"pg\"\ncolumn = \"{column}\"\nallow = {allow}"
        ))
    };
    insta::assert_snapshot!(scenario_ends(&[
        ("missing keys", &invariant("service = \"pg\"")),
        ("wrong key", &ask("pg", "expects = \"rows\"")),
        ("wrong answer", &ask("pg", "expect = \"row\"")),
        ("unknown service", &ask("gp", "")),
        ("no sql there", &ask("mail", "")),
        (
            "empty",
            &invariant("name = \" \"\nservice = \"pg\"\nsql = \" \\n\"")
        ),
        ("name twice", &twice),
        (
            "effects of what has none",
            "[[check]]\nkind = \"effect\"\nservice = \"pg\""
        ),
        (
            "column of no effect",
            "[[check]]\nkind = \"effect\"\nservice = \"mail\"\nat-most-once = [\"subjekt\"]"
        ),
        ("no table", &moves("status", "[[\"a\", \"b\"]]")),
        ("one value", &moves("orders.status", "[[\"a\"]]")),
        ("no pairs", &moves("orders.status", "[\"a\", \"b\"]")),
        ("no list", &moves("orders.status", "\"a\"")),
        ("numbers", &moves("orders.status", "[[1, 2]]")),
        (
            "no changes there",
            &transition("service = \"mail\"\ncolumn = \"a.b\"\nallow = []")
        ),
        (
            "lock",
            "[[check]]\nkind = \"mutual-exclusion\"\nlock = \"point\""
        ),
        (
            "lock twice",
            "[[check]]\nkind = \"mutual-exclusion\"\n[[check]]\nkind = \"mutual-exclusion\""
        ),
    ]));
}

#[test]
fn drawings() {
    let long = format!(
        "args = [{}\"b\", 7, {}]",
        "\"aaaaaa\", ".repeat(30),
        "\"c\", ".repeat(30)
    );
    let wide = "\"語語語 語語\" = 1".to_owned();
    let tabs = "\t\ttiemout\t=\t\"90s\"".to_owned();
    let hostile = "args = [\"\u{202e}\u{200b}\", 7]".to_owned();
    let mut drawn = String::new();
    for (name, end) in [
        ("long", long),
        ("wide", wide),
        ("tabs", tabs),
        ("hostile", hostile),
    ] {
        let text = format!("{TARGET_LEAST}{end}\r\n");
        let diags = parse_target(&text).unwrap_err();
        for width in [20, 60, 120] {
            drawn += &format!(
                "=== {name}, width {width}\n{}",
                diags[0].render(&text, width)
            );
        }
    }
    insta::assert_snapshot!(drawn);
}
