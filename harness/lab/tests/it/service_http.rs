//! The web service: its recording sink, and programs behind it.

use crate::service_kit::{Fixture, Wanted, error, hashes, rows, run};
use std::path::Path;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use twiceproof_lab::service::ServiceStream;

const REQUESTS: &str = "(requests)";
const REPLIES: &str = r#"
[[reply]]
method  = "POST"
path    = "/charges/*"
status  = 201
headers = { X-Kind = "charge" }
body    = "charged"

[[reply]]
path   = "/down"
status = 503
"#;

async fn dial(fixture: &mut Fixture) -> UnixStream {
    match fixture.service.dial().await.unwrap() {
        ServiceStream::Unix(stream) => stream,
        ServiceStream::Tcp(_) => panic!("a sink is in the harness"),
    }
}

/// Says all of this, then that it was all, and reads until the service hangs up.
async fn say(fixture: &mut Fixture, text: &str) -> String {
    let mut stream = dial(fixture).await;
    stream
        .write_all(text.replace('\n', "\r\n").as_bytes())
        .await
        .unwrap();
    stream.shutdown().await.unwrap();
    let mut said = Vec::new();
    stream.read_to_end(&mut said).await.unwrap();
    String::from_utf8(said).unwrap().replace("\r\n", "\n")
}

fn post(path: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!("POST {path} HTTP/1.1\nContent-Length: {length}\n{headers}\n{body}")
}

/// Starts a sink with the table of replies.
async fn sink(options: &[(&str, &str)]) -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("replies.toml");
    std::fs::write(&file, REPLIES).unwrap();
    let mut all = vec![("replies", file.to_str().unwrap())];
    all.extend_from_slice(options);
    let wanted = Wanted {
        kind: "http",
        options: &all,
        ..Wanted::default()
    };
    Fixture::start(wanted).await.unwrap()
}

#[test]
fn requests_are_answered_from_the_table_and_kept() {
    run(async {
        let mut fixture = sink(&[("headers", "X-Tenant\ncontent-type")]).await;
        let empty = hashes(&fixture.capture().await);
        let first = post(
            "/charges/7?b=2&token=hunter2&a=1",
            "X-Tenant: t\nX-Other: o\n",
            "five",
        );
        let text = format!("{first}GET /a HTTP/1.1\n\nHEAD /down HTTP/1.1\n\n");
        insta::assert_snapshot!(say(&mut fixture, &text).await, @r"
        HTTP/1.1 201 Created
        X-Kind: charge
        Content-Length: 7

        chargedHTTP/1.1 200 OK
        Content-Length: 0

        HTTP/1.1 503 Service Unavailable
        Content-Length: 0
        ");
        let once = fixture.capture().await;
        let [row] = &rows(&once, REQUESTS)[..] else {
            panic!("one request changed something")
        };
        let start = "NULL|POST|/charges/7|a=1&b=2&token=?|x-tenant: t|";
        assert!(row.starts_with(start), "{row}");
        assert!(row.ends_with("|five"), "{row}");
        say(&mut fixture, &post("/down", "", "refused")).await;
        assert_eq!(hashes(&fixture.capture().await), hashes(&once));
        say(&mut fixture, &first).await;
        assert_eq!(rows(&fixture.capture().await, REQUESTS).len(), 2);
        fixture.service.reset().await.unwrap();
        assert_eq!(hashes(&fixture.capture().await), empty);
    });
}

#[test]
fn a_key_makes_one_effect_and_one_reply() {
    run(async {
        let mut fixture = sink(&[]).await;
        let keyed = |body: &str| post("/charges/7", "Idempotency-Key: k1\n", body);
        let first = say(&mut fixture, &keyed("five")).await;
        assert_eq!(say(&mut fixture, &keyed("five")).await, first);
        let other = say(&mut fixture, &keyed("six")).await;
        assert!(other.starts_with("HTTP/1.1 422"), "{other}");
        let found = rows(&fixture.capture().await, REQUESTS);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("k1|POST|/charges/7|"), "{found:?}");
        fixture.service.reset().await.unwrap();
        assert_eq!(say(&mut fixture, &keyed("six")).await, first);
        // A request that was refused has used no key.
        let down = post("/down", "Idempotency-Key: k2\n", "");
        assert!(say(&mut fixture, &down).await.starts_with("HTTP/1.1 503"));
        let up = post("/charges/7", "Idempotency-Key: k2\n", "");
        assert!(say(&mut fixture, &up).await.starts_with("HTTP/1.1 201"));
    });
}

#[test]
fn bodies_are_called_for_chunked_and_closed() {
    run(async {
        let mut fixture = sink(&[]).await;
        let mut stream = dial(&mut fixture).await;
        let head = b"PUT /a HTTP/1.1\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n";
        stream.write_all(head).await.unwrap();
        let mut go = vec![0; 25];
        stream.read_exact(&mut go).await.unwrap();
        assert_eq!(go, b"HTTP/1.1 100 Continue\r\n\r\n");
        let body = b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
        stream.write_all(body).await.unwrap();
        let last = b"DELETE /b HTTP/1.1\r\nConnection: close\r\n\r\n";
        stream.write_all(last).await.unwrap();
        let mut said = String::new();
        stream.read_to_string(&mut said).await.unwrap();
        assert_eq!(said.matches("HTTP/1.1 200 OK").count(), 2, "{said}");
        assert!(said.contains("Connection: close"), "{said}");
        let found = rows(&fixture.capture().await, REQUESTS);
        assert!(found[1].ends_with("|abcde"), "{found:?}");
        assert!(found[0].contains("|DELETE|/b|"), "{found:?}");
        let old = say(&mut fixture, "GET /a HTTP/1.0\n\n").await;
        assert!(old.contains("Connection: close"), "{old}");
    });
}

#[test]
fn what_is_no_request_is_refused() {
    run(async {
        let mut fixture = sink(&[]).await;
        for text in [
            "hello\n\n",
            "POST /a HTTP/1.1\nContent-Length: 1\nTransfer-Encoding: chunked\n\n",
            "POST /a HTTP/1.1\nTransfer-Encoding: chunked\n\nx\n",
        ] {
            let said = say(&mut fixture, text).await;
            assert!(said.starts_with("HTTP/1.1 400 Bad Request\n"), "{said}");
            assert!(said.contains("Connection: close"), "{said}");
        }
        assert!(rows(&fixture.capture().await, REQUESTS).is_empty());
    });
}

#[test]
fn what_a_job_sends_as_its_last_act_counts() {
    run(async {
        let mut fixture = sink(&[]).await;
        let mut stream = dial(&mut fixture).await;
        let text = post("/a", "", "last").replace('\n', "\r\n");
        assert_eq!(stream.try_write(text.as_bytes()).unwrap(), text.len());
        stream.shutdown().await.unwrap();
        drop(stream);
        assert_eq!(rows(&fixture.capture().await, REQUESTS).len(), 1);
    });
}

#[test]
fn options_that_do_not_fit_are_refused() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("bad.toml");
        std::fs::write(&file, "[[reply]]\npaht = \"/a\"\nstatus = 99\n").unwrap();
        let file = file.to_str().unwrap();
        for (options, expect) in [
            (&[("replies", file)][..], "unknown key `paht`"),
            (
                &[("replies", "/nowhere")],
                "cannot read the table of replies",
            ),
            (
                &[("replies", file), ("command", "true")],
                "exclude each other",
            ),
            (
                &[("headers", "Authorization")],
                "authorization, which may hold a secret",
            ),
            (&[("command", "false")], "ended before it listened"),
            (&[("command", "no-such-program")], "no-such-program"),
        ] {
            let wanted = Wanted {
                kind: "http",
                options,
                ..Wanted::default()
            };
            let told = error(Fixture::start(wanted).await).to_string();
            assert!(told.contains(expect), "{told}");
        }
    });
}

/// A program that counts what it is asked to, in memory.
const PROGRAM: &str = r#"
import http.server, os

count = 0

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def do_POST(self):
        global count
        count += 1
        self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/die":
            os._exit(3)
        body = b"%s %d" % (os.environ["GREETING"].encode(), count)
        self.send_response_only(409 if self.path == "/no" else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"#;

async fn program(folder: &Path) -> Fixture {
    std::fs::write(folder.join("program.py"), PROGRAM).unwrap();
    let options = [
        ("command", "/usr/bin/python3\nprogram.py"),
        ("folder", folder.to_str().unwrap()),
        ("listen", "8081"),
        ("env", "GREETING=count"),
    ];
    let wanted = Wanted {
        kind: "http",
        options: &options,
        ..Wanted::default()
    };
    Fixture::start(wanted).await.unwrap()
}

#[test]
fn a_program_answers_and_its_requests_are_kept() {
    let folder = tempfile::tempdir_in("/var/tmp").unwrap();
    run(async {
        let mut fixture = program(folder.path()).await;
        assert_eq!(fixture.service.version(), "/usr/bin/python3");
        for _ in 0..2 {
            let text = post("/a", "", "x") + &post("/no", "", "y") + &post("/b", "", "z");
            let said = say(&mut fixture, &text).await;
            let ends = ["count 1", "count 2", "count 3"];
            assert!(ends.iter().all(|end| said.contains(end)), "{said}");
            let found = rows(&fixture.capture().await, REQUESTS);
            let paths = found.iter().map(|row| row.split('|').nth(2).unwrap());
            assert_eq!(paths.collect::<Vec<_>>(), ["/a", "/b"]);
            fixture.service.reset().await.unwrap();
            assert!(rows(&fixture.capture().await, REQUESTS).is_empty());
        }
    });
}

#[test]
fn a_program_that_dies_is_told() {
    let folder = tempfile::tempdir_in("/var/tmp").unwrap();
    run(async {
        let mut fixture = program(folder.path()).await;
        assert_eq!(say(&mut fixture, &post("/die", "", "")).await, "");
        let died = fixture.service.died().await.to_string();
        assert!(died.contains("service svc died: exit code 3"), "{died}");
        assert!(fixture.service.dial().await.is_err());
    });
}
