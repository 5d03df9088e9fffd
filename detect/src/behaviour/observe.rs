//! The way back: what was answered is charged to those who asked, logins are settled, and who does well is noted where
//! others live with him.

use crate::behaviour::compact::Compact;
use crate::behaviour::judgement::{Login, Outcome};
use crate::behaviour::profile::short;
use crate::behaviour::settings::Settings;
use crate::behaviour::state::State;
use crate::behaviour::subject::{Attempt, SubjectId, SubjectKind};

/// Answers that someone must have had to be known to do well, and for how long, in milliseconds.
const WELL_ANSWERS: f32 = 4.5;
const WELL_FOR: u64 = 20_000;

/// Half a second may a place take before its time counts as work, or four times what answers take on average.
const CHEAP: f32 = 0.5;

/// What a refused login still counts.
const REFUSED_LOGIN: f32 = 0.5;

/// An outcome while it is charged.
pub(super) struct Observer<'a> {
    pub state: &'a State,
    pub settings: &'a Settings,
    pub outcome: &'a Outcome,
    pub tick: u64,
}

impl Observer<'_> {
    /// Charges the outcome.
    pub(super) fn observe(&self) {
        let outcome = self.outcome;
        if outcome.visit.template == 0 {
            return;
        }
        let (seconds, usual) = self.work();
        let rare = self.is_rare_refusal();
        // The narrow ones first: whether they do well decides what the wide ones learn.
        let mut well = None;
        for kind in [SubjectKind::Session, SubjectKind::User, SubjectKind::Key] {
            if let Some(id) = outcome.subjects.id(kind) {
                let is_well = self.charge(id, seconds, usual, rare, None);
                well = well.or(is_well.then_some(id.hash.0));
            }
        }
        let address = SubjectId::address(outcome.subjects.client);
        if let Some(client) = outcome.subjects.id(SubjectKind::Client)
            && self.is_apart(address)
        {
            let is_well = self.charge(client, seconds, usual, rare, well);
            well = well.or(is_well.then_some(client.hash.0));
        }
        self.charge(address, seconds, usual, rare, well);
        if outcome.visit.pending {
            self.settle_login(address);
        }
    }

    /// Whether the address is told apart by program.
    fn is_apart(&self, address: SubjectId) -> bool {
        let programs = self
            .state
            .store
            .peek(address, |compact, _| compact.programs.count());
        programs.is_some_and(|programs| programs >= 1.5)
    }

    /// Seconds that this answer would have taken of a service that is well, and how many of them are no work; learns
    /// what the place takes. Where a service is slow for all who ask it, nobody is to blame.
    fn work(&self) -> (f32, f32) {
        let (outcome, world) = (self.outcome, &self.state.world);
        let took = outcome.latency.as_secs_f32();
        if !outcome.answered {
            return (took, took);
        }
        let average = world.answer(took);
        let service = outcome.visit.service;
        let strain = world.strain(service);
        let seconds = took / strain;
        if outcome.status >= 400 {
            return (seconds, seconds.min(CHEAP));
        }
        let place = short(outcome.visit.template);
        // Half of the strain is learnt: it does not make a place a slow one, and what stays becomes usual in the end.
        let learnt = took / strain.sqrt();
        let Some(usual) = self.state.places.answer(place, self.tick, learnt) else {
            return (seconds, seconds);
        };
        let client = SubjectId::address(outcome.subjects.client).hash.0;
        world.learn_strain(service, client, took / usual.max(f32::MIN_POSITIVE));
        (seconds, usual.min(CHEAP.max(4.0 * average)))
    }

    /// Charges the answer to one subject; whether it does well. `well` is who does well and is a part of it.
    fn charge(
        &self,
        id: SubjectId,
        seconds: f32,
        usual: f32,
        rare: bool,
        well: Option<u64>,
    ) -> bool {
        let (outcome, visit) = (self.outcome, &self.outcome.visit);
        self.with(id, |compact, profile| {
            if let Some(profile) = profile {
                profile.answer(visit, outcome.status, outcome.bytes);
                if rare {
                    profile.deny(visit);
                }
            }
            if !outcome.answered {
                return false;
            }
            compact.answer(outcome.status);
            compact.work += seconds;
            compact.usual_work += usual;
            self.note_error(compact);
            if let Some(well) = well {
                compact.healthy.add(well);
            }
            outcome.status < 400 && !visit.noticed && does_well(compact, self.tick)
        })
    }

    /// Whether an object was refused, or was not there, at a place where that is rare; the place learns it.
    fn is_rare_refusal(&self) -> bool {
        let (outcome, visit) = (self.outcome, &self.outcome.visit);
        let refused = matches!(outcome.status, 403 | 404 | 410);
        outcome.answered
            && refused
            && visit.object != 0
            && self.state.places.refuse(short(visit.template))
    }

    fn note_error(&self, compact: &mut Compact) {
        let visit = &self.outcome.visit;
        match self.outcome.status {
            401 | 403 | 404 | 410 if visit.object != 0 => {
                compact.refused.add(visit.object);
            }
            403 | 404 | 410 => {
                compact.lost.add(visit.path);
            }
            400 | 402 | 405..=428 | 431..=501 | 505..=599 => {
                // What was counted as odd is the same question.
                let question = match visit.odd {
                    0 => visit.template ^ visit.variant,
                    odd => odd,
                };
                compact.variants.add(question);
            }
            _ => {}
        }
    }

    /// Takes back what was charged for a login, as far as it was no failure.
    fn settle_login(&self, address: SubjectId) {
        let outcome = self.outcome;
        let result = match (outcome.answered, outcome.login) {
            (false, _) => None,
            (true, Some(login)) => Some(login),
            (true, None) => by_status(outcome.status),
        };
        let places = [
            SubjectKind::Address,
            SubjectKind::Client,
            SubjectKind::Session,
            SubjectKind::Key,
        ];
        let apart = self.is_apart(address);
        let places = places
            .iter()
            .filter(|kind| apart || **kind != SubjectKind::Client)
            .filter_map(|kind| outcome.subjects.id(*kind));
        for id in places {
            self.with(id, |compact, _| settle(compact, result, false));
        }
        for id in Attempt::charged(outcome.subjects.attempt, &outcome.subjects) {
            // What is known of this one user; a success wipes his failures, and nobody else's.
            let personal = Some(id)
                == outcome
                    .subjects
                    .attempt
                    .map(|attempt| SubjectId::pair(&outcome.subjects, attempt.user))
                || id.kind == SubjectKind::User;
            self.with(id, |compact, _| settle(compact, result, personal));
        }
        self.tell_login(address, result);
    }

    fn tell_login(&self, address: SubjectId, result: Option<Login>) {
        let Some(result) = result else { return };
        let cold = self.state.store.peek(address, |compact, _| {
            compact.total as f32 - compact.login_failed - compact.login_ok < 2.0
        });
        let ok = result == Login::Success;
        if cold == Some(true) {
            self.state.world.cold_login(self.tick, ok);
        }
        let attempt = self.outcome.subjects.attempt;
        let user = attempt.map(|attempt| SubjectId::new(SubjectKind::User, attempt.user));
        for id in [Some(address), user].into_iter().flatten() {
            let bits = self.state.store.peek(id, |compact, _| {
                (compact.tried.bits(), compact.others.bits())
            });
            let (users, addresses) = bits.unwrap_or_default();
            self.state.tell(id, |delta| {
                delta.requests += 1;
                delta.failures += u32::from(!ok);
                delta.successes += u32::from(ok);
                delta.users |= users;
                delta.addresses |= addresses;
            });
        }
    }

    fn with<R>(
        &self,
        id: SubjectId,
        look: impl FnOnce(&mut Compact, Option<&mut crate::behaviour::profile::Profile>) -> R,
    ) -> R {
        let half_life = self.settings.risk.half_life as f32;
        let look = |compact: &mut Compact, _, profile: Option<&mut _>| look(compact, profile);
        self.state.store.with(id, self.tick, half_life, look)
    }
}

/// Whether a subject has been doing well for long enough to be worth protecting.
pub(super) fn does_well(compact: &Compact, tick: u64) -> bool {
    compact.ok >= WELL_ANSWERS
        && compact.errors() <= 0.3 * compact.answers()
        && compact.risk < 30.0
        && tick.saturating_sub(compact.first) >= WELL_FOR
}

/// What a status says about a login. A server that broke says nothing.
fn by_status(status: u16) -> Option<Login> {
    match status {
        100..=399 => Some(Login::Success),
        423 => Some(Login::Locked),
        429 | 500..=599 => None,
        _ => Some(Login::Failure),
    }
}

/// Settles one login that was charged as failed. `personal` is what is counted for one user alone.
fn settle(compact: &mut Compact, result: Option<Login>, personal: bool) {
    let back = match result {
        // An account that is locked has failed once more, no worse: people try again before they read why.
        Some(Login::Failure | Login::Locked) => 0.0,
        Some(Login::Success) => {
            compact.login_ok += 1.0;
            if personal { compact.login_failed } else { 1.0 }
        }
        None => 1.0 - REFUSED_LOGIN,
    };
    compact.login_failed = (compact.login_failed - back).max(0.0);
}
