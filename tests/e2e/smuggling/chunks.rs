//! Chunked bodies with other sizes, ends, extensions and trailers than RFC 9112 writes. The head before them is good,
//! so a part of the request may have left for the origin already: it must never become whole there.

use super::Expect::{self, Cut, Forward, Refuse};
use super::{Payload, SMUGGLED};

const BODIES: &[(&str, &str, Expect)] = &[
    ("one chunk", "4\r\nbody\r\n0\r\n\r\n", Forward(1)),
    (
        "capitals and zeros",
        "000A\r\n0123456789\r\n00\r\n\r\n",
        Forward(1),
    ),
    ("empty", "0\r\n\r\n", Forward(1)),
    (
        "extension",
        "4;name=value;flag\r\nbody\r\n0\r\n\r\n",
        Forward(1),
    ),
    ("trailer", "4\r\nbody\r\n0\r\nX-Sum: 1\r\n\r\n", Forward(1)),
    (
        "a request in a chunk",
        "23\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n\r\n0\r\n\r\n",
        Forward(1),
    ),
    ("plus", "+4\r\nbody\r\n0\r\n\r\n", Refuse(0)),
    ("minus", "-4\r\nbody\r\n0\r\n\r\n", Refuse(0)),
    ("minus zero", "4\r\nbody\r\n-0\r\n\r\n", Refuse(0)),
    ("0x", "0x4\r\nbody\r\n0\r\n\r\n", Refuse(0)),
    ("underscore", "0_4\r\nbody\r\n0\r\n\r\n", Refuse(0)),
    ("space in front", " 4\r\nbody\r\n0\r\n\r\n", Refuse(0)),
    ("space behind", "4 \r\nbody\r\n0\r\n\r\n", Refuse(0)),
    ("tab behind", "4\t\r\nbody\r\n0\r\n\r\n", Refuse(0)),
    ("NUL behind", "4\0\r\nbody\r\n0\r\n\r\n", Refuse(0)),
    ("no size", "\r\nbody\r\n0\r\n\r\n", Refuse(0)),
    ("no digits", "xyz\r\nbody\r\n0\r\n\r\n", Refuse(0)),
    ("comma", "4,0\r\nbody\r\n0\r\n\r\n", Refuse(0)),
    ("fraction", "4.0\r\nbody\r\n0\r\n\r\n", Refuse(0)),
    (
        "seventeen digits",
        "00000000000000004\r\nbody\r\n0\r\n\r\n",
        Refuse(0),
    ),
    (
        "wraps 64 bits",
        "10000000000000004\r\nbody\r\n0\r\n\r\n",
        Refuse(0),
    ),
    (
        "wraps 63 bits",
        "8000000000000004\r\nbody\r\n0\r\n\r\n",
        Refuse(0),
    ),
    ("wraps 32 bits", "100000000\r\n\r\n0\r\n\r\n", Cut),
    (
        "full-width digit",
        "\u{ff14}\r\nbody\r\n0\r\n\r\n",
        Refuse(0),
    ),
    ("LF behind the size", "4\nbody\r\n0\r\n\r\n", Refuse(0)),
    ("CR behind the size", "4\rbody\r\n0\r\n\r\n", Refuse(0)),
    (
        "CR CR LF behind the size",
        "4\r\r\nbody\r\n0\r\n\r\n",
        Refuse(0),
    ),
    ("LF CR behind the size", "4\n\rbody\r\n0\r\n\r\n", Refuse(0)),
    ("LF behind the data", "4\r\nbody\n0\r\n\r\n", Refuse(0)),
    ("CR behind the data", "4\r\nbody\r0\r\n\r\n", Refuse(0)),
    ("nothing behind the data", "4\r\nbody0\r\n\r\n", Refuse(0)),
    ("two bytes too many", "4\r\nbodyXX0\r\n\r\n", Refuse(0)),
    (
        "data too long",
        "4\r\nbody and more\r\n0\r\n\r\n",
        Refuse(0),
    ),
    ("data too short", "6\r\nbody\r\n0\r\n\r\n", Refuse(0)),
    ("LF for the end", "4\r\nbody\r\n0\r\n\n", Refuse(0)),
    ("LF LF for the end", "4\r\nbody\r\n0\n\n", Refuse(0)),
    ("CR CR for the end", "4\r\nbody\r\n0\r\r", Refuse(0)),
    ("space before the end", "4\r\nbody\r\n0 \r\n\r\n", Refuse(0)),
    (
        "extension with LF",
        "4;a\nb\r\nbody\r\n0\r\n\r\n",
        Refuse(0),
    ),
    (
        "extension with CR",
        "4;a\rb\r\nbody\r\n0\r\n\r\n",
        Refuse(0),
    ),
    (
        "extension with a quoted CRLF",
        "4;a=\"\r\nbody\r\n0\r\n\r\n\"\r\n",
        Refuse(0),
    ),
    (
        "extension with NUL",
        "4;a\0\r\nbody\r\n0\r\n\r\n",
        Refuse(0),
    ),
    (
        "extension without a name",
        "4;\r\nbody\r\n0\r\n\r\n",
        Refuse(0),
    ),
    (
        "extension without a semicolon",
        "4 a=b\r\nbody\r\n0\r\n\r\n",
        Refuse(0),
    ),
    (
        "extension in the last chunk with LF",
        "4\r\nbody\r\n0;a\n\r\n",
        Refuse(0),
    ),
    (
        "trailer Content-Length",
        "0\r\nContent-Length: 44\r\n\r\n",
        Refuse(0),
    ),
    (
        "trailer Transfer-Encoding",
        "0\r\nTransfer-Encoding: chunked\r\n\r\n",
        Refuse(0),
    ),
    ("trailer Host", "0\r\nHost: b\r\n\r\n", Refuse(0)),
    (
        "trailer Authorization",
        "0\r\nAuthorization: Basic x\r\n\r\n",
        Refuse(0),
    ),
    ("trailer Cookie", "0\r\nCookie: a=b\r\n\r\n", Refuse(0)),
    (
        "trailer Connection",
        "0\r\nConnection: close\r\n\r\n",
        Refuse(0),
    ),
    (
        "trailer X-Forwarded-For",
        "0\r\nX-Forwarded-For: 127.0.0.1\r\n\r\n",
        Refuse(0),
    ),
    (
        "trailer with a space before the colon",
        "0\r\nX : 1\r\n\r\n",
        Refuse(0),
    ),
    (
        "trailer with an underscore",
        "0\r\nContent_Length: 1\r\n\r\n",
        Refuse(0),
    ),
    ("trailer with LF", "0\r\nX: 1\n\r\n", Refuse(0)),
    ("trailer with CR", "0\r\nX: 1\rY: 2\r\n\r\n", Refuse(0)),
    ("trailer with NUL", "0\r\nX: \0\r\n\r\n", Refuse(0)),
    ("trailer folded", "0\r\nX: 1\r\n 2\r\n\r\n", Refuse(0)),
    ("trailer without a colon", "0\r\nX\r\n\r\n", Refuse(0)),
    (
        "a request for a trailer",
        "0\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n",
        Refuse(0),
    ),
    ("trailer never ends", "0\r\nX: 1\r\n", Cut),
];

pub(super) fn payloads() -> Vec<Payload> {
    let head = "POST /chunks HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    let payload = |name: String, bytes: String, expect| Payload {
        family: "chunks",
        name,
        bytes: bytes.into_bytes(),
        expect,
    };
    let mut payloads = Vec::new();
    for (name, body, expect) in BODIES {
        payloads.push(payload(name.to_string(), format!("{head}{body}"), *expect));
        // The same with a request behind it: whoever reads on after the fault would run it.
        match expect {
            Forward(count) => payloads.push(payload(
                format!("{name}, and a request"),
                format!("{head}{body}{SMUGGLED}"),
                Forward(count + 1),
            )),
            Refuse(count) => payloads.push(payload(
                format!("{name}, and a request"),
                format!("{head}{body}{SMUGGLED}"),
                Refuse(*count),
            )),
            Cut => {}
        }
    }
    let long = |size: usize| format!("{head}4;{}\r\nbody\r\n0\r\n\r\n", "a".repeat(size));
    payloads.push(payload("extension of 4 KiB".into(), long(4096), Refuse(0)));
    let trailers = format!("{head}0\r\n{}\r\n", "X: 1\r\n".repeat(5000));
    payloads.push(payload("5000 trailers".into(), trailers, Refuse(0)));
    payloads
}
