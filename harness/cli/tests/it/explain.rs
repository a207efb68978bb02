//! The pages of codes.

use crate::kit::{finish, twiceproof};

fn explain(codes: &[&str]) -> crate::kit::Ran {
    let mut command = twiceproof();
    command.arg("explain").args(codes);
    finish(command, None)
}

#[test]
fn every_code_has_a_page() {
    let all = explain(&[]);
    assert_eq!(all.code, 0, "{}", all.err);
    let codes: Vec<&str> = all
        .out
        .lines()
        .filter_map(|line| line.split(' ').next())
        .collect();
    for known in ["T1", "L11", "D9", "TP-V01", "TP-I03", "TP-E"] {
        assert!(codes.contains(&known), "{known}: {codes:?}");
    }
    let pages = explain(&codes);
    assert_eq!(pages.code, 0, "{}", pages.err);
    let heads = codes
        .iter()
        .filter(|code| pages.out.contains(&format!("{code} ")));
    assert_eq!(heads.count(), codes.len());
}

#[test]
fn a_code_can_be_written_small_and_must_be_known() {
    let page = explain(&["l5"]);
    assert_eq!(page.code, 0);
    for part in ["L5 the lease runs out", "instead", "hypothesis"] {
        assert!(page.out.contains(part), "{part}: {}", page.out);
    }
    let wrong = explain(&["L99"]);
    assert_eq!(wrong.code, 2);
    assert!(wrong.err.contains("no code `L99`"), "{}", wrong.err);
}
