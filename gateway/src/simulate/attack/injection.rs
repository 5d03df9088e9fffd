//! Injections, hidden in requests that are otherwise what a client would send: in a parameter, a leaf of the body, the
//! path, a cookie or a header.

use super::super::client::{Agent, Program};
use super::super::compose::quoted;
use super::super::message::Request;
use super::super::payload::{Family, Layer, percent};
use super::super::random::Draw;
use super::super::site::{Access, Kind, Slot};
use super::{Kit, Shot, Tactic, Variant};

/// Sends texts of one family.
struct Injection {
    family: Family,
    /// Share of requests that carry nothing.
    cover: f64,
    /// The route that is worked on, and for how long.
    route: Option<usize>,
    agent: Option<Agent>,
}

fn injection(family: Family, variant: &Variant, draw: &mut Draw) -> Box<dyn Tactic> {
    let by_hand = variant.name == "by-hand";
    let agent = (variant.name == "tool" && draw.chance(0.5)).then(|| {
        Agent::named(
            Program::Script,
            [
                "sqlmap/1.9",
                "python-requests/2.32.3",
                "Mozilla/5.0",
                "curl/8.9.1",
            ][draw.below(4)],
        )
    });
    let agent = agent.or_else(|| by_hand.then(|| Agent::browser(draw)));
    let cover = if by_hand {
        draw.between(0.3, 0.8)
    } else {
        draw.between(0.0, 0.4)
    };
    Box::new(Injection {
        family,
        cover,
        route: None,
        agent,
    })
}

macro_rules! makers {
    ($($(#[$doc:meta])* $name:ident: $family:ident;)*) => {
        $($(#[$doc])* pub fn $name(variant: &Variant, draw: &mut Draw) -> Box<dyn Tactic> {
            injection(Family::$family, variant, draw)
        })*
    };
}

makers! {
    sql: Sql;
    xss: Xss;
    command: Command;
    path: Path;
    template: Template;
    nosql: NoSql;
    xml: Xml;
    ssrf: Ssrf;
    lookup: Lookup;
}

impl Tactic for Injection {
    fn disguised(&self) -> Option<Agent> {
        self.agent.clone()
    }

    fn shoot(&mut self, kit: &mut Kit<'_>) -> Option<Shot> {
        if kit.draw.chance(self.cover) {
            return super::login::cover(kit);
        }
        if self.route.is_none() || kit.draw.chance(0.05) {
            self.route = kit.route(|route| {
                route.access == Access::Open
                    && matches!(
                        route.kind,
                        Kind::Search
                            | Kind::List
                            | Kind::Thing
                            | Kind::Write
                            | Kind::Report
                            | Kind::Login
                            | Kind::Forgot
                    )
            });
        }
        let mut request = kit.honest(self.route?);
        if kit.site.routes[self.route?].kind == Kind::Login {
            let account = kit.draw.below(kit.site.accounts as usize) as u32;
            request = kit.login(&super::super::people::mail(account), "letmein")?;
        }
        let text = self.family.text(kit.draw);
        match self.family {
            Family::Xml => {
                request.method = "POST";
                request.set("content-type", "application/xml".to_owned());
                request.fill(text);
            }
            Family::NoSql => in_operator(&mut request, &text, kit.draw),
            Family::Lookup if kit.draw.chance(0.6) => in_header(&mut request, &text, kit.draw),
            _ => graft(&mut request, &text, kit),
        }
        Some(Shot {
            request,
            hostile: true,
            account: None,
        })
    }
}

/// Puts a text into a request, where there is room for it.
fn graft(request: &mut Request, text: &str, kit: &mut Kit<'_>) {
    let has_thing = kit
        .site
        .find(request.method, request.path())
        .is_some_and(|found| {
            found.is_ok_and(|(route, _)| kit.site.routes[route].slot != Slot::None)
        });
    let place = kit.draw.below(20);
    if !request.body.is_empty() && place < 14 {
        return in_body(request, text, kit.draw);
    }
    match place {
        0 | 1 if has_thing => in_path(request, text, kit.draw),
        2 => in_cookie(request, text),
        3 => in_header(request, text, kit.draw),
        _ => in_query(request, text, kit.draw),
    }
}

fn in_query(request: &mut Request, text: &str, draw: &mut Draw) {
    let value = percent(text, Layer::any(draw));
    let pairs: Vec<&str> = request
        .query()
        .split('&')
        .filter(|pair| !pair.is_empty())
        .collect();
    let victim = draw.below(pairs.len());
    let mut parts: Vec<String> = pairs
        .iter()
        .enumerate()
        .map(|(index, pair)| {
            let name = pair.split_once('=').map_or(*pair, |(name, _)| name);
            if index == victim {
                format!("{name}={value}")
            } else {
                (*pair).to_owned()
            }
        })
        .collect();
    if parts.is_empty() {
        parts.push(format!(
            "{}={value}",
            ["id", "q", "ref", "lang", "file", "url", "page"][draw.below(7)]
        ));
    }
    request.target = format!("{}?{}", request.path(), parts.join("&"));
}

/// Replaces a leaf of the JSON body, or appends to it.
fn in_body(request: &mut Request, text: &str, draw: &mut Draw) {
    let Ok(serde_json::Value::Object(mut leaves)) = serde_json::from_str(&request.body) else {
        return in_query(request, text, draw);
    };
    let place = draw.below(leaves.len());
    let appended = draw.chance(0.4);
    if let Some((_, leaf)) = leaves.iter_mut().nth(place) {
        let before = leaf.as_str().filter(|_| appended).unwrap_or_default();
        *leaf = format!("{before}{text}").into();
    }
    let mut body = serde_json::Value::Object(leaves).to_string();
    if draw.chance(0.15) {
        body = body.replace('\'', "\\u0027").replace('<', "\\u003c");
    }
    request.fill(body);
}

fn in_path(request: &mut Request, text: &str, draw: &mut Draw) {
    let layer = if draw.chance(0.5) {
        Layer::All
    } else {
        Layer::Needed
    };
    let (before, _) = request.path().rsplit_once('/').unwrap_or(("", ""));
    request.target = format!("{before}/{}", percent(text, layer));
}

fn in_cookie(request: &mut Request, text: &str) {
    let more = format!("track={}", percent(text, Layer::Needed));
    let cookie = request
        .header("cookie")
        .map_or_else(|| more.clone(), |known| format!("{known}; {more}"));
    request.set("cookie", cookie);
}

/// Into a header that applications read or log. Bytes that no header may hold are left out.
fn in_header(request: &mut Request, text: &str, draw: &mut Draw) {
    let name = [
        "user-agent",
        "referer",
        "x-forwarded-host",
        "accept-language",
        "x-request-source",
    ][draw.below(5)];
    let text: String = text
        .chars()
        .filter(|c| c.is_ascii() && !c.is_ascii_control())
        .collect();
    request.set(name, text.trim().to_owned());
}

/// An operator in place of a value: as JSON, or in brackets as some frameworks read a query.
fn in_operator(request: &mut Request, text: &str, draw: &mut Draw) {
    if let Ok(serde_json::Value::Object(mut leaves)) = serde_json::from_str(&request.body) {
        let place = draw.below(leaves.len());
        if let (Some((_, leaf)), Ok(operator)) =
            (leaves.iter_mut().nth(place), serde_json::from_str(text))
        {
            *leaf = operator;
        }
        return request.fill(serde_json::Value::Object(leaves).to_string());
    }
    let operator = ["$ne", "$gt", "$regex", "$where", "$exists"][draw.below(5)];
    let name = ["id", "q", "user", "page"][draw.below(4)];
    let mark = if request.query().is_empty() { '?' } else { '&' };
    let value = if draw.chance(0.3) {
        percent(&quoted(text), Layer::Needed)
    } else {
        draw.below(3).to_string()
    };
    let brackets = if draw.chance(0.5) {
        format!("[{operator}]")
    } else {
        format!("%5B{}%5D", operator.replace('$', "%24"))
    };
    request.target = format!("{}{mark}{name}{brackets}={value}", request.target);
}
