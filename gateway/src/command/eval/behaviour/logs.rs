//! Access logs: each line is a request by its own time, and its status and size are the answer.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use regex_automata::meta::Regex;
use serde::Deserialize;

use super::Fate;
use super::gateway::{Gateway, Reply, Sender};
use crate::command::eval::access_log::{self, entries};

/// A log of people, and of crawlers, whose addresses are left out.
pub const ACCESS: &str = "behaviour/apache_access";

/// Logs of one scanner each.
pub const SCANNERS: [&str; 3] = [
    "behaviour/scanner_acunetix",
    "behaviour/scanner_netsparker",
    "behaviour/scanner_w3af",
];

/// Patterns of crawlers' user agents.
const CRAWLERS: &str = "behaviour/crawler_user_agents.json";

#[derive(Deserialize)]
struct Crawler {
    pattern: String,
}

/// Replays a log in the order of its times; what became of each address, in order of appearance.
///
/// # Errors
/// When it cannot be read, or a line has no address or no date.
pub fn replay(
    gateway: &mut Gateway,
    folder: &Path,
    set: &str,
) -> anyhow::Result<Vec<(String, Fate)>> {
    run(gateway, &read(folder, set)?)
}

/// The same for the log of people: only addresses count that never showed a crawler's agent, but all are replayed.
///
/// # Errors
/// As [`replay`], or when the patterns of crawlers cannot be read.
pub fn people(gateway: &mut Gateway, folder: &Path) -> anyhow::Result<Vec<(String, Fate)>> {
    let lines = read(folder, ACCESS)?;
    let crawlers = crawlers(&folder.join(CRAWLERS))?;
    let mut crawls: HashMap<&str, bool> = HashMap::new();
    for line in &lines {
        *crawls.entry(&line.entry.client).or_default() |= crawlers.is_match(&line.entry.agent);
    }
    let mut fates = run(gateway, &lines)?;
    fates.retain(|(who, _)| crawls.get(who.as_str()) == Some(&false));
    Ok(fates)
}

struct Line {
    time: i64,
    client: IpAddr,
    entry: access_log::Entry,
}

fn read(folder: &Path, set: &str) -> anyhow::Result<Vec<Line>> {
    let file = folder.join(format!("{set}.log"));
    let mut lines = Vec::new();
    entries(&file, &mut |entry| {
        let unreadable = || format!("{}: {:?} is no address", file.display(), entry.client);
        let client = entry.client.parse().with_context(unreadable)?;
        let time = entry
            .time
            .with_context(|| format!("{}: a line without a date", file.display()))?;
        lines.push(Line {
            time,
            client,
            entry,
        });
        Ok(())
    })?;
    // Lines of one second keep their order.
    lines.sort_by_key(|line| line.time);
    Ok(lines)
}

fn run(gateway: &mut Gateway, lines: &[Line]) -> anyhow::Result<Vec<(String, Fate)>> {
    let mut fates: Vec<(String, Fate)> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    for line in lines {
        let place = match places.entry(&line.entry.client) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(new) => {
                fates.push((line.entry.client.clone(), Fate::default()));
                *new.insert(fates.len() - 1)
            }
        };
        let Some(request) = access_log::request(&line.entry) else {
            fates[place].1.requests += 1;
            continue;
        };
        let sender = Sender {
            time: line.time as f64,
            client: line.client,
            system: None,
            country: None,
        };
        let ruling = gateway.judge(&sender, &request);
        fates[place].1.add(&ruling);
        let reply = Reply {
            status: line.entry.status,
            bytes: line.entry.bytes,
            latency: Duration::ZERO,
        };
        gateway.learn(&ruling, ruling.decision.let_through().then_some(reply));
    }
    Ok(fates)
}

fn crawlers(file: &Path) -> anyhow::Result<Regex> {
    let unreadable = || format!("{} cannot be read", file.display());
    let text = std::fs::read(file).with_context(unreadable)?;
    let crawlers: Vec<Crawler> = serde_json::from_slice(&text).with_context(unreadable)?;
    let patterns: Vec<&str> = crawlers.iter().map(|one| one.pattern.as_str()).collect();
    Regex::new_many(&patterns).with_context(unreadable)
}
