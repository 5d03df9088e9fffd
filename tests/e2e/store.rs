//! The store behind the gateway: what passes it is in the database, what the database does not take waits, and nobody
//! notices either.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use portcullis_store::{Database, Filter, Found, Records};

use crate::harness::client::PATIENCE;
use crate::harness::origin::ok;
use crate::harness::{Gateway, Origin, World};

fn plain() -> Origin {
    Origin::answering(|seen| ok(seen, "origin"))
}

fn start(world: &World, state: &Path) -> Gateway {
    let variable = format!("STATE_DIRECTORY={}", state.display());
    Gateway::start_under(&["env", &variable], &world.yaml())
}

/// Asks for a path; returns the request's id.
fn ask(gateway: &Gateway, path: &str) -> String {
    let mut client = gateway.client();
    client.send(
        format!("GET {path} HTTP/1.1\r\nHost: shop.test\r\nConnection: close\r\n\r\n").as_bytes(),
    );
    let response = client.response(PATIENCE).expect("an answer");
    assert_eq!(response.status, 200);
    response.header("x-request-id").expect("an id").to_owned()
}

fn written(gateway: &Gateway, count: f64) {
    gateway.await_metric("portcullis_store_records_total{outcome=\"written\"", count);
}

/// What the database of a state folder holds.
fn stored(state: &Path, filter: &Filter) -> Vec<Found> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let database = Database::open_file(&state.join("store.db"))
            .await
            .expect("it opens");
        let page = Records::new(database).list(filter, None, 1000).await;
        page.expect("it answers").records
    })
}

#[test]
fn what_passed_the_gateway_is_in_the_database() {
    let origin = plain();
    let state = tempfile::tempdir().expect("a folder");
    let gateway = start(
        &World::before(&origin).with("store: { node: gate-7 }"),
        state.path(),
    );
    // The order is by milliseconds.
    let ids = ["/a", "/b?q=one+two", "/c"].map(|path| {
        thread::sleep(Duration::from_millis(5));
        ask(&gateway, path)
    });
    written(&gateway, 3.0);
    let found = stored(state.path(), &Filter::default());
    let mut expected = ids.clone();
    expected.reverse();
    let found_ids: Vec<&str> = found.iter().map(|found| &*found.entry.record.id).collect();
    assert_eq!(found_ids, expected, "newest first");
    assert!(found.iter().all(|found| &*found.node == "gate-7"));
    let words = Filter {
        text: Some("two".into()),
        ..Filter::default()
    };
    assert_eq!(stored(state.path(), &words).len(), 1);
    let line = gateway.await_record(|record| record["id"] == *ids[1]);
    let kept: serde_json::Value = serde_json::from_str(&found[1].entry.line).expect("JSON");
    assert_eq!(kept, line, "the line is kept as it was written");
}

#[test]
fn a_database_that_is_away_delays_nobody_and_gets_everything_later() {
    let origin = plain();
    let state = tempfile::tempdir().expect("a folder");
    let away = "store: { database: \"postgres://nobody@127.0.0.1:1/none\" }";
    let gateway = start(&World::before(&origin).with(away), state.path());
    gateway.log_with(&["the store"]);
    let begun = Instant::now();
    for n in 0..20 {
        ask(&gateway, &format!("/{n}"));
    }
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "{:?}",
        begun.elapsed()
    );
    gateway.await_metric("portcullis_store_spooled_total", 20.0);
    assert!(gateway.metric("portcullis_store_up") < 0.5);
    // Killed, not ended.
    drop(gateway);
    let gateway = start(&World::before(&origin), state.path());
    ask(&gateway, "/20");
    written(&gateway, 21.0);
    gateway.await_metric("portcullis_store_spool_bytes", 0.0);
    assert_eq!(stored(state.path(), &Filter::default()).len(), 21);
}

#[test]
fn without_a_place_for_it_records_are_lines_only() {
    let origin = plain();
    let gateway = start(&World::before(&origin), Path::new("/proc/portcullis"));
    gateway.log_with(&["records are written as lines only"]);
    let id = ask(&gateway, "/a");
    gateway.await_record(|record| record["id"] == *id);
    assert!(gateway.metric("portcullis_store_up") < 0.5);
}

#[test]
fn a_store_that_is_off_leaves_nothing() {
    let origin = plain();
    let state = tempfile::tempdir().expect("a folder");
    let gateway = start(
        &World::before(&origin).with("store: { database: off }"),
        state.path(),
    );
    let id = ask(&gateway, "/a");
    gateway.await_record(|record| record["id"] == *id);
    assert!(!state.path().join("store.db").exists());
}

#[test]
fn a_policy_may_keep_exchanges_word_for_word_without_their_secrets() {
    let origin = Origin::answering(|_| {
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nSet-Cookie: s=1\r\nContent-Length: 28\r\n\r\n{\"token\":\"hush\",\"name\":\"me\"}"[..]
            .to_vec()
    });
    let redact = "records: { output: \"{folder}/records.jsonl\", redact: { fields: [token] } }";
    for (of, kept) in [("all", true), ("flagged", false)] {
        let gateway = World::before(&origin)
            .policy(&format!("limits: [], capture: {{ of: {of}, body: 1KiB }}"))
            .with(redact)
            .start();
        let mut client = gateway.client();
        client.send(b"POST /a HTTP/1.1\r\nHost: a.test\r\nUser-Agent: shop-app/1.0\r\nAccept: */*\r\nCookie: s=1\r\nX-Colour: red\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 16\r\n\r\ntoken=hush&a=one");
        assert_eq!(client.response(PATIENCE).expect("an answer").status, 200);
        let record = gateway.await_record(|record| record["path"] == "/a");
        assert_eq!(record.get("capture").is_some(), kept, "{record}");
        let text = record.to_string();
        assert!(!text.contains("hush") && !text.contains("s=1"), "{text}");
        if kept {
            assert_eq!(
                record["capture"]["request"]["body"],
                "token=[redacted]&a=one"
            );
            assert_eq!(
                record["capture"]["response"]["body"],
                "{\"token\":\"[redacted]\",\"name\":\"me\"}"
            );
            assert!(text.contains("[\"x-colour\",\"red\"]"), "{text}");
        }
    }
}
