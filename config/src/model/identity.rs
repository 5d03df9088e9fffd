//! Whom a request comes from, besides its address: what API keys, users and sessions are read from.

use std::path::PathBuf;

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::value::{Duration, IdentitySource, NetworkFormat, PathFormat};

/// Whom a request comes from, besides its address. Of each list the first source that is present counts. Values are
/// kept as keyed hashes only, never as they are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Identity {
    /// Where an API key stands: `header:NAME`, `cookie:NAME`, `query:NAME` or `jwt:CLAIM`.
    pub keys: Vec<IdentitySource>,
    /// Where a user is named. A header is believed only from a trusted proxy, a claim only of a token that `tokens`
    /// verified: a name that anyone can write is measured, but nobody is banned by it.
    pub users: Vec<IdentitySource>,
    /// Where a session's secret stands.
    pub sessions: Vec<IdentitySource>,
    /// Which requests try to log in.
    pub logins: Logins,
    /// How JSON Web Tokens are verified.
    pub tokens: Tokens,
    /// Crawlers whose networks are known. An agent that says to be one of them from elsewhere is lying.
    pub crawlers: Vec<Crawler>,
    /// A file in MaxMind's format (`.mmdb`) that tells autonomous systems, such as GeoLite2-ASN. Unset: addresses are
    /// grouped by prefix only. Read at start and on every reload.
    #[schemars(with = "Option<PathFormat>")]
    pub networks: Option<PathBuf>,
}

/// A crawler, and where it crawls from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Crawler {
    /// What its user agent holds, such as `Googlebot`. Case does not matter.
    pub agent: String,
    /// The networks that its operator publishes.
    #[schemars(with = "Vec<NetworkFormat>")]
    pub networks: Vec<IpNet>,
}

/// Which requests try to log in: those with a body, to a path one of whose segments stands here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Logins {
    /// Segments of paths, without slashes. Case does not matter. Empty: no request counts as a login, and guessing of
    /// passwords shows only by its rate and by answers 401.
    pub segments: Vec<String>,
    /// Form fields and JSON members that name the account. Case does not matter.
    pub fields: Vec<String>,
}

/// How JSON Web Tokens in `Authorization: Bearer` are verified. Without a key none is: their claims are then hearsay,
/// and forged tokens show only by the answers of the service.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Tokens {
    /// The shared secret of tokens signed by HMAC (HS256, HS384, HS512). Write `file:PATH`, not the secret.
    pub secret: Option<String>,
    /// A file with a JSON Web Key Set (RFC 7517): RSA, EC (P-256, P-384) and Ed25519 keys. Read at start and on every
    /// reload.
    #[schemars(with = "Option<PathFormat>")]
    pub jwks: Option<PathBuf>,
    /// What `iss` must be. Unset: anything.
    pub issuer: Option<String>,
    /// What `aud` must be or hold. Unset: anything.
    pub audience: Option<String>,
    /// How far clocks may differ when `exp` and `nbf` are read.
    pub leeway: Duration,
}

impl Default for Identity {
    fn default() -> Self {
        let header = |name: &str| IdentitySource::Header(name.to_owned());
        let cookie = |name: &str| IdentitySource::Cookie(name.to_owned());
        Self {
            keys: vec![header("x-api-key"), header("api-key")],
            users: vec![IdentitySource::Claim("sub".to_owned())],
            sessions: [
                "session",
                "sessionid",
                "sid",
                "JSESSIONID",
                "PHPSESSID",
                "connect.sid",
            ]
            .map(cookie)
            .into_iter()
            .chain([header("authorization")])
            .collect(),
            logins: Logins::default(),
            tokens: Tokens::default(),
            crawlers: Vec::new(),
            networks: None,
        }
    }
}

impl Default for Logins {
    fn default() -> Self {
        let owned = |list: &[&str]| list.iter().map(|item| (*item).to_owned()).collect();
        Self {
            segments: owned(&[
                "login",
                "log-in",
                "signin",
                "sign-in",
                "sessions",
                "session",
                "auth",
                "authenticate",
                "token",
            ]),
            fields: owned(&["username", "user", "email", "login", "account", "phone"]),
        }
    }
}
