//! SMTP.

use super::{check, down, up};

#[test]
fn smtp_shows_no_secret() {
    check(
        "smtp",
        &[
            down(b"220 hello\r\n"),
            up(b"EHLO me\r\n"),
            down(b"250-hello\r\n250 AUTH LOGIN PLAIN\r\n"),
            up(b"AUTH LOGIN\r\n"),
            down(b"334 VXNlcm5hbWU6\r\n"),
            up(b"aHVudGVyMg==\r\n"),
            down(b"334 UGFzc3dvcmQ6\r\n"),
            up(b"QUIT\r\n"),
            down(b"535 no\r\n"),
            up(b"AUTH PLAIN AGh1bnRlcjI=\r\n"),
            down(b"235 ok\r\n"),
            up(b"QUIT\r\n"),
            down(b"221 bye\r\n"),
        ],
        &[
            "< 11 pass",
            "> 9 request EHLO ?",
            "< 11 part",
            "< 22 reply [250]",
            "> 12 request AUTH LOGIN",
            "< 18 reply [334]",
            "> 14 request AUTH ?",
            "< 18 reply [334]",
            "> 6 request AUTH ?",
            "< 8 reply [535]",
            "> 25 request AUTH PLAIN ?",
            "< 8 reply [235]",
            "> 6 request QUIT",
            "< 9 reply [221]",
        ],
    );
}

#[test]
fn smtp_pipelines_and_chunks() {
    check(
        "smtp",
        &[
            down(b"220 hello\r\n"),
            up(b"MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n"),
            down(b"250 ok\r\n550 no\r\n354 go\r\n"),
            up(b"hunter2\r\n..\r\n.\r\nBDAT 7\r\nhunter2BDAT 0 LAST\r\n"),
            down(b"250 ok\r\n250 ok\r\n250 ok\r\n421 bye\r\n"),
            down(b"421 again\r\n"),
        ],
        &[
            "< 11 pass",
            "> 17 request MAIL FROM:<a@b>",
            "> 15 request RCPT TO:<c@d>",
            "> 6 request DATA",
            "< 8 reply [250]",
            "< 8 reply [550]",
            "< 8 reply [354]",
            "> 16 request DATA body",
            "> 15 request BDAT body",
            "> 13 request BDAT body",
            "< 8 reply [250], writes",
            "< 8 reply [250]",
            "< 8 reply [250], writes",
            "< 9 push 421",
            "< 11 push 421",
        ],
    );
}

#[test]
fn smtp_goes_opaque() {
    let hello = down(b"220 hello\r\n");
    check(
        "smtp",
        &[
            hello.clone(),
            up(b"STARTTLS\r\n"),
            down(b"220 go\r\n"),
            up(b"\x16\x03"),
            down(b"\x16"),
        ],
        &[
            "< 11 pass",
            "> 10 request STARTTLS",
            "< 8 reply [220]",
            "< 0 opaque: encrypted after STARTTLS",
            "> 2 pass",
            "< 1 pass",
        ],
    );
    check(
        "smtp",
        &[
            hello.clone(),
            up(b"DATA\r\nhunter2\r\n"),
            down(b"354 go\r\n"),
        ],
        &[
            "< 11 pass",
            "> 6 request DATA",
            "> 9 request UNKNOWN ?",
            "< 0 opaque: a mail body before the service asked for it",
            "< 8 pass",
        ],
    );
    check(
        "smtp",
        &[down(b"hunter2\r\n")],
        &["< 0 opaque: no reply of SMTP", "< 9 pass"],
    );
    check(
        "smtp",
        &[hello, up(&[b'a'; 70_000])],
        &[
            "< 11 pass",
            "> 0 opaque: a line of more than 64 KiB",
            "> 70000 pass",
        ],
    );
}
