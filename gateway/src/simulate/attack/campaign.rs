//! Carries an attack out: chooses who of the group sends, as what it is dressed, when, and what to do when it is stopped.

use super::super::actor::{Actor, Scene, Setting, Stolen, any_site, site};
use super::super::address::{Net, Place};
use super::super::client::{Agent, Program};
use super::super::compose::{self, Hand};
use super::super::message::{Act, Answer, Request, Who};
use super::super::people;
use super::super::random::{Draw, mix};
use super::super::site::{Kind, Route, Site};
use super::super::token::Grant;
use super::{Scenario, Started, Variant, anomaly, theft};

/// What an attack sends.
pub trait Tactic {
    /// The next request. Nothing ends the campaign.
    fn shoot(&mut self, kit: &mut Kit<'_>) -> Option<Shot>;

    /// What came of it.
    fn hear(&mut self, _answer: &Answer) {}

    /// The site, where the attack only makes sense on some.
    fn site(&self, draw: &mut Draw) -> usize {
        any_site(draw)
    }

    /// Whether it sends without waiting for answers.
    fn is_impatient(&self) -> bool {
        false
    }

    /// Whether the members use an account of their own, which they made for this.
    fn has_account(&self) -> bool {
        false
    }

    /// The account that it is about, where it has one; chosen before anything else happens.
    fn account(&self) -> Option<u32> {
        None
    }

    /// The accounts whose owners were there before it, each with a device and a line of their own.
    fn owners(&self) -> Vec<u32> {
        self.account().into_iter().collect()
    }

    /// Whether it comes from the device and the line of the account's owner.
    fn is_insider(&self) -> bool {
        false
    }

    /// Whether it stays with one agent, so that only what it does gives it away.
    fn disguised(&self) -> Option<Agent> {
        None
    }

    /// A factor for the pause before the next request at this moment: bursts and silence.
    fn rhythm(&self, _now: f64) -> f64 {
        1.0
    }
}

/// What a tactic has at hand.
pub struct Kit<'a> {
    /// Randomness.
    pub draw: &'a mut Draw,
    /// The target.
    pub site: &'static Site,
    /// Virtual now.
    pub now: f64,
    /// The unchanging.
    pub setting: &'a Setting,
    /// As what it is dressed.
    pub agent: &'a Agent,
    /// The account that it is logged in as.
    pub account: Option<u32>,
    /// Its tokens.
    pub grant: Option<&'a Grant>,
    /// What was stolen for this group.
    pub stolen: Option<Stolen>,
}

/// A request of an attack.
pub struct Shot {
    /// The request.
    pub request: Request,
    /// Whether it is part of what makes this an attack; else it is cover.
    pub hostile: bool,
    /// The account it is about.
    pub account: Option<u32>,
}

impl Kit<'_> {
    /// A request to a route as an honest client would send it, with this member's tokens.
    pub fn honest(&mut self, route: usize) -> Request {
        self.honest_with(route, None, 0)
    }

    /// The same for a certain thing, or page of a list.
    pub fn honest_with(&mut self, route: usize, thing: Option<u32>, page: u32) -> Request {
        self.sized(route, thing, page, 0)
    }

    /// The same with so many entries on a page.
    pub fn sized(&mut self, route: usize, thing: Option<u32>, page: u32, size: u32) -> Request {
        let cookie = self
            .grant
            .filter(|_| self.by_cookie())
            .map_or_else(String::new, |grant| format!("sid={}", grant.cookie));
        let bearer = self
            .grant
            .filter(|_| cookie.is_empty())
            .map_or("", |grant| grant.bearer.as_str());
        let hand = Hand {
            account: self.account,
            cookie: &cookie,
            bearer,
            thing,
            page,
            size,
            now: self.now,
            ..Hand::default()
        };
        compose::request(
            self.site,
            &self.site.routes[route],
            self.agent,
            &hand,
            self.draw,
        )
    }

    fn by_cookie(&self) -> bool {
        self.site.cookie && self.agent.is_browser()
    }

    /// Some route for which `wanted` holds.
    pub fn route(&mut self, wanted: impl Fn(&Route) -> bool) -> Option<usize> {
        let found = self.site.routes_where(wanted);
        (!found.is_empty()).then(|| found[self.draw.below(found.len())])
    }

    /// A log-in.
    pub fn login(&self, name: &str, password: &str) -> Option<Request> {
        compose::login(self.site, self.agent, &Hand::default(), name, password)
    }

    /// A path of one's own on the site.
    pub fn raw(&self, method: &'static str, target: String, body: String) -> Option<Request> {
        let route = &self.site.routes[self.site.first(Kind::List)?];
        let bearer = self.grant.map_or("", |grant| grant.bearer.as_str());
        let hand = Hand {
            bearer,
            ..Hand::default()
        };
        Some(Request {
            method,
            ..compose::dress(self.site, route, self.agent, &hand, target, body)
        })
    }
}

/// How the members of a group are dressed.
#[derive(Clone, Debug)]
enum Costume {
    /// All the same: a tool under its own or a false name.
    Same(Agent),
    /// Each another browser.
    Each,
    /// Some copy a browser's name but send the headers of a script.
    Thin,
}

/// An attack in progress.
pub struct Campaign {
    group: u32,
    scenario: &'static Scenario,
    variant: &'static str,
    draw: Draw,
    site: usize,
    members: u32,
    nets: [f64; 3],
    costume: Costume,
    agent: Agent,
    sticky: f64,
    member: u32,
    shift: u32,
    gap: f64,
    sigma: f64,
    left: u32,
    owner: Option<(Agent, Place)>,
    tactic: Box<dyn Tactic>,
    has_account: bool,
    own_account: Option<u32>,
    grant: Option<Grant>,
    granted_at: f64,
    logging_in: bool,
    stops: u32,
    patience: u32,
    rotates: bool,
    pause: f64,
    sequence: u32,
}

/// A campaign of `scenario`, and whom it needs.
pub fn begin(
    scenario: &'static Scenario,
    (group, turn): (u32, u32),
    time: f64,
    most: u32,
    setting: &Setting,
) -> Started {
    let mut draw = Draw::of(mix(setting.seed, 0x5ca1), u64::from(group));
    let variant = &scenario.variants[turn as usize % scenario.variants.len()];
    let tactic = (scenario.make)(variant, &mut draw);
    let at = tactic.site(&mut draw);
    let time = anomaly::moment(tactic.account(), variant.name, at, time, setting);
    let mut actors = theft::victims(
        scenario.name,
        variant.name,
        group,
        at,
        time,
        setting,
        &mut draw,
    );
    for account in tactic.owners() {
        let account = account % site(at).accounts;
        actors.extend(anomaly::past(
            account,
            scenario.name,
            at,
            time,
            setting,
            &mut draw,
        ));
    }
    let owner = tactic
        .account()
        .map(|account| anomaly::owner(at, account, setting))
        .filter(|_| tactic.is_insider());
    let mut campaign = Campaign::new(
        scenario,
        variant,
        group,
        at,
        most,
        draw,
        tactic,
        (time, setting.end),
    );
    campaign.owner = owner;
    actors.push((time, Box::new(campaign)));
    Started { actors }
}

impl Campaign {
    #[expect(clippy::too_many_arguments, reason = "one caller, above")]
    fn new(
        scenario: &'static Scenario,
        variant: &'static Variant,
        group: u32,
        at: usize,
        most: u32,
        mut draw: Draw,
        tactic: Box<dyn Tactic>,
        (time, end): (f64, f64),
    ) -> Self {
        let most = most.max(variant.budget.0);
        let budget = draw.scale(
            variant.budget.0.into(),
            f64::from(variant.budget.1.min(most)) + 1.0,
        ) as u32;
        // It has to end before the simulation does: then it is shorter, or quicker where it would be too short.
        let room = (end - time).max(1.0) * 0.8;
        let mut rate = draw.scale(variant.rate.0, variant.rate.1);
        let left = budget
            .min((rate * room) as u32)
            .max(variant.budget.0.min(budget));
        rate = rate.max(f64::from(left) / room);
        let members =
            draw.scale(variant.members.0.into(), f64::from(variant.members.1) + 0.9) as u32;
        let own_account = tactic.account().or_else(|| {
            tactic
                .has_account()
                .then(|| draw.below(site(at).accounts as usize) as u32)
        });
        let costume = costume(members, tactic.disguised(), &mut draw);
        let agent = Agent::browser(&mut draw);
        Self {
            group,
            scenario,
            variant: variant.name,
            site: at,
            members,
            nets: nets(&mut draw),
            costume,
            agent,
            sticky: draw.scale(1.0, 40.0),
            member: 0,
            shift: 0,
            gap: 1.0 / rate,
            sigma: if draw.chance(0.4) {
                0.05
            } else {
                draw.between(0.3, 1.1)
            },
            left,
            owner: None,
            has_account: tactic.has_account(),
            own_account,
            grant: None,
            granted_at: 0.0,
            logging_in: false,
            stops: 0,
            patience: draw.scale(8.0, 400.0) as u32,
            rotates: draw.chance(0.4),
            pause: 0.0,
            sequence: 0,
            tactic,
            draw,
        }
    }

    /// Who of the group sends next: some change the address with every request, some after a while.
    fn choose_member(&mut self) {
        if self.members > 1 && self.draw.chance(1.0 / self.sticky) {
            self.member = self.draw.below(self.members as usize) as u32;
        }
    }

    fn place(&self, setting: &Setting) -> Place {
        if let Some((_, place)) = &self.owner {
            return *place;
        }
        let number = mix(
            0xbad0_0000 + u64::from(self.group),
            u64::from(self.member + self.shift),
        );
        let mut draw = Draw::of(number, 2);
        let net = [Net::Hosting, Net::Home, Net::Carrier][draw.weighted(self.nets.into_iter())];
        net.place(setting.seed, number)
    }

    fn dress(&mut self) {
        if let Some((agent, _)) = &self.owner {
            self.agent.clone_from(agent);
            return;
        }
        let number = mix(u64::from(self.group), u64::from(self.member));
        self.agent = match &self.costume {
            Costume::Same(agent) => agent.clone(),
            Costume::Each => Agent::browser(&mut Draw::of(number, 3)),
            Costume::Thin => {
                let browser = Agent::browser(&mut Draw::of(number, 3));
                Agent::named(Program::Script, &browser.name)
            }
        };
    }

    /// Members with an account log in like everybody else, and again when the token ends.
    fn needs_login(&self, now: f64) -> bool {
        self.has_account
            && self.own_account.is_some()
            && (self.grant.is_none() || now > self.granted_at + 840.0)
    }

    fn shot(&mut self, scene: &mut Scene<'_>) -> Option<Shot> {
        let stolen = scene.loot.of(self.group).cloned();
        let needs_login = self.needs_login(scene.now);
        let mut kit = Kit {
            draw: &mut self.draw,
            site: site(self.site),
            now: scene.now,
            setting: scene.setting,
            agent: &self.agent,
            account: self.own_account,
            grant: self.grant.as_ref(),
            stolen,
        };
        if needs_login && let Some(account) = kit.account {
            self.logging_in = true;
            let request =
                kit.login(&people::mail(account), &people::password(kit.site, account))?;
            return Some(Shot {
                request,
                hostile: false,
                account: Some(account),
            });
        }
        self.logging_in = false;
        self.tactic.shoot(&mut kit)
    }
}

impl Actor for Campaign {
    fn act(&mut self, scene: &mut Scene<'_>) -> Option<Act> {
        self.choose_member();
        self.dress();
        let shot = self.shot(scene)?;
        self.left = self.left.saturating_sub(1);
        self.sequence += 1;
        Some(Act {
            request: shot.request,
            who: Who {
                actor: mix(
                    u64::from(self.group) | 1 << 40,
                    u64::from(self.member + self.shift),
                ),
                group: Some(self.group),
                scenario: self.scenario.name,
                variant: self.variant,
                class: if shot.hostile {
                    self.scenario.class
                } else {
                    "cover"
                },
                hostile: shot.hostile,
                victim: false,
                site: self.site,
                session: self.member,
                sequence: self.sequence - 1,
                place: self.place(scene.setting),
                account: shot.account,
            },
        })
    }

    fn hear(&mut self, scene: &mut Scene<'_>, answer: &Answer) {
        if self.logging_in {
            self.logging_in = false;
            self.granted_at = scene.now;
            match &answer.grant {
                Some(grant) => self.grant = Some((**grant).clone()),
                // Locked, or refused: without an account it goes on as it can.
                None => self.has_account = false,
            }
        } else {
            self.tactic.hear(answer);
        }
        if answer.decision.is_stop() {
            self.stops += 1;
            // Some change the address, some wait and try again, some do not notice.
            if self.rotates && self.draw.chance(0.5) {
                self.shift += self.members;
            } else {
                self.pause = self.draw.log_normal(self.gap * 4.0 + 0.5, 1.0).min(120.0);
            }
        }
    }

    fn next(&mut self, scene: &mut Scene<'_>) -> Option<f64> {
        if self.left == 0 || self.stops > self.patience {
            return None;
        }
        let gap = self.draw.log_normal(
            self.gap * (-0.5 * self.sigma * self.sigma).exp(),
            self.sigma,
        );
        Some(scene.now + gap * self.tactic.rhythm(scene.now) + std::mem::take(&mut self.pause))
    }

    fn is_impatient(&self) -> bool {
        self.tactic.is_impatient()
    }
}

fn costume(members: u32, disguise: Option<Agent>, draw: &mut Draw) -> Costume {
    if let Some(agent) = disguise {
        return Costume::Same(agent);
    }
    match draw.weighted([0.25, 0.3, 0.25, 0.2].into_iter()) {
        0 => Costume::Same(Agent::of(Program::Script, draw)),
        1 if members > 1 => Costume::Each,
        2 => Costume::Thin,
        _ => Costume::Same(Agent::browser(draw)),
    }
}

/// How a group's addresses spread over rented servers, homes and carriers.
fn nets(draw: &mut Draw) -> [f64; 3] {
    match draw.below(3) {
        0 => [1.0, 0.0, 0.0],
        1 => [0.2, 0.7, 0.1],
        _ => [draw.unit() + 0.01, draw.unit(), 0.4 * draw.unit()],
    }
}
