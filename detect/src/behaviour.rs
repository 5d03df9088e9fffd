//! Behaviour: what the subjects of a request have done before, and what they shall be answered for it.
//!
//! Three calls, in the order of a request's way: [`Behaviour::check`] before a byte of body is read (bans),
//! [`Behaviour::judge`] beside the signatures (detectors, risk, reaction), [`Behaviour::observe`] when the answer is
//! out (status, size, logins). What is known lives in a [`State`], which is made once and outlives every change of the
//! configuration; [`Settings`] come with each configuration anew.

mod ban;
pub mod detect;
mod judgement;
mod settings;
mod share;
mod state;
mod subject;
mod visit;

use std::sync::Arc;

use crate::clock::Clock;
use crate::policy::Watch;
use crate::request::Request;

pub use self::ban::{Ban, BanCounts, Bans, Refusal};
pub use self::detect::Kind;
pub use self::judgement::{Factor, Finding, Judgement, Login, Outcome, Reaction, Risk};
pub use self::settings::{BanSettings, Memory, RiskSettings, Settings};
pub use self::share::Delta;
pub use self::state::{Counts, State};
pub use self::subject::{
    Attempt, Claim, Crawler, Hashing, NoSubject, SubjectHash, SubjectId, SubjectKind, Subjects,
    Token,
};
pub use self::visit::Visit;

/// The behaviour stage under one configuration. The default one is off.
#[derive(Clone, Debug, Default)]
pub struct Behaviour {
    on: Option<On>,
}

#[derive(Clone, Debug)]
struct On {
    settings: Arc<Settings>,
    state: Arc<State>,
}

impl Behaviour {
    /// With these settings and what is known so far; off where the settings say so.
    pub fn new(settings: Arc<Settings>, state: Arc<State>) -> Self {
        let on = settings.enabled.then_some(On { settings, state });
        Self { on }
    }

    /// Whether it does anything.
    pub const fn is_on(&self) -> bool {
        self.on.is_some()
    }

    /// What is known, for metrics, bans and the nodes' talk.
    pub fn state(&self) -> Option<&Arc<State>> {
        self.on.as_ref().map(|on| &on.state)
    }

    /// Whether the request is refused because one of its subjects is banned. Asked before the body is read, with the
    /// subjects that the head names, and again if the body names more.
    pub fn check(&self, subjects: &Subjects, clock: &dyn Clock) -> Option<Refusal> {
        let on = self.on.as_ref()?;
        if on.settings.allows(subjects) {
            return None;
        }
        on.state.bans().check(subjects, clock.wall())
    }

    /// Charges a request to its subjects and judges it; `None` where the stage is off. `score` is what the other
    /// stages found in the request, 0 to 100.
    pub fn judge(
        &self,
        subjects: &Subjects,
        request: &Request<'_>,
        score: f32,
        watch: Watch,
        clock: &dyn Clock,
    ) -> Option<Judgement> {
        let on = self.on.as_ref().filter(|_| watch != Watch::Off)?;
        Some(
            on.state
                .judge(&on.settings, subjects, request, score, watch, clock),
        )
    }

    /// Takes in what was answered.
    pub fn observe(&self, outcome: &Outcome, clock: &dyn Clock) {
        if let Some(on) = &self.on {
            on.state.observe(&on.settings, outcome, clock);
        }
    }
}

impl Settings {
    /// Whether the client is on the allow list.
    fn allows(&self, subjects: &Subjects) -> bool {
        let client = subjects.client.to_canonical();
        self.allow.iter().any(|network| network.contains(&client))
    }
}
