//! Answers on their way back: what is denied, masked, held, let through, and said about it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Mutex;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde_json::Value;

use crate::harness::client::{PATIENCE, Response};
use crate::harness::{Client, Gateway, Origin, World};

/// A secret that a shipped rule knows, and its shape when masked.
const KEY: &str = "rk_live_EXAMPLE0EXAMPLE01";
const MASKED: &str = "*************************";

const DENY: &str = "limits: [], responses: { inspect: true }";
const MASK: &str = "limits: [], responses: { inspect: true, action: mask }";

/// An answer with a length.
fn whole(head: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let mut bytes = format!("HTTP/1.1 {head}\r\nContent-Length: {length}\r\n\r\n").into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

/// The same in chunks of a size.
fn chunked(head: &str, body: &[u8], size: usize) -> Vec<u8> {
    let mut bytes = format!("HTTP/1.1 {head}\r\nTransfer-Encoding: chunked\r\n\r\n").into_bytes();
    for chunk in body.chunks(size) {
        bytes.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        bytes.extend_from_slice(chunk);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"0\r\n\r\n");
    bytes
}

fn text(body: &str) -> Vec<u8> {
    whole("200 OK\r\nContent-Type: text/plain", body.as_bytes())
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

fn gunzip(bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    let mut decoder = GzDecoder::new(bytes);
    decoder.read_to_end(&mut plain).expect("it is gzip");
    plain
}

/// An origin that answers every request with the bytes given.
fn origin(answer: Vec<u8>) -> Origin {
    Origin::answering(move |_| answer.clone())
}

/// A gateway with this policy.
fn before(origin: &Origin, policy: &str) -> Gateway {
    World::before(origin).policy(policy).start()
}

/// Asks for `/x`, with further lines of the head.
fn ask(gateway: &Gateway, method: &str, lines: &str) -> Response {
    let mut client = gateway.client();
    client.send(format!("{method} /x HTTP/1.1\r\nHost: a.test\r\n{lines}\r\n").as_bytes());
    client.answer_to(method, PATIENCE).expect("an answer comes")
}

fn record(gateway: &Gateway) -> Value {
    gateway.await_record(|record| record["path"] == "/x")
}

/// Numbers in lines, without a secret.
fn harmless(length: usize) -> Vec<u8> {
    let lines = (0..).flat_map(|line| format!("line {line} of many\n").into_bytes());
    lines.take(length).collect()
}

#[test]
fn a_leak_is_answered_with_502_and_the_record_says_why() {
    let origin = origin(text(&format!("{{\"key\":\"{KEY}\"}}")));
    let gateway = before(&origin, DENY);
    let answer = ask(&gateway, "GET", "");
    assert_eq!(answer.status, 502);
    let body: Value = serde_json::from_slice(&answer.body).expect("it is JSON");
    assert_eq!(
        body.as_object().map(serde_json::Map::len),
        Some(2),
        "{body}"
    );
    assert!(!answer.text().contains("stripe") && !answer.text().contains(KEY));
    let record = record(&gateway);
    assert_eq!(record["request_id"].as_str(), None);
    assert_eq!(record["id"], body["request_id"]);
    assert_eq!(record["status"], 502);
    assert_eq!(record["action"], "deny");
    assert_eq!(record["response_action"], "deny");
    assert_eq!(record["reason"], "answer-denied");
    assert_eq!(record["outcome"], "complete");
    assert_eq!(record["verdict"]["action"], "allow");
    let verdict = &record["response_verdict"];
    assert_eq!(verdict["category"], "data-leak");
    assert_eq!(verdict["evidence"][0]["rule"], "data-leak-stripe-key");
    assert_eq!(verdict["evidence"][0]["location"], "response-body");
    assert!(record["timings_us"]["answer"].is_number(), "{record}");
    assert!(record["timings_us"]["hold"].is_number(), "{record}");
    assert!(!record.to_string().contains(KEY), "no secret in the record");
    for (series, value) in [
        (
            "portcullis_response_verdicts_total{action=\"deny\",category=\"data-leak\"",
            1.0,
        ),
        ("portcullis_response_outcomes_total{outcome=\"denied\"", 1.0),
        ("portcullis_response_outcomes_total{outcome=\"passed\"", 0.0),
        (
            "portcullis_inspection_duration_seconds_count{stage=\"answer\"",
            1.0,
        ),
        (
            "portcullis_inspection_duration_seconds_count{stage=\"hold\"",
            1.0,
        ),
        ("portcullis_upstream_errors_total", 0.0),
    ] {
        gateway.await_metric(series, value);
    }
}

#[test]
fn a_leak_in_a_header_is_denied_or_masked() {
    let leak = format!("200 OK\r\nContent-Type: image/png\r\nX-Key: {KEY}");
    let origin = origin(whole(&leak, b"\x89PNG\0"));
    let gateway = before(&origin, DENY);
    assert_eq!(ask(&gateway, "GET", "").status, 502);
    // Of HEAD too: its headers are those of GET.
    assert_eq!(ask(&gateway, "HEAD", "").status, 502);
    let gateway = before(&origin, MASK);
    let answer = ask(&gateway, "GET", "");
    assert_eq!(answer.header("x-key"), Some(MASKED));
    assert_eq!(answer.body, b"\x89PNG\0");
}

#[test]
fn masking_keeps_every_length_and_position() {
    let body =
        format!("{{\"a\":\"{KEY}\",\"b\":[1,2],\"c\":\"{KEY}\",\"card\":\"4012 8888 8888 1881\"}}");
    let expected = body
        .replace(KEY, MASKED)
        .replace("4012 8888 8888 1881", "*******************");
    let kind = "200 OK\r\nContent-Type: application/json\r\nETag: \"1\"";
    for answer in [
        whole(kind, body.as_bytes()),
        chunked(kind, body.as_bytes(), 7),
    ] {
        let origin = origin(answer);
        let gateway = before(&origin, MASK);
        let answer = ask(&gateway, "GET", "");
        assert_eq!((answer.status, answer.text()), (200, expected.clone()));
        if let Some(length) = answer.header("content-length") {
            assert_eq!(length, body.len().to_string());
        }
        assert_eq!(answer.header("etag"), None, "the tag is of another body");
        let record = record(&gateway);
        assert_eq!(
            (&record["action"], &record["response_action"]),
            (&"allow".into(), &"mask".into())
        );
        assert_eq!(record["bytes_out"], body.len());
        assert_eq!(record["outcome"], "complete");
        gateway.await_metric("portcullis_response_outcomes_total{outcome=\"masked\"", 1.0);
    }
}

#[test]
fn a_compressed_leak_is_found_and_a_masked_body_goes_on_uncompressed() {
    let body = format!("the key is {KEY}, keep it\n").repeat(3);
    let head = "200 OK\r\nContent-Type: text/plain\r\nContent-Encoding: gzip";
    let origin = origin(whole(head, &gzip(body.as_bytes())));
    assert_eq!(ask(&before(&origin, DENY), "GET", "").status, 502);
    let answer = ask(&before(&origin, MASK), "GET", "");
    assert_eq!(answer.text(), body.replace(KEY, MASKED));
    assert_eq!(answer.header("content-encoding"), None);
    assert_eq!(
        answer.header("content-length"),
        Some(&*body.len().to_string())
    );
}

#[test]
fn a_harmless_compressed_body_passes_as_it_was() {
    let packed = gzip(&harmless(30_000));
    let head = "200 OK\r\nContent-Type: text/plain\r\nContent-Encoding: gzip";
    let origin = origin(whole(head, &packed));
    let answer = ask(&before(&origin, MASK), "GET", "Accept-Encoding: gzip\r\n");
    assert_eq!(answer.header("content-encoding"), Some("gzip"));
    assert_eq!(answer.body, packed);
    assert_eq!(gunzip(&answer.body), harmless(30_000));
}

#[test]
fn a_compressed_leak_that_cannot_be_written_anew_is_denied() {
    // Longer than what is held, once it is unpacked.
    let mut body = format!("{KEY}\n").into_bytes();
    body.extend_from_slice(&harmless(200_000));
    let head = "200 OK\r\nContent-Type: text/plain\r\nContent-Encoding: gzip";
    let origin = origin(whole(head, &gzip(&body)));
    assert_eq!(ask(&before(&origin, MASK), "GET", "").status, 502);
}

#[test]
fn observing_changes_nothing_and_notes_what_would_have_been() {
    let body = format!("key {KEY}\n");
    let head = "200 OK\r\nContent-Type: text/plain\r\nETag: \"1\"\r\nX-Key: 1";
    let packed = gzip(body.as_bytes());
    let coded = "200 OK\r\nContent-Type: text/plain\r\nContent-Encoding: gzip\r\nETag: \"1\"";
    for (answer, sent) in [
        (whole(head, body.as_bytes()), body.clone().into_bytes()),
        (chunked(head, body.as_bytes(), 3), body.clone().into_bytes()),
        (whole(coded, &packed), packed.clone()),
    ] {
        for (action, would) in [("deny", "deny"), ("mask", "mask")] {
            let origin = origin(answer.clone());
            let policy = format!(
                "mode: observe, limits: [], responses: {{ inspect: true, action: {action} }}"
            );
            let gateway = before(&origin, &policy);
            let answer = ask(
                &gateway,
                "GET",
                "Range: bytes=0-5\r\nAccept-Encoding: dcb\r\n",
            );
            assert_eq!((answer.status, &answer.body), (200, &sent));
            assert_eq!(answer.header("etag"), Some("\"1\""));
            assert_eq!(origin.requests()[0].header("range"), ["bytes=0-5"]);
            assert_eq!(origin.requests()[0].header("accept-encoding"), ["dcb"]);
            let record = record(&gateway);
            assert_eq!(record["action"], "allow");
            assert_eq!(record["response_would"], would, "{record}");
            assert_eq!(record["response_action"], Value::Null);
            let would_deny = if would == "deny" {
                "deny".into()
            } else {
                Value::Null
            };
            assert_eq!(record["would"], would_deny);
            let series = format!("portcullis_response_outcomes_total{{outcome=\"would-{would}\"");
            gateway.await_metric(&series, 1.0);
        }
    }
}

#[test]
fn switched_off_nothing_is_held_or_said() {
    let origin = origin(text(KEY));
    for policy in [
        "limits: []",
        "mode: off, limits: [], responses: { inspect: true }",
    ] {
        let gateway = before(&origin, policy);
        let answer = ask(&gateway, "GET", "Range: bytes=0-5\r\n");
        assert_eq!((answer.status, answer.text()), (200, KEY.to_owned()));
        let record = record(&gateway);
        assert_eq!(record["response_verdict"], Value::Null);
        assert_eq!(record["timings_us"]["hold"], Value::Null);
        assert_eq!(
            origin.requests().last().expect("one").header("range"),
            ["bytes=0-5"]
        );
        gateway.await_metric("portcullis_response_verdicts_total", 0.0);
    }
}

#[test]
fn a_long_body_passes_whole_and_the_record_says_what_was_not_seen() {
    // The leak behind what is held is not seen; that is what the setting means.
    let mut body = harmless(300_000);
    body.extend_from_slice(KEY.as_bytes());
    let kind = "200 OK\r\nContent-Type: text/plain";
    for answer in [
        whole(kind, &body),
        chunked(kind, &body, 5000),
        chunked(kind, &body, 100_000),
    ] {
        let origin = origin(answer);
        let gateway = before(&origin, MASK);
        let answer = ask(&gateway, "GET", "");
        assert!(
            answer.body == body,
            "{} bytes of {}",
            answer.body.len(),
            body.len()
        );
        let record = record(&gateway);
        assert_eq!(record["response_verdict"]["uninspected"]["body"], true);
        assert_eq!(record["outcome"], "complete");
        gateway.await_metric(
            "portcullis_response_uninspected_total{reason=\"longer\"",
            1.0,
        );
    }
}

#[test]
fn a_leak_in_front_of_a_long_body_is_masked_and_the_rest_is_as_it_was() {
    let mut body = format!("key {KEY} end\n").into_bytes();
    body.extend_from_slice(&harmless(200_000));
    let origin = origin(chunked("200 OK\r\nContent-Type: text/plain", &body, 50_000));
    let answer = ask(&before(&origin, MASK), "GET", "");
    let expected = String::from_utf8_lossy(&body).replace(KEY, MASKED);
    assert!(answer.text() == expected);
}

#[test]
fn what_is_held_can_be_set() {
    let body = format!("{}{KEY}", "x".repeat(2000));
    let origin = origin(text(&body));
    let policy = "limits: [], responses: { inspect: true, hold: 1KiB }";
    assert_eq!(ask(&before(&origin, policy), "GET", "").status, 200);
    let policy = "limits: [], responses: { inspect: true, hold: 4KiB }";
    assert_eq!(ask(&before(&origin, policy), "GET", "").status, 502);
}

#[test]
fn bodies_that_do_not_exist_are_not_waited_for() {
    let origin = Origin::answering(|seen| match &*seen.target() {
        "/204" => b"HTTP/1.1 204 No Content\r\nX-A: 1\r\n\r\n".to_vec(),
        "/304" => {
            b"HTTP/1.1 304 Not Modified\r\nETag: \"1\"\r\nContent-Length: 999\r\n\r\n".to_vec()
        }
        _ => b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 999\r\n\r\n".to_vec(),
    });
    let gateway = before(&origin, DENY);
    let mut client = gateway.client();
    for (method, path, status) in [
        ("GET", "/204", 204),
        ("GET", "/304", 304),
        ("HEAD", "/head", 200),
    ] {
        client.send(format!("{method} {path} HTTP/1.1\r\nHost: a.test\r\n\r\n").as_bytes());
        let answer = client.answer_to(method, PATIENCE).expect("an answer");
        assert_eq!(answer.status, status, "{path}");
        assert!(answer.body.is_empty());
        if path == "/304" {
            assert_eq!(answer.header("etag"), Some("\"1\""));
        }
        if path == "/head" {
            assert_eq!(answer.header("content-length"), Some("999"));
        }
    }
}

#[test]
fn nobody_gets_a_secret_in_parts() {
    let origin = Origin::answering(|seen| {
        let range = seen.header("range");
        match range.is_empty() {
            true => text(KEY),
            false => whole(
                "206 Partial Content\r\nContent-Type: text/plain\r\nContent-Range: bytes 0-5/25",
                &KEY.as_bytes()[..6],
            ),
        }
    });
    let parts = "Range: bytes=0-5\r\nIf-Range: \"1\"\r\n";
    let gateway = before(&origin, DENY);
    assert_eq!(ask(&gateway, "GET", parts).status, 502);
    assert!(origin.requests()[0].header("if-range").is_empty());
    // Where the policy lets ranges pass, each part is judged alone.
    let gateway = before(
        &origin,
        "limits: [], responses: { inspect: true, ranges: pass }",
    );
    let answer = ask(&gateway, "GET", parts);
    assert_eq!(
        (answer.status, answer.text()),
        (206, KEY.chars().take(6).collect())
    );
    assert_eq!(answer.header("content-range"), Some("bytes 0-5/25"));
}

#[test]
fn clients_cannot_ask_for_codings_that_nobody_here_reads() {
    let origin = origin(text("fine"));
    let gateway = before(&origin, DENY);
    ask(
        &gateway,
        "GET",
        "Accept-Encoding: dcb, gzip;q=0.5, compress\r\n",
    );
    assert_eq!(
        origin.requests()[0].header("accept-encoding"),
        ["gzip;q=0.5"]
    );
    let unread = origin_of_unknown_coding();
    let gateway = before(&unread, DENY);
    assert_eq!(ask(&gateway, "GET", "").body, b"?????");
    gateway.await_metric(
        "portcullis_response_uninspected_total{reason=\"coding\"",
        1.0,
    );
    assert_eq!(
        record(&gateway)["response_verdict"]["uninspected"]["body"],
        true
    );
}

fn origin_of_unknown_coding() -> Origin {
    origin(whole(
        "200 OK\r\nContent-Type: text/plain\r\nContent-Encoding: own",
        b"?????",
    ))
}

#[test]
fn a_file_of_no_known_type_is_held_only_if_it_is_text() {
    let env = format!("\nSTRIPE_KEY={KEY}\n");
    let kind = "200 OK\r\nContent-Type: application/octet-stream";
    assert_eq!(
        ask(
            &before(&origin(whole(kind, env.as_bytes())), DENY),
            "GET",
            ""
        )
        .status,
        502
    );
    assert_eq!(
        ask(
            &before(&origin(whole("200 OK", env.as_bytes())), DENY),
            "GET",
            ""
        )
        .status,
        502
    );
    let mut binary = vec![0, 1, 2, 3];
    binary.extend_from_slice(KEY.as_bytes());
    let answer = ask(&before(&origin(whole(kind, &binary)), DENY), "GET", "");
    assert_eq!((answer.status, answer.body), (200, binary));
}

/// Reads a head.
fn read_head(stream: &mut TcpStream) -> Vec<u8> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|n| n == 1) {
        head.push(byte[0]);
    }
    head
}

/// Reads until the client has received these bytes.
fn await_bytes(client: &mut Client, bytes: &str, time: Duration) -> String {
    let end = Instant::now() + time;
    let mut all = Vec::new();
    while Instant::now() < end {
        let more = client.read_at_least(1, end.saturating_duration_since(Instant::now()));
        all.extend_from_slice(&more);
        let text = String::from_utf8_lossy(&all);
        if text.contains(bytes) {
            return text.into_owned();
        }
        if more.is_empty() {
            break;
        }
    }
    panic!(
        "{bytes:?} did not come, but {:?}",
        String::from_utf8_lossy(&all)
    );
}

/// An origin that sends the pieces, each once the one before is released.
fn stepwise(pieces: Vec<Vec<u8>>) -> (Origin, mpsc::SyncSender<()>) {
    let (release, released) = mpsc::sync_channel::<()>(8);
    let released = Mutex::new(released);
    let origin = Origin::start(move |mut stream, _| {
        read_head(&mut stream);
        let released = released.lock().expect("one connection at a time");
        for (number, piece) in pieces.iter().enumerate() {
            if number > 0 && released.recv_timeout(PATIENCE).is_err() {
                return;
            }
            let _ = stream.write_all(piece);
        }
    });
    (origin, release)
}

fn request(gateway: &Gateway) -> Client {
    let mut client = gateway.client();
    client.send(b"GET /x HTTP/1.1\r\nHost: a.test\r\n\r\n");
    client
}

#[test]
fn an_event_arrives_while_the_stream_is_open() {
    let first = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: first\n\n";
    let second = format!("data: {KEY}\n\n");
    let (origin, release) = stepwise(vec![first.into(), second.into_bytes()]);
    let policy = "limits: [], responses: { inspect: true, hold_time: 1m }";
    let gateway = before(&origin, policy);
    let mut client = request(&gateway);
    await_bytes(&mut client, "data: first", PATIENCE);
    release.send(()).expect("the origin waits");
    await_bytes(&mut client, KEY, PATIENCE);
}

#[test]
fn a_body_in_drips_is_held_for_a_while_and_then_streams() {
    let first = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n5\r\ndrip \r\n";
    let (origin, release) = stepwise(vec![first.into(), b"5\r\ndrop\n\r\n0\r\n\r\n".to_vec()]);
    let policy = "limits: [], responses: { inspect: true, hold_time: 200ms }";
    let gateway = before(&origin, policy);
    let mut client = request(&gateway);
    let asked = Instant::now();
    await_bytes(&mut client, "drip ", PATIENCE);
    assert!(asked.elapsed() >= Duration::from_millis(150), "it was held");
    release.send(()).expect("the origin waits");
    await_bytes(&mut client, "drop", PATIENCE);
    gateway.await_metric("portcullis_response_uninspected_total{reason=\"late\"", 1.0);
    let record = record(&gateway);
    assert_eq!(record["response_verdict"]["uninspected"]["body"], true);
    assert_eq!(
        (&record["status"], &record["outcome"]),
        (&200.into(), &"complete".into())
    );
}

#[test]
fn an_upstream_that_stalls_while_it_is_held_is_answered_for() {
    let first =
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 100\r\n\r\nbeginning";
    let world = |mode: &str| {
        let (origin, release) = stepwise(vec![first.into(), b"never".to_vec()]);
        let policy =
            format!("mode: {mode}, limits: [], responses: {{ inspect: true, hold_time: 1m }}");
        let world = World::before(&origin).upstream("timeouts: { idle: 300ms }");
        (world.policy(&policy).start(), origin, release)
    };
    let (gateway, _origin, _release) = world("enforce");
    let answer = request(&gateway).response(PATIENCE).expect("an answer");
    assert_eq!(answer.status, 504);
    let refused = record(&gateway);
    assert_eq!(
        (&refused["outcome"], &refused["reason"]),
        (&"timeout".into(), &"answer-stalled".into())
    );
    gateway.await_metric(
        "portcullis_upstream_errors_total{reason=\"answer-stalled\"",
        1.0,
    );
    // Observing, the client gets what it would have got: a beginning that breaks off.
    let (gateway, _origin, _release) = world("observe");
    let mut client = request(&gateway);
    assert!(client.closes_within(PATIENCE));
    let text = String::from_utf8_lossy(client.rest()).into_owned();
    assert!(
        text.starts_with("HTTP/1.1 200") && text.ends_with("beginning"),
        "{text}"
    );
}

#[test]
fn an_upstream_that_breaks_off_while_it_is_held_is_answered_for() {
    let origin = Origin::start(|mut stream, _| {
        read_head(&mut stream);
        let _ = stream.write_all(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 100\r\n\r\nbegin",
        );
    });
    let gateway = before(&origin, DENY);
    let answer = ask(&gateway, "GET", "");
    assert_eq!(answer.status, 502);
    assert_eq!(record(&gateway)["reason"], "answer-broke-off");
}

#[test]
fn a_client_that_leaves_while_its_answer_is_held_leaves_a_record() {
    let first =
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 100\r\n\r\nbeginning";
    let (origin, _release) = stepwise(vec![first.into(), b"never".to_vec()]);
    let gateway = before(
        &origin,
        "limits: [], responses: { inspect: true, hold_time: 1m }",
    );
    let client = request(&gateway);
    std::thread::sleep(Duration::from_millis(300));
    drop(client);
    let record = record(&gateway);
    assert_eq!(record["outcome"], "client-gone", "{record}");
}

#[test]
fn connections_to_the_upstream_are_kept_however_the_answer_is_framed() {
    for (policy, answers) in [("limits: []", 3), (DENY, 3), (MASK, 3)] {
        let origin = origin(chunked(
            "200 OK\r\nContent-Type: text/plain",
            b"several pieces",
            4,
        ));
        let gateway = before(&origin, policy);
        let mut client = gateway.client();
        for _ in 0..answers {
            client.send(b"GET /x HTTP/1.1\r\nHost: a.test\r\n\r\n");
            let answer = client.response(PATIENCE).expect("an answer");
            assert_eq!(answer.text(), "several pieces");
            assert_eq!(record(&gateway)["outcome"], "complete");
        }
        assert_eq!(origin.connections().len(), 1, "{policy}");
    }
}

#[test]
fn exceptions_and_thresholds_hold_for_answers() {
    let origin = origin(text(KEY));
    let excepted = "limits: [], responses: { inspect: true }, exceptions: [{ rule: data-leak-stripe-key, path: /x, reason: test }]";
    assert_eq!(ask(&before(&origin, excepted), "GET", "").status, 200);
    let lenient = "limits: [], responses: { inspect: true }, thresholds: { deny: 101 }";
    let gateway = before(&origin, lenient);
    assert_eq!(ask(&gateway, "GET", "").status, 200);
    let record = record(&gateway);
    assert_eq!(record["response_verdict"]["action"], "throttle");
    assert_eq!(record["response_action"], Value::Null);
}

#[test]
fn a_refused_handshake_is_an_answer_like_others() {
    let origin = origin(text(KEY));
    let gateway = World::before(&origin)
        .policy(DENY)
        .route("websocket: true")
        .start();
    let handshake = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                     Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    assert_eq!(ask(&gateway, "GET", handshake).status, 502);
}

#[test]
fn what_the_gateway_removes_is_not_judged() {
    let leak = format!("200 OK\r\nContent-Type: text/plain\r\nX-Key: {KEY}");
    let origin = origin(whole(&leak, b"fine"));
    let gateway = World::before(&origin)
        .policy(DENY)
        .upstream("response_headers: { remove: [x-key] }")
        .start();
    let answer = ask(&gateway, "GET", "");
    assert_eq!((answer.status, answer.header("x-key")), (200, None));
}
