//! Proof of who one is, as the made-up APIs hand it out: session cookies, signed JWTs (RFC 7519, HS256) that a gateway
//! with [`SECRET`] can verify, refresh tokens and keys of partners. All of them carry what is needed to check them, so
//! that no table of sessions grows.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;

use super::random::mix;

/// What the APIs sign their tokens with. It protects nothing; give it to a gateway that is to verify them.
pub const SECRET: &str = "the simulated APIs sign their tokens with this";

/// Seconds for which a bearer token holds.
pub const BEARER_LIFE: f64 = 900.0;

/// Seconds for which a session cookie holds.
pub const COOKIE_LIFE: f64 = 12.0 * 3_600.0;

/// Makes and reads tokens.
pub struct Mint {
    key: hmac::Key,
    other: hmac::Key,
}

/// What a log-in gives.
#[derive(Clone, Debug, PartialEq)]
pub struct Grant {
    /// The value of the session cookie.
    pub cookie: String,
    /// The bearer token.
    pub bearer: String,
    /// What buys the next bearer token.
    pub refresh: String,
}

impl Default for Mint {
    fn default() -> Self {
        Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes()),
            other: hmac::Key::new(hmac::HMAC_SHA256, b"secret"),
        }
    }
}

/// How a forged token is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forgery {
    /// `alg: none` and no signature (the oldest of them).
    Unsigned,
    /// Signed with a guessed key.
    GuessedKey,
    /// A real token whose claims were changed under its signature.
    Altered,
    /// A real token, long expired.
    Expired,
    /// A key identifier that is a path.
    OddKey,
}

impl Mint {
    /// Everything that logging `account` in at `time` gives.
    pub fn grant(&self, host: &str, account: u32, time: f64) -> Grant {
        let time = time as u64;
        Grant {
            cookie: self.cookie(host, account, time),
            bearer: self.bearer(host, account, time),
            refresh: sealed("rt", host, account, time),
        }
    }

    fn cookie(&self, host: &str, account: u32, time: u64) -> String {
        sealed("s", host, account, time)
    }

    fn bearer(&self, host: &str, account: u32, time: u64) -> String {
        let expires = time + BEARER_LIFE as u64;
        let claims = claims(host, &account.to_string(), "user", time, expires);
        signed(HEADER, &claims, Some(&self.key))
    }

    /// The account of a session cookie that holds at `time`.
    pub fn open_cookie(&self, host: &str, text: &str, time: f64) -> Option<u32> {
        unsealed("s", host, text)
            .filter(|(_, issued)| *issued as f64 + COOKIE_LIFE > time)
            .map(|(account, _)| account)
    }

    /// The account of a refresh token.
    pub fn open_refresh(&self, host: &str, text: &str) -> Option<u32> {
        unsealed("rt", host, text).map(|(account, _)| account)
    }

    /// The account of a bearer token that holds at `time`.
    pub fn open_bearer(&self, host: &str, text: &str, time: f64) -> Option<u32> {
        let (message, signature) = text.rsplit_once('.')?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        hmac::verify(&self.key, message.as_bytes(), &signature).ok()?;
        let (_, claims) = message.split_once('.')?;
        let claims = URL_SAFE_NO_PAD.decode(claims).ok()?;
        let claims: serde_json::Value = serde_json::from_slice(&claims).ok()?;
        if claims.get("aud")?.as_str()? != host || claims.get("exp")?.as_f64()? <= time {
            return None;
        }
        claims.get("sub")?.as_str()?.parse().ok()
    }

    /// A token that looks right and is not.
    pub fn forge(&self, how: Forgery, host: &str, account: u32, time: f64) -> String {
        let now = time as u64;
        let whom = account.to_string();
        let admin = claims(host, &whom, "admin", now, now + 86_400);
        match how {
            Forgery::Unsigned => signed(r#"{"alg":"none","typ":"JWT"}"#, &admin, None),
            Forgery::GuessedKey => signed(HEADER, &admin, Some(&self.other)),
            Forgery::OddKey => signed(
                r#"{"alg":"HS256","typ":"JWT","kid":"../../dev/null"}"#,
                &admin,
                Some(&self.other),
            ),
            Forgery::Altered => {
                let real = self.bearer(host, account, now);
                let signature = real.rsplit('.').next().unwrap_or_default();
                format!(
                    "{}.{}.{signature}",
                    URL_SAFE_NO_PAD.encode(HEADER),
                    URL_SAFE_NO_PAD.encode(admin)
                )
            }
            Forgery::Expired => self.bearer(host, account, now.saturating_sub(40 * 86_400)),
        }
    }
}

/// The key of partner `number`.
pub fn partner_key(host: &str, number: u32) -> String {
    sealed("pk", host, number, 1)
}

/// The partner of a key.
pub fn open_partner_key(host: &str, text: &str) -> Option<u32> {
    unsealed("pk", host, text).map(|(number, _)| number)
}

const HEADER: &str = r#"{"alg":"HS256","typ":"JWT","kid":"sim-1"}"#;

fn claims(host: &str, subject: &str, role: &str, issued: u64, expires: u64) -> String {
    format!(
        r#"{{"iss":"https://login.example","aud":"{host}","sub":"{subject}","role":"{role}","iat":{issued},"exp":{expires}}}"#
    )
}

fn signed(header: &str, claims: &str, key: Option<&hmac::Key>) -> String {
    let message = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header),
        URL_SAFE_NO_PAD.encode(claims)
    );
    let signature = key.map(|key| URL_SAFE_NO_PAD.encode(hmac::sign(key, message.as_bytes())));
    format!("{message}.{}", signature.unwrap_or_default())
}

/// A word that carries two numbers and a check; it keeps no one honest who reads this file.
fn sealed(kind: &str, host: &str, account: u32, time: u64) -> String {
    format!(
        "{kind}_{account:08x}{time:010x}{:016x}",
        check(kind, host, account, time)
    )
}

fn unsealed(kind: &str, host: &str, text: &str) -> Option<(u32, u64)> {
    let digits = text.strip_prefix(kind)?.strip_prefix('_')?;
    let account = u32::from_str_radix(digits.get(..8)?, 16).ok()?;
    let time = u64::from_str_radix(digits.get(8..18)?, 16).ok()?;
    let seal = u64::from_str_radix(digits.get(18..)?, 16).ok()?;
    (seal == check(kind, host, account, time)).then_some((account, time))
}

fn check(kind: &str, host: &str, account: u32, time: u64) -> u64 {
    let text = kind.bytes().chain(host.bytes());
    let seed = text.fold(11, |sum, byte| mix(sum, u64::from(byte)));
    mix(mix(seed, u64::from(account)), time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_granted_opens_until_it_expires_and_nowhere_else() {
        let mint = Mint::default();
        let grant = mint.grant("a.example", 42, 1_000.0);
        assert_eq!(
            mint.open_cookie("a.example", &grant.cookie, 2_000.0),
            Some(42)
        );
        assert_eq!(
            mint.open_cookie("a.example", &grant.cookie, 1_001.0 + COOKIE_LIFE),
            None
        );
        assert_eq!(mint.open_cookie("b.example", &grant.cookie, 2_000.0), None);
        assert_eq!(
            mint.open_bearer("a.example", &grant.bearer, 1_899.0),
            Some(42)
        );
        assert_eq!(mint.open_bearer("a.example", &grant.bearer, 1_901.0), None);
        assert_eq!(mint.open_bearer("b.example", &grant.bearer, 1_100.0), None);
        assert_eq!(mint.open_refresh("a.example", &grant.refresh), Some(42));
        assert_eq!(
            open_partner_key("a.example", &partner_key("a.example", 3)),
            Some(3)
        );
    }

    #[test]
    fn no_forgery_opens() {
        let mint = Mint::default();
        for how in [
            Forgery::Unsigned,
            Forgery::GuessedKey,
            Forgery::Altered,
            Forgery::Expired,
            Forgery::OddKey,
        ] {
            let token = mint.forge(how, "a.example", 7, 1e9);
            assert_eq!(token.matches('.').count(), 2, "{token}");
            assert_eq!(mint.open_bearer("a.example", &token, 1e9), None, "{how:?}");
        }
        for text in ["", "a.b.c", "s_", "s_00", "rt_zz", "é", "..", "eyJ.eyJ.x"] {
            assert_eq!(mint.open_bearer("a.example", text, 0.0), None);
            assert_eq!(mint.open_cookie("a.example", text, 0.0), None);
            assert_eq!(mint.open_refresh("a.example", text), None);
        }
    }
}
