//! The record that every exchange leaves, whatever became of it.

use std::collections::HashSet;
use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::client::{PATIENCE, get};
use crate::harness::origin::ok;
use crate::harness::{Gateway, Origin, World};

fn plain() -> Origin {
    Origin::answering(|seen| ok(seen, "origin"))
}

fn keys(value: &Value) -> Vec<&str> {
    value
        .as_object()
        .expect("an object")
        .keys()
        .map(String::as_str)
        .collect()
}

fn send(gateway: &Gateway, request: &str) -> u16 {
    let mut client = gateway.client();
    client.send(request.as_bytes());
    client.response(PATIENCE).expect("an answer").status
}

#[test]
fn a_record_has_all_its_members() {
    let origin = plain();
    let gateway = World::before(&origin)
        .policy("limits: [{ key: client, rate: 600/min }]")
        .start();
    let body = "name=value";
    send(
        &gateway,
        &format!(
            "POST /a/b?c=d HTTP/1.1\r\nHost: a.test:81\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        ),
    );
    let record = gateway.await_record(|record| record["path"] == "/a/b");
    assert_eq!(
        keys(&record),
        [
            "id",
            "time",
            "client",
            "peer",
            "protocol",
            "scheme",
            "method",
            "host",
            "path",
            "query",
            "status",
            "route",
            "policy",
            "mode",
            "action",
            "verdict",
            "timings_us",
            "upstream",
            "server",
            "bytes_in",
            "bytes_out",
            "duration_us",
            "outcome"
        ]
    );
    for (name, expected) in [
        ("client", "127.0.0.1"),
        ("protocol", "HTTP/1.1"),
        ("scheme", "http"),
        ("method", "POST"),
        ("host", "a.test:81"),
        ("query", "c=d"),
        ("policy", "default"),
        ("mode", "enforce"),
        ("action", "allow"),
        ("upstream", "api"),
        ("outcome", "complete"),
    ] {
        assert_eq!(record[name], expected, "{name}");
    }
    assert_eq!(record["server"], origin.address().to_string());
    assert_eq!(
        (&record["status"], &record["bytes_in"], &record["bytes_out"]),
        (&200.into(), &10.into(), &6.into())
    );
    let time = record["time"].as_str().expect("a text");
    assert!(
        time.starts_with("20") && time.ends_with('Z') && time.as_bytes()[10] == b'T',
        "{time}"
    );
    assert_eq!(record["id"].as_str().map(str::len), Some(32), "{record}");

    let timings = &record["timings_us"];
    assert_eq!(keys(timings), ["limit", "body", "inspect", "upstream"]);
    let of = |name: &str| timings[name].as_f64().expect("a number");
    let whole = record["duration_us"].as_f64().expect("a number");
    assert!(
        ["limit", "body", "inspect", "upstream"]
            .iter()
            .map(|name| of(name))
            .sum::<f64>()
            <= whole,
        "{record}"
    );
    let stages = &record["verdict"]["stages_us"];
    for stage in ["decode", "signature", "decision"] {
        assert!(stages[stage].is_number(), "{stage}: {stages}");
    }
}

#[test]
fn evidence_says_which_rule_where_and_what() {
    let origin = plain();
    let gateway = World::before(&origin).start();
    assert_eq!(
        send(
            &gateway,
            "GET /?id=1%27%20UNION%20SELECT%20password%20FROM%20users-- HTTP/1.1\r\nHost: a.test\r\n\r\n"
        ),
        403
    );
    let record = gateway.await_record(|record| record["status"] == 403);
    let verdict = &record["verdict"];
    assert_eq!(
        (&verdict["action"], &verdict["level"]),
        (&"deny".into(), &"CRITICAL".into()),
        "{record}"
    );
    let evidence = &verdict["evidence"][0];
    for member in [
        "rule", "name", "why", "category", "severity", "location", "field", "excerpt",
    ] {
        assert!(
            evidence[member]
                .as_str()
                .is_some_and(|text| !text.is_empty()),
            "{member}: {evidence}"
        );
    }
    assert_eq!(
        (&evidence["location"], &evidence["field"]),
        (&"query".into(), &"id".into())
    );
    assert!(
        record.get("upstream").is_none() && record["timings_us"].get("upstream").is_none(),
        "{record}"
    );
}

#[test]
fn secrets_are_blacked_out_before_they_are_written() {
    let origin = plain();
    let gateway = World::before(&origin)
        .with("records: { output: \"{folder}/records.jsonl\", redact: { headers: [X-Api-Key], fields: [password, token] } }\nlog: { level: debug }")
        .start();
    let attack = "s3cr3t%27%20UNION%20SELECT%20password%20FROM%20users--";
    let decoded = "s3cr3t' UNION SELECT password FROM users--";
    let json = format!("{{\"user\":{{\"Password\":\"{decoded}\"}}}}");
    let form = format!("token={attack}");
    let requests = [
        format!("GET /a?password={attack}&x=1 HTTP/1.1\r\nHost: a.test\r\n\r\n"),
        format!("GET /b?x=1;user%5Bpassword%5D={attack} HTTP/1.1\r\nHost: a.test\r\n\r\n"),
        format!("GET /c HTTP/1.1\r\nHost: a.test\r\nCookie: session={attack}\r\n\r\n"),
        format!("GET /d HTTP/1.1\r\nHost: a.test\r\nAuthorization: Bearer {decoded}\r\n\r\n"),
        format!("GET /e HTTP/1.1\r\nHost: a.test\r\nX-Api-Key: {decoded}\r\n\r\n"),
        format!(
            "POST /f HTTP/1.1\r\nHost: a.test\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{json}",
            json.len()
        ),
        format!(
            "POST /g HTTP/1.1\r\nHost: a.test\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
            form.len()
        ),
    ];
    let mut found = 0;
    for (request, path) in requests
        .iter()
        .zip(["/a", "/b", "/c", "/d", "/e", "/f", "/g"])
    {
        send(&gateway, request);
        let record = gateway.await_record(|record| record["path"] == path);
        found += usize::from(
            record["verdict"]["evidence"]
                .as_array()
                .is_some_and(|evidence| !evidence.is_empty()),
        );
    }
    assert!(
        found >= 4,
        "only {found} left evidence, so little was tested"
    );
    let text = fs::read_to_string(gateway.folder().join("records.jsonl")).expect("records");
    for written in [text, gateway.log()] {
        assert!(!written.contains("s3cr3t"), "{written}");
    }
}

#[test]
fn a_client_that_goes_away_leaves_a_record() {
    let origin = Origin::start(|_stream, _| thread::sleep(Duration::from_secs(3)));
    let gateway = World::before(&origin).start();
    let mut client = gateway.client();
    client.send(b"GET /waiting HTTP/1.1\r\nHost: a.test\r\n\r\n");
    let end = Instant::now() + PATIENCE;
    while origin.connections().is_empty() {
        assert!(Instant::now() < end, "the request was not forwarded");
        thread::sleep(Duration::from_millis(5));
    }
    drop(client);
    let record = gateway.await_record(|record| record["path"] == "/waiting");
    assert_eq!(
        (&record["outcome"], &record["status"]),
        (&"client-gone".into(), &0.into()),
        "{record}"
    );
    assert_eq!(
        gateway.metric("portcullis_responses_total{class=\"aborted\""),
        1.0
    );

    let mut client = gateway.client();
    client.send(b"POST /half HTTP/1.1\r\nHost: a.test\r\nContent-Length: 100\r\n\r\nhalf");
    thread::sleep(Duration::from_millis(100));
    drop(client);
    let record = gateway.await_record(|record| record["path"] == "/half");
    assert_eq!(record["outcome"], "client-gone", "{record}");
}

#[test]
fn a_client_that_leaves_in_the_midst_of_an_answer_leaves_a_record() {
    let origin = Origin::start(|mut stream, _| {
        use std::io::{Read, Write};
        let mut buffer = [0; 4096];
        let _ = stream.read(&mut buffer);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n");
        while stream.write_all(b"data: tick\n\n").is_ok() {
            thread::sleep(Duration::from_millis(20));
        }
    });
    let gateway = World::before(&origin).start();
    let mut client = gateway.client();
    client.send(b"GET /events HTTP/1.1\r\nHost: a.test\r\n\r\n");
    let mut got = Vec::new();
    while !got.windows(4).any(|window| window == b"tick") {
        let more = client.read_at_least(1, PATIENCE);
        assert!(!more.is_empty(), "no event came");
        got.extend_from_slice(&more);
    }
    drop(client);
    let record = gateway.await_record(|record| record["path"] == "/events");
    assert_eq!(
        (&record["outcome"], &record["status"]),
        (&"client-gone".into(), &200.into()),
        "{record}"
    );
    assert!(
        record["bytes_out"].as_u64().is_some_and(|bytes| bytes > 0),
        "{record}"
    );
}

#[test]
fn each_exchange_is_one_line_and_one_count() {
    let origin = plain();
    let gateway = World::before(&origin)
        .with("workers: { threads: 2 }")
        .start();
    let targets = [
        "/ok",
        "/?id=1%27%20UNION%20SELECT%20password%20FROM%20users--",
        "/a%0d%0ab",
        "/%22%5C%00\u{e9}",
    ];
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let address = gateway.address();
            thread::spawn(move || {
                for target in targets.iter().cycle().take(20) {
                    get(address, target);
                }
            })
        })
        .collect();
    threads
        .into_iter()
        .for_each(|thread| thread.join().expect("no panic"));
    let end = Instant::now() + PATIENCE;
    while gateway.records().len() < 80 {
        assert!(Instant::now() < end, "{} records", gateway.records().len());
        thread::sleep(Duration::from_millis(20));
    }
    let records = gateway.records();
    let ids: HashSet<&str> = records
        .iter()
        .filter_map(|record| record["id"].as_str())
        .collect();
    assert_eq!((records.len(), ids.len()), (80, 80));
    assert_eq!(gateway.metric("portcullis_requests_total"), 80.0);
    assert_eq!(
        gateway.metric("portcullis_request_duration_seconds_count"),
        80.0
    );
    assert_eq!(gateway.metric("portcullis_records_dropped_total"), 0.0);
}

#[test]
fn what_is_refused_on_the_wire_is_recorded_with_its_reason() {
    let origin = plain();
    let gateway = World::before(&origin).start();
    let cases = [
        (
            "GET /bare-lf HTTP/1.1\nHost: a.test\n\n",
            "bare-lf",
            "GET",
            "/bare-lf",
        ),
        (
            "GET /no-host HTTP/1.1\r\n\r\n",
            "host-missing",
            "GET",
            "/no-host",
        ),
        (
            "GET /two HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
            "host-repeated",
            "GET",
            "/two",
        ),
        (
            "POST /l HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
            "length-invalid",
            "POST",
            "/l",
        ),
        (
            "TRACE /t HTTP/1.1\r\nHost: a.test\r\n\r\n",
            "method-refused",
            "TRACE",
            "/t",
        ),
        (
            "GET /u HTTP/1.1\r\nHost: a.test\r\nX_Y: 1\r\n\r\n",
            "name-underscore",
            "GET",
            "/u",
        ),
    ];
    for (bytes, reason, method, path) in cases {
        let mut client = gateway.client();
        client.send(bytes.as_bytes());
        let answer = client.response(PATIENCE).expect("an answer");
        assert!((400..=505).contains(&answer.status), "{reason}");
        let record = gateway.await_record(|record| record["reason"] == reason);
        assert_eq!(
            (&record["method"], &record["path"]),
            (&method.into(), &path.into()),
            "{record}"
        );
        assert_eq!(
            (&record["outcome"], &record["status"]),
            (&"refused".into(), &answer.status.into()),
            "{record}"
        );
        assert_eq!(
            gateway.metric(&format!(
                "portcullis_protocol_errors_total{{reason=\"{reason}\""
            )),
            1.0,
            "{reason}"
        );
    }
    assert_eq!(origin.count(), 0);
}

#[test]
fn records_go_to_standard_output_or_nowhere_as_configured() {
    let origin = plain();
    let gateway = World::before(&origin)
        .with("records: { output: stdout }")
        .start();
    get(gateway.address(), "/to-stdout");
    let end = Instant::now() + PATIENCE;
    let line = loop {
        let log = gateway.log();
        if let Some(line) = log.lines().find(|line| line.contains("/to-stdout")) {
            break line.to_owned();
        }
        assert!(Instant::now() < end, "{log}");
        thread::sleep(Duration::from_millis(20));
    };
    let record: Value = serde_json::from_str(&line).expect("a line of JSON");
    assert_eq!(record["path"], "/to-stdout");

    let gateway = World::before(&origin)
        .with("records: { output: none }")
        .start();
    get(gateway.address(), "/to-nowhere");
    thread::sleep(Duration::from_millis(300));
    assert!(!gateway.log().contains("/to-nowhere"));
    assert_eq!(
        gateway.metric("portcullis_records_dropped_total"),
        0.0,
        "unwanted is not lost"
    );
}

#[test]
fn a_rotated_file_is_opened_anew_on_hangup() {
    let origin = plain();
    let gateway = World::before(&origin).start();
    get(gateway.address(), "/before");
    gateway.await_record(|record| record["path"] == "/before");
    let (old, new) = (
        gateway.folder().join("records.jsonl.1"),
        gateway.folder().join("records.jsonl"),
    );
    fs::rename(&new, &old).expect("a rename");
    gateway.signal("HUP");
    let end = Instant::now() + PATIENCE;
    while !new.exists() {
        assert!(Instant::now() < end, "no new file");
        get(gateway.address(), "/between");
        thread::sleep(Duration::from_millis(50));
    }
    get(gateway.address(), "/after");
    gateway.await_record(|record| record["path"] == "/after");
    let rotated = fs::read_to_string(old).expect("the old file");
    assert!(rotated.contains("/before") && !rotated.contains("/after"));
}

#[test]
fn a_full_disk_fails_no_request_and_losses_are_counted() {
    let origin = plain();
    // Each write to this device fails as a full disk does.
    let gateway = World::before(&origin)
        .with("records: { output: /dev/full, queue: 8 }")
        .start();
    for _ in 0..40 {
        assert_eq!(get(gateway.address(), "/").status, 200);
    }
    let end = Instant::now() + PATIENCE;
    while gateway.metric("portcullis_records_dropped_total") < 1.0 {
        assert!(Instant::now() < end, "no loss was counted");
        thread::sleep(Duration::from_millis(50));
    }
}
