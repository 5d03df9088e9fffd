//! `portcullis models compare`: what would become of recorded requests if models in shadow had a say, or under another
//! manifest. Every request is judged by the same rules as it is judged now and once more for each variant; requests
//! whose verdict differs are counted, and the first of them shown.

use std::path::Path;
use std::process::ExitCode;
use std::thread;

use anyhow::{Context, bail};
use portcullis_config::{Duration, Ensemble as Config};
use portcullis_detect::ensemble::manifest::{Mode, Role};
use portcullis_detect::ensemble::{Ensemble, Tuning};
use portcullis_detect::{Action, Detector, Worker};
use serde_json::{Value, json};

use crate::cli::CompareArgs;
use crate::command::eval::judge::Judge;
use crate::command::eval::sample::{self, Label};
use crate::command::features::lines;
use crate::command::{list_problems, say};
use crate::metrics::Metrics;
use crate::models::Models;
use crate::rules;

/// Verdicts, in their order.
const ACTIONS: [Action; 4] = [Action::Allow, Action::Tag, Action::Throttle, Action::Deny];

/// How many requests are shown of a variant.
const SHOWN: usize = 10;

/// How much is shown of a request, in characters.
const TARGET: usize = 100;

/// How the models might be set instead.
struct Variant {
    name: String,
    judge: Judge,
}

/// What became of one request.
struct Seen {
    label: Label,
    line: String,
    now: Action,
    then: Vec<Action>,
}

/// Requests of one label: how many had which verdict now (row), and which in a variant (column).
#[derive(Clone, Default)]
struct Moves([[u64; 4]; 4]);

/// What a variant changes.
#[derive(Clone, Default)]
struct Tally {
    harmless: Moves,
    attacks: Moves,
    examples: Vec<Value>,
}

/// Compares and prints. Exit code 0 whatever came out: it is an answer, not a failure.
///
/// # Errors
/// When requests or a manifest cannot be read, a model cannot be run, or there is nothing to compare with.
pub fn run(args: &CompareArgs) -> anyhow::Result<ExitCode> {
    let detector = match rules::load(args.rules.as_deref()) {
        Ok(rules) => Detector::new(rules),
        Err(problems) => {
            list_problems(&problems, "compare");
            return Ok(ExitCode::FAILURE);
        }
    };
    let models = load(args, args.from.manifest.as_deref())?;
    let now = Judge::new(detector.beside(models.clone()), 1);
    let variants: Vec<Variant> = variants(args, &models)?
        .into_iter()
        .map(|(name, ensemble)| Variant {
            name,
            judge: Judge::new(detector.beside(ensemble), 1),
        })
        .collect();
    let tallies = judge(&args.requests, &now, &variants)?;
    if args.json {
        let shown = variants.iter().zip(&tallies);
        let shown: Vec<Value> = shown
            .map(|(variant, tally)| tally.json(&variant.name))
            .collect();
        say(&serde_json::to_string_pretty(
            &json!({ "variants": shown }),
        )?);
    } else {
        print(&variants, &tallies);
    }
    Ok(ExitCode::SUCCESS)
}

/// All models of a manifest, or the reason why not.
fn load(args: &CompareArgs, manifest: Option<&Path>) -> anyhow::Result<Ensemble> {
    let config = Config {
        enabled: true,
        required: true,
        manifest: manifest.map(Path::to_owned),
        library: args.from.library.clone(),
        // What a model costs is measured elsewhere; here each is to be heard.
        deadline: Duration::from_secs(1),
        ..Config::default()
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let metrics = Metrics::new()?;
    let loaded = Models::load(&config, threads, &metrics, &Models::none());
    let loaded = loaded.map_err(|problems| anyhow::anyhow!(problems.join("; ")))?;
    Ok(loaded.ensemble().clone())
}

/// What is compared with: another manifest, or each model in shadow with a vote, and all of them where there are more.
fn variants(args: &CompareArgs, models: &Ensemble) -> anyhow::Result<Vec<(String, Ensemble)>> {
    if let Some(other) = &args.with {
        let name = other.display().to_string();
        return Ok(vec![(name, load(args, Some(other))?)]);
    }
    let shadows = models.members().iter().filter(|member| {
        member.entry.mode == Mode::Shadow && member.entry.role != Role::Classifier
    });
    let shadows: Vec<&str> = shadows.map(|member| &*member.entry.name).collect();
    if let Some(unknown) = args
        .model
        .iter()
        .find(|name| !shadows.contains(&name.as_str()))
    {
        bail!(
            "{unknown} is no model in shadow that could vote; those are: {}",
            shadows.join(", ")
        );
    }
    let wanted = |name: &&str| args.model.is_empty() || args.model.iter().any(|one| one == name);
    let chosen: Vec<&str> = shadows.into_iter().filter(wanted).collect();
    if chosen.is_empty() {
        bail!("the manifest has no model in shadow; name another one with --with");
    }
    let heard = |names: &[&str]| {
        models.tuned(|name| Tuning {
            shadow: names.contains(&name).then_some(false),
            ..Tuning::default()
        })
    };
    let mut made: Vec<(String, Ensemble)> = chosen
        .iter()
        .map(|name| (format!("{name} votes"), heard(&[name])))
        .collect();
    if chosen.len() > 1 {
        made.push(("all of these vote".to_owned(), heard(&chosen)));
    }
    Ok(made)
}

/// Judges each line now and under each variant.
fn judge(file: &Path, now: &Judge, variants: &[Variant]) -> anyhow::Result<Vec<Tally>> {
    let mut tallies = vec![Tally::default(); variants.len()];
    let work = |worker: &mut Worker, line: &str| -> anyhow::Result<Seen> {
        let sample = sample::recorded(line)?;
        let mut action = |judge: &Judge| judge.one(worker, &sample.request).0.action;
        let target = String::from_utf8_lossy(&sample.request.path).into_owned();
        Ok(Seen {
            label: sample.label,
            line: format!("{} {}{target}", sample.request.method, sample.host),
            now: action(now),
            then: variants
                .iter()
                .map(|variant| action(&variant.judge))
                .collect(),
        })
    };
    let take = |seen: Seen| {
        for (tally, then) in tallies.iter_mut().zip(&seen.then) {
            tally.add(&seen, *then);
        }
        Ok(())
    };
    lines::each(lines::open(file)?, Worker::default, work, take)
        .with_context(|| file.display().to_string())?;
    Ok(tallies)
}

impl Tally {
    fn add(&mut self, seen: &Seen, then: Action) {
        let moves = match seen.label {
            Label::Attack => &mut self.attacks,
            Label::Harmless | Label::Unknown => &mut self.harmless,
        };
        moves.0[place(seen.now)][place(then)] += 1;
        if seen.now != then && self.examples.len() < SHOWN {
            self.examples.push(json!({
                "label": if seen.label == Label::Attack { "attack" } else { "harmless" },
                "request": seen.line.chars().take(TARGET).collect::<String>(),
                "now": seen.now.as_str(), "then": then.as_str(),
            }));
        }
    }

    fn json(&self, name: &str) -> Value {
        let part = |moves: &Moves, from: Action| {
            let [now, then] = moves.sums(from);
            let [newly, no_more] = moves.turned(from);
            json!({
                "requests": moves.all(), "now": now, "then": then, "newly": newly, "no_more": no_more,
                "verdicts": moves.0,
            })
        };
        json!({
            "variant": name, "harmless_stopped": part(&self.harmless, Action::Throttle),
            "attacks_denied": part(&self.attacks, Action::Deny), "examples": self.examples,
        })
    }
}

impl Moves {
    fn all(&self) -> u64 {
        self.0.iter().flatten().sum()
    }

    /// How many reach this verdict or a harder one: now, and then.
    fn sums(&self, from: Action) -> [u64; 2] {
        let from = place(from);
        let now = self.0[from..].iter().flatten().sum();
        let then = self.0.iter().flat_map(|row| &row[from..]).sum();
        [now, then]
    }

    /// How many reach it only then, and how many only now.
    fn turned(&self, from: Action) -> [u64; 2] {
        let from = place(from);
        let newly = self.0[..from].iter().flat_map(|row| &row[from..]).sum();
        let no_more = self.0[from..].iter().flat_map(|row| &row[..from]).sum();
        [newly, no_more]
    }

    /// How many have another verdict then.
    fn changed(&self) -> u64 {
        let same: u64 = (0..4).map(|place| self.0[place][place]).sum();
        self.all() - same
    }
}

fn place(action: Action) -> usize {
    ACTIONS.iter().position(|one| *one == action).unwrap_or(0)
}

fn print(variants: &[Variant], tallies: &[Tally]) {
    say(&format!(
        "{:<32} {:>26} {:>7} {:>8}   {:>26} {:>7} {:>8}",
        "", "harmless denied, throttled", "newly", "no more", "attacks denied", "newly", "no more"
    ));
    if let Some(first) = tallies.first() {
        let [harmless, _] = first.harmless.sums(Action::Throttle);
        let [attacks, _] = first.attacks.sums(Action::Deny);
        say(&format!(
            "{:<32} {:>26} {:>7} {:>8}   {:>26}",
            "as it is",
            share(harmless, first.harmless.all()),
            "",
            "",
            share(attacks, first.attacks.all())
        ));
    }
    for (variant, tally) in variants.iter().zip(tallies) {
        let [_, harmless] = tally.harmless.sums(Action::Throttle);
        let [wronged, spared] = tally.harmless.turned(Action::Throttle);
        let [_, attacks] = tally.attacks.sums(Action::Deny);
        let [found, lost] = tally.attacks.turned(Action::Deny);
        say(&format!(
            "{:<32} {:>26} {wronged:>7} {spared:>8}   {:>26} {found:>7} {lost:>8}",
            variant.name,
            share(harmless, tally.harmless.all()),
            share(attacks, tally.attacks.all())
        ));
    }
    for (variant, tally) in variants.iter().zip(tallies) {
        let changed = tally.harmless.changed() + tally.attacks.changed();
        say(&format!("\n{}: {changed} verdicts differ", variant.name));
        for example in &tally.examples {
            let text = |key: &str| example[key].as_str().unwrap_or_default();
            say(&format!(
                "  {:<8} {:>8} -> {:<8} {}",
                text("label"),
                text("now"),
                text("then"),
                text("request")
            ));
        }
    }
}

fn share(part: u64, all: u64) -> String {
    if all == 0 {
        return "-".to_owned();
    }
    format!(
        "{part} of {all} ({:.2} %)",
        100.0 * part as f64 / all as f64
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_turns_is_counted_from_a_verdict_on() {
        let mut tally = Tally::default();
        let seen = |label, now| Seen {
            label,
            line: "GET a.test/".to_owned(),
            now,
            then: Vec::new(),
        };
        use Action::{Allow, Deny, Tag, Throttle};
        for (label, now, then) in [
            (Label::Harmless, Allow, Allow),
            (Label::Harmless, Allow, Tag),
            (Label::Harmless, Tag, Throttle),
            (Label::Harmless, Deny, Tag),
            (Label::Harmless, Deny, Throttle),
            (Label::Attack, Throttle, Deny),
            (Label::Attack, Allow, Deny),
            (Label::Attack, Deny, Allow),
            (Label::Attack, Deny, Deny),
        ] {
            tally.add(&seen(label, now), then);
        }
        let harmless = &tally.harmless;
        assert_eq!((harmless.all(), harmless.changed()), (5, 4));
        assert_eq!(harmless.sums(Throttle), [2, 2]);
        assert_eq!(harmless.turned(Throttle), [1, 1]);
        assert_eq!(tally.attacks.sums(Deny), [2, 3]);
        assert_eq!(tally.attacks.turned(Deny), [2, 1]);
        assert_eq!(tally.examples.len(), 7);
        assert_eq!(tally.examples[0]["then"], "tag");
    }
}
