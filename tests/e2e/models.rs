//! Models in a running gateway: a request that no rule names is denied by them alone, a broken one leaves the others
//! at work, `required` refuses to start, and one model is replaced without a restart.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use portcullis_detect::feature::View;
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::api::{Plane, world};
use crate::harness::client::{PATIENCE, get};
use crate::harness::origin::ok;
use crate::harness::{Origin, World};

/// The library that `scripts/onnxruntime.sh` fetches.
fn library() -> PathBuf {
    let gateway = Path::new(env!("CARGO_BIN_EXE_portcullis"));
    let target = gateway.ancestors().nth(2).expect("a target folder");
    let library = target.join("lib/libonnxruntime.so");
    let place = library.display();
    assert!(
        library.is_file(),
        "{place} is missing: run `make onnxruntime` first"
    );
    library
}

/// A folder of models of `tests/models` with their manifest.
pub(crate) struct Models {
    folder: TempDir,
}

impl Models {
    /// Models by name: `gate`, `characters`, `request`.
    pub(crate) fn of(names: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let models: Vec<Value> = names
            .iter()
            .map(|name| entry(folder.path(), name))
            .collect();
        let joint = json!({ "tag": 0.5, "deny": 0.9, "false_alarm_rate": 0.001, "lower": 0.1 });
        let made = Self { folder };
        made.write(&json!({ "format": 1, "joint": joint, "models": models }));
        made
    }

    fn manifest(&self) -> PathBuf {
        self.folder.path().join("manifest.json")
    }

    fn write(&self, manifest: &Value) {
        fs::write(self.manifest(), manifest.to_string()).expect("a manifest");
    }

    pub(crate) fn change(&self, pointer: &str, value: Value) {
        let text = fs::read(self.manifest()).expect("a manifest");
        let mut manifest: Value = serde_json::from_slice(&text).expect("JSON");
        *manifest.pointer_mut(pointer).expect("a member") = value;
        self.write(&manifest);
    }

    pub(crate) fn add(&self, pointer: &str, key: &str, value: Value) {
        let text = fs::read(self.manifest()).expect("a manifest");
        let mut manifest: Value = serde_json::from_slice(&text).expect("JSON");
        manifest.pointer_mut(pointer).expect("a member")[key] = value;
        self.write(&manifest);
    }

    /// The lines of the configuration.
    pub(crate) fn lines(&self, more: &str) -> String {
        let manifest = self.manifest();
        let manifest = manifest.display();
        format!("ensemble: {{ enabled: true, deadline: 1s, manifest: \"{manifest}\"{more} }}")
    }

    /// The same with the runtime, and with no rule that matches anything.
    pub(crate) fn with_library(&self) -> String {
        let lines = self.lines(&format!(", library: \"{}\"", library().display()));
        format!("{NO_RULES}\n{lines}")
    }
}

const NO_RULES: &str = "rules: { directory: \"{folder}/rules\" }";

fn entry(folder: &Path, name: &str) -> Value {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../tests/models/{name}.onnx"));
    let bytes = fs::read(from).expect("a model");
    fs::write(folder.join(format!("{name}.onnx")), &bytes).expect("a file");
    let sha256: String = digest(&SHA256, &bytes)
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let (view, role, group) = match name {
        "gate" => (View::Fields, "gate", "supervised"),
        "characters" => (View::Characters, "vote", "neural"),
        "flow" => (View::Flow, "vote", "unsupervised"),
        _ => (View::Request, "vote", "supervised"),
    };
    let calibration = match name {
        "gate" => json!({ "kind": "platt", "a": 1.0, "b": 0.0 }),
        _ => json!({ "kind": "none" }),
    };
    json!({
        "name": name, "file": format!("{name}.onnx"), "sha256": sha256, "view": view.as_str(),
        "schema": view.schema(), "role": role, "group": group, "calibration": calibration,
    })
}

fn origin() -> Origin {
    Origin::answering(|seen| ok(seen, "origin"))
}

/// Six quotes: the model that counts them is 98.9 % sure, and the one rule of the test names nothing of the kind.
const QUOTES: &str = "/?q=%27%27%27%27%27%27";

#[test]
fn models_alone_deny_what_no_rule_names() {
    let origin = origin();
    let models = Models::of(&["characters"]);
    let gateway = World::before(&origin).with(&models.with_library()).start();
    assert_eq!(get(gateway.address(), "/?q=harmless").status, 200);
    assert_eq!(get(gateway.address(), "/?q=it%27s%20fine").status, 200);
    assert_eq!(get(gateway.address(), QUOTES).status, 403);
    let record = gateway.await_record(|record| record["action"] == "deny");
    let verdict = &record["verdict"];
    assert_eq!(verdict["evidence"][0]["rule"], "ensemble", "{record}");
    assert_eq!(verdict["ensemble"]["effect"], "denied", "{record}");
    assert_eq!(verdict["ensemble"]["votes"][0]["model"], "characters");
    assert!(verdict["stages_us"]["ensemble"].is_number(), "{record}");
    gateway.await_metric("portcullis_model_up{model=\"characters\"}", 1.0);
    gateway.await_metric("portcullis_model_runtime_up", 1.0);
    gateway.await_metric("portcullis_ensemble_effects_total{effect=\"denied\"}", 1.0);
}

#[test]
fn a_policy_that_observes_or_leaves_models_out_forwards() {
    let origin = origin();
    let models = Models::of(&["characters"]);
    for policy in ["limits: [], mode: observe", "limits: [], ensemble: false"] {
        let world = World::before(&origin).policy(policy);
        let gateway = world.with(&models.with_library()).start();
        assert_eq!(get(gateway.address(), QUOTES).status, 200, "{policy}");
    }
}

#[test]
fn a_broken_model_leaves_the_others_at_work() {
    let origin = origin();
    let models = Models::of(&["request", "characters"]);
    models.change("/models/0/schema", "0000000000000000".into());
    let gateway = World::before(&origin).with(&models.with_library()).start();
    gateway.await_metric("portcullis_model_up{model=\"request\"}", 0.0);
    gateway.await_metric("portcullis_model_up{model=\"characters\"}", 1.0);
    assert!(
        gateway
            .log()
            .contains("request is out: it was trained on schema"),
        "{}",
        gateway.log()
    );
    assert_eq!(get(gateway.address(), QUOTES).status, 403);
}

#[test]
fn without_a_library_rules_go_on_alone_unless_models_are_required() {
    let origin = origin();
    let models = Models::of(&["characters"]);
    let missing = ", library: /nowhere/libonnxruntime.so";
    let gateway = World::before(&origin)
        .with(&format!("{NO_RULES}\n{}", models.lines(missing)))
        .start();
    assert!(
        gateway.log().contains("/nowhere/libonnxruntime.so"),
        "{}",
        gateway.log()
    );
    gateway.await_metric("portcullis_model_runtime_up", 0.0);
    assert_eq!(get(gateway.address(), QUOTES).status, 200);
    let required = models.lines(&format!("{missing}, required: true"));
    let yaml = World::before(&origin).with(&required).yaml();
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("gateway.yaml");
    let yaml = yaml.replace("{folder}", &folder.path().display().to_string());
    fs::write(&config, yaml).expect("a file");
    let refused = Command::new(env!("CARGO_BIN_EXE_portcullis"))
        .args(["run", "--config"])
        .arg(&config)
        .output()
        .expect("the gateway can be started");
    let error = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success(), "{error}");
    assert!(
        error.contains("models: ") && error.contains("/nowhere/libonnxruntime.so"),
        "{error}"
    );
}

#[test]
fn a_model_is_replaced_without_a_restart() {
    let origin = origin();
    let models = Models::of(&["characters"]);
    let gateway = World::before(&origin).with(&models.with_library()).start();
    assert_eq!(get(gateway.address(), QUOTES).status, 403);
    // Worth a shadow only from now on.
    let text = fs::read(models.manifest()).expect("a manifest");
    let mut manifest: Value = serde_json::from_slice(&text).expect("JSON");
    manifest["models"][0]["mode"] = "shadow".into();
    let gate = entry(models.folder.path(), "gate");
    manifest["models"]
        .as_array_mut()
        .expect("a list")
        .push(gate);
    models.write(&manifest);
    gateway.signal("HUP");
    gateway.await_metric("portcullis_model_up{model=\"gate\"}", 1.0);
    let end = std::time::Instant::now() + PATIENCE;
    while get(gateway.address(), QUOTES).status != 200 && std::time::Instant::now() < end {}
    assert_eq!(get(gateway.address(), QUOTES).status, 200);
    let series = "portcullis_model_shadow_votes_total{agrees=\"no\",model=\"characters\"}";
    assert!(gateway.metric(series) >= 1.0, "{}", gateway.metrics());
}

#[test]
fn models_are_listed_and_verified() {
    let models = Models::of(&["gate", "characters"]);
    let run = |what: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_portcullis"))
            .args(["models", what, "--manifest"])
            .arg(models.manifest())
            .arg("--library")
            .arg(library())
            .output()
            .expect("the command runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        (output.status.success(), text)
    };
    let (good, text) = run("list");
    assert!(
        good && text.contains("2 models; tag from 0.5, deny alone from 0.9"),
        "{text}"
    );
    let (good, text) = run("verify");
    assert!(
        good && text.contains("16 KiB of weights") && text.contains("µs a run"),
        "{text}"
    );
    models.change("/models/1/sha256", "00".repeat(32).into());
    let (good, text) = run("verify");
    assert!(
        !good && text.contains("OUT: ") && text.contains("SHA-256"),
        "{text}"
    );
}

#[test]
fn a_model_is_silenced_by_api_and_heard_again_after_a_rollback() {
    let origin = origin();
    let models = Models::of(&["characters", "request"]);
    models.add("/models/1", "mode", "shadow".into());
    fs::write(models.folder.path().join("report.json"), "{").expect("a file");
    let state = tempfile::tempdir().expect("a folder");
    let plane = Plane::start(&world(&origin, &models.with_library()), state.path());
    assert_eq!(plane.through("198.51.100.1", QUOTES), 403);

    let listed = plane.get("/api/v1/models");
    assert_eq!(listed["enabled"], true, "{listed}");
    let (net, other) = (&listed["models"][0], &listed["models"][1]);
    assert_eq!(
        (&net["name"], &net["state"]),
        (&json!("characters"), &json!("up"))
    );
    assert_eq!(
        (&other["shadow"], &other["manifest"]["shadow"]),
        (&json!(true), &json!(true))
    );
    assert_eq!(net["counts"]["votes"], 1, "{listed}");
    assert_eq!(net["counts"]["denials"], 1, "{listed}");
    assert!(
        net["mean_call_us"].as_f64().is_some_and(|mean| mean > 0.0),
        "{listed}"
    );
    // A request that is only tried is judged alike, and counts nowhere.
    let tried = json!({ "target": QUOTES });
    let tried = plane.json("POST", "/api/v1/analyze", Some(&tried), 200);
    assert_eq!(
        tried["verdict"]["ensemble"]["votes"][0]["agrees"], true,
        "{tried}"
    );
    let after = plane.get("/api/v1/models");
    assert_eq!(after["models"][0]["counts"], net["counts"], "{after}");
    let detail = plane.get("/api/v1/models/characters");
    for absent in ["card", "metrics", "roc", "confusion", "importance"] {
        assert_eq!(detail.get(absent), Some(&Value::Null), "{absent}: {detail}");
    }

    // Without its vote nobody says anything; the shadow still has none.
    let silent = json!({ "weight": 0, "comment": "it is wrong about us" });
    let set = plane.json("PATCH", "/api/v1/models/characters", Some(&silent), 200);
    assert_eq!(
        (&set["weight"], &set["manifest"]["weight"]),
        (&json!(0.0), &json!(1.0))
    );
    assert_eq!(plane.through("198.51.100.2", QUOTES), 200);
    let versions = plane.get("/api/v1/config/versions");
    assert_eq!(versions["versions"][0]["author"], "admin", "{versions}");
    assert_eq!(
        versions["versions"][0]["changes"][0]["path"],
        "models.characters.weight"
    );
    for nonsense in [
        json!({ "weight": -1 }),
        json!({ "threshold": 1.5 }),
        json!({}),
    ] {
        plane.json("PATCH", "/api/v1/models/characters", Some(&nonsense), 422);
    }
    plane.json("PATCH", "/api/v1/models/none", Some(&silent), 404);

    plane.json(
        "POST",
        "/api/v1/config/rollback",
        Some(&json!({ "version": 0 })),
        200,
    );
    assert_eq!(plane.through("198.51.100.3", QUOTES), 403);
    assert_eq!(plane.get("/api/v1/models/characters")["weight"], 1.0);
}

#[test]
fn what_a_shadow_would_change_is_compared() {
    let models = Models::of(&["request", "characters"]);
    models.add("/models/1", "mode", "shadow".into());
    // Alone the first has the whole say; beside the second, which counts quotes, it has next to none.
    models.change("/models/0/group", "neural".into());
    models.add("/models/1", "weight", json!(100));
    let requests = models.folder.path().join("requests.jsonl");
    let line = |label: u8, url: &str| json!({ "label": label, "method": "GET", "url": url, "headers": {}, "host": "a.test" });
    let lines = [line(0, "/?q=harmless%20words"), line(1, QUOTES)].map(|line| line.to_string());
    fs::write(&requests, lines.join("\n")).expect("a file");
    let compare = |more: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_portcullis"))
            .args(["models", "compare", "--manifest"])
            .arg(models.manifest())
            .arg("--library")
            .arg(library())
            .args(more)
            .arg(&requests)
            .output()
            .expect("the command runs");
        (output.status.success(), output.stdout, output.stderr)
    };
    let (good, out, error) = compare(&["--json"]);
    assert!(good, "{}", String::from_utf8_lossy(&error));
    let told: Value = serde_json::from_slice(&out).expect("JSON");
    let variant = &told["variants"][0];
    assert_eq!(variant["variant"], "characters votes", "{told}");
    let counted = &variant["attacks_denied"];
    assert_eq!(
        (
            &counted["requests"],
            &counted["now"],
            &counted["then"],
            &counted["newly"]
        ),
        (&json!(1), &json!(0), &json!(1), &json!(1)),
        "{told}"
    );
    assert_eq!(variant["harmless_stopped"]["then"], 0, "{told}");
    assert_eq!(variant["examples"][0]["then"], "deny", "{told}");
    let (good, out, _) = compare(&[]);
    let text = String::from_utf8_lossy(&out).into_owned();
    assert!(
        good && text.contains("characters votes: 1 verdicts differ"),
        "{text}"
    );
    let (good, _, error) = compare(&["--model", "none"]);
    let error = String::from_utf8_lossy(&error).into_owned();
    assert!(!good && error.contains("no model in shadow"), "{error}");
}
