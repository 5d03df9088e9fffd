//! A person with a browser or an app: opens screens, thinks, logs in, mistypes, loses the connection, comes back.

use std::collections::VecDeque;

use super::super::actor::{Actor, Scene, Setting, Stolen, site};
use super::super::address::{self, Net, Place};
use super::super::client::{Agent, Program};
use super::super::compose::{self, Hand};
use super::super::message::{Act, Answer, Request, Who};
use super::super::people;
use super::super::random::{Draw, mix};
use super::super::site::{Access, FILES, Kind, Site, Slot};
use super::super::token::Grant;

/// What kind of person it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Character {
    name: &'static str,
    app: bool,
    net: Net,
    logs_in: f64,
    /// Chance to have the password right.
    remembers: f64,
    /// Median seconds between two screens.
    think: f64,
    /// Mean number of screens.
    screens: f64,
    /// Chance of a mistake per screen.
    slips: f64,
}

impl Character {
    /// The character that a population has.
    pub fn of(name: &str) -> Self {
        let person = Self {
            name: "browser",
            app: false,
            net: Net::Home,
            logs_in: 0.8,
            remembers: 0.93,
            think: 7.0,
            screens: 9.0,
            slips: 0.012,
        };
        match name {
            "app" => Self {
                name: "app",
                app: true,
                net: Net::Carrier,
                logs_in: 0.95,
                remembers: 0.96,
                think: 4.5,
                screens: 10.0,
                slips: 0.003,
            },
            "office" => Self {
                name: "office",
                net: Net::Office,
                logs_in: 0.97,
                think: 9.0,
                screens: 16.0,
                ..person
            },
            "visitor" => Self {
                name: "visitor",
                logs_in: 0.0,
                screens: 4.0,
                slips: 0.05,
                ..person
            },
            "forgetful" => Self {
                name: "forgetful",
                logs_in: 1.0,
                remembers: 0.12,
                ..person
            },
            "power" => Self {
                name: "power",
                logs_in: 1.0,
                think: 1.3,
                screens: 70.0,
                ..person
            },
            "developer" => Self {
                name: "developer",
                net: Net::Office,
                logs_in: 0.7,
                remembers: 0.7,
                think: 5.0,
                screens: 22.0,
                slips: 0.4,
                ..person
            },
            "flash-crowd" => Self {
                name: "flash-crowd",
                logs_in: 0.3,
                think: 2.5,
                screens: 6.0,
                ..person
            },
            _ => person,
        }
    }
}

/// Something to send.
#[derive(Clone, Debug, PartialEq)]
enum Call {
    Route(usize),
    Login,
    Refresh,
    Forgot,
    /// A mistake: a path that may not exist.
    Slip(String),
}

/// A person.
pub struct Visitor {
    draw: Draw,
    character: Character,
    site: usize,
    actor: u64,
    agent: Agent,
    place: Place,
    home: u64,
    account: Option<u32>,
    grant: Option<Grant>,
    tracking: String,
    cookie: String,
    screen: usize,
    thing: Option<(usize, u32)>,
    page: u32,
    calls: VecDeque<Call>,
    sent: Option<Call>,
    again: bool,
    screens_left: u32,
    next_at: f64,
    session: u32,
    sequence: u32,
    fails: u32,
    remembers: bool,
    stops: u32,
    think: f64,
    /// The group that steals this person's tokens.
    prey_of: Option<u32>,
}

impl Visitor {
    /// A person of this character who arrives at `time`; `account` where it is to be a certain one.
    pub fn new(
        character: Character,
        at: usize,
        account: Option<u32>,
        mut draw: Draw,
        time: f64,
        setting: &Setting,
    ) -> Self {
        let own = site(at);
        let logs_in = account.is_some() || draw.chance(character.logs_in);
        let account =
            account.or_else(|| logs_in.then(|| draw.popular(own.accounts as usize) as u32));
        // A person's device and home follow from the account, so that they are the same tomorrow.
        let number = account.map_or_else(|| draw.bits(), people::person);
        let mut habits = Draw::of(setting.seed, number);
        let agent = match character.name {
            _ if character.app => Agent::app(&mut habits),
            "developer" => Agent::of(Program::Script, &mut habits),
            _ => Agent::browser(&mut habits),
        };
        let home = match character.net {
            Net::Office => habits.whole(0, 400),
            _ => number,
        };
        // Whatever the device, one person is in one country.
        let country = address::country(setting.seed, number);
        let place = character.net.place_in(setting.seed, home, country);
        let tracking = tracking(&mut habits, &agent);
        let think = character.think * habits.log_normal(1.0, 0.4);
        let screens_left = (draw.exponential(character.screens) as u32).clamp(1, 400);
        let remembers = draw.chance(character.remembers);
        let mut visitor = Self {
            character,
            site: at,
            actor: mix(number, character.app.into()),
            agent,
            place,
            home,
            account,
            grant: None,
            cookie: tracking.clone(),
            tracking,
            screen: 0,
            thing: None,
            page: 0,
            calls: VecDeque::new(),
            sent: None,
            again: false,
            screens_left,
            next_at: time,
            session: draw.bits() as u32 >> 8,
            sequence: 0,
            fails: 0,
            remembers,
            stops: 0,
            think,
            prey_of: None,
            draw,
        };
        visitor.arrive(time, setting);
        visitor
    }

    /// Lets a group have the tokens of this person, who has to be a certain one.
    pub fn prey_of(mut self, group: u32, screens: u32) -> Self {
        self.prey_of = Some(group);
        self.remembers = true;
        self.grant = None;
        self.cookie.clone_from(&self.tracking);
        self.screens_left = screens;
        self.calls.clear();
        self.calls.push_back(Call::Login);
        self
    }

    /// The device of the person who has an account, and the line it usually uses.
    pub fn habits(
        at: usize,
        account: u32,
        character: Character,
        setting: &Setting,
    ) -> (Agent, Place) {
        let visitor = Self::new(character, at, Some(account), Draw::new(1), 0.0, setting);
        (visitor.agent, visitor.place)
    }

    /// Who comes back is often still logged in; apps carry a token that is about to expire.
    fn arrive(&mut self, time: f64, setting: &Setting) {
        let own = site(self.site);
        let Some(account) = self.account else {
            self.open(0);
            return;
        };
        let returning = if self.character.app { 0.9 } else { 0.45 };
        if self.remembers && self.draw.chance(returning) {
            let age = self
                .draw
                .exponential(if self.uses_cookie() { 9_000.0 } else { 1_500.0 });
            self.take(setting.mint.grant(own.host, account, time - age));
            self.open(1);
        } else if self.character.app || self.draw.chance(0.4) {
            self.calls.push_back(Call::Login);
        } else {
            self.open(0);
        }
    }

    fn uses_cookie(&self) -> bool {
        site(self.site).cookie && self.agent.is_browser()
    }

    fn take(&mut self, grant: Grant) {
        self.cookie.clone_from(&self.tracking);
        if self.uses_cookie() {
            if !self.cookie.is_empty() {
                self.cookie.push_str("; ");
            }
            self.cookie.push_str("sid=");
            self.cookie.push_str(&grant.cookie);
        }
        self.grant = Some(grant);
    }

    /// Queues the calls of a screen. Browsers have most files already; apps have them all.
    fn open(&mut self, screen: usize) {
        let own = site(self.site);
        self.page = if screen == self.screen {
            self.page + 1
        } else {
            0
        };
        self.screen = screen;
        self.thing = None;
        let first = self.sequence == 0;
        for name in own.screens[screen].calls {
            let Some(index) = own.route(name) else {
                continue;
            };
            let route = &own.routes[index];
            let shell = route.kind == Kind::Page
                || (route.kind == Kind::File && route.path.starts_with("/static"));
            let skip = match (route.kind, self.agent.is_browser()) {
                (_, false) if shell => true,
                (Kind::File, true) if !first => self.draw.chance(0.6),
                _ => false,
            };
            if !skip {
                self.calls.push_back(Call::Route(index));
            }
        }
        if self.draw.chance(self.character.slips) {
            let slip = self.slip(own);
            self.calls.push_back(slip);
        }
    }

    /// What goes wrong without anybody meaning it: typing errors, old links, files that a release took away.
    fn slip(&mut self, own: &Site) -> Call {
        let route = &own.routes[self.draw.below(own.routes.len())];
        let path = match self.draw.below(6) {
            0 => format!("/static/app.{}.js", self.draw.hex(6)),
            1 => "/favicon.ico".to_owned(),
            2 => "/apple-touch-icon.png".to_owned(),
            3 => {
                let class = &own.classes[0];
                route.path_with(&class.name(class.count + self.draw.below(5_000) as u32))
            }
            4 => format!("{}/", route.path_with("1")),
            _ => {
                let mut path = route.path_with(FILES[0]);
                path.pop();
                path
            }
        };
        Call::Slip(if path.starts_with('/') {
            path
        } else {
            "/".to_owned()
        })
    }

    /// The next screen, of those that are open to this person.
    fn move_on(&mut self) -> bool {
        if self.screens_left == 0 {
            return false;
        }
        self.screens_left -= 1;
        let own = site(self.site);
        let next = own.screens[self.screen].next;
        let choice = next[self
            .draw
            .weighted(next.iter().map(|(_, weight)| f64::from(*weight)))]
        .0;
        let index = own
            .screens
            .iter()
            .position(|screen| screen.name == choice)
            .unwrap_or(0);
        let needs_account = own.screens[index]
            .calls
            .iter()
            .filter_map(|name| own.route(name))
            .any(|at| own.routes[at].access == Access::User);
        match (needs_account && self.grant.is_none(), self.account) {
            (true, Some(_)) => self.calls.push_back(Call::Login),
            (true, None) => {
                let home = self.draw.chance(0.5);
                self.open(if home { 0 } else { self.screen });
            }
            (false, _) => self.open(index),
        }
        if self.calls.is_empty() {
            self.open(self.screen);
        }
        // What is in the browser's store asks nobody.
        !self.calls.is_empty() || self.screens_left > 0
    }

    fn roam(&mut self, setting: &Setting) {
        if self.character.net == Net::Carrier && self.draw.chance(0.012) {
            let carrier = Net::Carrier.place(setting.seed, self.home);
            let number = self.draw.bits() % 5_000;
            self.place = if self.draw.chance(0.35) {
                Net::Home.place_in(setting.seed, self.home, carrier.country)
            } else {
                Net::Carrier.place_beside(setting.seed, number, &carrier)
            };
        }
    }

    fn request(&mut self, call: &Call, scene: &Scene<'_>) -> Option<Request> {
        let own = site(self.site);
        let grant = self.grant.clone();
        let bearer = grant
            .as_ref()
            .filter(|_| !self.uses_cookie())
            .map_or("", |grant| grant.bearer.as_str());
        let referer = if self.agent.is_browser() && self.sequence > 0 {
            format!("https://{}/", own.host)
        } else {
            String::new()
        };
        let mut hand = Hand {
            account: self.account,
            cookie: &self.cookie,
            bearer,
            referer: &referer,
            page: self.page,
            now: scene.now,
            ..Hand::default()
        };
        match call {
            Call::Route(index) => {
                let route = &own.routes[*index];
                if let Slot::Thing(class) = route.slot {
                    let known = self
                        .thing
                        .filter(|(known, _)| *known == class)
                        .map(|(_, thing)| thing);
                    let thing = known.unwrap_or_else(|| {
                        compose::thing(own, class, self.account, &mut self.draw)
                    });
                    self.thing = Some((class, thing));
                    hand.thing = Some(thing);
                }
                let mut request = compose::request(own, route, &self.agent, &hand, &mut self.draw);
                if route.kind == Kind::File && self.agent.is_browser() && self.draw.chance(0.2) {
                    request.set(
                        "if-none-match",
                        format!("\"{:08x}\"", request.target.len() * 7_919),
                    );
                }
                Some(request)
            }
            Call::Login => {
                let account = self.account?;
                let right = self.remembers && !self.draw.chance(0.04);
                let password = if right {
                    people::password(own, account)
                } else {
                    people::wrong_password(own, account, &mut self.draw)
                };
                let mut name = people::mail(account);
                if self.draw.chance(0.02) {
                    name.remove(self.draw.below(name.len() / 2));
                }
                compose::login(own, &self.agent, &hand, &name, &password)
            }
            Call::Refresh => compose::refresh(own, &self.agent, &hand, &grant.as_ref()?.refresh),
            Call::Forgot => {
                let route = &own.routes[own.first(Kind::Forgot)?];
                Some(compose::request(
                    own,
                    route,
                    &self.agent,
                    &hand,
                    &mut self.draw,
                ))
            }
            Call::Slip(path) => {
                let route = &own.routes[own.first(Kind::Page)?];
                Some(Request {
                    method: "GET",
                    ..compose::dress(own, route, &self.agent, &hand, path.clone(), String::new())
                })
            }
        }
    }

    fn after_login(&mut self, scene: &mut Scene<'_>, answer: &Answer) {
        match (answer.status, &answer.grant) {
            (200, Some(grant)) => {
                self.fails = 0;
                self.take((**grant).clone());
                if let (Some(group), Some(account)) = (self.prey_of, self.account) {
                    scene.loot.leave(
                        group,
                        Stolen {
                            account,
                            grant: (**grant).clone(),
                        },
                    );
                }
                self.open(1);
            }
            (401, _) => {
                self.fails += 1;
                if self.fails >= 3 && !self.remembers && self.draw.chance(0.5) {
                    self.calls.push_back(Call::Forgot);
                } else if self.fails < 12 {
                    self.calls.push_back(Call::Login);
                    self.wait(2.5, 0.6);
                    self.remembers |= self.draw.chance(0.15);
                }
            }
            (423, _) if self.draw.chance(0.5) => {
                self.calls.push_back(if self.draw.chance(0.5) {
                    Call::Forgot
                } else {
                    Call::Login
                });
                self.wait(240.0, 0.8);
            }
            _ => self.screens_left = 0,
        }
    }

    /// Waits before what comes next, on top of the usual gap.
    fn wait(&mut self, median: f64, sigma: f64) {
        self.next_at += self.draw.log_normal(median, sigma).min(3_600.0);
    }

    fn after_call(&mut self, call: Call, answer: &Answer) {
        let own = site(self.site);
        let protected =
            matches!(&call, Call::Route(index) if own.routes[*index].access == Access::User);
        match answer.status {
            401 if protected && !self.again => {
                self.again = true;
                let cookie = self.uses_cookie();
                self.calls.push_front(call);
                self.calls.push_front(if self.grant.is_some() && !cookie {
                    Call::Refresh
                } else {
                    Call::Login
                });
            }
            0 | 500..=599 if !self.again => {
                self.again = true;
                self.calls.push_front(call);
                self.wait(1.5, 0.5);
            }
            _ => self.again = false,
        }
    }
}

impl Actor for Visitor {
    fn act(&mut self, scene: &mut Scene<'_>) -> Option<Act> {
        self.roam(scene.setting);
        let call = self.calls.pop_front()?;
        let request = self.request(&call, scene)?;
        let logging_in = matches!(call, Call::Login | Call::Refresh | Call::Forgot);
        self.sent = Some(call);
        let who = Who {
            actor: self.actor,
            group: None,
            scenario: self.character.name,
            variant: "",
            class: "benign",
            hostile: false,
            victim: self.prey_of.is_some(),
            site: self.site,
            session: self.session,
            sequence: self.sequence,
            place: self.place,
            account: self.account.filter(|_| self.grant.is_some() || logging_in),
        };
        self.sequence += 1;
        Some(Act { request, who })
    }

    fn hear(&mut self, scene: &mut Scene<'_>, answer: &Answer) {
        self.next_at = scene.now;
        let Some(call) = self.sent.take() else { return };
        if answer.decision.is_stop() {
            self.stops += 1;
            self.calls.clear();
            self.wait(6.0, 0.7);
            if self.stops > 3 {
                self.screens_left = 0;
            }
            return;
        }
        match call {
            Call::Login => self.after_login(scene, answer),
            Call::Refresh => match &answer.grant {
                Some(grant) => self.take((**grant).clone()),
                None => {
                    self.grant = None;
                    self.calls.push_front(Call::Login);
                }
            },
            Call::Forgot => {
                // The mail has to arrive and be found.
                self.remembers = true;
                self.fails = 0;
                self.calls.push_back(Call::Login);
                self.wait(120.0, 0.6);
            }
            call => self.after_call(call, answer),
        }
    }

    fn next(&mut self, scene: &mut Scene<'_>) -> Option<f64> {
        self.next_at = self.next_at.max(scene.now);
        if self.calls.is_empty() {
            if !(0..4).any(|_| self.move_on() && !self.calls.is_empty()) {
                return None;
            }
            self.next_at += self.draw.log_normal(self.think, 1.0).clamp(0.25, 1_200.0);
        } else if self.agent.program == Program::Script {
            self.next_at += self.draw.log_normal(1.0, 1.0);
        } else {
            // The calls of one screen start together, or as answers come in.
            self.next_at += self.draw.exponential(0.035);
        }
        Some(self.next_at)
    }
}

/// The cookies that every browser collects: consent, analytics, settings in base64.
fn tracking(draw: &mut Draw, agent: &Agent) -> String {
    use base64::Engine;
    if !agent.is_browser() {
        return String::new();
    }
    let mut text = format!(
        "_ga=GA1.2.{}.{}",
        draw.below(2_000_000_000),
        1_700_000_000 + draw.below(70_000_000)
    );
    if draw.chance(0.6) {
        let settings = format!(
            "{{\"theme\":\"dark\",\"seen\":[{},{}],\"ab\":\"{}\"}}",
            draw.below(99),
            draw.below(99),
            draw.hex(4)
        );
        text.push_str("; prefs=");
        text.push_str(&base64::engine::general_purpose::STANDARD_NO_PAD.encode(settings));
    }
    if draw.chance(0.5) {
        text.push_str("; consent=functional%2Canalytics");
    }
    text
}
