//! Several gateways that share limits and bans through a real server: within the stated bound, with the server halted
//! or killed in the middle, and through a cluster.

use std::time::{Duration, Instant};
use std::{process, thread};

use crate::harness::client::{PATIENCE, Response};
use crate::harness::origin::ok;
use crate::harness::redis::{PASSWORD, Redis};
use crate::harness::{Client, Gateway, Origin, World};

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const INTERVAL: Duration = Duration::from_millis(100);

fn plain() -> Origin {
    Origin::answering(|seen| ok(seen, "origin"))
}

fn world(origin: &Origin, servers: &[&Redis], policy: &str) -> World {
    let urls: Vec<String> = servers
        .iter()
        .map(|redis| format!("\"{}\"", redis.url()))
        .collect();
    World::before(origin).policy(policy).with(&format!(
        "trusted_proxies: [\"127.0.0.1/32\"]
behaviour: {{ enabled: true }}
share: {{ redis: [{}], password: {PASSWORD}, secret: {SECRET}, interval: {}ms }}",
        urls.join(", "),
        INTERVAL.as_millis()
    ))
}

/// So many gateways of one world, all of which share.
fn start(world: &World, count: usize) -> Vec<Gateway> {
    let gateways: Vec<Gateway> = (0..count).map(|_| world.start()).collect();
    gateways
        .iter()
        .for_each(|gateway| gateway.await_metric("portcullis_share_up", 1.0));
    gateways
}

fn ask(connection: &mut Client, client: &str) -> Response {
    connection.send(
        format!("GET / HTTP/1.1\r\nHost: a.test\r\nX-Forwarded-For: {client}\r\n\r\n").as_bytes(),
    );
    connection.response(PATIENCE).expect("an answer")
}

fn status(gateway: &Gateway, client: &str) -> u16 {
    ask(&mut gateway.client(), client).status
}

/// Waits until the gateway answers a client so, and says how long that took.
fn await_status(gateway: &Gateway, client: &str, wanted: u16, patience: Duration) -> Duration {
    let begun = Instant::now();
    loop {
        let found = status(gateway, client);
        if found == wanted {
            return begun.elapsed();
        }
        assert!(
            begun.elapsed() < patience,
            "{found} after {patience:?}: {}",
            gateway.log()
        );
        thread::sleep(Duration::from_millis(10));
    }
}

fn bans(gateway: &Gateway, arguments: &[&str]) {
    let state = gateway.folder().join(".portcullis/0");
    let output = process::Command::new(env!("CARGO_BIN_EXE_portcullis"))
        .arg("bans")
        .args(arguments)
        .arg("--state-dir")
        .arg(state)
        .output()
        .expect("the command runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// How a crowd of requests to all gateways in turn fared.
struct Crowd {
    passed: u32,
    sent: u32,
    took: Duration,
    slowest: Duration,
    median: Duration,
}

/// Sends a round of one request to each gateway every `pause`, for `time`. Each answer must be 200 or 429.
fn crowd(gateways: &[Gateway], client: &str, time: Duration, pause: Duration) -> Crowd {
    let mut connections: Vec<Client> = gateways.iter().map(Gateway::client).collect();
    let (begun, mut passed, mut times) = (Instant::now(), 0, Vec::new());
    while begun.elapsed() < time {
        for connection in &mut connections {
            let asked = Instant::now();
            let answer = ask(connection, client).status;
            times.push(asked.elapsed());
            assert!(matches!(answer, 200 | 429), "{answer}");
            passed += u32::from(answer == 200);
        }
        thread::sleep(pause);
    }
    times.sort();
    Crowd {
        passed,
        sent: times.len() as u32,
        took: begun.elapsed(),
        slowest: times[times.len() - 1],
        median: times[times.len() / 2],
    }
}

#[test]
fn three_gateways_hold_one_limit_within_the_bound() {
    let (origin, redis) = (plain(), Redis::start());
    let (burst, rate, nodes) = (200, 1.0, 3);
    let world = world(
        &origin,
        &[&redis],
        "limits: [{ key: client, rate: 60/min, burst: 200 }]",
    );
    let gateways = start(&world, nodes);
    let crowd = crowd(
        &gateways,
        "198.51.100.1",
        Duration::from_secs(4),
        Duration::from_millis(10),
    );
    let speed = f64::from(crowd.sent) / crowd.took.as_secs_f64();
    // Two intervals, and what a busy machine may add to them.
    let delay = (2 * INTERVAL + Duration::from_millis(200)).as_secs_f64();
    let others = (nodes - 1) as f64 / nodes as f64;
    let fair = f64::from(burst) + rate * crowd.took.as_secs_f64();
    let bound = fair + others * speed * delay;
    println!(
        "{} of {} passed in {:?} at {speed:.0}/s; one gateway would pass {fair:.0}, the bound is {bound:.0}, three that do not share pass up to {:.0}",
        crowd.passed,
        crowd.sent,
        crowd.took,
        fair * 3.0
    );
    assert!(
        f64::from(crowd.passed) <= bound,
        "{} > {bound}",
        crowd.passed
    );
    assert!(
        f64::from(crowd.passed) >= f64::from(burst),
        "nobody is refused early"
    );
    assert!(
        bound < fair * 2.0,
        "the machine is too slow for this test to tell anything"
    );
    assert!(gateways[0].metric("portcullis_share_batches_total{direction=\"received\"") > 1.0);
    for gateway in &gateways {
        assert_eq!(
            gateway.metric("portcullis_share_dropped_total"),
            0.0,
            "{}",
            gateway.metrics()
        );
        assert_eq!(
            status(gateway, "198.51.100.2"),
            200,
            "another client is not concerned"
        );
    }
}

#[test]
fn who_was_refused_is_let_in_again_after_a_rest() {
    let (origin, redis) = (plain(), Redis::start());
    let world = world(
        &origin,
        &[&redis],
        "limits: [{ key: client, rate: 10/s, burst: 10 }]",
    );
    let gateways = start(&world, 3);
    // Hundreds of requests are refused; only what passed may count.
    let crowd = crowd(
        &gateways,
        "198.51.100.1",
        Duration::from_secs(3),
        Duration::from_millis(5),
    );
    assert!(
        crowd.sent > 3 * crowd.passed,
        "{} of {}",
        crowd.passed,
        crowd.sent
    );
    for gateway in &gateways {
        // 64 requests may be owed at the most, at 10 in a second.
        await_status(gateway, "198.51.100.1", 200, Duration::from_secs(8));
    }
}

#[test]
fn a_ban_holds_everywhere_within_a_second_and_is_lifted_everywhere() {
    let (origin, redis) = (plain(), Redis::start());
    let world = world(&origin, &[&redis], "limits: []");
    let mut gateways = start(&world, 3);
    bans(&gateways[0], &["add", "198.51.100.7", "--for", "1h"]);
    for gateway in &gateways {
        let took = await_status(gateway, "198.51.100.7", 403, Duration::from_secs(1));
        println!("banned after {took:?}");
        assert_eq!(status(gateway, "198.51.100.8"), 200);
    }
    gateways.push(world.start());
    await_status(&gateways[3], "198.51.100.7", 403, Duration::from_secs(5));
    bans(&gateways[1], &["remove", "198.51.100.7"]);
    for gateway in &gateways {
        await_status(gateway, "198.51.100.7", 200, Duration::from_secs(1));
    }
    gateways.push(world.start());
    gateways[4].await_metric("portcullis_share_up", 1.0);
    assert_eq!(
        status(&gateways[4], "198.51.100.7"),
        200,
        "lifted for who comes later, too"
    );
}

#[test]
fn without_the_secret_nobody_can_ban() {
    let (origin, redis) = (plain(), Redis::start());
    let gateways = start(&world(&origin, &[&redis], "limits: []"), 1);
    assert!(
        redis
            .command("XADD {portcullis}:events * m forged")
            .starts_with('$')
    );
    gateways[0].await_metric("portcullis_share_dropped_total{reason=\"unsigned\"", 1.0);
    assert_eq!(status(&gateways[0], "198.51.100.7"), 200);
    assert_eq!(gateways[0].metric("portcullis_share_up"), 1.0);
}

/// Kills or halts the server in the middle of a crowd, and brings it back.
fn lose(go: impl FnOnce(&mut Redis), back: impl FnOnce(&mut Redis)) {
    let (origin, mut redis) = (plain(), Redis::start());
    let world = world(
        &origin,
        &[&redis],
        "limits: [{ key: client, rate: 60/min, burst: 50 }]",
    );
    let gateways = start(&world, 3);
    let (time, pause) = (Duration::from_secs(2), Duration::from_millis(10));
    bans(&gateways[0], &["add", "198.51.100.9"]);
    for gateway in &gateways {
        await_status(gateway, "198.51.100.9", 403, Duration::from_secs(1));
    }
    let before = crowd(&gateways, "198.51.100.1", time, pause);
    go(&mut redis);
    let without = crowd(&gateways, "198.51.100.2", time * 2, pause);
    println!(
        "median {:?}, slowest {:?} with the server; median {:?}, slowest {:?} without",
        before.median, before.slowest, without.median, without.slowest
    );
    assert!(
        without.median < before.median + Duration::from_millis(5),
        "{:?}",
        without.median
    );
    assert!(
        (150..=170).contains(&without.passed),
        "each alone: {}",
        without.passed
    );
    gateways
        .iter()
        .for_each(|gateway| gateway.await_metric("portcullis_share_up", 0.0));
    bans(&gateways[0], &["add", "198.51.100.7", "--for", "1h"]);
    assert_eq!(status(&gateways[0], "198.51.100.7"), 403);
    assert_eq!(
        status(&gateways[1], "198.51.100.7"),
        200,
        "nobody could tell it"
    );
    bans(&gateways[0], &["remove", "198.51.100.9"]);
    assert_eq!(status(&gateways[1], "198.51.100.9"), 403, "nor this");
    back(&mut redis);
    // The longest pause between attempts is 7.5 s, an attempt may take 4 s.
    for gateway in &gateways[1..] {
        let took = await_status(gateway, "198.51.100.7", 403, Duration::from_secs(25));
        println!("sharing again after {took:?}");
        gateway.await_metric("portcullis_share_up", 1.0);
    }
    gateways[0].await_metric("portcullis_share_up", 1.0);
    for gateway in &gateways {
        await_status(gateway, "198.51.100.9", 200, Duration::from_secs(3));
    }
    let after = crowd(&gateways, "198.51.100.3", time, pause);
    println!("{} of {} passed afterwards", after.passed, after.sent);
    assert!(
        (50..130).contains(&after.passed),
        "one limit again: {}",
        after.passed
    );
}

#[test]
fn a_server_that_is_killed_stops_nobody() {
    lose(Redis::kill, Redis::restart);
}

#[test]
fn a_server_that_hangs_stops_nobody() {
    lose(|redis| redis.signal("STOP"), |redis| redis.signal("CONT"));
}

#[test]
fn a_gateway_starts_without_the_server_and_shares_once_it_is_there() {
    let (origin, mut redis) = (plain(), Redis::start());
    redis.kill();
    let gateway = world(&origin, &[&redis], "limits: []").start();
    assert_eq!(status(&gateway, "198.51.100.1"), 200);
    redis.restart();
    let end = Instant::now() + Duration::from_secs(15);
    while gateway.metric("portcullis_share_up") < 1.0 {
        assert!(Instant::now() < end, "{}", gateway.log());
        thread::sleep(Duration::from_millis(50));
    }
    assert!(!gateway.log().contains(PASSWORD) && !gateway.log().contains(SECRET));
}

#[test]
fn a_cluster_carries_it_too() {
    let (origin, cluster) = (plain(), Redis::cluster());
    let [a, b, c] = &cluster;
    let world = world(
        &origin,
        &[a, b, c],
        "limits: [{ key: client, rate: 1/min, burst: 100 }]",
    );
    let gateways = start(&world, 2);
    bans(&gateways[0], &["add", "198.51.100.7", "--for", "1h"]);
    await_status(&gateways[1], "198.51.100.7", 403, Duration::from_secs(1));
    let crowd = crowd(
        &gateways,
        "198.51.100.1",
        Duration::from_secs(2),
        Duration::from_millis(10),
    );
    println!("{} of {} passed", crowd.passed, crowd.sent);
    assert!((100..180).contains(&crowd.passed), "{}", crowd.passed);
}

#[test]
fn a_server_behind_tls_is_used_only_if_it_is_vouched_for() {
    let (origin, redis) = (plain(), Redis::start_with_tls());
    let (url, certificate) = redis.encrypted();
    let world = |ca: &str| {
        World::before(&origin)
            .policy("limits: [{ key: client, rate: 60/min, burst: 5 }]")
            .with(&format!(
                "share: {{ redis: [\"{url}\"], password: {PASSWORD}, secret: {SECRET}{ca} }}"
            ))
    };
    let trusting = world(&format!(", ca: {}", certificate.display()));
    let gateways = start(&trusting, 2);
    for _ in 0..5 {
        assert_eq!(status(&gateways[0], "127.0.0.1"), 200);
    }
    await_status(&gateways[1], "127.0.0.1", 429, Duration::from_secs(5));

    let wary = world("").start();
    let end = Instant::now() + Duration::from_secs(10);
    while !wary.log().contains("invalid peer certificate") {
        assert!(Instant::now() < end, "{}", wary.log());
        thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(wary.metric("portcullis_share_up"), 0.0);
    assert_eq!(status(&wary, "127.0.0.1"), 200, "it decides alone");
}
