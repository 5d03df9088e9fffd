//! Account take-over: a user who is known acts from a new network with a new program, and from a new country where
//! countries are known.
//!
//! People change one of these at a time: the same telephone on another network, a new telephone at home. All at once,
//! on an account that is older than a few minutes, is a hint. It becomes a reason to act together with what a thief
//! does or leaves behind: changing mail address or password at once, failed logins shortly before, the owner still
//! active elsewhere. What is stopped is the session, never the user, who is the victim.

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
    /// What each of these adds: a change of mail address, password or the like; failed logins before; the owner active
    /// elsewhere within ten minutes.
    pub more: u8,
}

impl Default for AccountTakeover {
    fn default() -> Self {
        Self {
            known_from: 15,
            known_for: 300,
            fresh_for: 1800,
            score: 40,
            more: 12,
        }
    }
}

pub(super) fn look(scene: &Scene<'_>, known: &Known) -> Option<Finding> {
    let settings = &scene.settings.account_takeover;
    let hand = known
        .traits
        .filter(|_| known.id.kind == SubjectKind::User)?
        .hand;
    let new = hand.program && hand.network && (hand.country || scene.subjects.country.is_none());
    let fresh = hand.age <= u64::from(settings.fresh_for) * 1000;
    let familiar = known.compact.total >= settings.known_from
        && hand.others >= hand.age + u64::from(settings.known_for) * 1000;
    if !(new && fresh && familiar) {
        return None;
    }
    let signs = [
        scene.visit.sensitive,
        known.compact.login_failed >= 3.0,
        hand.other < 600_000,
    ];
    let signs = signs.iter().filter(|sign| **sign).count() as u8;
    Some(Finding {
        kind: Kind::AccountTakeover,
        subject: known.id,
        score: settings
            .score
            .saturating_add(signs.saturating_mul(settings.more))
            .min(95),
        confidence: known.compact.confidence(),
        value: 2.0 + f32::from(u8::from(hand.country)) + f32::from(signs),
        bound: 2.0,
    })
}
