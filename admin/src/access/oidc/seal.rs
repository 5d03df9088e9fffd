//! What is remembered of a log-in while the browser is at the provider: encrypted and signed (ChaCha20-Poly1305) with
//! a key that the installation draws once, so that the browser can neither read nor change what it carries.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use serde::{Deserialize, Serialize};

use crate::access::secret::{self, NoRandom};

/// The key of an installation.
pub(super) type Key = LessSafeKey;

/// How long a log-in may take at the provider, in milliseconds.
const LONGEST: i64 = 600_000;
/// What a sealed text is for; one that was sealed for something else does not open.
const PURPOSE: &[u8] = b"portcullis sign-on";

/// A log-in that has begun.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sealed {
    /// What the browser has to bring back.
    pub(super) state: String,
    /// What has to stand in the ID token.
    pub(super) nonce: String,
    /// What shows the provider that who brings the code is who asked for it.
    pub(super) verifier: String,
    /// When it began, in milliseconds.
    pub(super) begun: i64,
}

impl Sealed {
    pub(super) fn seal(&self, key: &Key) -> Result<String, NoRandom> {
        let nonce = secret::random::<NONCE_LEN>()?;
        // Texts and a number always serialise.
        let mut text = serde_json::to_vec(self).unwrap_or_default();
        let lock = Nonce::assume_unique_for_key(nonce);
        key.seal_in_place_append_tag(lock, Aad::from(PURPOSE), &mut text)
            .map_err(|_| NoRandom)?;
        Ok(URL_SAFE_NO_PAD.encode([&nonce[..], &text].concat()))
    }

    pub(super) fn open(text: &str, key: &Key) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (nonce, text) = bytes.split_at_checked(NONCE_LEN)?;
        let lock = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut text = text.to_vec();
        let opened = key
            .open_in_place(lock, Aad::from(PURPOSE), &mut text)
            .ok()?;
        serde_json::from_slice(opened).ok()
    }

    /// Whether it began within the last ten minutes.
    pub(super) fn is_fresh(&self, now: i64) -> bool {
        (0..=LONGEST).contains(&(now - self.begun))
    }
}

/// A fresh key, as text.
pub(super) fn draw() -> Result<String, NoRandom> {
    secret::id()
}

/// Reads a key.
pub(super) fn key(text: &str) -> Option<Key> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let key = UnboundKey::new(&CHACHA20_POLY1305, &bytes).ok()?;
    Some(LessSafeKey::new(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_with_the_same_key_alone() {
        let fresh = || key(&draw().expect("drawn")).expect("a key");
        let (ours, other) = (fresh(), fresh());
        let sealed = Sealed {
            state: "s".to_owned(),
            nonce: "n".to_owned(),
            verifier: "v".to_owned(),
            begun: 1_000,
        };
        let text = sealed.seal(&ours).expect("sealed");
        assert_eq!(Sealed::open(&text, &ours), Some(sealed.clone()));
        assert_eq!(Sealed::open(&text, &other), None);
        let mut turned = URL_SAFE_NO_PAD.decode(&text).expect("base64");
        turned[20] ^= 1;
        for broken in [
            URL_SAFE_NO_PAD.encode(turned),
            String::new(),
            "AAAA".to_owned(),
        ] {
            assert_eq!(Sealed::open(&broken, &ours), None, "{broken}");
        }
        for (now, fresh) in [
            (999, false),
            (1_000, true),
            (601_000, true),
            (601_001, false),
        ] {
            assert_eq!(sealed.is_fresh(now), fresh, "{now}");
        }
    }
}
