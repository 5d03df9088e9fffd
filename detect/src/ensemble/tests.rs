//! The ensemble with models made up here: who is asked, who is skipped, what becomes of the score.

use std::cell::Cell;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::json;

use super::manifest::Manifest;
use super::{Settings as Ensembles, *};
use crate::behaviour::{Behaviour, Hashing, Settings, State};
use crate::clock::{Clock, Timeline};
use crate::feature::{Connection, View};
use crate::rule::Origin;
use crate::{
    Action, Body, Detector, Exception, Policy, Request, RuleSet, Sender, Subjects, Verdict, Watch,
    Worker,
};

/// Answers always the same, and may let time pass.
struct Fixed {
    answer: f32,
    runs: Arc<AtomicUsize>,
    takes: Option<(Arc<Timeline>, Duration)>,
}

impl Model for Fixed {
    fn run(&mut self, input: Tensor<'_>, out: &mut Vec<f32>) -> Result<(), String> {
        let length = match input {
            Tensor::Floats(row) => row.len(),
            Tensor::Bytes(bytes) => bytes.len(),
        };
        assert!([128, 768, 18, 512, 52].contains(&length), "{length}");
        self.runs.fetch_add(1, Ordering::Relaxed);
        if let Some((clock, time)) = &self.takes {
            clock.advance(*time);
        }
        out.push(self.answer);
        Ok(())
    }
}

/// A world of models with given answers.
struct World {
    clock: Arc<Timeline>,
    runs: Arc<AtomicUsize>,
    detector: Detector,
    worker: Worker,
    policy: Policy,
}

/// Name, group, cost, mode and answer.
type Row = (&'static str, &'static str, &'static str, &'static str, f32);

const JOINT: &str =
    r#"{"tag":0.5,"deny":0.9,"false_alarm_rate":0.001,"lower":0.2,"grey":[0.3,0.95],"clear":0.05}"#;

impl World {
    fn new(rows: &[Row], takes: Duration, crews: usize) -> Self {
        let clock = Arc::new(Timeline::starting(Duration::from_secs(1_000_000)));
        let runs = Arc::new(AtomicUsize::new(0));
        let models: Vec<_> = rows
            .iter()
            .map(|(name, group, cost, mode, _)| {
                let view = match (*name, *cost) {
                    ("window", _) => View::Behaviour,
                    ("order", _) => View::Sequence,
                    ("flow", _) => View::Flow,
                    (_, "deep") => View::Characters,
                    _ => View::Request,
                };
                json!({
                    "name": name, "file": "x", "sha256": name, "view": view.as_str(),
                    "schema": view.schema(), "group": group, "cost": cost, "mode": mode,
                })
            })
            .collect();
        let joint: serde_json::Value = serde_json::from_str(JOINT).unwrap();
        let text = json!({ "format": 1, "joint": joint, "models": models }).to_string();
        let manifest = Manifest::read(text.as_bytes()).unwrap();
        let seat = |(name, _, _, _, answer): &Row| Seat {
            sha256: (*name).to_owned(),
            model: Some(Box::new(Fixed {
                answer: *answer,
                runs: runs.clone(),
                takes: (takes > Duration::ZERO).then(|| (clock.clone(), takes)),
            })),
        };
        let crews = (0..crews).map(|_| Crew::new(rows.iter().map(seat).collect()));
        let crews = crews.collect();
        let members = manifest.models.into_iter().map(Member::new).collect();
        let ensemble = Ensemble::new(Ensembles::default(), manifest.joint, members, None, crews);
        Self {
            clock,
            runs,
            detector: Detector::new(RuleSet::default()).with_ensemble(ensemble),
            worker: Worker::default(),
            policy: Policy {
                ensemble: true,
                ..Policy::default()
            },
        }
    }

    fn inspect(&mut self, query: &str) -> Verdict {
        self.inspect_over(query, &|| None)
    }

    /// The same over a connection.
    fn inspect_over(
        &mut self,
        query: &str,
        connection: &dyn Fn() -> Option<Connection>,
    ) -> Verdict {
        let client = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let request = Request {
            client,
            method: "GET",
            scheme: "https",
            host: "api.example.com",
            path: b"/search",
            query: Some(query.as_bytes()),
            headers: &[],
            body: Body::EMPTY,
            route: "test",
        };
        let subjects = Subjects::of(client);
        let sender = Sender {
            subjects: &subjects,
            connection,
        };
        let clock: &dyn Clock = &*self.clock;
        self.detector
            .inspect_from(&mut self.worker, &request, &self.policy, sender, clock)
    }

    /// Gives it one critical rule that finds [`ODD`].
    fn with_a_rule(&mut self, paranoia: u8) {
        let text = json!({
            "id": "mark", "name": "A mark", "why": "There is a mark.", "category": "sqli", "severity": "critical",
            "where": ["args"], "match": {"contains": "b'c"}, "paranoia": paranoia,
        });
        let origin = Origin {
            file: "test".into(),
            line: 1,
        };
        let rule = serde_json::from_value(text).expect("a rule");
        let rules = RuleSet::compile(vec![(origin, rule)]).expect("it compiles");
        let ensemble = self.detector.ensemble().clone();
        self.detector = Detector::new(rules).with_ensemble(ensemble);
    }

    /// Keeps what subjects did.
    fn watching(mut self) -> Self {
        let settings = Settings {
            enabled: true,
            ..Settings::default()
        };
        let state = State::new(&settings.memory, Hashing::new(7), &*self.clock);
        let behaviour = Behaviour::new(Arc::new(settings), Arc::new(state));
        self.detector = self.detector.with_behaviour(behaviour);
        self.policy.behaviour = Watch::Observe;
        self
    }

    fn asked(&self) -> usize {
        self.runs.load(Ordering::Relaxed)
    }
}

const ODD: &str = "q=a%20b%27c";

fn skipped(verdict: &Verdict) -> Vec<(String, Why)> {
    let opinion = verdict.ensemble.as_ref().unwrap();
    let skipped = opinion.skipped.iter();
    skipped
        .map(|skipped| (skipped.model.to_string(), skipped.why))
        .collect()
}

#[test]
fn votes_become_a_score_and_an_action() {
    for (answers, probability, action) in [
        ([0.1, 0.1], 0.1, Action::Allow),
        ([0.6, 0.6], 0.6, Action::Tag),
        ([1.0, 1.0], 1.0, Action::Deny),
        ([0.0, 1.0], 50.0 / 85.0, Action::Tag),
    ] {
        let rows = [
            ("forest", "unsupervised", "cheap", "active", answers[0]),
            ("trees", "supervised", "cheap", "active", answers[1]),
        ];
        let mut world = World::new(&rows, Duration::ZERO, 1);
        let verdict = world.inspect(ODD);
        let opinion = verdict.ensemble.as_ref().unwrap();
        assert!(
            (opinion.probability - probability).abs() < 1e-6,
            "{answers:?}"
        );
        assert_eq!(verdict.action, action, "{answers:?}");
        assert_eq!(opinion.voting, 2);
        assert_eq!(verdict.evidence.len(), usize::from(action != Action::Allow));
        if let Some(evidence) = verdict.evidence.first() {
            assert_eq!(&*evidence.rule, "ensemble");
            assert_eq!(
                (evidence.field.as_str(), evidence.excerpt.as_str()),
                ("q", "a b'c")
            );
        }
    }
}

#[test]
fn deep_members_are_asked_in_doubt_only() {
    for (cheap, asked) in [(0.1, 1), (0.6, 2), (0.99, 1)] {
        let rows = [
            ("trees", "supervised", "cheap", "active", cheap),
            ("cnn", "neural", "deep", "active", 0.5),
        ];
        let mut world = World::new(&rows, Duration::ZERO, 1);
        let verdict = world.inspect(ODD);
        // Votes, not calls: where a request is tagged, models are called again to explain theirs.
        let votes = &verdict.ensemble.as_ref().expect("they were asked").votes;
        assert_eq!(votes.len(), asked, "{cheap}");
        assert!(world.asked() >= asked, "{cheap}");
        let expected = vec![("cnn".to_owned(), Why::NotGrey)];
        assert_eq!(
            skipped(&verdict),
            if asked == 1 { expected } else { Vec::new() }
        );
    }
}

#[test]
fn what_is_clear_to_the_first_two_is_asked_of_no_other() {
    // The answers of the first two, whether a rule found something, and how many are asked.
    for (answers, found, asked) in [
        ([0.02, 0.02], false, 2),
        ([0.02, 0.09], false, 4),
        ([0.02, 0.02], true, 4),
    ] {
        let rows = [
            ("one", "supervised", "cheap", "active", answers[0]),
            ("two", "supervised", "cheap", "active", answers[1]),
            ("three", "supervised", "cheap", "active", 0.02),
            ("four", "supervised", "cheap", "shadow", 0.02),
            ("cnn", "neural", "deep", "active", 0.5),
        ];
        let mut world = World::new(&rows, Duration::ZERO, 1);
        if found {
            world.with_a_rule(1);
        }
        let verdict = world.inspect(ODD);
        assert_eq!(world.asked(), asked, "{answers:?} {found}");
        let skipped = skipped(&verdict);
        let clear = skipped.iter().filter(|(_, why)| *why == Why::Clear).count();
        assert_eq!(clear, if asked == 2 { 3 } else { 0 }, "{skipped:?}");
    }
}

#[test]
fn who_asks_matters_where_a_request_may_be_clear() {
    let rows = [("one", "supervised", "cheap", "active", 0.02)];
    let world = World::new(&rows, Duration::ZERO, 1);
    assert!(world.detector.ensemble().has_doubts());
}

#[test]
fn critical_rules_of_a_higher_paranoia_lose_weight_and_others_do_not() {
    for (paranoia, score) in [(1, 90.0), (3, 36.0)] {
        let rows = [("trees", "supervised", "cheap", "active", 0.0)];
        let mut world = World::new(&rows, Duration::ZERO, 1);
        world.with_a_rule(paranoia);
        world.policy.paranoia = 3;
        assert_eq!(world.inspect(ODD).score, score, "paranoia {paranoia}");
    }
}

#[test]
fn the_deadline_skips_who_comes_later_and_says_so() {
    let rows = [
        ("one", "supervised", "cheap", "active", 0.6),
        ("two", "supervised", "cheap", "active", 0.6),
        ("three", "supervised", "cheap", "active", 0.6),
    ];
    let mut world = World::new(&rows, Duration::from_micros(600), 1);
    let verdict = world.inspect(ODD);
    assert_eq!(world.asked(), 2);
    assert_eq!(skipped(&verdict), [("three".to_owned(), Why::Deadline)]);
    assert!(verdict.stages.ensemble.unwrap() >= Duration::from_micros(1200));
}

#[test]
fn a_shadow_is_shown_and_has_no_say() {
    let rows = [
        ("trees", "supervised", "cheap", "active", 0.1),
        ("new", "supervised", "cheap", "shadow", 1.0),
    ];
    let mut world = World::new(&rows, Duration::ZERO, 1);
    let verdict = world.inspect(ODD);
    assert_eq!(verdict.action, Action::Allow);
    let opinion = verdict.ensemble.unwrap();
    assert_eq!((opinion.voting, opinion.votes.len()), (1, 2));
    assert!(opinion.votes[1].shadow && opinion.votes[1].probability == 1.0);
}

#[test]
fn a_history_votes_once_there_is_one() {
    let rows = [
        ("trees", "supervised", "cheap", "active", 0.6),
        ("window", "neural", "deep", "active", 0.9),
        ("order", "neural", "deep", "active", 0.9),
    ];
    let none = |models: &[&str]| -> Vec<(String, Why)> {
        let skipped = models.iter();
        skipped
            .map(|model| ((*model).to_owned(), Why::NoHistory))
            .collect()
    };
    let mut stranger = World::new(&rows, Duration::ZERO, 1);
    assert_eq!(skipped(&stranger.inspect(ODD)), none(&["window", "order"]));
    let mut world = World::new(&rows, Duration::ZERO, 1).watching();
    // Counters are there before the second request; the third is the first that is kept by itself.
    let expected = [
        none(&["window", "order"]),
        none(&["order"]),
        none(&["order"]),
        none(&[]),
    ];
    for expected in expected {
        assert_eq!(skipped(&world.inspect(ODD)), expected);
        world.clock.advance(Duration::from_secs(1));
    }
    world.policy.behaviour = Watch::Off;
    assert_eq!(skipped(&world.inspect(ODD)), none(&["window", "order"]));
}

#[test]
fn a_history_speaks_against_a_request_or_not_at_all() {
    for (request, history, probability, voting) in [
        // From its threshold of a half on, and where it raises.
        (0.6, 0.9, (50.0 * 0.6 + 15.0 * 0.9) / 65.0, 2),
        (0.6, 0.55, 0.6, 1),
        (0.4, 0.49, 0.4, 1),
        (0.6, 0.0, 0.6, 1),
    ] {
        let rows = [
            ("trees", "supervised", "cheap", "active", request),
            ("window", "neural", "deep", "active", history),
        ];
        let mut world = World::new(&rows, Duration::ZERO, 1).watching();
        world.inspect(ODD);
        world.clock.advance(Duration::from_secs(1));
        let opinion = world.inspect(ODD).ensemble.unwrap();
        assert!(
            (opinion.probability - probability).abs() < 1e-6,
            "{request} {history}: {opinion:?}"
        );
        assert_eq!((opinion.voting, opinion.votes.len()), (voting, 2));
    }
}

#[test]
fn a_connection_is_read_where_it_is_measured_and_only_once() {
    let rows = [
        ("trees", "supervised", "cheap", "active", 0.6),
        ("flow", "neural", "deep", "active", 0.9),
        ("flow", "unsupervised", "deep", "shadow", 0.7),
    ];
    let mut world = World::new(&rows, Duration::ZERO, 1);
    assert!(world.detector.ensemble().reads_connections());
    let unmeasured = ("flow".to_owned(), Why::NoHistory);
    assert_eq!(
        skipped(&world.inspect(ODD)),
        [unmeasured.clone(), unmeasured]
    );
    let asked = Cell::new(0);
    let connection = || {
        asked.set(asked.get() + 1);
        Some(Connection::default())
    };
    let opinion = world.inspect_over(ODD, &connection).ensemble.unwrap();
    assert_eq!(
        (opinion.voting, opinion.votes.len(), asked.get()),
        (2, 3, 1)
    );
    assert!(opinion.votes[2].shadow, "{opinion:?}");
    // Like a history it speaks against a request or not at all.
    let rows = [
        ("trees", "supervised", "cheap", "active", 0.6),
        ("flow", "neural", "deep", "active", 0.1),
    ];
    let mut world = World::new(&rows, Duration::ZERO, 1);
    let opinion = world.inspect_over(ODD, &connection).ensemble.unwrap();
    assert_eq!((opinion.voting, opinion.probability), (1, 0.6));
    // Nobody measures for a model that is switched off, or for those of other views.
    for (name, mode) in [("flow", "off"), ("trees", "active")] {
        let world = World::new(&[(name, "neural", "deep", mode, 0.9)], Duration::ZERO, 1);
        assert!(!world.detector.ensemble().reads_connections(), "{name}");
    }
}

#[test]
fn what_is_no_number_is_no_vote() {
    let rows = [
        ("trees", "supervised", "cheap", "active", 0.1),
        ("broken", "supervised", "cheap", "active", f32::NAN),
    ];
    let mut world = World::new(&rows, Duration::ZERO, 1);
    let verdict = world.inspect(ODD);
    assert_eq!(skipped(&verdict), [("broken".to_owned(), Why::Failed)]);
    assert_eq!(verdict.ensemble.unwrap().probability, 0.1);
}

#[test]
fn a_worker_without_sessions_says_so_and_sessions_come_back() {
    let rows = [("trees", "supervised", "cheap", "active", 0.6)];
    let mut none = World::new(&rows, Duration::ZERO, 0);
    assert_eq!(none.inspect(ODD).ensemble, None);
    let mut one = World::new(&rows, Duration::ZERO, 1);
    for _ in 0..3 {
        // Borrowed and given back each time, also by another worker.
        assert!(one.inspect(ODD).ensemble.is_some());
        one.worker = Worker::default();
    }
    one.worker = Worker::resident();
    assert!(one.inspect(ODD).ensemble.is_some());
    assert!(one.inspect(ODD).ensemble.is_some());
    // The resident one keeps them, until it ends.
    let resident = std::mem::take(&mut one.worker);
    assert_eq!(one.inspect(ODD).ensemble, None);
    drop(resident);
    assert!(one.inspect(ODD).ensemble.is_some());
}

#[test]
fn plain_requests_cost_nobody_anything() {
    let rows = [("trees", "supervised", "cheap", "active", 1.0)];
    let mut world = World::new(&rows, Duration::ZERO, 1);
    let verdict = world.inspect("page=2&sort=name");
    assert_eq!((verdict.action, world.asked()), (Action::Allow, 0));
}

#[test]
fn an_exception_silences_the_models_for_a_field() {
    let rows = [("trees", "supervised", "cheap", "active", 1.0)];
    let mut world = World::new(&rows, Duration::ZERO, 1);
    for (field, action) in [("q", Action::Allow), ("other", Action::Deny)] {
        world.policy.exceptions = vec![Exception {
            rule: Some("ensemble".to_owned()),
            field: Some(field.to_owned()),
            ..Exception::default()
        }];
        assert_eq!(world.inspect(ODD).action, action, "{field}");
    }
    world.policy.ensemble = false;
    assert_eq!(world.inspect(ODD).ensemble, None);
}

#[test]
fn sessions_of_unchanged_files_are_kept() {
    let model = |runs: &Arc<AtomicUsize>| -> Option<Box<dyn Model>> {
        Some(Box::new(Fixed {
            answer: 0.5,
            runs: runs.clone(),
            takes: None,
        }))
    };
    let runs = Arc::new(AtomicUsize::new(0));
    let seat = |sha256: &str, model| Seat {
        sha256: sha256.to_owned(),
        model,
    };
    let before = Crew::new(vec![seat("a", model(&runs)), seat("b", model(&runs))]);
    let mut crew = Crew::new(vec![
        seat("b", None),
        seat("c", model(&runs)),
        seat("d", None),
    ]);
    let left = crew.take_over(before);
    let filled: Vec<bool> = crew.seats.iter().map(|seat| seat.model.is_some()).collect();
    assert_eq!(filled, [true, true, false]);
    let left: Vec<bool> = left.seats.iter().map(|seat| seat.model.is_some()).collect();
    assert_eq!(left, [true, false]);
}

/// Sure of an attack by one column of its view, and may let time pass.
struct Leaning {
    column: usize,
    takes: Option<(Arc<Timeline>, Duration)>,
}

impl Model for Leaning {
    fn run(&mut self, input: Tensor<'_>, out: &mut Vec<f32>) -> Result<(), String> {
        if let Some((clock, time)) = &self.takes {
            clock.advance(*time);
        }
        out.push(match input {
            Tensor::Floats(row) => 0.2 + 0.7 * row[self.column].min(1.0),
            Tensor::Bytes(bytes) => 0.2 + 0.7 * f32::from(u8::from(bytes.contains(&b'\''))),
        });
        Ok(())
    }
}

/// A world of one member that leans on a column, or on a quote anywhere.
fn leaning(view: View, takes: Duration) -> World {
    let cost = match view {
        View::Characters => "deep",
        _ => "cheap",
    };
    let mut world = World::new(&[("one", "neural", cost, "active", 0.0)], Duration::ZERO, 0);
    let members = world.detector.ensemble().members().to_vec();
    let seat = Seat {
        sha256: "one".to_owned(),
        model: Some(Box::new(Leaning {
            column: crate::feature::Column::TopQuotes as usize,
            takes: Some((world.clock.clone(), takes)),
        })),
    };
    let settings = Ensembles {
        deep: Deep::Always,
        ..Ensembles::default()
    };
    let joint = serde_json::from_str(JOINT).unwrap();
    let crews = vec![Crew::new(vec![seat])];
    let ensemble = Ensemble::new(settings, joint, members, None, crews);
    world.detector = Detector::new(RuleSet::default()).with_ensemble(ensemble);
    world
}

#[test]
fn what_a_vote_rests_on_is_found_by_leaving_it_out() {
    for (view, what) in [
        (
            View::Request,
            "quotes, brackets and other marks in its most suspicious field",
        ),
        (View::Characters, "the most suspicious field"),
    ] {
        let verdict = leaning(view, Duration::ZERO).inspect("q=a%20b%27c%27d");
        let opinion = verdict.ensemble.unwrap();
        let because = &opinion.votes[0].because;
        assert_eq!(because.len(), 1, "{because:?}");
        assert_eq!(because[0].what, what);
        assert!((because[0].contribution - 0.7).abs() < 1e-3, "{because:?}");
    }
}

#[test]
fn explanations_end_with_half_of_the_deadline() {
    // Eleven parts of 30 µs and the vote fit into 500 µs; of 60 µs they do not, and half a list is none.
    for (takes, shown) in [(30, 1), (60, 0)] {
        let mut world = leaning(View::Request, Duration::from_micros(takes));
        let verdict = world.inspect("q=a%20b%27c%27d");
        let took = verdict.stages.ensemble.unwrap();
        let opinion = verdict.ensemble.unwrap();
        assert_eq!(opinion.votes[0].because.len(), shown, "{takes}");
        assert!(took <= Duration::from_micros(560), "{took:?}");
    }
}

#[test]
fn harmless_requests_are_not_explained() {
    let mut world = leaning(View::Request, Duration::from_micros(100));
    let verdict = world.inspect("q=a%20b%3Cc");
    let took = verdict.stages.ensemble.unwrap();
    let opinion = verdict.ensemble.unwrap();
    assert!(opinion.probability < 0.5 && opinion.votes[0].because.is_empty());
    assert_eq!(took, Duration::from_micros(100));
}

#[test]
fn members_are_tuned_and_go_on_counting() {
    let rows = [
        ("trees", "supervised", "cheap", "active", 1.0),
        ("net", "neural", "cheap", "shadow", 0.3),
    ];
    let mut world = World::new(&rows, Duration::ZERO, 1);
    assert_eq!(world.inspect(ODD).action, Action::Deny);
    let before = world.detector.ensemble().clone();
    let quiet = Tuning {
        weight: Some(0.0),
        ..Tuning::default()
    };
    let heard = Tuning {
        shadow: Some(false),
        threshold: Some(0.25),
        ..Tuning::default()
    };
    let tuned = before.tuned(|name| if name == "trees" { quiet } else { heard });
    assert!(tuned.is(&before), "no session is built anew");
    world.detector = world.detector.beside(tuned.clone());
    let opinion = world.inspect(ODD).ensemble.unwrap();
    assert_eq!((opinion.voting, opinion.probability), (1, 0.3));
    assert!(opinion.votes[1].agrees && opinion.votes[0].shadow);
    let [trees, net] = tuned.members() else {
        panic!("two members")
    };
    let (trees, net) = (trees.tally.counts(), net.tally.counts());
    assert_eq!((trees.votes, trees.agreed, trees.denials), (2, 2, 1));
    assert_eq!((net.votes, net.agreed, net.denials), (2, 1, 0));
    assert_eq!((trees.calls, trees.skipped), (2, [0; Why::ALL.len()]));
    // Back to what the manifest says.
    world.detector = world.detector.beside(tuned.tuned(|_| Tuning::default()));
    assert_eq!(world.inspect(ODD).action, Action::Deny);
}

#[test]
fn a_route_whose_ordinary_traffic_looks_odd_gets_a_higher_threshold() {
    let settings = Adapting {
        quantile: 0.99,
        lowest: 0.9,
        highest: 0.97,
        window: Duration::from_secs(60),
        least: 20,
    };
    let rows = [("trees", "supervised", "cheap", "active", 0.89)];
    let mut world = World::new(&rows, Duration::ZERO, 1);
    let adaptive = Arc::new(Adaptive::new(settings));
    let ensemble = world.detector.ensemble().clone();
    world.detector = world
        .detector
        .beside(ensemble.adapting(Some(adaptive.clone())));
    for _ in 0..30 {
        assert_eq!(world.inspect(ODD).action, Action::Tag);
    }
    world.clock.advance(Duration::from_secs(30));
    world.inspect(ODD);
    let threshold = adaptive.threshold("test").unwrap();
    assert!((0.905..=0.92).contains(&threshold), "{threshold}");
    assert_eq!(adaptive.take_changes()[0].route.as_ref(), "test");

    // What is denied teaches nothing, however much of it comes.
    let rows = [("trees", "supervised", "cheap", "active", 0.95)];
    let mut world = World::new(&rows, Duration::ZERO, 1);
    let ensemble = world.detector.ensemble().clone();
    let adaptive = Arc::new(Adaptive::new(settings));
    world.detector = world
        .detector
        .beside(ensemble.adapting(Some(adaptive.clone())));
    for _ in 0..60 {
        assert_eq!(world.inspect(ODD).action, Action::Deny);
        world.clock.advance(Duration::from_secs(1));
    }
    assert_eq!((adaptive.threshold("test"), adaptive.changed()), (None, 0));
}

#[test]
fn a_request_that_is_only_tried_is_judged_alike_and_neither_counted_nor_learned_from() {
    let settings = Adapting {
        quantile: 0.99,
        lowest: 0.9,
        highest: 0.97,
        window: Duration::from_secs(60),
        least: 20,
    };
    let rows = [("trees", "supervised", "cheap", "active", 0.89)];
    let mut world = World::new(&rows, Duration::ZERO, 1);
    let adaptive = Arc::new(Adaptive::new(settings));
    let ensemble = world.detector.ensemble().clone();
    let serving = ensemble.adapting(Some(adaptive.clone()));
    let tried = |world: &mut World, ensemble: Ensemble| {
        world.detector = world.detector.beside(ensemble);
        for _ in 0..60 {
            assert_eq!(world.inspect(ODD).action, Action::Tag);
            world.clock.advance(Duration::from_secs(1));
        }
        let counts = serving.members()[0].tally.counts();
        (
            counts.votes,
            counts.calls,
            adaptive.threshold("test").is_some(),
        )
    };
    assert_eq!(tried(&mut world, serving.on_trial()), (0, 0, false));
    assert_eq!(
        tried(&mut world, serving.clone()),
        (60, 60, true),
        "others are"
    );
}
