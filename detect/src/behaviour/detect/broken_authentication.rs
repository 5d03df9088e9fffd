//! Forged or guessed tokens.
//!
//! An expired token is everyday: the client refreshes it and goes on. A token that no key of ours has made is not: each
//! one counts. Where tokens cannot be checked here, what is left is an address that tries one credential after the
//! other and is refused nearly always.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Bounds, Finding, Kind, Known, Scene, share};
use crate::behaviour::subject::Token;

/// Bounds for forged or guessed tokens.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BrokenAuthentication {
    /// Tokens of one client that failed the check, within 10 minutes.
    pub forged: Bounds,
    /// Different keys, users and sessions of one client that is refused nearly always, within 20 to 40 minutes.
    pub guessed: Bounds,
    /// The share of 401 and 403 from which on that counts, 0 to 1.
    pub refused: f32,
}

impl Default for BrokenAuthentication {
    fn default() -> Self {
        Self {
            forged: Bounds::new(2.9, 5.9),
            guessed: Bounds::new(6.0, 12.0),
            refused: 0.75,
        }
    }
}

pub(super) fn look(scene: &Scene<'_>, known: &Known) -> Option<Finding> {
    if !known.is_place() {
        return None;
    }
    let settings = &scene.settings.broken_authentication;
    let compact = &known.compact;
    let forged = settings.forged.times(known.scale());
    let found = forged.finding(Kind::BrokenAuthentication, known.id, compact.forged);
    found
        .filter(|_| scene.subjects.token == Token::Forged)
        .or_else(|| {
            let refused = share(compact.unauthorized + compact.forbidden, compact.answers());
            let guessed = settings.guessed.times(known.scale());
            let found =
                guessed.finding(Kind::BrokenAuthentication, known.id, compact.others.count());
            found.filter(|_| refused >= settings.refused && scene.subjects.has_credentials())
        })
}
