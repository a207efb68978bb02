use super::{parse_scenario, parse_target};
use crate::examples::{SCENARIO, SCENARIO_LEAST, TARGET, TARGET_LEAST};

#[test]
fn a_target_with_every_key() {
    insta::assert_debug_snapshot!(parse_target(TARGET).unwrap());
}

#[test]
fn a_target_with_the_least() {
    insta::assert_debug_snapshot!(parse_target(TARGET_LEAST).unwrap());
}

#[test]
fn a_scenario_with_every_key() {
    insta::assert_debug_snapshot!(parse_scenario(SCENARIO).unwrap());
}

#[test]
fn a_scenario_with_the_least() {
    let scenario = parse_scenario(SCENARIO_LEAST).unwrap();
    assert_eq!(
        scenario.target,
        parse_target(TARGET).unwrap(),
        "nothing overrides the target"
    );
    insta::assert_debug_snapshot!((
        scenario.contract,
        scenario.expect,
        scenario.trigger,
        scenario.search,
        scenario.checks,
        scenario.tags,
    ));
}

#[test]
fn one_meaning_can_be_written_in_several_ways() {
    let cases = [
        "service.pg.kind = \"postgres\"\nservice.pg.options.user = \"app\"",
        "[service.pg]\nkind = \"postgres\"\noptions = { user = \"app\" }",
        "[service]\npg = { kind = \"postgres\", options.user = \"app\" }",
        "[service.pg]\nkind = \"postgres\"\n[service.pg.options]\nuser = \"app\"",
        "service = { pg = { kind = 'postgres', options = { user = \"\"\"app\"\"\" } } }",
    ];
    let targets = cases.map(|case| parse_target(&format!("{TARGET_LEAST}{case}\n")));
    assert!(targets[0].is_ok(), "{:?}", targets[0]);
    for (case, target) in cases.iter().zip(&targets) {
        assert_eq!(*target, targets[0], "{case}");
    }
    let checks = [
        "[[check]]\nkind = \"exit\"\ncodes = [3]",
        "check = [{ kind = \"exit\", codes = [3] }]",
        "check = [\n  # which code\n  { kind = \"exit\", codes = [\n 3, ] },\n]",
    ];
    let scenarios = checks.map(|case| parse_scenario(&format!("{SCENARIO_LEAST}{case}\n")));
    assert!(scenarios[0].is_ok(), "{:?}", scenarios[0]);
    for (case, scenario) in checks.iter().zip(&scenarios) {
        assert_eq!(*scenario, scenarios[0], "{case}");
    }
}

#[test]
fn several_services_may_share_a_port_or_a_host() {
    let services = "[service]\na = { kind = \"postgres\" }\nb = { kind = \"postgres\" }\n\
        c = { kind = \"postgres\", host = \"localhost\" }\n\
        d = { kind = \"smtp\", host = \"localhost\" }\n\
        e = { kind = \"files\", options = { path = \"/x\" } }\n\
        f = { kind = \"files\", options = { path = \"/y\" } }\n";
    let target = parse_target(&format!("{TARGET_LEAST}{services}")).unwrap();
    let names: Vec<&str> = target
        .services
        .iter()
        .map(|service| service.name.as_str())
        .collect();
    assert_eq!(
        names,
        ["a", "b", "c", "d", "e", "f"],
        "in the order of the file"
    );
}
