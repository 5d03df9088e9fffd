//! Requests made to hurt: each must end soon, within bounds, and with an anomaly that says what it was.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;

/// What a release build is allowed is 50 ms; tests run unoptimised on shared machines.
const PATIENCE: Duration = Duration::from_millis(1500);

fn hostile(kind: &str, body: &[u8], headers: &[(&str, &[u8])], code: &str) -> Scratch {
    let mut headers = headers.to_vec();
    headers.push(("content-type", kind.as_bytes()));
    let sample = Sample {
        headers: &headers,
        body,
        ..Sample::default()
    };
    let request = sample.request();
    let limits = Limits::default();
    let mut scratch = Scratch::default();
    let start = Instant::now();
    read(&mut scratch, &request, &limits);
    let took = start.elapsed();
    let codes: Vec<_> = scratch
        .anomalies()
        .iter()
        .map(|anomaly| anomaly.kind.code())
        .collect();
    assert!(
        code.is_empty() || codes.contains(&code),
        "{code} is missing in {codes:?} ({kind})"
    );
    assert!(took < PATIENCE, "{code} took {took:?}");
    let cap = limits.fields
        + limits.fields / 4
        + limits.derived_fields * 2
        + body.len() / limits.field_length
        + 64;
    assert!(
        scratch.fields().len() <= cap,
        "{code}: {} fields",
        scratch.fields().len()
    );
    assert!(
        scratch.arena().len() <= 8 << 20,
        "{code}: {} bytes",
        scratch.arena().len()
    );
    in_bounds(&scratch, &request);
    scratch
}

/// Each span lies in its source.
fn in_bounds(scratch: &Scratch, request: &Request<'_>) {
    let fields = scratch
        .fields()
        .iter()
        .flat_map(|field| [field.name, field.value]);
    let spans = fields.chain(scratch.anomalies().iter().map(|anomaly| anomaly.span));
    for span in spans {
        let bytes = span.bytes(request, scratch.arena());
        assert_eq!(bytes.len(), span.len(), "{span:?} lies outside its source");
    }
}

fn holds(scratch: &Scratch, sample: &[u8], body: &[u8]) -> bool {
    let request = Sample {
        body,
        ..Sample::default()
    };
    let request = request.request();
    scratch.fields().iter().any(|field| {
        field.value.source != Source::Header(0)
            && memchr::memmem::find(field.value.bytes(&request, scratch.arena()), sample).is_some()
    })
}

#[test]
fn nesting() {
    let arrays = format!("{}\"' or 1\"{}", "[".repeat(10_000), "]".repeat(10_000));
    let scratch = hostile("application/json", arrays.as_bytes(), &[], "too-deep");
    assert!(holds(&scratch, b"' or 1", arrays.as_bytes()));
    let objects = format!(
        "{}\"' or 1\"{}",
        "{\"a\":".repeat(10_000),
        "}".repeat(10_000)
    );
    let scratch = hostile("application/json", objects.as_bytes(), &[], "too-deep");
    assert!(holds(&scratch, b"' or 1", objects.as_bytes()));
    let elements = format!("{}' or 1{}", "<a>".repeat(10_000), "</a>".repeat(10_000));
    let scratch = hostile("text/xml", elements.as_bytes(), &[], "too-deep");
    assert!(holds(&scratch, b"' or 1", elements.as_bytes()));
    let mut message = b"' or 1".to_vec();
    for _ in 0..200 {
        let mut outer = vec![0x0a];
        let mut length = message.len();
        while length >= 0x80 {
            outer.push((length & 0x7f) as u8 | 0x80);
            length >>= 7;
        }
        outer.push(length as u8);
        outer.extend_from_slice(&message);
        message = outer;
    }
    let body = frame(&message);
    let scratch = hostile("application/grpc", &body, &[], "");
    assert!(holds(&scratch, b"' or 1", &body));
}

#[test]
fn a_million_of_everything() {
    let keys: String = (0..1_000_000).map(|at| format!("\"k{at}\":1,")).collect();
    let keys = format!("{{{keys}\"z\":\"' or 1\"}}");
    let scratch = hostile("application/json", keys.as_bytes(), &[], "too-many-fields");
    assert!(holds(&scratch, b"' or 1", keys.as_bytes()));

    let pairs = format!("{}z=' or 1", "a=1&".repeat(1_000_000));
    let scratch = hostile(
        "application/x-www-form-urlencoded",
        pairs.as_bytes(),
        &[],
        "too-many-fields",
    );
    assert!(holds(&scratch, b"' or 1", pairs.as_bytes()));

    let quoted = format!("{}z=' or 1", "a='&".repeat(200_000));
    let scratch = hostile(
        "application/x-www-form-urlencoded",
        quoted.as_bytes(),
        &[],
        "too-many-fields",
    );
    assert!(holds(&scratch, b"' or 1", quoted.as_bytes()));

    let parts = "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx\r\n".repeat(200_000);
    let parts = format!("{parts}' or 1");
    let scratch = hostile(
        "multipart/form-data; boundary=b",
        parts.as_bytes(),
        &[],
        "too-many-fields",
    );
    assert!(holds(&scratch, b"' or 1", parts.as_bytes()));

    let tags = format!("<a>{}' or 1</a>", "<b c='1'>d</b>".repeat(200_000));
    let scratch = hostile("text/xml", tags.as_bytes(), &[], "too-many-fields");
    assert!(holds(&scratch, b"' or 1", tags.as_bytes()));

    let frames = frame(b"").repeat(500_000);
    hostile("application/grpc", &frames, &[], "");
    let strings = b"\x0a\x01'".repeat(300_000);
    hostile("application/grpc", &frame(&strings), &[], "too-many-fields");
    let cookies = "a='; ".repeat(100_000);
    hostile(
        "text/plain",
        b"x",
        &[("cookie", cookies.as_bytes())],
        "too-many-fields",
    );
}

#[test]
fn a_bomb_is_stopped() {
    let zeros = vec![b' '; 64 << 20];
    for (coding, body) in [
        ("gzip", gzip(&zeros)),
        ("deflate", zlib(&zeros)),
        ("zstd", zstd(&zeros)),
    ] {
        hostile(
            "application/json",
            &body,
            &[("content-encoding", coding.as_bytes())],
            "encoding-bomb",
        );
    }
}

#[test]
fn laughter_is_not_resolved() {
    let mut document = String::from("<!DOCTYPE l [<!ENTITY a \"ha\">");
    for at in 0..30 {
        document.push_str(&format!("<!ENTITY a{at} \"{}\">", "&a;".repeat(10)));
    }
    document.push_str("]><l>&a29;</l>");
    let scratch = hostile("text/xml", document.as_bytes(), &[], "xml-entity");
    assert!(scratch.arena().is_empty());
}

#[test]
fn one_long_value_is_cut_and_still_seen() {
    let body = format!("{{\"a\":\"{}' or 1\"}}", "x".repeat(300_000));
    let scratch = hostile("application/json", body.as_bytes(), &[], "field-too-long");
    assert!(holds(&scratch, b"' or 1", body.as_bytes()));
}

#[test]
fn repeated_marks_stay_linear() {
    let kinds = [
        "application/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=a",
        "text/xml",
        "application/graphql",
        "application/grpc",
        "application/grpc-web-text",
        "application/protobuf",
        "text/plain",
        "",
    ];
    let marks: [&[u8]; 16] = [
        b"<",
        b"'",
        b" ",
        b"/*",
        b"\"",
        b"\\",
        b"{",
        b"[",
        b"--a",
        b"<!--",
        b"<![CDATA[",
        b"<!DOCTYPE\"",
        b"\xff",
        b"\0",
        b"%",
        b"\x0a\x7f",
    ];
    for kind in kinds {
        for mark in marks {
            hostile(kind, &mark.repeat(100_000), &[], "");
        }
    }
}

fn any_request() -> impl Strategy<Value = (Vec<u8>, Vec<u8>, Vec<u8>, usize, usize, bool)> {
    let piece = prop_oneof![
        Just(b"--b\r\n".to_vec()),
        Just(b"Content-Disposition: form-data; name=\"a\"; filename=\"b\"\r\n".to_vec()),
        Just(b"\r\n\r\n".to_vec()),
        Just(b"{\"query\":\"query{a(b:\\\"c\\\")}\"".to_vec()),
        Just(b"<a b='c'>".to_vec()),
        Just(b"</a>".to_vec()),
        Just(b"<![CDATA[".to_vec()),
        Just(b"eyJhbGciOiJub25lIn0.eyJhIjoiYiJ9.".to_vec()),
        Just(b"%7B%22a%22:1%7D".to_vec()),
        Just(b"a=b&a='c;d='e".to_vec()),
        Just(b"\"\"\"".to_vec()),
        Just(b"\\u00".to_vec()),
        Just(b"\\".to_vec()),
        proptest::collection::vec(any::<u8>(), 0..12),
        "[\\[\\]{}\",:a1. ]{0,12}".prop_map(String::into_bytes),
    ];
    let bytes = proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat());
    (
        bytes.clone(),
        bytes.clone(),
        bytes,
        0usize..KINDS.len(),
        0usize..CODINGS.len(),
        any::<bool>(),
    )
}

const KINDS: [&str; 10] = [
    "application/json",
    "application/x-ndjson",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=b; boundary=\"c\"",
    "text/xml",
    "application/graphql",
    "application/grpc",
    "application/grpc-web-text",
    "application/x-protobuf",
    "text/plain",
];
const CODINGS: [&str; 5] = ["", "gzip", "br", "zstd", "deflate"];

proptest! {
    #[test]
    fn spans_lie_in_their_sources((path, head, body, kind, coding, complete) in any_request()) {
        let headers = [
            ("content-type", KINDS[kind].as_bytes()),
            ("content-encoding", CODINGS[coding].as_bytes()),
            ("cookie", head.as_slice()),
            ("authorization", head.as_slice()),
            ("x-any", path.as_slice()),
        ];
        let sample = Sample { path: &path, query: Some(&head), headers: &headers, body: &body, complete };
        let request = sample.request();
        let mut scratch = Scratch::default();
        read(&mut scratch, &request, &Limits::default());
        in_bounds(&scratch, &request);
        let tight = Limits { fields: 6, depth: 2, field_length: 8, parts: 1, decompressed: 64, ..Limits::default() };
        read(&mut scratch, &request, &tight);
        in_bounds(&scratch, &request);
    }

    #[test]
    fn damaged_compression_ends_within_bounds(
        coding in 0usize..4,
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
    ) {
        let json = br#"{"a":"' or 1","b":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}"#.repeat(20);
        let (name, mut body) = match coding {
            0 => ("gzip", gzip(&json)),
            1 => ("deflate", deflate(&json)),
            2 => ("zstd", zstd(&json)),
            _ => ("br", brotli(&json)),
        };
        for (at, byte) in damage {
            let at = at.index(body.len());
            body[at] = byte;
        }
        hostile("application/json", &body, &[("content-encoding", name.as_bytes())], "");
    }
}
