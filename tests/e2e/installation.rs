//! Several gateways on one PostgreSQL are one installation: they start together on an empty database, each answers for
//! all, and what is done on one acts on the other. The commands of the command line find the same database.

use std::path::Path;
use std::process::{Command, Output};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::api::{ATTACK, Plane, world};
use crate::harness::Origin;
use crate::harness::client::PATIENCE;
use crate::harness::origin::ok;
use crate::harness::postgres::Server;

const NODES: [&str; 2] = ["gate-a", "gate-b"];

/// What is promised: a change made on one gateway acts on all.
const PROMISED: Duration = Duration::from_secs(2);

/// An empty database; its URL. The server is one for the whole process.
fn database() -> String {
    static SERVER: OnceLock<Server> = OnceLock::new();
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let server = SERVER.get_or_init(Server::start);
    server.create(&format!("e{}", NEXT.fetch_add(1, Ordering::Relaxed)))
}

/// The answer of the database itself, without the gateways.
fn psql(url: &str, sql: &str) -> String {
    let output = Command::new("psql")
        .args(["--no-psqlrc", "--tuples-only", "--no-align", url, "-c", sql])
        .output()
        .expect("`psql` is needed: apt-get install postgresql (`make test` does)");
    assert!(output.status.success(), "{sql}: {output:?}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// A gateway for each name, started at the same moment on one database, each with a state folder of its own.
fn installation(origin: &Origin, url: &str, folder: &Path) -> [Plane; 2] {
    let start = |node: &str| {
        let store = format!("store: {{ database: \"{url}\", node: {node} }}");
        let state = folder.join(node);
        Plane::start(&world(origin, &store), &state)
    };
    thread::scope(|scope| {
        let starting = NODES.map(|node| scope.spawn(move || start(node)));
        starting.map(|plane| plane.join().expect("it starts"))
    })
}

/// Waits until this holds, and says how long that took.
fn until(what: &str, holds: impl Fn() -> bool) -> Duration {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < 3 * PATIENCE, "never: {what}");
        thread::sleep(Duration::from_millis(20));
    }
    begun.elapsed()
}

fn count(list: &Value) -> usize {
    list.as_array().map_or(0, Vec::len)
}

#[test]
fn two_gateways_that_start_together_are_one_installation() {
    let origin = Origin::answering(|seen| ok(seen, "origin"));
    let url = database();
    let folder = tempfile::tempdir().expect("a folder");
    let planes = installation(&origin, &url, folder.path());
    let [a, b] = &planes;

    let migrations = psql(
        &url,
        "SELECT count(*) = count(DISTINCT version) AND bool_and(success) AND count(*) > 7 FROM _sqlx_migrations",
    );
    assert_eq!(migrations, "t", "each migration ran once");
    let admins = a.get("/api/v1/users");
    assert_eq!(count(&admins["users"]), 1, "one first user: {admins}");

    // Records bear their node, and either answers for both.
    for _ in 0..3 {
        assert_eq!(a.through("198.51.100.1", "/a"), 200);
    }
    for _ in 0..2 {
        assert_eq!(b.through("198.51.100.2", "/b"), 200);
    }
    for plane in &planes {
        until("five records", || {
            count(&plane.get("/api/v1/logs")["logs"]) == 5
        });
        for (node, expected) in NODES.iter().zip([3, 2]) {
            let list = plane.get(&format!("/api/v1/logs?node={node}"));
            assert_eq!(count(&list["logs"]), expected, "{node}: {list}");
        }
        let stats = plane.get("/api/v1/stats");
        assert_eq!(stats["total"]["requests"], 5, "{stats}");
    }

    // One of them adds up, for both.
    until("everything is added up", || {
        psql(&url, "SELECT count(*) FROM rollup_parts") == "0"
    });
    let holder = psql(&url, "SELECT holder FROM leases WHERE name = 'rollups'");
    assert!(NODES.contains(&holder.as_str()), "{holder:?}");
    let hours = psql(
        &url,
        "SELECT sum((cell::json->>'requests')::int) FROM rollups WHERE width = 3600000",
    );
    assert_eq!(hours, "5", "nothing is added up twice");

    // The same client attacks at both: that is one incident.
    for plane in [a, b, a] {
        assert_eq!(plane.through("198.51.100.66", ATTACK), 403);
    }
    for plane in &planes {
        until("one alert of three requests", || {
            let list = plane.get("/api/v1/alerts");
            count(&list["alerts"]) == 1 && list["alerts"][0]["requests"] == 3
        });
    }
}

#[test]
fn what_is_done_on_one_gateway_acts_on_the_other() {
    let origin = Origin::answering(|seen| ok(seen, "origin"));
    let url = database();
    let folder = tempfile::tempdir().expect("a folder");
    let [a, b] = installation(&origin, &url, folder.path());

    // A busy machine may be late once, so that the best of three tells what the gateways take.
    let mut late = Vec::new();
    for number in 1..=3 {
        let client = format!("198.51.100.{number}");
        let ban = json!({ "subject": client, "seconds": 600, "cause": "a test" });
        a.json("POST", "/api/v1/bans", Some(&ban), 201);
        assert_eq!(a.through(&client, "/a"), 403, "at once where it was made");
        late.push(until("the ban acts", || b.through(&client, "/a") == 403));
    }
    println!("bans made on one gateway acted on the other after {late:?}");
    assert!(late.iter().any(|late| *late <= PROMISED), "{late:?}");
    assert_eq!(b.get("/api/v1/bans")["bans"][0]["author"], "admin");
    b.json("DELETE", "/api/v1/bans/address:198.51.100.1", None, 204);
    until("the ban is lifted", || {
        a.through("198.51.100.1", "/a") == 200
    });
    assert_eq!(
        a.through("198.51.100.2", "/a"),
        403,
        "the others stay banned"
    );

    late.clear();
    for (base, deny) in [(0, 101), (1, 70), (2, 101)] {
        let overlay = json!({ "policies": { "default": { "thresholds": { "throttle": deny, "deny": deny } } } });
        let change = json!({ "base": base, "overlay": overlay });
        b.json("PUT", "/api/v1/config", Some(&change), 200);
        let expected = if deny == 101 { 200 } else { 403 };
        assert_eq!(b.through("203.0.113.1", ATTACK), expected);
        late.push(until("the settings act", || {
            a.through("203.0.113.1", ATTACK) == expected
        }));
    }
    println!("settings made on one gateway acted on the other after {late:?}");
    assert!(late.iter().any(|late| *late <= PROMISED), "{late:?}");
    let versions = a.get("/api/v1/config/versions");
    assert_eq!(count(&versions["versions"]), 3, "{versions}");
}

/// Runs `portcullis` with the configuration of a gateway.
fn portcullis(config: &Path, arguments: &[&str]) -> (bool, String) {
    let output: Output = Command::new(env!("CARGO_BIN_EXE_portcullis"))
        .args(arguments)
        .arg("--config")
        .arg(config)
        .output()
        .expect("the command runs");
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.push_str(&String::from_utf8_lossy(&output.stderr));
    (output.status.success(), text)
}

#[test]
fn commands_find_the_database_that_the_configuration_names() {
    let origin = Origin::answering(|seen| ok(seen, "origin"));
    let url = database();
    let state = tempfile::tempdir().expect("a folder");
    let store = format!("store: {{ database: \"{url}\", password: \"pass:wo/rd\" }}");
    let plane = Plane::start(&world(&origin, &store), state.path());
    let observe =
        json!({ "base": 0, "overlay": { "policies": { "default": { "mode": "observe" } } } });
    plane.json("PUT", "/api/v1/config", Some(&observe), 200);

    let config = plane.gateway.folder().join("gateway.yaml");
    let (done, exported) = portcullis(&config, &["config", "export"]);
    assert!(done, "{exported}");
    for text in ["with version 1 of", "mode: observe", "paranoia"] {
        let expected = text != "paranoia";
        assert_eq!(exported.contains(text), expected, "{text}: {exported}");
    }

    let (done, added) = portcullis(&config, &["users", "add", "ada", "--role", "analyst"]);
    assert!(done && added.contains("one-time password"), "{added}");
    let users = plane.get("/api/v1/users").to_string();
    assert!(users.contains("\"ada\""), "the gateway knows her: {users}");
    let (done, listed) = portcullis(&config, &["users", "list"]);
    assert!(done && listed.contains("ada  "), "{listed}");

    let (done, text) = portcullis(&config, &["users", "list", "--database", &url]);
    assert!(!done && text.contains("cannot be used with"), "{text}");
    let away = plane.gateway.folder().join("away.yaml");
    let yaml = std::fs::read_to_string(&config).expect("it is there");
    let nowhere = yaml.replace(&url, "postgres://nobody@127.0.0.1:1/none");
    std::fs::write(&away, nowhere).expect("it can be written");
    for arguments in [&["config", "export"][..], &["users", "list"]] {
        let (done, text) = portcullis(&away, arguments);
        assert!(
            !done && text.contains("127.0.0.1:1/none cannot be opened"),
            "{text}"
        );
        assert!(!text.contains("wo/rd"), "{text}");
    }
}
