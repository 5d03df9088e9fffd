//! Credential stuffing: many users, few tries each.
//!
//! Leaked pairs fit for one or two users in a hundred, so an attacker's logins nearly all fail, each for another
//! user. An office or a mobile carrier also shows many users at one address, but there nine of ten logins succeed.
//! What tells them apart is the share of failures, not the number of users. Where others do well at the address, it
//! counts for as many; who has logged in from this network before is not held back for a neighbour.
//!
//! Attackers with many addresses try a few users from each. Two things give them away: the program, which is the same
//! everywhere (many users, many addresses, nearly all failing), and that their addresses do nothing but log in: where
//! the logins of such cold addresses fail en masse, further ones are held back until it is over. A person who forgot
//! the password names the same user again, and who mistypes the name names a second one: held back is only who names a
//! second one with the program that fails everywhere, or a third one with any; and slowed down is whoever comes with a
//! program that nobody at all gets in with.
//!
//! Behind an address that many share, the first try of a program that took no part is let through.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Bounds, Finding, Kind, Known, LoginScene, Scene, share};
use crate::behaviour::subject::SubjectKind;

/// Bounds for credential stuffing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CredentialStuffing {
    /// Users tried from one address, client or session within 20 to 40 minutes.
    pub users: Bounds,
    /// The share of failed logins from which on that counts, 0 to 1.
    pub failed: f32,
    /// Users tried by one program from at least `addresses` addresses.
    pub program_users: Bounds,
    /// See `program_users`.
    pub addresses: f32,
    /// Failed logins, within 10 minutes, of addresses that did nothing else.
    pub cold_failures: Bounds,
    /// The share of failed logins from which on the latter two count, 0 to 1.
    pub spread_failed: f32,
}

impl Default for CredentialStuffing {
    fn default() -> Self {
        Self {
            users: Bounds::new(6.0, 10.0),
            failed: 0.7,
            program_users: Bounds::new(15.0, 40.0),
            addresses: 5.0,
            cold_failures: Bounds::new(30.0, 1000.0),
            spread_failed: 0.85,
        }
    }
}

pub(super) fn look(scene: &Scene<'_>, known: &Known) -> Option<Finding> {
    let login = scene.login?;
    let settings = &scene.settings.credential_stuffing;
    let compact = &known.compact;
    let users = compact.tried.count();
    let failing = share(
        compact.login_failed,
        compact.login_failed + compact.login_ok,
    ) >= settings.failed;
    let alone =
        settings
            .users
            .times(known.scale())
            .finding(Kind::CredentialStuffing, known.id, users);
    alone
        .filter(|_| failing && !login.at_home && !login.bystander)
        .or_else(|| together(settings, login, known))
}

/// What many addresses do together, held against one that did nothing else.
fn together(settings: &CredentialStuffing, login: &LoginScene, known: &Known) -> Option<Finding> {
    let users = known.compact.tried.count();
    let elsewhere = known.id.kind != SubjectKind::Address;
    if !login.cold || login.at_home || login.bystander || elsewhere {
        return None;
    }
    let program = &login.program;
    let failed = share(
        program.login_failed,
        program.login_failed + program.login_ok,
    );
    if failed >= settings.spread_failed && program.others.count() >= settings.addresses {
        let found = settings.program_users.finding(
            Kind::CredentialStuffing,
            known.id,
            program.tried.count(),
        );
        // Nobody at all gets in with it: then it is the attacker's, and the first try is one too many.
        let hopeless = program.login_ok < 0.5 && program.login_failed >= settings.program_users.ban;
        if users >= 1.5 && found.is_some() {
            return found;
        }
        if let Some(found) = found.filter(|_| hopeless) {
            return Some(Finding {
                score: found.score.min(79),
                ..found
            });
        }
    }
    let (failures, failed) = login.cold_failures;
    let found = settings
        .cold_failures
        .finding(Kind::CredentialStuffing, known.id, failures);
    found.filter(|_| users >= 2.5 && failed >= settings.spread_failed)
}
