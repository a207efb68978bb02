//! The Redis service on the local backend.

use crate::service_kit::{Fixture, Wanted, error, hashes, names, rows, run};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use twiceproof_lab::service::{ServiceError, ServiceStream};
use twiceproof_model::target::StateSpec;

const SEED: &str = r##"
# One command a line.
SET text "two words\n"
SET lease holder PX 100000
set binary "\xff\x00"
RPUSH list b a b
SADD set c a b
HSET hash name "a b" points 10
ZADD board 2 b 1.5 a
XADD stream 1-1 event paid
XGROUP CREATE stream workers 0
SELECT 3
SET elsewhere 1
SELECT 0
SCRIPT LOAD "return 7"
FUNCTION LOAD "#!lua name=points\nredis.register_function('take', function(keys, args) return 1 end)"
CONFIG SET notify-keyspace-events KEA
"##;

fn wanted() -> Wanted<'static> {
    Wanted {
        kind: "redis",
        seeds: &[("seed.redis", SEED)],
        ..Wanted::default()
    }
}

async fn dial(fixture: &mut Fixture) -> TcpStream {
    match fixture.service.dial().await.unwrap() {
        ServiceStream::Tcp(stream) => stream,
        ServiceStream::Unix(_) => panic!("a server is reached by TCP"),
    }
}

/// Does one command a line; returns all that came back until the server had done them.
async fn tell(stream: &mut TcpStream, lines: &str) -> String {
    let text = format!("{}\r\nECHO the-end\r\n", lines.trim().replace('\n', "\r\n"));
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answers = Vec::new();
    while !answers.ends_with(b"the-end\r\n") {
        assert_ne!(stream.read_buf(&mut answers).await.unwrap(), 0);
    }
    String::from_utf8_lossy(&answers).into_owned()
}

#[test]
fn a_seeded_server_is_captured_whole() {
    run(async {
        let mut fixture = Fixture::start(wanted()).await.unwrap();
        let state = fixture.capture().await;
        let objects = [
            "(db3) elsewhere",
            "(functions)",
            "binary",
            "board",
            "hash",
            "lease",
            "list",
            "set",
            "stream",
            "text",
        ];
        let binary = names(&state)[2];
        assert_eq!(
            names(&state),
            objects.map(|name| match name {
                "binary" => binary,
                _ => name,
            })
        );
        assert_eq!(rows(&state, "text"), ["string|NULL|NULL|two words\n"]);
        assert_eq!(rows(&state, "lease"), ["string|yes|NULL|holder"]);
        assert!(rows(&state, "binary")[0].contains(" #"));
        assert_eq!(
            rows(&state, "list"),
            ["list|NULL|0|b", "list|NULL|1|a", "list|NULL|2|b"]
        );
        assert_eq!(
            rows(&state, "set"),
            ["set|NULL|a|NULL", "set|NULL|b|NULL", "set|NULL|c|NULL"]
        );
        assert_eq!(
            rows(&state, "hash"),
            ["hash|NULL|name|a b", "hash|NULL|points|10"]
        );
        assert_eq!(rows(&state, "board"), ["zset|NULL|a|1.5", "zset|NULL|b|2"]);
        assert_eq!(
            rows(&state, "stream"),
            [
                "stream|NULL|(group) workers|pending 0 last 0-0",
                "stream|NULL|1-1|event paid"
            ]
        );
        assert!(rows(&state, "(functions)")[0].starts_with("points|#!lua"));
        assert_eq!(fixture.capture().await, state);
        let version = fixture.service.version();
        assert!(version.starts_with("Redis 7."), "{version}");
    });
}

#[test]
fn only_what_is_named_is_compared() {
    run(async {
        let wanted = Wanted {
            state: StateSpec {
                tables: vec!["l*".to_owned()],
                ..StateSpec::default()
            },
            ..wanted()
        };
        let mut fixture = Fixture::start(wanted).await.unwrap();
        assert_eq!(names(&fixture.capture().await), ["lease", "list"]);
    });
}

#[test]
fn each_change_is_seen_and_taken_back() {
    const CHANGES: &[&str] = &[
        "SET text other",
        "DEL text",
        "PERSIST lease",
        "EXPIRE text 1000",
        "RPUSH list c",
        "SREM set a",
        "HINCRBY hash points 1",
        "ZADD board 1.6 a",
        "XADD stream 2-1 event lost",
        "XREADGROUP GROUP workers me COUNT 1 STREAMS stream >",
        "SELECT 15\nSET far 1",
        "FUNCTION FLUSH",
        "FLUSHALL",
        "SWAPDB 0 3",
        "EVAL \"for i = 1, 3000 do redis.call('SADD', 'many', i) end\" 0",
        "SETRANGE long 3000000 x",
        "MULTI\nINCR counter\nEXEC",
    ];
    run(async {
        let mut fixture = Fixture::start(wanted()).await.unwrap();
        let seeded = hashes(&fixture.capture().await);
        for change in CHANGES {
            let mut stream = dial(&mut fixture).await;
            let answer = tell(&mut stream, change).await;
            assert!(!answer.contains("-ERR"), "{change}: {answer}");
            let changed = hashes(&fixture.capture().await);
            assert_ne!(changed, seeded, "{change}");
            assert_eq!(hashes(&fixture.capture().await), changed, "{change}");
            fixture.service.reset().await.unwrap();
            assert_eq!(hashes(&fixture.capture().await), seeded, "{change}");
        }
    });
}

#[test]
fn what_is_no_key_is_taken_back_too() {
    run(async {
        let mut fixture = Fixture::start(wanted()).await.unwrap();
        let mut stream = dial(&mut fixture).await;
        tell(
            &mut stream,
            "HELLO 3\nCONFIG SET maxmemory 100mb\nACL SETUSER other on nopass\nEVAL \"return 8\" 0\nSCRIPT FLUSH\n\
             SUBSCRIBE channel\nCLIENT PAUSE 100000 WRITE",
        )
        .await;
        fixture.service.reset().await.unwrap();
        // The session of the former trial is gone.
        let mut rest = Vec::new();
        let gone = stream.read_to_end(&mut rest);
        let gone = tokio::time::timeout(Duration::from_secs(10), gone).await;
        assert!(gone.is_ok());
        let mut stream = dial(&mut fixture).await;
        let told = tell(
            &mut stream,
            "CONFIG GET maxmemory\nACL USERS\nSET a 1\nPUBLISH channel x\n\
             CONFIG GET notify-keyspace-events\nEVALSHA 59b6ab2fbe0ee4b25733de0f62e6cda4899ef8e9 0",
        )
        .await;
        assert!(told.contains("maxmemory\r\n$1\r\n0\r\n"), "{told}");
        assert!(!told.contains("other"), "{told}");
        assert!(told.contains("+OK\r\n:0\r\n"), "{told}");
        assert!(told.contains("$3\r\nAKE\r\n"), "{told}");
        assert!(told.contains(":7\r\n"), "{told}");
    });
}

#[test]
fn a_blocked_session_is_named_by_its_port() {
    run(async {
        let mut fixture = Fixture::start(wanted()).await.unwrap();
        let stream = fixture.service.dial().await.unwrap();
        let session = fixture.service.session(&stream).unwrap();
        let ServiceStream::Tcp(mut waiting) = stream else {
            panic!("a server is reached by TCP");
        };
        assert!(
            fixture
                .service
                .blocked(&[session])
                .await
                .unwrap()
                .is_empty()
        );
        waiting.write_all(b"BLPOP empty 0\r\n").await.unwrap();
        let asked = async {
            while fixture
                .service
                .blocked(&[session, 1])
                .await
                .unwrap()
                .is_empty()
            {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), asked)
            .await
            .unwrap();
        let mut other = dial(&mut fixture).await;
        tell(&mut other, "RPUSH empty x").await;
        assert!(
            fixture
                .service
                .blocked(&[session])
                .await
                .unwrap()
                .is_empty()
        );
        let mut answer = [0; 22];
        waiting.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"*2\r\n$5\r\nempty\r\n$1\r\nx\r\n");
    });
}

#[test]
fn a_lease_ends_at_once_and_nothing_else_does() {
    run(async {
        let mut fixture = Fixture::start(wanted()).await.unwrap();
        assert!(fixture.service.expire("lease").await.unwrap());
        assert!(!names(&fixture.capture().await).contains(&"lease"));
        let state = hashes(&fixture.capture().await);
        // Gone, never there, no lease.
        for none in ["lease", "nothing", "text"] {
            assert!(!fixture.service.expire(none).await.unwrap(), "{none}");
        }
        assert_eq!(hashes(&fixture.capture().await), state);
    });
}

#[test]
fn a_seed_that_fails_is_named_by_file_and_line() {
    let check = |seed: &str, expect: &str| {
        run(async {
            let wanted = Wanted {
                seeds: &[("seed.redis", seed)],
                ..wanted()
            };
            match error(Fixture::start(wanted).await) {
                ServiceError::Input { message, .. } => {
                    assert!(message.contains(expect), "{message}");
                }
                other => panic!("{other}"),
            }
        });
    };
    check("SET a 1\n\nLPUSH a x\n", "seed.redis, line 3: WRONGTYPE");
    check("SET a \"1\n", "seed.redis, line 1: quotes are not closed");
}

#[test]
fn a_password_is_asked_for() {
    run(async {
        let wanted = Wanted {
            options: &[("password", "hunter2")],
            ..wanted()
        };
        let mut fixture = Fixture::start(wanted).await.unwrap();
        let mut stream = dial(&mut fixture).await;
        stream
            .write_all(b"GET text\r\nAUTH hunter2\r\n")
            .await
            .unwrap();
        let told = tell(&mut stream, "GET text").await;
        assert!(told.starts_with("-NOAUTH"), "{told}");
        assert!(told.contains("two words"), "{told}");
    });
}

#[test]
fn a_server_that_dies_says_so() {
    run(async {
        let mut fixture = Fixture::start(wanted()).await.unwrap();
        let mut stream = dial(&mut fixture).await;
        stream.write_all(b"SHUTDOWN NOSAVE\r\n").await.unwrap();
        let died = tokio::time::timeout(Duration::from_secs(10), fixture.service.died());
        assert!(matches!(died.await.unwrap(), ServiceError::Died { .. }));
        let error = fixture.service.reset().await.unwrap_err();
        assert!(matches!(error, ServiceError::Died { .. }), "{error}");
    });
}
