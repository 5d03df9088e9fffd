//! Whom a request comes from, beside its address: API key, user, session, the autonomous system, what it says of
//! itself, and which account it tries to log in to. Stands between `client.rs`, which knows the address, and the
//! engine's behaviour stage, which gets keyed hashes and never a name.
//!
//! What anyone can write proves nothing: a user counts only where a verified token or a trusted proxy names them,
//! since otherwise an attacker could get somebody else banned.

pub mod claim;
pub mod jwks;
pub mod login;
pub mod token;

use std::net::IpAddr;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context;
use http::{HeaderMap, HeaderName, header, request};
use maxminddb::{Reader, geoip2};
use portcullis_config as config;
use portcullis_config::IdentitySource;
use portcullis_detect::Subjects;
use portcullis_detect::behaviour::{self, Hashing, SubjectHash};

use self::claim::Crawlers;
use self::login::Logins;
use self::token::{Standing, Token, Verifier};
use crate::client::TrustedProxies;

/// How identities are read under one configuration.
pub struct Identity {
    hashing: Hashing,
    keys: Vec<Source>,
    users: Vec<Source>,
    sessions: Vec<Source>,
    verifier: Verifier,
    crawlers: Crawlers,
    networks: Option<Reader<Vec<u8>>>,
    /// Which requests try to log in.
    pub logins: Logins,
}

/// What is known of a connection that a request came on.
pub struct Origin<'a> {
    /// The client, after trusted proxies.
    pub client: IpAddr,
    /// The peer, if its word about others is believed.
    pub peer_is_trusted: bool,
    /// Of the TLS handshake, where TLS ends here.
    pub ja4: Option<&'a str>,
}

enum Source {
    Header(HeaderName),
    Cookie(String),
    Query(String),
    Claim(String),
}

impl Identity {
    /// Reads what the configuration names.
    ///
    /// # Errors
    /// Sentences for the operator: a key set or a network file that cannot be read.
    pub fn build(settings: &config::Identity, hashing: Hashing) -> Result<Self, Vec<String>> {
        let mut problems = Vec::new();
        let verifier = verifier(&settings.tokens).unwrap_or_else(|error| {
            problems.push(format!("identity.tokens.jwks: {error:#}"));
            Verifier::default()
        });
        let networks = settings.networks.as_deref().and_then(|path| {
            networks(path)
                .map_err(|error| problems.push(format!("identity.networks: {error:#}")))
                .ok()
        });
        if !problems.is_empty() {
            return Err(problems);
        }
        let sources = |list: &[IdentitySource]| list.iter().filter_map(Source::of).collect();
        Ok(Self {
            hashing,
            keys: sources(&settings.keys),
            users: sources(&settings.users),
            sessions: sources(&settings.sessions),
            verifier,
            crawlers: Crawlers::new(&settings.crawlers),
            networks,
            logins: Logins::new(&settings.logins),
        })
    }

    /// The subjects that the head of a request names.
    pub fn of_head(
        &self,
        origin: &Origin<'_>,
        trusted: &TrustedProxies,
        parts: &request::Parts,
    ) -> Subjects {
        self.of_head_at(now(), origin, trusted, parts)
    }

    /// The same at another time (seconds since 1970), by which tokens expire: for replays.
    pub fn of_head_at(
        &self,
        now: f64,
        origin: &Origin<'_>,
        trusted: &TrustedProxies,
        parts: &request::Parts,
    ) -> Subjects {
        let token = bearer(&parts.headers).map(|text| self.verifier.read(text, now));
        let standing = standing(token.as_ref());
        let token = token.flatten();
        let head = Head {
            parts,
            token: token.as_ref(),
        };
        let name = |domain: &str, value: &[u8]| self.hashing.name(domain, value);
        let mut subjects = Subjects {
            system: self.system(origin.client),
            key: head
                .first(&self.keys, |_| true)
                .map(|key| name("key", &key)),
            user: self.user(&head, origin.peer_is_trusted),
            session: head
                .first(&self.sessions, |_| true)
                .map(|session| name("session", &session)),
            ja4: origin.ja4.map(|ja4| name("ja4", ja4.as_bytes())),
            token: standing,
            crawler: self.crawlers.judge(&parts.headers, origin.client),
            ..Subjects::of(origin.client)
        };
        if !origin.peer_is_trusted {
            subjects.claim = claim::of(&parts.headers, trusted, &self.hashing);
        }
        let (agent, order) = self.hashing.head_of(
            parts
                .headers
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_bytes())),
        );
        subjects.agent = agent;
        subjects.headers = Some(order);
        subjects
    }

    /// Who is proven to send the request.
    fn user(&self, head: &Head<'_>, peer_is_trusted: bool) -> Option<SubjectHash> {
        let verified = head
            .token
            .is_some_and(|token| token.standing == Standing::Verified);
        let proven = |source: &Source| match source {
            Source::Claim(_) => verified,
            Source::Header(_) => peer_is_trusted,
            Source::Cookie(_) | Source::Query(_) => false,
        };
        head.first(&self.users, proven)
            .map(|user| self.hashing.user(&user))
    }

    fn system(&self, client: IpAddr) -> Option<u32> {
        let found = self.networks.as_ref()?.lookup(client).ok()?;
        let system: geoip2::Asn<'_> = found.decode().ok()??;
        system.autonomous_system_number
    }

    /// The account that a request tries to log in to, once its body is there.
    pub fn attempt(&self, parts: &request::Parts, body: &[u8]) -> Option<behaviour::Attempt> {
        let login = self.logins.read(parts, body)?;
        Some(behaviour::Attempt {
            user: self.hashing.user(login.user.as_bytes()),
            secret: login
                .secret
                .map(|secret| self.hashing.name("secret", secret.as_bytes())),
        })
    }
}

/// The head of a request, with the token that it bears.
struct Head<'a> {
    parts: &'a request::Parts,
    token: Option<&'a Token>,
}

impl Head<'_> {
    /// The value of the first source that is present.
    fn first(&self, sources: &[Source], counts: impl Fn(&Source) -> bool) -> Option<Vec<u8>> {
        sources
            .iter()
            .filter(|source| counts(source))
            .find_map(|source| self.value(source))
            .filter(|value| !value.is_empty())
    }

    fn value(&self, source: &Source) -> Option<Vec<u8>> {
        match source {
            Source::Header(name) => Some(self.parts.headers.get(name)?.as_bytes().to_vec()),
            Source::Cookie(name) => cookie(&self.parts.headers, name),
            Source::Query(name) => parameter(self.parts.uri.query()?, name),
            Source::Claim(name) => Some(self.token?.claim(name)?.into_bytes()),
        }
    }
}

impl Source {
    /// The checks on loading have seen the names; a header that is none after all is left out.
    fn of(source: &IdentitySource) -> Option<Self> {
        Some(match source {
            IdentitySource::Header(name) => Self::Header(HeaderName::try_from(name).ok()?),
            IdentitySource::Cookie(name) => Self::Cookie(name.clone()),
            IdentitySource::Query(name) => Self::Query(name.clone()),
            IdentitySource::Claim(name) => Self::Claim(name.clone()),
        })
    }
}

/// What became of the check of a request's bearer token. One that cannot be read as a JSON Web Token is not called
/// forged: opaque tokens are legitimate, and who issues both is not ours to know.
fn standing(token: Option<&Option<Token>>) -> behaviour::Token {
    match token.map(|token| token.as_ref().map(|token| token.standing)) {
        None => behaviour::Token::None,
        Some(None | Some(Standing::Unverified)) => behaviour::Token::Unchecked,
        Some(Some(Standing::Verified)) => behaviour::Token::Valid,
        Some(Some(Standing::Expired)) => behaviour::Token::Expired,
        Some(Some(Standing::Forged)) => behaviour::Token::Forged,
    }
}

/// The credential of `Authorization: Bearer` (RFC 6750).
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| token.trim())
        .filter(|token| !token.is_empty())
}

fn cookie(headers: &HeaderMap, name: &str) -> Option<Vec<u8>> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .flat_map(|line| line.as_bytes().split(|b| *b == b';'))
        .map(<[u8]>::trim_ascii)
        .find_map(|pair| {
            let value = pair.strip_prefix(name.as_bytes())?.strip_prefix(b"=")?;
            Some(value.to_vec())
        })
}

fn parameter(query: &str, name: &str) -> Option<Vec<u8>> {
    query.split('&').find_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        (key == name).then(|| value.as_bytes().to_vec())
    })
}

fn verifier(tokens: &config::Tokens) -> anyhow::Result<Verifier> {
    let mut keys: Vec<jwks::Key> = tokens
        .secret
        .iter()
        .map(|secret| jwks::Key::shared(secret))
        .collect();
    if let Some(path) = &tokens.jwks {
        let json = std::fs::read(path).with_context(|| format!("{}", path.display()))?;
        keys.extend(jwks::read(&json).with_context(|| format!("{}", path.display()))?);
    }
    Ok(Verifier {
        keys,
        issuer: tokens.issuer.clone(),
        audience: tokens.audience.clone(),
        leeway: tokens.leeway.get().as_secs_f64(),
    })
}

fn networks(path: &Path) -> anyhow::Result<Reader<Vec<u8>>> {
    Reader::open_readfile(path)
        .with_context(|| format!("{} is no file in MaxMind's format", path.display()))
}

fn now() -> f64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0.0, |since| since.as_secs_f64())
}

#[cfg(test)]
mod tests;
