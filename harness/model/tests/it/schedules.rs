//! Schedule files and moments: print, parse, equal; and every error.

use crate::kinds::KINDS;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;
use twiceproof_model::diag::Flaw;
use twiceproof_model::moment::{Moment, Phase, RequestMoment, is_match, shortest_unique_prefix};
use twiceproof_model::schedule::{Directive, OrderedRequest, Schedule, Until};
use twiceproof_model::{Fault, InstanceId, Signature, Who};

const GOOD: &str = "twiceproof schedule 1
seed  2a
target points-grant 0a1b2c3d
service pg postgres \"17.2 (Debian 17.2-1)\"
start job#1
run   job#1 until pg \"SELECT id, balance\" 1 replied
fault kill job#1 scope=tree
run   job#2 to blocked
fault pause job#2
fault resume job#2
fault pause job#1 for=4s
fault heal pause job#1 for=4s
run   job#2 until mail \"a \\\"quoted\\\" \\\\ text\\u{a}\" 12 answered
run   job#2 to exit
order job#1 redis \"GET\" 1 < job#2 redis \"GET\" 1 < job#1 redis \"SET\" 1
";

fn instances() -> impl Strategy<Value = InstanceId> {
    (1..=32_u8).prop_map(|number| InstanceId::new(number).unwrap())
}

fn request_moments() -> impl Strategy<Value = RequestMoment> {
    let phases = prop_oneof![
        Just(Phase::Held),
        Just(Phase::Answered),
        Just(Phase::Replied)
    ];
    let patterns = prop_oneof![
        "[A-Z]{1,8} [a-z*?]{0,20}",
        ".{1,40}",
        "[\"\\\\# \t\r\n]{1,9}"
    ];
    let patterns = patterns.prop_filter("bounds", |pattern| pattern.len() <= 200);
    let services = prop_oneof!["[a-z][a-z0-9_-]{0,8}", ".{0,9}", "start", "exit"];
    (services, patterns, 1..=u32::MAX, phases).prop_map(|(service, pattern, nth, phase)| {
        RequestMoment {
            service: service.as_str().into(),
            pattern,
            nth,
            phase,
        }
    })
}

fn moments() -> impl Strategy<Value = Moment> {
    prop_oneof![
        instances().prop_map(Moment::Start),
        instances().prop_map(Moment::Exit),
        (instances(), request_moments())
            .prop_map(|(instance, request)| Moment::Request(instance, request)),
    ]
}

fn directives() -> impl Strategy<Value = Directive> {
    let untils = prop_oneof![
        request_moments().prop_map(Until::Request),
        Just(Until::Exit),
        Just(Until::Blocked)
    ];
    let keys = prop::collection::btree_map("(.{0,4}s|.{0,4}-)", ".{0,9}", 0..3);
    let who = prop_oneof![
        instances().prop_map(Who::Instance),
        Just(Who::Any),
        "(.{0,9}|any|heal)".prop_map(|name| Who::Service(name.as_str().into())),
    ];
    let link = prop::option::of(".{0,9}");
    let lasts = prop::option::of((1..100_000_u64).prop_map(Duration::from_millis));
    let kind = "([a-z-]{1,9}|heal|resume)";
    let faults = (kind, who, link, lasts, keys).prop_map(|(kind, who, link, lasts, keys)| Fault {
        kind,
        who,
        link: link.map(|link| link.as_str().into()),
        lasts,
        keys,
    });
    prop_oneof![
        instances().prop_map(Directive::Start),
        (instances(), untils).prop_map(|(instance, until)| Directive::Run(instance, until)),
        (faults, any::<bool>()).prop_map(|(fault, heals)| match heals {
            true => Directive::Heal(fault),
            false => Directive::Fault(fault),
        }),
    ]
}

fn orders() -> impl Strategy<Value = Vec<OrderedRequest>> {
    let request = (instances(), request_moments()).prop_map(|(instance, request)| {
        let phase = Phase::Replied;
        OrderedRequest {
            instance,
            request: RequestMoment { phase, ..request },
        }
    });
    prop::collection::vec(request, 1..4)
}

fn schedules() -> impl Strategy<Value = Schedule> {
    let services = prop::collection::btree_map(".{0,9}", (".{0,9}", ".{0,9}"), 0..3);
    let services = services.prop_map(|services: BTreeMap<String, (String, String)>| {
        services
            .into_iter()
            .map(|(name, (kind, version))| (name, kind, version))
            .collect()
    });
    let target = prop::option::of((".{0,9}", "[0-9a-f]{8}"));
    let body = prop::collection::vec(directives(), 0..9);
    let orders = prop::collection::vec(orders(), 0..3);
    (any::<u64>(), target, services, body, orders).prop_map(
        |(seed, target, services, body, orders)| Schedule {
            seed,
            target,
            services,
            body,
            orders,
        },
    )
}

proptest! {
    #[test]
    fn a_printed_schedule_reads_back(schedule in schedules()) {
        let text = schedule.to_string();
        let read = Schedule::parse(&text);
        prop_assert_eq!(read.as_ref(), Ok(&schedule), "{}", text);
    }

    #[test]
    fn a_printed_moment_reads_back(moment in moments()) {
        let text = moment.to_string();
        prop_assert_eq!(text.parse::<Moment>(), Ok(moment), "{}", text);
    }

    #[test]
    fn no_text_is_too_much(text in any::<String>(), known in any::<bool>()) {
        let text = if known { format!("twiceproof schedule 1\n{text}\n") } else { text };
        check_flaw(&text, Schedule::parse(&text).err());
        check_flaw(&text, Schedule::parse_known(&text, &KINDS).err());
        check_flaw(&text, text.parse::<Moment>().err());
    }

    #[test]
    fn a_changed_schedule_is_read_or_refused(
        at in any::<prop::sample::Index>(), length in 0..20_usize, new in "[ -~]{0,5}",
    ) {
        let at = at.index(GOOD.len());
        let end = (at + length).min(GOOD.len());
        let text = format!("{}{new}{}", &GOOD[..at], &GOOD[end..]);
        check_flaw(&text, Schedule::parse_known(&text, &KINDS).err());
    }

    #[test]
    fn a_cut_schedule_is_refused_or_ends_with_a_line(at in 0..GOOD.len()) {
        let text = &GOOD[..at];
        prop_assert_eq!(Schedule::parse(text).is_ok(), text.ends_with('\n'), "{}", text);
    }

    #[test]
    fn a_shortest_prefix_finds_its_text_alone(
        texts in prop::collection::btree_set("[A-C]{1,3} [a*?#\n語]{0,70}", 1..6),
        pick in any::<prop::sample::Index>(),
    ) {
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let text = texts[pick.index(texts.len())];
        let pattern = shortest_unique_prefix(text, &texts);
        prop_assert!(is_match(&pattern, text), "{pattern:?} {text:?}");
        prop_assert!(pattern.len() <= 200 && pattern.chars().count() <= 65);
        // Marks have 16 bits: texts that share theirs cannot be told apart.
        if !pattern.contains('#') {
            let others = texts.iter().filter(|other| **other != text);
            prop_assert!(others.clone().all(|other| !is_match(&pattern, other)), "{pattern:?}");
        }
    }

    #[test]
    fn any_pattern_on_any_text(pattern in "[ab*?#]{0,12}", text in "[ab*?#]{0,24}") {
        // The slow and obvious way: try every length for every star.
        fn slow(pattern: &[u8], text: &[u8]) -> bool {
            match pattern.split_first() {
                None => true,
                Some((b'*', rest)) => (0..=text.len()).any(|skip| slow(rest, &text[skip..])),
                Some((byte, rest)) => text.first() == Some(byte) && slow(rest, &text[1..]),
            }
        }
        let moment = RequestMoment {
            service: "pg".into(), pattern, nth: 1, phase: Phase::Held,
        };
        let expect = slow(moment.pattern.as_bytes(), text.as_bytes());
        prop_assert_eq!(moment.matches(&text), expect);
    }
}

fn check_flaw(text: &str, flaw: Option<Flaw>) {
    if let Some(flaw) = flaw {
        assert!(flaw.line(text) >= 1);
        let drawn = flaw.in_file(Path::new("f.schedule")).render(text, 80);
        assert!(drawn.starts_with("TP-S"), "{drawn}");
    }
}

#[test]
fn one_schedule_has_one_text() {
    let schedule = Schedule::parse_known(GOOD, &KINDS).unwrap();
    assert_eq!(schedule.to_string(), GOOD);
    insta::assert_debug_snapshot!(schedule);
    let loose = "twiceproof schedule 1\r\n\n  # a comment\nrun job#1 to exit # done\n\
        \tseed\t0000ABC\nrun\tjob#2 until  \"pg\" \"x # y\" 3   held   # held there\n";
    let tidy = "twiceproof schedule 1\nseed  abc\nrun   job#1 to exit\n\
        run   job#2 until pg \"x # y\" 3 held\n";
    assert_eq!(Schedule::parse(loose).unwrap().to_string(), tidy);
}

#[test]
fn every_error_of_a_schedule() {
    let long = format!("run job#1 until pg \"{}\" 1 held", "a".repeat(201));
    let bodies = [
        "ru job#1 to exit",
        "order",
        "order job#1 redis \"GET\" 1 <",
        "order job#1 redis \"GET\" 1 job#2 redis \"GET\" 1",
        "order job#1 redis \"GET\" 1 held < job#2 redis \"GET\" 1",
        "order job#1 redis GET 1 < job#2 redis \"GET\" 1",
        "run job#1",
        "run job#1 to exti",
        "run job#1 to exit now",
        "run job#0 to exit",
        "run job#33 to exit",
        "run until pg \"x\" 1 held",
        "run job#1 until pg x 1 held",
        "run job#1 until pg \"\" 1 held",
        "run job#1 until pg \"x\" 0 held",
        "run job#1 until pg \"x\" 99999999999 held",
        "run job#1 until pg \"x\" 1 hold",
        "run job#1 until pg \"x",
        "run job#1 until pg \"x\\n\" 1 held",
        "run job#1 until pg \"x\\u{110000}\" 1 held",
        &long,
        "seed xyz",
        "seed 1\nseed 2",
        "seed 12345678901234567",
        "target points",
        "target points 1234",
        "target points 12345678\ntarget points 12345678",
        "service pg postgres",
        "service pg postgres 17\nservice pg postgres 17",
        "fault kil job#1",
        "fault kill",
        "fault kill job#",
        "fault kill job#1 for=never",
        "fault kill job#1 for=1s for=1s",
        "fault kill job#1 scope=world",
        "fault heal",
        "fault heal kil job#1",
        "fault kill job#1 scoop=tree",
        "fault kill job#1 scope",
        "fault kill job#1 scope=",
        "fault kill job#1 scope=tree scope=tree",
        "fault pause job#1 scope=tree",
        "start job#1 job#2",
        "\u{1b}[2J",
    ];
    let whole = [
        String::new(),
        "\n".into(),
        "{\"seed\":1}\n".into(),
        "twiceproof schedule\n".into(),
        "twiceproof schedule 2\nsomething new\n".into(),
        "twiceproof trial 1\n".into(),
        "twiceproof schedule 1".into(),
        "twiceproof schedule 1\nrun   job#1 to ex".into(),
        format!("twiceproof schedule 1\n{}", "start job#1\n".repeat(1000)),
        format!("twiceproof schedule 1\n{}", " ".repeat(65536)),
    ];
    let texts = bodies
        .iter()
        .map(|body| format!("twiceproof schedule 1\n{body}\n"));
    let drawn = texts.chain(whole).map(|text| {
        let flaw = Schedule::parse_known(&text, &KINDS).expect_err(&text);
        let diag = flaw.in_file(Path::new("a.schedule"));
        diag.render(&text, 100)
    });
    insta::assert_snapshot!(drawn.collect::<String>());
    let most = format!("twiceproof schedule 1\n{}", "start job#1\n".repeat(999));
    Schedule::parse(&most).unwrap();
}

#[test]
fn every_error_of_a_moment() {
    let texts = [
        "",
        "job#1",
        "job",
        "job#1 begin",
        "job#1 start now",
        "job#1 pg \"x\" 1",
        "job#1 pg \"x\" one held",
        "job#1 pg \"x\" 1 done",
        "job#1 exit # comment",
    ];
    let drawn = texts.map(|text| match text.parse::<Moment>() {
        Ok(moment) => format!("{text:?}: {moment}\n"),
        Err(flaw) => format!("{text:?}: {flaw} at {:?}. {}\n", flaw.span, flaw.help),
    });
    insta::assert_snapshot!(drawn.concat());
}

#[test]
fn prefixes_are_as_short_as_they_can_be() {
    let long = format!("INSERT INTO t VALUES ({})", "?, ".repeat(40));
    let longer = format!("{long} RETURNING id");
    let cases: &[(&str, &[&str], &str)] = &[
        ("COMMIT", &["BEGIN"], "COMMIT"),
        ("COMMIT", &["COMMIT", "COMMIT PREPARED ?"], "COMMIT#"),
        (
            "UPDATE members SET a = ?",
            &["UPDATE points SET a = ?", "SELECT ?"],
            "UPDATE members",
        ),
        (
            "UPDATE a SET b = ?",
            &["UPDATE a SET c = ?"],
            "UPDATE a SET b",
        ),
        ("SELECT ?", &[], "SELECT"),
        ("SELECT * FROM a", &["SELECT b FROM a"], "SELECT * FROM a#"),
        (&long, &[&longer], "INSERT INTO t VALUES (?, ?, ?, ?"),
        ("", &["A"], "#"),
    ];
    for (text, others, expect) in cases {
        let pattern = shortest_unique_prefix(text, others);
        assert!(pattern.starts_with(expect), "{pattern}, not {expect}");
        assert!(is_match(&pattern, text), "{pattern}");
    }
}

#[test]
fn patterns_mean_what_they_say() {
    let cases = [
        ("UPDATE", "UPDATE members", true),
        ("update", "UPDATE members", false),
        ("UPDATE * SET", "UPDATE members SET a = ?", true),
        (
            "UPDATE * WHERE * = ?",
            "UPDATE m SET a = ? WHERE id = ?",
            true,
        ),
        ("UPDATE * WHERE", "UPDATE m SET a = ?", false),
        ("*", "", true),
        ("SELECT ?", "SELECT ?, ?", true),
        ("SELECT ?", "SELECT a", false),
    ];
    for (pattern, text, expect) in cases {
        assert_eq!(is_match(pattern, text), expect, "{pattern} on {text}");
    }
    let signature = Signature {
        service: "pg".into(),
        text: "COMMIT".into(),
        nth: 3,
    };
    let exact = RequestMoment::exact(&signature, Phase::Held);
    assert!(exact.matches("COMMIT"), "{exact}");
    assert!(!exact.matches("COMMIT PREPARED ?"), "{exact}");
    assert_eq!(exact.nth, 3);
}
