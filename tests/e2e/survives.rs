//! What was shown or answered survives SIGKILL: the gateway is killed by its process id the moment its answer is read,
//! started again, and asked.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::api::Plane;
use crate::harness::client::PATIENCE;
use crate::harness::origin::ok;
use crate::harness::{Origin, World};

/// An action, its answer's status, and what shows it afterwards: where, and a text in it. `{alert}` is the alert's id.
type Deed = (
    &'static str,
    &'static str,
    Value,
    u16,
    &'static str,
    &'static str,
);

fn deeds() -> Vec<Deed> {
    let day = json!({ "subject": "198.51.100.9", "seconds": 86_400, "reason": "our own scan" });
    let exception = json!({ "policy": "default", "rule": "protocol-nothing", "path": "/a", "reason": "a test" });
    vec![
        (
            "POST",
            "/api/v1/alerts/{alert}/acknowledge",
            json!({}),
            200,
            "/api/v1/alerts/{alert}",
            r#""acknowledged_by":"admin""#,
        ),
        (
            "POST",
            "/api/v1/alerts/{alert}/comments",
            json!({ "text": "seen before" }),
            201,
            "/api/v1/alerts/{alert}",
            "seen before",
        ),
        (
            "POST",
            "/api/v1/bans",
            json!({ "subject": "203.0.113.7", "cause": "a test" }),
            201,
            "/api/v1/bans",
            "address:203.0.113.7",
        ),
        (
            "POST",
            "/api/v1/allowed",
            day,
            201,
            "/api/v1/allowed",
            "address:198.51.100.9",
        ),
        (
            "POST",
            "/api/v1/exceptions",
            exception,
            201,
            "/api/v1/exceptions",
            "protocol-nothing",
        ),
        (
            "PATCH",
            "/api/v1/config/policies/default",
            json!({ "thresholds": { "deny": 77 }, "comment": "lower" }),
            200,
            "/api/v1/config",
            r#""deny":77"#,
        ),
        (
            "POST",
            "/api/v1/alerts/{alert}/reopen",
            json!({}),
            200,
            "/api/v1/alerts/{alert}",
            r#""state":"open""#,
        ),
    ]
}

/// A world in which any request is an incident, with no rules to compile.
fn world(origin: &Origin) -> World {
    World::before(origin).with(
        "trusted_proxies: [\"127.0.0.1/32\"]
rules: { directory: \"{folder}/rules\" }
alerts: { rules: [{ name: any, when: { status: [\"200\"] } }] }",
    )
}

fn kill(plane: Plane) {
    plane.gateway.signal("KILL");
    drop(plane);
}

/// Asks until the text is in the answer: what is carried from the store to the gateway takes up to two seconds.
fn shows(plane: &Plane, path: &str, text: &str) {
    let end = Instant::now() + PATIENCE;
    loop {
        let answer = plane.ask("GET", path, None).text();
        if answer.contains(text) {
            return;
        }
        assert!(Instant::now() < end, "{path}: no {text} in {answer}");
        thread::sleep(Duration::from_millis(100));
    }
}

/// The first alert, from the moment on that it is shown.
fn alert(plane: &Plane) -> String {
    let end = Instant::now() + PATIENCE;
    loop {
        let list = plane.get("/api/v1/alerts");
        if let Some(id) = list["alerts"][0]["id"].as_str() {
            return id.to_owned();
        }
        assert!(Instant::now() < end, "no alert: {list}");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn what_was_shown_or_answered_is_there_after_a_kill() {
    let origin = Origin::answering(|seen| ok(seen, "origin"));
    let state = tempfile::tempdir().expect("a folder");
    let world = world(&origin);
    let mut plane = Plane::start(&world, state.path());
    assert_eq!(plane.through("198.51.100.7", "/harmless"), 200);
    let id = alert(&plane);
    let filled = |path: &str| path.replace("{alert}", &id);
    kill(plane);

    plane = Plane::start(&world, state.path());
    assert_eq!(alert(&plane), id, "it was shown");
    for (method, path, body, status, proof, text) in deeds() {
        plane.json(method, &filled(path), Some(&body), status);
        kill(plane);
        plane = Plane::start(&world, state.path());
        shows(&plane, &filled(proof), text);
    }
    // All of them still hold together, and act.
    shows(&plane, "/api/v1/bans", "address:203.0.113.7");
    assert_eq!(plane.through("203.0.113.7", "/harmless"), 403);
    assert_eq!(plane.get("/api/v1/config")["applied"], 3);
    let trail = plane.get("/api/v1/audit").to_string();
    for (method, path, ..) in deeds() {
        let path = path.replace("{alert}", "{id}");
        let action = format!("{method} {path}").replace("policies/default", "policies/{name}");
        assert!(trail.contains(&action), "{action}: {trail}");
    }
}
