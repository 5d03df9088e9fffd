//! `eval --mutate-sql`: SQL injections of the lists in real requests, each rewritten for many rounds towards whatever
//! the engine scores lower, in ways that a SQL parser proves to mean the same. It says how many are still denied, by the
//! rules alone and with the models, and which ways of writing got through.

mod fold;
mod operator;
mod piece;
mod search;
mod statement;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashSet};
use std::process::ExitCode;

use anyhow::Context;
use portcullis_detect::Worker;
use serde_json::{Value, json};

use self::search::{Hunted, Quarry, hunt};
use self::statement::{Dialect, Meaning};
use super::super::say;
use super::catalogue::{self, GRAFT};
use super::graft::base::Bases;
use super::judge::Judge;
use super::payload::{Class, Payload};
use super::random::Random;
use super::spread::spread;
use super::tally::wilson;
use super::{Plan, WrongFile, write_lines};
use crate::cli::EvalArgs;

/// The share that has to be denied after all rounds, in percent.
const LEAST: f64 = 95.0;
/// After how many rounds the share is shown; further ones and the last come after these.
const SHOWN: [usize; 4] = [0, 1, 10, 100];
/// A longer line is no single injection.
const LONGEST: usize = 400;
/// How many operators are shown of what got through.
const OPERATORS_SHOWN: usize = 6;

/// Payloads with their meanings, and how many lines had none.
struct Drawn<'a> {
    kept: Vec<(&'a Payload, Meaning)>,
    tried: usize,
}

/// What became of all payloads before one judge.
struct Outcome<'a> {
    judge: &'static str,
    hunted: Vec<(&'a Payload, Dialect, Hunted)>,
}

/// Draws payloads, hunts each before the rules alone and, where there are models, before both, and prints the shares.
///
/// # Errors
/// When lists or request sets cannot be read, or no payload is an injection that a parser accepts.
pub fn run(plan: &mut Plan, args: &EvalArgs, wrong: &mut WrongFile) -> anyhow::Result<ExitCode> {
    let models = args.ensemble.is_some();
    let bases = bases(plan)?;
    plan.payloads()?;
    let payloads = &plan.payloads.get().context("they were read")?.kept;
    let drawn = draw(payloads, args.seed, args.count);
    anyhow::ensure!(
        !drawn.kept.is_empty(),
        "no line of the lists is an injection that a parser accepts"
    );
    let mut results = Vec::new();
    for (judge, asked) in [("rules", false), ("rules and models", true)] {
        if asked && !models {
            continue;
        }
        plan.judge.policy.ensemble = asked;
        let hunted = hunted(&plan.judge, &drawn, &bases, args)?;
        results.push(Outcome { judge, hunted });
    }
    for result in &results {
        write_lines(wrong, &result.got_through())?;
    }
    if args.json {
        let all: Vec<Value> = results
            .iter()
            .map(|result| result.as_json(args.rounds))
            .collect();
        say(&serde_json::to_string_pretty(&all)?);
    } else {
        print(&results, &drawn, args.rounds);
    }
    let missed = results
        .last()
        .is_some_and(|result| !result.reaches(args.rounds));
    Ok(match args.gate && missed {
        true => ExitCode::FAILURE,
        false => ExitCode::SUCCESS,
    })
}

/// The requests of all sets that payloads are grafted into.
fn bases(plan: &Plan) -> anyhow::Result<Vec<Bases>> {
    let sets = catalogue::find(&plan.folder, &[GRAFT.to_owned()])?;
    let read = sets.iter().map(|set| Bases::read(&set.place, plan.seed));
    read.collect()
}

/// Draws different lines of the class SQL that a parser accepts as an injection.
fn draw(payloads: &[Payload], seed: u64, count: usize) -> Drawn<'_> {
    let mut seen = HashSet::new();
    let fits = |payload: &&Payload| {
        // A line with a percent sign may be meant as escaped already: what it says is not certain.
        payload.class == Some(Class::Sql)
            && payload.text.len() <= LONGEST
            && !payload.text.contains('%')
    };
    let mut lines: Vec<&Payload> = payloads.iter().filter(fits).collect();
    lines.retain(|payload| seen.insert(payload.text.as_str()));
    let mut random = Random::of(seed, usize::MAX);
    let mut drawn = Drawn {
        kept: Vec::new(),
        tried: 0,
    };
    while drawn.kept.len() < count && !lines.is_empty() {
        let payload = lines.swap_remove(random.below(lines.len()));
        drawn.tried += 1;
        if let Some(meaning) = Meaning::of(&payload.text) {
            drawn.kept.push((payload, meaning));
        }
    }
    drawn
}

fn hunted<'a>(
    judge: &Judge,
    drawn: &Drawn<'a>,
    bases: &[Bases],
    args: &EvalArgs,
) -> anyhow::Result<Vec<(&'a Payload, Dialect, Hunted)>> {
    type State<'a> = (Worker, Vec<(usize, &'a Payload, Dialect, Hunted)>);
    let start = || -> State<'a> { (Worker::default(), Vec::new()) };
    let take = |state: &mut State<'a>, number: usize| {
        let (payload, meaning) = &drawn.kept[number];
        let quarry = Quarry {
            payload,
            meaning,
            number,
        };
        let bases = &bases[number % bases.len()];
        let found = hunt(&quarry, bases, judge, &mut state.0, args.seed, args.rounds);
        let found = found.map(|hunted| (number, *payload, meaning.dialect, hunted));
        state.1.extend(found);
    };
    let states = spread(start, take, |hand| (0..drawn.kept.len()).try_for_each(hand))?;
    let mut all: Vec<_> = states.into_iter().flat_map(|(_, found)| found).collect();
    all.sort_by_key(|(number, ..)| *number);
    Ok(all
        .into_iter()
        .map(|(_, payload, dialect, hunted)| (payload, dialect, hunted))
        .collect())
}

impl Outcome<'_> {
    /// How many are still denied after so many rounds.
    fn denied(&self, rounds: usize) -> usize {
        let denied = |hunted: &Hunted| hunted.through.is_none_or(|at| at > rounds);
        self.hunted
            .iter()
            .filter(|(.., hunted)| denied(hunted))
            .count()
    }

    fn share(&self, rounds: usize) -> f64 {
        self.denied(rounds) as f64 * 100.0 / self.hunted.len().max(1) as f64
    }

    fn reaches(&self, rounds: usize) -> bool {
        !self.hunted.is_empty() && self.share(rounds) >= LEAST
    }

    /// The operators of what was denied first and got through then, the most frequent first.
    fn operators(&self) -> Vec<(&'static str, usize)> {
        let mut counts: BTreeMap<&'static str, usize> = BTreeMap::new();
        for (.., hunted) in &self.hunted {
            if hunted.through.is_some() {
                for operator in &hunted.operators {
                    *counts.entry(operator).or_default() += 1;
                }
            }
        }
        let mut counts: Vec<_> = counts.into_iter().collect();
        counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        counts
    }

    fn got_through(&self) -> Vec<Value> {
        let through = self
            .hunted
            .iter()
            .filter(|(.., hunted)| hunted.through.is_some());
        let lines = through.map(|(payload, dialect, hunted)| {
            json!({
                "judge": self.judge,
                "payload": payload.text,
                "folder": *payload.folder,
                "dialect": dialect.name(),
                "zone": hunted.zone,
                "encoding": hunted.encoding,
                "round": hunted.through,
                "score": hunted.score,
                "mutant": hunted.text,
                "operators": hunted.operators,
            })
        });
        lines.collect()
    }

    fn as_json(&self, rounds: usize) -> Value {
        let by_round: Vec<Value> = shown(rounds)
            .into_iter()
            .map(|round| {
                let (low, high) = wilson(self.denied(round), self.hunted.len());
                json!({ "round": round, "denied": self.denied(round), "interval": [low, high] })
            })
            .collect();
        json!({
            "judge": self.judge,
            "payloads": self.hunted.len(),
            "mutants": self.mutants(),
            "rounds": by_round,
            "bar": LEAST,
            "reached": self.reaches(rounds),
            "operators": self.operators().into_iter().collect::<BTreeMap<_, _>>(),
        })
    }

    fn mutants(&self) -> usize {
        self.hunted.iter().map(|(.., hunted)| hunted.judged).sum()
    }
}

/// After which of so many rounds the share is shown.
fn shown(rounds: usize) -> Vec<usize> {
    let mut shown: Vec<usize> = SHOWN.into_iter().filter(|round| *round < rounds).collect();
    shown.push(rounds);
    shown
}

fn print(results: &[Outcome<'_>], drawn: &Drawn<'_>, rounds: usize) {
    say(&format!(
        "SQL injection, mutated for {rounds} rounds; {} of the {} different lines drawn are injections that a parser accepts",
        drawn.kept.len(),
        drawn.tried
    ));
    say(&format!(
        "{:<18} {:>8} {:>10} {:>18} {:>8} {:>8}",
        "judge", "rounds", "denied", "95 % interval", "bar", "count"
    ));
    for result in results {
        for round in shown(rounds) {
            let count = result.hunted.len();
            let (low, high) = wilson(result.denied(round), count);
            let last = round == rounds;
            let line = format!(
                "{:<18} {round:>8} {:>8.2} % {:>7.2} to {:>5.2} % {:>8} {count:>8}  {}",
                result.judge,
                result.share(round),
                low * 100.0,
                high * 100.0,
                if last {
                    format!("≥ {LEAST} %")
                } else {
                    String::new()
                },
                match (last, result.reaches(rounds)) {
                    (true, true) => "reached",
                    (true, false) => "missed",
                    (false, _) => "",
                }
            );
            say(line.trim_end());
        }
        let operators = result.operators();
        let operators: Vec<String> = operators
            .iter()
            .take(OPERATORS_SHOWN)
            .map(|(name, count)| format!("{name} {count}"))
            .collect();
        say(&format!(
            "  {} mutants judged; what got through was made by: {}",
            result.mutants(),
            if operators.is_empty() {
                "nothing".to_owned()
            } else {
                operators.join(", ")
            }
        ));
    }
}
