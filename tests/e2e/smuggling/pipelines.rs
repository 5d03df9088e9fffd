//! Several messages in one go: what is behind a good request, behind a refused one, and behind an upgrade that was
//! not granted.

use super::Expect::{self, Cut, Forward, Refuse};
use super::{Payload, SMUGGLED};

const GET: &str = "GET /first HTTP/1.1\r\nHost: a\r\n\r\n";
const POST: &str = "POST /first HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody";
const BAD: &str = "GET /bad HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n";
const UNKNOWN: &str =
    "GET /up HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c, foo\r\n\r\n";
/// The origin answers this with a 200, not a 101.
const WEBSOCKET: &str = "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";

pub(super) fn payloads() -> Vec<Payload> {
    let cases: Vec<(&str, String, Expect)> = vec![
        ("two", [GET, GET].concat(), Forward(2)),
        ("ten", GET.repeat(10), Forward(10)),
        ("bodies between", [POST, GET, POST].concat(), Forward(3)),
        ("a CRLF between", [GET, "\r\n", GET].concat(), Forward(2)),
        ("a CRLF behind a body", [POST, "\r\n", POST].concat(), Forward(2)),
        ("two CRLF between", [GET, "\r\n\r\n", GET].concat(), Refuse(1)),
        ("an LF between", [GET, "\n", GET].concat(), Refuse(1)),
        ("a space between", [GET, " ", GET].concat(), Refuse(1)),
        ("a NUL between", [GET, "\0", GET].concat(), Refuse(1)),
        ("a letter between", [POST, "x", GET].concat(), Forward(2)),
        ("a line between", [POST, "x=1\r\n", GET].concat(), Refuse(1)),
        ("good, bad, good", [GET, BAD, SMUGGLED].concat(), Refuse(1)),
        ("good, good, bad", [GET, POST, BAD].concat(), Refuse(2)),
        ("bad, good", [BAD, SMUGGLED].concat(), Refuse(0)),
        ("bad twice", [BAD, BAD].concat(), Refuse(0)),
        ("half a request behind", [GET, "GET /smuggled HTT"].concat(), Forward(1)),
        ("half a head, no end", "GET /smuggled HTTP/1.1\r\nHost: a\r\n".into(), Cut),
        ("half a request line", "GET /smug".into(), Cut),
        ("behind an unknown upgrade", [UNKNOWN, GET].concat(), Forward(2)),
        ("behind a WebSocket not granted", [WEBSOCKET, GET].concat(), Forward(2)),
        ("bad behind a WebSocket not granted", [WEBSOCKET, BAD, SMUGGLED].concat(), Refuse(1)),
        (
            "TRACE behind a request",
            [GET, "TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", SMUGGLED].concat(),
            Refuse(1),
        ),
        (
            "another Host behind a request",
            [GET, "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", SMUGGLED].concat(),
            Refuse(1),
        ),
        (
            "a bad chunk behind a request",
            [GET, "POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nZ\r\n", SMUGGLED].concat(),
            Refuse(1),
        ),
        (
            "behind close",
            ["GET /c HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", SMUGGLED].concat(),
            Forward(1),
        ),
        (
            "behind HTTP/1.0",
            ["GET /c HTTP/1.0\r\nHost: a\r\n\r\n", SMUGGLED].concat(),
            Forward(1),
        ),
        (
            "garbage behind close",
            "GET /c HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n\0\0\0\r\n\r\n".into(),
            Forward(1),
        ),
        (
            "behind a HEAD",
            ["HEAD /c HTTP/1.0\r\nHost: a\r\n\r\n", SMUGGLED].concat(),
            Forward(1),
        ),
        (
            "behind a request that expects",
            [
                "POST /c HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nok",
                GET,
            ]
            .concat(),
            Forward(2),
        ),
    ];
    cases
        .into_iter()
        .map(|(name, bytes, expect)| Payload {
            family: "pipelines",
            name: name.to_string(),
            bytes: bytes.into_bytes(),
            expect,
        })
        .collect()
}
