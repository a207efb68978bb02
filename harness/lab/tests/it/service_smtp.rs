//! The mail sink.

use crate::service_kit::{Fixture, Wanted, hashes, rows, run};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use twiceproof_lab::service::ServiceStream;

const WANTED: fn() -> Wanted<'static> = || Wanted {
    kind: "smtp",
    ..Wanted::default()
};

async fn dial(fixture: &mut Fixture) -> UnixStream {
    match fixture.service.dial().await.unwrap() {
        ServiceStream::Unix(stream) => stream,
        ServiceStream::Tcp(_) => panic!("a sink is in the harness"),
    }
}

/// Says all of this and reads until the sink hangs up.
async fn say(fixture: &mut Fixture, text: &str) -> String {
    let mut stream = dial(fixture).await;
    stream
        .write_all(text.replace('\n', "\r\n").as_bytes())
        .await
        .unwrap();
    let mut said = String::new();
    stream.read_to_string(&mut said).await.unwrap();
    said.replace("\r\n", "\n")
}

fn mail(to: &str, subject: &str) -> String {
    format!(
        "EHLO me\nMAIL FROM:<job@x.test>\nRCPT TO:<{to}>\nDATA\n\
         Subject: {subject}\n\nYou have points.\n.\nQUIT\n"
    )
}

#[test]
fn a_mail_is_accepted_and_kept() {
    run(async {
        let mut fixture = Fixture::start(WANTED()).await.unwrap();
        let empty = fixture.capture().await;
        assert!(rows(&empty, "(mails)").is_empty());
        insta::assert_snapshot!(say(&mut fixture, &mail("ann@x.test", "Points")).await, @r"
        220 sink.test ESMTP
        250-sink.test
        250-PIPELINING
        250-SIZE 26214400
        250-8BITMIME
        250 SMTPUTF8
        250 sender noted
        250 recipient noted
        354 end with a line of one dot
        250 accepted
        221 bye
        ");
        let once = fixture.capture().await;
        let [row] = &rows(&once, "(mails)")[..] else {
            panic!("one mail")
        };
        assert!(
            row.starts_with("NULL|job@x.test|ann@x.test|Points|"),
            "{row}"
        );
        assert!(row.ends_with("|You have points."), "{row}");
        assert_eq!(hashes(&fixture.capture().await), hashes(&once));
        say(&mut fixture, &mail("ann@x.test", "Points")).await;
        let twice = fixture.capture().await;
        assert_ne!(hashes(&twice), hashes(&once));
        assert_eq!(rows(&twice, "(mails)").len(), 2);
        fixture.service.reset().await.unwrap();
        assert_eq!(hashes(&fixture.capture().await), hashes(&empty));
    });
}

#[test]
fn what_a_job_sends_as_its_last_act_counts() {
    run(async {
        let mut fixture = Fixture::start(WANTED()).await.unwrap();
        let mut stream = dial(&mut fixture).await;
        let text = mail("ann@x.test", "Last").replace('\n', "\r\n");
        assert_eq!(stream.try_write(text.as_bytes()).unwrap(), text.len());
        stream.shutdown().await.unwrap();
        drop(stream);
        assert_eq!(rows(&fixture.capture().await, "(mails)").len(), 1);
    });
}

#[test]
fn links_of_a_former_trial_tell_the_next_one_nothing() {
    run(async {
        let mut fixture = Fixture::start(WANTED()).await.unwrap();
        let mut stream = dial(&mut fixture).await;
        stream.write_all(b"EHLO me\r\n").await.unwrap();
        fixture.service.reset().await.unwrap();
        let text = mail("ann@x.test", "Late").replace('\n', "\r\n");
        // The sink has hung up, or will before it reads this.
        let _ = stream.write_all(text.as_bytes()).await;
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest).await;
        assert!(rows(&fixture.capture().await, "(mails)").is_empty());
    });
}
