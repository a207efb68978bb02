//! Pipelines and COPY of PostgreSQL.

use super::postgres::{ERROR, FATAL, READY, check_session, messages, session};
use super::{check, down, up};

#[test]
fn postgres_counts_responses_up_to_a_flush() {
    check_session(
        &[
            up(&messages(&[
                (b'P', "a\0UPDATE t SET a = 'hunter2'\0"),
                (b'D', "Sa\0"),
                (b'H', ""),
            ])),
            down(&messages(&[(b'1', ""), (b't', "\0\0"), (b'n', "")])),
            up(&messages(&[
                (b'B', "\0a\0"),
                (b'E', "\0\0\0\0\0"),
                (b'H', ""),
                (b'E', "\0\0\0\0\0"),
                (b'H', ""),
            ])),
            down(&messages(&[(b'2', ""), (b'C', "UPDATE 1\0"), (b's', "")])),
            up(&messages(&[(b'S', "")])),
            down(&messages(&[READY])),
        ],
        &[
            "> 47 request PARSE UPDATE t SET a = ?",
            "< 12 part",
            "< 5 reply []",
            "> 23 request UPDATE t SET a = ?",
            "> 15 request UPDATE t SET a = ?",
            "< 5 part",
            "< 14 reply [UPDATE 1], writes",
            "< 5 reply [], writes",
            "> 5 request SYNC",
            "< 6 reply [], writes, frees locks",
        ],
    );
}

#[test]
fn postgres_skips_up_to_the_sync_after_an_error() {
    let execute = messages(&[
        (b'P', "\0DELETE FROM t\0"),
        (b'B', "\0\0"),
        (b'E', "\0\0\0\0\0"),
        (b'H', ""),
    ]);
    check_session(
        &[
            up(&execute),
            up(&execute),
            down(&messages(&[(b'1', ""), ERROR])),
            // Sent before the error was read: it gets no answer.
            up(&execute),
            up(&messages(&[(b'H', ""), (b'S', "")])),
            down(&messages(&[READY])),
            up(&execute),
            down(&messages(&[(b'1', ""), (b'2', ""), (b'C', "DELETE 3\0")])),
        ],
        &[
            "> 42 request DELETE FROM t",
            "> 42 request DELETE FROM t",
            "< 5 part",
            "< 36 reply [23505], writes, frees locks",
            "< 0 reply [23505], writes, frees locks",
            "> 47 pass",
            "> 5 request SYNC",
            "< 6 reply []",
            "> 42 request DELETE FROM t",
            "< 10 part",
            "< 14 reply [DELETE 3], writes",
        ],
    );
}

#[test]
fn postgres_copies_without_a_sync_before_the_data() {
    check_session(
        &[
            up(&messages(&[
                (b'P', "\0COPY t FROM STDIN\0"),
                (b'B', "\0\0"),
                (b'E', "\0\0\0\0\0"),
            ])),
            up(&messages(&[(b'd', "hunter2"), (b'c', ""), (b'S', "")])),
            down(&messages(&[
                (b'1', ""),
                (b'2', ""),
                (b'G', "\0\0\0"),
                (b'C', "COPY 1\0"),
                READY,
            ])),
            up(&messages(&[(b'Q', "SELECT 1\0")])),
            down(&messages(&[(b'C', "SELECT 1\0"), READY])),
        ],
        &[
            "> 41 request COPY t FROM STDIN",
            "> 22 pass",
            "< 10 part",
            "< 8 prompt",
            "< 12 part",
            "< 6 reply [COPY 1], writes, frees locks",
            "> 14 request SELECT ?",
            "< 14 part",
            "< 6 reply [SELECT 1]",
        ],
    );
}

/// A server that was given the first messages of a pipeline may answer them before the last ones.
#[test]
fn postgres_answers_before_the_request_is_complete() {
    let select = messages(&[
        (b'P', "\0SELECT a FROM t\0"),
        (b'B', "\0\0"),
        (b'E', "\0\0\0\0\0"),
    ]);
    let answers = messages(&[(b'1', ""), (b'2', ""), (b'C', "SELECT 9\0")]);
    check_session(
        &[
            up(&select),
            down(&answers),
            up(&messages(&[(b'S', "")])),
            down(&messages(&[READY])),
        ],
        &[
            "< 24 part",
            "> 44 request SELECT a FROM t",
            "< 6 reply [SELECT 9]",
        ],
    );
    check_session(
        &[
            up(&select),
            down(&answers),
            up(&messages(&[(b'H', "")])),
            up(&messages(&[(b'S', "")])),
            down(&messages(&[READY])),
        ],
        &[
            "< 24 part",
            "> 44 request SELECT a FROM t",
            "> 5 request SYNC",
            "< 0 reply [SELECT 9]",
            "< 6 reply []",
        ],
    );
    check_session(
        &[
            up(&select),
            down(&messages(&[ERROR])),
            up(&select),
            up(&messages(&[(b'S', "")])),
            down(&messages(&[READY])),
        ],
        &[
            "< 36 part",
            "> 83 request SELECT a FROM t x2",
            "< 6 reply [23505], frees locks",
        ],
    );
    let all = session(&[up(&select), down(&messages(&[FATAL]))]);
    check(
        "postgres",
        &all,
        &["> 55 pass", "< 6 pass", "< 36 push FATAL 57P01"],
    );
}

/// What stands behind the Sync is not skipped, even if it comes before the error is through.
#[test]
fn postgres_skips_no_further_than_the_sync() {
    let execute = messages(&[
        (b'P', "\0DELETE FROM t\0"),
        (b'B', "\0\0"),
        (b'E', "\0\0\0\0\0"),
    ]);
    let flush = messages(&[(b'H', "")]);
    let sync = messages(&[(b'S', "")]);
    let answers = messages(&[(b'1', ""), (b'2', ""), (b'C', "DELETE 3\0")]);
    check_session(
        &[
            up(&[&execute[..], &flush, &execute, &sync].concat()),
            down(&messages(&[ERROR])),
            up(&[&execute[..], &flush].concat()),
            down(&messages(&[READY])),
            down(&answers),
        ],
        &[
            "> 42 request DELETE FROM t",
            "> 42 request DELETE FROM t",
            "< 36 reply [23505], writes, frees locks",
            "> 42 request DELETE FROM t",
            "< 6 reply [23505], writes, frees locks",
            "< 10 part",
            "< 14 reply [DELETE 3], writes",
        ],
    );
}

/// The only Sync of a COPY is the one behind its data, whether or not it began.
#[test]
fn postgres_copy_fails_before_data_sent_blindly() {
    check_session(
        &[
            up(&messages(&[
                (b'P', "\0COPY t FROM STDIN\0"),
                (b'B', "\0\0"),
                (b'E', "\0\0\0\0\0"),
            ])),
            up(&messages(&[
                (b'd', "hunter2"),
                (b'c', ""),
                (b'S', ""),
                (b'Q', "SELECT 1\0"),
            ])),
            down(&messages(&[(b'1', ""), ERROR, READY])),
            down(&messages(&[(b'C', "SELECT 1\0"), READY])),
        ],
        &[
            "> 41 request COPY t FROM STDIN",
            "> 22 pass",
            "> 14 request SELECT ?",
            "< 41 part",
            "< 6 reply [23505], writes, frees locks",
            "< 14 part",
            "< 6 reply [SELECT 1]",
        ],
    );
}
