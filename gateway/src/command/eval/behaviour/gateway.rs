//! A gateway without sockets: what `exchange.rs` does with a request, in the same order, by the clock of what is
//! replayed. Bans first, then the engine with its behaviour stage, then what the answer teaches.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use http::request;
use portcullis_config as config;
use portcullis_detect::behaviour::{
    Behaviour, Hashing, History, Kind, Login, Reaction, Settings, State, Visit,
};
use portcullis_detect::ruletest::OwnedRequest;
use portcullis_detect::{
    Action, Category, Detector, Outcome, Policy, Subjects, Timeline, Watch, Worker,
};

use crate::client::TrustedProxies;
use crate::command::eval::judge::shown;
use crate::command::eval::request::url;
use crate::identity::{Identity, Origin};
use crate::outliers;
use crate::rules;
use crate::simulate::Decision;

/// Where a request comes from, and when.
#[derive(Clone, Copy, Debug)]
pub struct Sender {
    /// Seconds since 1970.
    pub time: f64,
    /// The client's address.
    pub client: IpAddr,
    /// Its network's operator, as a file of networks would tell.
    pub system: Option<u32>,
    /// Its country.
    pub country: Option<[u8; 2]>,
}

/// What a detector of behaviour found.
#[derive(Clone, Copy, Debug)]
pub struct Found {
    /// Which.
    pub kind: Kind,
    /// The number that was too high.
    pub value: f32,
    /// From where on it is too high.
    pub bound: f32,
    /// The kind of subject that it concerns.
    pub subject: &'static str,
}

impl Found {
    /// For people.
    pub fn text(&self) -> String {
        let (kind, subject) = (self.kind.as_str(), self.subject);
        format!(
            "{kind} of {subject}: {:.1} {} (bound {})",
            self.value,
            self.kind.unit(),
            self.bound
        )
    }
}

/// What was done about a request, and why.
pub struct Ruling {
    /// What was done.
    pub decision: Decision,
    /// What was found, where behaviour was the reason.
    pub finding: Option<Found>,
    /// The attack that the signatures saw, where they were.
    pub category: Option<Category>,
    subjects: Subjects,
    visit: Visit,
}

/// The answer that a request got.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reply {
    /// Its status; 0 where none is known.
    pub status: u16,
    /// Bytes of its body.
    pub bytes: u64,
    /// How long it took.
    pub latency: Duration,
}

/// The gateway in its default configuration, with behaviour switched on and limits off.
pub struct Gateway {
    detector: Detector,
    identity: Identity,
    trusted: TrustedProxies,
    policy: Policy,
    worker: Worker,
    clock: Option<Timeline>,
    /// When outliers are measured next, in seconds since 1970.
    measure_at: f64,
    inspect: usize,
}

/// Any constant will do: hashes only must not collide.
const HASHING: Hashing = Hashing::new(0x0b5e_7a11_5eed);

impl Gateway {
    /// With these rules, or the built-in ones, and what is known of tokens and crawlers.
    ///
    /// # Errors
    /// When the rules do not compile.
    pub fn new(rules: Option<&Path>, identity: &config::Identity) -> anyhow::Result<Self> {
        let told = |problems: Vec<String>| anyhow::anyhow!(problems.join("\n"));
        let rules = rules::load(rules).map_err(told)?;
        Ok(Self {
            detector: Detector::new(rules),
            identity: Identity::build(identity, HASHING).map_err(told)?,
            trusted: TrustedProxies::new(&[]),
            policy: Policy {
                behaviour: Watch::Enforce,
                ..Policy::default()
            },
            worker: Worker::default(),
            clock: None,
            measure_at: f64::INFINITY,
            inspect: config::BodyPolicy::default().inspect.as_usize(),
        })
    }

    /// What is known, when a request comes, of whom it comes from. To be asked before [`Gateway::judge`].
    pub fn history(&mut self, sender: &Sender, request: &OwnedRequest) -> Option<History> {
        self.wind(sender.time);
        let subjects = self.subjects(sender, &parts(request)?);
        self.detector
            .behaviour()
            .history(&subjects, &self.policy, self.clock.as_ref()?)
    }

    /// The same gateway, which bans nobody.
    #[must_use]
    pub fn observing(mut self) -> Self {
        self.policy.behaviour = Watch::Observe;
        self
    }

    /// Judges a request. Requests come in the order of their times.
    pub fn judge(&mut self, sender: &Sender, request: &OwnedRequest) -> Ruling {
        self.wind(sender.time);
        let Some(parts) = parts(request) else {
            return refused(sender);
        };
        let mut subjects = self.subjects(sender, &parts);
        if let Some(kind) = self.banned(&subjects) {
            return Ruling {
                decision: Decision::Banned,
                finding: kind,
                category: None,
                subjects,
                visit: Visit::default(),
            };
        }
        subjects.attempt = self.identity.attempt(&parts, &request.body);
        self.inspect(request, subjects)
    }

    /// Learns what a request was answered. `None`: it was stopped, and reached no service.
    pub fn learn(&self, ruling: &Ruling, reply: Option<Reply>) {
        let Some(clock) = &self.clock else { return };
        let answered = reply.is_some();
        let reply = reply.unwrap_or_default();
        let locked = ruling.subjects.attempt.is_some() && reply.status == 423;
        let outcome = Outcome {
            visit: ruling.visit,
            latency: reply.latency,
            bytes: reply.bytes,
            answered,
            login: locked.then_some(Login::Locked),
            ..Outcome::of(ruling.subjects, if answered { reply.status } else { 403 })
        };
        self.detector.observe(&outcome, clock);
    }

    /// Sets the clock. What is known of clients begins with the first request.
    fn wind(&mut self, time: f64) {
        let wall = Duration::from_secs_f64(time.max(0.0));
        if let Some(clock) = &self.clock {
            clock.set(wall);
            if time >= self.measure_at {
                self.measure(time);
            }
            return;
        }
        let clock = Timeline::starting(wall);
        let settings = Settings {
            enabled: true,
            ..Settings::default()
        };
        let state = Arc::new(State::new(&settings.memory, HASHING, &clock));
        let behaviour = Behaviour::new(Arc::new(settings), state);
        self.detector = std::mem::take(&mut self.detector).with_behaviour(behaviour);
        self.clock = Some(clock);
        self.measure(time);
    }

    /// Measures outliers, as a thread of the gateway's does, by the clock of what is replayed.
    fn measure(&mut self, time: f64) {
        let settings = Settings::default().detectors.outlier;
        let state = self.detector.behaviour().state();
        if let (Some(state), Some(clock)) = (state, &self.clock) {
            outliers::measure(state, &settings, clock);
        }
        let every = f64::from(settings.every);
        self.measure_at = if every > 0.0 {
            time + every
        } else {
            f64::INFINITY
        };
    }

    fn subjects(&self, sender: &Sender, parts: &request::Parts) -> Subjects {
        let origin = Origin {
            client: sender.client,
            peer_is_trusted: false,
            ja4: None,
        };
        let known = self
            .identity
            .of_head_at(sender.time, &origin, &self.trusted, parts);
        Subjects {
            system: sender.system,
            country: sender.country,
            ..known
        }
    }

    /// Whether one of the subjects is banned, and for what.
    fn banned(&self, subjects: &Subjects) -> Option<Option<Found>> {
        let behaviour = self.detector.behaviour();
        let refusal = behaviour.check(subjects, self.clock.as_ref()?)?;
        let ban = behaviour.state()?.bans().find(refusal.subject)?;
        let kind = Kind::ALL.iter().find(|kind| kind.as_str() == ban.cause)?;
        Some(Some(Found {
            kind: *kind,
            value: 0.0,
            bound: 0.0,
            subject: refusal.subject.kind.as_str(),
        }))
    }

    fn inspect(&mut self, request: &OwnedRequest, subjects: Subjects) -> Ruling {
        let fallback = Timeline::starting(Duration::ZERO);
        let clock = self.clock.as_ref().unwrap_or(&fallback);
        let (detector, policy, worker) = (&self.detector, &self.policy, &mut self.worker);
        let verdict = shown(request, subjects.client, self.inspect, |request| {
            detector.inspect(worker, request, policy, &subjects, clock)
        });
        let judgement = verdict.behaviour.unwrap_or_default();
        let asked = match judgement.reaction {
            Reaction::None => Decision::Passed,
            Reaction::Throttle { .. } => Decision::Throttled,
            Reaction::Deny => Decision::Denied,
            Reaction::Ban { .. } => Decision::Banned,
        };
        let decision = match verdict.action {
            Action::Allow | Action::Tag => asked,
            Action::Throttle if asked == Decision::Passed => Decision::Throttled,
            Action::Deny if asked != Decision::Banned => Decision::Denied,
            Action::Throttle | Action::Deny => asked,
        };
        let strongest = judgement.findings.first();
        let finding = strongest
            .filter(|_| asked != Decision::Passed)
            .map(|finding| Found {
                kind: finding.kind,
                value: finding.value,
                bound: finding.bound,
                subject: finding.subject.kind.as_str(),
            });
        Ruling {
            decision,
            finding,
            category: verdict.category,
            subjects,
            visit: judgement.visit,
        }
    }
}

/// What the wire would not let in.
fn refused(sender: &Sender) -> Ruling {
    Ruling {
        decision: Decision::Refused,
        finding: None,
        category: None,
        subjects: Subjects::of(sender.client),
        visit: Visit::default(),
    }
}

/// The head of a request; nothing where it is no head of HTTP.
fn parts(request: &OwnedRequest) -> Option<request::Parts> {
    let mut builder = http::Request::builder()
        .method(request.method.as_str())
        .uri(url(request));
    for (name, value) in &request.headers {
        builder = builder.header(name.as_str(), value.as_slice());
    }
    Some(builder.body(()).ok()?.into_parts().0)
}
