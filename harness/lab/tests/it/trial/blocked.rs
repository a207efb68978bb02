//! Requests that wait for each other inside PostgreSQL.

use super::kit::{Small, psql};
use twiceproof_model::{Event, Exit, InstanceId};

/// A session that takes what the statement takes, and keeps it until its commit.
fn session(statement: &str) -> String {
    format!("printf 'begin;\\n{statement};\\nselect 7;\\ncommit;\\n' | psql -XqAt")
}

fn job(number: u8) -> InstanceId {
    InstanceId::new(number).unwrap()
}

/// Lets job#1 take the lock, job#2 ask for it, and says what is on offer then.
fn second_waits(statement: &str) {
    let mut lab = Small::psql(&session(statement));
    let seen = lab.run(
        2,
        &[
            "start job#1",
            "release job#1@1",
            "release job#1@2",
            "start job#2",
            "release job#2@1",
            "release job#2@2",
        ],
    );
    let seen = seen.granted();
    let blocked = |event: &Event| match event {
        Event::Blocked { instance, by } => *instance == job(2) && *by == [job(1)],
        _ => false,
    };
    assert!(seen.has(blocked), "{:#?}", seen.record.trace);
    let expect = [
        "release job#1@3",
        "forward job#1@3",
        "kill job#1",
        "pause job#1",
        "kill job#2",
        "pause job#2",
    ];
    assert_eq!(seen.offered(6), expect);
    assert_eq!(seen.exits(), [Exit::Code(0); 2]);
    assert!(seen.has(|event| *event == Event::Unblocked(job(2))));
}

#[test]
fn an_advisory_lock_blocks() {
    second_waits("select pg_advisory_xact_lock(5)");
}

#[test]
fn a_row_lock_blocks() {
    second_waits("update t set n = n + 1 where id = 1");
}

#[test]
fn a_wait_for_an_element_of_a_list_blocks() {
    let script =
        "case $N in 1) redis-cli -h cache BLPOP q 0 ;; 2) redis-cli -h cache RPUSH q x ;; esac";
    let mut lab = Small::new(&format!(
        "command = [\"sh\", \"-c\", '''{script}''']\nenv = {{ N = \"{{instance}}\" }}\n\
         [service.redis]\nkind = \"redis\"\nhost = \"cache\"\n"
    ));
    let wishes = [
        "start job#1",
        "release job#1@1",
        "start job#2",
        "release job#2@1",
    ];
    let seen = lab.run(2, &wishes).granted();
    // Nobody knows who will write what it waits for.
    let blocked = |event: &Event| match event {
        Event::Blocked { instance, by } => *instance == job(1) && by.is_empty(),
        _ => false,
    };
    assert!(seen.has(blocked), "{:#?}", seen.record.trace);
    assert!(seen.has(|event| *event == Event::Unblocked(job(1))));
    assert!(!seen.offered(3).contains(&"deliver job#1@1"));
    assert_eq!(seen.exits(), [Exit::Code(0); 2]);
}

#[test]
fn a_killed_holder_frees_the_lock() {
    let mut lab = Small::psql(&session("select pg_advisory_xact_lock(5)"));
    let wishes = [
        "start job#1",
        "release job#1@1",
        "release job#1@2",
        "start job#2",
        "release job#2@1",
        "release job#2@2",
        "kill job#1",
        "release job#2@3",
    ];
    let seen = lab.run(2, &wishes).granted();
    assert_eq!(seen.exits(), [Exit::Signal(9), Exit::Code(0)]);
}

#[test]
fn who_is_killed_while_blocked_is_gone() {
    let mut lab = Small::psql(&session("select pg_advisory_xact_lock(5)"));
    let wishes = [
        "start job#1",
        "release job#1@1",
        "release job#1@2",
        "start job#2",
        "release job#2@1",
        "release job#2@2",
        "kill job#2",
        "release job#1@3",
        "release job#1@4",
    ];
    let seen = lab.run(2, &wishes).granted();
    assert_eq!(seen.exits(), [Exit::Code(0), Exit::Signal(9)]);
    // The next trial finds no lock left.
    let seen = lab.run(1, &[]);
    assert_eq!(seen.exits(), [Exit::Code(0)]);
}

#[test]
fn a_cycle_of_waits_ends_with_the_one_who_closed_it() {
    let script = "printf 'begin;\\nupdate t set n = 1 where id = '$A';\\n\
                  update t set n = 1 where id = '$B';\\ncommit;\\n' | psql -XqAt -v ON_ERROR_STOP=1";
    let script = format!("A=$N; B=$((3 - N)); {script}");
    let text = psql(&script).replace("env = {", "env = { N = \"{instance}\",");
    let mut lab = Small::new(&text);
    let wishes = [
        "start job#1",
        "release job#1@1",
        "release job#1@2",
        "start job#2",
        "release job#2@1",
        "release job#2@2",
        "release job#1@3",
        "release job#2@3",
    ];
    let seen = lab.run(2, &wishes).granted();
    // The one whose wait closes the cycle is the victim: always the same one.
    assert_eq!(seen.exits(), [Exit::Code(0), Exit::Code(3)]);
}
