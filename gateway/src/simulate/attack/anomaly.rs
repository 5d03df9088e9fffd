//! A valid account that acts as it never did. It has a past: normal sessions at its own hours, from its own place, so
//! that there is a habit to deviate from.

use super::super::actor::{Actor, Setting, site};
use super::super::address::Place;
use super::super::client::Agent;
use super::super::clock::{DAY, EPOCH, HOUR};
use super::super::normal::{Character, Visitor};
use super::super::people;
use super::super::random::Draw;
use super::super::site::{Access, Kind, Slot};
use super::{Kit, Shot, Tactic, Variant};

/// Normal sessions of the account before the attack: none that would fall before the beginning of time.
pub fn past(
    account: u32,
    scenario: &str,
    at: usize,
    time: f64,
    setting: &Setting,
    draw: &mut Draw,
) -> Vec<(f64, Box<dyn Actor>)> {
    if !matches!(
        scenario,
        "behaviour-anomaly" | "data-theft" | "account-takeover"
    ) {
        return Vec::new();
    }
    // Who is robbed uses an app as often as not; an insider stays with one device.
    let app = scenario == "account-takeover" && draw.chance(0.5);
    let character = if app {
        Character::of("app")
    } else {
        character(at)
    };
    let favourite = people::favourite_hour(site(at), account) * HOUR;
    let start = setting.start;
    let days = ((time - start) / DAY).ceil().max(0.0) as u32;
    // In a simulation of an hour, the past is what fits before the attack.
    let visits: Vec<f64> = if days > 1 {
        let midnight = EPOCH + ((start - EPOCH) / DAY).floor() * DAY;
        (0..days.min(14))
            .map(|day| midnight + f64::from(day) * DAY + favourite + draw.log_normal(900.0, 0.8))
            .collect()
    } else {
        (0..4)
            .map(|_| start + (time - start) * draw.between(0.0, 0.8))
            .collect()
    };
    let mut actors: Vec<(f64, Box<dyn Actor>)> = Vec::new();
    for visit in visits
        .into_iter()
        .filter(|visit| (start..time - 1.0).contains(visit))
    {
        let visitor = Visitor::new(
            character,
            at,
            Some(account),
            Draw::of(draw.bits(), 4),
            visit,
            setting,
        );
        actors.push((visit, Box::new(visitor)));
    }
    actors
}

fn character(at: usize) -> Character {
    Character::of(if site(at).office { "office" } else { "browser" })
}

/// The device and the line of an account's owner.
pub fn owner(at: usize, account: u32, setting: &Setting) -> (Agent, Place) {
    Visitor::habits(at, account, character(at), setting)
}

/// When the attack begins: the one that lives from the hour waits for the middle of the owner's night.
pub fn moment(account: Option<u32>, variant: &str, at: usize, time: f64, setting: &Setting) -> f64 {
    let Some(account) = account.filter(|_| variant == "hours") else {
        return time;
    };
    let night = (people::favourite_hour(site(at), account) + 11.5).rem_euclid(24.0) * HOUR;
    let next = EPOCH + ((time - EPOCH) / DAY).floor() * DAY + night;
    let next = if next < time { next + DAY } else { next };
    if next < setting.end - HOUR {
        next
    } else {
        time
    }
}

/// What is unusual.
#[derive(Clone, Copy, PartialEq)]
enum Oddity {
    /// Where it goes.
    Places,
    /// In what order.
    Order,
    /// How much.
    Volume,
    /// At night, everything that can be taken.
    Hours,
}

struct Anomaly {
    account: u32,
    oddity: Oddity,
    at: usize,
    thing: u32,
    foreign: f64,
}

pub fn anomaly(variant: &Variant, draw: &mut Draw) -> Box<dyn Tactic> {
    let oddity = match variant.name {
        "hours" => Oddity::Hours,
        "places" => Oddity::Places,
        "order" => Oddity::Order,
        _ => Oddity::Volume,
    };
    Box::new(Anomaly {
        account: draw.below(2_000) as u32,
        oddity,
        at: 0,
        thing: 0,
        foreign: 0.0,
    })
}

pub fn theft(_: &Variant, draw: &mut Draw) -> Box<dyn Tactic> {
    Box::new(Anomaly {
        account: draw.below(2_000) as u32,
        oddity: Oddity::Volume,
        at: 0,
        thing: 0,
        foreign: draw.between(0.05, 0.3),
    })
}

impl Tactic for Anomaly {
    fn account(&self) -> Option<u32> {
        Some(self.account)
    }

    fn has_account(&self) -> bool {
        true
    }

    fn site(&self, draw: &mut Draw) -> usize {
        [1, 2, 3, 4][draw.below(4)]
    }

    fn is_insider(&self) -> bool {
        true
    }

    fn shoot(&mut self, kit: &mut Kit<'_>) -> Option<Shot> {
        let oddity = self.oddity;
        self.at += 1;
        let foreign = kit.draw.chance(self.foreign);
        let routes = kit.site.routes_where(|route| match oddity {
            Oddity::Places => {
                matches!(route.kind, Kind::Report)
                    || route.access == Access::Staff
                    || route.method == "PUT"
                    || route.method == "PATCH"
            }
            Oddity::Order => {
                matches!(route.access, Access::User) && !matches!(route.kind, Kind::Own)
            }
            Oddity::Hours => {
                route.access == Access::User
                    && matches!(
                        route.kind,
                        Kind::Download | Kind::Report | Kind::Thing | Kind::List
                    )
            }
            Oddity::Volume => {
                route.access == Access::User
                    && matches!(
                        route.kind,
                        Kind::Download | Kind::Thing | Kind::Graph | Kind::List
                    )
            }
        });
        if routes.is_empty() {
            return None;
        }
        // The end of a flow before its beginning, the same step twice, no page between: what no screen does.
        let choice = match oddity {
            Oddity::Order => routes[(self.at * 5 + self.at / 3) % routes.len()],
            _ => routes[kit.draw.below(routes.len())],
        };
        let thing = match kit.site.routes[choice].slot {
            Slot::Thing(class) if kit.site.classes[class].each > 0 => {
                self.thing += 1;
                let owner = if foreign {
                    self.account + 1 + self.thing % 50
                } else {
                    self.account
                };
                Some(kit.site.classes[class].owned(owner % kit.site.accounts, self.thing))
            }
            _ => None,
        };
        Some(Shot {
            request: kit.honest_with(choice, thing, self.at as u32 % 40),
            hostile: true,
            account: Some(self.account),
        })
    }
}
