//! Attacks that read: scraping, enumeration of other people's things, and bots under the name of a search engine.

use super::super::client::{Agent, CRAWLERS, Program};
use super::super::random::Draw;
use super::super::site::{Access, Form, Kind, Site, Slot};
use super::{Kit, Shot, Tactic, Variant};

/// How things are gone through.
#[derive(Clone, Copy, PartialEq)]
enum Order {
    Sequential,
    Lists,
    Random,
}

/// Reads public things.
struct Scraping {
    order: Order,
    at: u32,
    step: u32,
    size: u32,
    route: Option<usize>,
    cover: f64,
    agent: Option<Agent>,
}

pub fn scraping(variant: &Variant, draw: &mut Draw) -> Box<dyn Tactic> {
    let order = match variant.name {
        "lists" => Order::Lists,
        "spread" if draw.chance(0.4) => Order::Random,
        _ => Order::Sequential,
    };
    let polite = variant.name == "polite";
    Box::new(Scraping {
        order,
        at: draw.below(10_000) as u32,
        step: [1, 1, 1, 2, 10][draw.below(5)],
        size: [0, 50, 100, 200][draw.below(4)],
        route: None,
        cover: if polite { draw.between(0.1, 0.4) } else { 0.03 },
        agent: polite.then(|| Agent::browser(draw)),
    })
}

pub fn crawler(variant: &Variant, draw: &mut Draw) -> Box<dyn Tactic> {
    let name = CRAWLERS[draw.below(CRAWLERS.len())];
    Box::new(Scraping {
        order: if variant.name == "spread" {
            Order::Random
        } else {
            [Order::Sequential, Order::Random][draw.below(2)]
        },
        at: draw.below(5_000) as u32,
        step: 1,
        size: 0,
        route: None,
        cover: draw.between(0.0, 0.3),
        agent: Some(Agent::named(Program::Crawler, name)),
    })
}

impl Tactic for Scraping {
    fn site(&self, draw: &mut Draw) -> usize {
        [0, 2][draw.below(2)]
    }

    fn disguised(&self) -> Option<Agent> {
        self.agent.clone()
    }

    fn shoot(&mut self, kit: &mut Kit<'_>) -> Option<Shot> {
        if kit.draw.chance(self.cover) {
            return super::login::cover(kit);
        }
        let lists = self.order == Order::Lists;
        if self.route.is_none() {
            self.route = kit.route(|route| {
                let kind = if lists {
                    route.kind == Kind::List
                } else {
                    matches!(route.slot, Slot::Thing(_))
                        && matches!(route.kind, Kind::Thing | Kind::List | Kind::Page)
                };
                kind && route.access == Access::Open && (!lists || route.slot == Slot::None)
            });
        }
        let route = self.route?;
        self.at = match self.order {
            Order::Random => kit.draw.below(24_000) as u32,
            Order::Sequential | Order::Lists => self.at.wrapping_add(self.step),
        };
        let request = match kit.site.routes[route].slot {
            Slot::Thing(class) => {
                let thing = self.at % (kit.site.classes[class].count + 200);
                kit.honest_with(route, Some(thing), 0)
            }
            _ => kit.sized(route, None, self.at % 3_000, self.size),
        };
        Some(Shot {
            request,
            hostile: true,
            account: None,
        })
    }
}

/// Asks for what belongs to others.
struct Enumeration {
    order: Order,
    at: u32,
    down: bool,
    cover: f64,
    route: Option<usize>,
}

pub fn enumeration(variant: &Variant, draw: &mut Draw) -> Box<dyn Tactic> {
    Box::new(Enumeration {
        order: if variant.name == "random" || variant.name == "spread" && draw.chance(0.5) {
            Order::Random
        } else {
            Order::Sequential
        },
        at: draw.below(60_000) as u32,
        down: draw.chance(0.3),
        cover: draw.between(0.0, 0.35),
        route: None,
    })
}

impl Tactic for Enumeration {
    fn site(&self, draw: &mut Draw) -> usize {
        // Where names are numbers they can be counted; elsewhere one can only guess.
        [0, 0, 1, 2, 3, 4][draw.below(6)]
    }

    fn has_account(&self) -> bool {
        true
    }

    fn shoot(&mut self, kit: &mut Kit<'_>) -> Option<Shot> {
        if kit.draw.chance(self.cover) {
            return super::login::cover(kit);
        }
        if self.route.is_none() {
            self.route = owned_route(kit);
        }
        let route = self.route?;
        let Slot::Thing(class) = kit.site.routes[route].slot else {
            return None;
        };
        let count = kit.site.classes[class].count;
        self.at = match (self.order, self.down) {
            (Order::Random, _) => kit.draw.below(count as usize + count as usize / 3) as u32,
            (_, true) => self.at.wrapping_add(count - 1) % count,
            (_, false) => (self.at + 1) % count,
        };
        Some(Shot {
            request: kit.honest_with(route, Some(self.at), 0),
            hostile: true,
            account: kit.account,
        })
    }
}

/// A route to things that belong to people, best one whose names can be counted.
fn owned_route(kit: &mut Kit<'_>) -> Option<usize> {
    fn owned(site: &Site, slot: Slot, counted: bool) -> bool {
        let Slot::Thing(class) = slot else {
            return false;
        };
        let class = &site.classes[class];
        class.each > 0 && (!counted || matches!(class.form, Form::Number(_)))
    }
    let site = kit.site;
    kit.route(|route| route.method == "GET" && owned(site, route.slot, true))
        .or_else(|| kit.route(|route| route.method == "GET" && owned(site, route.slot, false)))
}
