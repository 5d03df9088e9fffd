//! Bans: added and removed by hand over the control socket, enforced before a byte of body is read, kept over a
//! restart, and only noted where a policy observes.

use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use serde_json::Value;

use crate::harness::client::{PATIENCE, Response};
use crate::harness::origin::ok;
use crate::harness::{Gateway, Origin, World};

const ON: &str = "trusted_proxies: [\"127.0.0.1/32\"]\nbehaviour: { enabled: true }";

fn plain() -> Origin {
    Origin::answering(|seen| ok(seen, "origin"))
}

fn ask(gateway: &Gateway, client: &str, fields: &str) -> Response {
    let mut connection = gateway.client();
    connection.send(
        format!("GET / HTTP/1.1\r\nHost: a.test\r\nX-Forwarded-For: {client}\r\n{fields}Connection: close\r\n\r\n").as_bytes(),
    );
    connection.response(PATIENCE).expect("an answer")
}

/// Runs `portcullis bans` on the state folder.
fn bans(state: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_portcullis"))
        .arg("bans")
        .args(arguments)
        .arg("--state-dir")
        .arg(state)
        .output()
        .expect("the command runs")
}

fn text(output: &Output) -> String {
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.push_str(&String::from_utf8_lossy(&output.stderr));
    text
}

fn start(world: &World, state: &Path) -> Gateway {
    let variable = format!("STATE_DIRECTORY={}", state.display());
    Gateway::start_under(&["env", &variable], &world.yaml())
}

#[test]
fn a_ban_by_hand_is_enforced_kept_over_a_restart_and_lifted() {
    let origin = plain();
    let state = tempfile::tempdir().expect("a folder");
    let world = World::before(&origin).with(ON);
    let mut gateway = start(&world, state.path());
    assert_eq!(text(&bans(state.path(), &["list"])), "nobody is banned\n");
    let why = ["add", "198.51.100.7", "--for", "1h", "--why", "a test"];
    let added = bans(state.path(), &why);
    assert!(added.status.success(), "{}", text(&added));

    let refused = ask(&gateway, "198.51.100.7", "");
    assert_eq!(refused.status, 403);
    let wait: u64 = refused
        .header("retry-after")
        .expect("when")
        .parse()
        .expect("a number");
    assert!((3500..=3600).contains(&wait), "{wait}");
    assert_eq!(
        ask(&gateway, "198.51.100.8", "").status,
        200,
        "the neighbour is free"
    );
    let record = gateway.await_record(|record| record["status"] == 403);
    assert_eq!(record["ban"], "address:198.51.100.7");
    assert_eq!(
        (&record["reason"], &record["action"]),
        (&"banned".into(), &"deny".into())
    );
    gateway.await_metric("portcullis_bans", 1.0);
    gateway.await_metric("portcullis_ban_refusals_total", 1.0);

    gateway.signal("TERM");
    assert!(gateway.exit_within(Duration::from_secs(10)).is_some());
    let gateway = start(&world, state.path());
    assert_eq!(
        ask(&gateway, "198.51.100.7", "").status,
        403,
        "after a restart"
    );
    let listed = bans(state.path(), &["list", "--json"]);
    let listed: Value = serde_json::from_slice(&listed.stdout).expect("JSON");
    assert_eq!(listed[0]["subject"], "address:198.51.100.7");
    assert_eq!(listed[0]["cause"], "a test");

    let lifted = bans(state.path(), &["remove", "address:198.51.100.7"]);
    assert_eq!(text(&lifted), "address:198.51.100.7 is free\n");
    assert_eq!(ask(&gateway, "198.51.100.7", "").status, 200);
    let again = bans(state.path(), &["remove", "198.51.100.7"]);
    assert!(!again.status.success());
    assert_eq!(text(&again), "address:198.51.100.7 was not banned\n");
}

#[test]
fn a_key_is_banned_wherever_it_is_used() {
    let origin = plain();
    let state = tempfile::tempdir().expect("a folder");
    let gateway = start(&World::before(&origin).with(ON), state.path());
    let key = "X-Api-Key: k-1234\r\n";
    assert_eq!(ask(&gateway, "198.51.100.1", key).status, 200);
    let record = gateway.await_record(|record| record["key"].is_string());
    let id = record["key"].as_str().expect("a name").to_owned();
    assert!(id.starts_with("key:") && !id.contains("1234"), "{id}");
    assert!(bans(state.path(), &["add", &id]).status.success());
    for client in ["198.51.100.1", "203.0.113.9"] {
        let refused = ask(&gateway, client, key);
        assert_eq!(refused.status, 403, "{client}");
        assert_eq!(
            refused.header("retry-after"),
            None,
            "it ends when a person ends it"
        );
        assert_eq!(ask(&gateway, client, "X-Api-Key: other\r\n").status, 200);
    }
}

#[test]
fn where_a_policy_observes_a_ban_is_only_noted() {
    let origin = plain();
    let state = tempfile::tempdir().expect("a folder");
    let world = World::before(&origin)
        .policy("limits: [], mode: observe")
        .with(ON);
    let gateway = start(&world, state.path());
    assert!(
        bans(state.path(), &["add", "198.51.100.7"])
            .status
            .success()
    );
    assert_eq!(ask(&gateway, "198.51.100.7", "").status, 200);
    let record = gateway.await_record(|record| record["ban"].is_string());
    assert_eq!(
        (&record["action"], &record["would"]),
        (&"allow".into(), &"deny".into())
    );
}

#[test]
fn without_a_gateway_the_command_says_so() {
    let state = tempfile::tempdir().expect("a folder");
    let output = bans(state.path(), &["list"]);
    assert!(!output.status.success());
    let text = text(&output);
    assert!(
        text.contains("no gateway") && text.contains("--state-dir"),
        "{text}"
    );
    let output = bans(state.path(), &["add", "nobody"]);
    assert!(
        self::text(&output).contains("names no subject"),
        "{}",
        self::text(&output)
    );
}

#[test]
fn a_state_folder_that_cannot_be_written_costs_memory_not_service() {
    let origin = plain();
    let gateway = start(
        &World::before(&origin).with(ON),
        Path::new("/proc/portcullis"),
    );
    assert_eq!(ask(&gateway, "198.51.100.7", "").status, 200);
    gateway.log_with(&["bans will not outlive this process"]);
}
