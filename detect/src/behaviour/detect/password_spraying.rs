//! Password spraying: one common password, many users, slowly.
//!
//! Where the password's hash is known it is simple: no two people in a hundred fail with the same password within an
//! hour, so many users with one password are one attacker, from however many addresses. Who names a single user may be
//! somebody with a common password: he is slowed down at most, and only if he comes with a program that failed with it
//! before and hardly ever gets in, or once so many users were tried that the attacker must have thousands of addresses. Where the
//! password is not known, an address is left that fails for many users with about one try each over an hour, and never
//! succeeds. Behind an address that many share, the first try of a program that took no part is let through.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Bounds, Finding, Kind, Known, Scene, share};
use crate::behaviour::subject::SubjectKind;

/// Bounds for password spraying.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PasswordSpraying {
    /// Users for whom one and the same password failed.
    pub users: Bounds,
    /// The share of failures of that password from which on it counts, 0 to 1.
    pub failed: f32,
    /// Users for whom one and the same password failed, from which on an address that tried a single one is slowed
    /// down whatever its program is.
    pub single: f32,
    /// Failed logins of an address within an hour that hardly ever tries a user twice.
    pub slow_failures: Bounds,
}

impl Default for PasswordSpraying {
    fn default() -> Self {
        Self {
            users: Bounds::new(6.0, 10.0),
            failed: 0.8,
            single: 150.0,
            slow_failures: Bounds::new(10.0, 18.0),
        }
    }
}

/// Failures of an address, the login under way included, that show that another one failed there.
const OTHERS: f32 = 1.8;

pub(super) fn look(scene: &Scene<'_>, known: &Known) -> Option<Finding> {
    let login = scene
        .login
        .filter(|_| known.id.kind == SubjectKind::Address)?;
    let settings = &scene.settings.password_spraying;
    let failing = |failed: f32, ok: f32| share(failed, failed + ok) >= settings.failed;
    let one_password = login.secret.as_ref().and_then(|secret| {
        let found = settings
            .users
            .finding(Kind::PasswordSpraying, known.id, secret.tried.count());
        // Whoever has that password by chance tries it on one account, his own.
        let others_fail = known.compact.login_failed >= OTHERS;
        let another = known.compact.tried.count() >= 1.5 && others_fail && !login.bystander;
        let program = &login.program;
        let same = login.same_program && failing(program.login_failed, program.login_ok);
        let users = secret.tried.count();
        let many = users >= settings.single || same && users >= settings.users.ban;
        let most = if another { 100 } else { 79 };
        found
            .filter(|_| {
                (another || many) && failing(secret.login_failed, secret.login_ok) && !login.at_home
            })
            .map(|finding| Finding {
                score: finding.score.min(most),
                ..finding
            })
    });
    one_password.or_else(|| {
        let compact = &known.compact;
        let once_each = login.pair.is_some_and(|pair| pair.login_failed <= 2.5);
        let found =
            settings
                .slow_failures
                .finding(Kind::PasswordSpraying, known.id, compact.login_failed);
        found.filter(|_| {
            once_each
                && !login.bystander
                && compact.tried.count() >= 4.0
                && failing(compact.login_failed, compact.login_ok)
        })
    })
}
