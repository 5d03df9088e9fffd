//! What is counted: a golden list of names, types and labels, what promtool thinks of it, and that the dashboard and
//! the alerts ask for nothing that does not exist.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::harness::client::{PATIENCE, get};
use crate::harness::origin::ok;
use crate::harness::{Gateway, Origin, World};
use crate::models::Models;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A gateway that has met with everything that makes a series of its own.
fn busy_gateway() -> (Gateway, Origin) {
    // A gate needs no runtime.
    let models = Models::of(&["gate"]);
    let origin = Origin::answering(|seen| {
        if seen.target() == "/reset" {
            Vec::new()
        } else {
            ok(seen, "origin")
        }
    });
    let gateway = World::before(&origin)
        .policy("limits: [{ key: client, rate: 600/min }]")
        .with(&format!(
            "timeouts: {{ idle: 500ms }}\n{}",
            models.lines("")
        ))
        .start();
    for target in [
        "/",
        "/reset",
        "/?id=1%27%20UNION%20SELECT%20password%20FROM%20users--",
    ] {
        get(gateway.address(), target);
    }
    let mut client = gateway.client();
    client.send(b"GET /\r\n\r\n");
    client.closes_within(PATIENCE);
    let mut idle = gateway.client();
    idle.send(b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
    assert!(idle.closes_within(PATIENCE), "the idle time is over");
    gateway.signal("HUP");
    let end = std::time::Instant::now() + PATIENCE;
    while gateway.metric("portcullis_config_reloads_total") < 1.0 && std::time::Instant::now() < end
    {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    (gateway, origin)
}

/// `name type label,label` of every family, sorted.
fn families(text: &str) -> Vec<String> {
    let mut kinds = BTreeMap::new();
    let mut labels: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').expect("a name and a type");
            kinds.insert(name, kind);
            labels.entry(name).or_default();
        } else if !line.starts_with('#') {
            let end = line.find(['{', ' ']).expect("a value");
            let (series, rest) = line.split_at(end);
            let name = ["_bucket", "_sum", "_count"]
                .iter()
                .filter_map(|suffix| series.strip_suffix(suffix))
                .find(|name| kinds.get(name) == Some(&"histogram"))
                .unwrap_or(series);
            assert!(kinds.contains_key(name), "{name} has no TYPE line");
            let inside = rest
                .strip_prefix('{')
                .and_then(|rest| rest.rsplit_once('}'))
                .map_or("", |(inside, _)| inside);
            let names = inside
                .split("\",")
                .filter_map(|pair| pair.split_once('='))
                .map(|(label, _)| label);
            labels
                .entry(name)
                .or_default()
                .extend(names.filter(|label| *label != "le"));
        }
    }
    kinds
        .iter()
        .map(|(name, kind)| {
            let labels: Vec<&str> = labels[name].iter().copied().collect();
            format!("{name} {kind} {}", labels.join(","))
                .trim_end()
                .to_owned()
        })
        .collect()
}

#[test]
fn names_types_and_labels_are_those_of_the_golden_list() {
    let (gateway, _origin) = busy_gateway();
    let mut found = families(&gateway.metrics()).join("\n");
    found.push('\n');
    let path = root().join("tests/golden/metrics.txt");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::create_dir_all(path.parent().expect("it has a folder")).expect("a folder");
        fs::write(&path, &found).expect("the golden list can be written");
    }
    let golden = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(
        found, golden,
        "UPDATE_GOLDEN=1 writes tests/golden/metrics.txt anew"
    );
}

#[test]
fn promtool_has_nothing_to_say() {
    let (gateway, _origin) = busy_gateway();
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("`promtool` is needed: apt-get install prometheus (`make test` does)");
    let text = gateway.metrics();
    promtool
        .stdin
        .take()
        .expect("a pipe")
        .write_all(text.as_bytes())
        .expect("it reads");
    let output = promtool.wait_with_output().expect("it ends");
    let words = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && words.trim().is_empty(),
        "{words}"
    );
}

/// All words of a query that are names of ours.
fn names_in(query: &str) -> Vec<String> {
    query
        .split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':'))
        .filter(|word| word.starts_with("portcullis_") || word.starts_with("process_"))
        .map(str::to_owned)
        .collect()
}

/// Every value of a member called `expr` or `query`, anywhere below.
fn queries(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                match value {
                    Value::String(text)
                        if matches!(name.as_str(), "expr" | "query" | "definition") =>
                    {
                        found.push(text.clone());
                    }
                    Value::Object(_) | Value::Array(_) => queries(value, found),
                    Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| queries(item, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
    {
        if entry.is_dir() {
            found.extend(files(&entry, ending));
        } else if entry.to_string_lossy().ends_with(ending) {
            found.push(entry);
        }
    }
    found
}

#[test]
fn dashboards_and_alerts_ask_only_for_what_exists() {
    let golden =
        fs::read_to_string(root().join("tests/golden/metrics.txt")).expect("the golden list");
    let mut known = BTreeSet::new();
    for line in golden.lines() {
        let mut words = line.split(' ');
        let (name, kind) = (
            words.next().unwrap_or_default(),
            words.next().unwrap_or_default(),
        );
        known.insert(name.to_owned());
        if kind == "histogram" {
            known.extend(["_bucket", "_sum", "_count"].map(|suffix| format!("{name}{suffix}")));
        }
    }
    let mut asked = Vec::new();
    for path in files(&root().join("deploy/grafana"), ".json") {
        let text = fs::read_to_string(&path).expect("a file");
        let mut found = Vec::new();
        queries(&serde_json::from_str(&text).expect("JSON"), &mut found);
        asked.extend(found.iter().flat_map(|query| names_in(query)));
    }
    assert!(asked.len() > 10, "the dashboard asks for little: {asked:?}");
    for path in files(&root().join("deploy/prometheus"), ".yml") {
        let text = fs::read_to_string(&path).expect("a file");
        let code = text
            .lines()
            .map(|line| line.split(" #").next().unwrap_or_default());
        asked.extend(
            code.filter(|line| line.contains("expr") || line.starts_with("     "))
                .flat_map(names_in),
        );
    }
    for name in asked {
        assert!(known.contains(&name), "{name} does not exist");
    }
}

#[test]
fn health_and_readiness_are_answered() {
    let origin = Origin::answering(|seen| ok(seen, "origin"));
    let gateway = World::before(&origin).start();
    let health = get(gateway.admin(), "/healthz");
    assert_eq!(
        (health.status, health.text().contains("alive")),
        (200, true)
    );
    let ready = get(gateway.admin(), "/readyz");
    let body: Value = serde_json::from_slice(&ready.body).expect("JSON");
    assert_eq!((ready.status, &body["status"]), (200, &"serving".into()));
    assert!(
        body["rules_loaded"]
            .as_u64()
            .is_some_and(|rules| rules >= 60),
        "{body}"
    );
    assert_eq!(
        gateway.metric("portcullis_rules_loaded"),
        body["rules_loaded"].as_f64().unwrap_or_default()
    );
    assert_eq!(get(gateway.admin(), "/").status, 404);
}

#[test]
fn connections_are_counted_while_they_are_open() {
    let origin = Origin::answering(|seen| ok(seen, "origin"));
    let gateway = World::before(&origin).start();
    let mut clients: Vec<_> = (0..3).map(|_| gateway.client()).collect();
    for client in &mut clients {
        client.send(b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
        assert_eq!(
            client.response(PATIENCE).map(|answer| answer.status),
            Some(200)
        );
    }
    assert_eq!(gateway.metric("portcullis_connections"), 3.0);
    drop(clients);
    let end = std::time::Instant::now() + PATIENCE;
    while gateway.metric("portcullis_connections") > 0.0 {
        assert!(std::time::Instant::now() < end, "they are still counted");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}
