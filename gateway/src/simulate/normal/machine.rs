//! Programs that call at fixed times: partners with keys, monitors, desktop clients that keep folders in step. Their
//! rates are high and regular, their patience short; all of it is wanted.

use super::super::actor::{Actor, Scene, Setting, any_site, site};
use super::super::address::{self, Net, Place};
use super::super::client::{Agent, Program};
use super::super::compose::{self, Hand};
use super::super::message::{Act, Answer, Request, Who};
use super::super::people;
use super::super::random::{Draw, mix};
use super::super::site::Kind;
use super::super::token::{self, Grant};

/// A program with a timetable.
pub struct Routine {
    draw: Draw,
    name: &'static str,
    site: usize,
    actor: u64,
    agent: Agent,
    places: Vec<Place>,
    key: String,
    account: Option<u32>,
    grant: Option<Grant>,
    routes: Vec<usize>,
    /// Seconds from one round to the next, and how regular that is.
    period: f64,
    jitter: f64,
    /// Calls of a round, and how many are left of this one.
    calls: u32,
    left: u32,
    /// Seconds between calls of a round.
    gap: f64,
    round: u64,
    sequence: u32,
    backoff: f64,
    needs: Need,
    end: f64,
}

/// What a program needs before it can go on.
#[derive(Clone, Copy, PartialEq)]
enum Need {
    Nothing,
    Login,
    Refresh,
}

impl Routine {
    /// A partner's program that sends `rate` requests a second on average.
    pub fn partner(number: u64, rate: f64, mut draw: Draw) -> Self {
        let at = any_site(&mut draw);
        let own = site(at);
        let calls = 1 + draw.popular(30) as u32;
        let places = (0..1 + draw.popular(4) as u64)
            .map(|n| Net::Hosting.place(7, number * 8 + n))
            .collect();
        Self {
            name: "partner",
            site: at,
            actor: mix(0xc0de, number),
            agent: Agent::of(Program::Script, &mut draw),
            places,
            key: token::partner_key(own.host, number as u32),
            account: None,
            grant: None,
            routes: own
                .machine
                .iter()
                .filter_map(|name| own.route(name))
                .collect(),
            period: (f64::from(calls) / rate.max(0.001)).clamp(0.05, 3_600.0),
            jitter: [0.0, 0.01, 0.05, 0.3][draw.below(4)],
            calls,
            left: 0,
            gap: draw.scale(0.005, 0.4),
            round: 0,
            sequence: 0,
            backoff: 0.0,
            needs: Need::Nothing,
            end: f64::INFINITY,
            draw,
        }
    }

    /// A monitor: the same path every so many seconds, from two places.
    pub fn monitor(number: u64, mut draw: Draw) -> Self {
        let at = number as usize % super::SITES.len();
        let period = [5.0, 10.0, 15.0, 30.0, 60.0][draw.below(5)];
        let places = (0..2)
            .map(|n| Net::Hosting.place(8, number * 4 + n))
            .collect();
        Self {
            name: "monitor",
            actor: mix(0xbea7, number),
            agent: Agent::of(Program::Probe, &mut draw),
            places,
            key: String::new(),
            routes: site(at).first(Kind::Health).into_iter().collect(),
            period,
            jitter: 0.002,
            calls: 1,
            gap: 0.1,
            ..Self::partner(number, 1.0, draw)
        }
        .on(at)
    }

    /// A desktop client that asks for changes for some hours.
    pub fn sync(at: usize, number: u64, mut draw: Draw, time: f64, setting: &Setting) -> Self {
        let own = site(at);
        let account = draw.popular(own.accounts as usize) as u32;
        let net = if draw.chance(0.5) {
            Net::Office
        } else {
            Net::Home
        };
        let person = people::person(account);
        let line = match net {
            Net::Office => draw.below(400) as u64,
            _ => person,
        };
        let end = time + draw.log_normal(9_000.0, 0.7).min(36_000.0);
        Self {
            name: "sync-client",
            actor: mix(0x5c, u64::from(account)),
            agent: Agent::of(Program::Desktop, &mut draw),
            places: vec![net.place_in(setting.seed, line, address::country(setting.seed, person))],
            key: String::new(),
            account: Some(account),
            routes: own.route("delta").into_iter().collect(),
            period: [15.0, 30.0, 30.0, 60.0][draw.below(4)],
            jitter: 0.05,
            calls: 1,
            gap: 0.2,
            needs: Need::Login,
            end,
            ..Self::partner(number, 1.0, draw)
        }
        .on(at)
    }

    fn on(mut self, at: usize) -> Self {
        self.site = at;
        self
    }

    fn request(&mut self, now: f64) -> Option<Request> {
        let own = site(self.site);
        let bearer = self
            .grant
            .as_ref()
            .map_or("", |grant| grant.bearer.as_str());
        let hand = Hand {
            account: self.account,
            bearer,
            key: &self.key,
            page: self.calls.saturating_sub(self.left),
            size: 100,
            now,
            ..Hand::default()
        };
        match (self.needs, self.account, &self.grant) {
            (Need::Login, Some(account), _) => {
                let (name, password) = (people::mail(account), people::password(own, account));
                compose::login(own, &self.agent, &Hand::default(), &name, &password)
            }
            (Need::Refresh, _, Some(grant)) => {
                compose::refresh(own, &self.agent, &Hand::default(), &grant.refresh)
            }
            _ => {
                let route = &own.routes[*self
                    .routes
                    .get(self.round as usize % self.routes.len().max(1))?];
                Some(compose::request(
                    own,
                    route,
                    &self.agent,
                    &hand,
                    &mut self.draw,
                ))
            }
        }
    }
}

impl Actor for Routine {
    fn act(&mut self, scene: &mut Scene<'_>) -> Option<Act> {
        let request = self.request(scene.now)?;
        let place = self.places[self.round as usize % self.places.len()];
        let who = Who {
            actor: self.actor,
            group: None,
            scenario: self.name,
            variant: "",
            class: "benign",
            hostile: false,
            victim: false,
            site: self.site,
            session: (self.round & 0xffff) as u32,
            sequence: self.sequence,
            place,
            account: self.account,
        };
        self.sequence = self.sequence.wrapping_add(1);
        Some(Act { request, who })
    }

    fn hear(&mut self, _: &mut Scene<'_>, answer: &Answer) {
        self.backoff = 0.0;
        let needed = self.needs;
        self.needs = match (&answer.grant, answer.status, self.account) {
            (Some(_), ..) => Need::Nothing,
            (None, 401, Some(_)) if needed == Need::Refresh || self.grant.is_none() => Need::Login,
            (None, 401, Some(_)) => Need::Refresh,
            _ => needed,
        };
        if let Some(grant) = &answer.grant {
            self.grant = Some((**grant).clone());
        }
        let unwell = answer.status == 0
            || answer.status >= 500
            || answer.decision.is_stop()
            || self.needs == Need::Login && answer.grant.is_none();
        if unwell {
            self.backoff = self.draw.log_normal(self.period.clamp(2.0, 60.0), 0.5);
        }
    }

    fn next(&mut self, scene: &mut Scene<'_>) -> Option<f64> {
        let mut wait = if self.needs != Need::Nothing || self.left > 1 {
            self.left = self.left.saturating_sub(1);
            self.draw.exponential(self.gap)
        } else {
            self.left = self.calls;
            self.round += 1;
            let busy = f64::from(self.calls) * self.gap;
            ((self.period - busy) * self.draw.between(1.0 - self.jitter, 1.0 + self.jitter))
                .max(0.005)
        };
        wait += self.backoff;
        (scene.now + wait < self.end).then_some(scene.now + wait)
    }
}
