//! What an API allows and cannot afford: reports, huge pages, GraphQL without end, mails to other people; and bots that
//! do what people do, only faster.

use std::fmt::Write;

use super::super::client::{Agent, Program};
use super::super::compose::quoted;
use super::super::message::Request;
use super::super::people;
use super::super::random::Draw;
use super::super::site::{Access, Kind, Route, Value};
use super::{Kit, Shot, Tactic, Variant};

/// Which resource is used up.
#[derive(Clone, Copy, PartialEq)]
enum Waste {
    Reports,
    Pages,
    Graph,
    Mails,
}

struct Abuse {
    waste: Waste,
    account: bool,
    route: Option<usize>,
    page: u32,
    depth: usize,
}

pub fn abuse(variant: &Variant, draw: &mut Draw) -> Box<dyn Tactic> {
    let waste = match variant.name {
        "reports" => Waste::Reports,
        "huge-pages" => Waste::Pages,
        "graphql" => Waste::Graph,
        _ => Waste::Mails,
    };
    Box::new(Abuse {
        waste,
        account: waste != Waste::Mails,
        route: None,
        page: 0,
        depth: 6 + draw.below(14),
    })
}

impl Tactic for Abuse {
    fn site(&self, draw: &mut Draw) -> usize {
        match self.waste {
            Waste::Reports => [0, 1, 2, 3, 4][draw.below(5)],
            Waste::Pages => [0, 2, 3, 4][draw.below(4)],
            Waste::Graph => 3,
            Waste::Mails => draw.below(5),
        }
    }

    fn has_account(&self) -> bool {
        self.account
    }

    fn shoot(&mut self, kit: &mut Kit<'_>) -> Option<Shot> {
        let waste = self.waste;
        if self.route.is_none() {
            self.route = kit.route(|route| match waste {
                Waste::Reports => {
                    matches!(route.kind, Kind::Report) && route.access != Access::Staff
                }
                Waste::Pages => {
                    route.kind == Kind::List && matches!(route.access, Access::Open | Access::User)
                }
                Waste::Graph => route.kind == Kind::Graph,
                Waste::Mails => route.kind == Kind::Forgot,
            });
        }
        let route = self.route?;
        self.page += 1;
        let beyond = if kit.draw.chance(0.1) { 9_000 } else { 0 };
        let mut request = match waste {
            Waste::Pages => kit.sized(route, None, self.page % 40, kit.site.page_cap + beyond),
            _ => kit.honest(route),
        };
        match waste {
            Waste::Graph => request.fill(deep(self.depth, kit.draw)),
            Waste::Mails => {
                let account = kit.draw.below(kit.site.accounts as usize) as u32;
                let field = kit.site.routes[route].body[0].0;
                request.fill(format!(
                    "{{\"{field}\":{}}}",
                    quoted(&people::mail(account))
                ));
            }
            Waste::Pages => ask_for(
                &mut request,
                &kit.site.routes[route],
                kit.site.page_cap + beyond,
            ),
            Waste::Reports => {}
        }
        Some(Shot {
            request,
            hostile: true,
            account: kit.account,
        })
    }
}

/// Sees to it that a request names how much it wants: an honest client leaves that out now and then, a huge page cannot.
fn ask_for(request: &mut Request, route: &Route, size: u32) {
    let sized = route
        .query
        .iter()
        .find(|(_, value, _)| *value == Value::Size);
    let name = sized.map_or("limit", |(name, ..)| *name);
    let named = |pair: &str| pair.split_once('=').is_some_and(|(known, _)| known == name);
    if !request.query().split('&').any(named) {
        let mark = if request.query().is_empty() { '?' } else { '&' };
        let _ = write!(
            request.target,
            "{mark}{name}={}",
            if sized.is_some() { size } else { 100_000 }
        );
    }
}

/// A query that asks for friends of friends, many times over.
fn deep(depth: usize, draw: &mut Draw) -> String {
    let mut query = String::from("query Q {");
    for alias in 0..1 + draw.below(12) {
        let _ = write!(
            query,
            " a{alias}: issue(key: \"OPS-{}\") {{ key",
            1 + draw.below(20_000)
        );
        query.push_str(&" links { key assignee { issues(first: 100) { key".repeat(depth / 3));
        query.push_str(&" } } }".repeat(depth / 3));
        query.push_str(" }");
    }
    query.push('}');
    format!(
        "{{\"operationName\":\"Q\",\"query\":{},\"variables\":{{}}}}",
        quoted(&query)
    )
}

/// The same few calls over and over, faster than hands.
struct Bot {
    routes: Vec<usize>,
    at: usize,
    thing: Option<u32>,
    agent: Agent,
    coupons: bool,
}

pub fn bot(_: &Variant, draw: &mut Draw) -> Box<dyn Tactic> {
    // A browser's name on the headers of a script gives some of them away, not all.
    let browser = Agent::browser(draw);
    let agent = if draw.chance(0.6) {
        Agent::named(Program::Script, &browser.name)
    } else {
        browser
    };
    Box::new(Bot {
        routes: Vec::new(),
        at: 0,
        thing: None,
        agent,
        coupons: draw.chance(0.4),
    })
}

impl Tactic for Bot {
    fn site(&self, _: &mut Draw) -> usize {
        0
    }

    fn disguised(&self) -> Option<Agent> {
        Some(self.agent.clone())
    }

    fn shoot(&mut self, kit: &mut Kit<'_>) -> Option<Shot> {
        if self.routes.is_empty() {
            let names: &[&str] = if self.coupons {
                &["coupon", "coupon", "coupon", "cart"]
            } else {
                &["product", "add", "cart"]
            };
            self.routes = names
                .iter()
                .filter_map(|name| kit.site.route(name))
                .collect();
            self.thing = Some(kit.draw.below(2_000) as u32);
        }
        let route = *self.routes.get(self.at % self.routes.len().max(1))?;
        self.at += 1;
        let mut request = kit.honest_with(route, self.thing, 0);
        if kit.site.routes[route].name == "coupon" {
            request.fill(format!("{{\"code\":\"SAVE{}\"}}", 1_000 + self.at * 7));
        }
        Some(Shot {
            request,
            hostile: true,
            account: None,
        })
    }
}
