//! What the shipped rules find in answers can be masked, unless the answer as a whole is the leak: in each of their own
//! cases nothing is left that a rule would find again, every length stays, and JSON stays JSON.

use std::path::Path;
use std::time::{Duration, Instant};

use portcullis_config::{from_yaml, load_rules, read_folder};
use portcullis_detect::ruletest::{ResponseSpec, RuleTestFile};
use portcullis_detect::{
    Detector, Masked, Origin, Policy, RuleSet, RuleSpec, SystemClock, Thresholds, Worker,
};

fn detector() -> Detector {
    let located = load_rules::<RuleSpec>(None).expect("the shipped rules load");
    let specs = located.into_iter().map(|rule| {
        let origin = Origin {
            file: rule.file.as_str().into(),
            line: 0,
        };
        (origin, rule.value)
    });
    Detector::new(RuleSet::compile(specs.collect()).expect("the shipped rules compile"))
}

/// The answers of which a rule must hold.
fn answers() -> Vec<(String, ResponseSpec)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/rules");
    let sources = read_folder(&folder).expect("the folder of rule tests");
    let mut answers = Vec::new();
    for source in sources {
        let file = from_yaml::<RuleTestFile>(&source.text, &source.name);
        let Ok(file) = file else {
            panic!("{} is no file of tests", source.name);
        };
        let cases = file.matching.into_iter().filter_map(|case| case.response);
        answers.extend(cases.map(|answer| (file.rule.clone(), answer)));
    }
    answers
}

fn mask(detector: &Detector, worker: &mut Worker, answer: &ResponseSpec) -> Option<Masked> {
    // Whatever is found again denies.
    let thresholds = Thresholds {
        tag: 1.0,
        throttle: 1.0,
        deny: 1.0,
    };
    let policy = Policy {
        thresholds,
        paranoia: 4,
        ..Policy::default()
    };
    answer.with(|answer| detector.mask_response(worker, answer, &policy, &SystemClock))
}

#[test]
fn what_is_found_can_be_masked() {
    let detector = detector();
    let mut worker = Worker::default();
    let answers = answers();
    assert!(answers.len() >= 60, "{} answers", answers.len());
    let mut wrong = Vec::new();
    for (rule, answer) in &answers {
        let masked = mask(&detector, &mut worker, answer);
        let known = detector.rules().find(rule).expect("each file has its rule");
        if known.spec.condition.places.is_some() {
            // The answer as a whole is the leak; there is nothing to cover.
            assert_eq!(masked, None, "{rule}");
            continue;
        }
        let Some(masked) = masked else {
            wrong.push(format!("{rule}: {:?} cannot be masked", answer.body));
            continue;
        };
        let body = String::from_utf8(masked.body).expect("text stays text");
        let json = serde_json::from_str::<serde_json::Value>(&answer.body).is_ok();
        let still = !json || serde_json::from_str::<serde_json::Value>(&body).is_ok();
        if body.len() != answer.body.len() || !still {
            wrong.push(format!("{rule}: {:?} became {body:?}", answer.body));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} cases:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn harmless_answers_are_spared_at_the_usual_paranoia() {
    // What ordinary pages and interfaces send; nothing in it is a leak, and nothing may weigh enough to be denied.
    let numbers: Vec<String> = (0..400_u64)
        .map(|n| {
            format!(
                "{{\"id\":{},\"at\":{}}}",
                4_000_000_000_000_000 + n * 7919,
                1_732_187_108_000 + n
            )
        })
        .collect();
    let answers = [
        format!("[{}]", numbers.join(",")),
        "<h1>Your card</h1><p>Pay by card or SEPA. Order 9400111899223817391234.</p>".into(),
        "{\"access_token\":\"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln\",\"token_type\":\"Bearer\"}".into(),
        "<p>Warning: slippery when wet. Look at line 5 in the index.</p>".into(),
        "{\"error\":\"validation failed\",\"fields\":{\"password\":\"too short\",\"email\":\"unknown\"}}".into(),
        "user:pass@example.com and postgres://localhost/app and at home (today)".into(),
        "{\"uuid\":\"40128888-8888-1881-4012-888888881881\",\"sha\":\"4111111111111111aaaa\"}".into(),
    ];
    let detector = detector();
    let mut worker = Worker::default();
    for body in answers {
        let answer = ResponseSpec {
            body,
            ..ResponseSpec::default()
        };
        let verdict = answer.with(|answer| {
            detector.inspect_response(&mut worker, answer, &Policy::default(), &SystemClock)
        });
        let found: Vec<_> = verdict
            .evidence
            .iter()
            .map(|evidence| &*evidence.rule)
            .collect();
        assert!(found.is_empty(), "{found:?} in {:.80}", answer.body);
    }
}

/// The quickest of several runs: what the work costs when nothing else disturbs it.
fn cost(detector: &Detector, worker: &mut Worker, text: &str) -> Duration {
    let answer = ResponseSpec {
        body: text.to_owned(),
        ..ResponseSpec::default()
    };
    let policy = Policy {
        paranoia: 4,
        ..Policy::default()
    };
    let run = |_| {
        let started = Instant::now();
        answer.with(|answer| detector.inspect_response(worker, answer, &policy, &SystemClock));
        started.elapsed()
    };
    (0..5).map(run).min().unwrap_or_default()
}

/// How many times the cost of harmless text of the same length other text may have.
const MOST: u32 = 150;

#[test]
fn no_answer_costs_more_than_a_bounded_multiple_of_harmless_text() {
    let detector = detector();
    let mut worker = Worker::default();
    let length = 64 * 1024;
    let text = |piece: &str| piece.repeat(length / piece.len());
    let harmless = cost(&detector, &mut worker, &text("harmless words here. "));
    println!("harmless {harmless:?}");
    let mut wrong = Vec::new();
    for piece in [
        "at ",
        "at a.b(",
        "card 4",
        "4012 8888 ",
        "{\"id\":12345678,\"name\":\"x\"},",
        "<p>a</p>\n",
        "<?php ",
        "-----BEGIN ",
        "-----BEGIN RSA PRIVATE KEY-----a",
        "0123456789 ",
        "\\n",
        "root:x:0:0:",
        "A_SECRET=",
        ": in /",
        "Password=",
        "server=;",
        "a:b:",
        "%B4",
        "<%",
        "File \"",
        ".rb:1:in ",
        "postgres://a:",
        "<title>",
        "Warning: a in /a",
        "<form><input name=cmd>",
        "<li class=\"card\">4000</li>",
    ] {
        let hostile = cost(&detector, &mut worker, &text(piece));
        println!("{piece:?} {hostile:?}");
        if hostile > harmless * MOST {
            wrong.push(format!("{piece:?}: {hostile:?} against {harmless:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
