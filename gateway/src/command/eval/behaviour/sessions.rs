//! Sessions of browsers: recorded without times, so that gaps between requests are drawn.

use std::collections::BTreeMap;
use std::io::BufRead;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use anyhow::Context;
use portcullis_detect::ruletest::OwnedRequest;
use serde::Deserialize;

use super::Fate;
use super::gateway::{Gateway, Reply, Sender};
use crate::command::eval::random::Random;
use crate::command::eval::{catalogue, sample};

/// The set.
pub const SET: &str = "requests/browser_benign.valid";

/// Seconds between two requests of a session: no fewer, no more.
const GAP: (f64, f64) = (0.05, 3.0);
/// Seconds within which the sessions begin.
const SPREAD: f64 = 7200.0;
/// When the first of them may begin: Monday, 2 March 2026, 10:00 UTC.
const BEGIN: f64 = 1_772_445_600.0;

/// Where a line belongs.
#[derive(Deserialize)]
struct Seat {
    session: String,
    seq: u32,
}

/// Replays the sessions, each from an address of its own; what became of each.
///
/// # Errors
/// When the set cannot be read.
pub fn replay(
    gateway: &mut Gateway,
    folder: &Path,
    seed: u64,
) -> anyhow::Result<Vec<(String, Fate)>> {
    let sessions = read(&folder.join(format!("{SET}.jsonl.gz")))?;
    let mut fates: Vec<(String, Fate)> = Vec::new();
    let mut all: Vec<(f64, usize, &OwnedRequest)> = Vec::new();
    for (index, (name, requests)) in sessions.iter().enumerate() {
        fates.push((name.clone(), Fate::default()));
        let mut draw = Random::of(seed, index);
        let mut time = BEGIN + between(&mut draw, 0.0, SPREAD);
        for (_, request) in requests {
            all.push((time, index, request));
            time += between(&mut draw, GAP.0, GAP.1);
        }
    }
    all.sort_by(|one, other| one.0.total_cmp(&other.0));
    for (time, index, request) in all {
        let sender = Sender {
            time,
            client: address(index),
            system: None,
            country: None,
        };
        let ruling = gateway.judge(&sender, request);
        fates[index].1.add(&ruling);
        let fine = Reply {
            status: 200,
            ..Reply::default()
        };
        gateway.learn(&ruling, ruling.decision.let_through().then_some(fine));
    }
    Ok(fates)
}

type Sessions = BTreeMap<String, Vec<(u32, OwnedRequest)>>;

fn read(file: &Path) -> anyhow::Result<Sessions> {
    let mut sessions = Sessions::new();
    for (index, line) in catalogue::open(file)?.lines().enumerate() {
        let place = || format!("{}:{}", file.display(), index + 1);
        let line = line.with_context(place)?;
        if line.trim().is_empty() {
            continue;
        }
        let seat: Seat = serde_json::from_str(&line).with_context(place)?;
        let request = sample::recorded(&line).with_context(place)?.request;
        let session = sessions.entry(seat.session).or_default();
        session.push((seat.seq, request));
    }
    for session in sessions.values_mut() {
        session.sort_by_key(|(seq, _)| *seq);
    }
    Ok(sessions)
}

/// Of the networks that are set aside for measurements (RFC 2544).
fn address(index: usize) -> IpAddr {
    let low = (index & 0x1_ffff) as u32;
    IpAddr::V4(Ipv4Addr::from_bits(
        Ipv4Addr::new(198, 18, 0, 0).to_bits() | low,
    ))
}

fn between(draw: &mut Random, low: f64, high: f64) -> f64 {
    const STEPS: usize = 1 << 24;
    low + (high - low) * draw.below(STEPS) as f64 / STEPS as f64
}
