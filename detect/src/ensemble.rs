//! The ensemble: models that judge what the signatures leave open, and take weight from weak rules where nothing is
//! behind them.
//!
//! It runs after the signatures. The gate reads every field that is not provably plain and ranks them; cheap members
//! read the request, deep ones only where these are in doubt, all within a deadline. Calibrated votes are weighed by
//! group into one probability, and that becomes part of the score (`weigh.rs`). An [`Ensemble`] is made from one
//! manifest and shared; the sessions are a [`Crew`] of each worker's own.

mod adaptive;
mod calibration;
mod cascade;
pub(crate) mod evidence;
mod explain;
pub mod gate;
pub mod manifest;
mod member;
pub(crate) mod naming;
mod onnx;
mod opinion;
mod tally;
#[cfg(test)]
mod tests;
mod trees;
mod weigh;

use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::Duration;

use self::gate::Gate;
use self::manifest::{Joint, Role};
use crate::clock::Clock;

pub use self::adaptive::{Adapting, Adaptive, Change};
pub use self::calibration::Calibration;
pub(crate) use self::cascade::{Asked, Votes};
pub use self::member::{Crew, Member, Model, Seat, Tensor, Tuning};
pub use self::opinion::{Because, Effect, Explained, Opinion, Reason, Skipped, Vote, Weights, Why};
pub use self::tally::{Counts, Tally};
pub use self::trees::{Contributions, NoTrees, Trees};

/// How the ensemble is to run.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// How long the members of one request may take together. A member that has begun is not stopped.
    pub deadline: Duration,
    /// When deep members are asked.
    pub deep: Deep,
    /// How much each group counts.
    pub weights: Weights,
    /// How much of a weak rules' score is taken at the most, 0 to 1.
    pub lower_by: f32,
}

/// When deep members are asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Deep {
    /// Where the cheap ones are in doubt.
    #[default]
    Grey,
    /// On every request with something to judge.
    Always,
    /// Never.
    Never,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            deadline: Duration::from_millis(1),
            deep: Deep::Grey,
            weights: Weights::default(),
            lower_by: 0.6,
        }
    }
}

/// The models of one manifest. The default one is off.
#[derive(Clone, Debug, Default)]
pub struct Ensemble {
    on: Option<Arc<On>>,
    /// Its members as they are set now, in the order of the manifest.
    members: Arc<Vec<Member>>,
    /// The thresholds of routes, if they adapt.
    adaptive: Option<Arc<Adaptive>>,
    /// Whether requests are only tried: nothing is counted, nothing learned.
    trial: bool,
}

#[derive(Debug)]
struct On {
    settings: Settings,
    joint: Joint,
    /// As the manifest sets them.
    members: Arc<Vec<Member>>,
    gate: Option<(usize, Arc<Gate>)>,
    /// The digests of the files that have sessions.
    seated: Vec<String>,
    /// Sessions that wait for a worker which has none.
    crews: Mutex<Vec<Crew>>,
    /// Sessions that are new in this ensemble; what they lack, a crew of the ensemble before has.
    patches: Mutex<Vec<Crew>>,
    /// What took the place of this ensemble.
    next: OnceLock<Weak<On>>,
    /// Sessions that workers gave back, to be dropped elsewhere.
    retired: Mutex<Vec<Crew>>,
}

impl Ensemble {
    /// An ensemble of these members. `gate` is the model of the member with that role, if it could be read. Each of
    /// `crews` has a seat for every member and is handed to a worker. Where seats are left empty for sessions of an
    /// ensemble before, call [`Ensemble::hand_over_to`] on that one.
    pub fn new(
        settings: Settings,
        joint: Joint,
        members: Vec<Member>,
        gate: Option<Arc<Gate>>,
        crews: Vec<Crew>,
    ) -> Self {
        let place = members
            .iter()
            .position(|member| member.entry.role == Role::Gate);
        let seats = crews.first().into_iter().flat_map(|crew| &crew.seats);
        let seated = seats
            .filter(|seat| !seat.sha256.is_empty())
            .map(|seat| seat.sha256.clone());
        let complete = |crew: &Crew| {
            let mut seats = crew.seats.iter();
            seats.all(|seat| seat.model.is_some() || seat.sha256.is_empty())
        };
        let whole = crews.iter().all(complete);
        let members = Arc::new(members);
        let on = On {
            seated: seated.collect(),
            settings,
            joint,
            gate: place.zip(gate),
            members: members.clone(),
            crews: Mutex::default(),
            patches: Mutex::new(crews),
            next: OnceLock::new(),
            retired: Mutex::default(),
        };
        if whole {
            std::mem::swap(&mut *locked(&on.crews), &mut *locked(&on.patches));
        }
        Self {
            on: Some(Arc::new(on)),
            members,
            adaptive: None,
            trial: false,
        }
    }

    /// The same for requests that are only tried: members judge by what serves now, count in nobody's tally, and teach
    /// nothing.
    #[must_use]
    pub fn on_trial(&self) -> Self {
        let uncounted = |member: &Member| member.clone().counting(Arc::default());
        Self {
            members: Arc::new(self.members.iter().map(uncounted).collect()),
            trial: true,
            ..self.clone()
        }
    }

    /// The same sessions under other settings: what each member is told by its name lies over the manifest.
    #[must_use]
    pub fn tuned(&self, tuning: impl Fn(&str) -> Tuning) -> Self {
        let Some(on) = &self.on else {
            return Self::default();
        };
        let tuned = on.members.iter();
        let tuned = tuned.map(|member| member.tuned(tuning(&member.entry.name)));
        Self {
            members: Arc::new(tuned.collect()),
            ..self.clone()
        }
    }

    /// The same with thresholds that follow what is usual on each route, or without.
    #[must_use]
    pub fn adapting(self, adaptive: Option<Arc<Adaptive>>) -> Self {
        Self { adaptive, ..self }
    }

    /// The thresholds of routes, if they adapt.
    pub fn adaptive(&self) -> Option<&Arc<Adaptive>> {
        self.adaptive.as_ref()
    }

    /// Learns what is usual from a request that was let through.
    pub(crate) fn let_through(&self, route: &str, opinion: &Opinion, clock: &dyn Clock) {
        if let Some(adaptive) = self.adaptive.as_ref().filter(|_| !self.trial) {
            adaptive.let_through(route, opinion.probability, clock.now());
        }
    }

    /// The thresholds that hold on a route. Models that never deny alone do not begin to.
    fn joint(&self, joint: &Joint, route: &str) -> Joint {
        let own = self.adaptive.as_ref().filter(|_| joint.deny <= 1.0);
        let own = own.and_then(|adaptive| adaptive.threshold(route));
        Joint {
            deny: own.map_or(joint.deny, |own| own.max(joint.tag)),
            ..*joint
        }
    }

    /// Counts a request that was denied for the members that took it for an attack.
    pub(crate) fn denied(&self, opinion: &Opinion) {
        for vote in opinion.votes.iter().filter(|vote| vote.agrees) {
            let same = |member: &&Member| Arc::ptr_eq(&member.name, &vote.model);
            if let Some(member) = self.members.iter().find(same) {
                member.tally.denied();
            }
        }
    }

    /// Says what takes the place of this ensemble, and gives it the sessions that no worker has. Workers bring the
    /// others along.
    pub fn hand_over_to(&self, next: &Ensemble) {
        let (Some(on), Some(next)) = (&self.on, &next.on) else {
            return;
        };
        if Arc::ptr_eq(on, next) || on.next.set(Arc::downgrade(next)).is_err() {
            return;
        }
        let idle = std::mem::take(&mut *locked(&on.crews));
        for crew in idle {
            on.give_back(crew);
        }
    }

    /// Whether it does anything.
    pub const fn is_on(&self) -> bool {
        self.on.is_some()
    }

    /// Whether some members are asked only where others are in doubt, so that it matters who asks.
    pub(crate) fn has_doubts(&self) -> bool {
        let Some(on) = &self.on else { return false };
        let settles = on.settings.deep != Deep::Always && on.joint.clear > 0.0;
        let deep = on.settings.deep == Deep::Grey;
        settles || deep && self.members.iter().any(|member| !member.is_cheap())
    }

    /// Whether connections have to be measured: a member reads them, whether it has a say or is only shown.
    pub fn reads_connections(&self) -> bool {
        let read = |member: &Member| {
            member.reads_connections() && member.entry.mode != manifest::Mode::Off
        };
        self.members.iter().any(read)
    }

    /// Whether the two are one and the same.
    pub fn is(&self, other: &Ensemble) -> bool {
        match (&self.on, &other.on) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            (None, None) => true,
            _ => false,
        }
    }

    /// Its members as they are set now, in the order of the manifest.
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// The gate, if there is one.
    pub fn gate(&self) -> Option<&Arc<Gate>> {
        self.on.as_ref()?.gate.as_ref().map(|(_, gate)| gate)
    }

    /// The digests of the files that have sessions.
    pub fn seated(&self) -> Vec<String> {
        self.on
            .as_ref()
            .map_or_else(Vec::new, |on| on.seated.clone())
    }

    /// Sessions that no worker needs any more; dropping them takes time.
    pub fn retired(&self) -> Vec<Crew> {
        self.on
            .as_ref()
            .map_or_else(Vec::new, |on| std::mem::take(&mut *locked(&on.retired)))
    }
}

impl On {
    /// Sessions for a worker; one that has a crew of the ensemble before gets what is new.
    fn take_crew(&self, has_crew: bool) -> Option<Crew> {
        let patch = has_crew.then(|| locked(&self.patches).pop()).flatten();
        patch.or_else(|| locked(&self.crews).pop())
    }

    fn give_back(&self, crew: Crew) {
        match self.next.get().and_then(Weak::upgrade) {
            Some(next) => next.take_in(crew),
            None => locked(&self.crews).push(crew),
        }
    }

    /// Takes in a crew of the ensemble before.
    fn take_in(&self, crew: Crew) {
        let left = match locked(&self.patches).pop() {
            Some(mut patch) => {
                let left = patch.take_over(crew);
                locked(&self.crews).push(patch);
                left
            }
            None => crew,
        };
        locked(&self.retired).push(left);
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // Pushing and popping leaves no half-done state.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
