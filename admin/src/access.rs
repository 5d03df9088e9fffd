//! Who may use the admin plane. [`guard`] stands in front of every route: it looks the route up in the table of
//! `routes.rs`, finds out who calls by session cookie or API token, holds changes to the origin that the admin plane
//! is reached at, and hands the handler a [`Caller`](crate::Caller). Whatever changes something or fails to
//! authenticate is in the audit trail before it is answered.
//!
//! [`session`] and [`token`] know credentials, [`password`] and [`throttle`] keep guessing slow, [`oidc`] lets somebody
//! else say who it is, [`origin`] and [`cookie`] deal with browsers.

pub mod clock;
pub mod cookie;
pub mod guard;
pub mod oidc;
pub mod origin;
pub mod password;
pub mod refusal;
pub mod secret;
pub mod session;
pub mod settings;
pub mod tenant;
pub mod throttle;
pub mod token;
pub mod trail;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use arc_swap::ArcSwap;
use axum::Router;
use axum::middleware::from_fn_with_state;
use portcullis_store::access::{Accounts, User};
use portcullis_store::{Database, StoreError};
use thiserror::Error;

pub use self::clock::{Clock, SystemClock};
pub use self::guard::{Credential, Source};
use self::oidc::SignOn;
use self::password::{PasswordError, Passwords};
pub use self::refusal::Refusal;
pub use self::settings::Settings;
use self::throttle::Throttle;
pub use self::trail::{Counts, Remark};
use crate::problem::Problem;

/// The name of the user that the first start makes.
pub const FIRST_USER: &str = "admin";

/// How often what has ended is cleared away.
const TIDY_EVERY: Duration = Duration::from_secs(600);

/// Who may use the admin plane. Cheap to clone.
#[derive(Clone)]
pub struct Access(Arc<Inner>);

struct Inner {
    accounts: OnceLock<Accounts>,
    settings: ArcSwap<Settings>,
    passwords: Passwords,
    log_ins: Throttle,
    /// How many refusals of one source are written down.
    told: Throttle,
    sign_on: SignOn,
    counts: Counts,
    clock: Arc<dyn Clock>,
}

/// Why nobody can be let in.
#[derive(Debug, Error)]
pub enum AccessError {
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A password cannot be taken or hashed.
    #[error(transparent)]
    Password(#[from] PasswordError),
}

impl Access {
    /// Access by the users of this database. Without one nobody can log in, and only what needs no credential is
    /// answered.
    pub fn new(database: Option<Database>, settings: Settings) -> Self {
        Self::with_clock(database, settings, Arc::new(SystemClock))
    }

    /// The same by another clock.
    pub fn with_clock(
        database: Option<Database>,
        settings: Settings,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let access = Self(Arc::new(Inner {
            accounts: OnceLock::new(),
            settings: ArcSwap::from_pointee(settings),
            passwords: Passwords::default(),
            log_ins: Throttle::default(),
            told: Throttle::default(),
            sign_on: SignOn::default(),
            counts: Counts::default(),
            clock,
        }));
        if let Some(database) = database {
            access.attach(database);
        }
        access
    }

    /// Gives it the database that was not there at the start. It keeps the first one that it is given.
    pub fn attach(&self, database: Database) {
        let _ = self.0.accounts.set(Accounts::new(database));
    }

    /// Puts the guard in front of every route of `router`; what is added to it later stands unguarded.
    pub fn protect<S: Clone + Send + Sync + 'static>(&self, router: Router<S>) -> Router<S> {
        router.layer(from_fn_with_state(self.clone(), guard::guard))
    }

    /// Follows a change of the configuration; open sessions stay.
    pub fn apply(&self, settings: Settings) {
        if self.settings().oidc != settings.oidc {
            self.sign_on().forget();
        }
        self.0.settings.store(Arc::new(settings));
    }

    /// How access is set up now.
    pub fn settings(&self) -> Arc<Settings> {
        self.0.settings.load_full()
    }

    /// What has been counted.
    pub fn counts(&self) -> &Counts {
        &self.0.counts
    }

    /// Where there is no user at all, makes the first one, an admin called [`FIRST_USER`]: with the password `given`,
    /// or else with a one-time password that is returned to be shown once and must be changed at the first log-in.
    ///
    /// # Errors
    /// When the store does not answer, or the password given is too short.
    pub async fn first_user(&self, given: Option<&str>) -> Result<Option<String>, AccessError> {
        let Some(accounts) = self.0.accounts.get() else {
            return Ok(None);
        };
        if !accounts.users().await?.is_empty() {
            return Ok(None);
        }
        let password = match given {
            Some(given) => given.to_owned(),
            None => secret::password().map_err(PasswordError::from)?,
        };
        let first = User {
            name: FIRST_USER.to_owned(),
            role: crate::Role::Admin.to_string(),
            password: Some(self.passwords().hash(password.clone()).await?),
            must_change: given.is_none(),
            created: self.now(),
            ..User::default()
        };
        // Another gateway of the same database may have been quicker; then it shows its password.
        let is_ours = accounts.add_first(&first).await?;
        if is_ours {
            let detail = match given {
                Some(_) => "password from PORTCULLIS_ADMIN_PASSWORD",
                None => "with a one-time password",
            };
            self.note(trail::first_user(detail)).await;
        }
        Ok((is_ours && given.is_none()).then_some(password))
    }

    /// Clears away what has ended, every ten minutes, for as long as it is polled.
    pub async fn tend(self) {
        loop {
            if let Err(error) = self.tidy().await {
                tracing::warn!(%error, "ended sessions could not be cleared away");
            }
            tokio::time::sleep(TIDY_EVERY).await;
        }
    }

    async fn tidy(&self) -> Result<(), StoreError> {
        let Some(accounts) = self.0.accounts.get() else {
            return Ok(());
        };
        let (now, (opened, seen)) = (self.now(), self.oldest_session());
        accounts.tidy(now, opened, seen).await?;
        trail::trim(accounts.database(), now).await
    }

    /// When a session that is open now was opened and used at the earliest.
    pub(crate) fn oldest_session(&self) -> (i64, i64) {
        let (now, settings) = (self.now(), self.settings());
        let ago = |time: Duration| now.saturating_sub(settings::milliseconds(time));
        (ago(settings.lifetime), ago(settings.idle))
    }

    pub(crate) fn accounts(&self) -> Result<&Accounts, Problem> {
        self.0.accounts.get().ok_or_else(Problem::no_store)
    }

    pub(crate) fn passwords(&self) -> &Passwords {
        &self.0.passwords
    }

    pub(crate) fn log_ins(&self) -> &Throttle {
        &self.0.log_ins
    }

    pub(crate) fn sign_on(&self) -> &SignOn {
        &self.0.sign_on
    }

    pub(crate) fn now(&self) -> i64 {
        self.0.clock.now()
    }
}

#[cfg(test)]
pub(crate) mod tests;
