//! `portcullis eval`: runs recorded requests, texts, payload lists and test suites through the engine, in this process,
//! and counts what it would have stopped. What it says about harmless sets decides whether a rule may stay as it is;
//! what it says about attacks, whether a release may go out.

mod access_log;
mod catalogue;
mod graft;
mod judge;
mod labelled;
mod payload;
mod random;
mod report;
mod request;
mod sample;
mod spread;
mod tally;
mod text;

use std::cell::OnceCell;
use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use portcullis_detect::Detector;
use serde_json::{Value, json};

use super::{list_problems, say};
use crate::cli::EvalArgs;
use crate::rules;
use catalogue::{Found, Kind, PAYLOADS, REQUESTS};
use graft::base::Bases;
use judge::{Judge, Judged};
use payload::clean::{self, Cleaned};
use payload::lists;
use sample::{Sieve, Sink};

/// Names the folder of the sets where `--data` does not.
const DATA: &str = "PORTCULLIS_DATA";

/// What is judged, and how.
struct Plan {
    /// The folder of the sets.
    folder: PathBuf,
    judge: Judge,
    /// One item of each so many is judged.
    every: usize,
    /// Decides what is grafted where.
    seed: u64,
    /// The payloads to graft, once they were read.
    payloads: OnceCell<Cleaned>,
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
    let mut judge = Judge::new(Detector::new(rules), args.paranoia);
    judge.keep_wrong = args.wrong.is_some();
    let plan = Plan {
        folder,
        judge,
        every: args.every,
        seed: args.seed,
        payloads: OnceCell::new(),
    };
    let found = catalogue::find(&plan.folder, &args.set)?;
    let mut wrong = args.wrong.as_deref().map(create).transpose()?;
    let mut sets = Vec::new();
    for set in &found {
        let judged = plan.judge_set(set)?;
        if let Some(file) = &mut wrong {
            write_lines(file, &judged.wrong)?;
        }
        if !args.json {
            report::print(&judged.tally, args.top);
        }
        sets.push(judged.tally);
    }
    let cleaned = plan.payloads.get();
    if args.json {
        let sets: Vec<Value> = sets
            .iter()
            .map(|set| report::set_as_json(set, args.top))
            .collect();
        let cleaning = cleaned.map(|cleaned| report::cleaning_as_json(&cleaned.counts));
        say(&serde_json::to_string_pretty(
            &json!({ "sets": sets, "payload_lists": cleaning }),
        )?);
    } else if let Some(cleaned) = cleaned {
        report::print_cleaning(&cleaned.counts);
    }
    Ok(ExitCode::SUCCESS)
}

impl Plan {
    fn judge_set(&self, set: &Found) -> anyhow::Result<Judged> {
        self.judge.set(&set.name, |sink| self.samples(set, sink))
    }

    /// Hands over the samples of a set.
    fn samples(&self, set: &Found, sink: &mut Sink<'_>) -> anyhow::Result<()> {
        match set.kind {
            Kind::Requests => self.lines(&set.place, &mut |line| sink(sample::recorded(line)?)),
            Kind::Texts => self.lines(&set.place, &mut |line| {
                sample::text(line)?.into_iter().try_for_each(&mut *sink)
            }),
            Kind::AccessLog => access_log::samples(&set.place, self.every, sink),
            Kind::Params => labelled::params(&set.place, self.every, sink),
            Kind::Libinjection => labelled::libinjection(&set.place, self.every, sink),
            Kind::Graft => {
                let bases = Bases::read(&set.place, self.seed)?;
                let payloads = &self.payloads()?.kept;
                graft::samples(payloads, &bases, self.seed, self.every, sink)
            }
        }
    }

    /// Takes each line of a gzipped file that is to be judged.
    fn lines(
        &self,
        file: &Path,
        take: &mut dyn FnMut(&str) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let mut sieve = Sieve::new(self.every);
        for (index, line) in catalogue::open(file)?.lines().enumerate() {
            let place = || format!("{}:{}", file.display(), index + 1);
            let line = line.with_context(place)?;
            if sieve.keeps() && !line.trim().is_empty() {
                take(&line).with_context(place)?;
            }
        }
        Ok(())
    }

    /// The payloads of all lists, cleaned.
    fn payloads(&self) -> anyhow::Result<&Cleaned> {
        if let Some(cleaned) = self.payloads.get() {
            return Ok(cleaned);
        }
        let payloads = lists::read(&self.folder.join(PAYLOADS))?;
        let cleaned = clean::clean(payloads, &self.folder.join(REQUESTS))?;
        Ok(self.payloads.get_or_init(|| cleaned))
    }
}

fn create(file: &Path) -> anyhow::Result<std::io::BufWriter<std::fs::File>> {
    let created = std::fs::File::create(file)
        .with_context(|| format!("{} cannot be written", file.display()))?;
    Ok(std::io::BufWriter::new(created))
}

fn write_lines(file: &mut impl Write, lines: &[Value]) -> anyhow::Result<()> {
    for line in lines {
        writeln!(file, "{line}").context("the list of wrong verdicts cannot be written")?;
    }
    file.flush()
        .context("the list of wrong verdicts cannot be written")
}

#[cfg(test)]
mod tests;
