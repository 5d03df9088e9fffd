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
