//! Who may use the admin plane, end to end: the first start, logging in, `portcullis users` with and without a gateway
//! beside it, and what a changed configuration does to who is in.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::harness::client::{Client, PATIENCE, Response};
use crate::harness::origin::ok;
use crate::harness::{Gateway, Origin, World};

/// Runs `portcullis users` on a state folder, with `input` on its standard input.
fn users_with(state: &Path, arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_portcullis"))
        .arg("users")
        .args(arguments)
        .arg("--state-dir")
        .arg(state)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command runs");
    let mut stdin = child.stdin.take().expect("it is piped");
    // A command that reads nothing may have ended by now.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    child.wait_with_output().expect("it ends")
}

fn users(state: &Path, arguments: &[&str]) -> Output {
    users_with(state, arguments, "")
}

fn text(output: &Output) -> String {
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.push_str(&String::from_utf8_lossy(&output.stderr));
    text
}

fn list(state: &Path) -> Vec<Value> {
    let output = users(state, &["list", "--json"]);
    let list: Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
    list["users"].as_array().expect("a list").clone()
}

#[test]
fn users_are_added_reset_and_removed_offline() {
    let folder = tempfile::tempdir().expect("a folder");
    let state = folder.path().join("state");
    for arguments in [&["list"][..], &["reset", "admin"], &["remove", "admin"]] {
        let output = users(&state, arguments);
        assert!(!output.status.success(), "{arguments:?}");
        assert!(
            text(&output).contains("there is no database"),
            "{}",
            text(&output)
        );
    }
    assert!(!state.exists(), "a mistyped folder is not made");

    let added = users(&state, &["add", "ada", "--role", "admin"]);
    assert!(added.status.success(), "{}", text(&added));
    let words = text(&added);
    let (_, once) = words.trim_end().rsplit_once(' ').expect("words");
    assert_eq!(
        (once.len(), words.contains("one-time password")),
        (20, true),
        "{words}"
    );
    let given = users_with(
        &state,
        &[
            "add",
            "bob",
            "--role",
            "analyst",
            "--tenant",
            "shop",
            "--password-stdin",
        ],
        "correct horse battery\n",
    );
    assert_eq!(
        text(&given),
        "bob is added as analyst\n",
        "what was given is not printed"
    );
    let found: Vec<_> = list(&state)
        .iter()
        .map(|user| {
            let text = |name: &str| user[name].as_str().unwrap_or("-").to_owned();
            let must = user["must_change_password"].as_bool();
            (text("name"), text("role"), text("tenant"), must)
        })
        .collect();
    let row = |name: &str, role: &str, tenant: &str, must| {
        (
            name.to_owned(),
            role.to_owned(),
            tenant.to_owned(),
            Some(must),
        )
    };
    assert_eq!(
        found,
        [
            row("ada", "admin", "-", true),
            row("bob", "analyst", "shop", false)
        ]
    );

    for (arguments, input, words) in [
        (&["add", "ada"][..], "", "there is a user ada already"),
        (&["add", "sso:eve"], "", "begins with a letter or digit"),
        (&["add", "eve", "--role", "root"], "", "no role"),
        (
            &["add", "eve", "--role", "admin", "--tenant", "shop"],
            "",
            "viewer or an analyst",
        ),
        (
            &["add", "eve", "--password-stdin"],
            "short\n",
            "12 characters",
        ),
        (&["reset", "eve"], "", "there is no user eve"),
        (&["remove", "ada"], "", "the last admin"),
        (
            &["token", "eve", "--name", "ci"],
            "",
            "there is no user eve",
        ),
        (
            &["token", "bob", "--name", "ci", "--family", "none"],
            "",
            "no family of routes none",
        ),
        (
            &["token", "bob", "--name", "ci", "--days", "0"],
            "",
            "1..=3650",
        ),
    ] {
        let output = users_with(&state, arguments, input);
        assert!(!output.status.success(), "{arguments:?}: {}", text(&output));
        assert!(
            text(&output).contains(words),
            "{arguments:?}: {}",
            text(&output)
        );
    }

    let token = users(
        &state,
        &["token", "bob", "--name", "ci", "--family", "users,audit"],
    );
    let token = text(&token);
    assert!(
        token.starts_with("ptc_") && token.trim_end().len() == 47,
        "{token}"
    );
    let reset = users(&state, &["reset", "bob"]);
    assert!(
        text(&reset).contains("one-time password"),
        "{}",
        text(&reset)
    );
    assert_eq!(list(&state)[1]["must_change_password"], true);
    let removed = users(&state, &["remove", "bob"]);
    assert_eq!(text(&removed), "bob is removed\n");
    let table = text(&users(&state, &["list"]));
    assert!(table.contains("ada") && !table.contains("bob"), "{table}");

    let bytes = std::fs::read(state.join("store.db")).expect("the database");
    for secret in [once, "correct horse battery", token.trim_end()] {
        let is_there = bytes
            .windows(secret.len())
            .any(|window| window == secret.as_bytes());
        assert!(!is_there, "{secret} stands in the database");
    }
}

/// Somebody before the admin plane, with or without a credential.
struct Somebody<'a> {
    gateway: &'a Gateway,
    /// A line of the head, such as a cookie.
    credential: String,
}

impl<'a> Somebody<'a> {
    fn before(gateway: &'a Gateway) -> Self {
        Self {
            gateway,
            credential: String::new(),
        }
    }

    fn with(&self, credential: String) -> Self {
        Self {
            gateway: self.gateway,
            credential,
        }
    }

    fn ask(&self, method: &str, path: &str, body: &Value) -> Response {
        let admin = self.gateway.admin();
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let mut client = Client::connect(admin);
        client.send(
            format!(
                "{method} {path} HTTP/1.1\r\nHost: {admin}\r\nOrigin: http://{admin}\r\n{}Content-Type: application/json\r\n\
                 Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
                self.credential,
                body.len()
            )
            .as_bytes(),
        );
        client.answer_to(method, PATIENCE).expect("an answer")
    }

    fn get(&self, path: &str) -> u16 {
        self.ask("GET", path, &Value::Null).status
    }

    fn log_in(&self, name: &str, password: &str) -> Result<Self, u16> {
        let login = json!({"name": name, "password": password});
        let answer = self.ask("POST", "/api/v1/login", &login);
        match answer.header("set-cookie") {
            Some(cookie) if answer.status == 200 => {
                let pair = cookie.split(';').next().expect("a pair");
                Ok(self.with(format!("Cookie: {pair}\r\n")))
            }
            _ => Err(answer.status),
        }
    }
}

fn origin() -> Origin {
    Origin::answering(|seen| ok(seen, "origin"))
}

fn start(world: &World, state: &Path, password: &str) -> Gateway {
    let folder = format!("STATE_DIRECTORY={}", state.display());
    let password = format!("PORTCULLIS_ADMIN_PASSWORD={password}");
    let mut wrapper = vec!["env", &folder];
    if !password.ends_with('=') {
        wrapper.push(&password);
    }
    Gateway::start_under(&wrapper, &world.yaml())
}

#[test]
fn the_first_start_prints_a_password_once_and_users_are_managed_beside_it() {
    let origin = origin();
    let world = World::before(&origin);
    let state = tempfile::tempdir().expect("a folder");
    let gateway = start(&world, state.path(), "");
    let log = gateway.log_with(&["one-time password"]);
    let line = log.lines().find(|line| line.contains("one-time password"));
    let once = line
        .and_then(|line| line.split(' ').next_back())
        .expect("it is shown");
    let nobody = Somebody::before(&gateway);
    assert_eq!(nobody.get("/api/v1/users"), 401);
    let admin = nobody
        .log_in("admin", once)
        .unwrap_or_else(|status| panic!("{status}"));
    assert_eq!(
        admin.get("/api/v1/users"),
        403,
        "the password has to be changed first"
    );
    let change = json!({"current": once, "new": "correct horse battery"});
    assert_eq!(admin.ask("POST", "/api/v1/password", &change).status, 204);
    assert_eq!(nobody.log_in("admin", once).err(), Some(401));

    let added = users_with(
        state.path(),
        &["add", "ada", "--password-stdin"],
        "a long enough one",
    );
    assert!(added.status.success(), "{}", text(&added));
    let ada = nobody
        .log_in("ada", "a long enough one")
        .unwrap_or_else(|status| panic!("{status}"));
    assert_eq!(
        (ada.get("/api/v1/session"), ada.get("/api/v1/users")),
        (200, 403)
    );
    let token = users(state.path(), &["token", "ada", "--name", "ci"]);
    let token = text(&token);
    let ci = nobody.with(format!("Authorization: Bearer {}\r\n", token.trim_end()));
    assert_eq!(ci.get("/api/v1/session"), 200);
    assert!(users(state.path(), &["remove", "ada"]).status.success());
    assert_eq!(
        (ada.get("/api/v1/session"), ci.get("/api/v1/session")),
        (401, 401)
    );
    gateway.await_metric("portcullis_admin_log_ins_total{outcome=\"succeeded\"}", 2.0);
    gateway.await_metric("portcullis_admin_log_ins_total{outcome=\"failed\"}", 1.0);

    drop(gateway);
    let gateway = start(&world, state.path(), "another long one");
    assert!(
        !gateway.log().contains("one-time password"),
        "{}",
        gateway.log()
    );
    let nobody = Somebody::before(&gateway);
    let admin = nobody.log_in("admin", "correct horse battery");
    let admin = admin.unwrap_or_else(|status| panic!("{status}"));
    let trail = admin.ask("GET", "/api/v1/audit", &Value::Null).text();
    for action in [
        "user added",
        "token made",
        "user removed",
        "POST /api/v1/password",
        "login",
    ] {
        assert!(trail.contains(action), "{action}: {trail}");
    }
    assert!(!trail.contains(once) && !trail.contains("horse"), "{trail}");
}

#[test]
fn a_flood_of_guesses_is_turned_away_and_traffic_passes() {
    let origin = origin();
    let state = tempfile::tempdir().expect("a folder");
    let gateway = start(
        &World::before(&origin),
        state.path(),
        "correct horse battery",
    );
    let nobody = Somebody::before(&gateway);
    let guesses: Vec<u16> = std::thread::scope(|scope| {
        let guess = || {
            nobody
                .log_in("admin", "a guess")
                .err()
                .expect("it is wrong")
        };
        let threads: Vec<_> = (0..24).map(|_| scope.spawn(guess)).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("no panic"))
            .collect()
    });
    let count = |status: u16| guesses.iter().filter(|found| **found == status).count();
    assert_eq!((count(401), count(429)), (10, 14), "{guesses:?}");
    let answer = nobody.ask(
        "POST",
        "/api/v1/login",
        &json!({"name": "admin", "password": "correct horse battery"}),
    );
    assert_eq!(answer.status, 429);
    let wait: u64 = answer
        .header("retry-after")
        .expect("when")
        .parse()
        .expect("seconds");
    assert!((1..=60).contains(&wait), "{wait}");
    assert_eq!(nobody.get("/healthz"), 200);
    let mut client = gateway.client();
    client.send(b"GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n");
    assert_eq!(client.response(PATIENCE).expect("an answer").status, 200);
}

#[test]
fn a_changed_configuration_holds_without_a_restart() {
    let origin = origin();
    let state = tempfile::tempdir().expect("a folder");
    let world = World::before(&origin);
    let gateway = start(&world, state.path(), "correct horse battery");
    let nobody = Somebody::before(&gateway);
    let admin = nobody.log_in("admin", "correct horse battery");
    let admin = admin.unwrap_or_else(|status| panic!("{status}"));
    assert_eq!(nobody.get("/metrics"), 200);
    let yaml = world.yaml();
    let changed = yaml.replace("admin: {", "admin: { metrics_token: sixteen characters,");
    assert_ne!(changed, yaml, "{yaml}");
    gateway.rewrite(&changed);
    gateway.log_with(&["configuration reloaded"]);
    assert_eq!(nobody.get("/metrics"), 401);
    let scraper = nobody.with("Authorization: Bearer sixteen characters\r\n".to_owned());
    assert_eq!(scraper.get("/metrics"), 200);
    assert_eq!(admin.get("/api/v1/session"), 200, "who is in stays in");
}
