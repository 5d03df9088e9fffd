//! JSON Web Tokens in `Authorization: Bearer`: read, and verified where the operator gave a key. What a token says is
//! worth as much as its signature, so the answer always tells which of the two was had.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::Value;

use super::jwks::{Key, KeyKind};

/// The longest token that is read, in bytes. A head's own cap is larger.
const MOST_BYTES: usize = 16 * 1024;

/// What a request's token is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Its signature and its times hold.
    Verified,
    /// Nobody gave a key to verify it with.
    Unverified,
    /// It is past its time: what clients with a clock have now and then.
    Expired,
    /// It is not what the issuer signs: a wrong signature or algorithm, another issuer or audience.
    Forged,
}

/// A token that could be read.
#[derive(Clone, Debug, PartialEq)]
pub struct Token {
    /// What it is worth.
    pub standing: Standing,
    claims: Value,
}

/// How tokens are verified.
#[derive(Debug, Default)]
pub struct Verifier {
    /// The keys of the issuer. Empty: nothing is verified.
    pub keys: Vec<Key>,
    /// What `iss` must be.
    pub issuer: Option<String>,
    /// What `aud` must be or hold.
    pub audience: Option<String>,
    /// How many seconds clocks may differ.
    pub leeway: f64,
}

#[derive(Deserialize)]
struct Head {
    alg: String,
    kid: Option<String>,
    // Extensions that must be understood (RFC 7515, section 4.1.11); none is.
    crit: Option<Value>,
}

impl Token {
    /// A claim as text; numbers and booleans as JSON writes them.
    pub fn claim(&self, name: &str) -> Option<String> {
        match self.claims.get(name)? {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(truth) => Some(truth.to_string()),
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        }
    }
}

impl Verifier {
    /// Reads a token (RFC 7519, compact form), `now` in seconds since 1970. `None`: it is none that can be read, such
    /// as an opaque one or an encrypted one.
    pub fn read(&self, token: &str, now: f64) -> Option<Token> {
        if token.len() > MOST_BYTES {
            return None;
        }
        let (message, signature) = token.rsplit_once('.')?;
        let (head, claims) = message.split_once('.')?;
        let head: Head = serde_json::from_slice(&decode(head)?).ok()?;
        let claims: Value = serde_json::from_slice(&decode(claims)?).ok()?;
        if !claims.is_object() {
            return None;
        }
        let standing = if self.keys.is_empty() {
            Standing::Unverified
        } else if !self.is_signed(&head, message, signature) || !self.is_for_us(&claims) {
            Standing::Forged
        } else if !self.is_in_time(&claims, now) {
            Standing::Expired
        } else {
            Standing::Verified
        };
        Some(Token { standing, claims })
    }

    fn is_signed(&self, head: &Head, message: &str, signature: &str) -> bool {
        let Some(signature) = decode(signature) else {
            return false;
        };
        head.crit.is_none()
            && self
                .keys
                .iter()
                .filter(|key| key.id.is_none() || head.kid.is_none() || key.id == head.kid)
                .any(|key| key.kind.verifies(&head.alg, message.as_bytes(), &signature))
    }

    fn is_for_us(&self, claims: &Value) -> bool {
        let issued = self
            .issuer
            .as_ref()
            .is_none_or(|issuer| claims.get("iss").and_then(Value::as_str) == Some(issuer));
        let meant = self
            .audience
            .as_ref()
            .is_none_or(|audience| match claims.get("aud") {
                Some(Value::Array(all)) => all.iter().any(|one| one.as_str() == Some(audience)),
                one => one.and_then(Value::as_str) == Some(audience),
            });
        issued && meant
    }

    fn is_in_time(&self, claims: &Value, now: f64) -> bool {
        let time = |name: &str| claims.get(name).map(|time| time.as_f64());
        let ended = match time("exp") {
            None => false,
            Some(time) => time.is_none_or(|time| time + self.leeway <= now),
        };
        let begun = match time("nbf") {
            None => true,
            Some(time) => time.is_some_and(|time| time - self.leeway <= now),
        };
        begun && !ended
    }
}

impl Key {
    /// The shared secret of tokens signed by HMAC.
    pub fn shared(secret: &str) -> Self {
        Self {
            id: None,
            kind: KeyKind::Secret(secret.as_bytes().to_vec()),
        }
    }
}

fn decode(part: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(part).ok()
}

#[cfg(test)]
mod tests {
    use super::super::jwks;
    use super::*;
    use ring::rand::SystemRandom;
    use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
    use serde_json::json;

    const NOW: f64 = 1_800_000_000.0;

    fn encode(bytes: impl AsRef<[u8]>) -> String {
        URL_SAFE_NO_PAD.encode(bytes)
    }

    fn hs256(head: &Value, claims: &Value, secret: &str) -> String {
        let message = format!(
            "{}.{}",
            encode(head.to_string()),
            encode(claims.to_string())
        );
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret.as_bytes());
        let tag = ring::hmac::sign(&key, message.as_bytes());
        format!("{message}.{}", encode(tag))
    }

    fn verifier() -> Verifier {
        Verifier {
            keys: vec![Key::shared("right")],
            issuer: Some("https://id.example".to_owned()),
            audience: Some("api".to_owned()),
            leeway: 30.0,
        }
    }

    fn claims() -> Value {
        json!({"iss": "https://id.example", "aud": ["web", "api"], "sub": "ada", "exp": NOW + 60.0})
    }

    fn with(name: &str, value: Value) -> Value {
        let mut claims = claims();
        claims[name] = value;
        claims
    }

    #[test]
    fn what_a_token_is_worth() {
        let plain = json!({"alg": "HS256", "typ": "JWT"});
        for (head, claims, secret, expected) in [
            (plain.clone(), claims(), "right", Standing::Verified),
            (
                plain.clone(),
                with("aud", json!("api")),
                "right",
                Standing::Verified,
            ),
            (
                plain.clone(),
                with("exp", json!(NOW - 29.0)),
                "right",
                Standing::Verified,
            ),
            (
                plain.clone(),
                with("exp", json!(NOW - 31.0)),
                "right",
                Standing::Expired,
            ),
            (
                plain.clone(),
                with("exp", json!("never")),
                "right",
                Standing::Expired,
            ),
            (
                plain.clone(),
                with("nbf", json!(NOW + 31.0)),
                "right",
                Standing::Expired,
            ),
            (plain.clone(), claims(), "wrong", Standing::Forged),
            (
                plain.clone(),
                with("iss", json!("https://evil.example")),
                "right",
                Standing::Forged,
            ),
            (
                plain,
                with("aud", json!("other")),
                "right",
                Standing::Forged,
            ),
            (json!({"alg": "none"}), claims(), "right", Standing::Forged),
            (json!({"alg": "RS256"}), claims(), "right", Standing::Forged),
            (
                json!({"alg": "HS256", "crit": ["exp"]}),
                claims(),
                "right",
                Standing::Forged,
            ),
        ] {
            let token = hs256(&head, &claims, secret);
            let read = verifier().read(&token, NOW).map(|token| token.standing);
            assert_eq!(read, Some(expected), "{head} {claims} {secret}");
        }
        let unsigned = format!(
            "{}.{}.",
            encode(r#"{"alg":"none"}"#),
            encode(claims().to_string())
        );
        let read = verifier().read(&unsigned, NOW).unwrap();
        assert_eq!(read.standing, Standing::Forged);
        let read = Verifier::default().read(&unsigned, NOW).unwrap();
        assert_eq!(
            read.standing,
            Standing::Unverified,
            "without keys nothing is verified"
        );
        assert_eq!(read.claim("sub").as_deref(), Some("ada"));
        assert_eq!(read.claim("aud"), None, "a list is no name");
    }

    #[test]
    fn a_key_set_verifies_what_its_holder_signed() {
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random).unwrap();
        let point = pair.public_key().as_ref();
        let set = json!({"keys": [
            {"kty": "EC", "crv": "P-256", "kid": "one", "x": encode(&point[1..33]), "y": encode(&point[33..])},
        ]});
        let verifier = Verifier {
            keys: jwks::read(set.to_string().as_bytes()).unwrap(),
            ..Verifier::default()
        };
        for (kid, expected) in [("one", Standing::Verified), ("two", Standing::Forged)] {
            let head = json!({"alg": "ES256", "kid": kid});
            let message = format!(
                "{}.{}",
                encode(head.to_string()),
                encode(claims().to_string())
            );
            let signature = pair.sign(&random, message.as_bytes()).unwrap();
            let token = format!("{message}.{}", encode(signature));
            assert_eq!(
                verifier.read(&token, NOW).unwrap().standing,
                expected,
                "{kid}"
            );
        }
    }

    #[test]
    fn what_is_no_token() {
        for text in [
            "",
            "opaque",
            "a.b",
            "a.b.c",
            "a.b.c.d.e",
            "e30.e30.",
            &"a".repeat(20_000),
        ] {
            assert_eq!(verifier().read(text, NOW), None, "{text}");
        }
    }
}
