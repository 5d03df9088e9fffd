//! The guard in front of every route, read from top to bottom in `answer`: is there such a route, who calls, may
//! they. It fails closed: a route that is not in the table, a credential that is not understood, a store that does
//! not answer all end here.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::http::header::{AUTHORIZATION, ORIGIN};
use axum::http::{HeaderMap, HeaderName, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use portcullis_store::audit::Event;

use super::cookie::Cookie;
use super::origin::{self, Made};
use super::{Access, Counts, Refusal, Remark, Settings, secret, tenant, token};
use crate::caller::{Caller, Role};
use crate::problem::Problem;
use crate::routes::{Least, ROUTES};

/// By what the caller has shown who they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    /// A session, by the hash of its id.
    Session {
        /// The hash.
        hash: String,
    },
    /// A token, by its id.
    Token {
        /// The id.
        id: String,
    },
}

/// Where a request comes from, through trusted proxies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source(pub IpAddr);

/// The user behind a caller, by name; differs from the caller's where a token calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserName(pub String);

/// A caller, and what else the guard knows.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) caller: Caller,
    pub(crate) credential: Credential,
    pub(crate) user: String,
    pub(crate) must_change: bool,
    pub(crate) families: Vec<String>,
}

/// What is asked for.
struct Asked {
    method: Method,
    /// The route's path, as the table spells it.
    route: String,
    /// The path as it was sent.
    path: String,
    source: IpAddr,
}

/// Lets a request pass to its handler, or answers it.
pub async fn guard(State(access): State<Access>, request: Request, next: Next) -> Response {
    let settings = access.settings();
    let origin = request.headers().get(ORIGIN).cloned();
    let preflight = origin::preflight(request.method(), request.headers(), &settings);
    let mut response = match preflight {
        Some(response) => response,
        None => answer(&access, &settings, request, next)
            .await
            .unwrap_or_else(Refusal::into_response),
    };
    origin::dress(origin.as_ref(), &settings, &mut response);
    response
}

async fn answer(
    access: &Access,
    settings: &Settings,
    mut request: Request,
    next: Next,
) -> Result<Response, Refusal> {
    let asked = Asked::of(&request, settings)?;
    let least = asked.least()?;
    request.extensions_mut().insert(Source(asked.source));
    let headers = request.headers();
    if origin::matters(&asked.method, headers)
        && bearer(headers).is_none()
        && origin::made(headers, settings) == Made::Elsewhere
    {
        return Err(access.turn_away(&asked, None, elsewhere()).await);
    }
    let Some(role) = needed(least, &asked, headers, settings) else {
        return Ok(next.run(request).await);
    };
    let known = match access.identify(headers, settings).await {
        Ok(known) => known,
        Err(refusal) => return Err(access.turn_away(&asked, None, refusal).await),
    };
    if let Err(refusal) = may(&known, role, &asked, headers, settings) {
        return Err(access.turn_away(&asked, Some(&known), refusal).await);
    }
    let who = known.caller.name.clone();
    let extensions = request.extensions_mut();
    extensions.insert(known.caller);
    extensions.insert(known.credential);
    extensions.insert(UserName(known.user));
    let response = next.run(request).await;
    if asked.is_change() {
        access.note(asked.event(who, &response)).await;
    }
    Ok(response)
}

/// The role that is needed; `None` where nobody has to say who they are.
fn needed(least: Least, asked: &Asked, headers: &HeaderMap, settings: &Settings) -> Option<Role> {
    match (least, &settings.metrics_token) {
        (Least::Role(role), _) => Some(role),
        (Least::Anybody, Some(hash)) if asked.route == "/metrics" => {
            // Hashes are compared, whose beginnings tell nothing of the token's.
            let has_token = bearer(headers).is_some_and(|token| secret::hash(token) == *hash);
            (!has_token).then_some(Role::Viewer)
        }
        (Least::Anybody, _) => None,
    }
}

/// Whether somebody may do what they ask for.
fn may(
    known: &Known,
    role: Role,
    asked: &Asked,
    headers: &HeaderMap,
    settings: &Settings,
) -> Result<(), Refusal> {
    let by_cookie = matches!(known.credential, Credential::Session { .. });
    if by_cookie
        && origin::matters(&asked.method, headers)
        && origin::made(headers, settings) != Made::Here
    {
        return Err(elsewhere());
    }
    if known.must_change && !FIRST_STEPS.contains(&asked.route.as_str()) {
        return Err(Refusal::forbidden(
            "change the one-time password first: POST /api/v1/password",
        ));
    }
    if known.caller.role < role {
        return Err(Refusal::forbidden(format!(
            "this needs the role {role}; yours is {}",
            known.caller.role
        )));
    }
    if known.caller.tenant.is_some() && !tenant::may_use(&asked.route) {
        return Err(Refusal::forbidden(
            "this is about the whole installation, of which you see one tenant",
        ));
    }
    let family = token::family(&asked.route).unwrap_or_default();
    let is_foreign = !known.families.is_empty()
        && family != "session"
        && !known.families.iter().any(|allowed| allowed == family);
    if is_foreign {
        return Err(Refusal::forbidden("this token is for other routes"));
    }
    Ok(())
}

fn elsewhere() -> Refusal {
    Refusal::forbidden(
        "this request was made on a page of another origin, or does not say where; changes by cookie need Origin",
    )
}

impl Access {
    async fn identify(&self, headers: &HeaderMap, settings: &Settings) -> Result<Known, Refusal> {
        if let Some(token) = bearer(headers) {
            return self.known_by_token(token).await;
        }
        match Cookie::Session.read(headers, settings) {
            Some(id) => self.known_by_session(id).await,
            None => {
                self.accounts()?;
                Err(Refusal::unauthorized(NOTHING_SHOWN))
            }
        }
    }

    /// Counts a refusal and writes it down; who shows nothing at all is only counted.
    async fn turn_away(&self, asked: &Asked, known: Option<&Known>, refusal: Refusal) -> Refusal {
        let (status, detail) = refusal.reason();
        match status {
            401 => Counts::one(&self.counts().unauthorized),
            403 => Counts::one(&self.counts().forbidden),
            _ => return refusal,
        }
        if detail != NOTHING_SHOWN {
            let event = Event {
                who: known.map_or_else(String::new, |known| known.caller.name.clone()),
                source: asked.source.to_string(),
                action: asked.action(),
                target: asked.path.clone(),
                outcome: "refused".to_owned(),
                detail: detail.to_owned(),
                ..Event::default()
            };
            self.note_refusal(asked.source, event).await;
        }
        refusal
    }
}

impl Asked {
    fn of(request: &Request, settings: &Settings) -> Result<Self, Refusal> {
        let nowhere = || Refusal::from(Problem::not_found("nothing is served here"));
        let route = request
            .extensions()
            .get::<MatchedPath>()
            .ok_or_else(nowhere)?;
        let peer = request
            .extensions()
            .get::<ConnectInfo<SocketAddr>>()
            .map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0.ip());
        Ok(Self {
            // A HEAD is a GET whose answer's body is not wanted.
            method: match *request.method() {
                Method::HEAD => Method::GET,
                ref method => method.clone(),
            },
            route: route.as_str().to_owned(),
            path: request.uri().path().to_owned(),
            source: source(peer, request.headers(), settings),
        })
    }

    fn least(&self) -> Result<Least, Refusal> {
        let rows = ROUTES.iter().filter(|(_, path, _)| *path == self.route);
        let mut allowed = Vec::new();
        for (method, _, least) in rows {
            if *method == self.method {
                return Ok(*least);
            }
            allowed.push(method.as_str());
            if *method == Method::GET {
                allowed.push("HEAD");
            }
        }
        Err(if allowed.is_empty() {
            Problem::not_found("nothing is served here").into()
        } else {
            Refusal::method(allowed.join(", "))
        })
    }

    /// Whether it changes something. Trying requests changes nothing and is done by the thousand.
    fn is_change(&self) -> bool {
        !origin::is_reading(&self.method) && !self.route.starts_with("/api/v1/analyze")
    }

    fn action(&self) -> String {
        format!("{} {}", self.method, self.route)
    }

    fn event(&self, who: String, response: &Response) -> Event {
        let status = response.status();
        let outcome = match status {
            _ if status.is_server_error() => "failed",
            _ if status.is_client_error() => "refused",
            _ => "done",
        };
        let remark = response.extensions().get::<Remark>();
        let named = remark.filter(|remark| !remark.target.is_empty());
        Event {
            who,
            source: self.source.to_string(),
            action: self.action(),
            target: named.map_or_else(|| self.path.clone(), |remark| remark.target.clone()),
            outcome: outcome.to_owned(),
            detail: remark.map_or_else(|| words(status), |remark| remark.detail.clone()),
            ..Event::default()
        }
    }
}

/// A refused or failed status in words; of what was done there is nothing to add.
fn words(status: StatusCode) -> String {
    if status.is_success() || status.is_redirection() {
        return String::new();
    }
    status.to_string()
}

/// The token in `Authorization: Bearer`.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The address a request comes from: the peer, or the last one in `X-Forwarded-For` that is no trusted proxy.
fn source(peer: IpAddr, headers: &HeaderMap, settings: &Settings) -> IpAddr {
    let named: Vec<&str> = headers
        .get_all(FORWARDED_FOR)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(','))
        .collect();
    let mut source = peer;
    for name in named.into_iter().rev().take(HOPS) {
        if !settings.trusts(source) {
            break;
        }
        let Ok(address) = name.trim().parse() else {
            break;
        };
        source = address;
    }
    source.to_canonical()
}

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// Proxies in a row that are believed.
const HOPS: usize = 32;
const NOTHING_SHOWN: &str =
    "log in at /api/v1/login, or send an API token as Authorization: Bearer";
/// What a user with a one-time password may do.
const FIRST_STEPS: [&str; 3] = ["/api/v1/password", "/api/v1/session", "/api/v1/logout"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_found_through_trusted_proxies_only() {
        let settings = Settings {
            trusted_proxies: vec!["10.0.0.0/8".parse().expect("a network")],
            ..Settings::default()
        };
        for (peer, header, expected) in [
            ("192.0.2.1", "203.0.113.9", "192.0.2.1"),
            ("10.0.0.1", "203.0.113.9", "203.0.113.9"),
            ("10.0.0.1", "198.51.100.7, 203.0.113.9", "203.0.113.9"),
            ("10.0.0.1", "203.0.113.9, 10.0.0.2", "203.0.113.9"),
            ("10.0.0.1", "evil, 10.0.0.2", "10.0.0.2"),
            ("10.0.0.1", "", "10.0.0.1"),
            ("::ffff:10.0.0.1", "::ffff:203.0.113.9", "203.0.113.9"),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(FORWARDED_FOR, header.parse().expect("a value"));
            let found = source(peer.parse().expect("an address"), &headers, &settings);
            assert_eq!(found.to_string(), expected, "{peer} {header}");
        }
    }
}
