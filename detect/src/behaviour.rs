//! Behaviour: what the subjects of a request have done before, and what they shall be answered for it.
//!
//! Three calls, in the order of a request's way: [`Behaviour::check`] before a byte of body is read (bans),
//! [`Behaviour::judge`] beside the signatures (detectors, risk, reaction), [`Behaviour::observe`] when the answer is
//! out (status, size, logins). What is known lives in a [`State`], which is made once and outlives every change of the
//! configuration; [`Settings`] come with each configuration anew.

mod ban;
mod compact;
mod customs;
pub mod detect;
mod distinct;
mod evidence;
mod history;
mod judge;
mod judgement;
mod observe;
mod places;
mod profile;
mod respond;
mod settings;
mod share;
mod state;
mod store;
mod subject;
mod template;
#[cfg(test)]
mod tests;
mod visit;
mod window;
mod world;

use std::sync::Arc;

use crate::behaviour::judge::Judge;
use crate::behaviour::observe::Observer;
use crate::clock::Clock;
use crate::decision;
use crate::field::Location;
use crate::policy::{Policy, Watch};
use crate::request::Request;

pub use self::ban::{Ban, BanChange, BanCounts, Bans, Refusal};
pub use self::detect::{Bounds, Detectors, Kind};
pub use self::history::History;
pub use self::judgement::{Factor, Finding, Judgement, Login, Outcome, Reaction, Risk};
pub use self::profile::Step;
pub use self::settings::{BanSettings, Memory, RiskSettings, Settings};
pub use self::share::Delta;
pub use self::state::{Counts, Portrait, Sample, State};
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

impl On {
    /// Whether the request carries the session, user or key of someone who does well.
    fn does_well(&self, subjects: &Subjects, clock: &dyn Clock) -> bool {
        let tick = self.state.tick(clock);
        let kinds = [SubjectKind::Session, SubjectKind::User, SubjectKind::Key];
        let mut ids = kinds.iter().filter_map(|kind| subjects.id(*kind));
        let well = |id| {
            self.state
                .store
                .peek(id, |compact, _| observe::does_well(compact, tick))
        };
        ids.any(|id| well(id) == Some(true))
    }
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

    /// How much of a risk is added to a score, 0 to 1.
    pub(crate) fn risk_weight(&self) -> f32 {
        self.on.as_ref().map_or(0.0, |on| on.settings.risk.weight)
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
        let refusal = on.state.bans().check(subjects, clock.wall())?;
        // Who has a good token, or is known to do well, is not kept out for a neighbour's sake.
        let spared = refusal.subject.kind == SubjectKind::Address
            && (subjects.token == Token::Valid || on.does_well(subjects, clock));
        (!spared).then_some(refusal)
    }

    /// What is known of whom the request comes from, as models read it; `None` where the stage is off or nobody has seen
    /// the subject before. To be asked before the request itself is judged.
    pub fn history(
        &self,
        subjects: &Subjects,
        policy: &Policy,
        clock: &dyn Clock,
    ) -> Option<History> {
        let on = self
            .on
            .as_ref()
            .filter(|_| policy.behaviour != Watch::Off)?;
        on.state.history(subjects, clock)
    }

    /// Whether the request comes from someone whose risk calls for a closer look; `false` where the stage is off.
    pub(crate) fn is_elevated(
        &self,
        subjects: &Subjects,
        policy: &Policy,
        clock: &dyn Clock,
    ) -> bool {
        let Some(on) = self.on.as_ref().filter(|_| policy.behaviour != Watch::Off) else {
            return false;
        };
        // Half of what is throttled.
        const ELEVATED: f32 = 30.0;
        on.state.tick(clock);
        let kinds = [
            SubjectKind::Address,
            SubjectKind::Session,
            SubjectKind::User,
            SubjectKind::Key,
        ];
        let mut ids = kinds.iter().filter_map(|kind| subjects.id(*kind));
        let risk = |id| on.state.store.peek(id, |compact, _| compact.risk);
        ids.any(|id| risk(id).is_some_and(|risk| risk >= ELEVATED))
    }

    /// Charges a request to its subjects and judges it; `None` where the stage is off. `score` is what the other
    /// stages found in the request, 0 to 100.
    pub fn judge(
        &self,
        subjects: &Subjects,
        request: &Request<'_>,
        score: f32,
        policy: &Policy,
        clock: &dyn Clock,
    ) -> Option<Judgement> {
        let watch = policy.behaviour;
        let on = self.on.as_ref().filter(|_| watch != Watch::Off)?;
        let judge = Judge {
            state: &on.state,
            settings: &on.settings,
            subjects,
            tick: on.state.tick(clock),
        };
        let allowed = on.settings.allows(subjects);
        let watch = if allowed { Watch::Observe } else { watch };
        let excepted = |finding: &Finding| excepts(policy, request, finding);
        let mut judgement = judge.judge(request, score, watch, &excepted);
        if allowed {
            judgement.reaction = Reaction::None;
            judgement.weight = 0.0;
            judgement.risk.value = 0.0;
        }
        Some(judgement)
    }

    /// Takes in what was answered.
    pub fn observe(&self, outcome: &Outcome, clock: &dyn Clock) {
        if let Some(on) = &self.on {
            let observer = Observer {
                state: &on.state,
                settings: &on.settings,
                outcome,
                tick: on.state.tick(clock),
            };
            observer.observe();
        }
    }
}

/// Whether the policy silences a detector for this request: by its id (`behaviour-flood`), by the tag `behaviour`, by
/// route or path, or by the kind of subject as a field (`subject:session`).
fn excepts(policy: &Policy, request: &Request<'_>, finding: &Finding) -> bool {
    if policy.exceptions.is_empty() {
        return false;
    }
    let tags = ["behaviour".to_owned()];
    policy.excepts(&decision::Subject {
        rule: finding.kind.id(),
        tags: &tags,
        route: request.route,
        path: request.path,
        location: Location::Subject,
        name: finding.subject.kind.as_str().as_bytes(),
    })
}

impl Settings {
    /// Whether the client is on the allow list.
    fn allows(&self, subjects: &Subjects) -> bool {
        let client = subjects.client.to_canonical();
        self.allow.iter().any(|network| network.contains(&client))
    }
}
