//! Session in two hands.
//!
//! A telephone changes its network all day and keeps its program; a browser that updates itself changes its name once
//! and stays where it is. A session whose requests come from two programs in two networks in turn is used by two. One
//! change is a hint, since a person may move on; changes back and forth within minutes are not explained by that, and are
//! held against the hand that came later. The same program in the networks of two operators, back and forth, counts a
//! third: telephones do that, but not eight times in ten minutes.
//!
//! One change is more than a hint where all is new at once, the program, the network, and (where these are known) its
//! operator or country: a cookie does not move to another browser by itself, whether its owner is still there or left
//! half an hour ago. A server of yours that uses the sessions of its visitors does look like that: it belongs on the
//! allow list. Keys are not looked at: fleets of servers share them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Bounds, Finding, Kind, Known, Scene};
use crate::behaviour::subject::SubjectKind;

/// Bounds for sessions in two hands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SessionHijack {
    /// How often a session changes program and network at once, within 10 minutes.
    pub switches: Bounds,
    /// Addresses of one session, with at least half as many programs, within 20 to 40 minutes.
    pub addresses: Bounds,
    /// What one change alone weighs, while the other hand was active within ten minutes.
    pub hint: u8,
    /// What one change weighs where program, network and operator or country are all new.
    pub moved: u8,
    /// Seconds since the other hand was last active for which that is so.
    pub within: u32,
}

impl Default for SessionHijack {
    fn default() -> Self {
        Self {
            switches: Bounds::new(1.8, 2.7),
            addresses: Bounds::new(5.0, 8.0),
            hint: 50,
            moved: 62,
            within: 3600,
        }
    }
}

pub(super) fn look(scene: &Scene<'_>, known: &Known) -> Option<Finding> {
    let settings = &scene.settings.session_hijack;
    let traits = known
        .traits
        .filter(|_| known.id.kind == SubjectKind::Session)?;
    let switched = settings
        .switches
        .finding(Kind::SessionHijack, known.id, traits.switches);
    let addresses = known.compact.others.count();
    let programs = known.compact.programs.count();
    // Who was there first is robbed; what slows him down helps nobody.
    let later = traits.hand.others > traits.hand.age;
    switched
        .filter(|_| later)
        .or_else(|| {
            let spread = settings
                .addresses
                .finding(Kind::SessionHijack, known.id, addresses);
            spread.filter(|_| programs >= addresses / 2.0)
        })
        .or_else(|| moved(scene, known))
        .or_else(|| {
            (traits.switches > 0.5 && traits.hand.other < 600_000).then_some(Finding {
                kind: Kind::SessionHijack,
                subject: known.id,
                score: settings.hint,
                confidence: known.compact.confidence(),
                value: traits.switches,
                bound: settings.switches.throttle,
            })
        })
}

/// All is new at once, and the hand that the session came from was there first.
fn moved(scene: &Scene<'_>, known: &Known) -> Option<Finding> {
    let settings = &scene.settings.session_hijack;
    let hand = known.traits?.hand;
    let unknown = scene.subjects.country.is_none() && scene.subjects.system.is_none();
    let elsewhere = hand.program && hand.network && (hand.country || hand.system || unknown);
    let later = hand.others > hand.age && hand.other <= u64::from(settings.within) * 1000;
    (elsewhere && later).then(|| Finding {
        kind: Kind::SessionHijack,
        subject: known.id,
        score: settings.moved,
        confidence: known.compact.confidence(),
        value: 1.0,
        bound: settings.switches.throttle,
    })
}
