use twiceproof_report::escape::{columns, count, cut, escape, pad, seconds, show, thousands, wrap};

#[test]
fn hostile_text_is_spelled_out() {
    let cases = [
        ("plain", "plain"),
        ("a\nb\tc\r", "a\\nb\\tc\\r"),
        ("\u{1b}[31m", "\\u{1b}[31m"),
        ("\u{202e}exe", "\\u{202e}exe"),
        ("a\u{200b}b\u{feff}", "a\\u{200b}b\\u{feff}"),
        ("\u{9b}2J\0", "\\u{9b}2J\\u{0}"),
        ("語é", "語é"),
    ];
    for (text, expect) in cases {
        assert_eq!(escape(text), expect, "{text:?}");
    }
}

#[test]
fn text_is_cut_by_columns() {
    let cases = [
        ("abc", 3, "abc"),
        ("abcd", 3, "ab…"),
        ("語語語", 5, "語語…"),
        ("語語語", 4, "語…"),
    ];
    for (text, width, expect) in cases {
        assert_eq!(cut(text, width), expect);
        assert!(columns(&cut(text, width)) <= width);
    }
    assert_eq!(show(&"\u{1b}".repeat(1000), 10), "\\u{1b}\\u{…");
    assert_eq!(pad("語", 4), "語  ");
}

#[test]
fn numbers_read_well() {
    assert_eq!(thousands(1_234_567), "1,234,567");
    assert_eq!(thousands(999), "999");
    assert_eq!(count(1, "step"), "1 step");
    assert_eq!(count(2, "retry"), "2 retries");
    assert_eq!(seconds(430), "0.4 s");
    assert_eq!(seconds(130_900), "2m10s");
    assert_eq!(wrap("a bb ccc dddd", 6), ["a bb", "ccc", "dddd"]);
}
