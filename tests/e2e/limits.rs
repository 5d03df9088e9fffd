//! Rate limits as clients meet them, and policies that only observe.

use std::thread;
use std::time::{Duration, Instant};

use crate::harness::client::{PATIENCE, Response};
use crate::harness::origin::ok;
use crate::harness::{Gateway, Origin, Seen, World};

fn plain() -> Origin {
    Origin::answering(|seen| ok(seen, "origin"))
}

/// A request from a client behind a trusted proxy, on a connection of its own.
fn ask(gateway: &Gateway, client: &str, fields: &str) -> Response {
    let mut connection = gateway.client();
    connection.send(
        format!("GET / HTTP/1.1\r\nHost: a.test\r\nX-Forwarded-For: {client}\r\n{fields}Connection: close\r\n\r\n").as_bytes(),
    );
    connection.response(PATIENCE).expect("an answer")
}

fn statuses(gateway: &Gateway, client: &str, count: usize) -> Vec<u16> {
    (0..count)
        .map(|_| ask(gateway, client, "").status)
        .collect()
}

/// A gateway that believes this machine's `X-Forwarded-For`.
fn limited_before(origin: &Origin, policy: &str) -> World {
    World::before(origin)
        .policy(policy)
        .with("trusted_proxies: [\"127.0.0.1/32\"]")
}

fn number(answer: &Response, name: &str) -> u64 {
    let value = answer
        .header(name)
        .unwrap_or_else(|| panic!("{name} is missing: {:?}", answer.headers));
    value.parse().unwrap_or_else(|_| panic!("{name}: {value}"))
}

#[test]
fn a_client_over_its_limit_gets_429_and_is_told_when_to_come_back() {
    let origin = plain();
    let gateway =
        limited_before(&origin, "limits: [{ key: client, rate: 2/min, burst: 3 }]").start();
    for remaining in [2, 1, 0] {
        let answer = ask(&gateway, "198.51.100.1", "");
        assert_eq!(answer.status, 200);
        assert_eq!(number(&answer, "ratelimit-limit"), 3);
        assert_eq!(number(&answer, "ratelimit-remaining"), remaining);
        assert!((1..=90).contains(&number(&answer, "ratelimit-reset")));
        assert_eq!(answer.header("retry-after"), None);
    }
    let refused = ask(&gateway, "198.51.100.1", "");
    assert_eq!(refused.status, 429);
    let wait = number(&refused, "retry-after");
    assert!((1..=30).contains(&wait), "2/min is one in 30 s: {wait}");
    assert_eq!(number(&refused, "ratelimit-remaining"), 0);
    let draft = refused.header("ratelimit").expect("the draft's field");
    assert!(draft.contains("r=0") && draft.contains("t="), "{draft}");
    let policy = refused
        .header("ratelimit-policy")
        .expect("the draft's field");
    assert!(policy.contains("q="), "{policy}");
    assert!(refused.text().contains("request_id"));

    assert_eq!(
        ask(&gateway, "198.51.100.2", "").status,
        200,
        "another client is not concerned"
    );
    assert_eq!(origin.count(), 4);
    let record = gateway.await_record(|record| record["status"] == 429);
    assert_eq!(
        (&record["action"], &record["outcome"]),
        (&"throttle".into(), &"complete".into()),
        "{record}"
    );
    assert!(
        record["limit"]
            .as_str()
            .is_some_and(|limit| limit.contains("client")),
        "{record}"
    );
    assert!(record["timings_us"]["limit"].is_number(), "{record}");
    assert_eq!(
        gateway.metric("portcullis_requests_total{action=\"throttle\""),
        1.0
    );
}

#[test]
fn limits_count_by_header_and_by_route_too() {
    let origin = plain();
    let gateway = limited_before(
        &origin,
        "limits: [{ key: \"header:x-api-key\", rate: 1/min, burst: 2 }]",
    )
    .start();
    let with_key =
        |client: &str, key: &str| ask(&gateway, client, &format!("X-Api-Key: {key}\r\n")).status;
    assert_eq!(with_key("198.51.100.1", "a"), 200);
    assert_eq!(with_key("198.51.100.2", "a"), 200);
    assert_eq!(
        with_key("198.51.100.3", "a"),
        429,
        "one key, whoever sends it"
    );
    assert_eq!(with_key("198.51.100.1", "b"), 200);

    let gateway =
        limited_before(&origin, "limits: [{ key: route, rate: 1/min, burst: 2 }]").start();
    assert_eq!(ask(&gateway, "198.51.100.1", "").status, 200);
    assert_eq!(ask(&gateway, "198.51.100.2", "").status, 200);
    assert_eq!(ask(&gateway, "198.51.100.3", "").status, 429);
}

#[test]
fn without_a_limits_key_there_is_a_limit_and_with_an_empty_list_there_is_none() {
    let origin = plain();
    let default = limited_before(&origin, "mode: enforce").start();
    assert_eq!(
        number(&ask(&default, "198.51.100.1", ""), "ratelimit-limit"),
        300
    );
    let none = limited_before(&origin, "limits: []").start();
    for _ in 0..20 {
        let answer = ask(&none, "198.51.100.1", "");
        assert_eq!(answer.status, 200);
        assert!(
            !answer
                .headers
                .iter()
                .any(|(name, _)| name.starts_with("ratelimit")),
            "{:?}",
            answer.headers
        );
    }
}

#[test]
fn limits_hold_where_nothing_is_inspected() {
    let origin = plain();
    let gateway = limited_before(
        &origin,
        "mode: \"off\", limits: [{ key: client, rate: 1/min, burst: 2 }]",
    )
    .start();
    assert_eq!(statuses(&gateway, "198.51.100.1", 3), [200, 200, 429]);
}

#[test]
fn a_reload_refills_no_bucket() {
    let origin = plain();
    let policy = "limits: [{ key: client, rate: 1/h, burst: 4 }]";
    let world = limited_before(&origin, policy);
    let gateway = world.start();
    assert_eq!(statuses(&gateway, "198.51.100.1", 3), [200; 3]);
    gateway.rewrite(
        &world
            .upstream("response_headers: { set: { x-version: two } }")
            .yaml(),
    );
    let end = Instant::now() + PATIENCE;
    while gateway.metric("portcullis_config_reloads_total{outcome=\"applied\"") < 1.0 {
        assert!(Instant::now() < end, "not reloaded: {}", gateway.log());
        thread::sleep(Duration::from_millis(30));
    }
    let fourth = ask(&gateway, "198.51.100.1", "");
    assert_eq!(
        (fourth.status, fourth.header("x-version")),
        (200, Some("two"))
    );
    assert_eq!(statuses(&gateway, "198.51.100.1", 2), [429; 2]);
    assert_eq!(
        statuses(&gateway, "198.51.100.2", 5),
        [200, 200, 200, 200, 429]
    );
}

#[test]
fn a_flood_is_met_in_the_same_way_from_every_worker() {
    let origin = plain();
    let gateway = World::before(&origin)
        .policy("limits: [{ key: client, rate: 1/h, burst: 10 }]")
        .with("workers: { threads: 4 }")
        .start();
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let address = gateway.address();
            thread::spawn(move || {
                (0..10)
                    .filter(|_| crate::harness::client::get(address, "/").status == 200)
                    .count()
            })
        })
        .collect();
    let passed: usize = threads
        .into_iter()
        .map(|thread| thread.join().expect("no panic"))
        .sum();
    assert_eq!(passed, 10, "one bucket for all workers");
}

/// What differs from one exchange to the next by its nature.
fn without_ids(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let lines = text.split("\r\n").filter(|line| {
        let name = line
            .split(':')
            .next()
            .unwrap_or_default()
            .to_ascii_lowercase();
        name != "x-request-id" && name != "date"
    });
    lines.collect::<Vec<_>>().join("\r\n")
}

const MIXED: &[&str] = &[
    "GET /plain?a=1 HTTP/1.1\r\nHost: a.test\r\nX-Portcullis-Score: 7\r\nCookie: a=b\r\n\r\n",
    "GET /sqli?id=1%27%20UNION%20SELECT%20password%20FROM%20users-- HTTP/1.1\r\nHost: a.test\r\n\r\n",
    "POST /xss HTTP/1.1\r\nHost: a.test\r\nContent-Type: application/json\r\nContent-Length: 36\r\n\r\n{\"a\":\"<script>alert(1)</script>\"   }",
    "POST /large HTTP/1.1\r\nHost: a.test\r\nContent-Type: text/plain\r\nContent-Length: 40\r\n\r\n0123456789012345678901234567890123456789",
    "HEAD /head?f=%3Cscript%3Ealert(document.cookie)%3C/script%3E HTTP/1.1\r\nHost: a.test\r\nAccept: text/html\r\n\r\n",
    "GET /scanner HTTP/1.1\r\nHost: a.test\r\nUser-Agent: sqlmap/1.7\r\n\r\n",
    "GET /again HTTP/1.1\r\nHost: a.test\r\n\r\n",
];

/// Request lines and bodies as the origin saw them.
type Forwarded = Vec<(String, Vec<u8>)>;

/// What the origin saw and what the client got, under one policy.
fn run_mixed(policy: &str) -> (Forwarded, Vec<String>, Gateway, Origin) {
    let origin = Origin::answering(|seen: &Seen| {
        ok(
            seen,
            &format!("{} {}", seen.request_line(), seen.body.len()),
        )
    });
    let gateway = World::before(&origin).policy(policy).start();
    let mut client = gateway.client();
    let mut answers = Vec::new();
    for request in MIXED {
        client.send(request.as_bytes());
        let method = request.split(' ').next().unwrap_or_default();
        let answer = client.answer_to(method, PATIENCE).expect("an answer");
        let headers: Vec<_> = answer
            .headers
            .iter()
            .filter(|(name, _)| name != "x-request-id" && name != "date")
            .collect();
        answers.push(format!("{} {headers:?} {}", answer.status, answer.text()));
    }
    assert!(
        origin.await_count(MIXED.len(), PATIENCE),
        "all are forwarded under {policy}"
    );
    let seen = origin
        .requests()
        .into_iter()
        .map(|seen| (without_ids(&seen.head), seen.body))
        .collect();
    (seen, answers, gateway, origin)
}

#[test]
fn observing_changes_neither_what_is_forwarded_nor_what_is_answered() {
    let (seen_off, answers_off, off, _origin_off) = run_mixed("mode: \"off\", limits: []");
    let (seen, answers, gateway, _origin) = run_mixed(
        "mode: observe, limits: [{ key: client, rate: 1/h, burst: 2 }], body: { inspect: 32B, beyond: deny }",
    );
    assert_eq!(answers, answers_off);
    assert_eq!(seen, seen_off);

    for (path, would) in [
        ("/sqli", "deny"),
        ("/xss", "deny"),
        ("/head", "deny"),
        ("/again", "throttle"),
    ] {
        let record = gateway.await_record(|record| record["path"] == path);
        assert_eq!(
            (&record["action"], &record["would"]),
            (&"allow".into(), &would.into()),
            "{record}"
        );
        assert_eq!(
            (&record["mode"], &record["status"]),
            (&"observe".into(), &200.into()),
            "{record}"
        );
    }
    let record = gateway.await_record(|record| record["path"] == "/plain");
    assert!(record.get("would").is_none(), "{record}");
    assert_eq!(
        gateway.metric("portcullis_requests_total{action=\"allow\""),
        MIXED.len() as f64
    );
    assert!(gateway.metric("portcullis_verdicts_total{action=\"deny\"") >= 3.0);
    let record = off.await_record(|record| record["path"] == "/sqli");
    assert!(
        record.get("verdict").is_none() && record.get("would").is_none(),
        "off looks at nothing: {record}"
    );
}

#[test]
fn malformed_framing_is_refused_in_every_mode() {
    for mode in ["enforce", "observe", "\"off\""] {
        let origin = plain();
        let gateway = World::before(&origin)
            .policy(&format!("limits: [], mode: {mode}"))
            .start();
        let mut client = gateway.client();
        client.send(b"POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
        assert_eq!(
            client.response(PATIENCE).map(|answer| answer.status),
            Some(400),
            "{mode}"
        );
        assert!(client.closes_within(PATIENCE), "{mode}");
        assert_eq!(origin.count(), 0, "{mode}");
    }
}

#[test]
fn a_suspicious_request_is_tagged_throttled_or_delayed_as_the_thresholds_say() {
    let origin = plain();
    let request = b"GET /?id=1%27%20UNION%20SELECT%20password%20FROM%20users-- HTTP/1.1\r\nHost: a.test\r\nX-Portcullis-Score: 1\r\n\r\n";
    let send = |policy: &str| {
        let gateway = World::before(&origin)
            .policy(&format!("limits: [], {policy}"))
            .start();
        let mut client = gateway.client();
        let begun = Instant::now();
        client.send(request);
        let answer = client.response(PATIENCE).expect("an answer");
        (answer, begun.elapsed(), gateway)
    };
    let (answer, _, _gateway) = send("thresholds: { tag: 10, throttle: 101, deny: 101 }");
    assert_eq!(answer.status, 200);
    let scores = origin.requests()[0].header("x-portcullis-score");
    let score: u32 = scores.concat().parse().expect("one whole number");
    assert!(
        (80..=100).contains(&score),
        "the gateway's own score, not the client's: {scores:?}"
    );

    let (answer, _, gateway) = send("thresholds: { tag: 10, throttle: 20, deny: 101 }");
    assert_eq!(answer.status, 429);
    assert!(number(&answer, "retry-after") >= 1);
    assert_eq!(
        gateway.await_record(|record| record["status"] == 429)["action"],
        "throttle"
    );

    let (answer, took, gateway) =
        send("thresholds: { tag: 10, throttle: 20, deny: 101 }, throttle_delay: 500ms");
    assert_eq!(answer.status, 200);
    assert!(took >= Duration::from_millis(500), "{took:?}");
    assert_eq!(
        gateway.await_record(|record| record["status"] == 200)["action"],
        "throttle"
    );
    assert_eq!(origin.count(), 2);
}
