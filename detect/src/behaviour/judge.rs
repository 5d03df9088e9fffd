//! The way of a request through the stage: it is charged to each of its subjects, the detectors look at what they are
//! now, and what they find is answered.

use crate::behaviour::compact::Compact;
use crate::behaviour::detect::{self, Kind, Known, LoginScene, Scene};
use crate::behaviour::judgement::{Finding, Judgement, Risk};
use crate::behaviour::places::{Busy, Walker};
use crate::behaviour::profile::{Profile, short};
use crate::behaviour::respond::{DENY, Response, THROTTLE, weigh};
use crate::behaviour::settings::Settings;
use crate::behaviour::state::State;
use crate::behaviour::store::Opened;
use crate::behaviour::subject::{Attempt, Claim, SubjectId, SubjectKind, Subjects, Token};
use crate::behaviour::visit::Visit;
use crate::behaviour::world::SurgeBound;
use crate::policy::Watch;
use crate::request::Request;

/// From which score of the other stages on a request counts as an attack: MEDIUM.
pub(super) const ATTACK: f32 = 40.0;

/// Whom a request is charged to, the widest first.
const KINDS: [SubjectKind; 5] = [
    SubjectKind::Address,
    SubjectKind::Client,
    SubjectKind::Key,
    SubjectKind::User,
    SubjectKind::Session,
];
/// From how many different objects on it matters that an address reads nothing else.
const ALONE: f32 = 4.0;

/// From how many programs on an address is told apart by program.
const PROGRAMS: f32 = 1.5;

/// A request while it is charged and judged.
pub(super) struct Judge<'a> {
    pub state: &'a State,
    pub settings: &'a Settings,
    pub subjects: &'a Subjects,
    pub tick: u64,
}

impl Judge<'_> {
    /// Charges and judges a request. `excepted` are detectors that the policy silences here.
    pub(super) fn judge(
        &self,
        request: &Request<'_>,
        score: f32,
        watch: Watch,
        excepted: &dyn Fn(&Finding) -> bool,
    ) -> Judgement {
        let mut visit = Visit::read(request, self.subjects, score);
        let place = short(visit.template);
        let query = request.query.unwrap_or_default();
        let questions = self.state.customs.read(place, query);
        visit.odd = questions.odd();
        let flood = &self.settings.detectors.flood;
        let bound = SurgeBound {
            factor: flood.surge,
            floor: flood.surge_floor,
        };
        let weather = self.state.world.request(self.tick, bound);
        let address = SubjectId::address(self.subjects.client).hash.0;
        let number = visit
            .number
            .filter(|_| !visit.write && visit.page.is_none());
        let (busy, walk, refused) = {
            let places = &self.state.places;
            places.request(place, visit.asked, number, address, self.tick)
        };
        self.weigh_cost(&mut visit, &busy);
        let known = self.charge_all(&visit);
        let lone = self
            .reads_alone(&known, &visit)
            .then(|| self.state.places.read_alone(short(visit.template), address));
        let login = visit.login.then(|| self.charge_login(&known));
        visit.pending = visit.login;
        let mut findings = detect::run(&Scene {
            settings: &self.settings.detectors,
            subjects: self.subjects,
            visit: &visit,
            known: &known,
            login: login.as_ref(),
            busy,
            walk,
            refused,
            lone,
            weather,
            application_changed: self.state.places.changed(),
        });
        let risk = |findings: &[Finding]| self.risk(&known, findings);
        if findings.is_empty() {
            self.state.customs.learn(&questions);
            return Judgement {
                risk: risk(&[]),
                visit,
                ..Judgement::default()
            };
        }
        findings.retain(|finding| !excepted(finding));
        self.weigh_insistence(&known, &mut findings);
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.score));
        visit.noticed = !findings.is_empty();
        let risk = risk(&findings);
        let response = Response {
            settings: &self.settings.bans,
            bans: &self.state.bans,
            subjects: self.subjects,
            known: &known,
            wall: self.state.wall_at(self.tick),
            enforce: watch == Watch::Enforce,
        };
        Judgement {
            reaction: response.to(&findings),
            weight: weigh(&findings),
            findings,
            risk,
            visit,
        }
    }

    /// Says whether the request asks for more than others do at this place, or for what few ask and takes long.
    fn weigh_cost(&self, visit: &mut Visit, busy: &Busy) {
        let settings = &self.settings.detectors.resource_exhaustion;
        let usual = self.state.world.latency();
        let slow = busy.seconds >= settings.slow.max(settings.slower * usual);
        visit.costly = slow && !self.state.places.is_core(busy);
        let lot = visit.asked >= settings.lot || busy.is_much(visit.asked, settings.more);
        visit.greedy = visit.mails || lot;
    }

    /// Who was stopped again and again, and comes with the same again, does not want to be told.
    fn weigh_insistence(&self, known: &[Known], findings: &mut [Finding]) {
        for finding in findings
            .iter_mut()
            .filter(|finding| finding.kind != Kind::Flood)
        {
            let about = known.iter().find(|known| known.id == finding.subject);
            let stopped = about.map_or(0.0, |known| known.compact.stopped);
            if f32::from(finding.score) >= THROTTLE && stopped >= self.settings.bans.insistence {
                finding.score = finding.score.max(DENY as u8);
            }
        }
    }

    /// Charges the request to each subject; what they are now, the widest first.
    fn charge_all(&self, visit: &Visit) -> Vec<Known> {
        let mut known = Vec::with_capacity(KINDS.len());
        let principal = self.principal();
        let ids = KINDS.map(|kind| self.subjects.id(kind));
        let mut opened = self.state.store.open(ids);
        for (kind, id) in KINDS.into_iter().zip(ids) {
            // As long as an address has one program only, the two are the same.
            let apart = known
                .first()
                .is_some_and(|address: &Known| address.compact.programs.count() >= PROGRAMS);
            if kind == SubjectKind::Client && !apart {
                continue;
            }
            if let Some(id) = id {
                known.push(self.charge(&mut opened, id, visit, kind == principal));
            }
        }
        known
    }

    /// Whether the address shows no sign of a person: objects of one place, and nothing else.
    fn reads_alone(&self, known: &[Known], visit: &Visit) -> bool {
        if visit.object == 0 || visit.write || visit.asset || self.subjects.has_credentials() {
            return false;
        }
        let address = known.first();
        address.is_some_and(|address| {
            let objects = address.traits.map_or(0.0, |traits| traits.objects);
            objects >= ALONE && address.compact.places.count() < 1.5
        })
    }

    /// The kind of the narrowest subject: the one whose way through the application is followed.
    fn principal(&self) -> SubjectKind {
        let subjects = self.subjects;
        if subjects.session.is_some() {
            SubjectKind::Session
        } else if subjects.user.is_some() {
            SubjectKind::User
        } else if subjects.key.is_some() {
            SubjectKind::Key
        } else {
            SubjectKind::Address
        }
    }

    fn charge(
        &self,
        opened: &mut Opened<'_, 5>,
        id: SubjectId,
        visit: &Visit,
        principal: bool,
    ) -> Known {
        let hour = self.state.hour_at(self.tick);
        let half_life = self.settings.risk.half_life as f32;
        opened.with(id, self.tick, half_life, |compact, before, profile| {
            compact.request(before);
            self.count(id.kind, compact, visit);
            let traits = profile.map(|profile| {
                if principal && profile.sets_out() {
                    self.state.places.walker(self.tick, Walker::Client);
                }
                if principal && id.kind != SubjectKind::Address {
                    self.follow(compact, profile, visit);
                }
                let traits = profile.request(self.tick, hour, visit, self.subjects);
                if principal && traits.strange {
                    self.state.places.newcomer(short(visit.template));
                }
                traits
            });
            Known {
                id,
                compact: *compact,
                traits,
            }
        })
    }

    /// Counts what the request shows by itself.
    fn count(&self, kind: SubjectKind, compact: &mut Compact, visit: &Visit) {
        let subjects = self.subjects;
        compact.places.add(visit.template);
        compact.programs.add(subjects.fingerprint().0);
        if visit.score >= ATTACK {
            compact.attacks += visit.score / 100.0;
            compact.variants.add(visit.template ^ visit.variant);
        }
        if visit.greedy {
            compact.greedy += 1.0;
        }
        if visit.odd != 0 {
            compact.variants.add(visit.odd);
        }
        if matches!(kind, SubjectKind::Address | SubjectKind::Client) {
            self.count_at_place(compact);
        } else {
            compact
                .others
                .add(SubjectId::address(subjects.client).hash.0);
        }
        if visit.login && !matches!(kind, SubjectKind::User) {
            compact.login_failed += 1.0;
            if let Some(attempt) = subjects.attempt {
                compact.tried.add(attempt.user.0);
            }
        }
    }

    /// Counts what is there at an address or a client.
    fn count_at_place(&self, compact: &mut Compact) {
        let subjects = self.subjects;
        // A user with a session is one, not two.
        if let Some(hash) = subjects.session.or(subjects.user).or(subjects.key) {
            compact.others.add(hash.0);
        }
        compact.forged += f32::from(u8::from(subjects.token == Token::Forged));
        match subjects.claim {
            Claim::None | Claim::Private => {}
            Claim::Internal => compact.claims += 1.0,
            Claim::Public(claim) => {
                let claim = claim.0 as u16 | 1;
                if compact.claim != 0 && compact.claim != claim {
                    compact.claims += 1.0;
                }
                compact.claim = claim;
            }
        }
    }

    /// Follows the subject's step from place to place, and adds up by how many bits more than usual its steps surprise
    /// (a CUSUM, Page 1954): who walks as others do comes back to nothing, whoever jumps about adds up. What a stranger
    /// does teaches a quarter as much.
    fn follow(&self, compact: &mut Compact, profile: &mut Profile, visit: &Visit) {
        let (from, to) = (profile.stood(), short(visit.template));
        if from == 0 || visit.asset {
            return;
        }
        let places = &self.state.places;
        let settings = &self.settings.detectors.unusual_sequence;
        if profile.sets_out() && visit.browser {
            places.walker(self.tick, Walker::Browser);
        }
        if visit.browser {
            places.see();
        }
        let before = compact.surprise;
        let strange = before >= settings.hint_bits;
        let step = places.step(from, to, strange);
        if let Some(surplus) = step.filter(|_| places.learned() >= settings.learned) {
            let surplus = surplus.min(settings.most) - settings.drift;
            let most = 2.0 * settings.throttle_bits;
            compact.surprise = (before + surplus).min(most).max(0.0);
            let strange = compact.surprise >= settings.hint_bits && visit.browser;
            if profile.becomes_stranger(strange) {
                places.walker(self.tick, Walker::Stranger);
            }
        }
    }

    /// Charges a login to whom it names, as failed until the answer says otherwise.
    fn charge_login(&self, known: &[Known]) -> LoginScene {
        let subjects = self.subjects;
        let address = SubjectId::address(subjects.client).hash.0;
        let user = subjects.attempt.map(|attempt| attempt.user);
        let charge = |id: SubjectId| self.fail(id, user.map_or(address, |user| user.0), address);
        let user_id = user.map(|user| SubjectId::new(SubjectKind::User, user));
        let home = user_id.map(&charge);
        let secret = subjects.attempt.and_then(|attempt| attempt.secret);
        let secret = secret.map(|secret| charge(SubjectId::secret(secret)));
        let compact = known
            .first()
            .map_or_else(Compact::default, |known| known.compact);
        let else_done = compact.total as f32 - compact.login_failed - compact.login_ok;
        LoginScene {
            user: home.map(|home| home.compact),
            pair: user.map(|user| charge(SubjectId::pair(subjects, user)).compact),
            at_home: home.is_some_and(|home| home.at_home),
            bystander: is_bystander(known),
            program: charge(SubjectId::program(subjects)).compact,
            same_program: secret.as_ref().is_some_and(Failed::is_by_few_programs),
            secret: secret.map(|secret| secret.compact),
            cold: else_done < 2.0 && compact.login_ok < 0.5,
            cold_failures: self.state.world.cold_failures(self.tick),
        }
    }

    /// One failed login more.
    fn fail(&self, id: SubjectId, user: u64, address: u64) -> Failed {
        let half_life = self.settings.risk.half_life as f32;
        self.state
            .store
            .with(id, self.tick, half_life, |compact, _, profile| {
                compact.login_failed += 1.0;
                compact.tried.add(user);
                compact.others.add(address);
                Failed {
                    at_home: profile.is_some_and(|profile| profile.knows_network(self.subjects)),
                    known_program: !compact.programs.add(self.subjects.fingerprint().0),
                    compact: *compact,
                }
            })
    }

    /// Adds what was found to the risk of whom it concerns; the highest risk of all subjects.
    fn risk(&self, known: &[Known], findings: &[Finding]) -> Risk {
        let mut risk = Risk::default();
        for known in known {
            let mut compact = known.compact;
            if findings.iter().any(|finding| finding.subject == known.id) {
                compact = self.add_risk(known.id, findings);
            }
            if compact.risk > risk.value {
                risk = Risk {
                    subject: Some(known.id),
                    value: compact.risk,
                    confidence: compact.confidence(),
                    factors: compact.factors(),
                };
            }
        }
        risk
    }

    fn add_risk(&self, id: SubjectId, findings: &[Finding]) -> Compact {
        let half_life = self.settings.risk.half_life as f32;
        let compact = self
            .state
            .store
            .with(id, self.tick, half_life, |compact, _, _| {
                for finding in findings.iter().filter(|finding| finding.subject == id) {
                    compact.charge(finding);
                }
                *compact
            });
        if compact.risk >= THROTTLE {
            self.state
                .tell(id, |delta| delta.risk = delta.risk.max(compact.risk as u8));
        }
        compact
    }
}

/// A subject to whom a failed login was charged.
#[derive(Clone, Copy)]
struct Failed {
    /// What it is now.
    compact: Compact,
    /// Whether it is at home in the client's network.
    at_home: bool,
    /// Whether the program of this login has failed there before.
    known_program: bool,
}

impl Failed {
    /// Whether few programs fail for many users, and this is one of them. People's programs differ.
    fn is_by_few_programs(&self) -> bool {
        self.known_program && self.compact.programs.count() <= FEW * self.compact.tried.count()
    }
}

/// How many programs, for each user that they fail for, are few.
const FEW: f32 = 0.25;

/// Up to how many programs nobody changes them with every try.
const MANY: f32 = 3.5;

/// Whether a login comes from a program that did not take part in what others did at its address: its first try there,
/// where not every try comes with a program of its own.
fn is_bystander(known: &[Known]) -> bool {
    let (Some(address), Some(client)) = (
        known.first(),
        known
            .iter()
            .find(|known| known.id.kind == SubjectKind::Client),
    ) else {
        return false;
    };
    let first = client.compact.login_failed <= 1.2 && client.compact.tried.count() <= 1.2;
    let programs = address.compact.programs.count();
    first && (programs <= MANY || programs <= 0.5 * address.compact.tried.count())
}

impl Attempt {
    /// Those to whom a login was charged, by [`Judge::charge_login`].
    pub(super) fn charged(
        attempt: Option<Self>,
        subjects: &Subjects,
    ) -> impl Iterator<Item = SubjectId> {
        let user = attempt.map(|attempt| attempt.user);
        [
            user.map(|user| SubjectId::new(SubjectKind::User, user)),
            user.map(|user| SubjectId::pair(subjects, user)),
            Some(SubjectId::program(subjects)),
            attempt
                .and_then(|attempt| attempt.secret)
                .map(SubjectId::secret),
        ]
        .into_iter()
        .flatten()
    }
}
