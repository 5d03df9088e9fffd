use std::fs;
use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex};

use portcullis_detect::field::Location;
use portcullis_detect::rule::{Category, Severity};
use portcullis_detect::verdict::{Evidence, Level, Stages};
use prometheus::IntCounter;
use serde_json::{Value, json};

use super::*;

fn counter() -> IntCounter {
    IntCounter::new("dropped", "dropped").unwrap()
}

fn record(path: &'static str) -> Record<'static> {
    Record {
        protocol: "HTTP/1.1",
        scheme: "http",
        method: "GET",
        host: b"api.example",
        path,
        status: 200,
        route: "/",
        policy: "default",
        mode: "enforce",
        upstream: "api",
        server: "http://127.0.0.1:9000",
        bytes_out: 12,
        duration: Duration::from_nanos(1_234_567),
        timings: Timings {
            inspect: Some(Duration::from_nanos(5_250)),
            upstream: Some(Duration::from_micros(900)),
            ..Timings::default()
        },
        ..Record::new(
            RequestId::accept(b"id-1").unwrap(),
            SystemTime::UNIX_EPOCH + Duration::from_millis(1_767_225_599_123),
            "192.0.2.1".parse().unwrap(),
            "127.0.0.1:4711".parse().unwrap(),
        )
    }
}

fn line(record: &Record<'_>, redaction: &Redaction) -> Value {
    let mut out = Vec::new();
    record.write(redaction, &mut out);
    assert_eq!(out.iter().filter(|b| **b == b'\n').count(), 1);
    assert_eq!(out.last(), Some(&b'\n'));
    serde_json::from_slice(&out).unwrap()
}

fn evidence(location: Location, field: &str) -> Evidence {
    Evidence {
        rule: "sqli-001".into(),
        name: "Union select".into(),
        why: "It reads another table.".into(),
        category: Category::Sqli,
        severity: Severity::Critical,
        score: 90,
        tags: Arc::from(["owasp:a03".to_owned()]),
        location,
        field: field.to_owned(),
        excerpt: "hunter2".to_owned(),
        mark: 0..6,
        range: 3..9,
        form: "text",
    }
}

#[test]
fn a_record_says_what_is_known_and_nothing_else() {
    let value = line(&record("/api/users"), &Redaction::default());
    assert_eq!(
        value,
        json!({
            "id": "id-1", "time": "2025-12-31T23:59:59.123Z", "client": "192.0.2.1", "peer": "127.0.0.1:4711",
            "protocol": "HTTP/1.1", "scheme": "http", "method": "GET", "host": "api.example", "path": "/api/users",
            "status": 200, "route": "/", "policy": "default", "mode": "enforce", "action": "allow",
            "timings_us": { "inspect": 5.2, "upstream": 900 }, "upstream": "api", "server": "http://127.0.0.1:9000",
            "bytes_in": 0, "bytes_out": 12, "duration_us": 1234.5, "outcome": "complete"
        })
    );
}

#[test]
fn what_was_measured_of_the_connection_reads_back_the_same() {
    let row = [0.0, 1.5, 6.931_472, 1e-7, 22.2];
    let mut measured = record("/");
    measured.flow = Some(&row);
    let value = line(&measured, &Redaction::default());
    let read: Vec<f32> = serde_json::from_value(value["flow"].clone()).unwrap();
    assert_eq!(read, row);
}

#[test]
fn hostile_text_stays_inside_its_string() {
    let long = "x".repeat(10_000);
    let mut hostile = record("/");
    hostile.method = "G\"E\\T";
    hostile.host = b"a\x1b[31m\xff\n";
    hostile.query = Some(&long);
    let mut out = Vec::new();
    hostile.write(&Redaction::default(), &mut out);
    assert!(out.iter().all(|b| *b == b'\n' || *b >= 0x20));
    let value: Value = serde_json::from_slice(&out).unwrap();
    assert_eq!(value["method"], "G\"E\\T");
    assert_eq!(value["host"], "a\u{1b}[31m\u{fffd}\n");
    assert_eq!(value["query"].as_str().unwrap().chars().count(), 4097);
}

#[test]
fn evidence_of_secret_places_is_blacked_out() {
    let redaction = Redaction::new(&["X-Api-Key".into()], &["password".into()]);
    for (location, field, shown) in [
        (Location::Query, "q", true),
        (Location::Query, "password", false),
        (Location::Json, "PASSWORD", false),
        (Location::Form, "user[password]", false),
        (Location::Cookie, "session", false),
        (Location::Authorization, "authorization", false),
        (Location::JwtClaim, "sub", false),
        (Location::Header, "cookie", false),
        (Location::Header, "Set-Cookie", false),
        (Location::Header, "x-api-key", false),
        (Location::Header, "x-note", true),
        (Location::Header, "password", true),
        (Location::Path, "", true),
    ] {
        let verdict = Verdict {
            score: 90.0,
            level: Level::Critical,
            category: Some(Category::Sqli),
            action: Action::Deny,
            evidence: vec![evidence(location, field)],
            stages: Stages {
                decode: Some(Duration::from_micros(2)),
                ..Stages::default()
            },
            ..Verdict::allow()
        };
        let mut denied = record("/");
        denied.verdict = Some(&verdict);
        denied.would = Some(Action::Deny);
        let value = line(&denied, &redaction);
        let found = &value["verdict"]["evidence"][0];
        let expected = if shown { "hunter2" } else { "[redacted]" };
        assert_eq!(found["excerpt"], expected, "{location:?} {field}");
        assert_eq!(
            value.to_string().contains("hunter2"),
            shown,
            "{location:?} {field}"
        );
        assert_eq!(found["range"], json!([3, 9]));
        assert_eq!(found["tags"], json!(["owasp:a03"]));
        assert_eq!(value["verdict"]["score"], 90);
        assert_eq!(value["verdict"]["level"], "CRITICAL");
        assert_eq!(value["verdict"]["stages_us"], json!({ "decode": 2 }));
        assert_eq!(value["would"], "deny");
    }
}

#[test]
fn a_score_that_is_no_number_reads_as_the_worst() {
    for (score, expected) in [(f32::NAN, 100), (f32::INFINITY, 100), (-1.0, 0), (41.6, 42)] {
        let verdict = Verdict {
            score,
            ..Verdict::allow()
        };
        let mut odd = record("/");
        odd.verdict = Some(&verdict);
        assert_eq!(
            line(&odd, &Redaction::default())["verdict"]["score"],
            expected
        );
    }
}

/// A sink that writes only while its gate is open, or fails where told to.
#[derive(Clone, Default)]
struct Gate(Arc<(Mutex<GateState>, Condvar)>);

#[derive(Default)]
struct GateState {
    shut: bool,
    fails_after: Option<usize>,
    written: Vec<u8>,
}

impl Gate {
    fn set(&self, change: impl FnOnce(&mut GateState)) {
        change(&mut self.0.0.lock().unwrap());
        self.0.1.notify_all();
    }

    fn lines(&self) -> Vec<Value> {
        let state = self.0.0.lock().unwrap();
        let lines = state.written.split(|b| *b == b'\n');
        lines
            .filter_map(|line| serde_json::from_slice(line).ok())
            .collect()
    }
}

impl Write for Gate {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let state = self.0.0.lock().unwrap();
        let mut state = self.0.1.wait_while(state, |state| state.shut).unwrap();
        let room = state.fails_after.unwrap_or(usize::MAX);
        let taken = bytes.len().min(room);
        if taken == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        state.fails_after = state.fails_after.map(|room| room - taken);
        state.written.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

const LONG: Duration = Duration::from_secs(20);

#[test]
fn every_record_of_every_thread_arrives() {
    let (gate, dropped) = (Gate::default(), counter());
    let recorder = Recorder::start(
        Sink::Writer(Box::new(gate.clone())),
        100_000,
        dropped.clone(),
        None,
    )
    .unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..1_000 {
                    recorder.push(&record("/"), &Redaction::default());
                }
            });
        }
    });
    assert!(recorder.flush(LONG));
    assert_eq!(gate.lines().len(), 4_000);
    assert_eq!(dropped.get(), 0);
}

#[test]
fn a_slow_sink_costs_counted_records_and_no_waiting() {
    let (gate, dropped) = (Gate::default(), counter());
    gate.set(|state| state.shut = true);
    let recorder = Recorder::start(
        Sink::Writer(Box::new(gate.clone())),
        100,
        dropped.clone(),
        None,
    )
    .unwrap();
    for _ in 0..1_000 {
        recorder.push(&record("/"), &Redaction::default());
    }
    assert_eq!(
        dropped.get(),
        900,
        "what the writer holds in its hands counts as waiting"
    );
    assert!(
        !recorder.flush(Duration::from_millis(50)),
        "a shut gate cannot be flushed through"
    );
    gate.set(|state| state.shut = false);
    assert!(recorder.flush(LONG));
    recorder.push(&record("/after"), &Redaction::default());
    assert!(recorder.flush(LONG));
    assert_eq!(gate.lines().len(), 101);
    assert_eq!(dropped.get(), 900);
}

#[test]
fn long_records_fill_the_queue_sooner() {
    let (gate, dropped) = (Gate::default(), counter());
    gate.set(|state| state.shut = true);
    let recorder = Recorder::start(
        Sink::Writer(Box::new(gate.clone())),
        1_000,
        dropped.clone(),
        None,
    )
    .unwrap();
    let long = "\u{1}".repeat(4_096);
    for _ in 0..1_000 {
        let record = Record {
            host: b"api.example",
            query: Some(&long),
            ..record("/")
        };
        recorder.push(&record, &Redaction::default());
    }
    gate.set(|state| state.shut = false);
    assert!(recorder.flush(LONG));
    let (kept, lost) = (gate.lines().len() as u64, dropped.get());
    assert_eq!(kept + lost, 1_000);
    // 4,096 control characters take 24 KiB; 1,000 KiB hold 40 such records.
    assert!((38..=41).contains(&kept), "{kept}");
}

#[test]
fn room_that_was_written_is_free_again() {
    let (gate, dropped) = (Gate::default(), counter());
    let recorder = Recorder::start(
        Sink::Writer(Box::new(gate.clone())),
        1_000,
        dropped.clone(),
        None,
    )
    .unwrap();
    // 24 KiB each where 1,000 KiB may wait; every one is written before the next comes.
    let long = "\u{1}".repeat(4_096);
    for _ in 0..120 {
        let record = Record {
            host: b"api.example",
            query: Some(&long),
            ..record("/")
        };
        recorder.push(&record, &Redaction::default());
        assert!(recorder.flush(LONG));
    }
    assert_eq!((gate.lines().len(), dropped.get()), (120, 0));
}

#[test]
fn a_full_disk_costs_counted_records_and_heals() {
    let (gate, dropped) = (Gate::default(), counter());
    gate.set(|state| state.fails_after = Some(100));
    let recorder = Recorder::start(
        Sink::Writer(Box::new(gate.clone())),
        100,
        dropped.clone(),
        None,
    )
    .unwrap();
    recorder.push(&record("/torn"), &Redaction::default());
    assert!(recorder.flush(LONG));
    recorder.push(&record("/lost"), &Redaction::default());
    assert!(recorder.flush(LONG));
    assert_eq!((gate.lines().len(), dropped.get()), (0, 2));
    gate.set(|state| state.fails_after = None);
    recorder.push(&record("/kept"), &Redaction::default());
    assert!(recorder.flush(LONG));
    let lines = gate.lines();
    assert_eq!((lines.len(), dropped.get()), (1, 2));
    assert_eq!(lines[0]["path"], "/kept");
}

#[test]
fn a_rotated_file_is_opened_anew_and_sinks_can_be_switched() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("records.jsonl");
    let recorder = Recorder::start(Sink::File(path.clone()), 100, counter(), None).unwrap();
    recorder.push(&record("/one"), &Redaction::default());
    assert!(recorder.flush(LONG));
    let rotated = folder.path().join("records.1.jsonl");
    fs::rename(&path, &rotated).unwrap();
    recorder.reopen();
    assert!(recorder.flush(LONG));
    recorder.push(&record("/two"), &Redaction::default());
    assert!(recorder.flush(LONG));
    assert!(fs::read_to_string(&rotated).unwrap().contains("/one"));
    assert!(fs::read_to_string(&path).unwrap().contains("/two"));

    // A sink that cannot be opened leaves the old one in use.
    recorder.switch(Sink::File(folder.path().join("missing/records.jsonl")));
    assert!(recorder.flush(LONG));
    recorder.push(&record("/three"), &Redaction::default());
    recorder.switch(Sink::None);
    assert!(recorder.flush(LONG));
    recorder.push(&record("/four"), &Redaction::default());
    drop(recorder);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains("/three") && !text.contains("/four"), "{text}");
    assert!(Recorder::start(Sink::File(folder.path().to_owned()), 1, counter(), None).is_err());
}

#[test]
fn the_end_of_the_recorder_writes_what_waits() {
    let gate = Gate::default();
    let recorder =
        Recorder::start(Sink::Writer(Box::new(gate.clone())), 100, counter(), None).unwrap();
    recorder.push(&record("/last"), &Redaction::default());
    drop(recorder);
    assert_eq!(gate.lines().len(), 1);
}
