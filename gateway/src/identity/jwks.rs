//! Public keys of those who sign tokens: a JSON Web Key Set (RFC 7517) becomes keys that verify. A key verifies only
//! the algorithms of its own kind, so that no token can choose to be checked in another way.

use anyhow::{Context, bail, ensure};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use ring::signature::{self, RsaPublicKeyComponents, UnparsedPublicKey};
use serde::Deserialize;

/// More keys than this are no set of one issuer, and each would be tried for a token that names none.
const MOST_KEYS: usize = 64;

/// A key, and the name that tokens call it by.
#[derive(Debug)]
pub struct Key {
    /// `kid`; a token that names another is not checked with this key.
    pub id: Option<String>,
    /// What it verifies.
    pub kind: KeyKind,
}

/// What a key verifies.
#[derive(Debug)]
pub enum KeyKind {
    /// HS256, HS384, HS512.
    Secret(Vec<u8>),
    /// RS256 to RS512 and PS256 to PS512: modulus and exponent, big-endian.
    Rsa(Vec<u8>, Vec<u8>),
    /// ES256: an uncompressed point.
    P256(Vec<u8>),
    /// ES384: an uncompressed point.
    P384(Vec<u8>),
    /// EdDSA with Ed25519.
    Ed25519(Vec<u8>),
}

#[derive(Deserialize)]
struct Set {
    keys: Vec<Jwk>,
}

/// Members of a key that are read; others are of no use here.
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
    k: Option<String>,
}

/// Reads a key set. Keys for encryption are left out.
///
/// # Errors
/// When it is no key set, holds no key that verifies, or a key lacks what its kind needs.
pub fn read(json: &[u8]) -> anyhow::Result<Vec<Key>> {
    let set: Set = serde_json::from_slice(json).context("it is no JSON Web Key Set")?;
    ensure!(
        set.keys.len() <= MOST_KEYS,
        "it holds {} keys; {MOST_KEYS} are the most",
        set.keys.len()
    );
    let keys = set
        .keys
        .into_iter()
        .filter(|key| key.purpose.as_deref() != Some("enc"))
        .enumerate()
        .map(|(index, key)| key.read().with_context(|| format!("key {}", index + 1)))
        .collect::<anyhow::Result<Vec<_>>>()?;
    ensure!(!keys.is_empty(), "it holds no key that verifies signatures");
    Ok(keys)
}

impl Jwk {
    fn read(self) -> anyhow::Result<Key> {
        let kind = match (self.kty.as_str(), self.crv.as_deref()) {
            ("RSA", _) => KeyKind::Rsa(bytes("n", self.n.as_ref())?, bytes("e", self.e.as_ref())?),
            ("EC", Some("P-256")) => KeyKind::P256(self.point(32)?),
            ("EC", Some("P-384")) => KeyKind::P384(self.point(48)?),
            ("OKP", Some("Ed25519")) => KeyKind::Ed25519(bytes("x", self.x.as_ref())?),
            ("oct", _) => KeyKind::Secret(bytes("k", self.k.as_ref())?),
            (kind, curve) => bail!(
                "keys of type {kind:?} {} are not verified here; RSA, EC (P-256, P-384), OKP (Ed25519) and oct are",
                curve.unwrap_or_default()
            ),
        };
        Ok(Key { id: self.kid, kind })
    }

    /// An uncompressed point (SEC 1, section 2.3.3).
    fn point(&self, size: usize) -> anyhow::Result<Vec<u8>> {
        let (x, y) = (bytes("x", self.x.as_ref())?, bytes("y", self.y.as_ref())?);
        ensure!(
            x.len() == size && y.len() == size,
            "x and y must be {size} bytes long"
        );
        Ok([&[4], &x[..], &y[..]].concat())
    }
}

fn bytes(name: &str, text: Option<&String>) -> anyhow::Result<Vec<u8>> {
    let text = text.with_context(|| format!("`{name}` is missing"))?;
    URL_SAFE_NO_PAD
        .decode(text.trim_end_matches('='))
        .with_context(|| format!("`{name}` is no base64url"))
}

impl KeyKind {
    /// Whether `signature` is one of this key over `message`, by the algorithm that the token names (RFC 7518,
    /// section 3.1). An algorithm of another kind of key verifies nothing.
    pub fn verifies(&self, algorithm: &str, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Secret(secret) => hmac_algorithm(algorithm).is_some_and(|algorithm| {
                let key = hmac::Key::new(algorithm, secret);
                hmac::verify(&key, message, signature).is_ok()
            }),
            Self::Rsa(n, e) => rsa_algorithm(algorithm).is_some_and(|algorithm| {
                let key = RsaPublicKeyComponents { n, e };
                key.verify(algorithm, message, signature).is_ok()
            }),
            Self::P256(point) => {
                algorithm == "ES256"
                    && is_signed(
                        &signature::ECDSA_P256_SHA256_FIXED,
                        point,
                        message,
                        signature,
                    )
            }
            Self::P384(point) => {
                algorithm == "ES384"
                    && is_signed(
                        &signature::ECDSA_P384_SHA384_FIXED,
                        point,
                        message,
                        signature,
                    )
            }
            Self::Ed25519(key) => {
                algorithm == "EdDSA" && is_signed(&signature::ED25519, key, message, signature)
            }
        }
    }
}

fn is_signed(
    algorithm: &'static dyn signature::VerificationAlgorithm,
    key: &[u8],
    message: &[u8],
    signature: &[u8],
) -> bool {
    UnparsedPublicKey::new(algorithm, key)
        .verify(message, signature)
        .is_ok()
}

fn hmac_algorithm(name: &str) -> Option<hmac::Algorithm> {
    match name {
        "HS256" => Some(hmac::HMAC_SHA256),
        "HS384" => Some(hmac::HMAC_SHA384),
        "HS512" => Some(hmac::HMAC_SHA512),
        _ => None,
    }
}

fn rsa_algorithm(name: &str) -> Option<&'static signature::RsaParameters> {
    match name {
        "RS256" => Some(&signature::RSA_PKCS1_2048_8192_SHA256),
        "RS384" => Some(&signature::RSA_PKCS1_2048_8192_SHA384),
        "RS512" => Some(&signature::RSA_PKCS1_2048_8192_SHA512),
        "PS256" => Some(&signature::RSA_PSS_2048_8192_SHA256),
        "PS384" => Some(&signature::RSA_PSS_2048_8192_SHA384),
        "PS512" => Some(&signature::RSA_PSS_2048_8192_SHA512),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_refused_with_a_reason() {
        for (json, reason) in [
            ("[]", "no JSON Web Key Set"),
            (r#"{"keys":[]}"#, "no key that verifies"),
            (r#"{"keys":[{"kty":"RSA","n":"AQAB"}]}"#, "`e` is missing"),
            (
                r#"{"keys":[{"kty":"RSA","n":"A*","e":"AQAB"}]}"#,
                "no base64url",
            ),
            (
                r#"{"keys":[{"kty":"EC","crv":"P-256","x":"AQ","y":"AQ"}]}"#,
                "32 bytes",
            ),
            (r#"{"keys":[{"kty":"EC","crv":"secp256k1"}]}"#, "secp256k1"),
            (
                r#"{"keys":[{"kty":"oct","k":"AQAB","use":"enc"}]}"#,
                "no key that verifies",
            ),
        ] {
            let error = format!("{:#}", read(json.as_bytes()).unwrap_err());
            assert!(error.contains(reason), "{json}: {error}");
        }
    }

    #[test]
    fn a_key_verifies_only_what_it_is_for() {
        let secret = KeyKind::Secret(b"secret".to_vec());
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, b"secret"), b"message");
        assert!(secret.verifies("HS256", b"message", tag.as_ref()));
        for (algorithm, message) in [
            ("HS384", &b"message"[..]),
            ("RS256", b"message"),
            ("none", b"message"),
            ("", b"message"),
            ("HS256", b"massage"),
        ] {
            assert!(
                !secret.verifies(algorithm, message, tag.as_ref()),
                "{algorithm}"
            );
        }
        // The classical confusion: a public key taken for the secret of an HMAC.
        let public = KeyKind::Rsa(b"modulus".to_vec(), vec![1, 0, 1]);
        let forged = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, b"modulus"), b"message");
        assert!(!public.verifies("HS256", b"message", forged.as_ref()));
    }
}
