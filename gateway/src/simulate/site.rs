//! The made-up APIs: what routes they have, what parameters those take, what things lie behind them and to whom they
//! belong, and which screens of an app call which routes. Five tables, one per file; everything else reads them.

mod bank;
mod files;
mod shop;
mod social;
mod tickets;

use super::random::mix;

/// One made-up API.
#[derive(Debug)]
pub struct Site {
    /// A short name.
    pub name: &'static str,
    /// Its host, under a name that is reserved for examples (RFC 2606).
    pub host: &'static str,
    /// What its browser client shows after a log-in: a cookie, or a bearer token as its apps do.
    pub cookie: bool,
    /// How many accounts there are; account numbers lie below.
    pub accounts: u32,
    /// Failed log-ins in a row after which an account is locked, and for how long in seconds.
    pub lockout: (u32, f64),
    /// Whether a thing of somebody else's is answered as if it did not exist.
    pub hides_foreign: bool,
    /// The most entries a page of a list may have. Where it is large, this is the flaw that abuse looks for.
    pub page_cap: u32,
    /// Requests a second at which answers take twice their time.
    pub capacity: f64,
    /// Share of the sites' normal traffic.
    pub weight: f64,
    /// Whether its users are people at work.
    pub office: bool,
    /// Kinds of things.
    pub classes: &'static [Class],
    /// Routes.
    pub routes: &'static [Route],
    /// Screens; the first is where a visitor arrives, the second where one arrives after logging in.
    pub screens: &'static [Screen],
    /// Routes that a partner's program calls, and how it is to be called.
    pub machine: &'static [&'static str],
}

/// A kind of things: products, orders, …
#[derive(Clone, Copy, Debug)]
pub struct Class {
    /// How many there are.
    pub count: u32,
    /// How many of them each account owns; 0 for public ones.
    pub each: u32,
    /// How they are named.
    pub form: Form,
}

/// How things are named in an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A number, counted up from the given one.
    Number(u32),
    /// 32 hexadecimal digits in groups, that cannot be guessed.
    Uuid,
    /// A project's key and a number.
    Key,
    /// A word and a number.
    Slug,
}

/// What stands for the `{}` of a route's path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// There is none.
    None,
    /// A thing of this class (an index into the site's classes).
    Thing(usize),
    /// A file of the front end.
    File,
}

/// What a route does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A page for people.
    Page,
    /// A file of the front end.
    File,
    /// Log-in.
    Login,
    /// A new token for an old one.
    Refresh,
    /// "I forgot my password".
    Forgot,
    /// A page of a list.
    List,
    /// One thing.
    Thing,
    /// Something about oneself.
    Own,
    /// Makes or changes something.
    Write,
    /// A search.
    Search,
    /// GraphQL.
    Graph,
    /// Much work for one request.
    Report,
    /// Large answers.
    Download,
    /// For probes.
    Health,
}

/// Who may call a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everybody.
    Open,
    /// Who is logged in.
    User,
    /// Programs with a key.
    Key,
    /// Staff: nobody of whom the simulation knows.
    Staff,
}

/// What a parameter holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    /// The number of a page.
    Page,
    /// Entries of a page.
    Size,
    /// Where a list goes on.
    Cursor,
    /// A word or a few, as people search.
    Words,
    /// Sentences, as people write.
    Text,
    /// One of a few settings.
    Choice(&'static [&'static str]),
    /// A thing of this class.
    Thing(usize),
    /// A date.
    Date,
    /// A small number.
    Count,
    /// An amount of money.
    Amount,
    /// An expression of a query language.
    Expression,
    /// A mail address.
    Mail,
    /// A point in time, in seconds.
    Since,
}

/// A parameter: its name, what it holds, how often it is there.
pub type Parameter = (&'static str, Value, f32);

/// A route.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    /// What screens call it.
    pub name: &'static str,
    /// Its method.
    pub method: &'static str,
    /// Its path, with `{}` for what varies.
    pub path: &'static str,
    /// What the `{}` is.
    pub slot: Slot,
    /// What it does.
    pub kind: Kind,
    /// Who may call it.
    pub access: Access,
    /// Parameters of the query.
    pub query: &'static [Parameter],
    /// Leaves of the JSON body.
    pub body: &'static [Parameter],
    /// The median size of an answer in bytes (of one entry, for a list).
    pub bytes: u32,
    /// The median time to an answer in milliseconds.
    pub ms: f32,
}

/// What a person has in front of them.
#[derive(Debug)]
pub struct Screen {
    /// Its name.
    pub name: &'static str,
    /// Routes that are called when it opens, by name.
    pub calls: &'static [&'static str],
    /// Where one goes from here, and how often.
    pub next: &'static [(&'static str, f32)],
}

impl Route {
    const fn new(name: &'static str, method: &'static str, path: &'static str, kind: Kind) -> Self {
        Self {
            name,
            method,
            path,
            slot: Slot::None,
            kind,
            access: Access::Open,
            query: &[],
            body: &[],
            bytes: 400,
            ms: 12.0,
        }
    }

    const fn get(name: &'static str, path: &'static str, kind: Kind) -> Self {
        Self::new(name, "GET", path, kind)
    }

    const fn post(name: &'static str, path: &'static str, kind: Kind) -> Self {
        Self::new(name, "POST", path, kind)
    }

    const fn slot(mut self, slot: Slot) -> Self {
        self.slot = slot;
        self
    }

    const fn of(mut self, access: Access) -> Self {
        self.access = access;
        self
    }

    const fn query(mut self, query: &'static [Parameter]) -> Self {
        self.query = query;
        self
    }

    const fn body(mut self, body: &'static [Parameter]) -> Self {
        self.body = body;
        self
    }

    const fn cost(mut self, bytes: u32, ms: f32) -> Self {
        self.bytes = bytes;
        self.ms = ms;
        self
    }

    /// What stands in `path` for this route's `{}`; empty if it has none; nothing if the path is not this route's.
    pub fn fits<'a>(&self, path: &'a str) -> Option<&'a str> {
        match self.path.split_once("{}") {
            None => (path == self.path).then_some(""),
            Some((before, after)) => path
                .strip_prefix(before)?
                .strip_suffix(after)
                .filter(|middle| !middle.is_empty() && !middle.contains('/')),
        }
    }

    /// The path with `slot` in its place.
    pub fn path_with(&self, slot: &str) -> String {
        self.path.replacen("{}", slot, 1)
    }
}

impl Site {
    /// The route that screens know by this name.
    pub fn route(&self, name: &str) -> Option<usize> {
        self.routes.iter().position(|route| route.name == name)
    }

    /// The first route of a kind.
    pub fn first(&self, kind: Kind) -> Option<usize> {
        self.routes.iter().position(|route| route.kind == kind)
    }

    /// The routes for which `wanted` holds.
    pub fn routes_where(&self, wanted: impl Fn(&Route) -> bool) -> Vec<usize> {
        (0..self.routes.len())
            .filter(|&index| wanted(&self.routes[index]))
            .collect()
    }

    /// The route of a path and method, with what stands for its `{}`. Nothing where no path fits; an error where one
    /// does, under another method.
    pub fn find<'a>(&self, method: &str, path: &'a str) -> Option<Result<(usize, &'a str), ()>> {
        let mut other = None;
        for (index, route) in self.routes.iter().enumerate() {
            let Some(slot) = route.fits(path) else {
                continue;
            };
            if route.method == method || (method == "HEAD" && route.method == "GET") {
                return Some(Ok((index, slot)));
            }
            other = Some(Err(()));
        }
        other
    }
}

impl Class {
    /// The name of thing `index`.
    pub fn name(&self, index: u32) -> String {
        match self.form {
            Form::Number(first) => (u64::from(first) + u64::from(index)).to_string(),
            Form::Uuid => {
                let (high, low) = (scramble(index), mix(u64::from(index), 77));
                format!(
                    "{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}",
                    high >> 32,
                    (high >> 16) & 0xffff,
                    high & 0xfff,
                    (high >> 12) & 0xf | (low >> 44) & 0xff0,
                    low & 0xffff_ffff_ffff
                )
            }
            Form::Key => format!(
                "{}-{}",
                KEYS[index as usize % KEYS.len()],
                1 + index as usize / KEYS.len()
            ),
            Form::Slug => format!(
                "{}-{}",
                SLUGS[index as usize % SLUGS.len()],
                1 + index as usize / SLUGS.len()
            ),
        }
    }

    /// The thing of this name, if there is one.
    pub fn index(&self, name: &str) -> Option<u32> {
        let index = match self.form {
            Form::Number(first) => {
                if !name.bytes().all(|b| b.is_ascii_digit()) {
                    return None;
                }
                u32::try_from(name.parse::<u64>().ok()?.checked_sub(u64::from(first))?).ok()?
            }
            Form::Uuid => {
                let high = name.get(..8)?;
                let index = unscramble(u32::from_str_radix(high, 16).ok()?);
                if self.name(index) != name {
                    return None;
                }
                index
            }
            Form::Key => from_word(name, &KEYS)?,
            Form::Slug => from_word(name, &SLUGS)?,
        };
        (index < self.count).then_some(index)
    }

    /// The `nth` thing of `account`. Neighbours in the count belong to different accounts, as where many people
    /// create things at the same time.
    pub fn owned(&self, account: u32, nth: u32) -> u32 {
        let place =
            u64::from(account) * u64::from(self.each.max(1)) + u64::from(nth % self.each.max(1));
        ((place * STRIDE) % u64::from(self.count)) as u32
    }

    /// Whether thing `index` belongs to `account`.
    pub fn belongs(&self, index: u32, account: u32) -> bool {
        (0..self.each).any(|nth| self.owned(account, nth) == index)
    }
}

/// A bijection of 32 bits in the upper half, noise below: what a random identifier looks like.
fn scramble(index: u32) -> u64 {
    let high = index.wrapping_mul(0x9e37_79b1) ^ 0x5bd1_e995;
    u64::from(high) << 32 | mix(u64::from(index), 5) & 0xffff_ffff
}

fn unscramble(high: u32) -> u32 {
    (high ^ 0x5bd1_e995).wrapping_mul(INVERSE)
}

/// 0x9e3779b1 times this is 1, modulo 2^32.
const INVERSE: u32 = inverse(0x9e37_79b1);

/// Newton's iteration for the inverse of an odd number.
const fn inverse(odd: u32) -> u32 {
    let mut x = odd;
    let mut round = 0;
    while round < 5 {
        x = x.wrapping_mul(2u32.wrapping_sub(odd.wrapping_mul(x)));
        round += 1;
    }
    x
}

fn from_word(name: &str, words: &[&str]) -> Option<u32> {
    let (word, number) = name.rsplit_once('-')?;
    let place = words.iter().position(|known| *known == word)?;
    let number: usize = number.parse().ok()?;
    u32::try_from(
        number
            .checked_sub(1)?
            .checked_mul(words.len())?
            .checked_add(place)?,
    )
    .ok()
}

/// A prime: a step that visits every thing once where their number is no multiple of it.
const STRIDE: u64 = 7_919;

const KEYS: [&str; 8] = ["OPS", "WEB", "CORE", "BILL", "MOB", "DATA", "HR", "SEC"];

const SLUGS: [&str; 12] = [
    "harbour",
    "o-neill",
    "spring-sale",
    "select-oak",
    "weekend",
    "update-notes",
    "cafe",
    "table-lamps",
    "union-street",
    "drop-leaf",
    "from-the-sea",
    "order-book",
];

/// All of them.
pub const SITES: [&Site; 5] = [
    &shop::SITE,
    &bank::SITE,
    &social::SITE,
    &tickets::SITE,
    &files::SITE,
];

/// Names of files of a front end: they exist below `/static/` and `/images/`.
pub const FILES: [&str; 14] = [
    "app.7f3a9c.js",
    "vendor.c01d22.js",
    "main.4be1.css",
    "fonts.css",
    "logo.svg",
    "hero.webp",
    "icons.woff2",
    "manifest.json",
    "p-1042.jpg",
    "p-1188.jpg",
    "p-2317.webp",
    "avatar.png",
    "banner-a.jpg",
    "sprite.svg",
];

#[cfg(test)]
mod tests;
