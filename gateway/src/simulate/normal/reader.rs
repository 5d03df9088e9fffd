//! Programs that read much and mean no harm: crawlers that say who they are, checkers of links, and the app that fetches
//! everything its owner has onto a new telephone. They look like scrapers and are none.

use super::super::actor::{Actor, Scene, Setting, site};
use super::super::address::{self, Net, Place};
use super::super::client::{Agent, Program};
use super::super::compose::{self, Hand};
use super::super::message::{Act, Answer, Who};
use super::super::people;
use super::super::random::{Draw, mix};
use super::super::site::{Access, Kind, Slot};
use super::super::token::Grant;

/// A program that reads.
pub struct Reader {
    draw: Draw,
    name: &'static str,
    site: usize,
    actor: u64,
    agent: Agent,
    place: Place,
    account: Option<u32>,
    grant: Option<Grant>,
    routes: Vec<usize>,
    at: usize,
    thing: u32,
    left: u32,
    gap: f64,
    sigma: f64,
    head: bool,
    sequence: u32,
}

impl Reader {
    /// A search engine's crawler: one request every few seconds, for as long as there is time.
    pub fn crawler(number: u64, mut draw: Draw, setting: &Setting) -> Self {
        let at = [0, 2][number as usize % 2];
        let gap = draw.scale(1.5, 12.0);
        Self {
            gap,
            sigma: 0.5,
            ..Self::outside(
                "crawler",
                at,
                number,
                Program::Crawler,
                Net::Crawler,
                u32::MAX,
                draw,
                setting,
            )
        }
    }

    /// A checker of links: a few hundred pages, several a second, by HEAD.
    pub fn link_checker(number: u64, mut draw: Draw, setting: &Setting) -> Self {
        let count = draw.whole(80, 700) as u32;
        let gap = draw.scale(0.08, 0.5);
        Self {
            gap,
            head: true,
            ..Self::outside(
                "link-checker",
                0,
                number,
                Program::LinkChecker,
                Net::Hosting,
                count,
                draw,
                setting,
            )
        }
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "each is one fact of two constructors"
    )]
    fn outside(
        name: &'static str,
        at: usize,
        number: u64,
        program: Program,
        net: Net,
        left: u32,
        mut draw: Draw,
        setting: &Setting,
    ) -> Self {
        let own = site(at);
        let routes = own.routes_where(|route| {
            route.access == Access::Open
                && route.method == "GET"
                && matches!(
                    route.kind,
                    Kind::Page | Kind::Thing | Kind::List | Kind::File
                )
        });
        Self {
            name,
            site: at,
            actor: mix(0xead, mix(number, name.len() as u64)),
            agent: Agent::of(program, &mut draw),
            place: net.place(setting.seed, number),
            account: None,
            grant: None,
            routes,
            at: 0,
            thing: draw.below(20_000) as u32,
            left,
            gap: 1.0,
            sigma: 0.3,
            head: false,
            sequence: 0,
            draw,
        }
    }

    /// An app on a new telephone that fetches everything its owner has.
    pub fn new_phone(at: usize, mut draw: Draw, time: f64, setting: &Setting) -> Self {
        let own = site(at);
        let account = draw.popular(own.accounts as usize) as u32;
        let routes = own.routes_where(|route| {
            route.access == Access::User
                && matches!(route.kind, Kind::Thing | Kind::Own | Kind::List)
                && route.method == "GET"
        });
        let person = people::person(account);
        let things: u32 = own.classes.iter().map(|class| class.each).sum();
        Self {
            name: "new-phone",
            site: at,
            actor: mix(0xf0e, mix(at as u64, u64::from(account))),
            agent: Agent::app(&mut draw),
            place: Net::Home.place_in(setting.seed, person, address::country(setting.seed, person)),
            account: Some(account),
            grant: Some(setting.mint.grant(own.host, account, time)),
            routes,
            at: 0,
            thing: 0,
            left: things.max(8) * 2,
            gap: draw.scale(0.05, 0.4),
            sigma: 0.5,
            head: false,
            sequence: 0,
            draw,
        }
    }
}

impl Actor for Reader {
    fn act(&mut self, scene: &mut Scene<'_>) -> Option<Act> {
        let own = site(self.site);
        let index = *self.routes.get(self.at % self.routes.len().max(1))?;
        let route = &own.routes[index];
        let thing = match (route.slot, self.account) {
            (Slot::Thing(class), Some(account)) if own.classes[class].each > 0 => {
                Some(own.classes[class].owned(account, self.thing))
            }
            (Slot::Thing(class), _) => Some(self.thing % own.classes[class].count),
            _ => None,
        };
        let bearer = self
            .grant
            .as_ref()
            .map_or("", |grant| grant.bearer.as_str());
        let hand = Hand {
            account: self.account,
            bearer,
            thing,
            page: self.thing % 50,
            now: scene.now,
            ..Hand::default()
        };
        let mut request = compose::request(own, route, &self.agent, &hand, &mut self.draw);
        if self.head {
            request.method = "HEAD";
        }
        // Links jump; nobody follows them in order.
        self.thing = if self.account.is_some() {
            self.thing + 1
        } else {
            self.draw.below(60_000) as u32
        };
        self.at = self.draw.below(self.routes.len());
        self.sequence = self.sequence.wrapping_add(1);
        Some(Act {
            request,
            who: Who {
                actor: self.actor,
                group: None,
                scenario: self.name,
                variant: "",
                class: "benign",
                hostile: false,
                victim: false,
                site: self.site,
                session: 0,
                sequence: self.sequence - 1,
                place: self.place,
                account: self.account,
            },
        })
    }

    fn hear(&mut self, _: &mut Scene<'_>, answer: &Answer) {
        self.left = self.left.saturating_sub(1);
        if answer.decision.is_stop() || answer.status == 503 {
            self.gap = (self.gap * 2.0).min(120.0);
        }
    }

    fn next(&mut self, scene: &mut Scene<'_>) -> Option<f64> {
        (self.left > 0).then(|| scene.now + self.draw.log_normal(self.gap, self.sigma))
    }
}
