//! HTTP/2 requests that would become two HTTP/1 requests, or another one, if they were forwarded as they stand.

use super::SMUGGLED;
use super::frames::{self, Field};

/// A connection's bytes with one request, and whether it is forwarded.
pub(super) struct Case {
    pub(super) name: String,
    pub(super) bytes: Vec<u8>,
    pub(super) forward: bool,
}

const METHOD: Field<'static> = (b":method", b"GET");
const SCHEME: Field<'static> = (b":scheme", b"http");
const AUTHORITY: Field<'static> = (b":authority", b"a");
const PATH: Field<'static> = (b":path", b"/h2");

/// Fields behind good pseudo-fields that must be refused.
const FIELDS: &[(&str, &[Field<'static>])] = &[
    ("connection: close", &[(b"connection", b"close")]),
    ("connection names a field", &[(b"connection", b"x-gateway")]),
    ("keep-alive", &[(b"keep-alive", b"timeout=5")]),
    ("proxy-connection", &[(b"proxy-connection", b"keep-alive")]),
    ("transfer-encoding", &[(b"transfer-encoding", b"chunked")]),
    (
        "transfer-encoding: identity",
        &[(b"transfer-encoding", b"identity")],
    ),
    ("upgrade: h2c", &[(b"upgrade", b"h2c")]),
    ("upgrade: websocket", &[(b"upgrade", b"websocket")]),
    ("te: gzip", &[(b"te", b"gzip")]),
    ("CRLF in a value", &[(b"x", b"y\r\nz: 1")]),
    (
        "a request in a value",
        &[(b"x", b"y\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n")],
    ),
    ("LF in a value", &[(b"x", b"y\nz: 1")]),
    ("CR in a value", &[(b"x", b"y\rz: 1")]),
    ("NUL in a value", &[(b"x", b"y\0")]),
    ("CRLF in a name", &[(b"x: y\r\nz", b"1")]),
    ("colon in a name", &[(b"transfer-encoding: chunked", b"")]),
    ("space in a name", &[(b"transfer-encoding ", b"chunked")]),
    ("capital in a name", &[(b"Transfer-Encoding", b"chunked")]),
    ("capital in another name", &[(b"X-Test", b"y")]),
    ("underscore in a name", &[(b"content_length", b"5")]),
    ("empty name", &[(b"", b"y")]),
    ("NUL in a name", &[(b"x\0", b"y")]),
    ("high byte in a name", &[(b"x\xff", b"y")]),
    ("another host", &[(b"host", b"b")]),
    ("two hosts", &[(b"host", b"a"), (b"host", b"b")]),
    ("an unknown pseudo-field", &[(b":foo", b"y")]),
    (":status", &[(b":status", b"200")]),
    (
        "a pseudo-field behind a field",
        &[(b"x", b"y"), (b":path", b"/admin")],
    ),
    (
        "content-length: 5 and no body",
        &[(b"content-length", b"5")],
    ),
    ("content-length in words", &[(b"content-length", b"five")]),
    ("content-length with a sign", &[(b"content-length", b"+0")]),
    ("content-length list", &[(b"content-length", b"0, 0")]),
    (
        "content-length twice",
        &[(b"content-length", b"0"), (b"content-length", b"5")],
    ),
    ("space in front of a value", &[(b"x", b" y")]),
    ("tab behind a value", &[(b"x", b"y\t")]),
    ("expectation", &[(b"expect", b"nonsense")]),
];

/// Whole heads that must be refused.
const HEADS: &[(&str, &[Field<'static>])] = &[
    ("no :method", &[SCHEME, AUTHORITY, PATH]),
    ("no :scheme", &[METHOD, AUTHORITY, PATH]),
    ("no :path", &[METHOD, SCHEME, AUTHORITY]),
    ("no authority and no host", &[METHOD, SCHEME, PATH]),
    (
        "two :method",
        &[METHOD, (b":method", b"POST"), SCHEME, AUTHORITY, PATH],
    ),
    (
        "two :path",
        &[METHOD, SCHEME, AUTHORITY, PATH, (b":path", b"/admin")],
    ),
    (
        "two :authority",
        &[METHOD, SCHEME, AUTHORITY, (b":authority", b"b"), PATH],
    ),
    ("two :scheme", &[METHOD, SCHEME, SCHEME, AUTHORITY, PATH]),
    (
        "a request line in :method",
        &[
            (b":method", b"GET /admin HTTP/1.1\r\nX:"),
            SCHEME,
            AUTHORITY,
            PATH,
        ],
    ),
    (
        "space in :method",
        &[
            (b":method", b"GET /admin HTTP/1.1"),
            SCHEME,
            AUTHORITY,
            PATH,
        ],
    ),
    (
        "empty :method",
        &[(b":method", b""), SCHEME, AUTHORITY, PATH],
    ),
    (
        "CONNECT",
        &[(b":method", b"CONNECT"), (b":authority", b"a:80")],
    ),
    (
        "CONNECT with a path",
        &[(b":method", b"CONNECT"), SCHEME, AUTHORITY, PATH],
    ),
    ("TRACE", &[(b":method", b"TRACE"), SCHEME, AUTHORITY, PATH]),
    ("empty :path", &[METHOD, SCHEME, AUTHORITY, (b":path", b"")]),
    (
        ":path without a slash",
        &[METHOD, SCHEME, AUTHORITY, (b":path", b"admin")],
    ),
    (
        ":path with an at sign",
        &[METHOD, SCHEME, AUTHORITY, (b":path", b"@b/")],
    ),
    (
        ":path asterisk",
        &[METHOD, SCHEME, AUTHORITY, (b":path", b"*")],
    ),
    (
        ":path absolute",
        &[METHOD, SCHEME, AUTHORITY, (b":path", b"http://b/")],
    ),
    (
        ":path with a version",
        &[METHOD, SCHEME, AUTHORITY, (b":path", b"/ HTTP/1.1\r\nX: y")],
    ),
    (
        ":path with a space",
        &[METHOD, SCHEME, AUTHORITY, (b":path", b"/a b")],
    ),
    (
        ":path with LF",
        &[METHOD, SCHEME, AUTHORITY, (b":path", b"/a\nX: y")],
    ),
    (
        ":path with NUL",
        &[METHOD, SCHEME, AUTHORITY, (b":path", b"/a\0")],
    ),
    (
        ":authority with CRLF",
        &[METHOD, SCHEME, (b":authority", b"a\r\nX: y"), PATH],
    ),
    (
        ":authority with a user",
        &[METHOD, SCHEME, (b":authority", b"u@a"), PATH],
    ),
    (
        ":authority with a path",
        &[METHOD, SCHEME, (b":authority", b"a/b"), PATH],
    ),
    (
        ":authority with a space",
        &[METHOD, SCHEME, (b":authority", b"a b"), PATH],
    ),
    (
        ":scheme with a URL",
        &[METHOD, (b":scheme", b"http://b/?x="), AUTHORITY, PATH],
    ),
    (
        ":scheme with CRLF",
        &[METHOD, (b":scheme", b"http\r\nX: y"), AUTHORITY, PATH],
    ),
];

/// Names that no trailer may have.
const TRAILERS: &[(&str, Field<'static>)] = &[
    ("trailer connection", (b"connection", b"close")),
    (
        "trailer transfer-encoding",
        (b"transfer-encoding", b"chunked"),
    ),
    (
        "trailer with CRLF",
        (b"x", b"y\r\n\r\nGET /smuggled HTTP/1.1\r\n"),
    ),
    ("trailer in capitals", (b"X", b"y")),
];

pub(super) fn cases() -> Vec<Case> {
    let mut cases = forwarded();
    for (name, fields) in FIELDS {
        let head = [&[METHOD, SCHEME, AUTHORITY, PATH], *fields].concat();
        cases.push(case(name, false, &[frames::headers(&head, true)]));
    }
    for (name, head) in HEADS {
        cases.push(case(name, false, &[frames::headers(head, true)]));
    }
    for (name, trailer) in TRAILERS {
        let parts = [
            post(&[]),
            frames::data(b"body", false),
            frames::headers(&[*trailer], true),
        ];
        cases.push(case(name, false, &parts));
    }
    cases.extend(downgrades());
    cases
}

fn forwarded() -> Vec<Case> {
    let get = |name: &str, fields: &[Field<'_>]| {
        let head = [&[METHOD, SCHEME, AUTHORITY, PATH], fields].concat();
        case(name, true, &[frames::headers(&head, true)])
    };
    let body = SMUGGLED.as_bytes();
    let length = body.len().to_string();
    vec![
        get("plain", &[]),
        get("te: trailers", &[(b"te", b"trailers")]),
        get("the same host", &[(b"host", b"a")]),
        get("cookie crumbs", &[(b"cookie", b"a=1"), (b"cookie", b"b=2")]),
        get("a forged marker", &[(b"x-gateway", b"forged")]),
        case(
            "a body with a length",
            true,
            &[
                post(&[(b"content-length", length.as_bytes())]),
                frames::data(body, true),
            ],
        ),
        case(
            "a body without a length",
            true,
            &[post(&[]), frames::data(body, true)],
        ),
        // The library drops it; the origin must not see it.
        case(
            "a pseudo-field among trailers",
            true,
            &[
                post(&[]),
                frames::data(body, false),
                frames::headers(&[(b":path", b"/admin")], true),
            ],
        ),
        case(
            "a trailer",
            true,
            &[
                post(&[]),
                frames::data(body, false),
                frames::headers(&[(b"x-sum", b"1")], true),
            ],
        ),
    ]
}

/// Bodies with another length than the head says.
fn downgrades() -> Vec<Case> {
    let body = SMUGGLED.as_bytes();
    let with = |name: &str, fields: &[Field<'_>]| {
        case(name, false, &[post(fields), frames::data(body, true)])
    };
    let chunks = [&b"0\r\n\r\n"[..], body].concat();
    vec![
        with("H2.CL, 0", &[(b"content-length", b"0")]),
        with("H2.CL, short", &[(b"content-length", b"4")]),
        with("H2.CL, long", &[(b"content-length", b"999")]),
        with(
            "H2.CL, wraps",
            &[(b"content-length", b"18446744073709551620")],
        ),
        with(
            "H2.CL, twice",
            &[(b"content-length", b"0"), (b"content-length", b"0")],
        ),
        case(
            "H2.TE",
            false,
            &[
                post(&[(b"transfer-encoding", b"chunked")]),
                frames::data(&chunks, true),
            ],
        ),
        case(
            "H2.TE in a value",
            false,
            &[
                post(&[(b"x", b"y\r\ntransfer-encoding: chunked")]),
                frames::data(&chunks, true),
            ],
        ),
    ]
}

fn post(fields: &[Field<'_>]) -> Vec<u8> {
    let head = [
        &[(&b":method"[..], &b"POST"[..]), SCHEME, AUTHORITY, PATH],
        fields,
    ]
    .concat();
    frames::headers(&head, false)
}

fn case(name: &str, forward: bool, parts: &[Vec<u8>]) -> Case {
    let mut bytes = frames::preface();
    bytes.extend(parts.concat());
    Case {
        name: name.to_string(),
        bytes,
        forward,
    }
}
