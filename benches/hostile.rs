//! Requests made to hurt, for the bench and for the tests of bounds: a parser, an allocator or a pattern that is given
//! its worst. All are larger than a gateway would read by default, save the one that says so.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use portcullis_detect::ruletest::OwnedRequest;

/// How much of a body is inspected by default.
const INSPECTED: usize = 128 * 1024;

/// Name, and request.
pub(crate) fn requests() -> Vec<(&'static str, OwnedRequest)> {
    let json = |body: Vec<u8>| request("application/json", &[], body);
    let keys: String = (0..1_000_000).map(|at| format!("\"k{at}\":1,")).collect();
    let part = "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx\r\n";
    vec![
        (
            "bad_input/nesting_10k",
            json([b"[".repeat(10_000), b"]".repeat(10_000)].concat()),
        ),
        (
            "bad_input/keys_1m",
            json(format!("{{{keys}\"z\":1}}").into()),
        ),
        (
            "bad_input/bomb_1000",
            request("application/json", &[("content-encoding", b"gzip")], bomb()),
        ),
        (
            "bad_input/billion_laughs",
            request("application/xml", &[], laughs().into()),
        ),
        ("bad_input/invalid_utf8", invalid_utf8()),
        (
            "bad_input/parts_1m",
            request(
                "multipart/form-data; boundary=b",
                &[],
                part.repeat(1_000_000).into(),
            ),
        ),
    ]
}

fn request(kind: &str, more: &[(&str, &[u8])], body: Vec<u8>) -> OwnedRequest {
    let head = format!("POST /a HTTP/1.1\r\nhost: a.example\r\ncontent-type: {kind}\r\n\r\n");
    let mut request = OwnedRequest::parse(head.as_bytes()).expect("a request");
    let more = more
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.to_vec()));
    request.headers.extend(more);
    request.body = body;
    request
}

/// A thousand times as large when it is undone: 64 MB in 64 KB.
fn bomb() -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let piece = [b' '; 64 * 1024];
    encoder.write_all(b"[").expect("memory takes it");
    for _ in 0..1000 {
        encoder.write_all(&piece).expect("memory takes it");
    }
    encoder.finish().expect("memory takes it")
}

/// Ten entities, each ten times the one before.
fn laughs() -> String {
    let mut entities = "<!ENTITY l0 \"ha\">".to_owned();
    for level in 1..10 {
        let ten = format!("&l{};", level - 1).repeat(10);
        entities += &format!("<!ENTITY l{level} \"{ten}\">");
    }
    format!("<!DOCTYPE a [{entities}]><a>&l9;</a>")
}

/// Bytes that are no UTF-8 wherever bytes may stand.
fn invalid_utf8() -> OwnedRequest {
    let bad: &[u8] = b"\xff\xc0\xafa\xe2\x80\xf0\x9f'\xed\xa0\x80";
    let text = format!("{{\"{}\":\"", "k");
    let fill = bad.repeat(INSPECTED / bad.len());
    let mut request = request(
        "application/json",
        &[("x-bad", bad), ("cookie", b"a=\xff\xfe; \xc0\xae=b")],
        [text.as_bytes(), &fill, b"\"}"].concat(),
    );
    request.path = [b"/", bad].concat();
    request.query = Some([bad, b"=", bad].concat());
    request
}
