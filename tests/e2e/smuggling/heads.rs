//! Heads that two parsers read in two ways: line endings, request lines, hosts, hop-by-hop fields, upgrades.

use super::Expect::{self, Forward, Refuse};
use super::{Payload, SMUGGLED};

/// Whole heads.
const HEADS: &[(&str, &[u8], Expect)] = &[
    ("LF only", b"GET / HTTP/1.1\nHost: a\n\n", Refuse(0)),
    (
        "LF behind the request line",
        b"GET / HTTP/1.1\nHost: a\r\n\r\n",
        Refuse(0),
    ),
    (
        "LF behind a field",
        b"GET / HTTP/1.1\r\nHost: a\n\r\n",
        Refuse(0),
    ),
    (
        "LF for the end",
        b"GET / HTTP/1.1\r\nHost: a\r\n\n",
        Refuse(0),
    ),
    (
        "CR behind the request line",
        b"GET / HTTP/1.1\rHost: a\r\n\r\n",
        Refuse(0),
    ),
    (
        "CR behind a field",
        b"GET / HTTP/1.1\r\nHost: a\rX: y\r\n\r\n",
        Refuse(0),
    ),
    (
        "CR CR LF",
        b"GET / HTTP/1.1\r\nHost: a\r\r\n\r\n",
        Refuse(0),
    ),
    ("LF CR", b"GET / HTTP/1.1\n\rHost: a\n\r\n\r", Refuse(0)),
    (
        "an empty line in front",
        b"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        Forward(1),
    ),
    (
        "two empty lines in front",
        b"\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        Refuse(0),
    ),
    (
        "LF in front",
        b"\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        Refuse(0),
    ),
    (
        "space in front",
        b" GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        Refuse(0),
    ),
    (
        "NUL in front",
        b"\0GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        Refuse(0),
    ),
    (
        "a byte order mark",
        b"\xef\xbb\xbfGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        Refuse(0),
    ),
    (
        "two spaces before the target",
        b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
        Refuse(0),
    ),
    (
        "two spaces before the version",
        b"GET /  HTTP/1.1\r\nHost: a\r\n\r\n",
        Refuse(0),
    ),
    (
        "space behind the version",
        b"GET / HTTP/1.1 \r\nHost: a\r\n\r\n",
        Refuse(0),
    ),
    (
        "tab for a space",
        b"GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n",
        Refuse(0),
    ),
    (
        "vertical tab for a space",
        b"GET /\x0bHTTP/1.1\r\nHost: a\r\n\r\n",
        Refuse(0),
    ),
    (
        "space in the target",
        b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n",
        Refuse(0),
    ),
    (
        "a version within the target",
        b"GET / HTTP/1.1 HTTP/1.1\r\nHost: a\r\n\r\n",
        Refuse(0),
    ),
    (
        "NUL in the target",
        b"GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n",
        Refuse(0),
    ),
    (
        "CR in the target",
        b"GET /\rx HTTP/1.1\r\nHost: a\r\n\r\n",
        Refuse(0),
    ),
    (
        "DEL in the target",
        b"GET /\x7f HTTP/1.1\r\nHost: a\r\n\r\n",
        Refuse(0),
    ),
    (
        "a fragment",
        b"GET /a#/../b HTTP/1.1\r\nHost: a\r\n\r\n",
        Refuse(0),
    ),
    (
        "broken UTF-8 in the target",
        b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n",
        Refuse(0),
    ),
    (
        "NEL in the target",
        b"GET /\xc2\x85X:y HTTP/1.1\r\nHost: a\r\n\r\n",
        Refuse(0),
    ),
    (
        "no slash",
        b"GET admin HTTP/1.1\r\nHost: a\r\n\r\n",
        Refuse(0),
    ),
    (
        "authority only",
        b"GET a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n",
        Refuse(0),
    ),
    (
        "an at sign for a slash",
        b"GET @evil/ HTTP/1.1\r\nHost: a\r\n\r\n",
        Refuse(0),
    ),
    ("asterisk", b"GET * HTTP/1.1\r\nHost: a\r\n\r\n", Refuse(0)),
    (
        "percent-encoded CRLF",
        b"GET /%0d%0aX:%20y HTTP/1.1\r\nHost: a\r\n\r\n",
        Forward(1),
    ),
    ("HTTP/0.9", b"GET /\r\n\r\n", Refuse(0)),
    (
        "HTTP/0.9 spelt out",
        b"GET / HTTP/0.9\r\nHost: a\r\n\r\n",
        Refuse(0),
    ),
    ("HTTP/1.2", b"GET / HTTP/1.2\r\nHost: a\r\n\r\n", Refuse(0)),
    ("HTTP/2.0", b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", Refuse(0)),
    (
        "HTTP/1.10",
        b"GET / HTTP/1.10\r\nHost: a\r\n\r\n",
        Refuse(0),
    ),
    (
        "HTTP/01.1",
        b"GET / HTTP/01.1\r\nHost: a\r\n\r\n",
        Refuse(0),
    ),
    ("HTTP/1,1", b"GET / HTTP/1,1\r\nHost: a\r\n\r\n", Refuse(0)),
    ("http/1.1", b"GET / http/1.1\r\nHost: a\r\n\r\n", Refuse(0)),
    (
        "HTTPS/1.1",
        b"GET / HTTPS/1.1\r\nHost: a\r\n\r\n",
        Refuse(0),
    ),
    ("TRACE", b"TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", Refuse(0)),
    ("trace", b"trace / HTTP/1.1\r\nHost: a\r\n\r\n", Refuse(0)),
    (
        "CONNECT with a path",
        b"CONNECT / HTTP/1.1\r\nHost: a\r\n\r\n",
        Refuse(0),
    ),
    (
        "colon in the method",
        b"Host:a / HTTP/1.1\r\nHost: a\r\n\r\n",
        Refuse(0),
    ),
    (
        "NUL in the method",
        b"GE\0T / HTTP/1.1\r\nHost: a\r\n\r\n",
        Refuse(0),
    ),
    (
        "high byte in the method",
        b"G\xc8T / HTTP/1.1\r\nHost: a\r\n\r\n",
        Refuse(0),
    ),
    (
        "absolute target",
        b"GET http://a/x HTTP/1.1\r\nHost: a\r\n\r\n",
        Forward(1),
    ),
    (
        "absolute target of another host",
        b"GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n",
        Refuse(0),
    ),
    (
        "absolute target with a port",
        b"GET http://a:81/ HTTP/1.1\r\nHost: a\r\n\r\n",
        Refuse(0),
    ),
    (
        "absolute target with a user",
        b"GET http://a@b/ HTTP/1.1\r\nHost: a\r\n\r\n",
        Refuse(0),
    ),
    (
        "absolute target, backslash",
        b"GET http://a\\@b/ HTTP/1.1\r\nHost: a\r\n\r\n",
        Refuse(0),
    ),
    (
        "absolute target without a host",
        b"GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n",
        Refuse(0),
    ),
    (
        "absolute target, ftp",
        b"GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
        Refuse(0),
    ),
    (
        "absolute target, file",
        b"GET file:///etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n",
        Refuse(0),
    ),
    (
        "absolute target, no Host",
        b"GET http://a/ HTTP/1.1\r\n\r\n",
        Refuse(0),
    ),
    ("no field", b"GET / HTTP/1.1\r\n\r\n", Refuse(0)),
    (
        "space before the first field",
        b"GET / HTTP/1.1\r\n X: y\r\nHost: a\r\n\r\n",
        Refuse(0),
    ),
    (
        "a line of a space",
        b"GET / HTTP/1.1\r\nHost: a\r\n \r\nX: y\r\n\r\n",
        Refuse(0),
    ),
    (
        "TLS hello",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        Refuse(0),
    ),
    (
        "an HTTP/2 preface later",
        b"GET / HTTP/1.1\r\nHost: a\r\n\r\nPRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        Refuse(1),
    ),
];

/// Lines of a request that otherwise is good, its Host included.
const FIELDS: &[(&str, &[u8], Expect)] = &[
    ("no colon", b"Host: a\r\nX", Refuse(0)),
    ("no name", b"Host: a\r\n: x", Refuse(0)),
    ("space in a name", b"Host: a\r\nX Y: z", Refuse(0)),
    ("space before a colon", b"Host: a\r\nX : z", Refuse(0)),
    ("NUL in a name", b"Host: a\r\nX\0: z", Refuse(0)),
    ("NUL in a value", b"Host: a\r\nX: \0", Refuse(0)),
    ("escape in a value", b"Host: a\r\nX: \x1b[31m", Refuse(0)),
    ("DEL in a value", b"Host: a\r\nX: \x7f", Refuse(0)),
    ("CR in a value", b"Host: a\r\nX: a\rb", Refuse(0)),
    ("LF in a value", b"Host: a\r\nX: a\nb: c", Refuse(0)),
    ("high byte in a name", b"Host: a\r\nX\xff: z", Refuse(0)),
    ("high bytes in a value", b"Host: a\r\nX: \xc3\xa9", Forward(1)),
    ("underscore in a name", b"Host: a\r\nX_Gateway: forged", Refuse(0)),
    ("folded", b"Host: a\r\nX: y\r\n z", Refuse(0)),
    ("a forged marker", b"Host: a\r\nX-Gateway: open-sesame-7f3a", Forward(1)),
    ("two forged markers", b"Host: a\r\nX-Gateway: a\r\nx-gateway: b", Forward(1)),
    ("two hosts", b"Host: a\r\nHost: b", Refuse(0)),
    ("two hosts alike", b"Host: a\r\nhost: a", Refuse(0)),
    ("no host", b"X: y", Refuse(0)),
    ("host empty", b"Host:", Refuse(0)),
    ("host list", b"Host: a, b", Refuse(0)),
    ("host with a space", b"Host: a b", Refuse(0)),
    ("host with a tab", b"Host: a\tb", Refuse(0)),
    ("host with a user", b"Host: a@b", Refuse(0)),
    ("host with a path", b"Host: a/b", Refuse(0)),
    ("host with a backslash", b"Host: a\\b", Refuse(0)),
    ("host with a query", b"Host: a?b", Refuse(0)),
    ("host with a fragment", b"Host: a#b", Refuse(0)),
    ("host with a scheme", b"Host: http://a", Refuse(0)),
    ("host with a port out of range", b"Host: a:99999", Refuse(0)),
    ("host with a port in words", b"Host: a:80b", Refuse(0)),
    ("host with two ports", b"Host: a:80:81", Refuse(0)),
    ("host percent-encoded", b"Host: a%2eb", Refuse(0)),
    ("host with a high byte", b"Host: \xe9", Refuse(0)),
    ("host with a bracket", b"Host: [::1", Refuse(0)),
    ("host behind a bracket", b"Host: [::1].b", Refuse(0)),
    ("host folded", b"Host:\r\n a", Refuse(0)),
    ("host with a space before the colon", b"Host : a", Refuse(0)),
    ("host and an underscore twin", b"Host: a\r\nHo_st: b", Refuse(0)),
    ("Connection: Host", b"Host: a\r\nConnection: Host", Refuse(0)),
    ("Connection: Transfer-Encoding", b"Host: a\r\nConnection: close, Transfer-Encoding", Refuse(0)),
    ("Connection: Authorization", b"Host: a\r\nConnection: Authorization", Refuse(0)),
    ("Connection: Cookie", b"Host: a\r\nConnection: cookie", Refuse(0)),
    ("Connection: X-Forwarded-For", b"Host: a\r\nConnection: X-Forwarded-For", Refuse(0)),
    ("Connection: a quoted word", b"Host: a\r\nConnection: \"close\"", Refuse(0)),
    ("Connection: the marker", b"Host: a\r\nConnection: X-Gateway", Forward(1)),
    ("Connection: a field of its own", b"Host: a\r\nX-Hop: 1\r\nConnection: X-Hop", Forward(1)),
    (
        "Connection twice, a field in the second",
        b"Host: a\r\nX-Hop: 1\r\nConnection: keep-alive\r\nConnection: X-Hop",
        Forward(1),
    ),
    ("hop-by-hop fields", b"Host: a\r\nKeep-Alive: 5\r\nProxy-Connection: x\r\nTE: gzip", Forward(1)),
    ("a proxy's credentials", b"Host: a\r\nProxy-Authorization: Basic x", Forward(1)),
    ("Upgrade without Connection", b"Host: a\r\nUpgrade: h2c", Forward(1)),
    (
        "Upgrade: h2c",
        b"Host: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk",
        Forward(1),
    ),
    ("Upgrade: TLS/1.0", b"Host: a\r\nConnection: Upgrade\r\nUpgrade: TLS/1.0", Forward(1)),
    (
        "Upgrade: websocket with a body",
        b"Host: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 2",
        Refuse(0),
    ),
];

pub(super) fn payloads() -> Vec<Payload> {
    let payload = |name: &str, bytes: Vec<u8>, expect| Payload {
        family: "heads",
        name: name.to_string(),
        bytes,
        expect,
    };
    let mut payloads: Vec<_> = HEADS
        .iter()
        .map(|(name, bytes, expect)| payload(name, bytes.to_vec(), *expect))
        .collect();
    for (name, fields, expect) in FIELDS {
        let head = [b"GET /field HTTP/1.1\r\n", *fields, b"\r\n\r\n"].concat();
        payloads.push(payload(name, head, *expect));
    }
    let big = |fields: String| format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n{SMUGGLED}");
    let many = big("X: y\r\n".repeat(101));
    payloads.push(payload("101 fields more", many.into_bytes(), Refuse(0)));
    let huge = big(format!("X: {}\r\n", "y".repeat(64 * 1024)));
    payloads.push(payload("a field of 64 KiB", huge.into_bytes(), Refuse(0)));
    let long = format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "y".repeat(20 * 1024));
    payloads.push(payload("a target of 20 KiB", long.into_bytes(), Refuse(0)));
    payloads
}
