//! Tokens in wrong hands: shared, replayed, stolen from a session that goes on, or forged.

use super::super::actor::{Actor, Setting, site};
use super::super::client::Agent;
use super::super::message::Request;
use super::super::normal::{Character, Visitor};
use super::super::random::Draw;
use super::super::site::{Access, Kind};
use super::super::token::{Forgery, Grant};
use super::{Kit, Shot, Tactic, Variant};

/// The people whose tokens are stolen for a campaign.
pub fn victims(
    scenario: &str,
    variant: &str,
    group: u32,
    at: usize,
    time: f64,
    setting: &Setting,
    draw: &mut Draw,
) -> Vec<(f64, Box<dyn Actor>)> {
    if !matches!(scenario, "token-abuse" | "session-hijack") {
        return Vec::new();
    }
    let account = draw.popular(site(at).accounts as usize) as u32;
    // Who is replayed left long ago; who is hijacked is still there.
    let (before, screens) = if variant == "replay" {
        (LEAD, 6)
    } else {
        (draw.between(30.0, 200.0), 40)
    };
    let start = (time - before).max(setting.start);
    let victim = Visitor::new(
        Character::of("browser"),
        at,
        Some(account),
        Draw::of(draw.bits(), 1),
        start,
        setting,
    );
    vec![(start, Box::new(victim.prey_of(group, screens)))]
}

/// How long before a theft its victim logs in, at most.
pub const LEAD: f64 = 1_500.0;

/// Uses what was stolen.
struct Theft {
    same_agent: bool,
    worn: Option<Agent>,
    route: usize,
    waited: u32,
}

pub fn token(_: &Variant, _: &mut Draw) -> Box<dyn Tactic> {
    Box::new(Theft {
        same_agent: false,
        worn: None,
        route: 0,
        waited: 0,
    })
}

pub fn hijack(variant: &Variant, _: &mut Draw) -> Box<dyn Tactic> {
    Box::new(Theft {
        same_agent: variant.name == "same-agent",
        worn: None,
        route: 0,
        waited: 0,
    })
}

impl Tactic for Theft {
    fn site(&self, draw: &mut Draw) -> usize {
        [0, 1, 1, 2, 3, 4][draw.below(6)]
    }

    fn shoot(&mut self, kit: &mut Kit<'_>) -> Option<Shot> {
        let Some(stolen) = kit.stolen.take() else {
            // Not yet: the owner has not logged in. It looks around, for a while.
            self.waited += 1;
            return if self.waited < 40 {
                super::login::cover(kit)
            } else {
                None
            };
        };
        if self.worn.is_none() && self.same_agent {
            let at = super::super::site::SITES
                .iter()
                .position(|known| known.name == kit.site.name)?;
            self.worn =
                Some(Visitor::habits(at, stolen.account, Character::of("browser"), kit.setting).0);
        }
        let routes = kit.site.routes_where(|route| {
            route.access == Access::User
                && matches!(
                    route.kind,
                    Kind::Own
                        | Kind::List
                        | Kind::Thing
                        | Kind::Write
                        | Kind::Download
                        | Kind::Report
                        | Kind::Graph
                )
        });
        let choice = if kit.draw.chance(0.5) {
            self.route
        } else {
            kit.draw.below(routes.len())
        };
        self.route = choice;
        let agent = self.worn.clone().unwrap_or_else(|| kit.agent.clone());
        let mut kit = Kit {
            grant: Some(&stolen.grant),
            account: Some(stolen.account),
            agent: &agent,
            draw: &mut *kit.draw,
            stolen: None,
            ..*kit
        };
        let mut request = kit.honest(routes[choice % routes.len()]);
        if !agent.is_browser() {
            as_taken(&mut request, kit.site.cookie, &stolen.grant);
        }
        Some(Shot {
            request,
            hostile: true,
            account: Some(stolen.account),
        })
    }
}

/// What was stolen is what the owner had: a cookie stays a cookie in a script.
fn as_taken(request: &mut Request, cookie: bool, grant: &Grant) {
    if cookie {
        request.headers.retain(|(name, _)| *name != "authorization");
        request.set("cookie", format!("sid={}", grant.cookie));
    }
}

/// Tokens that were never given out.
struct Forging {
    kinds: Vec<Forgery>,
    account: u32,
}

pub fn forgery(variant: &Variant, draw: &mut Draw) -> Box<dyn Tactic> {
    let all = [
        Forgery::Unsigned,
        Forgery::GuessedKey,
        Forgery::Altered,
        Forgery::Expired,
        Forgery::OddKey,
    ];
    let kinds = if variant.name == "all-kinds" {
        all.to_vec()
    } else {
        vec![all[draw.below(all.len())]]
    };
    Box::new(Forging {
        kinds,
        account: draw.below(9_000) as u32,
    })
}

impl Tactic for Forging {
    fn shoot(&mut self, kit: &mut Kit<'_>) -> Option<Shot> {
        let route = kit.route(|route| {
            matches!(route.access, Access::User | Access::Staff) && route.method == "GET"
        })?;
        let kind = self.kinds[kit.draw.below(self.kinds.len())];
        self.account = self.account.wrapping_add(u32::from(kit.draw.chance(0.3)));
        let mut request = kit.honest(route);
        let token = kit.setting.mint.forge(
            kind,
            kit.site.host,
            self.account % kit.site.accounts,
            kit.now,
        );
        request.set("authorization", format!("Bearer {token}"));
        Some(Shot {
            request,
            hostile: true,
            account: None,
        })
    }
}
