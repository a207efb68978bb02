//! The shared folder.

use crate::service_kit::{Fixture, Wanted, error, hashes, names, rows, run};
use rusqlite::Connection;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use twiceproof_lab::service::ServiceError;

const OPTIONS: &[(&str, &str)] = &[("path", "/shared")];

/// Starts a folder with a text, a SQLite file and a folder with one more text in it.
async fn shared() -> (Fixture, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let seed = folder.path().join("seed");
    std::fs::create_dir_all(seed.join("inner")).unwrap();
    std::fs::write(seed.join("run.log"), "granted 1\ngranted 2\n").unwrap();
    std::fs::write(seed.join("inner/empty"), "").unwrap();
    let database = Connection::open(seed.join("points.db")).unwrap();
    database
        .execute_batch(
            "create table members (id integer primary key, name text, points int);
             create table ledger (id integer primary key autoincrement,
               member int references members (id), granted_at datetime, proof blob);
             insert into members values (1, 'ann', 0), (2, 'bob', 5), (3, null, 1.5);
             insert into ledger (member, proof) values (1, x'00ff');",
        )
        .unwrap();
    drop(database);
    let wanted = Wanted {
        kind: "files",
        options: OPTIONS,
        ..Wanted::default()
    };
    let fixture = Fixture::start_with(wanted, folder, vec![seed])
        .await
        .unwrap();
    let host = fixture.service.folders()[0].host.clone();
    (fixture, host)
}

#[test]
fn a_folder_is_captured_with_the_tables_in_it() {
    run(async {
        let (mut fixture, _) = shared().await;
        let state = fixture.capture().await;
        let objects = [
            "inner/",
            "inner/empty",
            "points.db:(schema)",
            "points.db:ledger",
            "points.db:members",
            "run.log",
        ];
        assert_eq!(names(&state), objects);
        assert_eq!(
            rows(&state, "points.db:members"),
            ["1|ann|0", "2|bob|5", "3|NULL|1.5"]
        );
        assert_eq!(rows(&state, "points.db:ledger"), ["1|1|NULL|x'00ff'"]);
        assert_eq!(
            rows(&state, "run.log")[1..3],
            ["line|granted 1", "line|granted 2"]
        );
        let ledger = state
            .iter()
            .find(|(name, _)| name.object.ends_with(":ledger"))
            .unwrap()
            .1;
        let columns = &ledger.content.as_ref().unwrap().columns;
        assert!(columns[0].surrogate && columns[2].time);
        let (object, column) = columns[1].references.clone().unwrap();
        assert_eq!((&*object.object, &*column), ("points.db:members", "id"));
        assert_eq!(hashes(&fixture.capture().await), hashes(&state));
    });
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table of changes")]
fn each_change_is_seen_and_taken_back() {
    run(async {
        let (mut fixture, host) = shared().await;
        let seed = hashes(&fixture.capture().await);
        let sql = |text: &'static str| {
            move |host: &Path| {
                Connection::open(host.join("points.db"))
                    .unwrap()
                    .execute_batch(text)
                    .unwrap();
            }
        };
        type Change<'a> = (&'a str, Box<dyn Fn(&Path)>);
        let changes: Vec<Change<'_>> = vec![
            (
                "insert",
                Box::new(sql("insert into ledger (member) values (2)")),
            ),
            (
                "double insert",
                Box::new(sql("insert into members values (4, 'ann', 0)")),
            ),
            (
                "update",
                Box::new(sql("update members set points = 1 where id = 1")),
            ),
            ("delete", Box::new(sql("delete from ledger"))),
            ("table", Box::new(sql("create table more (a)"))),
            (
                "journal",
                Box::new(sql(
                    "pragma journal_mode = wal; insert into members values (9, 'x', 1)",
                )),
            ),
            (
                "damage",
                Box::new(|host| {
                    std::fs::write(host.join("points.db"), b"SQLite format 3\0oops").unwrap()
                }),
            ),
            (
                "line",
                Box::new(|host| {
                    std::fs::write(host.join("run.log"), "granted 1\ngranted 2\ngranted 2\n")
                        .unwrap()
                }),
            ),
            (
                "order",
                Box::new(|host| {
                    std::fs::write(host.join("run.log"), "granted 2\ngranted 1\n").unwrap()
                }),
            ),
            (
                "new",
                Box::new(|host| std::fs::write(host.join("inner/new"), "").unwrap()),
            ),
            (
                "gone",
                Box::new(|host| std::fs::remove_dir_all(host.join("inner")).unwrap()),
            ),
            (
                "mode",
                Box::new(|host| {
                    std::fs::set_permissions(host.join("inner"), PermissionsExt::from_mode(0o000))
                        .unwrap();
                }),
            ),
            (
                "link",
                Box::new(|host| symlink("/etc/passwd", host.join("inner/link")).unwrap()),
            ),
            (
                "socket",
                Box::new(|host| drop(UnixListener::bind(host.join("socket")).unwrap())),
            ),
        ];
        for (name, change) in changes {
            change(&host);
            let state = fixture.capture().await;
            assert_ne!(hashes(&state), seed, "{name}");
            if name == "link" {
                assert_eq!(rows(&state, "inner/link"), ["link|/etc/passwd"]);
            }
            fixture.service.reset().await.unwrap();
            assert_eq!(hashes(&fixture.capture().await), seed, "{name}");
            let time = std::fs::metadata(host.join("run.log"))
                .unwrap()
                .modified()
                .unwrap();
            let since = time.duration_since(std::time::UNIX_EPOCH).unwrap();
            assert_eq!(since.as_secs(), 1_767_225_600, "{name}");
        }
    });
}

#[test]
fn a_hot_journal_is_not_rolled_back_in_place() {
    run(async {
        let (mut fixture, host) = shared().await;
        let before = hashes(&fixture.capture().await);
        let path = host.join("points.db");
        let writer = Connection::open(&path).unwrap();
        writer
            .execute_batch("pragma cache_size = 1; pragma cache_spill = 1; begin")
            .unwrap();
        let insert = "insert into ledger (member, proof) values (1, zeroblob(20000))";
        for _ in 0..20 {
            writer.execute(insert, []).unwrap();
        }
        assert!(host.join("points.db-journal").exists());
        let bytes = std::fs::read(&path).unwrap();
        assert_eq!(hashes(&fixture.capture().await), before);
        assert_eq!(std::fs::read(&path).unwrap(), bytes);
        writer.execute_batch("commit").unwrap();
        assert_ne!(hashes(&fixture.capture().await), before);
    });
}

#[test]
fn what_is_too_much_is_refused() {
    run(async {
        let (mut fixture, host) = shared().await;
        let mut deep = host.clone();
        for _ in 0..40 {
            deep.push("d");
            std::fs::create_dir(&deep).unwrap();
        }
        let captured = fixture.service.capture(&mut fixture.known).await;
        insta::assert_snapshot!(
            captured.unwrap_err(),
            @"service svc: cannot read the shared folder: it is deeper than 32 folders"
        );
        fixture.service.reset().await.unwrap();
        fixture.capture().await;
    });
}

#[test]
fn a_path_must_be_absolute() {
    run(async {
        let options = [("path", "shared")];
        let wanted = Wanted {
            kind: "files",
            options: &options,
            ..Wanted::default()
        };
        let failed = error(Fixture::start(wanted).await);
        assert!(matches!(failed, ServiceError::Input { .. }), "{failed}");
    });
}
