//! What goes into the audit trail, and what is only counted. Changes and log-ins are always written down; refusals are,
//! ten a minute of each source, so that nobody fills the trail from outside.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use portcullis_store::audit::{self, Event};
use portcullis_store::{Database, StoreError};

use super::Access;
use super::settings::milliseconds;

/// How long events are kept, and how many at most.
const KEPT: (Duration, i64) = (Duration::from_secs(400 * 86_400), 1_000_000);

/// What a handler wants to have in the trail beside the route: put it into the answer's extensions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// Whom or what it was done to; empty where the path says that already.
    pub target: String,
    /// What else there is to know.
    pub detail: String,
}

/// What happened at the door, since the start.
#[derive(Debug, Default)]
pub struct Counts {
    /// Log-ins that succeeded.
    pub log_ins: AtomicU64,
    /// Log-ins with a wrong name or password, or that single sign-on refused.
    pub failed_log_ins: AtomicU64,
    /// Log-ins that were not tried because their source had failed too often.
    pub throttled_log_ins: AtomicU64,
    /// Requests without a valid credential.
    pub unauthorized: AtomicU64,
    /// Requests of somebody who may not.
    pub forbidden: AtomicU64,
    /// Events that the store did not take.
    pub audit_lost: AtomicU64,
}

impl Remark {
    /// On what the path names.
    pub const fn of(detail: String) -> Self {
        Self {
            target: String::new(),
            detail,
        }
    }

    /// On what the path does not name: it was in the body.
    pub fn on(target: &str, detail: String) -> Self {
        Self {
            target: target.to_owned(),
            detail,
        }
    }
}

impl Counts {
    pub(crate) fn one(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

impl Access {
    /// Writes an event down, now. What has happened has happened: where the store does not take it, the log has it.
    pub(crate) async fn note(&self, event: Event) {
        let Ok(accounts) = self.accounts() else {
            return;
        };
        let event = Event {
            time: self.now(),
            ..event
        };
        if let Err(error) = audit::write(accounts.database(), &event).await {
            Counts::one(&self.counts().audit_lost);
            tracing::error!(%error, ?event, "the audit trail could not be written");
        }
    }

    /// Writes a refusal down, unless its source has had its share.
    pub(crate) async fn note_refusal(&self, source: IpAddr, event: Event) {
        if self.0.told.take(source, self.now()).is_ok() {
            self.note(event).await;
        }
    }
}

/// The event of the first start.
pub(crate) fn first_user(detail: &str) -> Event {
    Event {
        who: "first start".to_owned(),
        source: "local".to_owned(),
        action: "user added".to_owned(),
        target: super::FIRST_USER.to_owned(),
        outcome: "done".to_owned(),
        detail: detail.to_owned(),
        ..Event::default()
    }
}

/// Removes what is too old or too much.
pub(crate) async fn trim(database: &Database, now: i64) -> Result<(), StoreError> {
    let (time, most) = KEPT;
    let trimmed = audit::trim(database, now - milliseconds(time), most).await?;
    if trimmed > 0 {
        tracing::info!(trimmed, "the oldest events left the audit trail");
    }
    Ok(())
}
