//! The shipped rules against their own cases: each rule loads, has a file of tests with at least two cases that must
//! match and two that must not, each test file has its rule, and every case comes out as written. And for all of
//! these cases, the pass that rules patterns out loses nothing that the rules alone would find.

use std::collections::BTreeSet;
use std::path::Path;

use portcullis_config::{embedded_rules, from_yaml, load_documents, read_folder};
use portcullis_detect::ruletest::{Case, OwnedRequest, RuleTestFile, run_file};
use portcullis_detect::{
    Detector, Origin, Policy, RuleSet, RuleSpec, Subjects, SystemClock, Verdict, Worker,
};

fn rules() -> RuleSet {
    let located = load_documents::<RuleSpec>(&embedded_rules()).unwrap_or_else(|problems| {
        let lines: Vec<_> = problems.iter().map(ToString::to_string).collect();
        panic!("{} problems:\n{}", lines.len(), lines.join("\n"));
    });
    let origin = |file: &str, line: usize| Origin {
        file: file.into(),
        line: u32::try_from(line).unwrap_or(0),
    };
    let specs = located
        .into_iter()
        .map(|rule| (origin(&rule.file, rule.line), rule.value));
    RuleSet::compile(specs.collect()).unwrap_or_else(|errors| {
        let lines: Vec<_> = errors.iter().map(ToString::to_string).collect();
        panic!("{} errors:\n{}", lines.len(), lines.join("\n"));
    })
}

fn test_files() -> Vec<(String, RuleTestFile)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/rules");
    let sources = read_folder(&folder).expect("the folder of rule tests");
    let read = |source: portcullis_config::Source| {
        let file =
            from_yaml::<RuleTestFile>(&source.text, &source.name).unwrap_or_else(|problems| {
                let lines: Vec<_> = problems.iter().map(ToString::to_string).collect();
                panic!("{}", lines.join("\n"));
            });
        (source.name, file)
    };
    sources.into_iter().map(read).collect()
}

#[test]
fn every_case_comes_out_as_written() {
    let detector = Detector::new(rules());
    let mut worker = Worker::default();
    let mut wrong = Vec::new();
    for (_, file) in test_files() {
        wrong.extend(
            run_file(&detector, &mut worker, &file)
                .iter()
                .map(ToString::to_string),
        );
    }
    assert!(
        wrong.is_empty(),
        "{} cases:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn every_rule_has_its_file_and_every_file_its_rule() {
    let set = rules();
    let mut wrong = Vec::new();
    let mut tested = BTreeSet::new();
    for (name, file) in test_files() {
        let stem = Path::new(&name)
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if stem != file.rule {
            wrong.push(format!("{name} tests the rule {}", file.rule));
        }
        if set.find(&file.rule).is_none() {
            wrong.push(format!("{name}: there is no rule {}", file.rule));
        }
        if file.matching.len() < 2 || file.no_match.len() < 2 {
            wrong.push(format!("{name}: fewer than two cases of a kind"));
        }
        tested.insert(file.rule);
    }
    for rule in set.iter().filter(|rule| !tested.contains(&rule.spec.id)) {
        wrong.push(format!(
            "{}: {} has no file of tests",
            rule.origin, rule.spec.id
        ));
    }
    assert!(
        wrong.is_empty(),
        "{} faults:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn the_prefilter_loses_nothing() {
    let detector = Detector::new(rules());
    let mut worker = Worker::default();
    for (name, file) in test_files() {
        for case in file.matching.iter().chain(&file.no_match) {
            let Ok(request) = OwnedRequest::of(case) else {
                continue;
            };
            let fast = score(&inspect(&detector, &mut worker, &request, case, true));
            let slow = score(&inspect(&detector, &mut worker, &request, case, false));
            assert_eq!(fast, slow, "{name}: {case:?}");
            let again = score(&inspect(&detector, &mut worker, &request, case, true));
            assert_eq!(again, slow, "{name}, the second time: {case:?}");
        }
    }
}

fn inspect(
    detector: &Detector,
    worker: &mut Worker,
    request: &OwnedRequest,
    case: &Case,
    fast: bool,
) -> Verdict {
    let policy = Policy {
        paranoia: case.paranoia.unwrap_or(4),
        ..Policy::default()
    };
    request.with(|request| {
        let subjects = Subjects::of(request.client);
        if fast {
            detector.inspect(worker, request, &policy, &subjects, &SystemClock)
        } else {
            detector.inspect_without_prefilter(worker, request, &policy, &subjects, &SystemClock)
        }
    })
}

/// What must not depend on the prefilter.
fn score(verdict: &Verdict) -> (String, BTreeSet<String>) {
    let rules = verdict
        .evidence
        .iter()
        .map(|evidence| evidence.rule.to_string());
    (verdict.score.to_string(), rules.collect())
}
