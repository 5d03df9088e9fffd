//! `portcullis eval`: runs recorded requests, texts, payload lists and test suites through the engine, in this process,
//! and counts what it would have stopped. What it says about harmless sets decides whether a rule may stay as it is;
//! what it says about attacks, whether a release may go out.

mod access_log;
pub(in crate::command) mod behaviour;
mod catalogue;
mod crs;
mod gotestwaf;
mod graft;
pub(in crate::command) mod judge;
mod labelled;
#[cfg(any(test, feature = "mutation"))]
mod mutation;
mod naming;
mod payload;
mod random;
mod report;
mod request;
pub(in crate::command) mod sample;
mod spread;
mod table;
mod tally;
mod text;
mod yaml;

use std::cell::OnceCell;
use std::fs::File;
use std::io::{BufRead, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use portcullis_config as config;
use portcullis_detect::Detector;
use portcullis_detect::ensemble::Ensemble;
use serde_json::{Value, json};

use super::{list_problems, say};
use crate::cli::EvalArgs;
use crate::metrics::Metrics;
use crate::models::Models;
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

/// Evaluates the chosen sets and prints their figures. Exit code 0 whatever they are: they are an answer; only with
/// `--gate` is a bar of the table that is missed a failure.
///
/// # Errors
/// When the folder or a set cannot be read, or a line of a set is no record.
pub fn run(args: &EvalArgs) -> anyhow::Result<ExitCode> {
    let folder = args
        .data
        .clone()
        .or_else(|| std::env::var_os(DATA).map(PathBuf::from))
        .with_context(|| format!("which sets? Name their folder by --data or {DATA}"))?;
    if args.behaviour {
        return behaviour::run(args, &folder);
    }
    let rules = match rules::load(args.rules.as_deref()) {
        Ok(rules) => rules,
        Err(problems) => {
            list_problems(&problems, "eval");
            return Ok(ExitCode::FAILURE);
        }
    };
    let mut detector = Detector::new(rules);
    if let Some(manifest) = &args.ensemble {
        detector = detector.with_ensemble(models(manifest)?);
    }
    let mut judge = Judge::new(detector, args.paranoia);
    judge.keep_wrong = args.wrong.is_some();
    let mut plan = Plan {
        folder,
        judge,
        every: args.every,
        seed: args.seed,
        payloads: OnceCell::new(),
    };
    let mut wrong = args.wrong.as_deref().map(create).transpose()?;
    if args.mutate_sql {
        #[cfg(any(test, feature = "mutation"))]
        return mutation::run(&mut plan, args, &mut wrong);
        #[cfg(not(any(test, feature = "mutation")))]
        anyhow::bail!(
            "this build has no SQL parser to mutate {} injections for {} rounds with; build it with --features mutation",
            args.count,
            args.rounds
        );
    }
    if args.table {
        plan.print_table(args, &mut wrong)
    } else {
        plan.print_sets(args, &mut wrong)
    }
}

/// The models of a manifest, all of them or none.
fn models(manifest: &Path) -> anyhow::Result<Ensemble> {
    let config = config::Ensemble {
        enabled: true,
        required: true,
        manifest: Some(manifest.to_owned()),
        // An evaluation shares its cores with whatever else runs; what a model costs is measured elsewhere.
        deadline: config::Duration::from_secs(1),
        ..config::Ensemble::default()
    };
    let metrics = Metrics::new()?;
    let loaded = Models::load(&config, spread::MOST_THREADS, &metrics, &Models::none());
    let loaded = loaded.map_err(|problems| anyhow::anyhow!(problems.join("; ")))?;
    Ok(loaded.ensemble().clone())
}

type WrongFile = Option<BufWriter<File>>;

impl Plan {
    /// Judges the sets that are named, or all, and prints each.
    fn print_sets(&self, args: &EvalArgs, wrong: &mut WrongFile) -> anyhow::Result<ExitCode> {
        let mut sets: Vec<Value> = Vec::new();
        for set in &catalogue::find(&self.folder, &args.set)? {
            let judged = self.judge_set(set)?;
            write_lines(wrong, &judged.wrong)?;
            if args.json {
                sets.push(report::set_as_json(&judged.tally, args.top));
            } else {
                report::print(&judged.tally, args.top);
            }
        }
        let counts = self.payloads.get().map(|cleaned| &cleaned.counts);
        if args.json {
            let lists = counts.map(report::cleaning_as_json);
            let all = json!({ "sets": sets, "payload_lists": lists });
            say(&serde_json::to_string_pretty(&all)?);
        } else if let Some(counts) = counts {
            report::print_cleaning(counts);
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Judges the sets of the table and prints it. A set that is not there misses its bars.
    fn print_table(&mut self, args: &EvalArgs, wrong: &mut WrongFile) -> anyhow::Result<ExitCode> {
        let all = catalogue::find(&self.folder, &[])?;
        let mut results = table::Results::new();
        for (name, paranoia) in table::RUNS {
            if let Some(set) = all.iter().find(|set| set.name == name) {
                self.judge.policy.paranoia = paranoia;
                let judged = self.judge_set(set)?;
                write_lines(wrong, &judged.wrong)?;
                results.insert((name, paranoia), judged.tally);
            }
        }
        let (rows, naming) = (table::rows(&results), table::naming(&results));
        if args.json {
            say(&serde_json::to_string_pretty(&table::as_json(
                &rows, &naming,
            ))?);
        } else {
            table::print(&rows);
            naming.print();
        }
        let missed = rows.iter().any(|row| row.reached() == Some(false));
        Ok(match args.gate && missed {
            true => ExitCode::FAILURE,
            false => ExitCode::SUCCESS,
        })
    }

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
            Kind::Gotestwaf => gotestwaf::samples(&set.place, self.every, sink),
            Kind::Crs => crs::samples(&set.place, self.every, sink),
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

fn create(file: &Path) -> anyhow::Result<BufWriter<File>> {
    let created =
        File::create(file).with_context(|| format!("{} cannot be written", file.display()))?;
    Ok(BufWriter::new(created))
}

fn write_lines(file: &mut WrongFile, lines: &[Value]) -> anyhow::Result<()> {
    let Some(file) = file else {
        return Ok(());
    };
    let failed = "the list of wrong verdicts cannot be written";
    for line in lines {
        writeln!(file, "{line}").context(failed)?;
    }
    file.flush().context(failed)
}

#[cfg(test)]
mod tests;
