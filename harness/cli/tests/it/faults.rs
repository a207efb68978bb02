//! Every kind of fault, once where its moment never comes and once where it strikes nothing: both
//! are inconclusive and name it.

use crate::kit::Project;
use serde_json::Value;
use std::fs;

/// Changes nothing that is there already, and asks two services. It is deaf to SIGTERM.
const TARGET: &str = r#"
schema  = 1
command = ["bash", "job.sh"]
workdir = "."
[service.shared]
kind    = "files"
options = { path = "/shared" }
[service.web]
kind = "http"
[service.cache]
kind = "redis"
"#;

const JOB: &str = r"
trap '' TERM
mkdir -p /shared/a
exec 3<>/dev/tcp/web/80
printf 'GET /a HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n' >&3
cat <&3 >/dev/null
exec 3>&-
redis-cli -h cache GET x
";

/// No link is open yet.
const MKDIR: &str = "job#1 shared \"mkdir a\" 1 held";
/// It stands on a link.
const WEB: &str = "job#1 web \"GET /a\" 1 held";
const CACHE: &str = "job#1 cache \"GET x\" 1 held";
/// Nobody asks this.
const NEVER: &str = "job#1 web \"GET /never\" 1 held";

/// One kind of fault.
struct Row {
    kind: &'static str,
    /// Whom it strikes, and its own keys.
    words: &'static str,
    /// Where it strikes nothing before it ends; none: it cannot be injected without an effect.
    without_effect: Option<&'static str>,
    /// Whether it is healed at that moment too.
    is_healed: bool,
}

const fn row(kind: &'static str, words: &'static str, without_effect: &'static str) -> Row {
    Row {
        kind,
        words,
        without_effect: Some(without_effect),
        is_healed: false,
    }
}

const fn healed(kind: &'static str, words: &'static str, without_effect: &'static str) -> Row {
    Row {
        is_healed: true,
        ..row(kind, words, without_effect)
    }
}

const ROWS: &[Row] = &[
    row("kill", "who = \"job#1\"\nsignal = \"TERM\"", WEB),
    row("host-crash", "who = \"job#1\"", MKDIR),
    healed("pause", "who = \"job#1\"", WEB),
    healed("partition", "who = \"job#1\"", MKDIR),
    healed("latency", "who = \"any\"\ndelay = \"1ms\"", MKDIR),
    healed("bandwidth", "who = \"job#1\"\nrate = 100", MKDIR),
    healed("slice", "who = \"job#1\"\nbytes = 3", MKDIR),
    row("cut", "who = \"job#1\"\nbytes = 900000", WEB),
    Row {
        without_effect: None,
        ..row("lost-reply", "who = \"job#1\"", "")
    },
    // The cache is asked, and only the web has such requests and errors.
    row("duplicate", "who = \"job#1\"", CACHE),
    row("error-reply", "who = \"job#1\"\nreply = \"503\"", CACHE),
    healed("restart", "who = \"cache\"", MKDIR),
    row("expire", "who = \"cache\"\nlease = \"other\"", WEB),
    healed("io-error", "who = \"job#1\"", WEB),
    healed("disk-full", "who = \"job#1\"", WEB),
    healed("read-only", "who = \"job#1\"", WEB),
];

fn scenario(row: &Row, at: &str, is_healed: bool) -> String {
    let until = match is_healed {
        true => format!("until = '{at}'\n"),
        false => String::new(),
    };
    format!(
        "schema = 1\ntitle = \"{kind}\"\ntarget = \"job\"\nsearch = {{ stages = [] }}\n\
         [[fault]]\nkind = \"{kind}\"\n{words}\nat = '{at}'\n{until}",
        kind = row.kind,
        words = row.words,
    )
}

#[test]
fn no_fault_passes_unseen() {
    let kinds = twiceproof_lab::fault::kinds();
    let known: Vec<&str> = kinds.iter().map(|kind| kind.name).collect();
    let rows: Vec<&str> = ROWS.iter().map(|row| row.kind).collect();
    assert_eq!(rows, known, "every kind of fault has a row");
    let project = Project::empty();
    project.write("targets/job/target.toml", TARGET);
    project.write("targets/job/job.sh", JOB);
    for row in ROWS {
        let write = |what: &str, text: String| {
            project.write(&format!("scenarios/{what}/{}.toml", row.kind), &text);
        };
        write("never", scenario(row, NEVER, false));
        if let Some(at) = row.without_effect {
            write("vain", scenario(row, at, row.is_healed));
        }
    }
    let ran = project.run(&["run", "--progress", "none"]);
    assert_eq!(ran.code, 3, "{}", ran.text());
    let run = fs::read(project.path().join("reports/runs/latest/run.json")).unwrap();
    let run: Value = serde_json::from_slice(&run).unwrap();
    let mut wrong = Vec::new();
    for scenario in run["scenarios"].as_array().unwrap() {
        let name = scenario["name"].as_str().unwrap();
        let (what, kind) = name.split_once('/').unwrap();
        let reasons = scenario["reasons"].as_array().unwrap();
        let is_named = reasons.iter().any(|reason| {
            let text = reason["text"].as_str().unwrap();
            let is_never = text.contains("its moment never came");
            reason["code"] == "TP-I02" && text.contains(kind) && is_never == (what == "never")
        });
        if scenario["outcome"] != "inconclusive" || !is_named {
            wrong.push(format!("{name}: {} {reasons:?}", scenario["outcome"]));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    let vain = ROWS.iter().filter(|row| row.without_effect.is_some());
    let count = run["scenarios"].as_array().unwrap().len();
    assert_eq!(count, ROWS.len() + vain.count());
}
