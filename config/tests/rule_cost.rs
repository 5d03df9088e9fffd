//! What hostile input costs, as ratios between inputs: a machine's speed cancels out, a rule that falls off the fast
//! path does not. And what the prefilter must never do: lose what the rules alone would find, in text put together
//! from the pieces that attacks are made of.

#![allow(
    clippy::print_stderr,
    reason = "the figures are for the person who runs it"
)]

#[path = "support/near_misses.rs"]
mod near_misses;

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use portcullis_config::load_rules;
use portcullis_detect::ruletest::{Case, OwnedRequest};
use portcullis_detect::{
    Detector, Origin, Policy, RuleSet, RuleSpec, Subjects, SystemClock, Verdict, Worker,
};
use proptest::prelude::*;

use near_misses::{fill, near_misses};

fn detector() -> Detector {
    let located = load_rules::<RuleSpec>(None).expect("the shipped rules load");
    let origin = |file: &str| Origin {
        file: file.into(),
        line: 0,
    };
    let specs = located
        .into_iter()
        .map(|rule| (origin(&rule.file), rule.value));
    Detector::new(RuleSet::compile(specs.collect()).expect("the shipped rules compile"))
}

fn body(text: &str) -> OwnedRequest {
    OwnedRequest::of(&Case {
        body: Some(text.to_owned()),
        ..Case::default()
    })
    .expect("a request")
}

fn inspect(
    detector: &Detector,
    worker: &mut Worker,
    request: &OwnedRequest,
    fast: bool,
) -> Verdict {
    let policy = Policy {
        paranoia: 4,
        ..Policy::default()
    };
    let subjects = Subjects::of(IpAddr::V4(Ipv4Addr::LOCALHOST));
    request.with(|request| {
        if fast {
            detector.inspect(worker, request, &policy, &subjects, &SystemClock)
        } else {
            detector.inspect_without_prefilter(worker, request, &policy, &subjects, &SystemClock)
        }
    })
}

/// The quickest of several runs: what the work costs when nothing else disturbs it.
fn cost(detector: &Detector, worker: &mut Worker, text: &str, runs: u32) -> Duration {
    let request = body(text);
    let run = |_| {
        let started = Instant::now();
        inspect(detector, worker, &request, true);
        started.elapsed()
    };
    (0..runs).map(run).min().unwrap_or_default()
}

/// How many times the cost of harmless text of the same length hostile text may have.
const MOST: u32 = 60;

#[test]
fn hostile_text_costs_a_bounded_multiple_of_harmless_text() {
    let detector = detector();
    let mut worker = Worker::default();
    let length = 50 * 1024;
    let harmless = cost(
        &detector,
        &mut worker,
        &fill("harmless words here. ", length),
        7,
    );
    let mut wrong = Vec::new();
    for piece in [
        "<",
        "'",
        " ",
        "/*",
        "'/**/or/**/",
        "\"",
        "(",
        "%27",
        "{{",
        "../",
        "$(",
        "a=1&",
        "union ",
    ] {
        let hostile = cost(&detector, &mut worker, &fill(piece, length), 5);
        eprintln!(
            "{piece:?}: {} times",
            hostile.as_nanos() / harmless.as_nanos().max(1)
        );
        if hostile > harmless * MOST {
            wrong.push(format!("{piece:?}: {hostile:?} against {harmless:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// How many times the cost of 2 KB the cost of 16 KB of the same may be: eight, with room for noise. A pattern that
/// begins anew at each byte and runs to the end has sixty-four.
const GROWTH: u32 = 24;

#[test]
fn near_misses_of_each_rule_cost_a_bounded_multiple_and_grow_with_length() {
    let detector = detector();
    let mut worker = Worker::default();
    let (short, long) = (2 * 1024, 16 * 1024);
    let harmless = cost(
        &detector,
        &mut worker,
        &fill("harmless words here. ", long),
        7,
    );
    let mut costs: Vec<(Duration, String, String)> = near_misses()
        .into_iter()
        .map(|(rule, text)| {
            let cost = cost(&detector, &mut worker, &fill(&text, long), 2);
            (cost, rule, text)
        })
        .collect();
    costs.sort_by_key(|cost| std::cmp::Reverse(cost.0));
    assert!(costs.len() > 100, "only {} rules have texts", costs.len());
    let mut wrong = Vec::new();
    for (cost_of, rule, text) in costs.iter().take(10) {
        let of_short = cost(&detector, &mut worker, &fill(text, short), 9);
        let again = cost(&detector, &mut worker, &fill(text, long), 12).min(*cost_of);
        let times = again.as_nanos() / harmless.as_nanos().max(1);
        let growth = again.as_nanos() / of_short.as_nanos().max(1);
        eprintln!(
            "near misses of {rule}: {times} times the cost of harmless text, {growth} times that of an eighth"
        );
        if again > harmless * MOST || again > of_short * GROWTH {
            wrong.push(format!(
                "{rule}: {again:?}, {times} times, {growth} times an eighth"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn cost_grows_with_length_not_with_its_square() {
    let detector = detector();
    let mut worker = Worker::default();
    for piece in ["'/**/or/**/", "<a ", "((((", "../"] {
        let short = cost(&detector, &mut worker, &fill(piece, 5_000), 7);
        let long = cost(&detector, &mut worker, &fill(piece, 50_000), 7);
        assert!(
            long < short * 30,
            "{piece:?}: {short:?} for 5 KB, {long:?} for 50 KB"
        );
    }
}

fn pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "union",
        "select",
        " ",
        "'",
        "\"",
        "or",
        "1",
        "=",
        "--",
        "#",
        "/*",
        "*/",
        "<",
        "script",
        ">",
        "onerror",
        "(",
        ")",
        "alert",
        "../",
        "..%2f",
        "etc/passwd",
        "${",
        "jndi:",
        "}",
        "{{",
        "7*7",
        "}}",
        ";",
        "|",
        "cat",
        "$(",
        "`",
        "id",
        "http://",
        "127.0.0.1",
        "file://",
        "%27",
        "%3c",
        "&lt;",
        "\\u0027",
        "$ne",
        "a",
        "Z",
        "é",
        "\n",
        "\t",
        "sleep",
        "0x41",
        "<!entity",
        "system",
        "php://",
        "import",
        "os",
        "exec",
        "drop",
        "table",
        "@@version",
        "&&",
    ]);
    prop::collection::vec(piece, 1..14).prop_map(|pieces| pieces.concat())
}

#[test]
fn the_prefilter_loses_nothing_in_composed_text() {
    let detector = detector();
    let found = |verdict: &Verdict| -> BTreeSet<String> {
        verdict
            .evidence
            .iter()
            .map(|evidence| evidence.rule.to_string())
            .collect()
    };
    let config = ProptestConfig {
        cases: 300,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    // One worker for all: what it remembers of requests before must not change what it says of the next.
    let worker = std::cell::RefCell::new(Worker::default());
    proptest!(config, |(text in pieces(), header in pieces(), name in pieces())| {
        let mut worker = worker.borrow_mut();
        let visible = |text: &str| text.replace(|c: char| c.is_control(), " ").trim().to_owned();
        let headers = [("user-agent", &text), ("x-note", &header), ("referer", &name)];
        let case = Case {
            arg: Some(text.clone()),
            headers: headers.into_iter().map(|(name, value)| (name.to_owned(), visible(value))).collect(),
            json: Some(serde_json::json!({ &name: 1, "q": header })),
            ..Case::default()
        };
        let request = OwnedRequest::of(&case).expect("a request");
        let slow = inspect(&detector, &mut worker, &request, false);
        for time in ["first", "second", "third"] {
            let fast = inspect(&detector, &mut worker, &request, true);
            prop_assert_eq!(fast.score, slow.score, "{} time", time);
            prop_assert_eq!(found(&fast), found(&slow), "{} time", time);
        }
    });
}
