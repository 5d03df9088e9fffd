//! A visit: what behaviour keeps of one request between the question and the answer. It owns nothing and is copied
//! freely; the gateway carries it from the verdict to the outcome without looking inside.

use crate::behaviour::subject::{Subjects, mix};
use crate::behaviour::template::{self, Template};
use crate::request::Request;

/// What behaviour keeps of one request. The default is of a request that was never judged: its outcome counts for
/// nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Visit {
    /// The route template, with method; 0 for a request that was never judged.
    pub(crate) template: u64,
    /// The path as it is.
    pub(crate) path: u64,
    /// Which object it asks for; 0 for none.
    pub(crate) object: u64,
    /// The number of that object.
    pub(crate) number: Option<u64>,
    /// The page of a list, or the offset.
    pub(crate) page: Option<u64>,
    /// Where a list goes on, as a hash, where that is no number; 0 for none.
    pub(crate) cursor: u64,
    /// Parameters and body: two requests with the same are the same question.
    pub(crate) variant: u64,
    /// How many items, or levels, it asks for at once.
    pub(crate) asked: u32,
    /// What other stages found in it, 0 to 100.
    pub(crate) score: f32,
    /// Writes, or asks.
    pub(crate) write: bool,
    /// A style sheet, a script, an image, a font: what a page pulls in by itself.
    pub(crate) asset: bool,
    /// A login.
    pub(crate) login: bool,
    /// Changes who can get at the account, or moves its goods.
    pub(crate) sensitive: bool,
    /// Has a mail or a message sent to somebody, such as a link to a forgotten password.
    pub(crate) mails: bool,
    /// How much contradicts what it says to be, see `detect/bot.rs`.
    pub(crate) signs: u8,
    /// Says to be a browser, or a view of one within an app: its order of requests is that of screens.
    pub(crate) browser: bool,
    /// Has parameters or a body.
    pub(crate) asks: bool,
    /// A parameter that nobody else uses here, or a value of a kind that nobody else gives it; 0 for none.
    pub(crate) odd: u64,
    /// Asks for a place that takes far longer than others, and that few go to.
    pub(crate) costly: bool,
    /// Asks for a lot at once, or has a mail sent.
    pub(crate) greedy: bool,
    /// The service behind it, by host and route, as one of [`SERVICES`].
    pub(crate) service: u8,
    /// Whether its login was counted as failed until the answer says otherwise.
    pub(crate) pending: bool,
    /// Whether it was noticed, so that its success proves nothing about its client.
    pub(crate) noticed: bool,
}

impl Visit {
    /// Reads a request.
    pub(crate) fn read(request: &Request<'_>, subjects: &Subjects, score: f32) -> Self {
        let place = Template::read(request.path);
        let write = !matches!(request.method, "GET" | "HEAD" | "OPTIONS");
        let method = if write {
            template::text(request.method.as_bytes())
        } else {
            0
        };
        let mails = write && holds_word(request.path, &MAILS);
        let mut visit = Self {
            template: mix(place.hash ^ method) | 1,
            path: place.path,
            object: place.object,
            number: place.number,
            score,
            write,
            asset: is_asset(request.path),
            service: service(request),
            login: !mails
                && (subjects.attempt.is_some()
                    || (write && is_login(request.path) && !is_refresh(request.body.bytes))),
            mails,
            sensitive: write && holds_word(request.path, &SENSITIVE),
            signs: signs(request, subjects),
            browser: request
                .header("user-agent")
                .is_some_and(|agent| agent.starts_with(b"Mozilla/")),
            asks: request.query.is_some_and(|query| !query.is_empty())
                || !request.body.bytes.is_empty(),
            ..Self::default()
        };
        visit.read_query(request.query.unwrap_or_default());
        visit.read_body(request);
        visit
    }

    fn read_query(&mut self, query: &[u8]) {
        self.variant = template::text(query);
        for pair in query.split(|byte| *byte == b'&').take(MOST_PARAMETERS) {
            let Some(at) = memchr::memchr(b'=', pair) else {
                continue;
            };
            let (name, value) = (&pair[..at], &pair[at + 1..]);
            self.read_parameter(name, value);
        }
    }

    fn read_parameter(&mut self, name: &[u8], value: &[u8]) {
        let is = |words: &[&str]| {
            words
                .iter()
                .any(|word| name.eq_ignore_ascii_case(word.as_bytes()))
        };
        if is(&PAGES) {
            self.page = template::number(value).or(self.page);
        } else if is(&CURSORS) && !value.is_empty() {
            self.cursor = mix(template::text(value)) | 1;
        } else if is(&SIZES) {
            let asked = template::number(value).unwrap_or(0);
            self.asked = self.asked.max(u32::try_from(asked).unwrap_or(u32::MAX));
        } else if is_id_name(name) && !value.is_empty() {
            self.object = mix(self.object ^ template::text(value));
            self.number = template::number(value).or(self.number);
        }
    }

    fn read_body(&mut self, request: &Request<'_>) {
        let body = request.body.bytes;
        if body.is_empty() {
            return;
        }
        let start = &body[..body.len().min(BODY_COMPARED)];
        self.variant = mix(self.variant ^ template::text(start) ^ body.len() as u64);
        if request.path.ends_with(b"graphql") {
            self.asked = self.asked.max(graph(start));
        }
    }
}

/// How many services are told apart; beyond that, some share what is known of them.
pub(crate) const SERVICES: usize = 64;

fn service(request: &Request<'_>) -> u8 {
    let name = mix(
        template::text(request.host.as_bytes()) ^ mix(template::text(request.route.as_bytes()))
    );
    (name % SERVICES as u64) as u8
}

const MOST_PARAMETERS: usize = 64;

/// Words in paths behind which a mail or a message goes to whoever is named, without a password: no log-in, though the
/// path may hold such a word as well (`/auth/forgot`).
const MAILS: [&[u8]; 6] = [
    b"forgot", b"recover", b"/reset", b"-reset", b"resend", b"/invite",
];

/// How much of a body tells one variant from another.
const BODY_COMPARED: usize = 4096;

/// One level of a GraphQL query weighs as much as this many items of a list: each level multiplies.
const NESTING_COST: u32 = 100;

const PAGES: [&str; 7] = ["page", "offset", "start", "skip", "from", "p", "pagenumber"];

const CURSORS: [&str; 10] = [
    "cursor",
    "after",
    "next",
    "marker",
    "page_token",
    "pagetoken",
    "next_token",
    "continuation",
    "starting_after",
    "scroll_id",
];

const SIZES: [&str; 9] = [
    "limit",
    "per_page",
    "page_size",
    "pagesize",
    "size",
    "count",
    "first",
    "top",
    "perpage",
];

/// Words of paths behind which accounts change hands or goods leave.
const SENSITIVE: [&[u8]; 10] = [
    b"password",
    b"email",
    b"mfa",
    b"2fa",
    b"payout",
    b"transfer",
    b"withdraw",
    b"phone",
    b"recovery",
    b"apikey",
];

const LOGINS: [&[u8]; 7] = [
    b"login",
    b"logon",
    b"signin",
    b"sign-in",
    b"sign_in",
    b"authenticate",
    b"/token",
];

const ASSETS: [&[u8]; 22] = [
    b"css", b"js", b"mjs", b"map", b"png", b"jpg", b"jpeg", b"gif", b"svg", b"ico", b"webp",
    b"avif", b"woff", b"woff2", b"ttf", b"otf", b"eot", b"mp4", b"webm", b"mp3", b"wasm", b"cur",
];

fn is_asset(path: &[u8]) -> bool {
    let last = &path[memchr::memrchr(b'/', path).map_or(0, |at| at + 1)..];
    let Some(dot) = memchr::memrchr(b'.', last) else {
        return false;
    };
    let extension = &last[dot + 1..];
    extension.len() <= 5
        && ASSETS
            .iter()
            .any(|asset| extension.eq_ignore_ascii_case(asset))
}

fn is_login(path: &[u8]) -> bool {
    holds_word(path, &LOGINS) && !holds_word(path, &[b"refresh"])
}

/// Whether a body exchanges a token for another (RFC 6749, 6), and tries no password.
fn is_refresh(body: &[u8]) -> bool {
    let start = &body[..body.len().min(BODY_COMPARED)];
    let holds = |word: &[u8]| memchr::memmem::find(start, word).is_some();
    holds(b"refresh_token") && !holds(b"passw") && !holds(b"pwd")
}

/// Whether the last 64 bytes of a path hold one of some words.
fn holds_word(path: &[u8], words: &[&[u8]]) -> bool {
    let tail = &path[path.len().saturating_sub(64)..];
    words.iter().any(|word| {
        tail.windows(word.len())
            .any(|window| window.eq_ignore_ascii_case(word))
    })
}

/// `id`, `user_id`, `orderId`, `uuid`.
fn is_id_name(name: &[u8]) -> bool {
    let length = name.len();
    (length == 2 && name.eq_ignore_ascii_case(b"id"))
        || name.ends_with(b"_id")
        || name.ends_with(b"Id")
        || name.ends_with(b"-id")
        || name.eq_ignore_ascii_case(b"uuid")
}

/// What a GraphQL document asks for: how deep it nests, each level as so many items of a list, or the items of lists
/// within lists that it names itself (`first: 100` within `first: 100` is 10,000), whichever is more.
fn graph(document: &[u8]) -> u32 {
    let (mut depth, mut most, mut wanted) = (0_usize, 0_u32, 1_u32);
    let mut items = [1_u32; DEEPEST];
    for (at, byte) in document.iter().enumerate() {
        match byte {
            b':' => wanted = wanted.max(list_size(&document[..at], &document[at + 1..])),
            b'{' => {
                let around = items[depth.min(DEEPEST - 1)];
                depth += 1;
                items[depth.min(DEEPEST - 1)] = around.saturating_mul(wanted);
                wanted = 1;
                let levels = u32::try_from(depth).unwrap_or(u32::MAX);
                most = most
                    .max(levels.saturating_mul(NESTING_COST))
                    .max(items[depth.min(DEEPEST - 1)]);
            }
            b'}' => (depth, wanted) = (depth.saturating_sub(1), 1),
            _ => {}
        }
    }
    most
}

/// Levels of a GraphQL document for which it is kept how many items they are.
const DEEPEST: usize = 64;

/// The number after a colon, if the word before it is one that names the size of a list; else 1.
fn list_size(before: &[u8], after: &[u8]) -> u32 {
    let sized = [&b"first"[..], b"last", b"limit", b"take"]
        .iter()
        .any(|word| before.trim_ascii_end().ends_with(word));
    let digits = after.trim_ascii_start().iter().take(7);
    let number = digits
        .take_while(|byte| byte.is_ascii_digit())
        .fold(0, |number, digit| number * 10 + u32::from(digit - b'0'));
    if sized { number.max(1) } else { 1 }
}

/// How much contradicts what the client says to be.
fn signs(request: &Request<'_>, subjects: &Subjects) -> u8 {
    let Some(agent) = request.header("user-agent") else {
        return u8::from(subjects.agent.is_none() && !request.headers.is_empty());
    };
    if !agent.starts_with(b"Mozilla/5.0") || request.headers.len() < 3 {
        return 0;
    }
    let absent = |name| u8::from(request.header(name).is_none());
    let fetch = request.scheme == "https" && absent("sec-fetch-mode") > 0 && is_modern(agent);
    absent("accept-language") + absent("accept-encoding") + absent("accept") + u8::from(fetch)
}

/// Whether an agent says to be a browser of a version that tells by `Sec-Fetch-Mode` what a request is for (W3C Fetch
/// Metadata): Chromium from 80, Firefox from 90, Safari from 17 on. Crawlers that render have such names, and do not.
fn is_modern(agent: &[u8]) -> bool {
    let version = |name: &[u8]| {
        let at = memchr::memmem::find(agent, name)? + name.len();
        let digits = agent[at..]
            .iter()
            .take(4)
            .take_while(|b| b.is_ascii_digit());
        Some(digits.fold(0_u32, |value, digit| value * 10 + u32::from(digit - b'0')))
    };
    let from = |name: &[u8], least: u32| version(name).is_some_and(|version| version >= least);
    let modern = from(b"Chrome/", 80) || from(b"Firefox/", 90) || from(b"Version/", 17);
    modern && memchr::memmem::find(agent, b"compatible").is_none()
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;
    use crate::request::Body;

    fn visit(method: &str, path: &str, query: &str, body: &str) -> Visit {
        let client = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let request = Request {
            client,
            method,
            scheme: "https",
            host: "api.example.org",
            path: path.as_bytes(),
            query: Some(query.as_bytes()),
            headers: &[],
            body: Body {
                bytes: body.as_bytes(),
                complete: true,
            },
            route: "api",
        };
        Visit::read(&request, &Subjects::of(client), 0.0)
    }

    #[test]
    fn what_is_read_of_a_request() {
        for (method, path, query, expected) in [
            (
                "GET",
                "/users/7",
                "",
                (Some(7), None, 0, false, false, false),
            ),
            (
                "GET",
                "/users",
                "page=3&limit=50",
                (None, Some(3), 50, false, false, false),
            ),
            (
                "GET",
                "/item",
                "id=12",
                (Some(12), None, 0, false, false, false),
            ),
            (
                "POST",
                "/api/v1/login",
                "",
                (None, None, 0, true, false, false),
            ),
            ("GET", "/login", "", (None, None, 0, false, false, false)),
            (
                "POST",
                "/auth/token/refresh",
                "",
                (None, None, 0, false, false, false),
            ),
            (
                "PUT",
                "/account/email",
                "",
                (None, None, 0, false, true, false),
            ),
            (
                "GET",
                "/static/app.js",
                "",
                (None, None, 0, false, false, true),
            ),
        ] {
            let visit = visit(method, path, query, "");
            let read = (
                visit.number,
                visit.page,
                visit.asked,
                visit.login,
                visit.sensitive,
                visit.asset,
            );
            assert_eq!(read, expected, "{method} {path}?{query}");
        }
    }

    #[test]
    fn browsers_send_what_they_send() {
        let chrome = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";
        let old = "Mozilla/5.0 (Windows NT 6.1) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/70.0.1.2 Safari/537.36";
        let crawler = "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; Somebot/2.1) Chrome/140.0.0.0 Safari/537.36";
        let whole = [
            "accept",
            "accept-language",
            "accept-encoding",
            "sec-fetch-mode",
        ];
        for (agent, scheme, headers, signs) in [
            (chrome, "https", &whole[..], 0),
            (chrome, "https", &whole[..3], 1),
            (chrome, "https", &whole[..2], 2),
            (chrome, "http", &whole[..3], 0),
            (old, "https", &whole[..3], 0),
            (crawler, "https", &whole[..3], 0),
            ("curl/8.5.0", "https", &[][..], 0),
        ] {
            let client = IpAddr::V4(Ipv4Addr::LOCALHOST);
            let mut fields: Vec<(&str, &[u8])> = vec![("user-agent", agent.as_bytes())];
            fields.extend(headers.iter().map(|name| (*name, &b"x"[..])));
            let request = Request {
                client,
                method: "GET",
                scheme,
                host: "api.example.org",
                path: b"/",
                query: None,
                headers: &fields,
                body: Body::EMPTY,
                route: "api",
            };
            let visit = Visit::read(&request, &Subjects::of(client), 0.0);
            assert_eq!(visit.signs, signs, "{agent} {headers:?}");
        }
    }

    #[test]
    fn what_a_graph_is_asked_for() {
        let deep = "{a".repeat(100_000);
        for (document, asked) in [
            ("", 0),
            ("{ me { name } }", 200),
            (
                "query Q($n: Int) { board { cards(first: $n) { key } } }",
                300,
            ),
            ("{ issues(first: 20) { key } }", 200),
            ("{ issues(first: 500) { key } }", 500),
            (
                "{ issues(first:100) { links(last : 50, after: 9000) { key } } }",
                5000,
            ),
            (
                "{ a: issues(first: 100) { key } b: issues(first: 100) { key } }",
                200,
            ),
            (
                r#"{"query":"{ me { name } }","variables":{"first":900}}"#,
                300,
            ),
            (
                "{ a(first: 9999999) { b(first: 9999999) { c } } }",
                u32::MAX,
            ),
            (deep.as_str(), 10_000_000),
        ] {
            let shown: String = document.chars().take(80).collect();
            assert_eq!(graph(document.as_bytes()), asked, "{shown}");
        }
    }

    #[test]
    fn a_token_for_a_token_is_no_login() {
        for (body, login) in [
            (
                r#"{"grant_type":"refresh_token","refresh_token":"x"}"#,
                false,
            ),
            ("grant_type=password&username=ann&password=x", true),
            (r#"{"password":"x","refresh_token":"y"}"#, true),
            ("", true),
        ] {
            assert_eq!(
                visit("POST", "/auth/token", "", body).login,
                login,
                "{body}"
            );
        }
    }

    #[test]
    fn depth_of_graphql_counts_as_asking_much() {
        let shallow = visit("POST", "/graphql", "", "{ me { name } }");
        let deep = visit("POST", "/graphql", "", &"{ a ".repeat(12));
        assert_eq!((shallow.asked, deep.asked), (200, 1200));
    }

    #[test]
    fn get_and_head_are_one_place_and_post_another() {
        let [get, head, post] =
            ["GET", "HEAD", "POST"].map(|method| visit(method, "/a/1", "", "").template);
        assert_eq!(get, head);
        assert_ne!(get, post);
    }
}
