//! The whole stage, with a clock that is set by hand: a town of ordinary clients in which nobody may be stopped, and
//! attackers who must be.

mod attackers;
mod memory;
mod neighbours;
mod normal;
mod reactions;
mod together;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::clock::Timeline;
use crate::request::Body;

/// An application behind the stage, and its clock.
pub(super) struct Town {
    pub clock: Timeline,
    pub state: Arc<State>,
    pub behaviour: Behaviour,
    pub policy: Policy,
}

/// 2026-01-05, a Monday, 09:00 UTC.
const MORNING: Duration = Duration::from_secs(1_767_603_600);

impl Town {
    pub(super) fn new() -> Self {
        Self::with(Settings {
            enabled: true,
            ..Settings::default()
        })
    }

    pub(super) fn with(settings: Settings) -> Self {
        let clock = Timeline::starting(MORNING);
        let state = Arc::new(State::new(&settings.memory, Hashing::new(0x5eed), &clock));
        Self {
            behaviour: Behaviour::new(Arc::new(settings), state.clone()),
            policy: Policy {
                behaviour: Watch::Enforce,
                ..Policy::default()
            },
            clock,
            state,
        }
    }

    pub(super) fn wait(&self, ms: u64) {
        self.clock.advance(Duration::from_millis(ms));
    }

    /// Someone at an address with a program.
    pub(super) fn someone(&self, address: &str, agent: &str) -> Someone {
        let hashing = self.state.hashing();
        let client: IpAddr = address.parse().unwrap();
        Someone {
            subjects: Subjects {
                agent: Some(hashing.name("agent", agent.as_bytes())),
                headers: Some(hashing.name("headers", agent.as_bytes())),
                ..Subjects::of(client)
            },
        }
    }

    /// One request and its answer by the application.
    pub(super) fn ask(&self, who: &Someone, method: &str, target: &str, status: u16) -> Reaction {
        self.ask_for(who, method, target, status, 50)
    }

    /// The same, with the milliseconds that the application takes. What is refused never reaches it.
    pub(super) fn ask_for(
        &self,
        who: &Someone,
        method: &str,
        target: &str,
        status: u16,
        ms: u64,
    ) -> Reaction {
        let judgement = match self.judge(who, method, target, 0.0) {
            Ok(judgement) => judgement,
            Err(refused) => return refused,
        };
        let passed = judgement.reaction == Reaction::None;
        let outcome = Outcome {
            visit: judgement.visit,
            latency: Duration::from_millis(if passed { ms } else { 0 }),
            bytes: 1000,
            answered: passed,
            ..Outcome::of(who.subjects, if passed { status } else { 429 })
        };
        self.behaviour.observe(&outcome, &self.clock);
        judgement.reaction
    }

    /// A request alone; the error is the refusal of who is banned.
    pub(super) fn judge(
        &self,
        who: &Someone,
        method: &str,
        target: &str,
        score: f32,
    ) -> Result<Judgement, Reaction> {
        if self.behaviour.check(&who.subjects, &self.clock).is_some() {
            return Err(Reaction::Deny);
        }
        let (path, query) = target
            .split_once('?')
            .map_or((target, None), |(path, query)| (path, Some(query)));
        let request = Request {
            client: who.subjects.client,
            method,
            scheme: "https",
            host: "shop.example.org",
            path: path.as_bytes(),
            query: query.map(str::as_bytes),
            headers: &[],
            body: Body::EMPTY,
            route: "shop",
        };
        let judged =
            self.behaviour
                .judge(&who.subjects, &request, score, &self.policy, &self.clock);
        Ok(judged.expect("the stage is on"))
    }

    /// A login of a user with a password.
    pub(super) fn login(&self, who: &Someone, user: &str, password: &str, status: u16) -> Reaction {
        let hashing = self.state.hashing();
        let mut who = *who;
        who.subjects.attempt = Some(Attempt {
            user: hashing.user(user.as_bytes()),
            secret: Some(hashing.name("secret", password.as_bytes())),
        });
        self.ask(&who, "POST", "/login", status)
    }
}

/// Who sends requests.
#[derive(Clone, Copy)]
pub(super) struct Someone {
    pub subjects: Subjects,
}

impl Someone {
    pub(super) fn session(mut self, town: &Town, session: &str) -> Self {
        self.subjects.session = Some(town.state.hashing().name("session", session.as_bytes()));
        self
    }

    pub(super) fn user(mut self, town: &Town, user: &str) -> Self {
        self.subjects.user = Some(town.state.hashing().user(user.as_bytes()));
        self
    }

    pub(super) fn key(mut self, town: &Town, key: &str) -> Self {
        self.subjects.key = Some(town.state.hashing().name("key", key.as_bytes()));
        self
    }
}

/// What became of a row of requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub asked: u32,
    pub passed: u32,
    /// After how many requests the first was stopped, and the first ban came.
    pub stopped: Option<u32>,
    pub banned: Option<u32>,
}

impl Tally {
    pub(super) fn add(&mut self, reaction: Reaction) {
        self.asked += 1;
        if reaction == Reaction::None {
            self.passed += 1;
            return;
        }
        self.stopped = self.stopped.or(Some(self.asked));
        if matches!(reaction, Reaction::Ban { .. }) {
            self.banned = self.banned.or(Some(self.asked));
        }
    }
}

/// A small generator of numbers for tests (splitmix64).
pub(super) struct Numbers(pub u64);

impl Numbers {
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(1);
        super::subject::mix(self.0) % bound
    }
}
