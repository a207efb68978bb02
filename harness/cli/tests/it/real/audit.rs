//! A job that does not repeat itself, on a PostgreSQL.

use super::run;
use crate::kit::Project;

/// Reads under another name in every run, then writes what any number of runs may write.
const TARGET: &str = r#"schema  = 1
command = ["bash", "job.sh"]
env     = { PGHOST = "db", PGUSER = "app", PGDATABASE = "app" }
workdir = "."
[service.pg]
kind    = "postgres"
host    = "db"
seed    = ["seed.sql"]
options = { database = "app", user = "app" }
"#;

#[test]
fn a_job_that_differs_in_every_run_is_sampled_and_told_of() {
    let project = Project::empty();
    project.write("targets/fickle/target.toml", TARGET);
    let seed = "create table t (id int primary key, n int); insert into t values (1, 0);";
    project.write("targets/fickle/seed.sql", seed);
    let job = "psql -X -q -o /dev/null -c \"SELECT n AS a$RANDOM$RANDOM FROM t LIMIT 1\" \\\n  \
        -c 'UPDATE t SET n = 5 WHERE id = 1'\n";
    project.write("targets/fickle/job.sh", job);
    let scenario = "schema = 1\ntitle = \"reads under another name\"\ntarget = \"fickle\"\n\
        search = { stages = [\"serial\", \"sample\"], samples = 4, budget = \"5m\" }\n";
    project.write("scenarios/fickle.toml", scenario);
    let (ran, report) = run(&project, "fickle", "2");
    assert_eq!(ran.code, 0, "{}\n{}", ran.out, ran.err);
    let claim = &report["scenarios"][0]["claim"];
    assert_eq!(claim["word"], "sampled");
    let audit = claim["because"][1].as_str().unwrap();
    assert!(
        audit.starts_with("only 0 of 3 schedules, run twice,"),
        "{audit}"
    );
    assert!(audit.contains("LIMIT without ORDER BY"), "{audit}");
}
