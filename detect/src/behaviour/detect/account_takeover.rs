//! Account take-over: a user who is known acts from a new network with a new program, and from a new country where
//! countries are known.
//!
//! People change one of these at a time: the same telephone on another network, a new telephone at home. All at once,
//! on an account that is older than a few minutes, is a hint. It becomes a reason to act together with what a thief
//! does or leaves behind: changing mail address or password, or writing where the owner never was; failed logins
//! shortly before; the owner active elsewhere, or in another country within the hour; a program that is not what it
//! says. Where countries are not known, the telephone on its own network looks the same, and it takes two of these.
//! Nobody is banned for it at once: what is slowed down is the hand, never the user, who is the victim.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Finding, Kind, Known, Scene};
use crate::behaviour::subject::SubjectKind;

/// Bounds for account take-over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AccountTakeover {
    /// Requests after which a user is known.
    pub known_from: u32,
    /// Seconds for which a user must have been known.
    pub known_for: u32,
    /// Seconds for which a new hand stays new.
    pub fresh_for: u32,
    /// What new network, program and country weigh alone.
    pub score: u8,
    /// The same where countries are not known.
    pub blind_score: u8,
    /// What each of these adds: a change of mail address, password or the like, or writing where the owner never did;
    /// failed logins before; the owner active elsewhere within ten minutes, or abroad within an hour; a program that
    /// is not what it says.
    pub more: u8,
}

impl Default for AccountTakeover {
    fn default() -> Self {
        Self {
            known_from: 15,
            known_for: 300,
            fresh_for: 1800,
            score: 40,
            blind_score: 25,
            more: 20,
        }
    }
}

/// A person may be all of that: never more than throttled.
const MOST: u8 = 79;

pub(super) fn look(scene: &Scene<'_>, known: &Known) -> Option<Finding> {
    let settings = &scene.settings.account_takeover;
    let traits = known
        .traits
        .filter(|_| known.id.kind == SubjectKind::User)?;
    let hand = traits.hand;
    let blind = scene.subjects.country.is_none();
    let new = hand.program && hand.network && (hand.country || blind);
    let fresh = hand.age <= u64::from(settings.fresh_for) * 1000;
    let familiar = known.compact.total >= settings.known_from
        && hand.others >= hand.age + u64::from(settings.known_for) * 1000;
    if !(new && fresh && familiar) {
        return None;
    }
    let soon = if hand.country { 3_600_000 } else { 600_000 };
    let signs = [
        scene.visit.sensitive || traits.strange && scene.visit.write,
        known.compact.login_failed >= 3.0,
        hand.other < soon,
        scene.visit.signs > 0,
    ];
    let signs = signs.iter().filter(|sign| **sign).count() as u8;
    Some(Finding {
        kind: Kind::AccountTakeover,
        subject: known.id,
        score: (if blind {
            settings.blind_score
        } else {
            settings.score
        })
        .saturating_add(signs.saturating_mul(settings.more))
        .min(MOST),
        confidence: known.compact.confidence(),
        value: 2.0 + f32::from(u8::from(hand.country)) + f32::from(signs),
        bound: 2.0,
    })
}
