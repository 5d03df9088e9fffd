//! API tokens, for programs: `Authorization: Bearer ptc_…`. A token belongs to a user, can do at most what it was made
//! for and never more than its owner may now, and ends with them.

use portcullis_store::access::{Token, User};

use super::guard::{Credential, Known};
use super::session::STALE;
use super::{Access, Refusal, Settings, secret, tenant};
use crate::caller::{Caller, Role};

impl Access {
    /// Whose token it is.
    pub(crate) async fn known_by_token(&self, token: &str) -> Result<Known, Refusal> {
        let (accounts, now) = (self.accounts()?, self.now());
        let refused = || Refusal::unauthorized("this token is not valid, or no longer");
        if !token.starts_with(secret::TOKEN_PREFIX) {
            return Err(refused());
        }
        let found = accounts.token(&secret::hash(token)).await?;
        let (token, user) = found.ok_or_else(refused)?;
        let is_over = token.expires.is_some_and(|end| now >= end);
        if is_over || user.disabled || user.must_change {
            return Err(refused());
        }
        if token.used.is_none_or(|used| now - used >= STALE) {
            accounts.used(&token.id, now).await?;
        }
        let role = role(&token, &user).ok_or_else(refused)?;
        Ok(known(token, user, role, &self.settings()))
    }
}

/// What the token may do now.
fn role(token: &Token, user: &User) -> Option<Role> {
    let role = token.role.parse::<Role>().ok()?;
    let most = user.role.parse::<Role>().ok()?;
    Some(tenant::role_of(role.min(most), user.tenant.as_ref()))
}

fn known(token: Token, user: User, role: Role, settings: &Settings) -> Known {
    Known {
        caller: Caller {
            name: format!("{} (token {})", user.name, token.name),
            role,
            tenant: user.tenant.clone(),
            scope: tenant::scope_of(&user, settings),
        },
        credential: Credential::Token { id: token.id },
        user: user.name,
        must_change: false,
        families: families(&token.families),
    }
}

/// The families of routes that a token is for; none: all.
pub(crate) fn families(text: &str) -> Vec<String> {
    text.split(',')
        .filter(|family| !family.is_empty())
        .map(str::to_owned)
        .collect()
}

/// The family of a route: the part of its path behind `/api/v1/`, without an ending such as `.csv`.
pub fn family(path: &str) -> Option<&str> {
    let rest = path.strip_prefix("/api/v1/")?;
    rest.split(['/', '.']).next()
}
