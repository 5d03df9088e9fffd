use super::*;

/// What a stream of bytes comes to.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    /// So many heads passed, and it stands in this phase; so many bytes were not passed on.
    Passed(u64, Phase, usize),
    Refused(Reason),
}

use Outcome::{Passed, Refused};
use Phase::{AwaitUpgrade, Body, Finished, Idle};

/// Plays the caller: feeds `bytes` in pieces that end at the given places.
fn drive(bytes: &[u8], ends: impl IntoIterator<Item = usize>) -> Outcome {
    let mut wire = Wire::new(Limits::default());
    let mut passed = 0;
    for end in ends.into_iter().chain([bytes.len()]) {
        loop {
            match wire.advance(&bytes[passed..end]) {
                Ok(0) => break,
                Ok(count) => passed += count,
                Err(refusal) => {
                    assert_eq!(
                        wire.advance(b"x").expect_err("it is refused").reason,
                        refusal.reason
                    );
                    return Refused(refusal.reason);
                }
            }
        }
    }
    Passed(wire.heads(), wire.phase(), bytes.len() - passed)
}

/// Whole, in two pieces at every place, and byte by byte: the answer must be the same.
fn check(bytes: &[u8], expected: &Outcome) {
    let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(300)]);
    assert_eq!(&drive(bytes, []), expected, "whole: {shown:?}");
    assert_eq!(&drive(bytes, 1..bytes.len()), expected, "drip: {shown:?}");
    // Splitting the long ones everywhere takes quadratic time and shows nothing new.
    for at in (1..bytes.len()).take(2000) {
        assert_eq!(&drive(bytes, [at]), expected, "split at {at}: {shown:?}");
    }
}

const ONE: Outcome = Passed(1, Idle, 0);
const LAST: Outcome = Passed(1, Finished, 0);

#[test]
fn whole_messages_pass() {
    let cases: &[(&str, Outcome)] = &[
        ("", Passed(0, Idle, 0)),
        ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", ONE),
        ("GET / HTTP/1.1\r\nHost:a\r\n\r\n", ONE),
        ("GET / HTTP/1.1\r\nhOST: \t a:80 \t\r\n\r\n", ONE),
        ("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", ONE),
        ("GET / HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n", ONE),
        ("GET / HTTP/1.1\r\nHost: my_service.internal.\r\n\r\n", ONE),
        ("GET http://a/x HTTP/1.1\r\nHost: a\r\n\r\n", ONE),
        ("GET HTTPS://A:8443?q HTTP/1.1\r\nHost: a:8443\r\n\r\n", ONE),
        ("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", ONE),
        (
            "GET /?q={\"a\":[1]}|x HTTP/1.1\r\nHost: a\r\n\r\n",
            Refused(Reason::Target),
        ),
        (
            "GET /{\"a\":[1]}|x?q={1}|^`\\ HTTP/1.1\r\nHost: a\r\n\r\n",
            ONE,
        ),
        ("GET /caf\u{e9} HTTP/1.1\r\nHost: a\r\n\r\n", ONE),
        ("get /a%00b HTTP/1.1\r\nHost: a\r\n\r\n", ONE),
        (
            "GET / HTTP/1.1\r\nHost: a\r\nEmpty:\r\nX: caf\u{e9}\ttab\r\n\r\n",
            ONE,
        ),
        ("GET / HTTP/1.0\r\n\r\n", LAST),
        ("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", ONE),
        (
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
            LAST,
        ),
        (
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: te,, close ,\r\n\r\nrest",
            Passed(1, Finished, 4),
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
            ONE,
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
            ONE,
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nabc",
            Passed(1, Body, 0),
        ),
        (
            "DELETE / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-Continue\r\n\r\nab",
            ONE,
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9223372036854775807\r\n\r\n",
            Passed(1, Body, 0),
        ),
        ("GET / HTTP/1.1\r\nHost: a\r\n", Passed(0, Phase::Head, 25)),
        // Pipelined: a body that looks like a request is a body.
        (
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nGET /GET / HTTP/1.1\r\nHost: b\r\n\r\n",
            Passed(2, Idle, 0),
        ),
        (
            "POST / HTTP/1.0\r\nContent-Length: 1\r\n\r\nxGET / HTTP/1.1\r\n\r\n",
            Passed(1, Finished, 18),
        ),
    ];
    for (bytes, expected) in cases {
        check(bytes.as_bytes(), expected);
    }
}

#[test]
fn request_lines_are_refused() {
    let cases: &[(&[u8], Reason)] = &[
        (b"\x16\x03\x01", Reason::Method),
        (b" GET / HTTP/1.1\r\n", Reason::Method),
        (b"\r\n\r\nGET / HTTP/1.1\r\n", Reason::EmptyLine),
        (b"\nGET / HTTP/1.1\r\n", Reason::BareLineFeed),
        (b"GET / HTTP/1.1\n", Reason::BareLineFeed),
        (b"G\rT / HTTP/1.1\r\n", Reason::BareCarriageReturn),
        (b"\rGET / HTTP/1.1\r\n", Reason::BareCarriageReturn),
        (b"GET / HTTP/1.1\r\r\n", Reason::BareCarriageReturn),
        (b"GET /\0 HTTP/1.1\r\n", Reason::ControlByte),
        (b"GET /\x7f HTTP/1.1\r\n", Reason::ControlByte),
        (b"G{T / HTTP/1.1\r\n", Reason::Method),
        (b"G\tT / HTTP/1.1\r\n", Reason::Method),
        (
            b"METHODMETHODMETHODMETHODMETHODMET / HTTP/1.1\r\n",
            Reason::Method,
        ),
        (b"GET /\r\n", Reason::RequestLine),
        (b"GET\r\n", Reason::RequestLine),
        (b"GET  / HTTP/1.1\r\n", Reason::RequestLine),
        (b"GET /  HTTP/1.1\r\n", Reason::RequestLine),
        (b"GET / HTTP/1.1 \r\n", Reason::RequestLine),
        (b"GET / a HTTP/1.1\r\n", Reason::RequestLine),
        (b"GET / http/1.1\r\n", Reason::RequestLine),
        (b"GET / HTTP/1.10\r\n", Reason::RequestLine),
        (b"GET / HTTP/+1.1\r\n", Reason::RequestLine),
        (b"GET / HTTP/1.2\r\n", Reason::Version),
        (b"GET / HTTP/0.9\r\n", Reason::Version),
        (b"PRI * HTTP/2.0\r\n", Reason::Version),
        (b"GET\t/ HTTP/1.1\r\n", Reason::Method),
        (b"GET /\tx HTTP/1.1\r\n", Reason::Target),
        (b"GET a HTTP/1.1\r\n", Reason::Target),
        (b"GET * HTTP/1.1\r\n", Reason::Target),
        (b"GET /a#b HTTP/1.1\r\n", Reason::Target),
        (b"GET /?a#b HTTP/1.1\r\n", Reason::Target),
        (b"GET /<a> HTTP/1.1\r\n", Reason::Target),
        (b"GET /\xff HTTP/1.1\r\n", Reason::Target),
        (b"GET /\xc2\x85 HTTP/1.1\r\n", Reason::Target),
        (b"GET http:/a/ HTTP/1.1\r\n", Reason::Target),
        (b"GET ftp://a/ HTTP/1.1\r\n", Reason::Target),
        (b"GET http:///x HTTP/1.1\r\n", Reason::Target),
        (b"GET http://u@a/ HTTP/1.1\r\n", Reason::Target),
        (b"CONNECT a:443 HTTP/1.1\r\n", Reason::MethodRefused),
        (b"TRACE / HTTP/1.1\r\n", Reason::MethodRefused),
        (b"track / HTTP/1.1\r\n", Reason::MethodRefused),
    ];
    for (bytes, reason) in cases {
        check(bytes, &Refused(*reason));
    }
}

#[test]
fn fields_are_refused() {
    let cases: &[(&[u8], Reason)] = &[
        (b" X: 1\r\n", Reason::SpaceBeforeFields),
        (b"Host: a\r\n X: 1\r\n", Reason::FoldedField),
        (b"Host: a\r\n\t\r\n", Reason::FoldedField),
        (b"Host: a\n\r\n", Reason::BareLineFeed),
        (b"Host: a\r\n\n", Reason::BareLineFeed),
        (b"Host: a\r\nX: a\rb\r\n", Reason::BareCarriageReturn),
        (b"Host: a\r\nX: a\0b\r\n", Reason::ControlByte),
        (b"Host: a\r\nX\0: b\r\n", Reason::ControlByte),
        (b"Host: a\r\nX : b\r\n", Reason::SpaceInName),
        (b"Host: a\r\nX\t: b\r\n", Reason::SpaceInName),
        (b"Host: a\r\nX Y: b\r\n", Reason::SpaceInName),
        (b"Host: a\r\n: b\r\n", Reason::FieldName),
        (b"Host: a\r\nX\r\n", Reason::FieldName),
        (b"Host: a\r\nX\xe9: b\r\n", Reason::FieldName),
        (b"Host: a\r\nX(: b\r\n", Reason::FieldName),
        (
            b"Host: a\r\nContent_Length: 1\r\n",
            Reason::UnderscoreInName,
        ),
        (b"Expect: 200-ok\r\n", Reason::Expectation),
        (
            b"Expect: 100-continue\r\nExpect: 100-continue\r\n",
            Reason::Expectation,
        ),
        (b"Connection: close, Host\r\n", Reason::ConnectionOption),
        (b"Connection: content-length\r\n", Reason::ConnectionOption),
        (b"Connection: X-Forwarded-For\r\n", Reason::ConnectionOption),
        (b"Connection: \"close\"\r\n", Reason::ConnectionOption),
        (b"Connection: close close\r\n", Reason::ConnectionOption),
        (b"X: 1\r\n\r\n", Reason::HostMissing),
        (b"Host: a\r\nhost: a\r\n", Reason::HostRepeated),
        (b"Host:\r\n", Reason::HostInvalid),
        (b"Host: a, b\r\n", Reason::HostInvalid),
        (b"Host: a b\r\n", Reason::HostInvalid),
        (b"Host: a@b\r\n", Reason::HostInvalid),
        (b"Host: a/b\r\n", Reason::HostInvalid),
        (b"Host: a?b\r\n", Reason::HostInvalid),
        (b"Host: http://a\r\n", Reason::HostInvalid),
        (b"Host: a:\r\n", Reason::HostInvalid),
        (b"Host: a:0\r\n", Reason::HostInvalid),
        (b"Host: a:65536\r\n", Reason::HostInvalid),
        (b"Host: a:80:80\r\n", Reason::HostInvalid),
        (b"Host: a:+8\r\n", Reason::HostInvalid),
        (b"Host: .a\r\n", Reason::HostInvalid),
        (b"Host: a..b\r\n", Reason::HostInvalid),
        (b"Host: a%00\r\n", Reason::HostInvalid),
        (b"Host: \xe9\r\n", Reason::HostInvalid),
        (b"Host: [::1\r\n", Reason::HostInvalid),
        (b"Host: [::1]x\r\n", Reason::HostInvalid),
        (b"Host: [1.2.3.4]\r\n", Reason::HostInvalid),
    ];
    for (fields, reason) in cases {
        check(
            &[b"GET / HTTP/1.1\r\n", *fields].concat(),
            &Refused(*reason),
        );
    }
}

#[test]
fn framing_is_refused() {
    let cases: &[(&str, Reason)] = &[
        (
            "Content-Length: 1\r\nContent-Length: 1\r\n\r\n",
            Reason::LengthRepeated,
        ),
        ("Content-Length:\r\n\r\n", Reason::LengthInvalid),
        ("Content-Length: 1, 1\r\n\r\n", Reason::LengthInvalid),
        ("Content-Length: +1\r\n\r\n", Reason::LengthInvalid),
        ("Content-Length: -1\r\n\r\n", Reason::LengthInvalid),
        ("Content-Length: 0x1\r\n\r\n", Reason::LengthInvalid),
        ("Content-Length: 01\r\n\r\n", Reason::LengthInvalid),
        ("Content-Length: 1 1\r\n\r\n", Reason::LengthInvalid),
        ("Content-Length: 1.0\r\n\r\n", Reason::LengthInvalid),
        ("Content-Length: 1;a\r\n\r\n", Reason::LengthInvalid),
        ("Content-Length: \"1\"\r\n\r\n", Reason::LengthInvalid),
        (
            "Content-Length: 9223372036854775808\r\n\r\n",
            Reason::LengthInvalid,
        ),
        (
            "Content-Length: 18446744073709551617\r\n\r\n",
            Reason::LengthInvalid,
        ),
        ("Transfer-Encoding:\r\n\r\n", Reason::CodingInvalid),
        ("Transfer-Encoding: identity\r\n\r\n", Reason::CodingInvalid),
        (
            "Transfer-Encoding: gzip, chunked\r\n\r\n",
            Reason::CodingInvalid,
        ),
        (
            "Transfer-Encoding: chunked, chunked\r\n\r\n",
            Reason::CodingInvalid,
        ),
        ("Transfer-Encoding: chunked,\r\n\r\n", Reason::CodingInvalid),
        ("Transfer-Encoding: xchunked\r\n\r\n", Reason::CodingInvalid),
        (
            "Transfer-Encoding: \"chunked\"\r\n\r\n",
            Reason::CodingInvalid,
        ),
        (
            "Transfer-Encoding: chunked;a\r\n\r\n",
            Reason::CodingInvalid,
        ),
        (
            "Transfer-Encoding: chunked\r\nTransfer-encoding: chunked\r\n\r\n",
            Reason::CodingRepeated,
        ),
        (
            "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n",
            Reason::CodingWithLength,
        ),
        (
            "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n",
            Reason::CodingWithLength,
        ),
        (
            "Connection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 1\r\n\r\n",
            Reason::UpgradeWithBody,
        ),
        (
            "Connection: upgrade\r\nUpgrade: websocket\r\nTransfer-Encoding: chunked\r\n\r\n",
            Reason::UpgradeWithBody,
        ),
        (
            "Connection: upgrade\r\nUpgrade: websocket\r\n\r\n",
            Reason::UpgradeWithBody,
        ),
    ];
    for (fields, reason) in cases {
        check(
            format!("POST / HTTP/1.1\r\nHost: a\r\n{fields}").as_bytes(),
            &Refused(*reason),
        );
    }
    let old = "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    check(old.as_bytes(), &Refused(Reason::CodingInOldVersion));
    let other = "GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n";
    check(other.as_bytes(), &Refused(Reason::AuthorityMismatch));
    let port = "GET http://a/ HTTP/1.1\r\nHost: a:80\r\n\r\n";
    check(port.as_bytes(), &Refused(Reason::AuthorityMismatch));
    let none = "GET http://a/ HTTP/1.0\r\n\r\n";
    check(none.as_bytes(), &Refused(Reason::HostMissing));
}

#[test]
fn chunked_bodies() {
    let cases: &[(&str, Outcome)] = &[
        ("0\r\n\r\n", ONE),
        ("5\r\nhello\r\n0\r\n\r\n", ONE),
        ("00aF\r\n", Passed(1, Body, 0)),
        ("3;a=b;c\r\nabc\r\n000\r\n\r\n", ONE),
        ("0\r\nX-Sum: 1\r\nY: 2\r\n\r\n", ONE),
        ("0\r\nX-Sum: 1\r\n", Passed(1, Body, 10)),
        (
            "0\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
            Passed(2, Idle, 0),
        ),
        ("7fffffffffffffff\r\nx", Passed(1, Body, 0)),
        ("8000000000000000\r\n", Refused(Reason::ChunkSize)),
        ("00000000000000001\r\n", Refused(Reason::ChunkSize)),
        ("\r\n", Refused(Reason::ChunkSize)),
        ("g\r\n", Refused(Reason::ChunkSize)),
        ("+5\r\n", Refused(Reason::ChunkSize)),
        ("-1\r\n", Refused(Reason::ChunkSize)),
        ("0x5\r\n", Refused(Reason::ChunkSize)),
        (" 5\r\n", Refused(Reason::ChunkSize)),
        ("5 \r\n", Refused(Reason::ChunkSize)),
        ("5_0\r\n", Refused(Reason::ChunkSize)),
        (";a\r\n", Refused(Reason::ChunkSize)),
        ("5\n", Refused(Reason::ChunkEnd)),
        ("5\rx", Refused(Reason::ChunkEnd)),
        ("5;a\n", Refused(Reason::ChunkExtension)),
        ("5;\r\n", Refused(Reason::ChunkExtension)),
        ("5;a=\r\n", Refused(Reason::ChunkExtension)),
        ("5;a=\"b\"\r\n", Refused(Reason::ChunkExtension)),
        ("5; a\r\n", Refused(Reason::ChunkExtension)),
        ("5;a\rb\r\n", Refused(Reason::ChunkEnd)),
        ("5\r\nhelloX\r\n", Refused(Reason::ChunkEnd)),
        ("5\r\nhello\n0\r\n\r\n", Refused(Reason::ChunkEnd)),
        ("5\r\nhello\rx", Refused(Reason::ChunkEnd)),
        ("0\r\n\n", Refused(Reason::BareLineFeed)),
        ("0\r\nX: 1\n\r\n", Refused(Reason::BareLineFeed)),
        ("0\r\nX: 1\r\n 2\r\n\r\n", Refused(Reason::FoldedField)),
        ("0\r\nX : 1\r\n\r\n", Refused(Reason::SpaceInName)),
        ("0\r\nX: \0\r\n\r\n", Refused(Reason::ControlByte)),
        ("0\r\nGET / HTTP/1.1\r\n\r\n", Refused(Reason::SpaceInName)),
        (
            "0\r\nContent-Length: 5\r\n\r\n",
            Refused(Reason::TrailerForbidden),
        ),
        (
            "0\r\ntransfer-encoding: chunked\r\n\r\n",
            Refused(Reason::TrailerForbidden),
        ),
        ("0\r\nhost: b\r\n\r\n", Refused(Reason::TrailerForbidden)),
        (
            "0\r\nAuthorization: b\r\n\r\n",
            Refused(Reason::TrailerForbidden),
        ),
        (
            "0\r\nX-Forwarded-For: b\r\n\r\n",
            Refused(Reason::TrailerForbidden),
        ),
    ];
    let head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: CHUNKED\r\n\r\n";
    for (body, expected) in cases {
        check(format!("{head}{body}").as_bytes(), expected);
    }
    let long = format!("{head}1;{}\r\n", "a".repeat(300));
    check(long.as_bytes(), &Refused(Reason::ChunkExtension));
    let trailers = format!("{head}0\r\nX: {}\r\n\r\n", "a".repeat(9000));
    assert_eq!(
        drive(trailers.as_bytes(), []),
        Refused(Reason::TrailersTooLarge)
    );
    assert_eq!(
        drive(trailers.as_bytes(), 1..trailers.len()),
        Refused(Reason::TrailersTooLarge)
    );
    let many = format!("{head}0\r\n{}\r\n", "X: 1\r\n".repeat(33));
    check(many.as_bytes(), &Refused(Reason::TrailersTooLarge));
}

#[test]
fn caps_hold_whole_and_in_drips() {
    let get = |target: usize, fields: &str| {
        format!(
            "GET /{} HTTP/1.1\r\nHost: a\r\n{fields}\r\n",
            "a".repeat(target - 1)
        )
    };
    let many = |count: usize| "X: 1\r\n".repeat(count);
    // Fills the head up to exactly this many bytes.
    let sized = |size: usize| get(1, &format!("X: {}\r\n", "a".repeat(size - 32)));
    let cases = [
        (get(8192, ""), ONE),
        (get(8193, ""), Refused(Reason::TargetTooLong)),
        (
            format!("GET /{}", "a".repeat(9000)),
            Refused(Reason::TargetTooLong),
        ),
        ("A".repeat(9000), Refused(Reason::TargetTooLong)),
        (get(1, &many(99)), ONE),
        (get(1, &many(100)), Refused(Reason::TooManyFields)),
        (sized(32 * 1024), ONE),
        (sized(32 * 1024 + 1), Refused(Reason::HeadTooLarge)),
        (
            format!("GET / HTTP/1.1\r\nX: {}", "a".repeat(40_000)),
            Refused(Reason::HeadTooLarge),
        ),
    ];
    for (bytes, expected) in cases {
        assert_eq!(drive(bytes.as_bytes(), []), expected);
        assert_eq!(drive(bytes.as_bytes(), 1..bytes.len()), expected);
    }
}

#[test]
fn nothing_passes_behind_an_upgrade_before_its_answer() {
    let head = b"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n\r\n";
    let next = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    check(
        &[&head[..], next].concat(),
        &Passed(1, AwaitUpgrade, next.len()),
    );

    let mut wire = Wire::new(Limits::default());
    assert_eq!(wire.advance(head), Ok(head.len()));
    assert_eq!(wire.advance(next), Ok(0));
    wire.resolve_upgrade(true);
    assert_eq!(wire.phase(), Phase::Tunnel);
    assert_eq!(wire.advance(b"\x81\x00\r\n"), Ok(4));

    let mut wire = Wire::new(Limits::default());
    wire.resolve_upgrade(true);
    assert_eq!(wire.phase(), Idle);
    assert_eq!(wire.advance(head), Ok(head.len()));
    wire.resolve_upgrade(false);
    assert_eq!(wire.phase(), Idle);
    assert_eq!(wire.advance(next), Ok(next.len()));
    assert_eq!(wire.heads(), 2);
}

#[test]
fn other_upgrades_are_ordinary_requests() {
    let cases = [
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade, http2-settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: h2c\r\nContent-Length: 1\r\n\r\nx",
        "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n",
        "GET / HTTP/1.0\r\nConnection: keep-alive, upgrade\r\nUpgrade: websocket\r\n\r\n",
    ];
    for bytes in cases {
        check(bytes.as_bytes(), &ONE);
    }
}

#[test]
fn refusals_say_what_was_asked() {
    type Case<'a> = (&'a [u8], u16, &'a [u8], &'a [u8]);
    let cases: &[Case<'_>] = &[
        (b"GET /a HTTP/1.1\r\nX : 1\r\n", 400, b"GET", b"/a"),
        (b"\r\nGET /a HTTP/3.0\r\n", 505, b"GET", b"/a"),
        (b"TRACE /t HTTP/1.1\r\n", 405, b"TRACE", b"/t"),
        (b"GET /a b HTTP/1.1\r\n", 400, b"GET", b"/a"),
        (b"\x16\x03", 400, b"\x16\x03", b""),
    ];
    for (bytes, status, method, target) in cases {
        let refusal = Wire::new(Limits::default())
            .advance(bytes)
            .expect_err("it is refused");
        let found = (refusal.status, &refusal.method[..], &refusal.target[..]);
        assert_eq!(found, (*status, *method, *target));
    }
    let long = format!("GET /{}", "a".repeat(10_000));
    let refusal = Wire::new(Limits::default())
        .advance(long.as_bytes())
        .expect_err("it is refused");
    assert_eq!(refusal.target.len(), refusal::KEPT_TARGET);
}

#[test]
fn codes_are_distinct_and_plain() {
    let codes: std::collections::BTreeSet<_> = Reason::ALL.iter().map(|r| r.code()).collect();
    assert_eq!(codes.len(), Reason::ALL.len());
    for reason in Reason::ALL {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        assert!(reason.code().bytes().all(plain), "{reason:?}");
        assert!((400..600).contains(&reason.status()) && reason.sentence().ends_with('.'));
    }
}

/// Pieces of requests in a random order, cut at random places: no panic, no endless loop, and the cuts change
/// nothing.
#[test]
fn cuts_never_change_the_answer() {
    const PIECES: [&[u8]; 20] = [
        b"GET / HTTP/1.1\r\n",
        b"POST /a?b HTTP/1.1\r\n",
        b"GET / HTTP/1.0\r\n",
        b"Host: a\r\n",
        b"Content-Length: 5\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Connection: close\r\n",
        b"Connection: upgrade\r\nUpgrade: websocket\r\n",
        b"X: y\r\n",
        b"\r\n",
        b"\n",
        b"\r",
        b"5\r\n",
        b"hello",
        b"0\r\n",
        b";a=b",
        b"\0",
        b" ",
        b"\xff",
        b"Trailer: 1\r\n",
    ];
    // A fixed xorshift: the same bytes on every run.
    let mut seed: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut random = move |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed % below as u64) as usize
    };
    let mut passed = 0;
    for _ in 0..20_000 {
        let mut bytes = Vec::new();
        // Two of three begin well, so that bodies are reached.
        let start = random(3);
        if start > 0 {
            bytes.extend_from_slice(b"POST / HTTP/1.1\r\nHost: a\r\n");
        }
        if start > 1 {
            bytes.extend_from_slice(b"Transfer-Encoding: chunked\r\n\r\n");
        }
        for _ in 0..random(10) {
            bytes.extend_from_slice(PIECES[random(PIECES.len())]);
        }
        let mut ends: Vec<usize> = (0..random(4)).map(|_| random(bytes.len() + 1)).collect();
        ends.sort_unstable();
        let whole = drive(&bytes, []);
        assert_eq!(
            drive(&bytes, ends),
            whole,
            "{:?}",
            String::from_utf8_lossy(&bytes)
        );
        assert_eq!(drive(&bytes, 1..bytes.len()), whole);
        passed += usize::from(matches!(whole, Passed(1.., ..)));
    }
    assert!(passed > 500, "only {passed} reached a body");
}

#[test]
fn http2_heads() {
    type Case<'a> = (
        &'a str,
        Option<&'a str>,
        &'a str,
        &'a [(&'a str, &'a str)],
        Result<(), Reason>,
    );
    let cases: &[Case<'_>] = &[
        ("GET", Some("a"), "/", &[("x", "y")], Ok(())),
        (
            "GET",
            Some("a"),
            "/",
            &[("host", "A"), ("te", "trailers")],
            Ok(()),
        ),
        ("GET", None, "/", &[("host", "a")], Ok(())),
        ("OPTIONS", Some("a"), "*", &[], Ok(())),
        ("POST", Some("a"), "/", &[("content-length", "1")], Ok(())),
        ("GET", None, "/", &[], Err(Reason::HostMissing)),
        ("GET", Some("u@a"), "/", &[], Err(Reason::HostInvalid)),
        (
            "GET",
            Some("a"),
            "/",
            &[("host", "b")],
            Err(Reason::AuthorityMismatch),
        ),
        (
            "GET",
            None,
            "/",
            &[("host", "a"), ("host", "a")],
            Err(Reason::HostRepeated),
        ),
        ("GET", Some("a"), "*", &[], Err(Reason::Target)),
        ("GET", Some("a"), "x", &[], Err(Reason::Target)),
        ("GET", Some("a"), "http://b/", &[], Err(Reason::Target)),
        ("TRACE", Some("a"), "/", &[], Err(Reason::MethodRefused)),
        ("CONNECT", Some("a"), "/", &[], Err(Reason::MethodRefused)),
        (
            "GET",
            Some("a"),
            "/",
            &[("x_y", "")],
            Err(Reason::UnderscoreInName),
        ),
        (
            "GET",
            Some("a"),
            "/",
            &[("x y", "")],
            Err(Reason::FieldName),
        ),
        (
            "GET",
            Some("a"),
            "/",
            &[("x", "a\rb")],
            Err(Reason::BareCarriageReturn),
        ),
        (
            "GET",
            Some("a"),
            "/",
            &[("x", "a\nb")],
            Err(Reason::ControlByte),
        ),
        (
            "GET",
            Some("a"),
            "/",
            &[("x", " a")],
            Err(Reason::SpaceAroundValue),
        ),
        (
            "GET",
            Some("a"),
            "/",
            &[("x", "a\t")],
            Err(Reason::SpaceAroundValue),
        ),
        (
            "GET",
            Some("a"),
            "/",
            &[("transfer-encoding", "chunked")],
            Err(Reason::CodingInvalid),
        ),
        (
            "GET",
            Some("a"),
            "/",
            &[("connection", "close")],
            Err(Reason::ConnectionOption),
        ),
        (
            "GET",
            Some("a"),
            "/",
            &[("upgrade", "h2c")],
            Err(Reason::ConnectionOption),
        ),
        (
            "GET",
            Some("a"),
            "/",
            &[("te", "gzip")],
            Err(Reason::ConnectionOption),
        ),
        (
            "GET",
            Some("a"),
            "/",
            &[("expect", "x")],
            Err(Reason::Expectation),
        ),
        (
            "POST",
            Some("a"),
            "/",
            &[("content-length", "+1")],
            Err(Reason::LengthInvalid),
        ),
        (
            "POST",
            Some("a"),
            "/",
            &[("content-length", "1"), ("content-length", "1")],
            Err(Reason::LengthRepeated),
        ),
    ];
    let limits = Limits::default();
    for (method, authority, path, fields, expected) in cases {
        let fields = fields.iter().map(|(name, value)| (*name, value.as_bytes()));
        let found = check_http2(method, *authority, path, fields, &limits);
        assert_eq!(&found, expected, "{method} {authority:?} {path}");
    }
    let many = vec![("x", &b"y"[..]); 101];
    let found = check_http2("GET", Some("a"), "/", many, &limits);
    assert_eq!(found, Err(Reason::TooManyFields));
    let big = vec![b'y'; 40_000];
    let found = check_http2("GET", Some("a"), "/", [("x", &big[..])], &limits);
    assert_eq!(found, Err(Reason::HeadTooLarge));
    let long = format!("/{}", "a".repeat(8192));
    let found = check_http2("GET", Some("a"), &long, [], &limits);
    assert_eq!(found, Err(Reason::TargetTooLong));
}
