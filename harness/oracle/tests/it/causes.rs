//! Causes: for each code a record that has it, and one that nearly has it.

use crate::common::{record, state, table};
use crate::lines::events;
use twiceproof_model::finding::Difference;
use twiceproof_model::scenario::Contract;
use twiceproof_model::snapshot::ObjectName;
use twiceproof_model::target::LockSpec;
use twiceproof_model::{Finding, Snapshot};
use twiceproof_oracle::{Baseline, CAUSES, Side, StateRules, classify};

fn seed() -> Snapshot {
    state(&[
        ("public.members", table("!id balance", &["1 500"])),
        ("public.locks", table("!name held", &["points f"])),
    ])
}

/// What a finding of the tests is about.
pub(crate) struct About {
    contract: Contract,
    code: &'static str,
    /// The object, as `service/object`.
    object: &'static str,
    /// Whether whole rows are too many; else one value differs.
    rows: bool,
}

pub(crate) const STATE: About = About {
    contract: Contract::Once,
    code: "TP-V01",
    object: "pg/public.members",
    rows: false,
};

fn finding(about: &About) -> Finding {
    let (service, object) = about.object.split_once('/').expect("service and object");
    let object = ObjectName::new(&service.into(), object);
    let difference = Difference {
        object: object.clone(),
        row: "id=1".to_owned(),
        column: if about.rows { "" } else { "balance" }.to_owned(),
        expected: "1".to_owned(),
        found: "2".to_owned(),
    };
    Finding {
        code: about.code.to_owned(),
        id: "00000000".to_owned(),
        message: String::new(),
        objects: vec![object],
        differences: vec![difference],
        differences_total: 1,
        events: Vec::new(),
    }
}

/// Returns the codes of the record, given what the clean run does.
fn codes(about: &About, clean: &str, lines: &str) -> Vec<&'static str> {
    codes_under(Vec::new(), about, clean, lines)
}

/// The same where the target declares locks.
pub(crate) fn codes_under(
    locks: Vec<LockSpec>,
    about: &About,
    clean: &str,
    lines: &str,
) -> Vec<&'static str> {
    let clean = record(&seed(), events(clean));
    let rules = StateRules::default();
    let baseline = Baseline::new(seed(), &[&clean], rules, locks, about.contract);
    let mut trial = record(&seed(), events(lines));
    // Both instances start at the beginning but where the lines say when.
    if lines.contains(" start") {
        trial.trace.drain(1..3);
    }
    let causes = classify(&baseline, &trial, &finding(about));
    for cause in &causes {
        assert!(
            !cause.text.is_empty() && !cause.events.is_empty(),
            "{cause:?}"
        );
        assert!(
            cause.events.iter().all(|at| *at < trial.trace.len()),
            "{cause:?}"
        );
    }
    causes.into_iter().map(|cause| cause.code).collect()
}

struct Case {
    code: &'static str,
    about: About,
    clean: &'static str,
    has: &'static str,
    nearly: &'static str,
}

const ADD: &str = "1 pg UPDATE members SET balance = balance + ? => UPDATE 1";
const FLAG: &str = "1 pg SELECT held FROM locks -> SELECT 1
    1 pg UPDATE locks SET held = ? => UPDATE 1
    1 pg UPDATE members SET balance = ? => UPDATE 1
    1 pg UPDATE locks SET held = ? => UPDATE 1";
const LEASE: &str = "1 redis SET lock ? NX PX ? => SET 1
    1 pg UPDATE members SET balance = ? => UPDATE 1
    1 redis DEL lock => DEL 1";
const FILE: &str = "1 files create-new job.lock => create-new
    1 pg UPDATE members SET balance = ? => UPDATE 1
    1 files unlink job.lock => unlink";
const SESSION: &str = "1 pg SELECT pg_advisory_lock(?) => SELECT 1
    1 pg/2 UPDATE members SET balance = ? => UPDATE 1
    1 pg SELECT pg_advisory_unlock(?) => SELECT 1";

const CASES: &[Case] = &[
    Case {
        code: "L1",
        about: STATE,
        clean: ADD,
        has: "1 pg UPDATE members SET balance = ? => UPDATE 1
              2 pg UPDATE members SET balance = ? => UPDATE 1",
        // They followed each other.
        nearly: "1 start
                 1 pg UPDATE members SET balance = ? => UPDATE 1
                 1 exit 0
                 2 start
                 2 pg UPDATE members SET balance = ? => UPDATE 1",
    },
    Case {
        code: "L2",
        about: STATE,
        clean: FLAG,
        has: "1 pg SELECT held FROM locks -> SELECT 1
              2 pg SELECT held FROM locks -> SELECT 1
              1 pg UPDATE locks SET held = ? => UPDATE 1
              2 pg UPDATE locks SET held = ? => UPDATE 1",
        // The second changed no row: it was told.
        nearly: "1 pg SELECT held FROM locks -> SELECT 1
                 2 pg SELECT held FROM locks -> SELECT 1
                 1 pg UPDATE locks SET held = ? => UPDATE 1
                 2 pg UPDATE locks SET held = ? => UPDATE 0",
    },
    Case {
        code: "L2",
        about: STATE,
        clean: "1 files create job.lock => create 1
                1 files unlink job.lock => unlink",
        has: "1 files create job.lock => create 1
              2 files create job.lock => create 0",
        nearly: "1 files create job.lock => create 1
                 1 files unlink job.lock => unlink
                 2 files create job.lock => create 1",
    },
    Case {
        code: "L3",
        about: About {
            code: "TP-V06",
            ..STATE
        },
        clean: FILE,
        has: "1 files create-new job.lock => create-new
              1 kill
              calm
              1 start
              1 files create-new job.lock => !EEXIST
              1 exit 0",
        nearly: "1 files create-new job.lock => create-new
                 1 files unlink job.lock => unlink
                 1 kill
                 calm
                 1 start
                 1 exit 0",
    },
    Case {
        code: "L3",
        about: STATE,
        clean: FILE,
        has: "1 files create-new job.lock => create-new
              2 files unlink job.lock => unlink
              2 files create-new job.lock => create-new",
        // Its owner is gone.
        nearly: "1 files create-new job.lock => create-new
                 1 kill
                 2 files unlink job.lock => unlink
                 2 files create-new job.lock => create-new",
    },
    Case {
        code: "L4",
        about: STATE,
        clean: SESSION,
        has: "1 pg SELECT pg_advisory_lock(?) => SELECT 1
              1 cut pg/1
              2 pg SELECT pg_advisory_lock(?) => SELECT 1
              1 pg/2 UPDATE members SET balance = ? => UPDATE 1",
        // It stopped.
        nearly: "1 pg SELECT pg_advisory_lock(?) => SELECT 1
                 1 cut pg/1
                 2 pg SELECT pg_advisory_lock(?) => SELECT 1
                 1 exit 3",
    },
    Case {
        code: "L5",
        about: STATE,
        clean: LEASE,
        has: "1 redis SET lock ? NX PX ? => SET 1
              fault expire redis lease=\"lock\"
              2 redis SET lock ? NX PX ? => SET 1
              1 pg UPDATE members SET balance = ? => UPDATE 1",
        // The lease of another key ran out.
        nearly: "1 redis SET lock ? NX PX ? => SET 1
                 fault expire redis lease=\"session\"
                 2 redis SET lock ? NX PX ? => SET 0
                 1 pg UPDATE members SET balance = ? => UPDATE 1",
    },
    Case {
        code: "L6",
        about: STATE,
        clean: FILE,
        has: "1 files create-new job.lock => create-new
              fault clock job#2 by=\"+45s\"
              2 files unlink job.lock => unlink
              2 files create-new job.lock => create-new",
        nearly: "1 files create-new job.lock => create-new
                 2 files unlink job.lock => unlink
                 2 files create-new job.lock => create-new
                 fault clock job#2 by=\"+45s\"",
    },
    Case {
        code: "L7",
        about: STATE,
        clean: LEASE,
        has: "1 redis SET lock ? NX PX ? => SET 1
              fault expire redis lease=\"lock\"
              2 redis SET lock ? NX PX ? => SET 1
              1 redis DEL lock => DEL 1
              2 exit 0",
        // It compares, and removes nothing.
        nearly: "1 redis SET lock ? NX PX ? => SET 1
                 fault expire redis lease=\"lock\"
                 2 redis SET lock ? NX PX ? => SET 1
                 1 redis EVAL 63143b6f 1 lock ? => EVAL 0
                 2 exit 0",
    },
    Case {
        code: "L8",
        about: STATE,
        clean: FILE,
        has: "1 files create-new job.lock => create-new
              1 files unlink job.lock => unlink
              2 files create-new job.lock => create-new
              1 pg UPDATE members SET balance = ? => UPDATE 1",
        // The other comes after its last write.
        nearly: "1 files create-new job.lock => create-new
                 1 files unlink job.lock => unlink
                 1 pg UPDATE members SET balance = ? => UPDATE 1
                 2 files create-new job.lock => create-new",
    },
    Case {
        code: "L8",
        about: About {
            code: "TP-V08",
            ..STATE
        },
        clean: FILE,
        has: "1 files create-new job.lock => create-new
              1 exit 1",
        // What is killed cannot give anything back: that is L3.
        nearly: "1 files create-new job.lock => create-new
                 1 kill",
    },
    Case {
        code: "L9",
        about: About {
            contract: Contract::Workers,
            ..STATE
        },
        clean: ADD,
        has: "1 pg UPDATE members SET balance = ? => UPDATE 1
              2 pg UPDATE members SET balance = ? => UPDATE 1",
        nearly: "1 pg UPDATE members SET balance = ? => UPDATE 1
                 2 pg UPDATE members SET balance = ? => UPDATE 0",
    },
    Case {
        code: "L10",
        about: STATE,
        clean: FILE,
        has: "1 files create-new job.lock => create-new
              2 files create-new job.lock => create-new",
        nearly: "1 files create-new job.lock => create-new
                 2 files unlink job.lock => unlink
                 2 files create-new job.lock => create-new",
    },
    Case {
        code: "L11",
        about: STATE,
        clean: SESSION,
        has: "1 pg SELECT pg_advisory_lock(?) => SELECT 1
              1 cut pg/1
              2 pg SELECT pg_advisory_lock(?) => SELECT 1
              1 pg/2 UPDATE members SET balance = ? => UPDATE 1",
        // Its lock was not lost.
        nearly: "1 pg SELECT pg_advisory_lock(?) => SELECT 1
                 1 pg/2 UPDATE members SET balance = ? => UPDATE 1
                 1 cut pg/2
                 1 exit 0",
    },
    Case {
        code: "L11",
        about: About {
            object: "other/public.members",
            ..STATE
        },
        clean: FLAG,
        has: "1 pg UPDATE locks SET held = ? => UPDATE 1
              2 pg UPDATE locks SET held = ? => UPDATE 1
              1 other UPDATE members SET balance = ? => UPDATE 1",
        nearly: "1 pg UPDATE locks SET held = ? => UPDATE 1
                 2 pg UPDATE locks SET held = ? => UPDATE 1
                 1 pg UPDATE members SET balance = ? => UPDATE 1",
    },
    Case {
        code: "D1",
        about: STATE,
        clean: ADD,
        has: "1 pg UPDATE members SET balance = balance + ? => UPDATE 1
              2 pg UPDATE members SET balance = balance + ? => UPDATE 1",
        nearly: "1 pg UPDATE members SET balance = balance + ? => UPDATE 1
                 2 pg UPDATE members SET balance = balance + ? => UPDATE 0",
    },
    Case {
        code: "D2",
        about: About {
            rows: true,
            ..STATE
        },
        clean: ADD,
        has: "1 pg INSERT INTO members (id) VALUES (?) => INSERT 1
              2 pg INSERT INTO members (id) VALUES (?) => INSERT 1",
        nearly: "1 pg INSERT INTO members (id) VALUES (?) => INSERT 1
                 2 pg INSERT INTO members (id) VALUES (?) => !23505",
    },
    Case {
        code: "D3",
        about: STATE,
        clean: ADD,
        has: "1 pg SELECT balance FROM members -> SELECT 1
              2 pg SELECT balance FROM members -> SELECT 1
              2 pg UPDATE members SET balance = ? => UPDATE 1
              1 pg UPDATE members SET balance = ? => UPDATE 1",
        nearly: "2 pg SELECT balance FROM members -> SELECT 1
                 2 pg UPDATE members SET balance = ? => UPDATE 1
                 1 pg SELECT balance FROM members -> SELECT 1
                 1 pg UPDATE members SET balance = ? => UPDATE 1",
    },
    Case {
        code: "D4",
        about: STATE,
        clean: LEASE,
        has: "1 redis SET lock ? NX PX ? => SET 1
              2 redis SET lock ? NX PX ? => SET 1
              1 pg UPDATE members SET balance = ? => UPDATE 1",
        // The store refused it.
        nearly: "1 redis SET lock ? NX PX ? => SET 1
                 2 redis SET lock ? NX PX ? => SET 1
                 1 pg UPDATE members SET balance = ? WHERE fence < ? => UPDATE 0",
    },
    Case {
        code: "D5",
        about: About {
            object: "mail/(mails)",
            rows: true,
            ..STATE
        },
        clean: ADD,
        has: "1 pg BEGIN -> BEGIN
              1 pg UPDATE members SET balance = ? => UPDATE 1
              1 mail DATA body => 250
              1 kill
              2 mail DATA body => 250",
        nearly: "1 pg BEGIN -> BEGIN
                 1 pg UPDATE members SET balance = ? => UPDATE 1
                 1 pg COMMIT => COMMIT
                 1 mail DATA body => 250
                 2 mail DATA body => 250",
    },
    Case {
        code: "D6",
        about: STATE,
        clean: "1 pg UPDATE members SET balance = ? => UPDATE 1
                1 pg UPDATE members SET balance = ? => UPDATE 1",
        has: "1 pg UPDATE members SET balance = ? => UPDATE 1
              1 kill
              calm
              1 start
              1 pg UPDATE members SET balance = ? => UPDATE 1",
        // Nothing of it was kept.
        nearly: "1 pg BEGIN -> BEGIN
                 1 pg UPDATE members SET balance = ? => UPDATE 1
                 1 kill
                 calm
                 1 start
                 1 pg UPDATE members SET balance = ? => UPDATE 1",
    },
    Case {
        code: "D7",
        about: STATE,
        clean: ADD,
        has: "1 pg UPDATE members SET status = ? WHERE id = ? => UPDATE 1
              2 pg UPDATE members SET status = ? WHERE id = ? => UPDATE 1",
        nearly: "1 pg UPDATE members SET status = ? WHERE id = ? AND status = ? => UPDATE 1
                 2 pg UPDATE members SET status = ? WHERE id = ? AND status = ? => UPDATE 1",
    },
    Case {
        code: "D8",
        about: STATE,
        clean: ADD,
        has: "1 pg SELECT nextval(?) => SELECT 1
              2 pg SELECT nextval(?) => SELECT 1",
        nearly: "1 pg SELECT nextval(?) => SELECT 1
                 1 pg SELECT nextval(?) => SELECT 1",
    },
    Case {
        code: "D9",
        about: About {
            object: "files/report.csv",
            ..STATE
        },
        clean: ADD,
        has: "1 files create report.csv => create 1
              2 files create report.csv => create 0",
        // Each under a name of its own.
        nearly: "1 files create a.tmp => create 1
                 2 files create b.tmp => create 1",
    },
];

#[test]
fn every_code_is_shown_and_nearly_shown() {
    for case in CASES {
        let shown = codes(&case.about, case.clean, case.has);
        assert!(
            shown.contains(&case.code),
            "{}: {shown:?}\n{}",
            case.code,
            case.has
        );
        let nearly = codes(&case.about, case.clean, case.nearly);
        assert!(
            !nearly.contains(&case.code),
            "{}: {nearly:?}\n{}",
            case.code,
            case.nearly
        );
    }
}

#[test]
fn no_code_of_a_record_is_untested() {
    for kind in CAUSES.iter().filter(|kind| kind.side != Side::Trigger) {
        assert!(
            CASES.iter().any(|case| case.code == kind.code),
            "{}",
            kind.code
        );
    }
}

#[test]
fn codes_are_unique_and_explained() {
    for (index, kind) in CAUSES.iter().enumerate() {
        let earlier = &CAUSES[..index];
        assert!(
            earlier.iter().all(|other| other.code != kind.code),
            "{}",
            kind.code
        );
        let texts = [kind.title, kind.doc, kind.remedy];
        assert!(texts.iter().all(|text| !text.is_empty()), "{}", kind.code);
    }
    let count = |side| CAUSES.iter().filter(|kind| kind.side == side).count();
    assert_eq!(
        (count(Side::Trigger), count(Side::Lock), count(Side::Data)),
        (7, 11, 9)
    );
}

#[test]
fn a_record_without_evidence_has_no_code() {
    let pass = "1 pg SELECT ? FROM members -> SELECT 1";
    assert!(codes(&STATE, ADD, pass).is_empty());
}
