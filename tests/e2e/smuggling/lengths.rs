//! CL.TE, TE.CL, TE.TE, CL.CL, CL.0: heads whose body has two lengths, or a length with two readings.

use super::Expect::{self, Cut, Forward, Refuse};
use super::{Payload, SMUGGLED};

/// Spellings of Transfer-Encoding: alone, some are plain `chunked` and pass; beside a Content-Length none may.
const CODINGS: &[(&str, &str, Expect)] = &[
    ("plain", "Transfer-Encoding: chunked", Forward(1)),
    ("no space", "Transfer-Encoding:chunked", Forward(1)),
    ("tab in front", "Transfer-Encoding:\tchunked", Forward(1)),
    ("space behind", "Transfer-Encoding: chunked \t", Forward(1)),
    ("mixed case", "tRANSFER-eNCODING: ChUnKeD", Forward(1)),
    (
        "space before colon",
        "Transfer-Encoding : chunked",
        Refuse(0),
    ),
    (
        "tab before colon",
        "Transfer-Encoding\t: chunked",
        Refuse(0),
    ),
    ("vertical tab", "Transfer-Encoding:\x0bchunked", Refuse(0)),
    ("form feed", "Transfer-Encoding: \x0cchunked", Refuse(0)),
    ("backspace", "Transfer-Encoding: chunked\x08", Refuse(0)),
    ("NUL behind", "Transfer-Encoding: chunked\0", Refuse(0)),
    ("NUL in name", "Transfer-Encoding\0: chunked", Refuse(0)),
    (
        "no-break space",
        "Transfer-Encoding: \u{a0}chunked",
        Refuse(0),
    ),
    (
        "Kelvin sign",
        "Transfer-Encoding: chun\u{212a}ed",
        Refuse(0),
    ),
    (
        "dotless i in name",
        "Transfer-Encod\u{131}ng: chunked",
        Refuse(0),
    ),
    ("double quotes", "Transfer-Encoding: \"chunked\"", Refuse(0)),
    ("single quotes", "Transfer-Encoding: 'chunked'", Refuse(0)),
    ("parameter", "Transfer-Encoding: chunked;q=1", Refuse(0)),
    ("prefix", "Transfer-Encoding: xchunked", Refuse(0)),
    ("suffix", "Transfer-Encoding: chunkedx", Refuse(0)),
    ("short", "Transfer-Encoding: chunk", Refuse(0)),
    ("empty", "Transfer-Encoding:", Refuse(0)),
    ("identity", "Transfer-Encoding: identity", Refuse(0)),
    ("gzip", "Transfer-Encoding: gzip", Refuse(0)),
    (
        "gzip, chunked",
        "Transfer-Encoding: gzip, chunked",
        Refuse(0),
    ),
    (
        "identity, chunked",
        "Transfer-Encoding: identity, chunked",
        Refuse(0),
    ),
    (
        "chunked, identity",
        "Transfer-Encoding: chunked, identity",
        Refuse(0),
    ),
    (
        "twice in a list",
        "Transfer-Encoding: chunked, chunked",
        Refuse(0),
    ),
    ("leading comma", "Transfer-Encoding: ,chunked", Refuse(0)),
    ("trailing comma", "Transfer-Encoding: chunked,", Refuse(0)),
    ("two words", "Transfer-Encoding: chunked x", Refuse(0)),
    (
        "twice",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        Refuse(0),
    ),
    (
        "then identity",
        "Transfer-Encoding: chunked\r\nTransfer-encoding: identity",
        Refuse(0),
    ),
    (
        "after nonsense",
        "Transfer-Encoding: cow\r\nTransfer-Encoding: chunked",
        Refuse(0),
    ),
    ("underscore", "Transfer_Encoding: chunked", Refuse(0)),
    (
        "behind a bare LF",
        "X: y\nTransfer-Encoding: chunked",
        Refuse(0),
    ),
    (
        "behind a bare CR",
        "X: y\rTransfer-Encoding: chunked",
        Refuse(0),
    ),
    ("folded", "Transfer-Encoding:\r\n chunked", Refuse(0)),
    (
        "folded with a tab",
        "Transfer-Encoding:\r\n\tchunked",
        Refuse(0),
    ),
    (
        "colon on the next line",
        "Transfer-Encoding\r\n: chunked",
        Refuse(0),
    ),
    ("indented", " Transfer-Encoding: chunked", Refuse(0)),
    ("two colons", "Transfer-Encoding:: chunked", Refuse(0)),
    ("no colon", "Transfer-Encoding chunked", Refuse(0)),
    ("CR CR LF", "Transfer-Encoding: chunked\r", Refuse(0)),
];

/// Spellings of a Content-Length for the four bytes `body`, followed by a request.
const LENGTHS: &[(&str, &str, Expect)] = &[
    ("plain", "Content-Length: 4", Forward(2)),
    ("spaces around", "Content-Length: \t4 ", Forward(2)),
    (
        "twice alike",
        "Content-Length: 4\r\nContent-Length: 4",
        Refuse(0),
    ),
    (
        "twice, 0 first",
        "Content-Length: 0\r\nContent-Length: 4",
        Refuse(0),
    ),
    (
        "twice, 0 last",
        "Content-Length: 4\r\ncontent-length: 0",
        Refuse(0),
    ),
    ("list alike", "Content-Length: 4, 4", Refuse(0)),
    ("list", "Content-Length: 4, 0", Refuse(0)),
    ("trailing comma", "Content-Length: 4,", Refuse(0)),
    ("empty", "Content-Length:", Refuse(0)),
    ("space only", "Content-Length:  ", Refuse(0)),
    ("plus", "Content-Length: +4", Refuse(0)),
    ("minus", "Content-Length: -4", Refuse(0)),
    ("minus zero", "Content-Length: -0", Refuse(0)),
    ("hexadecimal", "Content-Length: 0x4", Refuse(0)),
    ("octal", "Content-Length: 04", Refuse(0)),
    ("exponent", "Content-Length: 4e0", Refuse(0)),
    ("fraction", "Content-Length: 4.0", Refuse(0)),
    ("underscored digits", "Content-Length: 0_4", Refuse(0)),
    ("inner space", "Content-Length: 4 0", Refuse(0)),
    ("word behind", "Content-Length: 4 bytes", Refuse(0)),
    ("parameter", "Content-Length: 4;x", Refuse(0)),
    ("quotes", "Content-Length: \"4\"", Refuse(0)),
    ("Arabic digit", "Content-Length: \u{664}", Refuse(0)),
    ("full-width digit", "Content-Length: \u{ff14}", Refuse(0)),
    (
        "wraps 64 bits",
        "Content-Length: 18446744073709551620",
        Refuse(0),
    ),
    (
        "wraps 63 bits",
        "Content-Length: 9223372036854775812",
        Refuse(0),
    ),
    (
        "forty digits",
        "Content-Length: 0000000000000000000000000000000000000004",
        Refuse(0),
    ),
    ("NUL", "Content-Length: 4\0", Refuse(0)),
    ("NUL in name", "Content\0-Length: 4", Refuse(0)),
    ("space before colon", "Content-Length : 4", Refuse(0)),
    ("inner space in name", "Content- Length: 4", Refuse(0)),
    ("underscore", "Content_Length: 4", Refuse(0)),
    ("folded", "Content-Length:\r\n 4", Refuse(0)),
    ("continued", "Content-Length: 4\r\n 0", Refuse(0)),
    ("behind a bare LF", "X: y\nContent-Length: 4", Refuse(0)),
    ("behind a bare CR", "X: y\rContent-Length: 4", Refuse(0)),
    (
        "named by Connection",
        "Content-Length: 4\r\nConnection: Content-Length",
        Refuse(0),
    ),
];

pub(super) fn payloads() -> Vec<Payload> {
    let mut payloads = codings();
    payloads.extend(LENGTHS.iter().map(|(name, fields, expect)| {
        let bytes = format!("POST /length HTTP/1.1\r\nHost: a\r\n{fields}\r\n\r\nbody{SMUGGLED}");
        payload("CL.CL", name, bytes, *expect)
    }));
    payloads.extend(bodies());
    payloads
}

fn codings() -> Vec<Payload> {
    let mut payloads = Vec::new();
    for (name, coding, alone) in CODINGS {
        let head = format!("POST /coding HTTP/1.1\r\nHost: a\r\n{coding}\r\n");
        let chunks = "4\r\nbody\r\n0\r\n\r\n";
        let bytes = format!("{head}\r\n{chunks}");
        payloads.push(payload("TE.TE", name, bytes, *alone));
        // The length covers the smuggled request, the chunks end before it.
        let length = 5 + SMUGGLED.len();
        let bytes = format!("{head}Content-Length: {length}\r\n\r\n0\r\n\r\n{SMUGGLED}");
        payloads.push(payload("CL.TE", name, bytes, Refuse(0)));
        // The length ends within the first chunk, which holds the smuggled request.
        let size = SMUGGLED.len();
        let bytes = format!(
            "POST /coding HTTP/1.1\r\nContent-Length: 4\r\nHost: a\r\n{coding}\r\n\r\n{size:x}\r\n{SMUGGLED}\r\n0\r\n\r\n"
        );
        payloads.push(payload("TE.CL", name, bytes, Refuse(0)));
    }
    payloads
}

/// Bodies where servers expect none, and none where they expect some.
fn bodies() -> Vec<Payload> {
    let length = SMUGGLED.len();
    let with_body = |method: &str, version: &str, more: &str| {
        format!(
            "{method} /body HTTP/{version}\r\nHost: a\r\nContent-Length: {length}\r\n{more}\r\n{SMUGGLED}"
        )
    };
    let chunked = |method: &str, version: &str| {
        format!(
            "{method} /body HTTP/{version}\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{length:x}\r\n{SMUGGLED}\r\n0\r\n\r\n"
        )
    };
    let next = SMUGGLED;
    let cases = [
        ("GET", with_body("GET", "1.1", ""), Forward(1)),
        ("DELETE", with_body("DELETE", "1.1", ""), Forward(1)),
        ("OPTIONS", with_body("OPTIONS", "1.1", ""), Forward(1)),
        ("POST", with_body("POST", "1.1", ""), Forward(1)),
        (
            "POST, twice",
            with_body("POST", "1.1", "").repeat(2),
            Forward(2),
        ),
        ("GET chunked", chunked("GET", "1.1"), Forward(1)),
        ("DELETE chunked", chunked("DELETE", "1.1"), Forward(1)),
        ("HTTP/1.0", with_body("POST", "1.0", ""), Forward(1)),
        ("HTTP/1.0 chunked", chunked("POST", "1.0"), Refuse(0)),
        ("HTTP/1.0 GET chunked", chunked("GET", "1.0"), Refuse(0)),
        (
            "HTTP/1.0, then more",
            with_body("POST", "1.0", "") + next,
            Forward(1),
        ),
        (
            "HTTP/1.0 kept alive",
            with_body("POST", "1.0", "Connection: keep-alive\r\n") + next,
            Forward(2),
        ),
        (
            "close, then more",
            with_body("POST", "1.1", "Connection: close\r\n") + next,
            Forward(1),
        ),
        (
            "CONNECT",
            "CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n".to_string() + next,
            Refuse(0),
        ),
        (
            "too long a length",
            format!("POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 999\r\n\r\n{next}"),
            Cut,
        ),
        (
            "a chunk too long",
            format!(
                "POST /body HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3e7\r\n{next}"
            ),
            Cut,
        ),
        (
            "no last chunk",
            "POST /body HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n"
                .to_string(),
            Cut,
        ),
        (
            "expects 100",
            with_body("POST", "1.1", "Expect: 100-continue\r\n"),
            Forward(1),
        ),
        (
            "expects another",
            with_body("POST", "1.1", "Expect: 100-continue, x\r\n"),
            Refuse(0),
        ),
        (
            "expects nonsense",
            with_body("POST", "1.1", "Expect: y100-continue\r\n"),
            Refuse(0),
        ),
    ];
    cases
        .into_iter()
        .map(|(name, bytes, expect)| payload("CL.0", name, bytes, expect))
        .collect()
}

fn payload(family: &'static str, name: &str, bytes: String, expect: Expect) -> Payload {
    Payload {
        family,
        name: name.to_string(),
        bytes: bytes.into_bytes(),
        expect,
    }
}
