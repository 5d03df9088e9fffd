//! Sessions: opened at a log-in with a fresh random id, ended by a log-out, by time or with their user. The id stands
//! in the browser's cookie; the store has its hash.

use axum::http::{HeaderMap, HeaderValue};
use portcullis_store::access::{Session, User};

use super::cookie::Cookie;
use super::guard::{Credential, Known};
use super::settings::milliseconds;
use super::{Access, Refusal, secret, tenant};
use crate::caller::{Caller, Role};

/// How stale the time of the last use may be, in milliseconds: a session that is in use writes once a minute.
pub(crate) const STALE: i64 = 60_000;

impl Access {
    /// Opens a session for a user who has shown who they are; one that the browser still has is ended. Returns the
    /// header that sets the cookie.
    pub(crate) async fn open_session(
        &self,
        user: &User,
        source: &str,
        headers: &HeaderMap,
    ) -> Result<HeaderValue, Refusal> {
        let (accounts, settings, now) = (self.accounts()?, self.settings(), self.now());
        if let Some(old) = Cookie::Session.read(headers, &settings) {
            accounts.close(&secret::hash(old)).await?;
        }
        let id = secret::id()?;
        let session = Session {
            hash: secret::hash(&id),
            user: user.name.clone(),
            source: source.to_owned(),
            created: now,
            seen: now,
        };
        accounts.open(&session).await?;
        accounts.logged_in(&user.name, now).await?;
        cookie(&id, settings.lifetime.as_secs(), self)
    }

    /// Whose session it is that a cookie names.
    pub(crate) async fn known_by_session(&self, id: &str) -> Result<Known, Refusal> {
        let (accounts, settings, now) = (self.accounts()?, self.settings(), self.now());
        let ended = || Refusal::unauthorized("the session has ended; log in again");
        let hash = secret::hash(id);
        let Some((session, user)) = accounts.session(&hash).await? else {
            return Err(ended());
        };
        let is_over = now - session.created >= milliseconds(settings.lifetime)
            || now - session.seen >= milliseconds(settings.idle);
        if is_over || user.disabled {
            accounts.close(&hash).await?;
            return Err(ended());
        }
        if now - session.seen >= STALE {
            accounts.seen(&hash, now).await?;
        }
        let role = user.role.parse::<Role>().map_err(|_| ended())?;
        Ok(Known {
            caller: Caller {
                name: user.name.clone(),
                role: tenant::role_of(role, user.tenant.as_ref()),
                tenant: user.tenant.clone(),
                scope: tenant::scope_of(&user, &settings),
            },
            credential: Credential::Session { hash },
            user: user.name,
            must_change: user.must_change,
            families: Vec::new(),
        })
    }
}

/// The header that takes the session's cookie away.
pub(crate) fn no_cookie(access: &Access) -> Result<HeaderValue, Refusal> {
    cookie("", 0, access)
}

fn cookie(value: &str, seconds: u64, access: &Access) -> Result<HeaderValue, Refusal> {
    Cookie::Session
        .write(value, seconds, &access.settings())
        .ok_or_else(|| crate::problem::Problem::fault("a cookie cannot be written").into())
}
