//! The models of `tests/models`, run by the real runtime: what they answer, and what becomes of files that are missing,
//! broken or of another making.

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

use portcullis_config::Ensemble as Config;
use portcullis_detect::behaviour::{Behaviour, Hashing, Settings, State};
use portcullis_detect::ensemble::Effect;
use portcullis_detect::feature::View;
use portcullis_detect::{
    Action, Category, Detector, Outcome, Policy, RuleSet, Timeline, Verdict, Watch, Worker,
};
use portcullis_detect::{Body, Request, Subjects, SystemClock};
use serde_json::{Value, json};

use super::*;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../tests/models")
        .join(name)
}

/// The library that `scripts/onnxruntime.sh` fetches.
pub(super) fn runtime_library() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let target = test.ancestors().nth(3).unwrap();
    let library = target.join("lib/libonnxruntime.so");
    assert!(
        library.is_file(),
        "{} is missing: run `make onnxruntime` first",
        library.display()
    );
    library
}

/// A folder with a manifest of some of the models.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new(names: &[&str], change: impl FnOnce(&mut Value)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let entry = |name: &&str| {
            let bytes = std::fs::read(fixture(&format!("{name}.onnx"))).unwrap();
            std::fs::write(folder.path().join(format!("{name}.onnx")), &bytes).unwrap();
            let view = match *name {
                "characters" => View::Characters,
                "gate" => View::Fields,
                _ => View::Request,
            };
            let mut entry = json!({
                "name": name, "file": format!("{name}.onnx"), "sha256": sha256(&bytes),
                "view": view.as_str(), "schema": view.schema(), "group": "supervised",
            });
            match *name {
                "characters" => {
                    entry["group"] = "neural".into();
                    entry["cost"] = "deep".into();
                }
                "gate" => {
                    entry["role"] = "gate".into();
                    entry["calibration"] = json!({ "kind": "platt", "a": 1.0, "b": 0.0 });
                }
                "classes" => {
                    entry["role"] = "classifier".into();
                    entry["classes"] = json!(["benign", "sqli", "xss"]);
                }
                _ => {}
            }
            entry
        };
        let mut manifest = json!({
            "format": 1,
            "joint": { "tag": 0.5, "deny": 0.9, "false_alarm_rate": 0.001, "lower": 0.1, "grey": [0.0, 1.0] },
            "models": names.iter().map(entry).collect::<Vec<_>>(),
        });
        change(&mut manifest);
        let folder = Self(folder);
        std::fs::write(folder.manifest(), manifest.to_string()).unwrap();
        folder
    }

    fn manifest(&self) -> PathBuf {
        self.0.path().join("manifest.json")
    }

    fn config(&self) -> Config {
        Config {
            enabled: true,
            manifest: Some(self.manifest()),
            library: Some(runtime_library()),
            deadline: portcullis_config::Duration::from_secs(5),
            ..Config::default()
        }
    }

    fn load(&self, required: bool) -> Result<(Models, String), Vec<String>> {
        let metrics = Metrics::new().unwrap();
        let config = Config {
            required,
            ..self.config()
        };
        let models = Models::load(&config, 0, &metrics, &Models::none())?;
        Ok((models, metrics.render()))
    }
}

fn judge(models: &Models, query: &str) -> Verdict {
    judge_by(RuleSet::default(), models, query)
}

/// The verdict of these rules and models on a search.
pub(super) fn judge_by(rules: RuleSet, models: &Models, query: &str) -> Verdict {
    let detector = Detector::new(rules).with_ensemble(models.ensemble().clone());
    let client = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let request = Request {
        client,
        method: "GET",
        scheme: "https",
        host: "api.example.com",
        path: b"/search",
        query: Some(query.as_bytes()),
        headers: &[],
        body: Body::EMPTY,
        route: "test",
    };
    let policy = Policy {
        ensemble: true,
        ..Policy::default()
    };
    let subjects = Subjects::of(client);
    detector.inspect(
        &mut Worker::default(),
        &request,
        &policy,
        &subjects,
        &SystemClock,
    )
}

const INJECTED: &str = "q=1%27%20or%20%271%27=%271";
const HARMLESS: &str = "q=an%20ordinary%20question";

#[test]
fn models_answer_as_they_were_made_to() {
    let folder = Folder::new(&["request", "characters", "classes"], |_| {});
    let (models, metrics) = folder.load(true).unwrap();
    assert!(metrics.contains("portcullis_model_runtime_up 1"));
    assert!(metrics.contains("portcullis_model_up{model=\"characters\"} 1"));
    let verdict = judge(&models, INJECTED);
    let opinion = verdict.ensemble.as_ref().unwrap();
    let votes: Vec<f32> = opinion.votes.iter().map(|vote| vote.probability).collect();
    // Sigmoid(8 + 4 − 4) and sigmoid(4 quotes − 1.5).
    let expected = [
        1.0 / (1.0 + (-8.0_f32).exp()),
        1.0 / (1.0 + (-2.5_f32).exp()),
    ];
    for (vote, expected) in votes.iter().zip(expected) {
        assert!((vote - expected).abs() < 1e-5, "{votes:?}");
    }
    assert_eq!(opinion.category, Some(Category::Sqli));
    assert_eq!(
        (opinion.effect, verdict.action),
        (Effect::Denied, Action::Deny)
    );
    assert_eq!(verdict.category, Some(Category::Sqli));
    let verdict = judge(&models, HARMLESS);
    assert_eq!(verdict.action, Action::Allow);
    assert_eq!(verdict.ensemble.unwrap().voting, 2);
}

#[test]
fn the_gate_ranks_votes_and_explains() {
    let folder = Folder::new(&["gate"], |manifest| manifest["joint"]["tag"] = 0.1.into());
    let (models, metrics) = folder.load(true).unwrap();
    // A gate alone needs no runtime.
    assert!(metrics.contains("portcullis_model_up{model=\"gate\"} 1"));
    let verdict = judge(&models, INJECTED);
    let opinion = verdict.ensemble.unwrap();
    assert_eq!(opinion.votes.len(), 1);
    assert!(
        opinion.probability > 0.1 && opinion.probability < 0.9,
        "{opinion:?}"
    );
    assert!(!opinion.reasons.is_empty());
    let sum: f32 = opinion
        .reasons
        .iter()
        .map(|reason| reason.contribution)
        .sum();
    assert!(sum > 0.0 && sum < 1.0, "{opinion:?}");
}

#[test]
fn what_cannot_be_used_is_out_and_the_rest_runs_on() {
    type Change = fn(&mut Value);
    let cases: &[(&str, Change, &str)] = &[
        (
            "another digest",
            |m| m["models"][1]["sha256"] = "00".repeat(32).into(),
            "SHA-256",
        ),
        (
            "no file",
            |m| m["models"][1]["file"] = "absent.onnx".into(),
            "No such file",
        ),
        (
            "another schema",
            |m| m["models"][1]["schema"] = "0".repeat(16).into(),
            "trained on schema",
        ),
        (
            "another view",
            |m| {
                m["models"][1]["view"] = "characters".into();
                m["models"][1]["schema"] = View::Characters.schema().into();
            },
            "",
        ),
        (
            "too few outputs",
            |m| {
                m["models"][1]["role"] = "classifier".into();
                m["models"][1]["classes"] = json!(["sqli", "xss"]);
            },
            "it answers with 3 numbers; 2 are needed",
        ),
    ];
    for (case, change, part) in cases {
        let folder = Folder::new(&["request", "classes"], |manifest| {
            manifest["models"][1]["calibration"] = json!({ "kind": "none" });
            change(manifest);
        });
        let (models, metrics) = folder.load(false).unwrap();
        assert!(
            metrics.contains("portcullis_model_up{model=\"request\"} 1"),
            "{case}"
        );
        assert!(
            metrics.contains("portcullis_model_up{model=\"classes\"} 0"),
            "{case}"
        );
        assert_eq!(judge(&models, INJECTED).action, Action::Deny, "{case}");
        let problems = folder.load(true).err().unwrap_or_default();
        assert_eq!(problems.len(), 1, "{case}");
        assert!(
            problems[0].starts_with("models: classes is out: "),
            "{problems:?}"
        );
        assert!(problems[0].contains(part), "{case}: {problems:?}");
    }
}

#[test]
fn a_file_that_is_no_model_is_out() {
    let folder = Folder::new(&["request"], |manifest| {
        manifest["models"][0]["sha256"] = sha256(b"no model").into();
    });
    std::fs::write(folder.0.path().join("request.onnx"), b"no model").unwrap();
    let (models, metrics) = folder.load(false).unwrap();
    assert!(metrics.contains("portcullis_model_up{model=\"request\"} 0"));
    assert_eq!(judge(&models, INJECTED).ensemble, None);
}

#[test]
fn an_answer_that_is_no_number_is_no_vote() {
    let folder = Folder::new(&["request", "nothing"], |_| {});
    let (models, _) = folder.load(true).unwrap();
    let opinion = judge(&models, INJECTED).ensemble.unwrap();
    assert_eq!((opinion.voting, opinion.skipped.len()), (1, 1));
    assert_eq!(opinion.skipped[0].why.as_str(), "failed");
}

#[test]
fn a_manifest_that_is_missing_says_where_it_was_looked_for() {
    let metrics = Metrics::new().unwrap();
    let config = Config {
        enabled: true,
        required: true,
        manifest: Some("/nowhere/manifest.json".into()),
        ..Config::default()
    };
    let problems = Models::load(&config, 0, &metrics, &Models::none())
        .err()
        .unwrap();
    assert!(
        problems[0].contains("/nowhere/manifest.json"),
        "{problems:?}"
    );
    let config = Config {
        required: false,
        ..config
    };
    let models = Models::load(&config, 0, &metrics, &Models::none()).unwrap();
    assert!(!models.ensemble().is_on());
}

#[test]
fn what_did_not_change_is_not_built_again() {
    let folder = Folder::new(&["request", "characters"], |_| {});
    let metrics = Metrics::new().unwrap();
    let config = folder.config();
    let first = Models::load(&config, 1, &metrics, &Models::none()).unwrap();
    let same = Models::load(&config, 1, &metrics, &first).unwrap();
    assert!(same.ensemble().is(first.ensemble()));
    // Another weight: a new ensemble, in which a worker keeps the sessions it has.
    let mut manifest: Value =
        serde_json::from_slice(&std::fs::read(folder.manifest()).unwrap()).unwrap();
    manifest["models"][0]["weight"] = 3.0.into();
    std::fs::write(folder.manifest(), manifest.to_string()).unwrap();
    let mut worker = Worker::resident();
    let mut voters = |models: &Models| {
        let detector = Detector::new(RuleSet::default()).with_ensemble(models.ensemble().clone());
        let request = portcullis_detect::ruletest::OwnedRequest::parse(
            format!("GET /search?{INJECTED} HTTP/1.1\nHost: a\n\n").as_bytes(),
        )
        .unwrap();
        let policy = Policy {
            ensemble: true,
            ..Policy::default()
        };
        let subjects = Subjects::of(request.client);
        let verdict = request.with(|request| {
            detector.inspect(&mut worker, request, &policy, &subjects, &SystemClock)
        });
        verdict.ensemble.map_or(0, |opinion| opinion.voting)
    };
    assert_eq!(voters(&first), 2);
    let second = Models::load(&config, 1, &metrics, &first).unwrap();
    assert!(!second.ensemble().is(first.ensemble()));
    first.ensemble().hand_over_to(second.ensemble());
    // The resident worker brings its sessions, and one that borrows finds those that nobody had.
    assert_eq!(voters(&second), 2);
    assert_eq!(judge(&second, INJECTED).ensemble.unwrap().voting, 2);
}

/// What the models say of a client's last request, after it sent these, so many seconds apart, and was answered so.
fn after(models: &Models, requests: impl Iterator<Item = (u64, String, u16)>) -> Verdict {
    let clock = Timeline::starting(std::time::Duration::from_secs(1_772_445_600));
    let settings = Settings {
        enabled: true,
        ..Settings::default()
    };
    let state = State::new(&settings.memory, Hashing::new(7), &clock);
    let detector = Detector::new(RuleSet::default())
        .with_behaviour(Behaviour::new(settings.into(), state.into()))
        .with_ensemble(models.ensemble().clone());
    let policy = Policy {
        ensemble: true,
        behaviour: Watch::Observe,
        ..Policy::default()
    };
    let subjects = Subjects::of(IpAddr::V4(Ipv4Addr::LOCALHOST));
    let mut last = None;
    for (pause, path, status) in requests {
        clock.advance(std::time::Duration::from_secs(pause));
        let request = Request {
            client: subjects.client,
            method: "GET",
            scheme: "https",
            host: "api.example.com",
            path: path.as_bytes(),
            query: Some(HARMLESS.as_bytes()),
            headers: &[],
            body: Body::EMPTY,
            route: "test",
        };
        let mut worker = Worker::default();
        let verdict = detector.inspect(&mut worker, &request, &policy, &subjects, &clock);
        let visit = verdict.behaviour.as_ref().unwrap().visit;
        let outcome = Outcome {
            visit,
            bytes: 900,
            ..Outcome::of(subjects, status)
        };
        detector.observe(&outcome, &clock);
        last = Some(verdict);
    }
    last.unwrap()
}

#[test]
fn the_shipped_models_tell_who_searches_from_who_reads() {
    const PLACES: [&str; 4] = ["items", "cart", "help", "news"];
    let metrics = Metrics::new().unwrap();
    let config = Config {
        enabled: true,
        required: true,
        manifest: Some(
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/artifacts/manifest.json"),
        ),
        library: Some(runtime_library()),
        deadline: portcullis_config::Duration::from_secs(5),
        deep: Deep::Always,
        ..Config::default()
    };
    let models = Models::load(&config, 0, &metrics, &Models::none()).unwrap();
    let read = |n: u64| {
        let place = PLACES[(n * 7 % 4) as usize];
        (5 + n * 13 % 40, format!("/{place}/{}", n % 3), 200)
    };
    let reads = after(&models, (0..40).map(read));
    let searches = after(
        &models,
        (0..40).map(|n| (1, format!("/backup{n}.zip"), 404)),
    );
    let agrees = |verdict: &Verdict, name: &str| {
        let votes = &verdict.ensemble.as_ref().unwrap().votes;
        votes
            .iter()
            .find(|vote| &*vote.model == name)
            .map(|vote| vote.agrees)
    };
    for name in ["one-class-svm", "dnn-behaviour", "lstm", "bilstm"] {
        assert_eq!(agrees(&reads, name), Some(false), "{name}");
    }
    for name in ["lstm", "bilstm"] {
        assert_eq!(agrees(&searches, name), Some(true), "{name}");
    }
    let sure = |verdict: &Verdict| verdict.ensemble.as_ref().unwrap().probability;
    assert!(sure(&searches) > sure(&reads));
}
