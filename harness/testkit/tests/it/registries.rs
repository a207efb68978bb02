//! Every entry of every registry is documented, and no name stands twice.

use std::collections::BTreeSet;
use twiceproof_explore::{stage_kinds, trigger_kinds};
use twiceproof_model::kind::Kind;
use twiceproof_oracle::ORACLES;

fn check(family: &str, kinds: &[Kind]) {
    let mut names = BTreeSet::new();
    for kind in kinds {
        assert!(
            names.insert(kind.name),
            "{family} {} stands twice",
            kind.name
        );
        let is_name = |c: char| c.is_ascii_lowercase() || c == '-';
        assert!(kind.name.chars().all(is_name), "{family} {}", kind.name);
        assert!(
            kind.doc.ends_with('.'),
            "{family} {}: {}",
            kind.name,
            kind.doc
        );
        for key in kind.keys {
            assert!(
                key.doc.ends_with('.'),
                "{family} {}.{}",
                kind.name,
                key.name
            );
        }
    }
}

#[test]
fn names_are_unique_and_documented() {
    check("stage", &stage_kinds());
    check("trigger", &trigger_kinds());
    check("check", &twiceproof_oracle::registry::kinds());
}

#[test]
fn oracles_name_their_codes() {
    let mut codes = BTreeSet::new();
    for oracle in ORACLES {
        assert!(!oracle.codes.is_empty(), "{}", oracle.kind.name);
        for code in oracle.codes {
            assert!(code.starts_with("TP-V"), "{code}");
            assert!(codes.insert(*code), "{code} is reported by two oracles");
        }
    }
}

#[test]
fn stages_that_exist_are_known() {
    for kind in stage_kinds() {
        let known = twiceproof_explore::registry::STAGES_KNOWN;
        assert!(known.contains(&kind.name), "{}", kind.name);
    }
}
