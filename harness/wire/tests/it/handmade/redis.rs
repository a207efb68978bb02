//! Redis.

use super::{check, down, up};

#[test]
fn redis_reads_lines() {
    check(
        "redis",
        &[
            up(b"\r\nPING\r\nSET \"a b\" 'hunter2' ex 5\nhunter2\r\n"),
            down(b"+PONG\r\n+OK\r\n-ERR unknown command 'hunter2'\r\n"),
            up(b"SET \"hunter2\r\n"),
            down(b"-ERR Protocol error: unbalanced quotes in request\r\n"),
        ],
        &[
            "> 8 request PING",
            "> 25 request SET a_b ? EX ?",
            "> 9 request UNKNOWN",
            "< 7 reply [PING]",
            "< 5 reply [SET 1], writes",
            "< 32 reply [ERR], writes, frees locks",
            "> 14 request UNKNOWN",
            "< 51 reply [ERR], writes, frees locks",
        ],
    );
}

#[test]
fn redis_takes_a_transaction_as_one_effect() {
    check(
        "redis",
        &[
            up(b"MULTI\r\nGET a\r\nDEL b\r\nEVAL 'return 1' 0\r\nEXEC\r\nGET a\r\n"),
            down(b"+OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n"),
            down(b"*3\r\n*2\r\n:1\r\n$1\r\nx\r\n:0\r\n-ERR no\r\n$-1\r\n"),
            up(b"MULTI\r\nGET a\r\nEXEC\r\nEXEC\r\n"),
            down(b"+OK\r\n+QUEUED\r\n*1\r\n$-1\r\n-ERR EXEC without MULTI\r\n"),
        ],
        &[
            "> 7 request MULTI",
            "> 7 request GET a",
            "> 7 request DEL b",
            "> 19 request EVAL e0e1f9fa 0",
            "> 6 request EXEC",
            "> 7 request GET a",
            "< 5 reply [MULTI]",
            "< 9 reply [QUEUED]",
            "< 9 reply [QUEUED]",
            "< 9 reply [QUEUED]",
            "< 32 reply [DEL 0, EVAL], writes, frees locks",
            "< 5 reply [GET 0]",
            "> 7 request MULTI",
            "> 7 request GET a",
            "> 6 request EXEC",
            "> 6 request EXEC",
            "< 5 reply [MULTI]",
            "< 9 reply [QUEUED]",
            "< 9 reply [EXEC 1]",
            "< 25 reply [ERR], writes, frees locks",
        ],
    );
}

#[test]
fn redis_may_be_told_not_to_reply() {
    check(
        "redis",
        &[
            up(b"CLIENT REPLY SKIP\r\nSET a 1\r\nSET b 1\r\n"),
            down(b"+OK\r\n"),
            up(b"CLIENT REPLY OFF\r\nSET a 1\r\nCLIENT REPLY SKIP\r\nSET b 1\r\nCLIENT REPLY ON\r\n"),
            down(b"+OK\r\n"),
            up(b"GET a\r\n"),
            down(b"$1\r\n1\r\n"),
        ],
        &[
            "> 19 unanswered CLIENT REPLY SKIP",
            "> 9 unanswered SET a ?",
            "> 9 request SET b ?",
            "< 5 reply [SET 1], writes",
            "> 18 unanswered CLIENT REPLY OFF",
            "> 9 unanswered SET a ?",
            "> 19 unanswered CLIENT REPLY SKIP",
            "> 9 unanswered SET b ?",
            "> 17 request CLIENT REPLY ON",
            "< 5 reply [CLIENT REPLY]",
            "> 7 request GET a",
            "< 7 reply [GET 1]",
        ],
    );
}

#[test]
fn redis_pushes() {
    check(
        "redis",
        &[
            up(b"PSUBSCRIBE a* b*\r\n"),
            down(b"*3\r\n$10\r\npsubscribe\r\n$2\r\na*\r\n:1\r\n"),
            down(b"*4\r\n$8\r\npmessage\r\n$2\r\na*\r\n$1\r\na\r\n$1\r\nx\r\n"),
            down(b"*3\r\n$10\r\npsubscribe\r\n$2\r\nb*\r\n:2\r\n"),
            up(b"PING\r\nPUNSUBSCRIBE\r\nLRANGE l 0 -1\r\n"),
            down(b"*2\r\n$4\r\npong\r\n$0\r\n\r\n"),
            down(b"*3\r\n$12\r\npunsubscribe\r\n$2\r\na*\r\n:1\r\n"),
            down(b"*3\r\n$12\r\npunsubscribe\r\n$2\r\nb*\r\n:0\r\n"),
            down(b"*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nb\r\n"),
            up(b"HELLO 3\r\nGET k\r\n"),
            down(b"%1\r\n$5\r\nproto\r\n:3\r\n>2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\nk\r\n_\r\n"),
            up(b"UNSUBSCRIBE\r\n"),
            down(b">3\r\n$11\r\nunsubscribe\r\n_\r\n:0\r\n"),
        ],
        &[
            "> 18 request PSUBSCRIBE a* b*",
            "< 33 part",
            "< 40 push PMESSAGE a*",
            "< 33 reply [PSUBSCRIBE]",
            "> 6 request PING",
            "> 14 request PUNSUBSCRIBE",
            "> 15 request LRANGE l ?",
            "< 20 reply [PING]",
            "< 35 part",
            "< 35 reply [PUNSUBSCRIBE]",
            "< 31 reply [LRANGE 3]",
            "> 9 request HELLO 3",
            "> 7 request GET k",
            "< 19 reply [HELLO]",
            "< 32 push INVALIDATE",
            "< 3 reply [GET 0]",
            "> 13 request UNSUBSCRIBE",
            "< 29 reply [UNSUBSCRIBE]",
        ],
    );
}

#[test]
fn redis_refuses_unasked() {
    check(
        "redis",
        &[down(b"-ERR max number of clients reached\r\n")],
        &["< 36 push ERROR ERR"],
    );
}

#[test]
fn redis_streams_what_is_long() {
    let long = [
        &b"*2\r\n$70000\r\n"[..],
        &[b'x'; 70_000],
        b"\r\n$2\r\nab\r\n",
    ]
    .concat();
    let last = [&b"*2\r\n+a\r\n$70000\r\n"[..], &[b'x'; 70_000], b"\r\n"].concat();
    let many = [&b"*9000\r\n"[..], &b"$3\r\nabc\r\n".repeat(9000)].concat();
    check(
        "redis",
        &[
            up(b"LRANGE l 0 -1\r\nLRANGE l 0 -1\r\nLRANGE l 0 -1\r\n"),
            down(&long),
            down(&last),
            down(&many),
        ],
        &[
            "> 15 request LRANGE l ?",
            "> 15 request LRANGE l ?",
            "> 15 request LRANGE l ?",
            "< 70012 part",
            "< 10 reply [LRANGE 2]",
            "< 70016 part",
            "< 2 reply [LRANGE 2]",
            "< 65545 part",
            "< 15462 reply [LRANGE 9000]",
        ],
    );
}

#[track_caller]
fn goes(up_bytes: &[u8], down_bytes: &[u8], expect: &[&str]) {
    check("redis", &[up(up_bytes), down(down_bytes)], expect);
}

#[test]
fn redis_goes_opaque_where_the_session_turns() {
    goes(
        b"MONITOR\r\n",
        b"+OK\r\n+1 [0 127.0.0.1:1] \"AUTH\" \"hunter2\"\r\n",
        &[
            "> 9 request MONITOR",
            "< 5 reply [MONITOR]",
            "< 0 opaque: the log of all commands, after MONITOR",
            "< 37 pass",
        ],
    );
    goes(
        b"PSYNC ? -1\r\n",
        b"+CONTINUE\r\n",
        &["> 0 opaque: replication", "> 12 pass", "< 11 pass"],
    );
    goes(
        b"MULTI\r\nSUBSCRIBE c\r\n",
        b"+OK\r\n+QUEUED\r\n",
        &[
            "> 7 request MULTI",
            "> 13 request SUBSCRIBE c",
            "< 5 reply [MULTI]",
            "< 0 opaque: a change of the session inside MULTI",
            "< 9 pass",
        ],
    );
    goes(
        b"MULTI\r\nCLIENT REPLY OFF\r\n",
        b"+OK\r\n",
        &[
            "> 7 request MULTI",
            "> 0 opaque: CLIENT REPLY inside MULTI",
            "> 18 pass",
            "< 5 pass",
        ],
    );
}

#[test]
fn redis_goes_opaque_where_it_makes_no_sense() {
    goes(
        b"*1\r\n+GET\r\n",
        b"",
        &["> 0 opaque: no command of Redis", "> 10 pass"],
    );
    goes(
        b"*1\r\n$99999999\r\n",
        b"",
        &["> 0 opaque: a command of more than 16 MiB", "> 15 pass"],
    );
    goes(
        b"*99999999\r\n",
        b"",
        &[
            "> 0 opaque: a command of more than 1048576 words",
            "> 11 pass",
        ],
    );
    goes(
        &[b'a'; 70_000],
        b"",
        &["> 0 opaque: a line of more than 64 KiB", "> 70000 pass"],
    );
    goes(
        b"",
        b"+OK\r\n",
        &["< 0 opaque: a reply without a request", "< 5 pass"],
    );
    goes(
        b"",
        b"hunter2\r\n",
        &["< 0 opaque: no reply of Redis", "< 9 pass"],
    );
    goes(
        b"GET k\r\n",
        b"|1\r\n+a\r\n+b\r\n",
        &[
            "> 7 request GET k",
            "< 0 opaque: no reply of Redis",
            "< 12 pass",
        ],
    );
    goes(
        b"GET k\r\n",
        &b"*1\r\n".repeat(200),
        &[
            "> 7 request GET k",
            "< 0 opaque: a reply of more than 128 levels",
            "< 800 pass",
        ],
    );
}
