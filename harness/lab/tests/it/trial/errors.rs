//! Forged errors, in trials with real servers and real clients: the request does not reach the
//! service, and what follows on the link is as after a real error.

use super::kit::{ENV, POSTGRES, Seen, Small};
use super::links::{effects, state, untouched};
use twiceproof_model::record::Doubt;
use twiceproof_model::{Exit, Snapshot};

const WRITE: &str = "psql -Xqc 'update t set n = n + 1 where id = 1'";

/// Returns what the first instance said.
fn output(seen: &Seen) -> String {
    let output = seen.record.outputs.values().next();
    output.map(|output| output.head.clone()).unwrap_or_default()
}

/// Fails unless the one fault struck once, and nothing is in doubt.
#[track_caller]
fn check_struck(seen: &Seen) {
    assert_eq!(effects(seen), [1], "{:#?}", seen.record.trace);
    assert_eq!(seen.record.doubts, []);
}

fn rows(snapshot: &Snapshot) -> String {
    let contents = snapshot.objects.values().map(|object| &object.content);
    contents.map(|content| format!("{content:?}")).collect()
}

#[test]
fn a_statement_fails_and_the_server_hears_nothing() {
    let mut lab = Small::psql(WRITE);
    for (error, says) in [
        ("40P01", "deadlock detected"),
        ("57P01", "terminating connection"),
        ("22003", "injected"),
    ] {
        let inject = format!("inject error-reply job#1 link=pg reply={error}");
        let seen = lab.run(1, &["start job#1", &inject]).granted();
        check_struck(&seen);
        assert_ne!(seen.exits(), [Exit::Code(0)], "{error}");
        assert!(output(&seen).contains(says), "{}", output(&seen));
        assert_eq!(state(&seen), untouched(), "{error}");
    }
}

/// Runs statements by one psql, which goes on after errors. They are requests of their own.
fn session(statements: &str) -> Small {
    let script = format!("psql -X -v VERBOSITY=verbose <<'END'\n{statements}\nEND\n");
    Small::psql(&script)
}

#[test]
fn a_transaction_is_failed_until_it_is_rolled_back() {
    let mut lab = session(
        "begin;\nupdate t set n = 5 where id = 1;\nselect 'second';\nselect 'third';\ncommit;\n\
         update t set n = 7 where id = 2;",
    );
    let wishes = [
        "start job#1",
        "release job#1@1",
        "release job#1@2",
        "inject error-reply job#1 reply=40001",
        "release job#1@4",
        "release job#1@5",
        "release job#1@6",
    ];
    let seen = lab.run(1, &wishes).granted();
    check_struck(&seen);
    let said = output(&seen);
    let words = [
        "BEGIN", "UPDATE 1", "40001", "25P02", "ROLLBACK", "UPDATE 1",
    ];
    let mut rest = said.as_str();
    for word in words {
        let place = rest
            .find(word)
            .unwrap_or_else(|| panic!("no {word} in {said}"));
        rest = &rest[place + word.len()..];
    }
    assert!(
        !said.contains("second") && !said.contains("third"),
        "{said}"
    );
    let alone = session("update t set n = 7 where id = 2;").run(1, &[]);
    assert_eq!(rows(&seen.record.snapshot), rows(&alone.record.snapshot));
}

#[test]
fn a_savepoint_outlives_an_error() {
    let mut lab = session(
        "begin;\nsavepoint a;\nselect 'lost';\nrollback to a;\n\
         update t set n = 7 where id = 2;\ncommit;",
    );
    let wishes = [
        "start job#1",
        "release job#1@1",
        "release job#1@2",
        "inject error-reply job#1 reply=40P01",
    ];
    let seen = lab.run(1, &wishes).granted();
    check_struck(&seen);
    assert!(output(&seen).ends_with("COMMIT\n"), "{}", output(&seen));
    assert_ne!(state(&seen), untouched());
}

#[test]
fn locks_are_free_once_the_transaction_has_failed() {
    let mut lab = session("begin;\nupdate t set n = 5 where id = 1;\nselect 1;\nrollback;");
    let wishes = [
        "start job#1",
        "start job#2",
        "release job#1@1",
        "release job#1@2",
        "inject error-reply job#1 reply=40001",
        "release job#2@1",
        "release job#2@2",
        "release job#2@3",
        "release job#1@4",
    ];
    let seen = lab.run(2, &wishes).granted();
    check_struck(&seen);
}

#[test]
fn a_commit_that_fails_rolls_back() {
    let mut lab = session(
        "begin;\nupdate t set n = 5 where id = 1;\ncommit;\nupdate t set n = 7 where id = 2;",
    );
    let wishes = [
        "start job#1",
        "release job#1@1",
        "release job#1@2",
        "inject error-reply job#1 reply=40001",
    ];
    let seen = lab.run(1, &wishes).granted();
    check_struck(&seen);
    let said = output(&seen);
    assert!(
        said.contains("40001") && said.ends_with("UPDATE 1\n"),
        "{said}"
    );
    let alone = session("update t set n = 7 where id = 2;").run(1, &[]);
    assert_eq!(rows(&seen.record.snapshot), rows(&alone.record.snapshot));
}

#[test]
fn an_error_that_cannot_be_leaves_a_doubt() {
    let mut lab = session("begin;\nupdate t set n = 5 where id = 1;\nrollback;");
    for error in ["40001", "LOADING"] {
        let inject = format!("inject error-reply job#1 reply={error}");
        let wishes = ["start job#1", "release job#1@1", "release job#1@2", &inject];
        let seen = lab.run(1, &wishes).granted();
        assert_eq!(effects(&seen), [0]);
        assert!(output(&seen).ends_with("ROLLBACK\n"), "{}", output(&seen));
        let doubts = seen.record.doubts.iter();
        let named: Vec<bool> = doubts
            .map(|doubt| matches!(doubt, Doubt::FaultWithoutEffect(text) if text.contains(error)))
            .collect();
        assert_eq!(named, [true], "{:?}", seen.record.doubts);
    }
}

#[test]
fn an_error_strikes_as_often_as_it_is_injected() {
    let retry = format!("{WRITE} || {WRITE} || {WRITE}");
    let inject = "inject error-reply job#1 reply=40P01";
    let seen = Small::psql(&retry).run(1, &["start job#1", inject, inject]);
    let seen = seen.granted();
    assert_eq!(effects(&seen), [1, 1]);
    assert_eq!(seen.exits(), [Exit::Code(0)]);
    assert_ne!(state(&seen), untouched());
}

/// Runs a script with these services, and an error at this request of it.
fn run(script: &str, services: &str, request: usize, error: &str) -> Seen {
    let mut lab = Small::new(&format!(
        "command = [\"sh\", \"-c\", '''{script}''']\n{ENV}{services}{POSTGRES}"
    ));
    let before: Vec<String> = (1..request).map(|n| format!("release job#1@{n}")).collect();
    let inject = format!("inject error-reply job#1 reply={error}");
    let mut wishes = vec!["start job#1"];
    wishes.extend(before.iter().map(String::as_str));
    wishes.push(&inject);
    let seen = lab.run(1, &wishes).granted();
    check_struck(&seen);
    seen
}

const REDIS: &str = "[service.redis]\nkind = \"redis\"\nhost = \"cache\"\n";

/// Says these commands by one connection, and prints the first line of each reply.
fn redis(commands: &[&str]) -> String {
    let commands = commands.join("', '");
    format!(
        "python3 -c \"
import socket
stream = socket.create_connection(('cache', 6379)).makefile('rwb', 0)
for command in ['{commands}']:
    stream.write(command.encode() + b'\\r\\n')
    print(stream.readline().decode().strip())
\""
    )
}

#[test]
fn redis_refuses_a_command() {
    let seen = run(
        &redis(&["SET a 1", "EXISTS a", "SET b 2"]),
        REDIS,
        1,
        "LOADING",
    );
    let expect = "-LOADING Redis is loading the dataset in memory\n:0\n+OK\n";
    assert_eq!(output(&seen), expect);
}

#[test]
fn redis_refuses_a_transaction() {
    let script = redis(&["MULTI", "SET a 1", "SET b 2", "EXEC", "EXISTS b"]);
    for (request, last) in [
        (
            2,
            "-EXECABORT Transaction discarded because of previous errors.\n:0\n",
        ),
        (
            4,
            "-EXECABORT Transaction discarded because of: READONLY You can't write against a \
             read only replica.\n:0\n",
        ),
        (1, "+OK\n+OK\n-ERR EXEC without MULTI\n:1\n"),
    ] {
        let seen = run(&script, REDIS, request, "READONLY");
        let said = output(&seen);
        assert!(said.contains("READONLY"), "{said}");
        assert!(said.ends_with(last), "{request}: {said}");
    }
}

const HTTP: &str = "[service.pay]\nkind = \"http\"\nhost = \"pay\"\n";

#[test]
fn a_web_service_refuses_a_request() {
    let script = "/usr/bin/curl -s -o /dev/null -w '%{http_code}\\n' -d x http://pay/charge \
        http://pay/charge";
    let script = script.replace(
        "http://pay/charge http",
        "http://pay/charge --next -s -o \
        /dev/null -w '%{http_code}\\n' -d x http",
    );
    let seen = run(&script, HTTP, 1, "503");
    assert_eq!(output(&seen), "503\n200\n");
}

const MAIL: &str = "[service.mail]\nkind = \"smtp\"\nhost = \"mail\"\n";

/// Sends a mail twice by one session, as far as it lives; tells of the errors.
const MAILER: &str = r#"python3 -c "
import smtplib
link = smtplib.SMTP('mail', 25)
for n in (1, 2):
    try:
        link.sendmail('a@b.example', ['c@d.example'], 'Subject: %s' % n)
        print('sent', n)
    except smtplib.SMTPException as error:
        print(type(error).__name__, n)
""#;

#[test]
fn a_mail_server_refuses_a_mail() {
    // EHLO, MAIL, RCPT, DATA, the body.
    for (request, error, told) in [
        (2, "451", "SMTPSenderRefused 1\nsent 2\n"),
        (4, "451", "SMTPDataError 1\nsent 2\n"),
        (5, "421", "SMTPDataError 1\nSMTPServerDisconnected 2\n"),
    ] {
        let seen = run(MAILER, MAIL, request, error);
        assert_eq!(output(&seen), told, "{request}");
    }
}
