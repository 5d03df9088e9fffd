//! The admin API through the real process: log in, try a request, change a setting and see it act, ban somebody and see
//! it act, go back, and watch an attack come in live.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::client::{Client, PATIENCE, Response};
use crate::harness::origin::ok;
use crate::harness::{Gateway, Origin, World};

const PASSWORD: &str = "a long enough password";
pub(crate) const ATTACK: &str = "/a?id=1%27%20UNION%20SELECT%20password%20FROM%20users--";

/// A gateway, and the session of its first user.
pub(crate) struct Plane {
    pub(crate) gateway: Gateway,
    cookie: String,
}

impl Plane {
    pub(crate) fn start(world: &World, state: &std::path::Path) -> Self {
        let folder = format!("STATE_DIRECTORY={}", state.display());
        let password = format!("PORTCULLIS_ADMIN_PASSWORD={PASSWORD}");
        let gateway = Gateway::start_under(&["env", &folder, &password], &world.yaml());
        let mut plane = Self {
            gateway,
            cookie: String::new(),
        };
        let login = json!({ "name": "admin", "password": PASSWORD });
        let end = Instant::now() + 3 * PATIENCE;
        let answer = loop {
            let answer = plane.ask("POST", "/api/v1/login", Some(&login));
            // A slow machine opens the database after the gateway has begun to serve.
            if answer.status != 503 || Instant::now() > end {
                break answer;
            }
            std::thread::sleep(Duration::from_millis(100));
        };
        assert_eq!(answer.status, 200, "{}", answer.text());
        let cookie = answer.header("set-cookie").expect("a session");
        plane.cookie = cookie.split(';').next().expect("a name").to_owned();
        plane
    }

    pub(crate) fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Response {
        let admin = self.gateway.admin();
        let body = body.map(Value::to_string).unwrap_or_default();
        let mut client = Client::connect(admin);
        client.send(
            format!(
                "{method} {path} HTTP/1.1\r\nHost: {admin}\r\nOrigin: http://{admin}\r\nCookie: {}\r\n\
                 Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                self.cookie,
                body.len()
            )
            .as_bytes(),
        );
        client.answer_to(method, PATIENCE).expect("an answer")
    }

    pub(crate) fn json(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
        status: u16,
    ) -> Value {
        let answer = self.ask(method, path, body);
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text());
        serde_json::from_slice(&answer.body).unwrap_or_default()
    }

    pub(crate) fn get(&self, path: &str) -> Value {
        self.json("GET", path, None, 200)
    }

    /// The status of a request through the gateway.
    pub(crate) fn through(&self, client: &str, target: &str) -> u16 {
        let mut connection = self.gateway.client();
        connection.send(
            format!("GET {target} HTTP/1.1\r\nHost: a.test\r\nX-Forwarded-For: {client}\r\nConnection: close\r\n\r\n")
                .as_bytes(),
        );
        connection.response(PATIENCE).expect("an answer").status
    }

    /// A WebSocket on the live feed.
    fn watch(&self) -> Client {
        let admin = self.gateway.admin();
        let mut client = Client::connect(admin);
        client.send(
            format!(
                "GET /api/v1/live?topics=traffic HTTP/1.1\r\nHost: {admin}\r\nOrigin: http://{admin}\r\nCookie: {}\r\n\
                 Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                 Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
                self.cookie
            )
            .as_bytes(),
        );
        let answer = client.response(PATIENCE).expect("an answer");
        assert_eq!(answer.status, 101, "{}", answer.text());
        client
    }
}

/// Rules as shipped: the attack must be known.
pub(crate) fn world(origin: &Origin, lines: &str) -> World {
    World::before(origin).with(&format!("trusted_proxies: [\"127.0.0.1/32\"]\n{lines}"))
}

#[test]
fn settings_bans_and_trials_act_at_once_and_are_taken_back() {
    let origin = Origin::answering(|seen| ok(seen, "origin"));
    let state = tempfile::tempdir().expect("a folder");
    let plane = Plane::start(&world(&origin, ""), state.path());

    // A trial is judged as a request would be, and forwards nothing.
    let trial =
        json!({ "target": ATTACK, "headers": [{ "name": "user-agent", "value": "curl/8" }] });
    let tried = plane.json("POST", "/api/v1/analyze", Some(&trial), 200);
    assert_eq!(tried["enforced"], "deny", "{tried}");
    let marked = tried["verdict"]["evidence"][0]["marked"]["matched"].as_str();
    assert!(marked.is_some_and(|marked| !marked.is_empty()), "{tried}");
    assert_eq!(origin.count(), 0);
    assert_eq!(plane.through("198.51.100.1", ATTACK), 403);

    // A policy is turned to observing, and the next request passes.
    let observe = json!({ "base": 0, "overlay": { "policies": { "default": { "mode": "observe" } } }, "comment": "try" });
    let made = plane.json("PUT", "/api/v1/config", Some(&observe), 200);
    assert_eq!(
        (&made["version"], &made["author"]),
        (&json!(1), &json!("admin")),
        "{made}"
    );
    assert_eq!(plane.through("198.51.100.1", ATTACK), 200);
    assert_eq!(
        plane.json("PUT", "/api/v1/config", Some(&observe), 409)["status"],
        409
    );

    // Back in one call.
    plane.json(
        "POST",
        "/api/v1/config/rollback",
        Some(&json!({ "version": 0 })),
        200,
    );
    assert_eq!(plane.through("198.51.100.1", ATTACK), 403);
    let versions = plane.get("/api/v1/config/versions");
    assert_eq!(
        versions["versions"][0]["changes"][0]["path"], "policies.default.mode",
        "{versions}"
    );

    // An exception silences what it names, until it is removed.
    let found = &tried["verdict"]["evidence"];
    let tags = json!({ "policy": "default", "tag": "cwe:89", "path": "/a", "reason": "a test" });
    let exception = plane.json("POST", "/api/v1/exceptions", Some(&tags), 201);
    let left = plane.json("POST", "/api/v1/analyze", Some(&trial), 200);
    let count = |list: &Value| list.as_array().map_or(0, Vec::len);
    assert!(count(&left["verdict"]["evidence"]) < count(found), "{left}");
    let id = exception["id"].as_str().expect("an id");
    plane.json("DELETE", &format!("/api/v1/exceptions/{id}"), None, 204);

    // A ban by hand holds although behaviour is off, and is lifted.
    let ban = json!({ "subject": "198.51.100.9", "seconds": 600, "cause": "a test" });
    plane.json("POST", "/api/v1/bans", Some(&ban), 201);
    assert_eq!(plane.through("198.51.100.9", "/a"), 403);
    assert_eq!(
        plane.through("198.51.100.8", "/a"),
        200,
        "the neighbour is free"
    );
    assert_eq!(plane.get("/api/v1/bans")["bans"][0]["author"], "admin");
    plane.json("DELETE", "/api/v1/bans/address:198.51.100.9", None, 204);
    assert_eq!(plane.through("198.51.100.9", "/a"), 200);
}

#[test]
fn settings_and_bans_outlive_the_process_and_a_changed_file() {
    let origin = Origin::answering(|seen| ok(seen, "origin"));
    let state = tempfile::tempdir().expect("a folder");
    let first = world(&origin, "");
    let mut plane = Plane::start(&first, state.path());
    let observe =
        json!({ "base": 0, "overlay": { "policies": { "default": { "mode": "observe" } } } });
    plane.json("PUT", "/api/v1/config", Some(&observe), 200);
    let ban = json!({ "subject": "198.51.100.9", "cause": "a test" });
    plane.json("POST", "/api/v1/bans", Some(&ban), 201);
    plane.gateway.signal("TERM");
    assert!(plane.gateway.exit_within(Duration::from_secs(15)).is_some());

    let plane = Plane::start(&first, state.path());
    assert_eq!(
        plane.through("198.51.100.1", ATTACK),
        200,
        "it still observes"
    );
    // In mode observe a ban is only noted, so the file's mode is taken back first.
    plane.json(
        "POST",
        "/api/v1/config/rollback",
        Some(&json!({ "version": 0 })),
        200,
    );
    let end = Instant::now() + Duration::from_secs(5);
    while plane.through("198.51.100.9", "/a") != 403 {
        assert!(
            Instant::now() < end,
            "the ban came back within two seconds or so"
        );
        std::thread::sleep(Duration::from_millis(50));
    }

    // The file changes under what was set by API.
    plane.json(
        "PUT",
        "/api/v1/config",
        Some(
            &json!({ "base": 2, "overlay": { "policies": { "default": { "mode": "observe" } } } }),
        ),
        200,
    );
    plane
        .gateway
        .rewrite(&world(&origin, "caps: { headers: 50 }").yaml());
    plane
        .gateway
        .await_metric("portcullis_config_reloads_total{outcome=\"applied\"", 1.0);
    assert_eq!(
        plane.through("198.51.100.1", ATTACK),
        200,
        "the overlay lies over the new file too"
    );
}

#[test]
fn an_attack_is_seen_live_and_found_afterwards() {
    let origin = Origin::answering(|seen| ok(seen, "origin"));
    let state = tempfile::tempdir().expect("a folder");
    let plane = Plane::start(&world(&origin, ""), state.path());
    let mut watcher = plane.watch();
    // The sample begins with the next second.
    std::thread::sleep(Duration::from_millis(1100));
    let begun = Instant::now();
    assert_eq!(plane.through("198.51.100.1", ATTACK), 403);
    let mut seen = String::new();
    while !seen.contains("198.51.100.1") {
        assert!(
            begun.elapsed() < Duration::from_secs(5),
            "nothing came: {seen}"
        );
        let more = watcher.read_at_least(2, Duration::from_millis(200));
        seen.push_str(&String::from_utf8_lossy(&more));
    }
    let late = begun.elapsed();
    println!("an attack reached a WebSocket client after {late:?}");
    assert!(late < Duration::from_secs(1), "{late:?}");
    assert!(
        seen.contains("\"type\":\"traffic\"") && seen.contains("\"action\":\"deny\""),
        "{seen}"
    );

    let end = Instant::now() + Duration::from_secs(5);
    let found = loop {
        let page = plane.get("/api/v1/logs?action=deny&address=198.51.100.1");
        if let Some(found) = page["logs"].get(0) {
            break found.clone();
        }
        assert!(Instant::now() < end, "it is not in the store: {page}");
        std::thread::sleep(Duration::from_millis(50));
    };
    let id = found["id"].as_str().expect("an id");
    let detail = plane.get(&format!("/api/v1/logs/{id}"));
    let matched = &detail["verdict"]["evidence"][0]["marked"]["matched"];
    assert!(
        matched.as_str().is_some_and(|matched| !matched.is_empty()),
        "{detail}"
    );
    let subject = plane.get("/api/v1/subjects/198.51.100.1");
    assert_eq!(subject["timeline"][0]["id"], id);
    let csv = plane.ask("GET", "/api/v1/logs.csv", None).text();
    assert!(csv.starts_with("time,id,") && csv.contains(id), "{csv}");
}
