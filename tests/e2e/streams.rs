//! What never ends by itself or goes both ways at once: event streams, gRPC, WebSockets, and HTTP/2 from the client.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Mutex;
use std::sync::mpsc;
use std::time::Duration;

use http::{Request, StatusCode, Version};
use http_body_util::BodyExt;

use crate::harness::client::PATIENCE;
use crate::harness::http2::{self, EchoOrigin, block_on, full, message, next_data, streamed};
use crate::harness::origin::ok;
use crate::harness::{Client, Gateway, Origin, World};

/// Reads a head; whoever it is for is not of interest.
fn read_head(stream: &mut TcpStream) -> Vec<u8> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|n| n == 1) {
        head.push(byte[0]);
    }
    head
}

/// Reads until the client has received these bytes.
fn await_bytes(client: &mut Client, bytes: &[u8]) {
    let mut all = Vec::new();
    loop {
        let more = client.read_at_least(1, PATIENCE);
        assert!(
            !more.is_empty(),
            "{:?} did not come, but {:?}",
            bytes.escape_ascii().to_string(),
            all
        );
        all.extend_from_slice(&more);
        if all.windows(bytes.len()).any(|window| window == bytes) {
            return;
        }
    }
}

#[test]
fn an_event_arrives_before_the_next_is_sent() {
    let (release, released) = mpsc::sync_channel::<()>(1);
    let released = Mutex::new(released);
    let origin = Origin::start(move |mut stream, _| {
        read_head(&mut stream);
        let _ = stream.write_all(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: first\n\n",
        );
        let released = released.lock().expect("one connection");
        if released.recv_timeout(PATIENCE).is_ok() {
            let _ = stream.write_all(b"data: second\n\n");
        }
    });
    let gateway = World::before(&origin).start();
    let mut client = gateway.client();
    client.send(b"GET /events HTTP/1.1\r\nHost: a.test\r\nAccept: text/event-stream\r\n\r\n");
    await_bytes(&mut client, b"data: first\n\n");
    release.send(()).expect("the origin waits");
    await_bytes(&mut client, b"data: second\n\n");
}

#[test]
fn an_event_stream_may_be_silent_for_longer_than_the_idle_time() {
    let origin = Origin::start(|mut stream, _| {
        let head = read_head(&mut stream);
        let kind = if head.starts_with(b"GET /events") {
            "text/event-stream"
        } else {
            "text/plain"
        };
        let _ = stream.write_all(
            format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\n\r\ndata: first\n\n").as_bytes(),
        );
        std::thread::sleep(Duration::from_millis(900));
        let _ = stream.write_all(b"data: second\n\n");
    });
    let gateway = World::before(&origin)
        .upstream("timeouts: { idle: 300ms }")
        .start();
    let mut events = gateway.client();
    events.send(b"GET /events HTTP/1.1\r\nHost: a.test\r\n\r\n");
    let mut plain = gateway.client();
    plain.send(b"GET /plain HTTP/1.1\r\nHost: a.test\r\n\r\n");
    await_bytes(&mut events, b"data: first\n\n");
    await_bytes(&mut events, b"data: second\n\n");
    // Anything else that falls silent is broken off, and the client can tell: no last chunk.
    assert!(plain.closes_within(PATIENCE));
    let text = String::from_utf8_lossy(plain.rest()).into_owned();
    assert!(
        text.contains("first") && !text.contains("second") && !text.ends_with("0\r\n\r\n"),
        "{text}"
    );
}

#[test]
fn http2_with_prior_knowledge_reaches_an_http1_origin() {
    let origin = Origin::answering(|seen| {
        let body = String::from_utf8_lossy(&seen.body).into_owned();
        ok(seen, &format!("{} {body}", seen.request_line()))
    });
    let gateway = World::before(&origin).start();
    block_on(async {
        let mut sender = http2::connect(gateway.address()).await;
        for (method, target, body) in [
            ("GET", "/a?x=%41&y", ""),
            ("POST", "/b", "name=value"),
            ("HEAD", "/c", ""),
            ("DELETE", "/d", ""),
        ] {
            let request = Request::builder()
                .method(method)
                .uri(format!("http://a.test{target}"))
                .header("content-type", "application/x-www-form-urlencoded")
                .body(full(body))
                .expect("a valid request");
            let answer = sender.send_request(request).await.expect("an answer");
            assert_eq!(
                (answer.status(), answer.version()),
                (StatusCode::OK, Version::HTTP_2),
                "{method}"
            );
            assert!(!answer.headers().contains_key("connection"));
            let text = answer
                .into_body()
                .collect()
                .await
                .expect("a body")
                .to_bytes();
            let expected = if method == "HEAD" {
                String::new()
            } else {
                format!("{method} {target} HTTP/1.1 {body}")
            };
            assert_eq!(String::from_utf8_lossy(&text), expected);
        }
        let attack =
            Request::get("http://a.test/?id=1%27%20UNION%20SELECT%20password%20FROM%20users--")
                .body(full(""))
                .expect("a valid request");
        let answer = sender.send_request(attack).await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    });
    assert_eq!(origin.requests()[0].header("host"), ["a.test"]);
    let record = gateway.await_record(|record| record["path"] == "/a");
    assert_eq!(record["protocol"], "HTTP/2.0");
}

fn grpc(body: http2::AnyBody) -> Request<http2::AnyBody> {
    Request::post("http://a.test/shop.Orders/Place")
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(body)
        .expect("a valid request")
}

#[test]
fn grpc_passes_message_by_message_with_its_trailers() {
    let origin = EchoOrigin::start();
    let gateway = World::of(&[origin.url()])
        .upstream("protocol: http2")
        .start();
    block_on(async {
        let mut sender = http2::connect(gateway.address()).await;
        let (pieces, body) = streamed();
        pieces.try_send(message(b"first")).expect("the body waits");
        let answer = sender.send_request(grpc(body)).await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(answer.headers()["content-type"], "application/grpc");
        let mut echo = answer.into_body();
        assert_eq!(next_data(&mut echo).await, Some(message(b"first")));
        // The second is sent only now: neither side waits for the whole stream.
        pieces.try_send(message(b"second")).expect("the body waits");
        assert_eq!(next_data(&mut echo).await, Some(message(b"second")));
        drop(pieces);
        let end = echo.collect().await.expect("it ends in order");
        let trailers = end.trailers().expect("gRPC has trailers");
        assert_eq!(
            (&trailers["grpc-status"], &trailers["x-checksum"]),
            (
                &"0".parse().expect("a value"),
                &"abc".parse().expect("a value")
            )
        );
    });
    let seen = origin.seen();
    assert_eq!(seen[0].version, Version::HTTP_2);
    assert_eq!(seen[0].headers["te"], "trailers");
}

#[test]
fn a_grpc_message_that_is_an_attack_does_not_reach_the_origin() {
    let origin = EchoOrigin::start();
    let gateway = World::of(&[origin.url()])
        .upstream("protocol: http2")
        .start();
    let attack = b"\x0a\x301' UNION SELECT password, login FROM users-- abc";
    block_on(async {
        let mut sender = http2::connect(gateway.address()).await;
        let (pieces, body) = streamed();
        pieces
            .try_send(message(b"\x0a\x08harmless"))
            .expect("the body waits");
        let answer = sender.send_request(grpc(body)).await.expect("an answer");
        let mut echo = answer.into_body();
        assert!(next_data(&mut echo).await.is_some());
        pieces.try_send(message(attack)).expect("the body waits");
        while next_data(&mut echo).await.is_some() {}
    });
    let received = origin.received();
    assert!(
        !received.windows(5).any(|window| window == b"UNION"),
        "{}",
        received.escape_ascii()
    );
    let record = gateway.await_record(|record| record["path"] == "/shop.Orders/Place");
    assert_eq!(record["verdict"]["category"], "sqli", "{record}");
    assert_eq!(record["action"], "deny", "{record}");
}

#[test]
fn grpc_and_plain_requests_share_an_upstream() {
    // `auto`: HTTP/2 for gRPC, HTTP/1.1 for the rest. A kept connection of one kind must not serve the other.
    let origin = EchoOrigin::start();
    let gateway = World::of(&[origin.url()]).start();
    block_on(async {
        let mut sender = http2::connect(gateway.address()).await;
        for round in 0..3 {
            let plain = Request::post("http://a.test/plain")
                .header("content-type", "text/plain")
                .body(full("hello"))
                .expect("a valid request");
            let answer = sender.send_request(plain).await.expect("an answer");
            assert_eq!(answer.status(), StatusCode::OK, "plain, round {round}");
            assert_eq!(
                answer
                    .into_body()
                    .collect()
                    .await
                    .expect("a body")
                    .to_bytes(),
                "hello"
            );
            let answer = sender
                .send_request(grpc(full(message(b"hello"))))
                .await
                .expect("an answer");
            assert_eq!(answer.status(), StatusCode::OK, "gRPC, round {round}");
            let end = answer.into_body().collect().await.expect("a body");
            assert!(
                end.trailers()
                    .is_some_and(|trailers| trailers.contains_key("grpc-status")),
                "round {round}"
            );
        }
    });
    let versions: Vec<(String, Version)> = origin
        .seen()
        .iter()
        .map(|seen| (seen.uri.path().to_owned(), seen.version))
        .collect();
    for (path, version) in &versions {
        let expected = if path == "/plain" {
            Version::HTTP_11
        } else {
            Version::HTTP_2
        };
        assert_eq!(*version, expected, "{versions:?}");
    }
}

const HANDSHAKE: &str = "GET /chat HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// An origin that accepts every WebSocket (the key is the one of RFC 6455, section 1.3) and echoes its messages.
fn websocket_origin() -> Origin {
    Origin::start(|mut stream, _| {
        let head = read_head(&mut stream);
        if !String::from_utf8_lossy(&head)
            .to_ascii_lowercase()
            .contains("upgrade: websocket")
        {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nplain");
            return;
        }
        let _ = stream.write_all(
            b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
              Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
        );
        let mut frame = [0; 6];
        while stream.read_exact(&mut frame).is_ok() {
            let mut payload = vec![0; usize::from(frame[1] & 0x7f)];
            if stream.read_exact(&mut payload).is_err() {
                return;
            }
            for (byte, mask) in payload.iter_mut().zip(frame[2..].iter().cycle()) {
                *byte ^= mask;
            }
            let mut echo = vec![frame[0], frame[1] & 0x7f];
            echo.extend_from_slice(&payload);
            let _ = stream.write_all(&echo);
        }
    })
}

/// A masked text frame.
fn text_frame(text: &str) -> Vec<u8> {
    let mask = [0x11, 0x22, 0x33, 0x44];
    let length = u8::try_from(text.len()).expect("a short text");
    let mut frame = vec![0x81, 0x80 | length];
    frame.extend_from_slice(&mask);
    frame.extend(
        text.bytes()
            .zip(mask.iter().cycle())
            .map(|(byte, mask)| byte ^ mask),
    );
    frame
}

fn upgraded(gateway: &Gateway) -> Client {
    let mut client = gateway.client();
    client.send(HANDSHAKE.as_bytes());
    let answer = client.response(PATIENCE).expect("an answer");
    assert_eq!(answer.status, 101);
    assert_eq!(
        answer.header("sec-websocket-accept"),
        Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
    );
    assert_eq!(answer.header("upgrade"), Some("websocket"));
    client
}

#[test]
fn a_websocket_echoes_where_the_route_allows_it() {
    let origin = websocket_origin();
    let gateway = World::before(&origin).route("websocket: true").start();
    let mut client = upgraded(&gateway);
    for text in ["hello", "", "again, with some more words"] {
        client.send(&text_frame(text));
        let mut expected = vec![0x81, u8::try_from(text.len()).expect("a short text")];
        expected.extend_from_slice(text.as_bytes());
        assert_eq!(client.read_at_least(expected.len(), PATIENCE), expected);
    }
    assert!(
        gateway.records().is_empty(),
        "the exchange lasts as long as the tunnel"
    );
    drop(client);
    let record = gateway.await_record(|record| record["status"] == 101);
    assert_eq!(
        (&record["outcome"], &record["action"]),
        (&"complete".into(), &"allow".into()),
        "{record}"
    );
}

#[test]
fn a_websocket_is_not_passed_on_where_the_route_does_not_allow_it() {
    let origin = websocket_origin();
    let gateway = World::before(&origin).start();
    let mut client = gateway.client();
    client.send(HANDSHAKE.as_bytes());
    let answer = client.response(PATIENCE).expect("an answer");
    assert_ne!(answer.status, 101);
    assert_eq!(answer.header("upgrade"), None);
}

#[test]
fn a_websocket_message_that_is_an_attack_closes_with_1008() {
    let origin = websocket_origin();
    let gateway = World::before(&origin).route("websocket: true").start();
    let mut client = upgraded(&gateway);
    client.send(&text_frame("hello"));
    assert_eq!(client.read_at_least(7, PATIENCE), b"\x81\x05hello");
    client.send(&text_frame("1' UNION SELECT password, login FROM users--"));
    // A close frame with 1008, policy violation, and nothing of an echo.
    assert_eq!(client.read_at_least(4, PATIENCE), b"\x88\x02\x03\xf0");
    assert!(client.closes_within(PATIENCE));
    assert_eq!(client.rest(), b"");
    let record = gateway.await_record(|record| record["action"] == "deny");
    assert_eq!(
        (&record["path"], &record["verdict"]["category"]),
        (&"/chat".into(), &"sqli".into())
    );
}

#[test]
fn an_observing_policy_lets_websocket_messages_pass_and_records_them() {
    let origin = websocket_origin();
    let gateway = World::before(&origin)
        .route("websocket: true")
        .policy("limits: [], mode: observe")
        .start();
    let mut client = upgraded(&gateway);
    let text = "1' UNION SELECT password, login FROM users--";
    client.send(&text_frame(text));
    let mut expected = vec![0x81, u8::try_from(text.len()).expect("a short text")];
    expected.extend_from_slice(text.as_bytes());
    assert_eq!(client.read_at_least(expected.len(), PATIENCE), expected);
    drop(client);
    let record =
        gateway.await_record(|record| record["path"] == "/chat" && record["would"] == "deny");
    assert_eq!(record["action"], "allow", "{record}");
}
