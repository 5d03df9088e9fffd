//! `portcullis eval --behaviour`: recorded sessions, access logs and simulated attacks go through the behaviour stage as
//! a gateway would send them, in this process, by their own clock and without rate limits. What comes out is held
//! against the bars of the table.

pub(in crate::command) mod gateway;
mod logs;
mod sessions;
pub(in crate::command) mod simulated;
mod table;

use std::path::Path;
use std::process::ExitCode;

use serde_json::Value;

use super::super::say;
use super::{WrongFile, create, write_lines};
use crate::cli::EvalArgs;
use gateway::Gateway;
use table::Row;

/// What became of one client of a set.
#[derive(Clone, Debug, Default)]
pub struct Fate {
    /// Requests, those included that the wire would refuse.
    pub requests: usize,
    /// Requests that were throttled for behaviour.
    pub throttled: usize,
    /// Which request was the first to be denied or banned for behaviour, from 1.
    pub banned: Option<usize>,
    /// Requests that the signatures alone stopped.
    pub signatures: usize,
    /// What was found at the first stop.
    pub cause: Option<String>,
}

impl Fate {
    /// Counts what was done about the next request.
    fn add(&mut self, ruling: &gateway::Ruling) {
        self.requests += 1;
        if !ruling.decision.is_stop() {
            return;
        }
        let Some(finding) = &ruling.finding else {
            self.signatures += 1;
            return;
        };
        if ruling.decision == crate::simulate::Decision::Throttled {
            self.throttled += 1;
        } else {
            self.banned.get_or_insert(self.requests);
        }
        self.cause.get_or_insert_with(|| finding.text());
    }
}

/// Replays what is chosen and prints the table.
///
/// # Errors
/// When a set cannot be read, or the rules do not compile.
pub fn run(args: &EvalArgs, folder: &Path) -> anyhow::Result<ExitCode> {
    let wants = |name: &str| {
        let all = args.set.is_empty();
        all || args.set.iter().any(|set| name.contains(set.as_str()))
    };
    let rules = args.rules.as_deref();
    let identity = portcullis_config::Identity::default();
    let mut wrong = args.wrong.as_deref().map(create).transpose()?;
    let mut rows: Vec<Row> = Vec::new();
    if wants(sessions::SET) {
        let mut gateway = Gateway::new(rules, &identity)?;
        let fates = sessions::replay(&mut gateway, folder, args.seed)?;
        note_harmless(sessions::SET, &fates, &mut wrong)?;
        rows.extend(table::harmless(sessions::SET, "sessions", &fates));
    }
    if wants(logs::ACCESS) {
        let mut gateway = Gateway::new(rules, &identity)?;
        let fates = logs::people(&mut gateway, folder)?;
        note_harmless(logs::ACCESS, &fates, &mut wrong)?;
        rows.extend(table::harmless(logs::ACCESS, "addresses", &fates));
    }
    for set in logs::SCANNERS.into_iter().filter(|set| wants(set)) {
        let mut gateway = Gateway::new(rules, &identity)?;
        let fates = logs::replay(&mut gateway, folder, set)?;
        rows.push(table::scanner(set, &fates));
    }
    if wants(simulated::SET) {
        let seeds: Vec<u64> = (args.seed..args.seed.saturating_add(args.seeds)).collect();
        let runs = simulated::replay(rules, &seeds)?;
        for run in &runs {
            write_lines(&mut wrong, &run.wrong)?;
        }
        let tables: Vec<_> = runs.into_iter().map(|run| run.table).collect();
        rows.extend(table::simulated(&tables));
    }
    match args.json {
        true => say(&serde_json::to_string_pretty(&table::as_json(&rows))?),
        false => table::print(&rows),
    }
    let missed = rows.iter().any(|row| row.reached() == Some(false));
    Ok(match args.gate && missed {
        true => ExitCode::FAILURE,
        false => ExitCode::SUCCESS,
    })
}

fn note_harmless(set: &str, fates: &[(String, Fate)], wrong: &mut WrongFile) -> anyhow::Result<()> {
    let stopped = fates.iter().filter(|(_, fate)| fate.cause.is_some());
    let lines: Vec<Value> = stopped
        .map(|(who, fate)| {
            serde_json::json!({
                "set": set, "who": who, "requests": fate.requests, "throttled": fate.throttled,
                "banned_at": fate.banned, "cause": fate.cause,
            })
        })
        .collect();
    write_lines(wrong, &lines)
}
