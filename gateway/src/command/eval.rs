//! `portcullis eval`: runs recorded requests and texts through the engine, in this process, and counts what it would
//! have stopped. What it says about harmless sets decides whether a rule may stay as it is.

mod report;
mod sample;
mod tally;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context;
use flate2::read::MultiGzDecoder;
use portcullis_detect::{Detector, Policy, Subjects, SystemClock, Worker};

use super::{list_problems, say};
use crate::cli::EvalArgs;
use crate::rules;
use sample::Kind;
use tally::SetTally;

/// Names the folder of the sets where `--data` does not.
const DATA: &str = "PORTCULLIS_DATA";

/// Which requests of a set are judged, and how.
struct Plan {
    detector: Detector,
    policy: Policy,
    /// One line of each so many is judged.
    every: usize,
}

/// Evaluates the chosen sets and prints a table per set. Exit code 0 whatever the figures: they are an answer.
///
/// # Errors
/// When the folder or a set cannot be read, or a line of a set is no record.
pub fn run(args: &EvalArgs) -> anyhow::Result<ExitCode> {
    let folder = args
        .data
        .clone()
        .or_else(|| std::env::var_os(DATA).map(PathBuf::from))
        .with_context(|| format!("which sets? Name their folder by --data or {DATA}"))?;
    let rules = match rules::load(args.rules.as_deref()) {
        Ok(rules) => rules,
        Err(problems) => {
            list_problems(&problems, "eval");
            return Ok(ExitCode::FAILURE);
        }
    };
    let plan = Plan {
        detector: Detector::new(rules),
        policy: Policy {
            paranoia: args.paranoia,
            ..Policy::default()
        },
        every: args.every.max(1),
    };
    let mut sets = Vec::new();
    for (name, file, kind) in find(&folder, &args.set)? {
        let set = judge_set(&plan, &name, &file, kind)?;
        if !args.json {
            report::print(&set, args.top);
        }
        sets.push(set);
    }
    if args.json {
        say(&serde_json::to_string_pretty(&report::as_json(
            &sets, args.top,
        ))?);
    }
    Ok(ExitCode::SUCCESS)
}

/// The sets below `folder` that `wanted` names (all if it names none), by name.
fn find(folder: &Path, wanted: &[String]) -> anyhow::Result<Vec<(String, PathBuf, Kind)>> {
    let mut found = Vec::new();
    for (part, kind) in [("requests", Kind::Requests), ("text", Kind::Texts)] {
        let part_folder = folder.join(part);
        if !part_folder.is_dir() {
            continue;
        }
        let entries = std::fs::read_dir(&part_folder)
            .with_context(|| format!("{} cannot be read", part_folder.display()))?;
        for entry in entries {
            let file = entry?.path();
            let name = file.file_name().and_then(|name| name.to_str());
            let Some(stem) = name.and_then(|name| name.strip_suffix(".jsonl.gz")) else {
                continue;
            };
            let name = format!("{part}/{stem}");
            if wanted.is_empty() || wanted.iter().any(|want| want == stem || *want == name) {
                found.push((name, file, kind));
            }
        }
    }
    found.sort_by(|one, other| one.0.cmp(&other.0));
    for want in wanted {
        let known = found
            .iter()
            .any(|(name, ..)| name == want || name.ends_with(&format!("/{want}")));
        anyhow::ensure!(
            known,
            "{} holds no set {want:?}: neither requests/{want}.jsonl.gz nor text/{want}.jsonl.gz",
            folder.display()
        );
    }
    anyhow::ensure!(
        !found.is_empty(),
        "{} holds no set: neither requests/*.jsonl.gz nor text/*.jsonl.gz",
        folder.display()
    );
    Ok(found)
}

fn judge_set(plan: &Plan, name: &str, file: &Path, kind: Kind) -> anyhow::Result<SetTally> {
    let opened =
        std::fs::File::open(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let lines = BufReader::new(MultiGzDecoder::new(BufReader::new(opened))).lines();
    let mut worker = Worker::default();
    let mut set = SetTally::new(name);
    for (index, line) in lines.enumerate() {
        let place = || format!("{}, line {}", file.display(), index + 1);
        let line = line.with_context(place)?;
        if index % plan.every != 0 || line.trim().is_empty() {
            continue;
        }
        for sample in sample::read(&line, kind).with_context(place)? {
            let (verdict, took) = judge(plan, &mut worker, &sample);
            set.add(&sample, &verdict, took);
        }
    }
    Ok(set)
}

fn judge(
    plan: &Plan,
    worker: &mut Worker,
    sample: &sample::Sample,
) -> (portcullis_detect::Verdict, Duration) {
    let subjects = Subjects::of(sample.request.client);
    sample.request.with(|request| {
        let started = Instant::now();
        let verdict = plan
            .detector
            .inspect(worker, request, &plan.policy, &subjects, &SystemClock);
        (verdict, started.elapsed())
    })
}

#[cfg(test)]
mod tests;
