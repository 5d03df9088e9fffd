//! Telling receivers. What is due is taken from the store, attempted, and settled there: delivered, to be tried again
//! after a while, or dead after [`MOST_ATTEMPTS`]. A crash in between means that somebody is told twice, never that
//! nobody is.

mod mail;
mod message;
mod syslog;
mod webhook;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use portcullis_config::{Alerts as Settings, Receiver};
use portcullis_store::StoreError;
use portcullis_store::alerts::Alerts;
use portcullis_store::alerts::delivery::Delivery;
use tokio::sync::{Notify, watch};

pub use self::message::Message;
use super::engine::{Counts, now_ms};

/// How often the queue is looked at when nobody calls.
const PULSE: Duration = Duration::from_secs(2);

/// How long one attempt may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// After so many failures a delivery is dead: about four hours.
pub const MOST_ATTEMPTS: u32 = 10;

/// The first wait after a failure, which doubles each time, and the longest.
const WAIT_MS: (i64, i64) = (10_000, 3_600_000);

/// How many are attempted at once.
const AT_ONCE: u32 = 4;

/// The longest reason that is kept, in characters.
const LONGEST_ERROR: usize = 300;

/// The task that tells.
pub struct Deliverer {
    settings: watch::Receiver<Arc<Settings>>,
    store: Alerts,
    counts: Arc<Counts>,
    called: Arc<Notify>,
    /// Where the console is, for links; empty where nobody has said.
    console: String,
}

impl Deliverer {
    /// Tells the receivers of `settings`.
    pub fn new(
        settings: watch::Receiver<Arc<Settings>>,
        store: Alerts,
        counts: Arc<Counts>,
        called: Arc<Notify>,
        console: String,
    ) -> Self {
        Self {
            settings,
            store,
            counts,
            called,
            console,
        }
    }

    /// Runs until it is dropped.
    pub async fn run(self) {
        loop {
            match self.store.take_due(now_ms(), AT_ONCE).await {
                Ok(due) if !due.is_empty() => {
                    let attempts = due.iter().map(|delivery| self.attempt(delivery));
                    for settled in futures_util::future::join_all(attempts).await {
                        if let Err(error) = settled {
                            tracing::warn!(%error, "a delivery could not be settled; it will be repeated");
                        }
                    }
                    continue;
                }
                Ok(_) => {}
                Err(error) => tracing::warn!(%error, "the queue of alerts cannot be read"),
            }
            let _ = tokio::time::timeout(PULSE, self.called.notified()).await;
        }
    }

    /// Attempts one delivery and writes down what became of it.
    ///
    /// # Errors
    /// When that cannot be written down.
    async fn attempt(&self, delivery: &Delivery) -> Result<(), StoreError> {
        let Some(alert) = self.store.by_id(&delivery.alert_id).await? else {
            return self
                .store
                .failed(&delivery.id, "the alert is gone", now_ms(), None)
                .await;
        };
        let settings = self.settings.borrow().clone();
        let Some(receiver) = settings.receivers.get(&delivery.receiver) else {
            return self
                .store
                .failed(
                    &delivery.id,
                    "no receiver has this name any more",
                    now_ms(),
                    None,
                )
                .await;
        };
        let message = Message::new(alert, &delivery.why, &self.console);
        let sent = match tokio::time::timeout(PATIENCE, send(receiver, &message)).await {
            Ok(sent) => sent,
            Err(_) => Err(format!("no answer for {} s", PATIENCE.as_secs())),
        };
        match sent {
            Ok(()) => {
                self.counts.delivered.fetch_add(1, Ordering::Relaxed);
                self.store.delivered(&delivery.id, now_ms()).await
            }
            Err(reason) => self.failed(delivery, &reason).await,
        }
    }

    async fn failed(&self, delivery: &Delivery, reason: &str) -> Result<(), StoreError> {
        let reason: String = reason.chars().take(LONGEST_ERROR).collect();
        self.counts.failed.fetch_add(1, Ordering::Relaxed);
        let again = wait_ms(delivery.attempts).map(|wait| now_ms().saturating_add(wait));
        if again.is_none() {
            self.counts.dead.fetch_add(1, Ordering::Relaxed);
            tracing::error!(
                receiver = delivery.receiver,
                reason,
                "an alert could not be delivered; it is on the dead-letter list"
            );
        }
        self.store
            .failed(&delivery.id, &reason, now_ms(), again)
            .await
    }
}

/// How long to wait after so many attempts; `None` after the last.
fn wait_ms(attempts: u32) -> Option<i64> {
    let doublings = attempts.saturating_sub(1).min(30);
    let wait = WAIT_MS.0.saturating_mul(1 << doublings).min(WAIT_MS.1);
    (attempts < MOST_ATTEMPTS).then_some(wait)
}

/// Sends a message; `Err` says why it did not arrive, in words that hold no secret.
async fn send(receiver: &Receiver, message: &Message) -> Result<(), String> {
    if let Some(settings) = &receiver.webhook {
        webhook::send(settings, message).await
    } else if let Some(settings) = &receiver.email {
        mail::send(settings, message).await
    } else if let Some(settings) = &receiver.syslog {
        syslog::send(settings, message).await
    } else {
        Err("the receiver has no address".to_owned())
    }
}

#[cfg(test)]
mod tests;
