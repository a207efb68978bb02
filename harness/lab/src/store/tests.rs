use super::*;
use std::collections::BTreeMap;
use std::process::Command;
use std::sync::Arc;
use twiceproof_model::event::{Exit, Part, Stamped, fingerprint};
use twiceproof_model::record::{Drive, Timings};
use twiceproof_model::snapshot::Column;
use twiceproof_model::{
    Event, InstanceId, LinkId, Request, RequestId, ServiceName, Signature, Step, Target,
};

fn record(trial: u32, requests: u32) -> TrialRecord {
    let instance = InstanceId::new(1).unwrap();
    let service = ServiceName::from("pg");
    let mut events = vec![Event::Begun(Part::Main)];
    for ordinal in 1..=requests {
        let id = RequestId { instance, ordinal };
        let link = LinkId {
            instance,
            service: service.clone(),
            ordinal: 1,
        };
        let text = format!("UPDATE members SET balance = balance + ? WHERE id = ? /* {ordinal} */");
        let signature = Signature {
            service: service.clone(),
            text,
            nth: 1,
        };
        events.push(Event::Held(Request {
            id,
            link,
            signature,
        }));
        events.push(Event::Taken(Step::Release(id)));
        events.push(Event::Forwarded(id));
        events.push(Event::Answered {
            request: id,
            reply: twiceproof_model::Reply::unknown(),
        });
        events.push(Event::Delivered(id));
    }
    let stamp = |(at, event)| Stamped {
        at_us: at as u64 * 37,
        event,
    };
    let trace: Vec<_> = events.into_iter().enumerate().map(stamp).collect();
    let output = Output {
        head: "granted 2\n".into(),
        tail: "bye\n".into(),
        bytes: 1000,
    };
    TrialRecord {
        trial,
        stage: "crash".into(),
        seed: 7,
        instances: 1,
        drive: Drive::Steps,
        schedule: "twiceproof schedule 1\nrun job#1 to exit\n".into(),
        fingerprint: fingerprint(&trace),
        trace,
        exits: BTreeMap::from([(instance, Exit::Code(0))]),
        recoveries: vec![Exit::Code(0)],
        before_recovery: Some(snapshot("1500")),
        after_first_recovery: None,
        snapshot: snapshot("2500"),
        divergence: None,
        doubts: Vec::new(),
        answers: BTreeMap::new(),
        changes: Vec::new(),
        outputs: BTreeMap::from([(instance, output)]),
        timings: Timings::default(),
    }
}

fn snapshot(balance: &str) -> Snapshot {
    let column = Column {
        name: "balance".into(),
        ..Column::default()
    };
    let rows = vec![vec![Some(balance.to_owned())], vec![None]];
    let content = Content {
        columns: vec![column],
        rows,
    };
    let object = Object {
        hash: format!("h{balance}"),
        count: 2,
        content: Some(Arc::new(content)),
    };
    let bare = Object {
        hash: "big".into(),
        count: 1 << 40,
        content: None,
    };
    let service = ServiceName::from("pg");
    let objects = [("public.members", object), ("public.huge", bare)];
    let objects = objects.map(|(name, object)| (ObjectName::new(&service, name), object));
    Snapshot {
        objects: objects.into(),
    }
}

fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("points/double-start")).unwrap();
    (folder, store)
}

fn judged(store: &Store, record: &TrialRecord, verdict: &'static str) {
    let line = TrialLine {
        trial: record.trial,
        stage: record.stage.clone(),
        label: "by hand".to_owned(),
        seed: record.seed,
        schedule: Digest::of(record.schedule.as_bytes()),
        fingerprint: record.fingerprint,
        state: record.snapshot.digest(),
        verdict,
        codes: Vec::new(),
        steps: 1,
    };
    store.put_verdict(record, &line).unwrap();
}

fn stored_lines(store: &Store) -> Result<Loaded<Vec<serde_json::Value>>, StoreError> {
    store.load_lines()
}

/// Threads that store one content at once, as cells do.
const WRITERS: usize = 4;

#[test]
fn cells_may_come_by_one_content_at_the_same_time() {
    let (_folder, store) = store();
    for number in 0..100 {
        let snapshot = snapshot(&format!("{number}00"));
        let barrier = std::sync::Barrier::new(WRITERS);
        std::thread::scope(|scope| {
            let put = || {
                barrier.wait();
                store.put_contents(&snapshot)
            };
            let writers: Vec<_> = (0..WRITERS).map(|_| scope.spawn(put)).collect();
            for writer in writers {
                writer.join().unwrap().unwrap();
            }
        });
    }
}

#[test]
fn what_is_stored_is_read_back_whole() {
    let (_folder, store) = store();
    let record = record(3, 20);
    store.put_trial(&record).unwrap();
    let loaded = store.load_trial(3).unwrap();
    assert_eq!(loaded.cut, None);
    assert_eq!(loaded.value, record);
    assert_eq!(loaded.value.snapshot.objects, record.snapshot.objects);
    let contents = fs::read_dir(store.folder().join("contents"))
        .unwrap()
        .count();
    store
        .put_trial(&TrialRecord { trial: 4, ..record })
        .unwrap();
    assert_eq!(
        fs::read_dir(store.folder().join("contents"))
            .unwrap()
            .count(),
        contents
    );
    assert_eq!(contents, 2);
}

#[test]
fn every_prefix_of_a_record_is_read_or_refused_with_its_end() {
    let (_folder, store) = store();
    let whole = record(1, 20);
    store.put_trial(&whole).unwrap();
    let path = store.trial_path(1);
    let bytes = fs::read(&path).unwrap();
    for length in 0..bytes.len() {
        match codec::decode_trial(&path, &bytes[..length]) {
            Ok(loaded) => {
                let Some(cut) = loaded.cut else { continue };
                assert_eq!(cut.bytes, length as u64);
                let items = usize::try_from(cut.items).unwrap();
                assert_eq!(loaded.value.trace, whole.trace[..items]);
            }
            Err(error) => {
                let text = error.to_string();
                let told = text.contains(&format!("ends after {length} bytes"));
                assert!(
                    told || text.contains("does not begin with that line"),
                    "{text}"
                );
            }
        }
    }
}

#[test]
fn a_long_record_gives_its_first_events_when_cut() {
    let whole = record(1, 20_000);
    let bytes = codec::encode_trial(&whole);
    let loaded = codec::decode_trial(Path::new("x"), &bytes[..bytes.len() / 2]).unwrap();
    let cut = loaded.cut.unwrap();
    assert!(cut.items > 1_000, "{cut:?}");
    assert_eq!(
        loaded.value.trace[..],
        whole.trace[..usize::try_from(cut.items).unwrap()]
    );
}

#[test]
fn every_prefix_of_the_lines_is_read_and_says_where_it_ends() {
    let (_folder, store) = store();
    for trial in 1..=3 {
        judged(&store, &record(trial, 1), "pass");
    }
    let lines = stored_lines(&store).unwrap();
    assert_eq!((lines.value.len(), lines.cut), (3, None));
    let path = store.folder().join("trials.ndjson");
    let bytes = fs::read(&path).unwrap();
    let head = bytes.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    for length in 0..bytes.len() {
        fs::write(&path, &bytes[..length]).unwrap();
        match stored_lines(&store) {
            Err(error) => assert!(length < head, "{error}"),
            Ok(loaded) => {
                let ends = bytes[..length]
                    .iter()
                    .filter(|byte| **byte == b'\n')
                    .count();
                assert_eq!(loaded.value[..], lines.value[..ends - 1]);
                assert_eq!(
                    loaded.cut.is_none(),
                    bytes[..length].ends_with(b"\n"),
                    "{length}"
                );
            }
        }
    }
}

#[test]
fn logs_are_kept_of_trials_that_did_not_pass() {
    let (_folder, store) = store();
    judged(&store, &record(1, 1), "pass");
    judged(&store, &record(2, 1), "inconclusive");
    assert!(!store.folder().join("trials/1").exists());
    let log = fs::read_to_string(store.folder().join("trials/2/job#1.log")).unwrap();
    assert_eq!(log, "granted 2\n\n[... 986 bytes left out ...]\nbye\n");
}

#[test]
fn the_oldest_passing_records_make_room() {
    let (_folder, store) = store();
    let size = codec::encode_trial(&record(1, 20)).len() as u64;
    let store = store.with_records_bytes_max(size * 3 + 64);
    for trial in 1..=6 {
        let record = record(trial, 20);
        store.put_trial(&record).unwrap();
        let verdict = if trial == 2 { "violation" } else { "pass" };
        judged(&store, &record, verdict);
    }
    let kept: Vec<u32> = (1..=6)
        .filter(|trial| store.trial_path(*trial).exists())
        .collect();
    assert_eq!(kept, [2, 5, 6]);
    assert_eq!(stored_lines(&store).unwrap().value.len(), 6);
}

#[test]
fn runs_never_share_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let runs = folder.path().join("reports/runs");
    let ids: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| RunFolder::create(&runs, "20261122-210412", 1).unwrap().id))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    let unique: BTreeSet<_> = ids.iter().collect();
    assert_eq!(unique.len(), 8, "{ids:?}");
    assert!(unique.contains(&"20261122-210412-1".to_owned()));
    assert!(runs.join("latest").join(".").is_dir());
}

#[test]
fn secrets_are_replaced_also_where_the_bound_cut_them() {
    let env = [
        ("DATABASE_URL", "postgresql://app:s3cr3t-pw@db/app"),
        ("API_TOKEN", "tok-{instance}-abcdef"),
        ("PLAIN", "s3cr"),
        ("DB_PASSWORD", "no"),
    ];
    let target = Target {
        env: env
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        secrets: vec!["DATABASE_URL".to_owned()],
        ..target()
    };
    let redactor = Redactor::new(&target, 2);
    let cases = [
        ("pw s3cr3t-pw!", "pw [DATABASE_URL]!"),
        ("postgresql://app:s3cr3t-pw@db/app", "[DATABASE_URL]"),
        ("tok-2-abcdef tok-3-abcdef", "[API_TOKEN] tok-3-abcdef"),
        ("s3cr no", "s3cr no"),
    ];
    for (text, expect) in cases {
        assert_eq!(redactor.text(text), expect);
    }
    let mut output = Output {
        head: "use tok-1-ab".into(),
        tail: "3cr3t-pw end".into(),
        bytes: 1 << 20,
    };
    redactor.output(&mut output);
    assert_eq!(
        (&*output.head, &*output.tail),
        ("use [API_TOKEN]", "[DATABASE_URL] end")
    );
}

fn target() -> Target {
    Target {
        name: "job".into(),
        folder: PathBuf::new(),
        command: Vec::new(),
        args: Vec::new(),
        env: BTreeMap::new(),
        workdir: PathBuf::new(),
        is_workdir_given: false,
        image: None,
        reuse: true,
        timeout: std::time::Duration::from_secs(60),
        grace: std::time::Duration::from_secs(5),
        secrets: Vec::new(),
        services: Vec::new(),
        state: BTreeMap::new(),
        locks: Vec::new(),
    }
}

/// Runs itself again in a mount namespace whose store is a small tmpfs.
#[test]
fn a_full_disk_is_named_and_leaves_what_was_whole() {
    const FOLDER: &str = "TWICEPROOF_TEST_SMALL_DISK";
    if let Some(folder) = std::env::var_os(FOLDER) {
        return fill_up(Path::new(&folder));
    }
    let folder = tempfile::tempdir().unwrap();
    let script = "mount -t tmpfs -o size=256k none \"$1\" && exec \"$2\" --exact \
                  store::tests::a_full_disk_is_named_and_leaves_what_was_whole --nocapture";
    let output = Command::new("unshare")
        .args([
            "--user",
            "--map-root-user",
            "--mount",
            "sh",
            "-c",
            script,
            "sh",
        ])
        .arg(folder.path())
        .arg(std::env::current_exe().unwrap())
        .env(FOLDER, folder.path())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{text}\n{errors}"
    );
}

fn fill_up(folder: &Path) {
    let store = Store::open(&folder.join("a")).unwrap();
    for trial in 1..10_000 {
        // Outputs that do not compress fill the disk quickly.
        let mut record = record(trial, 5);
        let noise: String = (0..4000)
            .map(|n| Digest::of(format!("{trial} {n}").as_bytes()).short())
            .collect();
        record
            .outputs
            .values_mut()
            .for_each(|output| output.head = noise.clone());
        let Err(error) = store.put_trial(&record) else {
            continue;
        };
        assert!(error.is_disk_full(), "{error}");
        let path = store.trial_path(trial);
        let error = LabError::from(error);
        assert_eq!(error.blame, Blame::Environment);
        assert!(
            error
                .message
                .starts_with(&format!("cannot write {}: ", path.display())),
            "{error}"
        );
        assert!(error.hint.contains("make room"));
        assert!(!path.exists() && !path.with_extension("trial.part").exists());
        assert!(trial > 1);
        for before in 1..trial {
            assert_eq!(store.load_trial(before).unwrap().cut, None);
        }
        return;
    }
    panic!("the disk never filled up");
}
