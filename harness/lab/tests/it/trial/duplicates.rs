//! Requests that their services get twice, with real clients: the job sees one reply.

use super::kit::{Seen, Small};
use super::links::effects;
use twiceproof_model::Exit;
use twiceproof_model::record::Doubt;

const DUPLICATE: &str = "inject duplicate job#1";

/// Runs a script with a service, and repeats this request of it.
fn run(script: &str, service: &str, request: usize) -> Seen {
    let mut lab = Small::new(&format!(
        "command = [\"sh\", \"-c\", '''{script}''']\n{service}"
    ));
    let before: Vec<String> = (1..request).map(|n| format!("release job#1@{n}")).collect();
    let mut wishes = vec!["start job#1"];
    wishes.extend(before.iter().map(String::as_str));
    wishes.push(DUPLICATE);
    let seen = lab.run(1, &wishes).granted();
    assert_eq!(seen.exits(), [Exit::Code(0)]);
    seen
}

/// Returns how many effects there are in the end.
fn rows(seen: &Seen) -> u64 {
    let objects = seen.record.snapshot.objects.values();
    objects.map(|object| object.count).sum()
}

const HTTP: &str = "[service.pay]\nkind = \"http\"\nhost = \"pay\"\n";

#[test]
fn a_web_request_comes_twice() {
    for (header, expect) in [("X-None: 1", 2), ("Idempotency-Key: 7", 1)] {
        // By a link that the client wants closed, and by one that stays.
        for connection in ["close", "keep-alive"] {
            let script = format!(
                "/usr/bin/curl -sS -o /dev/null -w '%{{http_code}}' -H 'Connection: {connection}' \
                 -H '{header}' -d x http://pay/charge"
            );
            let seen = run(&script, HTTP, 1);
            assert_eq!(effects(&seen), [1]);
            assert_eq!(seen.record.doubts, []);
            assert_eq!(rows(&seen), expect, "{header}, {connection}");
            let output = seen.record.outputs.values().next().unwrap();
            assert_eq!(output.head, "200");
        }
    }
}

const MAIL: &str = "[service.mail]\nkind = \"smtp\"\nhost = \"mail\"\n";

/// Sends one mail, with these headers.
fn mailer(headers: &str) -> String {
    format!(
        "python3 -c \"
import smtplib
link = smtplib.SMTP('mail', 25)
link.sendmail('a@b.example', ['c@d.example', 'e@f.example'], '{headers}\\n\\nhello')
link.quit()
\""
    )
}

#[test]
fn a_mail_comes_twice() {
    let plain = run(&mailer("Subject: x"), MAIL, 6);
    assert_eq!(effects(&plain), [1]);
    assert_eq!(plain.record.doubts, []);
    let named = run(&mailer("Message-ID: <1@b.example>"), MAIL, 6);
    assert_eq!(effects(&named), [1]);
    // The sink knows a mail by its name, where it has one.
    assert_eq!(rows(&plain), 2 * rows(&named));
}

#[test]
fn what_nobody_repeats_leaves_a_doubt() {
    let seen = run(&mailer("Subject: x"), MAIL, 2);
    assert_eq!(effects(&seen), [0]);
    let named = |doubt: &Doubt| matches!(doubt, Doubt::FaultWithoutEffect(text) if text.starts_with("duplicate job#1"));
    assert!(
        seen.record.doubts.iter().any(named),
        "{:?}",
        seen.record.doubts
    );
}
