//! Changes while it runs, and its end: reloads by file and by signal, refused ones, listeners that come and go, load
//! in the meantime, and an orderly shutdown.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::harness::client::{PATIENCE, get};
use crate::harness::origin::ok;
use crate::harness::{Client, Gateway, Origin, World};

fn plain() -> Origin {
    Origin::answering(|seen| ok(seen, "origin"))
}

/// A world whose answers bear this version.
fn version(origin: &Origin, version: &str) -> World {
    World::before(origin).upstream(&format!(
        "response_headers: {{ set: {{ x-version: \"{version}\" }} }}"
    ))
}

fn reloads(gateway: &Gateway, outcome: &str) -> f64 {
    gateway.metric(&format!(
        "portcullis_config_reloads_total{{outcome=\"{outcome}\""
    ))
}

fn await_reload(gateway: &Gateway, outcome: &str, count: f64) {
    let end = Instant::now() + PATIENCE;
    while reloads(gateway, outcome) < count {
        assert!(
            Instant::now() < end,
            "no {outcome} reload: {}",
            gateway.log()
        );
        thread::sleep(Duration::from_millis(20));
    }
}

fn served_version(gateway: &Gateway) -> Option<String> {
    get(gateway.address(), "/")
        .header("x-version")
        .map(str::to_owned)
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.local_addr().expect("it is bound").port()
}

fn refuses(address: SocketAddr) -> bool {
    let end = Instant::now() + PATIENCE;
    while TcpStream::connect(address).is_ok() {
        if Instant::now() > end {
            return false;
        }
        thread::sleep(Duration::from_millis(20));
    }
    true
}

#[test]
fn a_changed_file_and_a_signal_reload() {
    let origin = plain();
    let gateway = version(&origin, "one").start();
    assert_eq!(served_version(&gateway).as_deref(), Some("one"));
    let mut kept = gateway.client();
    kept.send(b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
    assert_eq!(
        kept.response(PATIENCE).map(|answer| answer.status),
        Some(200)
    );

    gateway.rewrite(&version(&origin, "two").yaml());
    await_reload(&gateway, "applied", 1.0);
    assert_eq!(served_version(&gateway).as_deref(), Some("two"));

    gateway.rewrite(&version(&origin, "three").yaml());
    gateway.signal("HUP");
    await_reload(&gateway, "applied", 2.0);
    assert_eq!(served_version(&gateway).as_deref(), Some("three"));

    // A connection from before goes on under the new configuration.
    kept.send(b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
    let answer = kept.response(PATIENCE).expect("an answer");
    assert_eq!(answer.header("x-version"), Some("three"));

    gateway.signal("HUP");
    await_reload(&gateway, "unchanged", 1.0);
    assert_eq!(reloads(&gateway, "refused"), 0.0);
}

#[test]
fn a_bad_file_is_refused_with_every_mistake_and_the_old_one_serves_on() {
    let origin = plain();
    let world = version(&origin, "one");
    let gateway = world.start();
    let broken = world
        .yaml()
        .replace("upstream: api", "upstream: nobody")
        .replace("policies:", "polices:");
    gateway.rewrite(&broken);
    await_reload(&gateway, "refused", 1.0);
    gateway.log_with(&["nobody", "polices", "the old one serves on"]);
    assert_eq!(served_version(&gateway).as_deref(), Some("one"));
    gateway.rewrite("listeners: [");
    gateway.signal("HUP");
    await_reload(&gateway, "refused", 2.0);
    assert_eq!(served_version(&gateway).as_deref(), Some("one"));

    gateway.rewrite(&version(&origin, "two").yaml());
    await_reload(&gateway, "applied", 1.0);
    assert_eq!(served_version(&gateway).as_deref(), Some("two"));
}

#[test]
fn what_needs_a_restart_is_refused_with_that_sentence() {
    let origin = plain();
    let gateway = version(&origin, "one").start();
    gateway.rewrite(
        &version(&origin, "two")
            .with("workers: { threads: 3 }\nlog: { level: debug }")
            .yaml(),
    );
    gateway.signal("HUP");
    await_reload(&gateway, "refused", 1.0);
    gateway.log_with(&["workers.threads", "needs a restart"]);
    assert_eq!(
        served_version(&gateway).as_deref(),
        Some("one"),
        "nothing of it was applied"
    );
}

#[test]
fn listeners_come_and_go_and_the_gone_ones_drain() {
    let origin = Origin::answering(|seen| {
        if seen.target() == "/slow" {
            thread::sleep(Duration::from_millis(1200));
        }
        ok(seen, "origin")
    });
    let (first, second) = (free_port(), free_port());
    let on = |port: u16| World::before(&origin).listener(&format!("address: \"127.0.0.1:{port}\""));
    let gateway = on(first).start();
    let old = gateway.address();
    let new = SocketAddr::from(([127, 0, 0, 1], second));
    let mut idle = gateway.client();
    idle.send(b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
    assert_eq!(
        idle.response(PATIENCE).map(|answer| answer.status),
        Some(200)
    );
    let mut slow = gateway.client();
    slow.send(b"GET /slow HTTP/1.1\r\nHost: a.test\r\n\r\n");
    assert!(origin.await_count(2, PATIENCE));

    gateway.rewrite(&on(second).yaml());
    gateway.signal("HUP");
    await_reload(&gateway, "applied", 1.0);
    assert_eq!(get(new, "/").status, 200);
    assert!(refuses(old), "the old listener is closed");
    let answer = slow
        .response(PATIENCE)
        .expect("what was under way is finished");
    assert_eq!((answer.status, answer.text().as_str()), (200, "origin"));
    assert!(
        idle.closes_within(PATIENCE) && slow.closes_within(PATIENCE),
        "then its connections close"
    );
}

#[test]
fn a_listener_that_cannot_be_bound_refuses_the_whole_reload() {
    let origin = plain();
    let gateway = version(&origin, "one").start();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = taken.local_addr().expect("it is bound");
    let world = version(&origin, "two").listener(&format!("address: \"{address}\""));
    gateway.rewrite(&world.yaml());
    gateway.signal("HUP");
    await_reload(&gateway, "refused", 1.0);
    assert!(gateway.log().contains("in use"), "{}", gateway.log());
    assert_eq!(served_version(&gateway).as_deref(), Some("one"));
}

/// Requests over kept connections until told to stop; counts those that were answered and those that were not.
fn load(address: SocketAddr, stop: &AtomicBool, answered: &AtomicU32, failed: &AtomicU32) {
    while !stop.load(Ordering::Relaxed) {
        let mut client = Client::connect(address);
        for _ in 0..20 {
            client.send(b"GET /load?a=1 HTTP/1.1\r\nHost: a.test\r\n\r\n");
            match client.response(PATIENCE) {
                Some(answer) if answer.status == 200 => answered.fetch_add(1, Ordering::Relaxed),
                _ => failed.fetch_add(1, Ordering::Relaxed),
            };
        }
    }
}

#[test]
fn reloads_under_load_fail_no_request() {
    let origin = plain();
    let threads = |version_now: &str| version(&origin, version_now).with("workers: { threads: 2 }");
    let gateway = threads("0").start();
    let stop = Arc::new(AtomicBool::new(false));
    let (answered, failed) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let clients: Vec<_> = (0..4)
        .map(|_| {
            let (address, stop) = (gateway.address(), Arc::clone(&stop));
            let (answered, failed) = (Arc::clone(&answered), Arc::clone(&failed));
            thread::spawn(move || load(address, &stop, &answered, &failed))
        })
        .collect();
    let begun = Instant::now();
    for round in 1..=5 {
        gateway.rewrite(&threads(&round.to_string()).yaml());
        gateway.signal("HUP");
        await_reload(&gateway, "applied", f64::from(round));
    }
    thread::sleep(Duration::from_secs(3).saturating_sub(begun.elapsed()));
    stop.store(true, Ordering::Relaxed);
    clients
        .into_iter()
        .for_each(|client| client.join().expect("no panic"));
    let (answered, failed) = (
        answered.load(Ordering::Relaxed),
        failed.load(Ordering::Relaxed),
    );
    println!("{answered} answered, {failed} failed");
    assert_eq!(failed, 0);
    assert!(
        answered > 100,
        "too little load to mean anything: {answered}"
    );
    assert_eq!(served_version(&gateway).as_deref(), Some("5"));
}

#[test]
fn sigterm_finishes_what_is_under_way_and_ends_with_0() {
    let origin = Origin::answering(|seen| {
        if seen.target() == "/slow" {
            thread::sleep(Duration::from_millis(800));
        }
        ok(seen, "origin")
    });
    let mut gateway = World::before(&origin).start();
    let mut idle = gateway.client();
    idle.send(b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
    assert_eq!(
        idle.response(PATIENCE).map(|answer| answer.status),
        Some(200)
    );
    let mut slow = gateway.client();
    slow.send(b"GET /slow HTTP/1.1\r\nHost: a.test\r\n\r\n");
    assert!(origin.await_count(2, PATIENCE));
    let begun = Instant::now();
    gateway.signal("TERM");
    assert!(
        idle.closes_within(PATIENCE),
        "an idle connection holds nothing up"
    );
    let answer = slow
        .response(PATIENCE)
        .expect("what was under way is finished");
    assert_eq!((answer.status, answer.text().as_str()), (200, "origin"));
    let status = gateway
        .exit_within(Duration::from_secs(8))
        .expect("it ends");
    assert_eq!(status.code(), Some(0), "{}", gateway.log());
    assert!(begun.elapsed() < Duration::from_secs(8));
    assert!(
        TcpStream::connect(gateway.address()).is_err(),
        "nobody listens any more"
    );
    let records = gateway.records();
    assert!(
        records.iter().any(|record| record["path"] == "/slow"),
        "records are written to the last: {records:?}"
    );
}

#[test]
fn the_drain_has_a_deadline() {
    let origin = Origin::start(|mut stream, _| {
        let mut buffer = [0; 1024];
        let _ = stream.read(&mut buffer);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n");
        while stream.write_all(b"data: tick\n\n").is_ok() {
            thread::sleep(Duration::from_millis(50));
        }
    });
    let mut gateway = World::before(&origin)
        .with("shutdown: { drain: 1s }")
        .start();
    let mut client = gateway.client();
    client.send(b"GET /endless HTTP/1.1\r\nHost: a.test\r\n\r\n");
    assert!(!client.read_at_least(100, PATIENCE).is_empty());
    gateway.signal("TERM");
    let status = gateway
        .exit_within(Duration::from_secs(8))
        .expect("it ends although the answer does not");
    assert_eq!(status.code(), Some(0));
    let records = gateway.records();
    assert!(
        records.iter().any(|record| record["path"] == "/endless"),
        "cut off, but recorded: {records:?}"
    );
}

/// Runs a gateway that should end by itself; its exit code and what it said.
fn run_to_end(yaml: &str) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("gateway.yaml");
    std::fs::write(&file, yaml).expect("a file");
    let output = Command::new(env!("CARGO_BIN_EXE_portcullis"))
        .args(["run", "--config"])
        .arg(&file)
        .output()
        .expect("it can be started");
    (
        output.status.code(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

#[test]
fn an_address_in_use_is_refused_with_a_sentence() {
    let origin = plain();
    let gateway = World::before(&origin).start();
    let world = World::before(&origin).with("records: { output: none }");
    // SO_REUSEPORT would let a second gateway take half of the first one's connections.
    let listener = world
        .clone()
        .listener(&format!("address: \"{}\"", gateway.address()))
        .yaml();
    let admin = world.yaml().replace(
        "admin: { address: \"127.0.0.1:0\" }",
        &format!("admin: {{ address: \"{}\" }}", gateway.admin()),
    );
    for (yaml, address) in [(listener, gateway.address()), (admin, gateway.admin())] {
        let (code, words) = run_to_end(&yaml);
        assert_eq!(code, Some(1), "{words}");
        assert!(
            words.contains(&address.to_string()) && words.contains("in use"),
            "{words}"
        );
    }
    for _ in 0..10 {
        assert_eq!(get(gateway.address(), "/").status, 200);
    }
}

#[test]
fn a_bad_file_starts_nothing() {
    let origin = plain();
    let port = free_port();
    let yaml = World::before(&origin)
        .listener(&format!("address: \"127.0.0.1:{port}\""))
        .policy("mode: enforced, limit: []")
        .with("records: { output: none }")
        .yaml();
    let (code, words) = run_to_end(&yaml);
    assert_eq!(code, Some(1));
    assert!(
        words.contains("enforced") && words.contains("limit"),
        "all mistakes at once: {words}"
    );
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
}
