//! The engine of Portcullis: bytes in, verdict out.
//!
//! This file is the second table of contents after the gateway's `exchange.rs`. A request is turned into fields
//! ([`view`]), the fields are decoded ([`decode`]), rules look at the decoded forms (`signature.rs`), and the
//! decision (`decision.rs`) weighs what was found. Nothing here opens a socket or a file, nothing here waits, and
//! time comes through a [`clock::Clock`] that the caller hands in.

#![forbid(unsafe_code)]

pub mod answer;
pub mod behaviour;
pub mod clock;
mod decision;
pub mod decode;
pub mod ensemble;
mod evidence;
pub mod feature;
pub mod field;
pub mod injection;
pub mod policy;
pub mod request;
pub mod response;
pub mod rule;
pub mod ruletest;
mod score;
mod signature;
pub mod verdict;
pub mod view;

use std::sync::Arc;
use std::time::Instant;

use crate::behaviour::Behaviour;
use crate::decode::Forms;
use crate::ensemble::evidence as models;
use crate::ensemble::gate::Gate;
use crate::ensemble::naming;
use crate::ensemble::{Asked, Effect, Ensemble, Votes};
use crate::evidence::Collection;
use crate::feature::{Connection, Findings, Reading};
use crate::field::{AnomalyKind, Field};
use crate::signature::{Input, Scan, State};

pub use crate::answer::coding::Text;
pub use crate::answer::mask::Masked;
pub use crate::behaviour::{Outcome, Subjects};
pub use crate::clock::{Clock, SystemClock, Timeline};
pub use crate::field::Location;
pub use crate::policy::{Exception, Policy, Thresholds, Watch};
pub use crate::request::{Body, Request};
pub use crate::response::Response;
pub use crate::rule::{Category, Origin, Rule, RuleError, RuleSet, RuleSpec, Severity};
pub use crate::verdict::{Action, Evidence, Level, Stages, Uninspected, Verdict};

/// The engine, compiled from one version of the configuration. Immutable and shared by all workers.
#[derive(Debug, Default)]
pub struct Detector {
    rules: Arc<RuleSet>,
    behaviour: Behaviour,
    ensemble: Ensemble,
}

/// What one core needs to inspect: buffers that are kept from request to request. A worker that was in use during a
/// panic is to be thrown away.
#[derive(Debug, Default)]
pub struct Worker {
    view: view::Scratch,
    answer: Vec<Field>,
    forms: Forms,
    state: State,
    desk: Option<Box<Desk>>,
}

/// Whom a request comes from, and over what.
#[derive(Clone, Copy)]
pub struct Sender<'a> {
    /// Whom.
    pub subjects: &'a Subjects,
    /// What was measured of the connection, for models that read it; called only where one is asked, and at most once.
    pub connection: &'a dyn Fn() -> Option<Connection>,
}

/// What the models need; there only once they were asked.
#[derive(Debug, Default)]
struct Desk {
    features: feature::Scratch,
    votes: Votes,
}

impl Detector {
    /// An engine with these rules.
    pub fn new(rules: RuleSet) -> Self {
        Self {
            rules: Arc::new(rules),
            ..Self::default()
        }
    }

    /// The same rules and the same eye on behaviour with other models.
    #[must_use]
    pub fn beside(&self, ensemble: Ensemble) -> Self {
        Self {
            rules: self.rules.clone(),
            behaviour: self.behaviour.clone(),
            ensemble,
        }
    }

    /// The same engine with an eye on behaviour.
    #[must_use]
    pub fn with_behaviour(self, behaviour: Behaviour) -> Self {
        Self { behaviour, ..self }
    }

    /// The same engine with models.
    #[must_use]
    pub fn with_ensemble(self, ensemble: Ensemble) -> Self {
        Self { ensemble, ..self }
    }

    /// The models.
    pub fn ensemble(&self) -> &Ensemble {
        &self.ensemble
    }

    /// Behaviour: bans, risk and what is known of subjects.
    pub fn behaviour(&self) -> &Behaviour {
        &self.behaviour
    }

    /// The rules it runs.
    pub fn rules(&self) -> &RuleSet {
        &self.rules
    }

    /// Judges one request.
    ///
    /// It waits for nothing and never fails; a panic in it would be a defect, and the caller answers it by its
    /// `on_failure`.
    pub fn inspect(
        &self,
        worker: &mut Worker,
        request: &Request<'_>,
        policy: &Policy,
        subjects: &Subjects,
        clock: &dyn Clock,
    ) -> Verdict {
        self.inspect_from(worker, request, policy, Sender::of(subjects), clock)
    }

    /// The same for a request of which the connection is known, too.
    pub fn inspect_from(
        &self,
        worker: &mut Worker,
        request: &Request<'_>,
        policy: &Policy,
        sender: Sender<'_>,
        clock: &dyn Clock,
    ) -> Verdict {
        self.judge(worker, request, policy, sender, clock, true)
    }

    /// The same without the pass that rules patterns out, and many times slower: what it finds is what the rules say,
    /// and [`Detector::inspect`] must find no less.
    #[doc(hidden)]
    pub fn inspect_without_prefilter(
        &self,
        worker: &mut Worker,
        request: &Request<'_>,
        policy: &Policy,
        subjects: &Subjects,
        clock: &dyn Clock,
    ) -> Verdict {
        self.judge(worker, request, policy, Sender::of(subjects), clock, false)
    }

    /// Judges one answer by the rules of phase `response`.
    pub fn inspect_response(
        &self,
        worker: &mut Worker,
        response: &Response<'_>,
        policy: &Policy,
        clock: &dyn Clock,
    ) -> Verdict {
        let started = clock.now();
        let status = response.status.to_string();
        let answer = answer::as_request(response, &status);
        let scan = self.read_answer(worker, &answer, policy.paranoia);
        let read = clock.now();
        let mut verdict = decide(scan, None, policy, clock, [started, read]);
        verdict.uninspected.body |= !answer.body.complete;
        verdict
    }

    /// Takes in what the upstream answered, for the stages that learn from it.
    pub fn observe(&self, outcome: &Outcome, clock: &dyn Clock) {
        self.behaviour.observe(outcome, clock);
    }

    /// Reads a request as models see it, by this gate or by a rule of thumb: what training learns from.
    pub fn features<R>(
        &self,
        worker: &mut Worker,
        request: &Request<'_>,
        policy: &Policy,
        gate: Option<&Gate>,
        look: impl FnOnce(&mut Reading<'_>) -> R,
    ) -> R {
        let mut desk = worker.desk.take().unwrap_or_default();
        let mut scan = self.read(worker, request, policy);
        let mut collection = Collection::new(scan.input, policy);
        let findings = desk.features.findings.fresh();
        scan.run(&mut |rule, found| collection.add(rule, found, Some(findings)));
        let Worker {
            view, forms, state, ..
        } = &mut *worker;
        let input = view.input(request);
        let features = &mut desk.features;
        let seen = look(&mut Reading::new(
            input,
            state.noted(),
            forms,
            features,
            gate,
        ));
        worker.desk = Some(desk);
        seen
    }

    fn judge(
        &self,
        worker: &mut Worker,
        request: &Request<'_>,
        policy: &Policy,
        sender: Sender<'_>,
        clock: &dyn Clock,
        prefilter: bool,
    ) -> Verdict {
        let started = clock.now();
        let asks_models = policy.ensemble && self.ensemble.is_on();
        let mut desk = asks_models.then(|| worker.desk.take().unwrap_or_default());
        let mut scan = self.read(worker, request, policy);
        scan.prefilter = prefilter;
        let read = clock.now();
        let findings = desk.as_mut().map(|desk| desk.features.findings.fresh());
        let mut verdict = decide(scan, findings, policy, clock, [started, read]);
        verdict.uninspected = uninspected(&worker.view, &worker.forms, request);
        if let Some(mut desk) = desk {
            self.ask_models(
                worker,
                &mut desk,
                request,
                policy,
                sender,
                clock,
                &mut verdict,
            );
            worker.desk = Some(desk);
        }
        let judged = clock.now();
        let judgement =
            self.behaviour
                .judge(sender.subjects, request, verdict.score, policy, clock);
        if let Some(judgement) = judgement {
            verdict.take_in(judgement, self.behaviour.risk_weight(), &policy.thresholds);
            verdict.stages.behaviour = Some(clock.now().saturating_duration_since(judged));
        }
        verdict
    }

    /// Has the models judge what was scanned, and makes their opinion part of the verdict.
    #[expect(
        clippy::too_many_arguments,
        reason = "they are what a request is judged by, each once"
    )]
    fn ask_models(
        &self,
        worker: &mut Worker,
        desk: &mut Desk,
        request: &Request<'_>,
        policy: &Policy,
        sender: Sender<'_>,
        clock: &dyn Clock,
        verdict: &mut Verdict,
    ) {
        let started = clock.now();
        let subjects = sender.subjects;
        let (strong, critical) = (
            desk.features.findings.strong(),
            desk.features.findings.critical(),
        );
        let found = desk.features.findings.by_category();
        let elevated =
            self.ensemble.has_doubts() && self.behaviour.is_elevated(subjects, policy, clock);
        let history = || self.behaviour.history(subjects, policy, clock);
        let Worker {
            view, forms, state, ..
        } = worker;
        let Desk { features, votes } = desk;
        let gate = self.ensemble.gate().map(|gate| &**gate);
        let input = view.input(request);
        let mut reading = Reading::new(input, state.noted(), forms, features, gate);
        let mut asked = Asked {
            reading: &mut reading,
            clock,
            started,
            elevated,
            history: &history,
            connection: sender.connection,
            score: verdict.score,
            strong,
            critical,
        };
        if let Some((mut opinion, score)) = self.ensemble.judge(votes, &mut asked) {
            let raises = matches!(opinion.effect, Effect::Raised | Effect::Denied);
            if raises && models::is_excepted(&reading, policy) {
                opinion.effect = Effect::None;
            }
            match opinion.effect {
                Effect::None => {}
                Effect::Lowered => verdict.rescore(score, &policy.thresholds),
                Effect::Raised | Effect::Denied => {
                    let named = naming::attack(&found, opinion.category).or(verdict.category);
                    let category = named.unwrap_or_else(|| models::guess(&mut reading));
                    let alone = score.min(100.0 * opinion.probability);
                    verdict.add(models::evidence(&mut reading, &opinion, category, alone));
                    verdict.category = Some(category);
                    verdict.rescore(score, &policy.thresholds);
                }
            }
            if verdict.action == Action::Deny {
                self.ensemble.denied(&opinion);
            } else if verdict.action < Action::Throttle {
                self.ensemble.let_through(request.route, &opinion, clock);
            }
            verdict.ensemble = Some(opinion);
        }
        verdict.stages.ensemble = Some(clock.now().saturating_duration_since(started));
    }

    /// Whether a rule holds for a request, whatever else holds.
    pub(crate) fn holds(
        &self,
        worker: &mut Worker,
        request: &Request<'_>,
        rule: &str,
        paranoia: u8,
    ) -> bool {
        let policy = Policy {
            paranoia,
            ..Policy::default()
        };
        holds(self.read(worker, request, &policy), rule)
    }

    /// Whether a rule holds for an answer, whatever else holds.
    pub(crate) fn holds_for_response(
        &self,
        worker: &mut Worker,
        response: &Response<'_>,
        rule: &str,
        paranoia: u8,
    ) -> bool {
        let status = response.status.to_string();
        let answer = answer::as_request(response, &status);
        holds(self.read_answer(worker, &answer, paranoia), rule)
    }

    /// Turns a request into fields, ready to be scanned.
    fn read<'s>(
        &'s self,
        worker: &'s mut Worker,
        request: &'s Request<'s>,
        policy: &Policy,
    ) -> Scan<'s> {
        view::read(&mut worker.view, request, &policy.limits);
        worker.forms.begin(worker.view.fields().len());
        Scan {
            set: &self.rules,
            index: &self.rules.request,
            input: worker.view.input(request),
            forms: &mut worker.forms,
            state: &mut worker.state,
            paranoia: policy.paranoia,
            prefilter: true,
        }
    }

    /// Turns an answer into fields, ready to be scanned.
    fn read_answer<'s>(
        &'s self,
        worker: &'s mut Worker,
        answer: &'s Request<'s>,
        paranoia: u8,
    ) -> Scan<'s> {
        answer::read(&mut worker.answer, answer);
        worker.forms.begin(worker.answer.len());
        Scan {
            set: &self.rules,
            index: &self.rules.response,
            input: Input {
                request: answer,
                fields: &worker.answer,
                arena: &[],
                anomalies: &[],
            },
            forms: &mut worker.forms,
            state: &mut worker.state,
            paranoia,
            prefilter: true,
        }
    }
}

impl<'a> Sender<'a> {
    /// A sender of whose connection nothing is known.
    pub fn of(subjects: &'a Subjects) -> Self {
        Self {
            subjects,
            connection: &|| None,
        }
    }
}

impl Worker {
    /// A worker that keeps the models' sessions from request to request, where others borrow them for each.
    pub fn resident() -> Self {
        let mut desk = Desk::default();
        desk.votes.resident = true;
        Self {
            desk: Some(Box::new(desk)),
            ..Self::default()
        }
    }
}

impl view::Scratch {
    /// What a request was read into.
    fn input<'s>(&'s self, request: &'s Request<'s>) -> Input<'s> {
        Input {
            request,
            fields: self.fields(),
            arena: self.arena(),
            anomalies: self.anomalies(),
        }
    }
}

fn holds(mut scan: Scan<'_>, id: &str) -> bool {
    let mut found = false;
    scan.run(&mut |rule, _| found |= *rule.id == *id);
    found
}

/// Runs the signatures and weighs what they find. `times` are when reading began and ended.
fn decide(
    mut scan: Scan<'_>,
    mut findings: Option<&mut Findings>,
    policy: &Policy,
    clock: &dyn Clock,
    times: [Instant; 2],
) -> Verdict {
    let mut collection = Collection::new(scan.input, policy);
    scan.run(&mut |rule, found| collection.add(rule, found, findings.as_deref_mut()));
    let scanned = clock.now();
    let (score, category) = collection.tally.finish();
    let mut verdict = Verdict {
        score,
        level: Level::of(score),
        category,
        action: policy.thresholds.action(score),
        evidence: collection.evidence(scan.forms),
        stages: Stages::default(),
        uninspected: Uninspected::default(),
        behaviour: None,
        ensemble: None,
    };
    verdict.stages.decode = Some(times[1].saturating_duration_since(times[0]));
    verdict.stages.signature = Some(scanned.saturating_duration_since(times[1]));
    verdict.stages.decision = Some(clock.now().saturating_duration_since(scanned));
    verdict
}

/// What reading and decoding left out.
fn uninspected(view: &view::Scratch, forms: &Forms, request: &Request<'_>) -> Uninspected {
    const LEFT_OUT: [AnomalyKind; 4] = [
        AnomalyKind::TooManyFields,
        AnomalyKind::EncodingUnknown,
        AnomalyKind::EncodingInvalid,
        AnomalyKind::EncodingBomb,
    ];
    let left_out = view
        .anomalies()
        .iter()
        .any(|anomaly| LEFT_OUT.contains(&anomaly.kind));
    Uninspected {
        body: !request.body.complete,
        fields: left_out || forms.exhausted(),
    }
}
