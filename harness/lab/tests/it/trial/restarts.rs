//! Services that go down in the middle of a trial, and come back on their data.

use super::kit::{Seen, Small, psql};
use super::links::{effects, state, untouched};
use twiceproof_model::record::Doubt;
use twiceproof_model::{Event, Exit};

const WRITE: &str = "psql -Xqc 'update t set n = n + 1 where id = 1'";

/// Commits, is cut off in the middle of a transaction, and tries again until the server is back.
const PATIENT: &str = "psql -Xq <<'END'
update t set n = 1 where id = 2;
begin;
update t set n = 9 where id = 1;
commit;
END
until psql -Xqc 'select 1' >/dev/null 2>>/tmp/log; do sleep 0.05; done
cat /tmp/log
psql -Xqtc 'select n from t order by id'";

fn output(seen: &Seen) -> &str {
    let output = seen.record.outputs.values().next();
    output.map_or("", |output| output.head.as_str())
}

#[test]
fn a_server_comes_back_with_what_was_committed() {
    let mut lab = Small::psql(PATIENT);
    for fault in ["restart pg", "restart pg signal=KILL", "kill pg"] {
        let (inject, heal) = (format!("inject {fault}"), format!("heal {fault}"));
        let wishes = [
            "start job#1",
            "release job#1@1",
            "release job#1@2",
            "release job#1@3",
            &inject,
            "wake job#1",
            &heal,
        ];
        let seen = lab.run(1, &wishes);
        let said = output(&seen).to_owned();
        let seen = seen.granted();
        assert!(said.contains("refused"), "{fault}: {said}");
        assert!(
            said.ends_with(" 0\n 1\n\n") || said.ends_with("0\n     1\n\n"),
            "{fault}: {said:?}"
        );
        assert_eq!(effects(&seen), [1], "{fault}");
        assert_eq!(seen.record.doubts, [], "{fault}");
        assert_eq!(seen.exits(), [Exit::Code(0)], "{fault}");
    }
    // The next trial finds the service as every other does.
    assert_eq!(lab.run(0, &[]).exits(), []);
}

#[test]
fn a_service_is_down_as_long_as_it_says() {
    let fault = "restart pg down=80ms";
    let (inject, heal) = (format!("inject {fault}"), format!("heal {fault}"));
    // Nobody waits for a service that no instance is left to ask.
    let patient = format!("{WRITE}; until psql -Xqc 'select 1'; do sleep 0.05; done");
    let mut lab = Small::psql(&patient);
    let seen = lab.run(1, &["start job#1", &inject, &heal]).granted();
    let at = |holds: fn(&Event) -> bool| {
        let mut trace = seen.record.trace.iter();
        trace.find(|stamped| holds(&stamped.event)).unwrap().at_us
    };
    let begun = at(|event| matches!(event, Event::Injected(_)));
    assert!(at(|event| matches!(event, Event::Healed { .. })) >= begun + 80_000);
    assert_eq!(effects(&seen), [1]);
    assert_eq!(state(&seen), untouched());
}

#[test]
fn a_service_that_nobody_is_connected_to_leaves_a_doubt() {
    let fault = "restart pg";
    let inject = format!("inject {fault}");
    let heal = format!("heal {fault}");
    let seen = Small::psql(WRITE).run(1, &[&inject, &heal]).granted();
    assert_eq!(effects(&seen), [0]);
    let named =
        |doubt: &Doubt| matches!(doubt, Doubt::FaultWithoutEffect(text) if text.starts_with(fault));
    assert!(
        seen.record.doubts.iter().any(named),
        "{:?}",
        seen.record.doubts
    );
}

#[test]
fn a_cache_comes_back_empty() {
    let script = "redis-cli -h cache SET lock me; redis-cli -h cache GET lock; \
        until redis-cli -h cache PING; do sleep 0.05; done; redis-cli -h cache EXISTS lock";
    let services = "[service.redis]\nkind = \"redis\"\nhost = \"cache\"\n";
    let text = psql(script).replace("[service.pg]", &format!("{services}[service.pg]"));
    let mut lab = Small::new(&text);
    let wishes = [
        "start job#1",
        "release job#1@1",
        "inject restart redis",
        "wake job#1",
        "heal restart redis",
    ];
    let seen = lab.run(1, &wishes);
    assert!(output(&seen).ends_with("PONG\n0\n"), "{}", output(&seen));
    let seen = seen.granted();
    assert_eq!(effects(&seen), [1]);
}
