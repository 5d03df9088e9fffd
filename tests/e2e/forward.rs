//! What is forwarded, and how: methods, framing, targets, headers of one hop and of many.

use std::thread;
use std::time::{Duration, Instant};

use crate::harness::client::PATIENCE;
use crate::harness::origin::ok;
use crate::harness::{Client, Origin, World};

/// An origin that says what it saw: request line and body.
fn mirror() -> Origin {
    Origin::answering(|seen| {
        let body = String::from_utf8_lossy(&seen.body).into_owned();
        ok(seen, &format!("{} {body}", seen.request_line()))
    })
}

#[test]
fn every_way_to_frame_a_message_passes() {
    let origin = Origin::answering(|seen| {
        if seen.target() == "/chunked" && !seen.head.starts_with(b"HEAD") {
            return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n".to_vec();
        }
        if seen.target() == "/until-close" {
            return b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nabcde"
                .to_vec();
        }
        ok(seen, "abcde")
    });
    let gateway = World::before(&origin).start();
    let mut client = gateway.client();
    // (head, body on the wire, body at the origin)
    let cases: &[(&str, &str, &str)] = &[
        ("GET /length", "", ""),
        ("HEAD /length", "", ""),
        ("GET /chunked", "", ""),
        ("HEAD /chunked", "", ""),
        ("GET /until-close", "", ""),
        ("DELETE /length", "", ""),
        ("OPTIONS /length", "", ""),
        (
            "POST /length",
            "Content-Length: 11\r\n\r\nhello=world",
            "hello=world",
        ),
        ("POST /chunked", "Content-Length: 0\r\n\r\n", ""),
        (
            "PUT /length",
            "Transfer-Encoding: chunked\r\n\r\n6\r\nhello=\r\n5\r\nworld\r\n0\r\n\r\n",
            "hello=world",
        ),
        ("PATCH /chunked", "Content-Length: 3\r\n\r\na=b", "a=b"),
    ];
    for (i, (line, body, expected)) in cases.iter().enumerate() {
        let (method, _) = line.split_once(' ').expect("a method and a target");
        let rest = if body.is_empty() { "\r\n" } else { body };
        let kind = "Content-Type: application/x-www-form-urlencoded";
        // All over one connection, so that a wrong length would spoil the next.
        client.send(format!("{line} HTTP/1.1\r\nHost: a.test\r\n{kind}\r\n{rest}").as_bytes());
        let answer = client
            .answer_to(method, PATIENCE)
            .unwrap_or_else(|| panic!("{line}: no answer"));
        assert_eq!(answer.status, 200, "{line}");
        assert_eq!(
            answer.text(),
            if method == "HEAD" { "" } else { "abcde" },
            "{line}"
        );
        if *line == "HEAD /length" {
            assert_eq!(answer.header("content-length"), Some("5"), "{line}");
        }
        assert!(origin.await_count(i + 1, PATIENCE), "{line}");
        let seen = origin.requests().into_iter().find(|seen| {
            seen.request_line() == format!("{line} HTTP/1.1") && holds(&seen.body, expected)
        });
        assert!(seen.is_some(), "{line}: {:?}", origin.requests().last());
    }
}

/// Whether a body as it stood on the wire holds this text; a body that came in chunks goes on in chunks.
fn holds(body: &[u8], text: &str) -> bool {
    String::from_utf8_lossy(body).contains(text)
}

#[test]
fn the_target_keeps_every_byte() {
    let origin = mirror();
    let targets = [
        "/",
        "/a//b/./c",
        "/a?",
        "/a?x=%41&y=%c3%a9&Z=%2f+%20",
        "/a?x&=y&&;z==",
        "/%7Euser/%e2%82%ac?q=a'b",
        "/a?next=b?c/d",
        "/a:b@c!$()*,;=",
    ];
    for mode in ["enforce", "\"off\""] {
        let gateway = World::before(&origin)
            .policy(&format!("limits: [], mode: {mode}"))
            .start();
        let mut client = gateway.client();
        for target in targets {
            client.send(format!("GET {target} HTTP/1.1\r\nHost: a.test\r\n\r\n").as_bytes());
            let answer = client.response(PATIENCE).expect("an answer");
            assert_eq!(
                (answer.status, answer.text()),
                (200, format!("GET {target} HTTP/1.1 ")),
                "{mode}"
            );
        }
    }
}

#[test]
fn a_client_that_expects_100_gets_it_before_its_body() {
    let origin = mirror();
    let gateway = World::before(&origin).start();
    let mut client = gateway.client();
    client.send(
        b"POST /a HTTP/1.1\r\nHost: a.test\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n",
    );
    let interim = client.read_at_least(25, PATIENCE);
    assert!(
        interim.starts_with(b"HTTP/1.1 100 "),
        "{:?}",
        String::from_utf8_lossy(&interim)
    );
    client.send(b"a=b");
    let answer = client.response(PATIENCE).expect("an answer");
    assert_eq!(
        (answer.status, answer.text()),
        (200, "POST /a HTTP/1.1 a=b".to_owned())
    );
    assert_eq!(
        origin.requests()[0].header("expect"),
        Vec::<String>::new(),
        "the gateway has answered it"
    );
}

#[test]
fn a_body_over_the_inspected_part_streams_on_and_the_record_says_so() {
    let origin = Origin::answering(|seen| ok(seen, &seen.body.len().to_string()));
    let gateway = World::before(&origin)
        .policy("limits: [], body: { inspect: 16KiB, max: 4MiB }")
        .start();
    let mut client = gateway.client();
    let half = vec![b'x'; 512 * 1024];
    client.send(
        format!(
            "POST /upload HTTP/1.1\r\nHost: a.test\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n",
            2 * half.len()
        )
        .as_bytes(),
    );
    client.send(&half);
    // The first half is at the origin while the second has not been sent: nothing waits for the whole.
    let end = Instant::now() + PATIENCE;
    while origin
        .connections()
        .iter()
        .map(|c| c.bytes.len())
        .sum::<usize>()
        < half.len()
    {
        assert!(Instant::now() < end, "the body does not stream");
        thread::sleep(Duration::from_millis(5));
    }
    client.send(&half);
    let answer = client.response(PATIENCE).expect("an answer");
    assert_eq!(
        (answer.status, answer.text()),
        (200, (2 * half.len()).to_string())
    );
    assert!(
        origin.requests()[0].body.iter().all(|byte| *byte == b'x'),
        "every byte as it was"
    );
    let record = gateway.await_record(|record| record["path"] == "/upload");
    assert_eq!(record["bytes_in"], 2 * half.len());
    assert_eq!(record["verdict"]["uninspected"]["body"], true, "{record}");

    client.send(b"POST /small HTTP/1.1\r\nHost: a.test\r\nContent-Type: text/plain\r\nContent-Length: 1\r\n\r\nx");
    assert_eq!(
        client.response(PATIENCE).map(|answer| answer.status),
        Some(200)
    );
    let record = gateway.await_record(|record| record["path"] == "/small");
    assert_ne!(record["verdict"]["uninspected"]["body"], true, "{record}");
}

#[test]
fn headers_of_one_hop_stay_there_in_both_directions() {
    let origin = Origin::answering(|_| {
        b"HTTP/1.1 200 OK\r\nConnection: keep-alive, x-inner\r\nX-Inner: secret\r\nKeep-Alive: timeout=5\r\n\
          Proxy-Connection: keep-alive\r\nUpgrade: h2c\r\nX-End: kept\r\nContent-Length: 2\r\n\r\nok"
            .to_vec()
    });
    let gateway = World::before(&origin).start();
    let mut client = gateway.client();
    client.send(
        b"GET / HTTP/1.1\r\nHost: a.test\r\nConnection: keep-alive, x-hop\r\nX-Hop: one\r\nKeep-Alive: 300\r\n\
          Proxy-Connection: keep-alive\r\nProxy-Authorization: Basic eDp5\r\nTE: trailers\r\nHTTP2-Settings: AAMAAABk\r\n\
          X-End: kept\r\n\r\n",
    );
    let answer = client.response(PATIENCE).expect("an answer");
    assert_eq!(answer.status, 200);
    let seen = &origin.requests()[0];
    for name in [
        "x-hop",
        "keep-alive",
        "proxy-connection",
        "proxy-authorization",
        "te",
        "http2-settings",
        "upgrade",
    ] {
        assert_eq!(
            seen.header(name),
            Vec::<String>::new(),
            "{name} at the origin"
        );
    }
    for name in ["x-inner", "keep-alive", "proxy-connection", "upgrade"] {
        assert_eq!(answer.header(name), None, "{name} at the client");
    }
    assert_eq!(seen.header("x-end"), ["kept"]);
    assert_eq!(answer.header("x-end"), Some("kept"));
}

const SPOOFED: &[(&str, &str)] = &[
    ("X-Forwarded-For", "198.51.100.7"),
    ("X-Forwarded-Proto", "https"),
    ("X-Forwarded-Host", "evil.test"),
    ("X-Forwarded-Port", "443"),
    ("Forwarded", "for=198.51.100.7;host=evil.test"),
    ("X-Real-IP", "198.51.100.7"),
    ("True-Client-IP", "198.51.100.7"),
    ("X-Original-URL", "/admin"),
    ("X-Request-Id", "chosen-by-the-client"),
];

fn spoofing(target: &str) -> String {
    let fields: Vec<String> = SPOOFED
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    format!(
        "GET {target} HTTP/1.1\r\nHost: a.test:81\r\n{}\r\n",
        fields.concat()
    )
}

#[test]
fn nobody_believes_forwarding_headers_of_an_untrusted_peer() {
    let origin = mirror();
    let gateway = World::before(&origin)
        // Some of these claims are attacks by themselves; here they are to get as far as they can.
        .policy("limits: [], mode: \"off\"")
        .start();
    let mut client = gateway.client();
    client.send(spoofing("/").as_bytes());
    let answer = client.response(PATIENCE).expect("an answer");
    assert_eq!(answer.status, 200);
    let seen = &origin.requests()[0];
    for (name, expected) in [
        ("x-forwarded-for", "127.0.0.1"),
        ("x-forwarded-proto", "http"),
        ("x-forwarded-host", "a.test:81"),
        ("forwarded", "for=127.0.0.1;host=\"a.test:81\";proto=http"),
        ("host", "a.test:81"),
    ] {
        assert_eq!(seen.header(name), [expected], "{name}");
    }
    for name in [
        "x-forwarded-port",
        "x-real-ip",
        "true-client-ip",
        "x-original-url",
    ] {
        assert_eq!(seen.header(name), Vec::<String>::new(), "{name}");
    }
    let id = answer.header("x-request-id").expect("an id");
    assert_ne!(id, "chosen-by-the-client");
    assert_eq!(
        seen.header("x-request-id"),
        [id],
        "one id at the origin and at the client"
    );
    let record = gateway.await_record(|record| record["id"] == id);
    assert_eq!(record["client"], "127.0.0.1");
}

#[test]
fn a_trusted_proxy_is_believed_and_added_to() {
    let origin = mirror();
    let gateway = World::before(&origin)
        .with("trusted_proxies: [\"127.0.0.1/32\", \"192.0.2.0/24\"]")
        .start();
    let mut client = gateway.client();
    client.send(
        b"GET /one HTTP/1.1\r\nHost: a.test\r\nX-Forwarded-For: 203.0.113.9, 198.51.100.7, 192.0.2.1\r\n\
          X-Forwarded-Proto: https\r\nX-Request-Id: abcdef0123456789\r\n\r\n",
    );
    let answer = client.response(PATIENCE).expect("an answer");
    assert_eq!(answer.header("x-request-id"), Some("abcdef0123456789"));
    let seen = &origin.requests()[0];
    assert_eq!(
        seen.header("x-forwarded-for"),
        ["203.0.113.9, 198.51.100.7, 192.0.2.1, 127.0.0.1"]
    );
    assert_eq!(seen.header("x-forwarded-proto"), ["https"]);
    assert_eq!(seen.header("x-request-id"), ["abcdef0123456789"]);
    // The last address that is no trusted proxy: what stands before it, that client may have made up.
    let record = gateway.await_record(|record| record["path"] == "/one");
    assert_eq!(record["client"], "198.51.100.7");
    assert!(
        record["peer"]
            .as_str()
            .is_some_and(|peer| peer.starts_with("127.0.0.1:")),
        "{record}"
    );
}

#[test]
fn header_edits_are_made_on_both_ways() {
    let origin = Origin::answering(|_| {
        b"HTTP/1.1 200 OK\r\nServer: leaky/1.2\r\nX-Twice: origin\r\nX-Set: origin\r\nContent-Length: 0\r\n\r\n".to_vec()
    });
    let gateway = World::before(&origin)
        .upstream(
            "request_headers: { remove: [X-Debug], set: { X-Gateway: secret, x-set: gateway }, add: { x-twice: gateway } },
             response_headers: { remove: [server], set: { X-Set: gateway }, add: { X-Twice: gateway } }",
        )
        .start();
    let mut client = gateway.client();
    client.send(
        b"GET / HTTP/1.1\r\nHost: a.test\r\nX-Debug: 1\r\nx-gateway: forged\r\nX-Set: client\r\nX-Twice: client\r\n\r\n",
    );
    let answer = client.response(PATIENCE).expect("an answer");
    let seen = &origin.requests()[0];
    for (name, expected) in [
        ("x-debug", &[][..]),
        ("x-gateway", &["secret"]),
        ("x-set", &["gateway"]),
        ("x-twice", &["client", "gateway"]),
    ] {
        assert_eq!(seen.header(name), expected, "{name}");
    }
    assert_eq!(answer.header("server"), None);
    assert_eq!(answer.header("x-set"), Some("gateway"));
    let twice: Vec<&str> = answer
        .headers
        .iter()
        .filter(|(name, _)| name == "x-twice")
        .map(|(_, value)| value.as_str())
        .collect();
    assert_eq!(twice, ["origin", "gateway"]);
}

#[test]
fn the_host_may_be_the_servers_own() {
    let origin = mirror();
    let gateway = World::before(&origin).upstream("host: server").start();
    let mut client = gateway.client();
    client.send(b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
    assert_eq!(
        client.response(PATIENCE).map(|answer| answer.status),
        Some(200)
    );
    let seen = &origin.requests()[0];
    assert_eq!(seen.header("host"), [origin.address().to_string()]);
    assert_eq!(seen.header("x-forwarded-host"), ["a.test"]);
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let origin = mirror();
    let gateway = World::before(&origin).start();
    let mut client: Client = gateway.client();
    let all: String = (0..8)
        .map(|i| format!("GET /{i} HTTP/1.1\r\nHost: a.test\r\n\r\n"))
        .collect();
    client.send(all.as_bytes());
    for i in 0..8 {
        let answer = client.response(PATIENCE).expect("an answer");
        assert_eq!(answer.text(), format!("GET /{i} HTTP/1.1 "));
    }
}
