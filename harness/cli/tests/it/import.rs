//! Imports: what is made of real files, what is said of wrong ones.

use crate::kit::Project;

const CRONTAB: &str = "# nightly jobs\n\
    MAILTO=ops@x.test\n\
    CRON_TZ=Europe/Berlin\n\
    LANG=C.UTF-8\n\
    30 2 * * *  flock -n /run/points.lock /opt/points.sh --day $(date +\\%F)\n\
    */15 * * * mon-fri  cd /srv && /usr/bin/python3 mails.py %input\n";

const CRON_JOB: &str = r#"apiVersion: batch/v1
kind: CronJob
metadata:
  name: points
spec:
  schedule: "0 2 * * *"
  timeZone: Asia/Tokyo
  concurrencyPolicy: Forbid
  successfulJobsHistoryLimit: 3
  jobTemplate:
    spec:
      backoffLimit: 3
      activeDeadlineSeconds: 600
      parallelism: 2
      template:
        spec:
          restartPolicy: Never
          terminationGracePeriodSeconds: 30
          nodeSelector: { disk: ssd }
          containers:
            - name: points
              image: "points:1.42"
              command: ["python3", "points.py"]
              args: ["--date", "2026-11-22"]
              env:
                - name: TZ
                  value: Asia/Tokyo
                - name: DATABASE_URL
                  valueFrom: { secretKeyRef: { name: db, key: url } }
---
apiVersion: v1
kind: Service
metadata: { name: beside }
"#;

#[test]
fn a_crontab_becomes_targets_and_scenarios() {
    let project = Project::new();
    project.write("crontab", CRONTAB);
    let ran = project.run(&[
        "import",
        "crontab",
        "crontab",
        "--print",
        "--on",
        "2026-11-27",
    ]);
    insta::assert_snapshot!(ran.text());
}

#[test]
fn a_line_of_a_crontab_becomes_scenarios_of_a_target() {
    let project = Project::new();
    project.write("job.cron", "0 1 * * *  app  /opt/job\n");
    let args = [
        "import", "crontab", "job.cron", "--target", "job", "--system",
    ];
    let args = [&args[..], &["--zone", "America/New_York"]].concat();
    let ran = project.run(&[&args[..], &["--print", "--on", "2026-11-27"]].concat());
    insta::assert_snapshot!(ran.text());
    let ran = project.run(&args);
    insta::assert_snapshot!(ran.text(), @r"
    exit 0
    --- out
    wrote scenarios/job/slots-overlap.toml
    wrote scenarios/job/two-starts.toml
    --- err
    ");
    // What is there stays.
    let ran = project.run(&args);
    insta::assert_snapshot!(ran.text());
}

#[test]
fn a_manifest_becomes_a_target_and_scenarios() {
    let project = Project::new();
    project.write("k8s/points.yaml", CRON_JOB);
    let ran = project.run(&[
        "import",
        "k8s",
        "k8s/points.yaml",
        "--print",
        "--on",
        "2026-11-27",
    ]);
    insta::assert_snapshot!(ran.text());
}

#[test]
fn every_file_that_is_made_is_sound() {
    let project = Project::new();
    project.write("crontab", CRONTAB);
    let nightly = CRON_JOB.replacen("name: points", "name: nightly", 1);
    project.write("points.yaml", &nightly);
    let least = "kind: Job\nmetadata: { name: least }\nspec: { template: { spec: {} } }\n";
    project.write("least.yaml", least);
    for args in [
        &["import", "crontab", "crontab"][..],
        &["import", "k8s", "points.yaml", "--target", "job"],
        &["import", "k8s", "least.yaml"],
    ] {
        let ran = project.run(args);
        assert_eq!(ran.code, 0, "{}", ran.text());
    }
    let ran = project.run(&["check"]);
    assert_eq!(ran.code, 0, "{}", ran.text());
}

#[test]
fn wrong_files_are_told_with_their_places() {
    let project = Project::new();
    let cases = [
        ("crontab", "0 2 * *\n"),
        ("crontab", "0 25 * * * job\n61 2 * * * job\n"),
        ("crontab", "0 2 * * *\n"),
        ("crontab", "@reboot job\n"),
        ("crontab", "CRON_TZ=Mars/Base\n0 2 * * * job\n"),
        ("crontab", "# nothing\n"),
        ("k8s", "kind: [CronJob\n"),
        ("k8s", "kind: Deployment\n"),
        (
            "k8s",
            "kind: CronJob\nspec:\n  schedule: 0 2 * * x\n  jobTemplate: { spec: { template: { spec: {} } } }\n",
        ),
        (
            "k8s",
            "kind: Job\nspec:\n  backoffLimit: many\n  template: { spec: {} }\n",
        ),
        ("k8s", "kind: Job\nspec:\n  template: none\n"),
    ];
    let mut told = String::new();
    for (kind, text) in cases {
        project.write("wrong", text);
        let ran = project.run(&["import", kind, "wrong", "--print"]);
        assert_eq!(ran.code, 2, "{}", ran.text());
        assert_eq!(ran.out, "");
        told += &ran.err;
    }
    insta::assert_snapshot!(told);
    let ran = project.run(&["import", "crontab", "nowhere"]);
    assert_eq!(ran.code, 2, "{}", ran.text());
}

#[test]
fn hostile_manifests_are_refused() {
    let project = Project::new();
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let alias = vec![format!("*a{}", level - 1); 10].join(", ");
        bomb += &format!("a{level}: &a{level} [{alias}]\n");
    }
    let deep = format!("kind: {}{}", "[".repeat(20_000), "]".repeat(20_000));
    for text in [bomb.as_str(), deep.as_str(), "\u{1}", "- - - -", ""] {
        project.write("hostile", text);
        let ran = project.run(&["import", "k8s", "hostile", "--print"]);
        assert_eq!(ran.code, 2, "{}", ran.text());
    }
}
