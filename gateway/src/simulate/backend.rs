//! The made-up APIs' answers: statuses, sizes and times as an API with these routes would give them, with wrong
//! passwords, locked accounts, foreign things and pages that do not exist. It reads nothing but the request, so that it
//! answers simulated and real ones alike.

use std::collections::HashMap;

use serde_json::Value as Json;

use super::message::{Answer, Request};
use super::people;
use super::random::{Draw, mix};
use super::site::{Access, Class, FILES, Kind, Parameter, Route, SITES, Site, Slot, Value};
use super::token::{self, Mint};

/// The APIs and what they remember: failed log-ins and how busy they are.
pub struct Backend {
    mint: Mint,
    draw: Draw,
    failures: HashMap<(usize, u32), Failures>,
    busy: [Busy; SITES.len()],
}

/// Failed log-ins of an account.
#[derive(Clone, Copy, Debug, Default)]
struct Failures {
    in_a_row: u32,
    locked_until: f64,
    last: f64,
    /// Requests for a new password.
    forgotten: u32,
}

/// Requests a second, decaying over three seconds.
#[derive(Clone, Copy, Debug, Default)]
struct Busy {
    rate: f64,
    last: f64,
}

impl Backend {
    /// Fresh APIs. The seed decides the noise of sizes and times.
    pub fn new(seed: u64) -> Self {
        Self {
            mint: Mint::default(),
            draw: Draw::of(seed, 0xbac),
            failures: HashMap::new(),
            busy: [Busy::default(); SITES.len()],
        }
    }

    /// The answer to a request that arrives at `time` (virtual seconds).
    pub fn answer(&mut self, request: &Request, time: f64) -> Answer {
        let host = request.header("host").unwrap_or_default();
        let Some(index) = SITES.iter().position(|site| site.host == host) else {
            return plain(404, 60, 1.0);
        };
        let site = SITES[index];
        let strain = self.busy[index].count(time, site.capacity);
        if strain > 3.0 && self.draw.chance(1.0 - 3.0 / strain) {
            return plain(503, 40, (900.0 + 900.0 * self.draw.unit()) as f32);
        }
        let mut answer = self.served(index, site, request, time);
        answer.latency_ms *= (1.0 + strain * strain).min(20.0) as f32;
        if request.method == "HEAD" {
            answer.bytes = 0;
        }
        answer
    }

    fn served(
        &mut self,
        index: usize,
        site: &'static Site,
        request: &Request,
        time: f64,
    ) -> Answer {
        let (route, slot) = match site.find(request.method, request.path()) {
            None => return self.noisy(404, 90, 2.0),
            Some(Err(())) => return self.noisy(405, 50, 1.5),
            Some(Ok((at, slot))) => (&site.routes[at], slot),
        };
        let account = match self.admit(site, route, request, time) {
            Ok(account) => account,
            Err(status) => return self.noisy(status, 70, 3.0),
        };
        match route.kind {
            Kind::Login => self.login(index, site, route, request, time),
            Kind::Refresh => self.refreshed(site, route, request, time),
            Kind::Forgot => self.forgotten(index, route, request, time),
            Kind::File => self.file(route, slot, request),
            _ => self.content(site, route, slot, account, request),
        }
    }

    /// Who may come in, as whom; else the status that says why not.
    fn admit(
        &self,
        site: &Site,
        route: &Route,
        request: &Request,
        time: f64,
    ) -> Result<Option<u32>, u16> {
        let account = self.account(site, request, time);
        let partner = || {
            request
                .header("x-api-key")
                .and_then(|key| token::open_partner_key(site.host, key))
        };
        match (route.access, account) {
            (Access::Open, account) => Ok(account),
            (Access::User, None) | (Access::Staff, None) => Err(401),
            (Access::User, account) => Ok(account),
            (Access::Staff, Some(_)) => Err(403),
            (Access::Key, _) => partner().map(|_| None).ok_or(401),
        }
    }

    fn account(&self, site: &Site, request: &Request, time: f64) -> Option<u32> {
        if let Some(bearer) = request
            .header("authorization")
            .and_then(|value| value.strip_prefix("Bearer "))
        {
            return self.mint.open_bearer(site.host, bearer, time);
        }
        let cookies = request.header("cookie")?;
        let session = cookies
            .split("; ")
            .find_map(|cookie| cookie.strip_prefix("sid="))?;
        self.mint.open_cookie(site.host, session, time)
    }

    fn login(
        &mut self,
        index: usize,
        site: &Site,
        route: &Route,
        request: &Request,
        time: f64,
    ) -> Answer {
        let Ok(body) = serde_json::from_str::<Json>(&request.body) else {
            return self.noisy(400, 60, 2.0);
        };
        let text = |name: &str| body.get(name).and_then(Json::as_str);
        let (Some(name), Some(password)) = (text("email").or(text("username")), text("password"))
        else {
            return self.noisy(400, 80, 2.0);
        };
        let Some(account) = people::account(name).filter(|account| *account < site.accounts) else {
            // Nobody of that name: as slow as a wrong password, so that it does not tell.
            return self.noisy(401, 64, route.ms);
        };
        let state = self.failures(index, account, time);
        if state.locked_until > time {
            return self.noisy(423, 90, 4.0);
        }
        if password != people::password(site, account) {
            state.in_a_row += 1;
            if state.in_a_row >= site.lockout.0 {
                state.locked_until = time + site.lockout.1;
                state.in_a_row = 0;
            }
            return self.noisy(401, 64, route.ms);
        }
        state.in_a_row = 0;
        let grant = self.mint.grant(site.host, account, time);
        Answer {
            grant: Some(Box::new(grant)),
            ..self.noisy(200, route.bytes, route.ms)
        }
    }

    /// The state of an account. The table is bounded: where it is full, what is old is forgotten, then everything.
    fn failures(&mut self, index: usize, account: u32, time: f64) -> &mut Failures {
        if self.failures.len() >= MAX_FAILURES {
            self.failures.retain(|_, state| state.last > time - 3_600.0);
            if self.failures.len() >= MAX_FAILURES {
                self.failures.clear();
            }
        }
        let state = self.failures.entry((index, account)).or_default();
        if state.last < time - 3_600.0 {
            *state = Failures::default();
        }
        state.last = time;
        state
    }

    fn refreshed(&mut self, site: &Site, route: &Route, request: &Request, time: f64) -> Answer {
        let body: Json = serde_json::from_str(&request.body).unwrap_or_default();
        let token = body
            .get("refresh_token")
            .and_then(Json::as_str)
            .unwrap_or_default();
        match self.mint.open_refresh(site.host, token) {
            Some(account) => {
                let grant = self.mint.grant(site.host, account, time);
                Answer {
                    grant: Some(Box::new(grant)),
                    ..self.noisy(200, route.bytes, route.ms)
                }
            }
            None => self.noisy(401, 60, route.ms),
        }
    }

    fn forgotten(&mut self, index: usize, route: &Route, request: &Request, time: f64) -> Answer {
        let body: Json = serde_json::from_str(&request.body).unwrap_or_default();
        let mail = body
            .as_object()
            .and_then(|leaves| leaves.values().find_map(Json::as_str))
            .unwrap_or_default();
        let Some(account) = people::account(mail) else {
            return self.noisy(202, route.bytes, route.ms);
        };
        let state = self.failures(index, account, time);
        state.forgotten += 1;
        let (status, ms) = if state.forgotten > 3 {
            (429, 2.0)
        } else {
            (202, route.ms)
        };
        self.noisy(status, route.bytes, ms)
    }

    fn file(&mut self, route: &Route, slot: &str, request: &Request) -> Answer {
        if !slot.is_empty() && !FILES.contains(&slot) {
            return self.noisy(404, 120, 1.5);
        }
        if request.header("if-none-match").is_some() {
            return plain(304, 0, 1.0);
        }
        // A file always has the same size.
        let size = mix(slot.len() as u64, route.bytes.into()) % 4_000 + u64::from(route.bytes);
        Answer {
            bytes: size as u32,
            ..self.noisy(200, route.bytes, route.ms)
        }
    }

    /// Numbers and dates that are none are mostly refused.
    fn misread(&mut self, route: &Route, request: &Request) -> Option<u16> {
        let pairs = request
            .query()
            .split('&')
            .filter_map(|pair| pair.split_once('='));
        let wrong = pairs.filter(|(name, value)| {
            let wanted = route.query.iter().find(|(known, ..)| known == name);
            wanted.is_some_and(|(_, wanted, _)| !reads(*wanted, value))
        });
        (wrong.count() > 0 && self.draw.chance(0.75)).then_some(400)
    }

    fn content(
        &mut self,
        site: &Site,
        route: &Route,
        slot: &str,
        account: Option<u32>,
        request: &Request,
    ) -> Answer {
        let misread = self.misread(route, request);
        if let Some(status) = misread.or_else(|| self.unwelcome(request)) {
            return self.noisy(status, 150, route.ms / 2.0);
        }
        if let Slot::Thing(class) = route.slot
            && let Some(status) = missing(site, &site.classes[class], slot, account)
        {
            return self.noisy(status, 80, route.ms / 2.0);
        }
        match route.kind {
            Kind::List | Kind::Search => self.list(site, route, account, request),
            Kind::Write => self.written(route, request),
            Kind::Graph => self.graph(route, request),
            Kind::Report => self.report(route, request),
            _ => self.noisy(200, route.bytes, route.ms),
        }
    }

    /// What an application does with input it was not written for: sometimes it rejects it, rarely it breaks.
    fn unwelcome(&mut self, request: &Request) -> Option<u16> {
        let odd = ["%27", "%3C", "..%2f", "%00", "%7B%7B", "%24%7B"];
        let query = request.query();
        if query.len() > 6_000 {
            return Some(414);
        }
        if odd.iter().any(|mark| query.contains(mark)) {
            if self.draw.chance(0.12) {
                return Some(400);
            }
            return self.draw.chance(0.05).then_some(500);
        }
        self.draw.chance(0.0008).then_some(500)
    }

    fn list(
        &mut self,
        site: &Site,
        route: &Route,
        account: Option<u32>,
        request: &Request,
    ) -> Answer {
        let asked = |wanted| number(route, request, wanted);
        let size = asked(Value::Size).unwrap_or(20).max(1);
        if size > u64::from(site.page_cap) {
            return self.noisy(400, 90, 2.0);
        }
        let page = asked(Value::Page).unwrap_or(1).max(1);
        let total = match route.kind {
            Kind::Search => 1 + mix(request.query().len() as u64, 9) % 300,
            _ if account.is_some() && route.access == Access::User => 40,
            _ => u64::from(site.classes[0].count),
        };
        let entries = total
            .saturating_sub((page - 1).saturating_mul(size))
            .min(size);
        let bytes = 30 + entries * u64::from(route.bytes);
        let ms = route.ms * (0.6 + 0.02 * entries as f32);
        self.noisy(200, u32::try_from(bytes).unwrap_or(u32::MAX), ms)
    }

    fn written(&mut self, route: &Route, request: &Request) -> Answer {
        if !route.body.is_empty() && serde_json::from_str::<Json>(&request.body).is_err() {
            return self.noisy(400, 90, 2.0);
        }
        let status = if self.draw.chance(0.015) {
            422
        } else if route.method == "POST" {
            201
        } else {
            200
        };
        self.noisy(status, route.bytes, route.ms)
    }

    /// GraphQL: what it costs grows with its depth and with how much it asks for.
    fn graph(&mut self, route: &Route, request: &Request) -> Answer {
        let depth = depth(&request.body);
        if depth > 25 {
            return self.noisy(400, 120, 30.0);
        }
        let fields = request.body.len() as f32 / 200.0;
        let weight = (1.0 + fields) * 1.35_f32.powf(depth.saturating_sub(4) as f32);
        self.noisy(
            200,
            (route.bytes as f32 * weight).min(2e7) as u32,
            (route.ms * weight).min(20_000.0),
        )
    }

    fn report(&mut self, route: &Route, request: &Request) -> Answer {
        let asked = 1.0 + request.query().len() as f32 / 120.0;
        self.noisy(
            200,
            (route.bytes as f32 * asked).min(5e7) as u32,
            route.ms * asked.min(12.0),
        )
    }

    fn noisy(&mut self, status: u16, bytes: u32, ms: f32) -> Answer {
        let bytes = f64::from(bytes) * self.draw.between(0.85, 1.25);
        plain(
            status,
            bytes as u32,
            (f64::from(ms) * self.draw.between(0.6, 1.9)) as f32,
        )
    }
}

impl Busy {
    /// Counts a request; how the rate stands to what the site can bear.
    fn count(&mut self, time: f64, capacity: f64) -> f64 {
        let past = (time - self.last).max(0.0);
        self.rate = self.rate * (-past / 3.0).exp() + 1.0 / 3.0;
        self.last = time;
        self.rate / capacity
    }
}

fn plain(status: u16, bytes: u32, ms: f32) -> Answer {
    Answer {
        status,
        bytes,
        latency_ms: ms,
        ..Answer::default()
    }
}

/// Whether a parameter of this kind may have this value.
fn reads(wanted: Value, value: &str) -> bool {
    match wanted {
        Value::Page | Value::Size | Value::Count | Value::Since => value.parse::<u64>().is_ok(),
        Value::Date => value.len() == 10 && value.bytes().all(|b| b.is_ascii_digit() || b == b'-'),
        Value::Choice(_) => value.len() < 64,
        _ => true,
    }
}

/// The status for a thing that is not there, or not for this account.
fn missing(site: &Site, class: &Class, name: &str, account: Option<u32>) -> Option<u16> {
    let Some(index) = class.index(name) else {
        return Some(404);
    };
    let foreign = class.each > 0 && !account.is_some_and(|account| class.belongs(index, account));
    foreign.then_some(if site.hides_foreign { 404 } else { 403 })
}

/// The number that the query gives for the parameter that holds `wanted`.
fn number(route: &Route, request: &Request, wanted: Value) -> Option<u64> {
    let (name, ..): &Parameter = route.query.iter().find(|(_, value, _)| *value == wanted)?;
    let pairs = request
        .query()
        .split('&')
        .filter_map(|pair| pair.split_once('='));
    pairs
        .filter(|(key, _)| key == name)
        .find_map(|(_, value)| value.parse().ok())
}

/// How deep braces nest.
fn depth(text: &str) -> usize {
    let (mut deepest, mut now) = (0usize, 0usize);
    for byte in text.bytes() {
        match byte {
            b'{' => now += 1,
            b'}' => now = now.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(now);
    }
    deepest
}

/// Accounts whose failures are remembered at a time.
const MAX_FAILURES: usize = 200_000;

#[cfg(test)]
mod tests;
