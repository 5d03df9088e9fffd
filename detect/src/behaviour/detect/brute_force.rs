//! Password guessing: one user, many passwords.
//!
//! A login counts as failed from the moment it arrives until its answer says otherwise, so that twenty at once do not
//! slip through before the first is answered; a success wipes the count. People forget a password and try five or six
//! times; from the ninth failure of one user at one address within an hour on it is a program, or a person who should
//! rest. A login that was refused here counts half: it cannot succeed, and insisting is not innocent.
//!
//! Where many addresses share the work, the user's failures from everywhere count, and only those are stopped who were
//! never at home with this user: the user's own network stays open, for a lock-out is an attack too. Where no user is
//! known, because the body was not read, the address must fail often and hardly ever succeed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Bounds, Finding, Kind, Known, Scene, share};
use crate::behaviour::subject::SubjectKind;

/// Bounds for password guessing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BruteForce {
    /// Failed logins of one user from one address within an hour, the one under way included.
    pub failures: Bounds,
    /// Failed logins of one user from everywhere, tried from at least three addresses.
    pub spread_failures: Bounds,
    /// Failed logins of one address whose users are not known.
    pub blind_failures: Bounds,
    /// The share of failures from which on blind ones count, 0 to 1.
    pub blind_share: f32,
}

impl Default for BruteForce {
    fn default() -> Self {
        Self {
            failures: Bounds::new(9.0, 12.0),
            spread_failures: Bounds::new(10.0, 40.0),
            blind_failures: Bounds::new(9.0, 15.0),
            blind_share: 0.85,
        }
    }
}

pub(super) fn look(scene: &Scene<'_>, known: &Known) -> Option<Finding> {
    let login = scene
        .login
        .filter(|_| known.id.kind == SubjectKind::Address)?;
    let settings = &scene.settings.brute_force;
    let failed = known.compact.login_failed;
    let (Some(user), Some(pair)) = (&login.user, &login.pair) else {
        let hopeless = share(failed, failed + known.compact.login_ok) >= settings.blind_share;
        let bounds = settings.blind_failures.times(known.scale());
        return bounds
            .finding(Kind::BruteForce, known.id, failed)
            .filter(|_| hopeless);
    };
    let here = settings
        .failures
        .finding(Kind::BruteForce, known.id, pair.login_failed);
    let stranger = !login.at_home && user.others.count() >= 3.0;
    here.or_else(|| {
        let spread =
            settings
                .spread_failures
                .finding(Kind::BruteForce, known.id, user.login_failed);
        // One address of many did little by itself: it is slowed down, not banned.
        spread.filter(|_| stranger).map(|finding| Finding {
            score: finding.score.min(79),
            ..finding
        })
    })
}
