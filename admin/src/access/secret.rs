//! Secrets that are drawn: ids of sessions, API tokens, one-time passwords. All are random, so a plain SHA-256 is
//! enough to keep them by: there is nothing to guess that a slow hash would have to guard.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom, SystemRandom};

/// What every API token begins with, so that a leaked one can be recognised.
pub const TOKEN_PREFIX: &str = "ptc_";

/// Letters of a one-time password: 32 of them, without those that are mistaken for another.
const LETTERS: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz23456789-";

/// 256 random bits as base64url, 43 letters long.
///
/// # Errors
/// When the system has no randomness to give.
pub fn id() -> Result<String, NoRandom> {
    Ok(URL_SAFE_NO_PAD.encode(random::<32>()?))
}

/// An API token.
///
/// # Errors
/// When the system has no randomness to give.
pub fn token() -> Result<String, NoRandom> {
    Ok(format!("{TOKEN_PREFIX}{}", id()?))
}

/// A name for a token, 16 hexadecimal digits; no secret.
///
/// # Errors
/// When the system has no randomness to give.
pub fn label() -> Result<String, NoRandom> {
    Ok(hexadecimal(&random::<8>()?))
}

/// A password of 20 letters, 100 bits.
///
/// # Errors
/// When the system has no randomness to give.
pub fn password() -> Result<String, NoRandom> {
    let letter = |byte: &u8| LETTERS[usize::from(byte % 32)] as char;
    Ok(random::<20>()?.iter().map(letter).collect())
}

/// What a secret is kept by: its SHA-256, 64 hexadecimal digits.
pub fn hash(secret: &str) -> String {
    hexadecimal(digest(&SHA256, secret.as_bytes()).as_ref())
}

/// Random bytes.
///
/// # Errors
/// When the system has no randomness to give.
pub fn random<const N: usize>() -> Result<[u8; N], NoRandom> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).map_err(|_| NoRandom)?;
    Ok(bytes)
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The system has no randomness to give.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the system gave no random numbers")]
pub struct NoRandom;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_have_their_shapes_and_differ() {
        let (a, b) = (token().expect("drawn"), token().expect("drawn"));
        assert_ne!(a, b);
        assert_eq!((a.len(), a.starts_with(TOKEN_PREFIX)), (47, true));
        assert_eq!(password().expect("drawn").len(), 20);
        assert_eq!(label().expect("drawn").len(), 16);
    }

    #[test]
    fn a_hash_is_the_sha_256() {
        // FIPS 180-2, appendix B.1.
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(hash("abc"), expected);
    }
}
