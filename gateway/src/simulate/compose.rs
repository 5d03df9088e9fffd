//! Turns a route into a request: fills in paths, parameters and bodies with what an honest client would send. Attacks
//! start from the same requests and change what they must.

use std::fmt::Write;

use super::client::{Agent, Purpose};
use super::message::Request;
use super::people;
use super::random::Draw;
use super::site::{Access, FILES, Kind, Parameter, Route, Site, Slot, Value};
use super::text;

/// What is known of the client when it composes a request.
#[derive(Clone, Copy, Default)]
pub struct Hand<'a> {
    /// The account that is logged in.
    pub account: Option<u32>,
    /// The cookie header's value.
    pub cookie: &'a str,
    /// The bearer token.
    pub bearer: &'a str,
    /// The partner's key.
    pub key: &'a str,
    /// The page that it is on.
    pub referer: &'a str,
    /// The thing that it looks at, if it has chosen one.
    pub thing: Option<u32>,
    /// The page of the list that it looks at; 0 for the first.
    pub page: u32,
    /// Entries of a page that it asks for; 0 for what the client always asks for.
    pub size: u32,
    /// Virtual now.
    pub now: f64,
}

/// The request to a route.
pub fn request(
    site: &Site,
    route: &Route,
    agent: &Agent,
    hand: &Hand<'_>,
    draw: &mut Draw,
) -> Request {
    let mut target = path(site, route, hand, draw);
    query(site, route, hand, draw, &mut target);
    let body = body(site, route, hand, draw);
    dress(site, route, agent, hand, target, body)
}

/// The request to a route with this target and body.
pub fn dress(
    site: &Site,
    route: &Route,
    agent: &Agent,
    hand: &Hand<'_>,
    target: String,
    body: String,
) -> Request {
    let with_key = route.access == Access::Key;
    let headers = agent.headers(&Purpose {
        host: site.host,
        page: route.kind == Kind::Page,
        file: route.kind == Kind::File,
        referer: hand.referer,
        cookie: hand.cookie,
        bearer: if route.kind == Kind::Page || route.kind == Kind::File {
            ""
        } else {
            hand.bearer
        },
        key: if with_key { hand.key } else { "" },
        length: body.len(),
    });
    Request {
        method: route.method,
        target,
        headers,
        body,
    }
}

/// A log-in with this name and password.
pub fn login(
    site: &Site,
    agent: &Agent,
    hand: &Hand<'_>,
    name: &str,
    password: &str,
) -> Option<Request> {
    let route = &site.routes[site.first(Kind::Login)?];
    let field = if site.name == "tickets" {
        "username"
    } else {
        "email"
    };
    let body = format!(
        "{{\"{field}\":{},\"password\":{}}}",
        quoted(name),
        quoted(password)
    );
    Some(dress(site, route, agent, hand, route.path.to_owned(), body))
}

/// Exchanges a refresh token for a new bearer token.
pub fn refresh(site: &Site, agent: &Agent, hand: &Hand<'_>, token: &str) -> Option<Request> {
    let route = &site.routes[site.first(Kind::Refresh)?];
    let body = format!(
        "{{\"grant_type\":\"refresh_token\",\"refresh_token\":{}}}",
        quoted(token)
    );
    Some(dress(site, route, agent, hand, route.path.to_owned(), body))
}

fn path(site: &Site, route: &Route, hand: &Hand<'_>, draw: &mut Draw) -> String {
    match route.slot {
        Slot::None => route.path.to_owned(),
        Slot::File => route.path_with(FILES[draw.below(FILES.len())]),
        Slot::Thing(class) => {
            let index = hand
                .thing
                .unwrap_or_else(|| thing(site, class, hand.account, draw));
            route.path_with(&site.classes[class].name(index))
        }
    }
}

/// A thing that this client would look at: its own, or a popular one where all are public.
pub fn thing(site: &Site, class: usize, account: Option<u32>, draw: &mut Draw) -> u32 {
    let class = &site.classes[class];
    match account {
        Some(account) if class.each > 0 => {
            class.owned(account, draw.popular(class.each as usize) as u32)
        }
        _ => draw.popular(class.count as usize) as u32,
    }
}

fn query(site: &Site, route: &Route, hand: &Hand<'_>, draw: &mut Draw, target: &mut String) {
    let mut mark = '?';
    for &(name, value, often) in route.query {
        let forced = value == Value::Page && hand.page > 0;
        if !forced && !draw.chance(often.into()) {
            continue;
        }
        target.push(mark);
        mark = '&';
        target.push_str(name);
        target.push('=');
        fill(site, value, hand, draw, |text| encode(text, target));
    }
}

fn body(site: &Site, route: &Route, hand: &Hand<'_>, draw: &mut Draw) -> String {
    if route.kind == Kind::Graph {
        let (name, query, variables) = text::graph(draw);
        return format!(
            "{{\"operationName\":\"{name}\",\"query\":{},\"variables\":{variables}}}",
            quoted(query)
        );
    }
    if route.body.is_empty() {
        return String::new();
    }
    let mut body = String::from("{");
    for parameter in route.body {
        leaf(site, parameter, hand, draw, &mut body);
    }
    body.push('}');
    body
}

fn leaf(
    site: &Site,
    &(name, value, often): &Parameter,
    hand: &Hand<'_>,
    draw: &mut Draw,
    body: &mut String,
) {
    if !draw.chance(often.into()) {
        return;
    }
    if body.len() > 1 {
        body.push(',');
    }
    let _ = write!(body, "\"{name}\":");
    fill(site, value, hand, draw, |text| {
        let plain = matches!(
            value,
            Value::Count | Value::Amount | Value::Page | Value::Size
        );
        body.push_str(if plain { text } else { "" });
        if !plain {
            quote(text, body);
        }
    });
}

/// Hands the text of a value to `take`.
fn fill(site: &Site, value: Value, hand: &Hand<'_>, draw: &mut Draw, mut take: impl FnMut(&str)) {
    match value {
        Value::Page => take(&(hand.page + 1).to_string()),
        Value::Size if hand.size > 0 => take(&hand.size.to_string()),
        Value::Size => take(draw.pick(&["20", "25", "50", "20", "10", "100"])),
        Value::Cursor => take(&cursor(hand, draw)),
        Value::Words => take(&text::words(draw)),
        Value::Text => take(&text::sentences(draw)),
        Value::Choice(choices) => take(choices[draw.below(choices.len())]),
        Value::Thing(class) => {
            let index = thing(site, class, hand.account, draw);
            take(&site.classes[class].name(index));
        }
        Value::Date => take(&format!(
            "2026-{:02}-{:02}",
            1 + draw.below(3),
            1 + draw.below(28)
        )),
        Value::Count => take(&(1 + draw.popular(20)).to_string()),
        Value::Amount => take(&format!(
            "{}.{:02}",
            draw.log_normal(40.0, 1.0) as u64,
            draw.below(100)
        )),
        Value::Expression => take(&text::expression(draw)),
        Value::Mail => take(&people::mail(
            hand.account
                .unwrap_or(draw.below(site.accounts as usize) as u32),
        )),
        Value::Since => take(&((hand.now - draw.exponential(300.0)) as u64).to_string()),
    }
}

/// Base64 of something, as cursors are.
fn cursor(hand: &Hand<'_>, draw: &mut Draw) -> String {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    URL_SAFE_NO_PAD.encode(format!(
        "{{\"t\":{},\"i\":{},\"p\":{}}}",
        hand.now as u64,
        draw.below(900_000),
        hand.page
    ))
}

/// Appends a value of a query, percent-encoded as browsers do.
pub fn encode(text: &str, out: &mut String) {
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'*' => {
                out.push(char::from(byte))
            }
            b' ' => out.push('+'),
            _ => {
                out.push('%');
                out.push(char::from(HEX[usize::from(byte >> 4)]));
                out.push(char::from(HEX[usize::from(byte & 15)]));
            }
        }
    }
}

/// A target in which every byte that may not stand in one is percent-encoded.
pub fn escape(target: &str) -> String {
    let mut out = String::with_capacity(target.len() + 16);
    for byte in target.bytes() {
        if byte.is_ascii_graphic() && !b"\"<>\\^`{|}#".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(char::from(HEX[usize::from(byte >> 4)]));
            out.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
    out
}

const HEX: &[u8; 16] = b"0123456789ABCDEF";

/// A JSON string of a text.
pub fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    quote(text, &mut out);
    out
}

/// Appends a JSON string of a text (RFC 8259, 7).
pub fn quote(text: &str, out: &mut String) {
    out.push('"');
    let mut rest = text;
    while let Some(at) = rest
        .bytes()
        .position(|b| b < 0x20 || b == b'"' || b == b'\\')
    {
        let (plain, special) = rest.split_at(at);
        out.push_str(plain);
        let mut chars = special.chars();
        match chars.next() {
            Some('"') => out.push_str("\\\""),
            Some('\\') => out.push_str("\\\\"),
            Some('\n') => out.push_str("\\n"),
            Some('\r') => out.push_str("\\r"),
            Some('\t') => out.push_str("\\t"),
            Some(other) => {
                let _ = write!(out, "\\u{:04x}", other as u32);
            }
            None => {}
        }
        rest = chars.as_str();
    }
    out.push_str(rest);
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::super::site::SITES;
    use super::*;

    #[test]
    fn every_route_becomes_a_request_that_leads_back_to_it() {
        let mut draw = Draw::new(5);
        for site in SITES {
            for (index, route) in site.routes.iter().enumerate() {
                for _ in 0..20 {
                    let agent = Agent::browser(&mut draw);
                    let request = request(
                        site,
                        route,
                        &agent,
                        &Hand {
                            account: Some(9),
                            now: 1e9,
                            ..Hand::default()
                        },
                        &mut draw,
                    );
                    let found = site.find(request.method, request.path());
                    assert!(
                        matches!(found, Some(Ok((at, _))) if at == index),
                        "{}: {}",
                        site.name,
                        request.target
                    );
                    assert_eq!(request.header("host"), Some(site.host));
                    assert!(
                        request.target.bytes().all(|b| b.is_ascii_graphic()),
                        "{}",
                        request.target
                    );
                    if !request.body.is_empty() {
                        assert!(
                            serde_json::from_str::<serde_json::Value>(&request.body).is_ok(),
                            "{}",
                            request.body
                        );
                        assert_eq!(
                            request.header("content-length"),
                            Some(request.body.len().to_string().as_str())
                        );
                    }
                    let mut names: Vec<_> = request.headers.iter().map(|(name, _)| name).collect();
                    names.sort_unstable();
                    names.dedup();
                    assert_eq!(names.len(), request.headers.len());
                }
            }
        }
    }

    #[test]
    fn quoting_is_json() {
        for text in [
            "",
            "a\"b\\c",
            "line\nbreak\ttab\u{1}",
            "größe ☃ 'x'",
            "\\u0000",
        ] {
            let back: String = serde_json::from_str(&quoted(text)).unwrap();
            assert_eq!(back, text);
        }
    }
}
