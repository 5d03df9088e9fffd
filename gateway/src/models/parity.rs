//! Parity: what the trained models answered when they were exported (`models/artifacts/parity.json`) against what the
//! shipped files answer here, each through the code that runs it in service. Outputs beyond 1 are compared in
//! relation to them, as the export does: a logit of 30 has five digits behind its point in single precision.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use portcullis_detect::ensemble::manifest::Mode;
use portcullis_detect::ensemble::{Explained, Tensor};
use portcullis_detect::feature::View;
use serde::Deserialize;
use serde_json::Value;

use super::tests::{judge_by, runtime_library};
use super::*;

/// The largest difference that is let pass.
const TOLERANCE: f64 = 1e-5;

/// What was stored of one model.
#[derive(Deserialize)]
struct Stored {
    /// Tensors, flattened.
    #[serde(default)]
    inputs: Vec<Vec<f32>>,
    /// Of the gate: columns and the roots of their counts.
    #[serde(default)]
    columns: Vec<Vec<u32>>,
    #[serde(default)]
    values: Vec<Vec<f32>>,
    /// A number, or one for each class.
    outputs: Vec<Value>,
}

fn artifacts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/artifacts")
}

fn config() -> Config {
    Config {
        enabled: true,
        manifest: Some(artifacts().join("manifest.json")),
        library: Some(runtime_library()),
        ..Config::default()
    }
}

fn numbers(output: &Value) -> Vec<f64> {
    match output {
        Value::Array(all) => all.iter().filter_map(Value::as_f64).collect(),
        one => one.as_f64().into_iter().collect(),
    }
}

fn difference(got: &[f64], expected: &[f64]) -> f64 {
    assert_eq!(got.len(), expected.len());
    let pairs = got.iter().zip(expected);
    let apart = pairs.map(|(got, expected)| (got - expected).abs() / expected.abs().max(1.0));
    apart.fold(0.0, |worst, one| {
        if one > worst || one.is_nan() {
            one
        } else {
            worst
        }
    })
}

/// What a model answers to each stored input.
fn answers(found: &Found, stored: &Stored) -> Vec<Vec<f64>> {
    let bytes = found.file.as_ref().expect("the manifest's file");
    if found.entry.role == Role::Gate {
        let gate = Gate::read(bytes).expect("a gate");
        let inputs = stored.columns.iter().zip(&stored.values);
        let logit = |(columns, roots): (&Vec<u32>, &Vec<f32>)| {
            let counts = roots.iter().map(|root| (root * root).round() as u32);
            vec![f64::from(
                gate.logit_of(columns.iter().copied().zip(counts)),
            )]
        };
        return inputs.map(logit).collect();
    }
    let runtime = Runtime::load(Some(&runtime_library())).expect("the runtime");
    let mut session = runtime.session(&found.entry, bytes).expect("a session");
    let mut answer = |input: &Vec<f32>| {
        let mut out = Vec::new();
        let bytes: Vec<u8> = input.iter().map(|value| *value as u8).collect();
        let tensor = match found.entry.view {
            View::Characters => Tensor::Bytes(&bytes),
            _ => Tensor::Floats(input),
        };
        session.run(tensor, &mut out).expect("it runs");
        out.into_iter().map(f64::from).collect()
    };
    stored.inputs.iter().map(&mut answer).collect()
}

#[test]
fn every_artifact_answers_as_the_trained_model_did() {
    let text = std::fs::read(artifacts().join("parity.json")).expect("it is shipped");
    let stored: BTreeMap<String, Stored> = serde_json::from_slice(&text).expect("JSON");
    let (manifest, _, found) = read(&config()).expect("a manifest");
    let named: Vec<&String> = manifest.models.iter().map(|entry| &entry.name).collect();
    assert!(stored.keys().all(|name| named.contains(&name)), "{named:?}");
    let off = manifest
        .models
        .iter()
        .filter(|entry| entry.mode == Mode::Off);
    assert_eq!(found.len() + off.count(), named.len());
    for found in &found {
        let name = &found.entry.name;
        let stored = stored
            .get(name)
            .unwrap_or_else(|| panic!("nothing is stored of {name}"));
        assert!(stored.outputs.len() >= 3, "{name}: too few to tell");
        let answers = answers(found, stored);
        assert_eq!(answers.len(), stored.outputs.len(), "{name}");
        let mut seen = 0.0_f64;
        for (got, expected) in answers.iter().zip(&stored.outputs) {
            let expected = numbers(expected);
            let apart = difference(got, &expected);
            assert!(
                apart <= TOLERANCE,
                "{name}: {apart:.1e} apart: {got:?} {expected:?}"
            );
            seen = seen.max(difference(got, &numbers(&stored.outputs[0])));
        }
        assert!(
            seen > TOLERANCE,
            "{name} answers the same to everything, which proves nothing"
        );
    }
}

/// Trees, their sum's contributions and what the runtime says are one and the same.
#[test]
fn shipped_trees_explain_what_the_runtime_answers() {
    let text = std::fs::read(artifacts().join("parity.json")).expect("it is shipped");
    let stored: BTreeMap<String, Stored> = serde_json::from_slice(&text).expect("JSON");
    let (_, _, found) = read(&config()).expect("a manifest");
    let mut explained = Vec::new();
    for found in &found {
        let name = &found.entry.name;
        let Some(trees) = trees(found) else { continue };
        explained.push(name.as_str());
        let stored = &stored[name];
        let mut answers = answers(found, stored).into_iter();
        let mut moved = 0;
        for row in &stored.inputs {
            let answer = answers.next().expect("one for each")[0];
            let reference: Vec<f32> = row.iter().map(|value| value.min(-5.0).min(0.0)).collect();
            let contributions = trees.contributions(row, &reference, || true);
            let all: f64 = contributions.expect("there was time").iter().sum();
            let (sum, base) = (trees.sum(row), trees.sum(&reference));
            assert!(
                (all - (sum - base)).abs() < 1e-9,
                "{name}: {all} of {}",
                sum - base
            );
            let explains = trees.output(base + all);
            assert!(
                (explains - answer).abs() < 1e-4,
                "{name}: {explains} is not {answer}"
            );
            moved += usize::from(all.abs() > 1e-3);
        }
        assert!(
            moved >= 3,
            "{name} says the same of everything, which proves nothing"
        );
    }
    explained.sort_unstable();
    let expected = [
        "gradient-boosting",
        "isolation-forest",
        "lightgbm",
        "random-forest",
        "xgboost",
    ];
    assert_eq!(explained, expected);
}

#[test]
fn a_denied_request_is_explained_by_the_trees_and_the_rest_by_ablation() {
    let config = Config {
        // However busy the machine is: there is time to explain.
        deadline: portcullis_config::Duration::from_secs(60),
        ..config()
    };
    let metrics = Metrics::new().expect("metrics");
    let models = Models::load(&config, 0, &metrics, &Models::none()).expect("models");
    let rules = crate::rules::load(None).expect("the built-in rules");
    let verdict = judge_by(
        rules,
        &models,
        "q=1%27%20UNION%20SELECT%20password%20FROM%20users--%20",
    );
    let opinion = verdict.ensemble.expect("models were asked");
    let explained = |name: &str| {
        let vote = opinion.votes.iter().find(|vote| &*vote.model == name);
        let vote = vote.expect("it voted");
        let shown: f32 = vote.because.iter().map(|part| part.contribution).sum();
        assert!(
            vote.because.len() > 1 && shown > 0.3,
            "{name}: {:?}",
            vote.because
        );
        vote.explained
    };
    for name in ["lightgbm", "xgboost", "random-forest", "gradient-boosting"] {
        assert_eq!(explained(name), Some(Explained::Exact), "{name}");
    }
    for name in ["voting", "dnn-request"] {
        assert_eq!(explained(name), Some(Explained::Ablation), "{name}");
    }
}

#[test]
fn what_came_along_speaks_of_the_shipped_files() {
    let (_, _, found) = read(&config()).expect("a manifest");
    for found in found {
        let detail = report::read(&artifacts(), &found.entry);
        let name = &found.entry.name;
        assert!(detail.card.is_some(), "{name} has no card");
        assert!(detail.metrics.is_some(), "{name} was never measured");
        let rows = detail.confusion.expect("it was measured").rows;
        assert!(rows.iter().flatten().sum::<u64>() > 1000, "{name}");
        let Some(roc) = detail.roc else {
            assert_eq!(found.entry.role, Role::Classifier, "{name}");
            continue;
        };
        let falls = roc
            .windows(2)
            .all(|pair| pair[0].wronged <= pair[1].wronged && pair[0].detected <= pair[1].detected);
        assert!(roc.len() >= 8 && falls, "{name}");
    }
}
