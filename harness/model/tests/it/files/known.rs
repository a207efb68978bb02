//! Diagnostics of known findings.

use super::broken::scenario_ends;

#[test]
fn known_findings() {
    let head = "[[known]]\nfinding = \"4f2a91c3\"\n";
    let rest = "ticket = \"OPS-12\"\nreason = \"later\"";
    let known = |text: &str| text.replace("HEAD\n", head).replace("REST", rest);
    let cases = [
        ("all keys are required", "[[known]]"),
        ("no table", "known = [\"4f2a91c3\"]"),
        (
            "no id",
            "[[known]]\nfinding = \"4F2A\"\nuntil = 2026-12-31\nREST",
        ),
        ("date in quotes", "HEAD\nuntil = \"2026-12-31\"\nREST"),
        (
            "date with a time",
            "HEAD\nuntil = 2026-12-31T12:00:00Z\nREST",
        ),
        ("no date", "HEAD\nuntil = \"soon\"\nREST"),
        (
            "no text",
            "HEAD\nuntil = 2026-12-31\nticket = \"\"\nreason = \"a\\nb\"",
        ),
        (
            "twice",
            "HEAD\nuntil = 2026-12-31\nREST\nHEAD\nuntil = 2027-12-31\nREST",
        ),
        ("key", "HEAD\nuntill = 2026-12-31\nREST"),
        (
            "beside a lesson",
            "expect = \"violation\"\nHEAD\nuntil = 2026-12-31\nREST",
        ),
    ];
    let cases = cases.map(|(name, text)| (name, known(text)));
    let cases: Vec<(&str, &str)> = cases.iter().map(|(name, text)| (*name, &**text)).collect();
    insta::assert_snapshot!(scenario_ends(&cases));
}
