//! Judging: samples go through the engine on several threads, and what became of them is counted.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use portcullis_config::BodyPolicy;
use portcullis_detect::ruletest::OwnedRequest;
use portcullis_detect::{
    Action, Body, Category, Detector, Policy, Request, Subjects, SystemClock, Verdict, Worker,
};
use serde_json::{Value, json};

use super::request::url;
use super::sample::{Label, Sample, Sink};
use super::spread::spread;
use super::tally::SetTally;
use super::text::cut;

/// What judges: the engine, and how strict it is.
pub struct Judge {
    /// The engine.
    pub detector: Detector,
    /// The policy.
    pub policy: Policy,
    /// How many bytes of a body the gateway holds for inspection; what comes later is not seen.
    pub inspect: usize,
    /// Whether wrong verdicts are kept one by one.
    pub keep_wrong: bool,
}

/// What became of a set: the counts, and the wrong verdicts where they are kept.
pub struct Judged {
    /// The counts.
    pub tally: SetTally,
    /// Attacks that were not denied and harmless requests that were denied or throttled, in the set's order.
    pub wrong: Vec<Value>,
}

/// What a thread has.
struct State {
    worker: Worker,
    tally: SetTally,
    wrong: Vec<(usize, Value)>,
}

/// Characters of a payload or target in the list of wrong verdicts.
const SHOWN: usize = 2000;
/// Wrong verdicts of a set that a thread keeps; more than any set has when detection works at all.
const MOST_WRONG: usize = 50_000;

impl Judge {
    /// A judge by the default policy of the gateway.
    pub fn new(detector: Detector, paranoia: u8) -> Self {
        Self {
            detector,
            policy: Policy {
                paranoia,
                ensemble: true,
                ..Policy::default()
            },
            inspect: BodyPolicy::default().inspect.as_usize(),
            keep_wrong: false,
        }
    }

    /// Judges all samples that `feed` hands over.
    ///
    /// # Errors
    /// Those of `feed`.
    pub fn set(
        &self,
        name: &str,
        feed: impl FnOnce(&mut Sink<'_>) -> anyhow::Result<()>,
    ) -> anyhow::Result<Judged> {
        let start = || State {
            worker: Worker::default(),
            tally: SetTally::new(name),
            wrong: Vec::new(),
        };
        let take = |state: &mut State, (number, sample): (usize, Sample)| {
            self.take(state, number, &sample);
        };
        let states = spread(start, take, |hand| {
            let mut number = 0;
            feed(&mut |sample| {
                number += 1;
                hand((number, sample))
            })
        })?;
        Ok(together(name, states))
    }

    fn take(&self, state: &mut State, number: usize, sample: &Sample) {
        if let Some(reason) = sample.refused {
            state.tally.add_refused(sample, reason);
            return;
        }
        let (verdict, took) = self.one(&mut state.worker, &sample.request);
        state.tally.add(number, sample, &verdict, took);
        let wrong = match sample.label {
            Label::Attack => verdict.action != Action::Deny,
            Label::Harmless => verdict.action >= Action::Throttle,
            Label::Unknown => false,
        };
        if wrong && self.keep_wrong && state.wrong.len() < MOST_WRONG {
            let shown = describe(&state.tally.name, sample, &verdict);
            state.wrong.push((number, shown));
        }
    }

    /// The verdict on a request, and how long the engine took for it.
    pub fn one(&self, worker: &mut Worker, request: &OwnedRequest) -> (Verdict, Duration) {
        let subjects = Subjects::of(request.client);
        shown(request, request.client, self.inspect, |request| {
            let started = Instant::now();
            let verdict =
                self.detector
                    .inspect(worker, request, &self.policy, &subjects, &SystemClock);
            (verdict, started.elapsed())
        })
    }
}

/// Shows a request to the engine as the gateway would: from this client, with at most `held` bytes of its body.
pub fn shown<R>(
    request: &OwnedRequest,
    client: IpAddr,
    held: usize,
    look: impl FnOnce(&Request<'_>) -> R,
) -> R {
    let headers: Vec<(&str, &[u8])> = request
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_slice()))
        .collect();
    let held = request.body.len().min(held);
    look(&Request {
        client,
        method: &request.method,
        scheme: "https",
        host: &request.host,
        path: &request.path,
        query: request.query.as_deref(),
        headers: &headers,
        body: Body {
            bytes: &request.body[..held],
            complete: held == request.body.len(),
        },
        route: "eval",
    })
}

fn together(name: &str, states: Vec<State>) -> Judged {
    let mut tally = SetTally::new(name);
    let mut wrong = Vec::new();
    for state in states {
        tally.merge(state.tally);
        wrong.extend(state.wrong);
    }
    wrong.sort_by_key(|(number, _)| *number);
    Judged {
        tally,
        wrong: wrong.into_iter().map(|(_, shown)| shown).collect(),
    }
}

fn describe(set: &str, sample: &Sample, verdict: &Verdict) -> Value {
    let mut rules: Vec<&str> = Vec::new();
    for evidence in &verdict.evidence {
        if !rules.contains(&&*evidence.rule) {
            rules.push(&evidence.rule);
        }
    }
    let groups: serde_json::Map<String, Value> = sample
        .groups
        .iter()
        .map(|(kind, group)| ((*kind).to_owned(), Value::from(group.as_str())))
        .collect();
    json!({
        "set": set,
        "class": sample.class,
        "attack": sample.label == Label::Attack,
        "action": verdict.action.as_str(),
        "score": verdict.score,
        "category": verdict.category.map(Category::as_str),
        "rules": rules,
        "groups": groups,
        "payload": cut(&sample.payload, SHOWN),
        "method": sample.request.method,
        "host": sample.host,
        "url": cut(&url(&sample.request), SHOWN),
    })
}
