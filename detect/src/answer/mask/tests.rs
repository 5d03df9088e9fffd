use super::*;
use crate::clock::SystemClock;
use crate::rule::{Origin, RuleSpec};

/// A rule of phase `response` in JSON, which serde reads like YAML.
fn rule(number: usize, condition: &str) -> (Origin, RuleSpec) {
    let text = format!(
        r#"{{"id": "data-leak-{number}", "name": "n", "why": "w", "category": "data-leak", "severity": "critical",
            "where": ["response-header", "response-body"], "phase": "response", {condition}}}"#
    );
    let origin = Origin {
        file: "test".into(),
        line: 1,
    };
    (origin, serde_json::from_str(&text).expect("a rule"))
}

fn detector() -> Detector {
    let conditions = [
        r#""transforms": "raw", "match": {"regex": "sk_live_[0-9a-zA-Z]{8,}"}"#,
        r#""transforms": "raw", "match": {"all": [{"contains": "card"}, {"luhn": true}]}"#,
        r#""transforms": "raw", "match": {"regex": "password: *(?<mask>[^ *]+)|hush [a-z]+"}"#,
        r#""match": {"regex": "top secret"}"#,
        r#""match": {"where": ["response-header:x-debug"], "contains": "trace"}"#,
    ];
    let rules = conditions.iter().enumerate();
    let rules = rules.map(|(number, condition)| rule(number, condition));
    Detector::new(RuleSet::compile(rules.collect()).expect("they compile"))
}

fn answer<'a>(headers: &'a [(&'a str, &'a [u8])], body: &'a str, complete: bool) -> Response<'a> {
    Response {
        status: 200,
        headers,
        body: Body {
            bytes: body.as_bytes(),
            complete,
        },
        route: "r",
        path: b"/",
    }
}

fn mask(body: &str, complete: bool) -> Option<String> {
    let mut worker = Worker::default();
    let response = answer(&[], body, complete);
    let policy = Policy::default();
    let masked = detector().mask_response(&mut worker, &response, &policy, &SystemClock)?;
    Some(String::from_utf8(masked.body).expect("still text"))
}

#[test]
fn what_was_found_is_covered_and_nothing_else() {
    for (body, expected) in [
        (
            r#"{"key":"sk_live_abcdEFGH12","n":1,"k2":"sk_live_zzzzzzzz"}"#,
            r#"{"key":"******************","n":1,"k2":"****************"}"#,
        ),
        (
            r#"{"card":"4111 1111 1111 1111","id":4111111111111112,"other":"5500000000000004"}"#,
            r#"{"card":"*******************","id":4111111111111112,"other":"****************"}"#,
        ),
        (
            r#"[{"card": 4012888888881881}, "4012888888881881"]"#,
            r#"[{"card": 9999999999999999}, "****************"]"#,
        ),
        ("card 4012888888881881,", "card ****************,"),
        ("password: hünter2 x", "password: ******** x"),
        ("a TOP Secret b", "a ********** b"),
        ("hush abc 1", "******** 1"),
        ("nothing here", "nothing here"),
    ] {
        let masked = mask(body, true).expect("it can be masked");
        assert_eq!(masked.len(), body.len());
        assert_eq!(masked, expected);
    }
}

#[test]
fn what_cannot_be_covered_is_denied() {
    // The white space makes the form another than the bytes; only the form shows it.
    assert_eq!(mask("a top \n secret b", true), None);
    assert_eq!(mask("a top&#32;secret b", true), None);
    // It may go on behind what is known of the body.
    assert_eq!(mask("key sk_live_abcdEFGH12", false), None);
    assert!(mask("key sk_live_abcdEFGH12 and more", false).is_some());
}

#[test]
fn headers_are_covered_too_and_rules_about_the_whole_answer_deny() {
    let detector = detector();
    let (mut worker, policy) = (Worker::default(), Policy::default());
    let headers: &[(&str, &[u8])] = &[("x-a", b"1"), ("x-key", b"v=sk_live_abcdEFGH12;")];
    let response = answer(headers, "fine", true);
    let masked = detector
        .mask_response(&mut worker, &response, &policy, &SystemClock)
        .expect("it can be masked");
    assert_eq!(masked.headers, [(1, b"v=******************;".to_vec())]);
    assert_eq!(masked.body, b"fine");
    let headers: &[(&str, &[u8])] = &[("x-debug", b"trace of all")];
    let response = answer(headers, "fine", true);
    let verdict = detector.inspect_response(&mut worker, &response, &policy, &SystemClock);
    assert_eq!(verdict.action, Action::Deny);
    let masked = detector.mask_response(&mut worker, &response, &policy, &SystemClock);
    assert_eq!(masked, None);
}

#[test]
fn the_record_does_not_repeat_the_secret() {
    let response = answer(&[], "key sk_live_abcdEFGH12 end", true);
    let (mut worker, policy) = (Worker::default(), Policy::default());
    let verdict = detector().inspect_response(&mut worker, &response, &policy, &SystemClock);
    assert_eq!(verdict.evidence[0].excerpt, "sk_liv************");
}
