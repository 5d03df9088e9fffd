//! Everybody who means no harm: people with browsers and apps, at home, on the road and at work, and the programs that
//! are part of any API's day. They make mistakes, come back, change addresses and ask too often.

mod machine;
mod reader;
mod visitor;

use super::actor::{Actor, Setting, any_site, site};
use super::clock;
use super::random::{Draw, mix};
use super::site::SITES;

pub use machine::Routine;
pub use reader::Reader;
pub use visitor::{Character, Visitor};

/// A kind of normal client.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Population {
    /// The name under which its traffic is labelled.
    pub name: &'static str,
    /// What it is.
    pub about: &'static str,
    /// Its share of the sessions of people; 0 for programs, which are there from the start.
    pub share: f64,
}

/// All kinds.
pub const POPULATIONS: [Population; 14] = [
    Population {
        name: "browser",
        about: "people with a browser and an account, who log in and look around",
        share: 0.26,
    },
    Population {
        name: "app",
        about: "people with an app, on home lines and carriers that share addresses among thousands",
        share: 0.30,
    },
    Population {
        name: "office",
        about: "people at work behind one address of their company",
        share: 0.14,
    },
    Population {
        name: "visitor",
        about: "people who do not log in, follow old links, mistype, and leave",
        share: 0.20,
    },
    Population {
        name: "forgetful",
        about: "people who do not remember their password, are locked out and ask for a new one",
        share: 0.025,
    },
    Population {
        name: "power",
        about: "people who do this all day: many pages, little pause, exports",
        share: 0.03,
    },
    Population {
        name: "new-phone",
        about: "an app that fetches everything its owner has, at once",
        share: 0.01,
    },
    Population {
        name: "developer",
        about: "somebody who tries the API by hand, with all the mistakes that takes",
        share: 0.008,
    },
    Population {
        name: "sync-client",
        about: "desktop programs that ask for changes all day",
        share: 0.007,
    },
    Population {
        name: "partner",
        about: "programs with a key that poll at high, regular rates",
        share: 0.0,
    },
    Population {
        name: "monitor",
        about: "probes that ask whether a site lives",
        share: 0.0,
    },
    Population {
        name: "crawler",
        about: "search engines' crawlers that keep to the rules",
        share: 0.0,
    },
    Population {
        name: "link-checker",
        about: "programs that look for dead links, quickly",
        share: 0.0,
    },
    Population {
        name: "flash-crowd",
        about: "hundreds who come at once, for a sale or a piece of news",
        share: 0.0,
    },
];

/// A new client of a population that people belong to, at `time`.
pub fn arrive(kind: usize, number: u64, time: f64, setting: &Setting) -> Box<dyn Actor> {
    let mut draw = Draw::of(mix(setting.seed, 0xa000 + kind as u64), number);
    let name = POPULATIONS[kind].name;
    let at = match name {
        "office" => office_site(&mut draw),
        "sync-client" => 4,
        _ => any_site(&mut draw),
    };
    match name {
        "sync-client" => Box::new(Routine::sync(at, number, draw, time, setting)),
        "new-phone" => Box::new(Reader::new_phone(at, draw, time, setting)),
        _ => Box::new(Visitor::new(
            Character::of(name),
            at,
            None,
            draw,
            time,
            setting,
        )),
    }
}

/// Whether clients of this kind arrive with the hours of work.
pub fn is_at_work(kind: usize) -> bool {
    matches!(
        POPULATIONS[kind].name,
        "office" | "developer" | "sync-client"
    )
}

/// Programs that run from beginning to end, and what they send together in requests a second.
pub fn programs(load: f64, setting: &Setting) -> Vec<(f64, Box<dyn Actor>)> {
    let mut draw = Draw::of(setting.seed, 0xb000);
    let mut all: Vec<(f64, Box<dyn Actor>)> = Vec::new();
    let partners = (load / 3.0).ceil().clamp(2.0, 400.0) as u64;
    for number in 0..partners {
        let mut own = Draw::of(setting.seed, 0xb100 + number);
        let rate = load / partners as f64 * own.log_normal(0.7, 0.9);
        all.push((
            draw.between(0.0, 30.0),
            Box::new(Routine::partner(number, rate, own)),
        ));
    }
    let monitors = (load / 8.0).ceil().clamp(2.0, 40.0) as u64;
    for number in 0..monitors {
        let own = Draw::of(setting.seed, 0xb200 + number);
        all.push((
            draw.between(0.0, 60.0),
            Box::new(Routine::monitor(number, own)),
        ));
    }
    let crawlers = (load / 10.0).ceil().clamp(1.0, 30.0) as u64;
    for number in 0..crawlers {
        let own = Draw::of(setting.seed, 0xb300 + number);
        all.push((
            draw.between(0.0, 600.0),
            Box::new(Reader::crawler(number, own, setting)),
        ));
    }
    all
}

fn office_site(draw: &mut Draw) -> usize {
    let office: Vec<usize> = (0..SITES.len())
        .filter(|index| site(*index).office)
        .collect();
    if draw.chance(0.7) {
        office[draw.below(office.len())]
    } else {
        any_site(draw)
    }
}

/// How busy a population is at `time`, as a multiple of its mean.
pub fn busy(kind: usize, time: f64) -> f64 {
    clock::load(time, is_at_work(kind)).max(0.02)
}
