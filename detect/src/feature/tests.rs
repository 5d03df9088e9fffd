//! The views of whole requests: what they say, and that they say the same tomorrow.

use std::net::{IpAddr, Ipv4Addr};

use super::*;
use crate::{Body, Detector, Policy, Request, RuleSet, Worker};

const CASES: &[(&str, &str, &str, &str)] = &[
    ("GET", "/api/users/17", "page=2&sort=name", ""),
    ("GET", "/search", "q=1%27%20or%201%3D1--%20-&page=2", ""),
    (
        "POST",
        "/items",
        "",
        r#"{"name":"<img src=x onerror=alert(1)>","n":1}"#,
    ),
    ("GET", "/a/..%c0%af..%2fetc/passwd", "x=%2527", ""),
    ("DELETE", "/x.php", "", ""),
];

fn with<R>(case: &(&str, &str, &str, &str), look: impl FnOnce(&mut Reading<'_>) -> R) -> R {
    let (method, path, query, body) = *case;
    let headers: &[(&str, &[u8])] = &[
        ("host", b"api.example.com"),
        ("user-agent", b"Mozilla/5.0 (X11; Linux x86_64)"),
        ("accept", b"text/html, */*;q=0.8"),
        ("content-type", b"application/json"),
    ];
    let request = Request {
        client: IpAddr::V4(Ipv4Addr::LOCALHOST),
        method,
        scheme: "https",
        host: "api.example.com",
        path: path.as_bytes(),
        query: (!query.is_empty()).then_some(query.as_bytes()),
        headers,
        body: Body {
            bytes: body.as_bytes(),
            complete: true,
        },
        route: "test",
    };
    let detector = Detector::new(RuleSet::default());
    detector.features(
        &mut Worker::default(),
        &request,
        &Policy::default(),
        None,
        look,
    )
}

fn row(case: usize) -> Row {
    let mut row = Row::default();
    with(&CASES[case], |reading| reading.request(&mut row));
    row
}

#[test]
fn the_most_suspicious_field_comes_first() {
    for (case, name, text) in [
        (1, "q", "1' or 1=1-- -"),
        (2, "name", "<img src=x onerror=alert(1)>"),
        (3, "", "/a/../../etc/passwd"),
    ] {
        with(&CASES[case], |reading| {
            let top = reading.judged()[0];
            assert_eq!(reading.name(&top), name.as_bytes());
            let decoded = String::from_utf8_lossy(reading.decoded(&top)).into_owned();
            assert_eq!(decoded, text);
        });
    }
}

#[test]
fn plain_fields_are_not_judged() {
    with(&CASES[0], |reading| {
        let judged: Vec<_> = reading
            .judged()
            .iter()
            .map(|judged| reading.field(judged).location)
            .collect();
        assert_eq!(judged, [Location::UserAgent]);
    });
}

#[test]
fn columns_say_what_the_request_is() {
    use Column::*;
    for (case, column, expected) in [
        (0, MethodGet, 1.0),
        (0, PathDepth, 4.0_f32.ln()),
        (0, QueryParameters, 3.0_f32.ln()),
        (0, UserAgentBrowser, 1.0),
        (1, TopQuery, 1.0),
        (1, TopTautology, 1.0),
        (1, TopSqli, 1.0),
        (2, BodyJson, 1.0),
        (2, TopBody, 1.0),
        (2, TopXss, 1.0),
        (3, Overlong, 1.0),
        (3, TopPath, 1.0),
        (3, LayeredFields, 3.0_f32.ln()),
        (4, MethodUpdate, 1.0),
        (4, PathScript, 1.0),
    ] {
        assert_eq!(row(case).value(column), expected, "{case} {column:?}");
    }
}

#[test]
fn characters_are_those_of_the_three_first_fields() {
    let mut characters = [1; CHARACTER_FIELDS * CHARACTERS];
    with(&CASES[1], |reading| reading.characters(&mut characters));
    assert!(characters.starts_with(b"1' or 1=1-- -\0"));
    assert!(characters[CHARACTERS..].starts_with(b"Mozilla/5.0"));
    assert!(characters[2 * CHARACTERS..].iter().all(|byte| *byte == 0));
}

/// Models were trained on these values. Where one changes on purpose, the version in `table.rs`, `grams.rs`, `characters.rs`
/// `history.rs` or `flow.rs` has to rise, so that models of before are refused; then `UPDATE_GOLDEN=1` writes the file anew.
#[test]
fn what_models_were_trained_on_has_not_changed() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/golden/features.json");
    let mut values = serde_json::Map::new();
    for view in [
        View::Request,
        View::Fields,
        View::Characters,
        View::Behaviour,
        View::Sequence,
        View::Flow,
    ] {
        values.insert(view.as_str().to_owned(), view.schema().into());
    }
    for (number, case) in CASES.iter().enumerate() {
        let named: serde_json::Map<_, _> = Column::ALL
            .iter()
            .zip(row(number).0)
            .filter(|(_, value)| *value != 0.0)
            .map(|((name, _), value)| ((*name).to_owned(), format!("{value:.4}").into()))
            .collect();
        let columns = with(case, |reading| {
            let mut columns = Vec::new();
            for judged in reading.judged() {
                reading.columns(judged, &mut |column, _| columns.push(column));
            }
            columns
        });
        let sum = columns.iter().fold(0_u64, |sum, column| {
            sum.wrapping_mul(31).wrapping_add(u64::from(*column))
        });
        let entry = serde_json::json!({ "row": named, "columns": columns.len(), "sum": sum });
        values.insert(format!("case {number}"), entry);
    }
    let text = serde_json::to_string_pretty(&values).unwrap() + "\n";
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(file, &text).unwrap();
    }
    let kept = std::fs::read_to_string(file).unwrap();
    assert!(kept == text, "{file} differs; see the comment of this test");
}
