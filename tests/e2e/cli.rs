//! The commands, as a person types them.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

/// What a command left behind.
struct Run {
    code: Option<i32>,
    out: String,
    err: String,
}

fn portcullis(arguments: &[&str]) -> Run {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let Output {
        status,
        stdout,
        stderr,
    } = Command::new(env!("CARGO_BIN_EXE_portcullis"))
        .args(arguments)
        .current_dir(root)
        .output()
        .expect("it can be started");
    Run {
        code: status.code(),
        out: String::from_utf8_lossy(&stdout).into_owned(),
        err: String::from_utf8_lossy(&stderr).into_owned(),
    }
}

/// A file in a folder of its own.
fn file(name: &str, text: &str) -> (TempDir, String) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join(name);
    fs::write(&path, text).expect("a file");
    (folder, path.to_string_lossy().into_owned())
}

const MINIMAL: &str = r#"listeners:
  - address: 127.0.0.1:8080        # tls: { cert: …, key: … } for HTTPS; several listeners allowed
admin:
  address: 127.0.0.1:9901
trusted_proxies: ["127.0.0.1/32"]  # whose X-Forwarded-For is believed
upstreams:
  api:
    servers: ["http://127.0.0.1:9000"]                  # protocol: http1 | http2 (h2c) | auto
    request_headers: { set: { x-gateway: "secret" } }   # also: add, remove; response_headers likewise
routes:
  - path: /
    upstream: api
    policy: default              # also: host, methods, websocket: true
policies:
  default:
    mode: enforce                  # enforce | observe | off (no inspection at all)
    thresholds: { tag: 40, throttle: 60, deny: 80 }   # throttle: 429 with Retry-After; with throttle_delay: 500ms it is delayed instead
    body: { inspect: 128KiB, max: 64MiB, beyond: stream }   # or beyond: deny
    on_failure: deny               # an engine error: deny | allow
    limits:
      - { key: client, rate: 100/min, burst: 100 }
    behaviour: { enabled: false }
"#;

#[test]
fn check_takes_the_promised_file_and_the_shipped_ones() {
    let (_folder, path) = file("minimal.yaml", MINIMAL);
    for path in [
        path.as_str(),
        "config/portcullis.yaml",
        "deploy/portcullis.yaml",
    ] {
        let run = portcullis(&["check", "--config", path]);
        assert_eq!(run.code, Some(0), "{path}: {}", run.err);
        assert!(
            run.out.contains("good") && run.out.contains("rules"),
            "{}",
            run.out
        );
    }
}

#[test]
fn check_lists_every_mistake_with_its_line_and_what_to_write() {
    let yaml = "\
listeners:
  - address: nowhere
upstreams:
  api:
    servers: [\"ftp://127.0.0.1:9000\"]
routes:
  - path: /
    upstreem: api
policies:
  default:
    mode: enforced
    thresholds: { tag: 400 }
    body: { inspect: lots }
    limits: [{ key: client, rate: fast }]
";
    let (_folder, path) = file("bad.yaml", yaml);
    let run = portcullis(&["check", "--config", &path]);
    assert_eq!(run.code, Some(1));
    for (line, word) in [
        (2, "nowhere"),
        (5, "ftp"),
        (8, "upstreem"),
        (11, "enforced"),
        (12, "400"),
        (13, "lots"),
        (14, "fast"),
    ] {
        let place = format!("bad.yaml:{line}");
        let said = run.err.lines().find(|problem| problem.contains(&place));
        assert!(
            said.is_some_and(|problem| problem.contains(word)),
            "line {line}, {word}: {}",
            run.err
        );
    }
    assert!(run.err.contains("did you mean `upstream`"), "{}", run.err);
    assert!(run.err.contains("problems"), "{}", run.err);

    let run = portcullis(&["check", "--config", "/nowhere/at/all.yaml"]);
    assert_eq!(run.code, Some(1));
    assert!(run.err.contains("/nowhere/at/all.yaml"), "{}", run.err);
}

#[test]
fn check_reads_rules_and_certificates_too() {
    let (folder, path) = file(
        "rules.yaml",
        &MINIMAL.replace("routes:", "rules: { directory: rules }\nroutes:"),
    );
    let rules = folder.path().join("rules");
    fs::create_dir(&rules).expect("a folder");
    fs::write(rules.join("own.yaml"), "- id: sqli-own\n  name: n\n  why: w\n  category: sqli\n  severity: high\n  match: { regex: '(' }\n")
        .expect("a file");
    let run = portcullis(&["check", "--config", &path]);
    assert_eq!(run.code, Some(1));
    assert!(
        run.err.contains("own.yaml:") && run.err.contains("sqli-own"),
        "{}",
        run.err
    );

    let tls = MINIMAL.replace(
        "address: 127.0.0.1:8080",
        "address: 127.0.0.1:8080\n    tls: { cert: no.pem, key: no.key }",
    );
    let (_folder, path) = file("tls.yaml", &tls);
    let run = portcullis(&["check", "--config", &path]);
    assert_eq!(run.code, Some(1));
    assert!(run.err.contains("no.pem"), "{}", run.err);
}

const ATTACK: &str = "GET /api/users?id=1%27%20UNION%20SELECT%20password%20FROM%20users-- HTTP/1.1\nHost: a.test\n\n";

#[test]
fn inspect_says_what_and_why() {
    let (_folder, path) = file("attack.http", ATTACK);
    let run = portcullis(&["inspect", "--request", &path]);
    assert_eq!(run.code, Some(0), "{}", run.err);
    assert!(run.out.starts_with("DENY"), "{}", run.out);
    for word in ["score", "sqli", "query", "\"id\"", "stages"] {
        assert!(run.out.contains(word), "{word}: {}", run.out);
    }

    let run = portcullis(&["inspect", "--request", &path, "--json"]);
    let verdict: Value = serde_json::from_str(&run.out).expect("JSON and nothing else");
    assert_eq!(
        (&verdict["action"], &verdict["category"]),
        (&"deny".into(), &"sqli".into())
    );
    let evidence = verdict["evidence"].as_array().expect("a list");
    assert!(
        evidence
            .iter()
            .any(|found| found["rule"] == "sqli-union-select" && found["field"] == "id"),
        "{verdict}"
    );

    let (_folder, path) = file(
        "plain.http",
        "POST /orders HTTP/1.1\nHost: a.test\nContent-Type: application/json\n\n{\"item\": 7}",
    );
    let run = portcullis(&["inspect", "--request", &path]);
    assert!(
        run.code == Some(0) && run.out.starts_with("ALLOW"),
        "{}",
        run.out
    );

    let (_folder, path) = file("no.http", "nonsense");
    let run = portcullis(&["inspect", "--request", &path]);
    assert_eq!(run.code, Some(1));
    assert!(run.err.contains("no.http"), "{}", run.err);
}

#[test]
fn inspect_judges_as_a_configuration_does() {
    let (_folder, request) = file("attack.http", ATTACK);
    let lenient = MINIMAL.replace(
        "tag: 40, throttle: 60, deny: 80",
        "tag: 40, throttle: 101, deny: 101",
    );
    let (_folder2, config) = file("lenient.yaml", &lenient);
    let run = portcullis(&["inspect", "--request", &request, "--config", &config]);
    assert!(run.out.starts_with("TAG"), "{} {}", run.out, run.err);
}

#[test]
fn config_prints_what_it_says() {
    let run = portcullis(&["config", "schema"]);
    let schema: Value = serde_json::from_str(&run.out).expect("JSON");
    assert!(schema["properties"]["listeners"].is_object() && run.code == Some(0));
    let run = portcullis(&["config", "reference"]);
    assert!(run.out.starts_with("# Configuration"));
    let (_folder, path) = file("default.yaml", &portcullis(&["config", "default"]).out);
    assert_eq!(
        portcullis(&["check", "--config", &path]).code,
        Some(0),
        "what it prints works"
    );
}

#[test]
fn the_rules_pass_their_own_tests() {
    let run = portcullis(&["rules", "test"]);
    assert_eq!(run.code, Some(0), "{}\n{}", run.out, run.err);
    assert!(run.out.contains(" 0 failed"), "{}", run.out);
    let list = portcullis(&["rules", "list"]);
    assert!(list.out.contains("sqli-union-select") && list.code == Some(0));
    let show = portcullis(&["rules", "show", "sqli-union-select"]);
    assert!(
        show.out.contains("UNION SELECT in a value") && show.code == Some(0),
        "{}",
        show.out
    );
    assert_eq!(portcullis(&["rules", "show", "no-such-rule"]).code, Some(1));
}

#[test]
fn a_rule_that_does_not_do_what_its_test_says_fails() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let text = fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/rules/sqli-union-select.yaml"),
    )
    .expect("each rule has a test file");
    // What must match is said not to, and the other way round.
    let swapped = text
        .replace("no_match:", "SWAP:")
        .replace("match:", "no_match:")
        .replace("SWAP:", "match:");
    assert_ne!(text, swapped);
    fs::write(folder.path().join("sqli-union-select.yaml"), swapped).expect("a file");
    let run = portcullis(&["rules", "test", &folder.path().to_string_lossy()]);
    assert_eq!(run.code, Some(1), "{}\n{}", run.out, run.err);
}

#[test]
fn eval_counts_and_its_gate_closes() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let cases = folder.path().join("suites/gotestwaf/testcases/owasp");
    fs::create_dir_all(&cases).expect("a folder");
    let case = "payload:\n  - \"1' UNION SELECT password FROM users-- \"\nencoder:\n  - URL\nplaceholder:\n  - URLParam\ntype: SQL\n";
    fs::write(cases.join("sql.yml"), case).expect("a file");
    let data = folder.path().to_string_lossy().into_owned();
    let run = portcullis(&["eval", "--data", &data, "--json"]);
    assert_eq!(run.code, Some(0), "{}\n{}", run.out, run.err);
    let json: Value = serde_json::from_str(&run.out).expect("JSON");
    assert_eq!(json["sets"][0]["classes"][0]["class"], "owasp: SQL");
    assert_eq!(json["sets"][0]["classes"][0]["denied"], 1);
    let table = portcullis(&["eval", "--data", &data, "--table"]);
    assert_eq!(table.code, Some(0), "{}", table.err);
    assert!(table.out.contains("1 of 23 bars reached"), "{}", table.out);
    let gate = portcullis(&["eval", "--data", &data, "--table", "--gate"]);
    assert_eq!(gate.code, Some(1), "the other sets are not there");
}

#[test]
fn the_demo_shows_attacks_being_stopped_and_ends() {
    let run = portcullis(&["demo", "--requests", "20", "--pause", "1"]);
    assert_eq!(run.code, Some(0), "{}\n{}", run.out, run.err);
    for word in ["403", "429", "200", "rules live"] {
        assert!(run.out.contains(word), "{word}: {}", run.out);
    }
}

#[test]
fn the_simulator_lists_writes_and_repeats_itself() {
    let list = portcullis(&["simulate", "--list"]);
    assert_eq!(list.code, Some(0), "{}", list.err);
    for name in [
        "sql-injection",
        "credential-stuffing",
        "ddos",
        "flash-crowd",
    ] {
        assert!(list.out.contains(name), "{name}: {}", list.out);
    }
    let write = |seed: &str, format: &str| {
        let run = portcullis(&[
            "simulate",
            "--out",
            "-",
            "--count",
            "800",
            "--attacks",
            "0.3",
            "--seed",
            seed,
            "--format",
            format,
        ]);
        assert_eq!(run.code, Some(0), "{}", run.err);
        run.out
    };
    let text = write("3", "json");
    assert_eq!(text, write("3", "json"));
    assert_ne!(text, write("4", "json"));
    assert_eq!(text.lines().count(), 800);
    for line in text.lines() {
        let line: serde_json::Value = serde_json::from_str(line).expect("a JSON line");
        assert!(line["label"].is_u64() && line["time"].is_f64(), "{line}");
    }
    assert_eq!(write("3", "csv").lines().count(), 801);
}

#[test]
fn the_simulator_scores_a_gateway_and_spares_strangers() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("sent.jsonl");
    let run = portcullis(&[
        "simulate",
        "--demo",
        "--duration",
        "6s",
        "--speed",
        "20",
        "--load",
        "2",
        "--scenario",
        "sql-injection,path-traversal",
        "--json",
        "--out",
        &out.to_string_lossy(),
    ]);
    assert_eq!(run.code, Some(0), "{}\n{}", run.out, run.err);
    let scores: serde_json::Value = serde_json::from_str(&run.out).expect("JSON");
    let total = &scores["runs"][0]["total"];
    assert!(total["actors"].as_u64() >= Some(3), "{scores}");
    assert!(total["recall"].as_f64() >= Some(0.5), "{scores}");
    let sent = fs::read_to_string(&out).expect("the lines");
    assert!(sent.contains("\"decision\":\"denied\"") && sent.contains("\"decision\":\"passed\""));
    for refused in [
        &["simulate", "--target", "http://192.0.2.1:80"][..],
        &["simulate", "--serve", "192.0.2.1:9000"],
        &["simulate", "--out", "x", "--scenario", "nonsense"],
        &["simulate"],
    ] {
        let run = portcullis(refused);
        assert_eq!(run.code, Some(1), "{refused:?}: {}", run.err);
    }
}

#[test]
fn the_first_help_teaches() {
    let run = portcullis(&["--help"]);
    assert_eq!(run.code, Some(0));
    for command in [
        "run",
        "check",
        "demo",
        "inspect",
        "simulate",
        "config",
        "rules",
        "Begin with",
    ] {
        assert!(run.out.contains(command), "{command}: {}", run.out);
    }
    assert_ne!(portcullis(&["serve"]).code, Some(0));
}
