//! Alerts through the real process: an attack becomes one incident, a receiver is told of it, somebody acknowledges it,
//! and a kill loses nothing that was shown.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::api::{ATTACK, Plane, world};
use crate::harness::Origin;
use crate::harness::client::PATIENCE;
use crate::harness::origin::ok;

/// A web server that takes every post; its address, and what it is given.
fn receiver() -> (String, mpsc::Receiver<Value>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("it is bound");
    let (sender, posts) = mpsc::sync_channel(16);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut text = Vec::new();
            let mut buffer = [0; 4096];
            let json = loop {
                let Ok(read) = stream.read(&mut buffer) else {
                    break None;
                };
                if read == 0 {
                    break None;
                }
                text.extend_from_slice(&buffer[..read]);
                let body = text.windows(4).position(|end| end == b"\r\n\r\n");
                if let Some(json) = body.and_then(|at| serde_json::from_slice(&text[at + 4..]).ok())
                {
                    break Some(json);
                }
            };
            // A client that left was no post.
            let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n");
            if json.is_none_or(|json| sender.send(json).is_err()) {
                continue;
            }
        }
    });
    (format!("http://{address}/"), posts)
}

fn await_alerts(plane: &Plane, fits: impl Fn(&Value) -> bool) -> Value {
    let end = Instant::now() + PATIENCE;
    loop {
        let list = plane.get("/api/v1/alerts");
        if fits(&list) {
            return list;
        }
        assert!(Instant::now() < end, "no such alerts: {list}");
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn an_attack_is_one_alert_that_is_told_acknowledged_and_kept() {
    let origin = Origin::answering(|seen| ok(seen, "origin"));
    let (url, posts) = receiver();
    let state = tempfile::tempdir().expect("a folder");
    let world = world(
        &origin,
        &format!("alerts: {{ receivers: {{ ops: {{ webhook: {{ url: \"{url}\" }} }} }} }}"),
    );
    let plane = Plane::start(&world, state.path());
    for _ in 0..5 {
        assert_eq!(plane.through("198.51.100.7", ATTACK), 403);
    }
    assert_eq!(plane.through("198.51.100.8", "/harmless"), 200);

    let list = await_alerts(&plane, |list| list["alerts"][0]["requests"] == 5);
    assert_eq!(list["alerts"].as_array().map(Vec::len), Some(1), "{list}");
    let alert = &list["alerts"][0];
    assert_eq!(
        (&alert["title"], &alert["subject"], &alert["level"]),
        (
            &json!("SQL injection by 198.51.100.7"),
            &json!("address:198.51.100.7"),
            &json!("CRITICAL")
        )
    );
    let post = posts.recv_timeout(PATIENCE).expect("the receiver is told");
    assert_eq!(post["alert"]["id"], alert["id"]);

    let path = format!("/api/v1/alerts/{}", alert["id"].as_str().expect("an id"));
    let details = plane.get(&path);
    assert_eq!(details["advice"]["remedies"][0]["kind"], "ban", "{details}");
    let remark = json!({ "text": "our own scan" });
    plane.json("POST", &format!("{path}/comments"), Some(&remark), 201);
    let done = plane.json(
        "POST",
        &format!("{path}/acknowledge"),
        Some(&json!({})),
        200,
    );
    assert_eq!(done["alert"]["acknowledged_by"], "admin", "{done}");

    // What was shown survives a kill.
    plane.gateway.signal("KILL");
    drop(plane);
    let again = Plane::start(&world, state.path());
    let kept = again.get(&path);
    assert_eq!(
        (&kept["alert"]["state"], &kept["comments"][0]["text"]),
        (&json!("acknowledged"), &json!("our own scan")),
        "{kept}"
    );
    assert_eq!(posts.try_recv().ok(), None, "told once");
    let unknown = "/api/v1/alerts/00000000000000000000000000000000";
    assert_eq!(again.ask("GET", unknown, None).status, 404);
}

/// The call of an alert's remedy, made as the alert says it; the answer.
fn take(plane: &Plane, path: &str, kind: &str, status: u16) -> Value {
    let details = plane.get(path);
    let remedies = details["advice"]["remedies"].as_array().cloned();
    let remedy = remedies
        .unwrap_or_default()
        .into_iter()
        .find(|remedy| remedy["kind"] == kind);
    let remedy = remedy.unwrap_or_else(|| panic!("no {kind}: {details}"));
    let word = |key: &str| remedy[key].as_str().expect("a text").to_owned();
    plane.json(
        &word("method"),
        &word("path"),
        Some(&remedy["body"]),
        status,
    )
}

#[test]
fn what_an_alert_offers_is_done_by_one_call_each() {
    let origin = Origin::answering(|seen| ok(seen, "origin"));
    let state = tempfile::tempdir().expect("a folder");
    // Nothing is denied but what scores 101, so that there is a threshold to lower.
    let world = world(
        &origin,
        "alerts: { rules: [{ name: seen, when: { level: HIGH } }] }",
    )
    .policy("limits: [], thresholds: { tag: 40, throttle: 101, deny: 101 }");
    let plane = Plane::start(&world, state.path());
    assert_eq!(plane.through("198.51.100.7", ATTACK), 200);
    let list = await_alerts(&plane, |list| list["alerts"][0]["requests"] == 1);
    let id = list["alerts"][0]["id"].as_str().expect("an id");
    let path = format!("/api/v1/alerts/{id}");

    let version = take(&plane, &path, "threshold", 200);
    assert_eq!(version["author"], "admin", "{version}");
    assert_eq!(
        plane.through("198.51.100.8", ATTACK),
        403,
        "it is denied now"
    );

    let allowed = take(&plane, &path, "allow", 201);
    assert_eq!(allowed["subject"], "address:198.51.100.7", "{allowed}");
    assert_eq!(
        plane.through("198.51.100.7", ATTACK),
        200,
        "judged, not stopped"
    );
    assert_eq!(plane.through("198.51.100.8", ATTACK), 403, "others are");
    let record = plane
        .gateway
        .await_record(|record| record["allowed"].is_string());
    let told = |name: &str| record[name].as_str().unwrap_or_default().to_owned();
    assert_eq!(
        [told("allowed"), told("mode"), told("action"), told("would")],
        ["address:198.51.100.7", "observe", "allow", "deny"],
        "{record}"
    );

    take(&plane, &path, "ban", 201);
    assert_eq!(
        plane.through("198.51.100.7", "/a"),
        200,
        "a ban of who is allowed is only noted"
    );
    let free = "/api/v1/allowed/address:198.51.100.7";
    plane.json("DELETE", free, None, 204);
    assert_eq!(plane.through("198.51.100.7", "/a"), 403, "then it holds");
    assert_eq!(plane.ask("DELETE", free, None).status, 404);

    take(&plane, &path, "exception", 201);
    let exceptions = plane.get("/api/v1/exceptions");
    assert_eq!(exceptions["made"].as_array().map(Vec::len), Some(1));
    take(&plane, &path, "acknowledge", 200);
    let trail = plane.get("/api/v1/audit").to_string();
    for words in [
        "PATCH /api/v1/config/policies/{name}",
        "default: version 1",
        "POST /api/v1/allowed",
        r#""target":"address:198.51.100.7""#,
        r#""detail":"until "#,
        "POST /api/v1/bans",
        "POST /api/v1/exceptions",
        "DELETE /api/v1/allowed/{subject}",
    ] {
        assert!(trail.contains(words), "{words}: {trail}");
    }
}
