//! What the fuzz targets check. Each function takes the fuzzer's bytes and panics when a promise of the code under
//! test is broken; the targets only call them. A request is written as text, so that seeds can be read and edited:
//! `METHOD path?query`, header lines, an empty line, the body.

use std::cell::RefCell;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::LazyLock;

use portcullis_config::{Source as File, load_documents, load_rules, parse};
use portcullis_detect::decode::{Form, Forms, TABLE};
use portcullis_detect::field::Encoding;
use portcullis_detect::view::{self, Limits, Scratch};
use portcullis_detect::{
    Body, Detector, Origin, Policy, Request, RuleSet, RuleSpec, Subjects, SystemClock, Worker,
};

thread_local! {
    /// Used again for each input, as a worker does: what one request leaves behind must not harm the next.
    static SCRATCH: RefCell<Scratch> = RefCell::default();
    static FORMS: RefCell<Forms> = RefCell::default();
    static WORKER: RefCell<Worker> = RefCell::default();
}

static DETECTOR: LazyLock<Detector> = LazyLock::new(|| {
    let rules = load_rules::<RuleSpec>(None).expect("the shipped rules load");
    let specs = rules.into_iter().map(located).collect();
    Detector::new(RuleSet::compile(specs).expect("the shipped rules compile"))
});

/// The client of every request.
const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// Rules compiled from one input: the fuzzer shall try many files, not one long one.
const MOST_RULES: usize = 4;

/// Compiles the shipped rules, so that the first input is not timed with it.
pub fn warm_up() {
    LazyLock::force(&DETECTOR);
}

/// A whole request, see [`in_bounds`].
pub fn view(data: &[u8]) {
    with_request(data, in_bounds);
}

/// Every span lies in its source, and the fields keep to their limits.
fn in_bounds(request: &Request<'_>) {
    let limits = Limits::default();
    SCRATCH.with_borrow_mut(|scratch| {
        view::read(scratch, request, &limits);
        // A quarter more is kept of fields that could carry an attack, and the rest becomes one.
        let most = limits.fields + limits.fields / 4 + limits.derived_fields + 16;
        assert!(
            scratch.fields().len() <= most,
            "{} fields",
            scratch.fields().len()
        );
        assert!(scratch.anomalies().len() <= 64, "an anomaly is noted once");
        for field in scratch.fields() {
            for span in [field.name, field.value] {
                let bytes = span.bytes(request, scratch.arena());
                assert_eq!(
                    bytes.len(),
                    span.len(),
                    "{span:?} of {field:?} lies outside its source"
                );
            }
        }
    });
}

/// What the first byte of an input picks: the content type and the encoding of a body, or a place in the head.
const PARSERS: [(&str, &str); 20] = [
    ("application/json", ""),
    ("application/x-ndjson", ""),
    ("application/xml", ""),
    ("application/soap+xml; charset=utf-7", ""),
    ("multipart/form-data; boundary=b", ""),
    ("multipart/mixed; boundary=\"b\"; boundary=c", ""),
    ("application/x-www-form-urlencoded", ""),
    ("application/graphql", ""),
    ("application/grpc", ""),
    ("application/grpc-web-text", ""),
    ("application/x-protobuf", ""),
    ("application/json", "gzip"),
    ("application/json", "deflate"),
    ("application/json", "br"),
    ("application/json", "zstd"),
    ("text/plain; charset=utf-16", ""),
    ("", "query"),
    ("", "path"),
    ("", "cookie"),
    ("", "authorization"),
];

/// One parser, reached as a request reaches it: the first byte picks it, the rest is what it reads.
pub fn parsers(data: &[u8]) {
    let Some((first, rest)) = data.split_first() else {
        return;
    };
    let (kind, also) = PARSERS[usize::from(*first) % PARSERS.len()];
    let token = [b"Bearer ", rest].concat();
    let headers: &[(&str, &[u8])] = match also {
        "query" | "path" => &[],
        "cookie" => &[("cookie", rest)],
        "authorization" => &[("authorization", &token)],
        coding => &[
            ("content-type", kind.as_bytes()),
            ("content-encoding", coding.as_bytes()),
        ],
    };
    let body = if kind.is_empty() { b"" } else { rest };
    in_bounds(&Request {
        client: CLIENT,
        method: "POST",
        scheme: "http",
        host: "api.example",
        path: if also == "path" { rest } else { b"/" },
        query: (also == "query").then_some(rest),
        headers,
        body: Body {
            bytes: body,
            complete: data.len() % 2 == 0,
        },
        route: "fuzz",
    });
}

/// No decoder makes its input longer, and no form of a field is longer than the field.
pub fn decode(data: &[u8]) {
    let mut out = Vec::new();
    for entry in TABLE {
        out.clear();
        if (entry.run)(data, &mut out) {
            assert!(
                out.len() <= data.len(),
                "{} made {} of {}",
                entry.name,
                out.len(),
                data.len()
            );
        }
    }
    let encodings = [
        Encoding::Plain,
        Encoding::Form,
        Encoding::Percent,
        Encoding::JsonString,
        Encoding::Xml,
        Encoding::GraphqlString,
    ];
    FORMS.with_borrow_mut(|forms| {
        forms.begin(encodings.len());
        for (index, encoding) in encodings.into_iter().enumerate() {
            for (name, form) in Form::ALL {
                let length = forms.get(index, form, data, encoding).len();
                assert!(
                    length <= data.len(),
                    "{name} of {encoding:?} is {length} bytes of {}",
                    data.len()
                );
            }
        }
    });
}

/// A file is rules, a configuration, or a list of problems; each problem says something.
pub fn rules(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Err(problems) = parse(text, "fuzz.yaml", &|_| None) {
        assert!(
            !problems.is_empty(),
            "a configuration was refused without a reason"
        );
    }
    let file = File {
        name: "fuzz.yaml".into(),
        text: text.into(),
    };
    match load_documents::<RuleSpec>(&[file]) {
        Err(problems) => assert!(!problems.is_empty(), "rules were refused without a reason"),
        Ok(rules) => {
            let specs = rules.into_iter().take(MOST_RULES).map(located).collect();
            if let Err(errors) = RuleSet::compile(specs) {
                assert!(
                    !errors.is_empty(),
                    "rules were not compiled, without a reason"
                );
            }
        }
    }
}

/// The verdict's score and its evidence lie in their bounds, and the same request gets the same score again.
pub fn inspect(data: &[u8]) {
    let policy = Policy {
        paranoia: 4,
        ..Policy::default()
    };
    let subjects = Subjects::of(CLIENT);
    with_request(data, |request| {
        WORKER.with_borrow_mut(|worker| {
            let verdict = DETECTOR.inspect(worker, request, &policy, &subjects, &SystemClock);
            assert!(
                (0.0..=100.0).contains(&verdict.score),
                "a score of {}",
                verdict.score
            );
            assert!(verdict.evidence.len() <= portcullis_detect::Verdict::MAX_EVIDENCE);
            let again = DETECTOR.inspect(worker, request, &policy, &subjects, &SystemClock);
            assert!(
                (verdict.score - again.score).abs() < 1e-3,
                "{} and then {}",
                verdict.score,
                again.score
            );
        });
    });
}

fn located(rule: portcullis_config::Located<RuleSpec>) -> (Origin, RuleSpec) {
    let origin = Origin {
        file: rule.file.into(),
        line: u32::try_from(rule.line).unwrap_or(u32::MAX),
    };
    (origin, rule.value)
}

/// Reads the fuzzer's bytes as a request. What a connection would have refused is left out: the engine never sees
/// header names that are no tokens, or methods that are no text.
fn with_request(data: &[u8], check: impl FnOnce(&Request<'_>)) {
    let (head, body) = split(data, b"\n\n").unwrap_or((data, b""));
    let mut lines = head.split(|byte| *byte == b'\n');
    let first = lines.next().unwrap_or_default();
    let (method, target) = split(first, b" ").unwrap_or((b"GET", first));
    let (path, query) =
        split(target, b"?").map_or((target, None), |(path, query)| (path, Some(query)));
    let names: Vec<(String, &[u8])> = lines.filter_map(header).collect();
    let headers: Vec<(&str, &[u8])> = names
        .iter()
        .map(|(name, value)| (name.as_str(), *value))
        .collect();
    let host = headers
        .iter()
        .find(|header| header.0 == "host")
        .map_or(&b"api.example"[..], |header| header.1);
    check(&Request {
        client: CLIENT,
        method: std::str::from_utf8(method).unwrap_or("GET"),
        scheme: "http",
        host: std::str::from_utf8(host).unwrap_or("api.example"),
        path,
        query,
        headers: &headers,
        body: Body {
            bytes: body,
            complete: data.len() % 2 == 0,
        },
        route: "fuzz",
    });
}

fn header(line: &[u8]) -> Option<(String, &[u8])> {
    let (name, value) = split(line, b":")?;
    let token = !name.is_empty()
        && name
            .iter()
            .all(|byte| byte.is_ascii_graphic() && !b"\"(),/:;<=>?@[\\]{}".contains(byte));
    let name = std::str::from_utf8(name).ok().filter(|_| token)?;
    Some((name.to_ascii_lowercase(), value.trim_ascii()))
}

fn split<'a>(bytes: &'a [u8], at: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let position = bytes.windows(at.len()).position(|window| window == at)?;
    Some((bytes.get(..position)?, bytes.get(position + at.len()..)?))
}
